"""What one column is: its kind, range, categories and dtype, learned from its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.schema._values import dtype_name, is_categorical, is_missing, is_numeric, numbers_of

__all__ = ["Column", "learn_column"]

LARGEST_EXACT_INTEGER = 2**53  # above it float64 skips integers


@dataclass(frozen=True)
class Column:
    """One column of the table as it was seen in `Schema.fit`.

    Parameters
    ----------
    name : str or int
        The name of the column in a DataFrame, or its position in an array.
    kind : {"continuous", "nominal"}
        Whether the column holds numbers or categories.
    dtype : str
        The dtype of the column in the table, which decoding gives back.
    low, high : float
        The range of the values seen, missing values left out; 0 and 0 when there are no others.
    integer : bool
        Whether all values seen are whole numbers.
    missing : bool
        Whether some value was missing.
    categories : tuple
        The categories in the order of their codes; empty for a continuous column.
    ordered : bool
        Whether the categories of a pandas categorical are ordered; only decoding uses it.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import Schema
    >>> column = Schema().fit(pd.DataFrame({"job": ["cook", "clerk", None]})).columns_[0]
    >>> column.kind, column.categories, column.missing
    ('nominal', ('clerk', 'cook'), True)
    """

    name: object
    kind: str
    dtype: str
    low: float = 0.0
    high: float = 0.0
    integer: bool = False
    missing: bool = False
    categories: tuple = ()
    ordered: bool = False


def learn_column(name, values, kind) -> Column:
    """Learn a column from its values; the kind is inferred from them when `kind` is None."""
    refuse_nul(name, "column names")
    dtype = dtype_name(values)
    if dtype.startswith(("datetime", "timedelta", "period", "interval")):
        raise TypeError(
            f"column {name!r} has dtype {dtype}: dates and intervals have no kind. "
            "Turn them into numbers (for instance days since a fixed date) first."
        )
    if kind is None:
        kind = "continuous" if is_numeric(values) else "nominal"
    if kind == "continuous":
        numbers = numbers_of(values, name)
        seen = numbers[~np.isnan(numbers)]
        integer = bool(np.all(seen == np.rint(seen)))
        if (
            integer
            and len(seen)
            and np.abs(seen).max() > LARGEST_EXACT_INTEGER
            and dtype.lower().startswith(("int", "uint"))
        ):
            raise ValueError(
                f"column {name!r} holds integers beyond 2**53, which floats cannot carry. "
                f"If they are identifiers, declare schema={{{name!r}: 'nominal'}} or drop the column."
            )
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)
        return Column(name, kind, dtype, low, high, integer, len(seen) < len(numbers))
    ordered = bool(getattr(values.dtype, "ordered", False))
    missing = is_missing(values)
    if is_categorical(values.dtype):
        categories = tuple(values.dtype.categories.tolist())
    else:
        present = np.asarray(values[~missing], dtype=object)
        for value in present:
            if hasattr(value, "isoformat") or isinstance(value, np.datetime64 | np.timedelta64):
                raise TypeError(
                    f"column {name!r} holds dates or times such as {value!r}, which have no kind. "
                    "Turn them into numbers (for instance days since a fixed date) first."
                )
            if not isinstance(value, (str, bytes, bool, int, float, np.generic)):
                raise TypeError(
                    f"column {name!r}: argument must be a string or a real number, "
                    f"got {type(value).__name__} {value!r}."
                )
        unique = set(v.item() if isinstance(v, np.generic) else v for v in present)
        categories = tuple(sorted(unique, key=lambda v: (isinstance(v, str), v)))
    for value in categories:
        refuse_nul(value, f"the categories of column {name!r}")
    return Column(name, kind, dtype, missing=bool(missing.any()), categories=categories, ordered=ordered)


def refuse_nul(text, what: str) -> None:
    """Raise ValueError for a text with a NUL character: NumPy drops it at the end, and C and ONNX stop at it."""
    if isinstance(text, str) and "\0" in text:
        raise ValueError(
            f"{what} must have no NUL character, since other languages would take {text!r} for "
            f"{text.split(chr(0))[0]!r}: replace it before fit."
        )
