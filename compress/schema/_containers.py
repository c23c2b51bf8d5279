"""The front door for tables: pandas, polars, Arrow, NumPy and records come in, and the same container goes out.

Tables stay what they are on their way to a teacher. The schema reads them as pandas columns or NumPy arrays; polars
DataFrames and Arrow tables are known through narwhals, which is imported when one of them is met.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

__all__ = [
    "as_table",
    "has_columns",
    "in_container",
    "names_of",
    "native",
    "pandas_of",
    "template_of",
]


def as_table(X, names=None):
    """Return what users pass as `X` as a DataFrame of pandas or polars, an Arrow table, or an array.

    Parameters
    ----------
    X : object
        A DataFrame, an Arrow table, an array, nested lists, or a list of dicts, one for each row.
    names : sequence of str, optional
        The columns of a known table, in whose order the columns of a list of dicts come.

    Raises
    ------
    TypeError
        `X` is sparse, or its rows are not in memory yet.
    ValueError
        `X` is a single column.

    Examples
    --------
    >>> from compress.schema import as_table
    >>> as_table([{"age": 20, "job": "cook"}, {"age": 60, "job": "clerk"}]).shape
    (2, 2)
    """
    if type(X) is np.ndarray and X.dtype.names is None:
        return X
    if hasattr(X, "iloc") and not hasattr(X, "dask"):
        return X if hasattr(X, "columns") else _refuse_one_column(X)
    if hasattr(X, "toarray"):
        kind = "array" if type(X).__name__.endswith("_array") else "matrix"
        raise TypeError(
            f"X must be a dense array or a DataFrame, got a sparse {kind}. "
            "Use X.toarray(), or reduce the columns first (for instance with TruncatedSVD)."
        )
    if isinstance(X, np.ma.MaskedArray):
        return X.filled() if not np.ma.is_masked(X) else np.where(X.mask, np.nan, X.data.astype(np.float64))
    if isinstance(X, np.ndarray) and X.dtype.names is not None:
        import pandas as pd

        return pd.DataFrame.from_records(X)
    if isinstance(X, list | tuple):
        return _of_rows(X, names)
    native(X)  # refuses lazy frames and single columns
    return X


def _of_rows(X, names):
    if len(X) and all(isinstance(row, Mapping) for row in X):
        import pandas as pd

        frame = pd.DataFrame(list(X))
        if names is not None and set(frame.columns) == set(names):
            frame = frame[list(names)]
        return frame
    array = np.asarray(X)
    if array.dtype.kind in "US" and array.ndim == 2 and not all(isinstance(v, str) for row in X for v in row):
        return np.asarray(X, dtype=object)  # NumPy would turn the numbers into strings
    return array


def native(X):
    """Return a polars DataFrame or an Arrow table as a frame of narwhals, and None for anything else."""
    if isinstance(X, np.ndarray | list | tuple) or (hasattr(X, "iloc") and not hasattr(X, "dask")):
        return None
    if _is_arrow(X):
        _refuse_twice(list(X.column_names))
    import narwhals as nw

    found = nw.from_native(X, pass_through=True, allow_series=True)
    if isinstance(found, nw.LazyFrame):
        raise TypeError(
            f"X must be a table in memory, got a lazy {type(X).__module__.split('.')[0]} {type(X).__name__}. "
            "Call its collect() or compute() first."
        )
    if isinstance(found, nw.Series):
        _refuse_one_column(X)
    return found if isinstance(found, nw.DataFrame) else None


def _refuse_one_column(X):
    raise ValueError(
        f"Expected 2D array X of shape (n_rows, n_columns), got 1D array instead: a {type(X).__name__}. "
        "Reshape your data: pass a table of one column, for instance X.to_frame()."
    )


def has_columns(X) -> bool:
    """Return whether the columns of a table have names: it is a DataFrame of pandas or polars, or an Arrow table.

    Parameters
    ----------
    X : table
        The table.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from compress.schema import has_columns
    >>> has_columns(pd.DataFrame({"age": [20]})), has_columns(np.eye(2))
    (True, False)
    """
    return hasattr(X, "iloc") or native(X) is not None


def names_of(X) -> list | None:
    """Return the checked column names of a table, or None where columns have no names.

    Parameters
    ----------
    X : table
        The table.

    Raises
    ------
    TypeError
        A name is neither text nor a number, or columns have several levels of names.
    ValueError
        Two columns have the same name.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from compress.schema import names_of
    >>> names_of(pd.DataFrame({"age": [20]})), names_of(np.eye(2))
    (['age'], None)
    """
    if not has_columns(X):
        return None
    if getattr(getattr(X, "columns", None), "nlevels", 1) > 1:
        raise TypeError(
            f"X must have one name for each column, got a MultiIndex of {X.columns.nlevels} levels. Join the levels "
            "first: X.columns = ['_'.join(map(str, levels)) for levels in X.columns]."
        )
    names = list(X.columns) if hasattr(X, "iloc") else list(native(X).columns)
    for name in names:
        if not isinstance(name, str | int | float | np.number) or name != name:
            raise TypeError(
                f"X must have column names that are strings or numbers, got {name!r} of type {type(name).__name__}. "
                "Turn them into text first: X.columns = X.columns.map(str)."
            )
    _refuse_twice(names)
    return names


def _refuse_twice(names: list) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"X must have unique column names, got {twice!r} more than once.")


# ------------------------------------------------------------------ to pandas
def pandas_of(X):
    """Return a polars DataFrame or an Arrow table as a pandas DataFrame, and anything else as it is.

    Parameters
    ----------
    X : table
        The table.

    Raises
    ------
    TypeError
        A column holds dates.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from compress.schema import pandas_of
    >>> type(pandas_of(pa.table({"age": [20]}))).__name__
    'DataFrame'
    """
    frame = native(X)
    if frame is None:
        return X
    import pandas as pd

    names = names_of(X)
    columns = {j: _pandas_column(frame[name], name) for j, name in enumerate(names)}
    made = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), copy=False)
    made.columns = names
    return made


def _pandas_column(values, name: str):
    """Return a narwhals column as a pandas or NumPy array that the schema reads; missing is NaN, None or NA."""
    import narwhals as nw
    import pandas as pd

    dtype = values.dtype
    if dtype.is_temporal():
        raise TypeError(
            f"column {name!r} has dtype {dtype}: dates and intervals have no kind. "
            "Turn them into numbers (for instance days since a fixed date) first."
        )
    if dtype.is_decimal() or dtype in (nw.Int128, nw.UInt128):
        return values.cast(nw.Float64).to_numpy()
    if dtype.is_float():
        return values.to_numpy()
    if dtype.is_integer() or dtype == nw.Boolean:
        if not values.null_count():
            return values.to_numpy()
        plain, missing = values.fill_null(False if dtype == nw.Boolean else 0).to_numpy(), values.is_null().to_numpy()
        kind = pd.arrays.BooleanArray if dtype == nw.Boolean else pd.arrays.IntegerArray
        return kind(np.array(plain), np.array(missing))
    if dtype == nw.Enum:
        return pd.Categorical(values.to_list(), categories=list(dtype.categories), ordered=True)
    cells = np.empty(len(values), dtype=object)
    cells[:] = values.to_list()
    if dtype in (nw.String, nw.Categorical) and values.null_count() == len(values):
        return pd.array(cells, dtype="string")  # a bare array of None would pass for numbers
    return cells


# ------------------------------------------------------------------ and back
def template_of(X):
    """Return a table of the same container, columns and dtypes without rows; None for arrays."""
    if hasattr(X, "iloc"):
        return X.iloc[:0].copy()
    if native(X) is None:
        return None
    return X.schema.empty_table() if _is_arrow(X) else X.clear()


def in_container(frame, template):
    """Return a pandas DataFrame in the container and the dtypes of a template of the same columns.

    Columns of whole numbers that hold fractions stay columns of fractions.
    """
    if hasattr(template, "iloc"):
        frame.columns = template.columns
        return frame
    made = [_native_column(frame.iloc[:, j], template, j) for j in range(frame.shape[1])]
    if not _is_arrow(template):
        return type(template)(made)
    import pyarrow as pa

    fields = [template.schema.field(j).with_type(column.type) for j, column in enumerate(made)]
    return pa.Table.from_arrays(made, schema=pa.schema(fields, template.schema.metadata))


def _native_column(values, template, j: int):
    """Return a pandas column as column `j` of a polars DataFrame or an Arrow table."""
    missing = values.isna().to_numpy()
    if _is_arrow(template):
        import pyarrow as pa

        dtype = template.schema.field(j).type
        if pa.types.is_decimal(dtype):
            return pa.array(_decimals(values, missing, dtype.scale), type=dtype)
        if values.dtype.kind == "f" and not pa.types.is_floating(dtype):
            dtype = pa.float64()
        cells = _cells(values, missing)
        return pa.array(cells, type=dtype, mask=missing if isinstance(cells, np.ndarray) else None)
    import polars as pl

    name, dtype = template.columns[j], template.dtypes[j]
    if dtype.is_decimal():
        return pl.Series(name, _decimals(values, missing, dtype.scale), dtype=dtype)
    if values.dtype.kind == "f" and not dtype.is_float():
        dtype = pl.Float64
    cells = _cells(values, missing)
    if not isinstance(cells, np.ndarray):
        return pl.Series(name, cells, dtype=dtype)
    made = pl.Series(name, cells).cast(dtype)
    return made.fill_nan(None) if dtype.is_float() else made


def _cells(values, missing):
    """Return numbers as a NumPy array without holes, and anything else as a list with None for what is missing."""
    if values.dtype.kind in "iu" and missing.any():
        return [None if gap else int(value) for value, gap in zip(values, missing)]
    if values.dtype.kind in "fiu":
        return values.to_numpy()
    return [None if gap else value for value, gap in zip(values.tolist(), missing)]


def _decimals(values, missing, scale: int) -> list:
    return [None if gap else round(Decimal(float(v)), scale) for v, gap in zip(values, missing)]


def _is_arrow(X) -> bool:
    return hasattr(X, "num_rows") and hasattr(X, "column_names")
