"""Rows of tables: some of them, and two tables one below the other."""

from __future__ import annotations

import numpy as np

__all__ = ["stack_tables", "take"]


def take(X, rows):
    """Rows of a DataFrame or array."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def stack_tables(first, second):
    """The rows of two tables with the same columns, one below the other."""
    if hasattr(first, "iloc"):
        import pandas as pd

        if not hasattr(second, "iloc") or list(second.columns) != list(first.columns):
            raise ValueError(
                f"all rows must have the columns of X, {list(first.columns)}; "
                f"got {list(second.columns) if hasattr(second, 'iloc') else type(second).__name__}."
            )
        return pd.concat([first, second], ignore_index=True)
    if np.ndim(second) != 2 or np.shape(second)[1] != np.shape(first)[1]:
        raise ValueError(
            f"all rows must have the {np.shape(first)[1]} columns of X, got an array of shape {np.shape(second)}."
        )
    return np.concatenate([first, second])
