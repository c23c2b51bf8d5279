"""Checks of the schema in a file: a stranger may have written it."""

from __future__ import annotations

import math
import re
from dataclasses import fields

import numpy as np

from compress.schema._column import Column
from compress.schema._plain import COLUMN_ARRAYS, expanded, n_columns_of

__all__ = ["check_schema", "check_values", "described_classes", "is_number", "must", "shown"]

LONGEST_DTYPE = 200  # characters of its name
LARGEST_ITEM = 2**18  # bytes of one value of an array: strings of 65,536 characters
COLUMN_KEYS = {field.name for field in fields(Column)}
SCALARS = (str, int, float, bool)
EXTENSIONS = re.compile(r"category|object|boolean|str(ing)?|U?Int(8|16|32|64)|Float(32|64)|[A-Za-z]\w*[\[<(].*\]")


def must(condition: bool, name: str, rule: str, value) -> None:
    """Raise ValueError, which names the entry of the file, the rule and the value, unless the condition holds.

    Parameters
    ----------
    condition : bool
        Whether the entry is right.
    name : str
        The name of the entry.
    rule : str
        What it must be.
    value : object
        What it is.
    """
    if not condition:
        raise ValueError(f"{name} must be {rule}, got {shown(value)}")


def is_number(value) -> bool:
    """Return whether a value of JSON is a number, which true and false are not.

    Parameters
    ----------
    value : object
        The value.

    Examples
    --------
    >>> from compress.schema import is_number
    >>> is_number(3), is_number(0.5), is_number(True), is_number("3")
    (True, True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value) -> str:
    """Return the start of a value as text; a number of a million digits is not written out."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def check_values(values, name: str) -> None:
    """Check categories or classes: a list of different texts, finite numbers or booleans.

    Parameters
    ----------
    values : object
        What the file says.
    name : str
        The name of the entry.

    Examples
    --------
    >>> from compress.schema import check_values
    >>> check_values(["cook", "clerk"], "categories")
    >>> check_values(["cook", "cook"], "categories")
    Traceback (most recent call last):
        ...
    ValueError: categories must be different from each other, got a list of 2
    """
    must(isinstance(values, list), name, "a list", values)
    for value in values:
        must(isinstance(value, SCALARS), name, "a list of texts, numbers and booleans", value)
        must(not isinstance(value, float) or math.isfinite(value), name, "finite", value)
    must(len(set(values)) == len(values), name, "different from each other", values)


def described_classes(plain) -> np.ndarray:
    """Return classes of a file, an object of `dtype` and `values`, in their dtype.

    Parameters
    ----------
    plain : object
        What the file says.

    Raises
    ------
    ValueError
        It does not describe at least two classes.

    Examples
    --------
    >>> from compress.schema import described_classes
    >>> described_classes({"dtype": "<U3", "values": ["no", "yes"]})
    array(['no', 'yes'], dtype='<U3')
    """
    must(isinstance(plain, dict) and plain.keys() == {"dtype", "values"}, "classes", "an object of two entries", plain)
    values, text = plain["values"], plain["dtype"]
    check_values(values, "classes")
    must(len(values) >= 2, "classes", "at least two", values)
    must(isinstance(text, str) and len(text) <= 40, "classes.dtype", "the name of a dtype", text)
    try:
        dtype = np.dtype(text)
    except Exception:  # NumPy parses these texts, and has many errors for them
        dtype = None
    must(dtype is not None and dtype.kind in "biufUO", "classes.dtype", "a dtype of classes", text)
    of = {"b": bool, "i": int, "u": int, "f": (int, float), "U": str, "O": (str, int, float, bool)}[dtype.kind]
    for value in values:
        fits = isinstance(value, of) and (dtype.kind in "bO" or not isinstance(value, bool))
        must(fits, "classes", f"of dtype {text}", value)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        must(limits.min <= min(values) and max(values) <= limits.max, "classes", f"in the range of {text}", values)
    longest = max(map(len, values)) if dtype.kind == "U" else 0
    # a dtype for long texts takes its memory for each class
    must(dtype.itemsize <= max(4 * longest, 1024), "classes.dtype", "no larger than its texts", text)
    must(dtype.kind != "U" or longest <= dtype.itemsize // 4, "classes.dtype", "long enough for its texts", text)
    return np.array(values, dtype=dtype)


def check_schema(plain) -> None:
    """Check what `Schema.from_dict` gets; the columns may be as many as the file has text for.

    Parameters
    ----------
    plain : object
        What the file says.

    Raises
    ------
    ValueError
        Something is not as `Schema.to_dict` writes it.
    """
    must(isinstance(plain, dict), "schema", "an object", plain)
    must(plain.keys() == {"is_frame", "array_dtype", "dtype", "columns"}, "schema", "of four entries", plain)
    must(isinstance(plain["is_frame"], bool), "schema.is_frame", "true or false", plain["is_frame"])
    must(plain["dtype"] in ("float32", "float64"), "schema.dtype", "float32 or float64", plain["dtype"])
    array = plain["array_dtype"]
    if plain["is_frame"]:
        must(array is None, "schema.array_dtype", "null for a DataFrame", array)
    else:
        must(isinstance(array, str), "schema.array_dtype", "the name of a dtype", array)
        must(_numpy_dtype(array) is not None, "schema.array_dtype", "a dtype of tables", array)
    columns = plain["columns"]
    if isinstance(columns, dict):
        _check_arrays(columns)
    must(isinstance(columns, list | dict) and len(columns) > 0, "schema.columns", "not empty", columns)
    columns = expanded(columns)
    for j, column in enumerate(columns):
        must(isinstance(column, dict), f"schema.columns[{j}]", "an object", column)
        _check_column(column, f"schema.columns[{j}]", frame=plain["is_frame"])
    names = [column["name"] for column in columns]
    must(len(set(names)) == len(names), "the names of the columns", "different from each other", names)


def _check_arrays(arrays: dict) -> None:
    """Check that arrays of attributes belong together, before there is an object for each column."""
    must(arrays.keys() <= COLUMN_ARRAYS, "schema.columns", f"an object of {', '.join(sorted(COLUMN_ARRAYS))}", arrays)
    for key in ("low", "high", "categories"):
        must(isinstance(arrays.get(key, []), list), f"schema.columns.{key}", "a list", arrays.get(key))
    low, high = (len(arrays.get(key, [])) for key in ("low", "high"))
    must(low == high, "schema.columns.high", f"as long as low, {low}", high)
    n = n_columns_of(arrays)
    dtype, names = arrays.get("dtype"), arrays.get("name", [None] * n)
    right = isinstance(dtype, str) or (isinstance(dtype, list) and len(dtype) == n)
    must(right, "schema.columns.dtype", f"one text, or a list of {n}", dtype)
    must(isinstance(names, list) and len(names) == n, "schema.columns.name", f"a list of {n}", names)
    for key in ("nominal", "integer", "missing", "ordered"):
        at = arrays.get(key, [])
        right = at is True or (isinstance(at, list) and all(type(j) is int and 0 <= j < n for j in at))
        must(right, f"schema.columns.{key}", f"true, or positions below {n}", at)
        must(at is True or sorted(set(at)) == at, f"schema.columns.{key}", "ascending", at)
    nominal, described = arrays.get("nominal", []), len(arrays.get("categories", []))
    n_nominal = n if nominal is True else len(nominal)
    must(n_nominal == described, "schema.columns.categories", f"those of {n_nominal} nominal columns", described)


def _check_column(column: dict, where: str, *, frame: bool) -> None:
    must(column.keys() == COLUMN_KEYS, where, f"an object of {', '.join(sorted(COLUMN_KEYS))}", column)
    name, dtype = column["name"], column["dtype"]
    must(isinstance(name, str | int | float) and name == name, f"{where}.name", "a text or a number", name)
    must(column["kind"] in ("continuous", "nominal"), f"{where}.kind", "continuous or nominal", column["kind"])
    must(isinstance(dtype, str) and len(dtype) <= LONGEST_DTYPE, f"{where}.dtype", "the name of a dtype", dtype)
    known = _numpy_dtype(dtype) is not None or (frame and EXTENSIONS.fullmatch(dtype) and not _is_numpy(dtype))
    must(bool(known), f"{where}.dtype", "a dtype of columns", dtype)
    for key in ("integer", "missing", "ordered"):
        must(isinstance(column[key], bool), f"{where}.{key}", "true or false", column[key])
    low, high = column["low"], column["high"]
    for key, value in (("low", low), ("high", high)):
        must(is_number(value) and _is_finite(value), f"{where}.{key}", "a finite number", value)
    must(low <= high, f"{where}.low", "at most high", low)
    check_values(column["categories"], f"{where}.categories")
    if column["kind"] == "continuous":
        must(not column["categories"], f"{where}.categories", "empty for numbers", column["categories"])


def _is_finite(value) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the range of floats
        return False


def _numpy_dtype(text: str) -> np.dtype | None:
    """Return the plain dtype of NumPy that a text names, of values that are not too large."""
    try:
        dtype = np.dtype(text)
    except Exception:  # NumPy parses these texts, and has many errors for them
        return None
    small = dtype.itemsize <= LARGEST_ITEM and dtype.fields is None and dtype.subdtype is None
    return dtype if small and dtype.kind in "fiubOUS" else None


def _is_numpy(text: str) -> bool:
    try:
        np.dtype(text)
    except Exception:
        return False
    return True
