"""Rows of tables: selecting some of them, and stacking two tables."""

from __future__ import annotations

import numpy as np

__all__ = ["stack_tables", "take"]


def take(X, rows):
    """Return some rows of a table.

    Parameters
    ----------
    X : DataFrame or array of shape (n_rows, n_columns)
        The table.
    rows : int array, bool array or slice
        The rows to return.
    """
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def stack_tables(first, second):
    """Return the rows of one table followed by those of another with the same columns.

    Parameters
    ----------
    first : DataFrame or array of shape (n_first, n_columns)
        The rows that come first.
    second : DataFrame or array of shape (n_second, n_columns)
        The rows that come after them.

    Raises
    ------
    ValueError
        The two tables have different columns.
    """
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
