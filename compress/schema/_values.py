"""The values of one column: whether they are numbers, which are missing, and how messages show them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

__all__ = [
    "dtype_name",
    "exact_in_float32",
    "is_categorical",
    "is_missing",
    "is_numeric",
    "listed",
    "numbers_of",
    "plain",
]

REAL = (int, float, np.number, Decimal, Fraction)  # the types of the numbers in a column of objects


def dtype_name(values) -> str:
    """Return the name under which a column remembers its dtype."""
    return str(values.dtype)


def is_categorical(dtype) -> bool:
    """Whether a dtype is that of pandas categoricals."""
    return hasattr(dtype, "categories")


def is_numeric(values) -> bool:
    """Whether a column holds numbers, booleans left out; an object column may hold numbers too."""
    dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    if kind in "fiu":
        return not is_categorical(dtype)
    if kind == "O" and dtype_name(values) == "object":
        if any(isinstance(v, str) for v in values[:1]):  # the usual case, without a look at all values
            return False
        present = values[~is_missing(values)]
        return all(isinstance(v, REAL) and not isinstance(v, bool) for v in present)
    return dtype_name(values).startswith("decimal")


def is_missing(values) -> np.ndarray:
    """Return a mask of the missing values: None, NaN, and pandas' NA and NaT.

    Parameters
    ----------
    values : Series, pandas array or ndarray of shape (n_rows,)
        The values of one column.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import is_missing
    >>> is_missing(pd.Series(["cook", None]))
    array([False,  True])
    """
    if hasattr(values, "isna"):
        return np.asarray(values.isna())
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        import pandas as pd

        return np.asarray(pd.isna(values))
    return np.zeros(len(values), dtype=bool)


def numbers_of(values, name) -> np.ndarray:
    """Return a continuous column as float64 numbers, NaN where missing.

    Parameters
    ----------
    values : Series, pandas array or ndarray of shape (n_rows,)
        The values of the column.
    name : str or int
        The name of the column, for error messages.

    Raises
    ------
    ValueError
        A value is infinite or not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import numbers_of
    >>> numbers_of(pd.Series([20, None]), "age")
    array([20., nan])
    """
    try:
        if hasattr(values, "to_numpy"):
            numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        elif values.dtype.kind == "O":
            numbers = np.where(is_missing(values), np.nan, values).astype(np.float64)
        else:
            numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"column {name!r} must hold numbers, since it is continuous; got dtype {dtype_name(values)}. "
            f"Declare schema={{{name!r}: 'nominal'}} before fit if its values are categories."
        ) from None
    if np.isinf(numbers).any():
        raise ValueError(
            f"Input X contains infinity: column {name!r} must be finite or NaN (missing). "
            "Replace infinite values by NaN or by a bound."
        )
    return numbers


def exact_in_float32(numbers: np.ndarray) -> bool:
    """Whether float32 holds all of the numbers to the last bit."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(numbers.astype(np.float32), numbers, equal_nan=True))


def plain(value):
    """Return a NumPy scalar as Python's own type, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def listed(values, most: int = 8) -> str:
    """Return the first few values as text for an error message."""
    values = [repr(plain(v)) for v in values]
    return ", ".join(values[:most]) + (f", ... ({len(values)} in all)" if len(values) > most else "")
