"""Rows of tables: selecting some of them, and stacking two tables."""

from __future__ import annotations

import numpy as np

from compress.schema._containers import as_table, in_container, names_of, native, pandas_of

__all__ = ["columns_taken", "stack_tables", "take"]


def take(X, rows):
    """Return some rows of a table.

    Parameters
    ----------
    X : DataFrame or array of shape (n_rows, n_columns)
        The table.
    rows : int array, bool array or slice
        The rows to return.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import take
    >>> take(pd.DataFrame({"age": [20, 40, 60]}), [2, 0]).age.tolist()
    [60, 20]
    """
    if isinstance(X, np.ndarray):
        return X[rows]
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    frame = native(X)
    if frame is None:
        return X[rows]
    if not isinstance(rows, slice) or rows.step not in (None, 1):
        rows = np.arange(len(frame))[rows]  # positions, of masks too
    return frame[rows].to_native()


def columns_taken(X, names: list):
    """Return the named columns of a DataFrame or an Arrow table, in this order.

    Parameters
    ----------
    X : DataFrame or Arrow table
        The table.
    names : list of str
        The columns to return.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import columns_taken
    >>> list(columns_taken(pd.DataFrame({"age": [20], "job": ["cook"]}), ["job"]))
    ['job']
    """
    return X[names] if hasattr(X, "iloc") else native(X).select(names).to_native()


def stack_tables(first, second):
    """Return the rows of one table followed by those of another with the same columns.

    Parameters
    ----------
    first : DataFrame or array of shape (n_first, n_columns)
        The rows that come first; the result has their container.
    second : DataFrame or array of shape (n_second, n_columns)
        The rows that come after them.

    Raises
    ------
    ValueError
        The two tables have different columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import stack_tables
    >>> stack_tables(pd.DataFrame({"age": [20]}), pd.DataFrame({"age": [60]})).age.tolist()
    [20, 60]
    """
    first = as_table(first)
    names = names_of(first)
    second = as_table(second, names)
    if names is not None:
        others = names_of(second)
        if others != names:
            raise ValueError(
                f"all rows must have the columns of X, {names}; "
                f"got {type(second).__name__ if others is None else others}."
            )
        return _stacked_frames(first, second)
    if np.ndim(second) != 2 or np.shape(second)[1] != np.shape(first)[1]:
        raise ValueError(
            f"all rows must have the {np.shape(first)[1]} columns of X, got an array of shape {np.shape(second)}."
        )
    return np.concatenate([first, second])


def _stacked_frames(first, second):
    if hasattr(first, "iloc"):
        import pandas as pd

        return pd.concat([first, pandas_of(second)], ignore_index=True)
    if type(second) is not type(first):
        second = in_container(pandas_of(second), first)
    if hasattr(first, "num_rows"):
        import pyarrow as pa

        return pa.concat_tables([first, second], promote_options="permissive")
    import polars as pl

    return pl.concat([first, second], how="vertical_relaxed")
