"""The difference between the predictions of an exported model and those of the student."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Exported", "TOLERANCE", "check_close", "compared"]

ROUNDINGS = 8  # of float32 that a value goes through
TOLERANCE = 1e-5  # of probabilities; of values, in standard deviations of the training targets


@dataclass(frozen=True)
class Exported:
    """An exported file, and how far its predictions are from those of the student.

    Parameters
    ----------
    path : Path
        The path of the file.
    precision : {"float32", "float16", "int8"}
        The number type in which the file stores large weights.
    bytes : int
        The size of the file.
    n_rows : int, default=0
        The number of rows on which the file was compared with the student; 0 when it was not compared.
    max_difference, rmse : float, default=nan
        The largest and the root mean square difference of the predictions, which are probabilities, or values in their
        own unit.
    agreement : float or None, default=None
        The share of the rows with the same most probable class; None for regression.
    """

    path: Path
    precision: str
    bytes: int
    n_rows: int = 0
    max_difference: float = float("nan")
    rmse: float = float("nan")
    agreement: float | None = None


def check_close(expected: np.ndarray, found: np.ndarray, tolerance, shift) -> None:
    """Raise ArithmeticError unless predictions agree to `tolerance`, and to what float32 rounds at their size.

    `tolerance` is of each output, or of all; `shift` is what was added to the outputs in float64.
    """
    expected, found = expected.reshape(len(expected), -1), found.reshape(len(found), -1).astype(np.float64)
    rounded = ROUNDINGS * np.finfo(np.float32).eps * np.abs(expected - shift)
    difference = np.abs(expected - found)
    wrong = ~(difference <= tolerance + rounded)  # "not <=" catches NaN too
    if wrong.any():
        worst = np.unravel_index(np.argmax(np.where(wrong, np.nan_to_num(difference, nan=np.inf), -1)), wrong.shape)
        allowed = np.broadcast_to(tolerance, wrong.shape)[worst]
        raise ArithmeticError(
            f"the ONNX model must give the student's predictions to {allowed:g}, but differs by {difference[worst]:g} "
            f"in {int(wrong.any(axis=1).sum())} of {len(wrong)} rows, worst in row {int(worst[0])}. Inputs far "
            "outside the training range can do this; pass other rows as X, or check=False."
        )


def compared(expected: np.ndarray, found: np.ndarray, output_activation: str) -> dict:
    """Return the measures of `Exported` between two arrays of predictions."""
    expected, found = expected.reshape(len(expected), -1), found.reshape(len(found), -1).astype(np.float64)
    difference = expected - found
    agreement = (
        None if output_activation == "identity" else float(np.mean(expected.argmax(axis=1) == found.argmax(axis=1)))
    )
    return {
        "n_rows": len(expected),
        "max_difference": float(np.abs(difference).max()),
        "rmse": float(np.sqrt(np.mean(difference**2))),
        "agreement": agreement,
    }
