"""One column to codes, and from numbers or codes back to the dtype and categories it came with."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np

from compress.schema._column import Column
from compress.schema._values import is_categorical, is_missing, listed

__all__ = ["codes_of", "restore_categories", "restore_numbers", "within"]


def codes_of(values, column: Column, unseen: str) -> np.ndarray:
    """Return the codes of a nominal column, -1 where missing; `unseen` is as in `Schema.encode`."""
    import pandas as pd

    index = pd.Index(column.categories, dtype=object)
    missing = is_missing(values)
    if is_categorical(values.dtype):
        # codes of the few categories, then a look-up: far cheaper than hashing each row
        lookup = index.get_indexer(pd.Index(values.dtype.categories, dtype=object))
        raw = np.asarray(values.cat.codes if hasattr(values, "cat") else values.codes)
        codes = np.append(lookup, -1)[raw]
    else:
        codes = index.get_indexer(pd.Index(np.asarray(values, dtype=object), dtype=object))
        codes[missing] = -1
    unknown = (codes < 0) & ~missing
    if unseen == "error" and unknown.any():
        value = np.asarray(values, dtype=object)[int(np.argmax(unknown))]
        raise ValueError(
            f"column {column.name!r} holds the category {value!r}, which was not there in fit "
            f"(known: {listed(column.categories)})."
        )
    return codes


def restore_numbers(numbers, column: Column, round_integers: bool):
    """Return a continuous column in its own dtype; `round_integers` is as in `Schema.decode`."""
    import pandas as pd

    dtype = column.dtype
    if dtype.lower().startswith(("int", "uint")) and not round_integers:
        return np.asarray(numbers, dtype=np.float64)
    if dtype.startswith("decimal"):
        return _decimals(numbers, dtype)
    if dtype.startswith(("Int", "UInt", "Float")) or "[" in dtype:
        plain = dtype.lower().split("[")[0]
        if "[" not in dtype or plain.startswith(("int", "uint")):
            numbers = within(numbers, np.dtype(plain))
        return pd.array(pd.array(np.asarray(numbers, dtype=np.float64), dtype="Float64"), dtype=dtype)
    return within(numbers, np.dtype(dtype)).astype(dtype, copy=False)


def _decimals(numbers, dtype: str):
    """Return numbers as pandas' decimals of Arrow, rounded to the places of a dtype such as decimal128(10, 2)."""
    import pandas as pd
    import pyarrow as pa

    width, digits, places = map(int, re.findall(r"\d+", dtype))
    kind = {128: pa.decimal128, 256: pa.decimal256}[width](digits, places)
    values = [None if v != v else round(Decimal(v), places) for v in np.asarray(numbers, dtype=np.float64).tolist()]
    return pd.Series(pd.array(values, dtype=pd.ArrowDtype(kind)))


def restore_categories(codes, column: Column, dtype=None):
    """Return a nominal column of a DataFrame in its own dtype, which `column` knows by its name only."""
    import pandas as pd

    categories = pd.Index(column.categories, dtype=object)
    if column.dtype == "category":
        dtype = pd.CategoricalDtype(pd.Index(list(column.categories)), ordered=column.ordered)
        return pd.Categorical.from_codes(codes, dtype=dtype)
    values = np.append(np.asarray(categories, dtype=object), None if column.dtype == "object" else pd.NA)
    taken = values[codes]
    if column.dtype.startswith(("float", "int", "uint")) or column.dtype == "bool":
        return (
            pd.Series(taken).replace({pd.NA: np.nan}).astype(column.dtype).array
            if column.missing
            else taken.astype(column.dtype)
        )
    if "[pyarrow]" in column.dtype and dtype is None:
        try:
            dtype = pd.api.types.pandas_dtype(column.dtype)
        except (TypeError, ValueError):  # pandas does not read all the names that it writes
            dtype = object
    # a Series, since pandas would infer strings from a bare array of objects
    return pd.Series(taken, dtype=column.dtype if dtype is None else dtype)


def within(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Make numbers ready for `astype(dtype)`: rounded for integer dtypes, and clipped to the range of the dtype.

    Generated values may lie outside the training range; 257 must not become 1 in a uint8 column.
    """
    if dtype.kind in "iu":
        low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
        if high > np.iinfo(dtype).max:  # 2**63 - 1 is not a float64, and the next float64 is too large
            high = np.nextafter(high, 0)
        return np.clip(np.rint(numbers, dtype=np.float64), low, high)
    if dtype.kind == "f" and dtype.itemsize < numbers.dtype.itemsize:
        return np.clip(numbers, np.finfo(dtype).min, np.finfo(dtype).max)
    return numbers
