"""Original rows and generated ones: how many there are, and whose targets come first."""

from __future__ import annotations

import numbers

import numpy as np

__all__ = ["n_generated", "with_original"]


def n_generated(n_real: int, n_rows: int | None, generator) -> int:
    """Return how many rows have to be generated; raise ValueError where `n_rows` is not possible."""
    n_rows = n_real if n_rows is None else n_rows
    if not isinstance(n_rows, numbers.Integral) or isinstance(n_rows, bool):
        raise TypeError(f"n_rows must be an integer or None, got {n_rows!r}.")
    if n_rows < n_real:
        raise ValueError(f"n_rows counts the real rows too and must be at least {n_real}, got {n_rows}.")
    if n_rows > n_real and generator is None:
        raise ValueError(f"n_rows={n_rows} asks for {n_rows - n_real} generated rows: pass a generator.")
    return n_rows - n_real


def with_original(original: np.ndarray, targets: np.ndarray, n_original: int) -> np.ndarray:
    """Put given targets of the original rows before the teacher's answers for the others."""
    if original.shape != (n_original, *targets.shape[1:]):
        raise ValueError(
            f"original_targets must have the shape of the teacher's answers for X, {(n_original, *targets.shape[1:])}, "
            f"got {original.shape}."
        )
    return np.concatenate([original, targets])
