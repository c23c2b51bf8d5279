"""The kinds of targets that a transfer set has."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

__all__ = ["KINDS", "as_probabilities"]

KINDS = ("probabilities", "logits", "values")


def as_probabilities(kind: str, targets: np.ndarray) -> np.ndarray:
    """Return targets as class probabilities, float32 of shape (n_rows, n_classes).

    Parameters
    ----------
    kind : {"probabilities", "logits", "values"}
        What the targets are.
    targets : float array of shape (n_rows, n_classes)
        The targets.

    Raises
    ------
    ValueError
        They are the values of a regression.
    """
    if kind == "values":
        raise ValueError("the targets of a regression have no probabilities.")
    if kind == "probabilities":
        return np.ascontiguousarray(targets, dtype=np.float32)
    return softmax(targets.astype(np.float32, copy=False), axis=1)
