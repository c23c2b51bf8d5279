"""Schema: what the columns of a table are, and the two plain blocks that everything else computes on.

A table comes in as a pandas DataFrame or a NumPy array and is *encoded* to two blocks,

    continuous : float array of shape (n_rows, n_continuous), NaN where missing
    nominal    : int32 array of shape (n_rows, n_nominal), codes from 0, -1 where missing

and *decoded* back to the container, column order, dtypes and categories it came with. Generators,
teachers and students see the blocks only, so that none of them has to know about pandas.

The continuous block is float32 when every training value is exactly a float32 (all data of small
integers, all float32 data) and float64 otherwise, so that decoding an encoded table gives the
values back to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

__all__ = ["Column", "Encoded", "Schema", "as_schema"]

KINDS = ("continuous", "nominal")
LARGEST_EXACT_INTEGER = 2**53  # above it float64 skips integers


class Encoded(NamedTuple):
    """A table as two blocks of the same number of rows; see the module's docstring."""

    continuous: np.ndarray
    nominal: np.ndarray

    def take(self, rows) -> Encoded:
        """The rows named by an index array, a mask or a slice."""
        return Encoded(self.continuous[rows], self.nominal[rows])

    @property
    def n_rows(self) -> int:
        """Number of rows of both blocks."""
        return len(self.continuous)


@dataclass(frozen=True)
class Column:
    """One column of the table as it was seen in `Schema.fit`.

    Parameters
    ----------
    name : str or int
        Column name of a DataFrame, position in an array.
    kind : {"continuous", "nominal"}
    dtype : str
        The dtype it came with, and goes back to.
    low, high : float
        Range of the values seen, missing ones left out; 0 and 0 if there were none.
    integer : bool
        All values seen are whole numbers.
    missing : bool
        Some value was missing.
    categories : tuple
        The categories in the order of their codes; empty for a continuous column.
    ordered : bool
        The categories are ordered (pandas categoricals; carried along only).
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


class Schema:
    """Kinds, ranges, categories and dtypes of a table's columns.

    Numeric columns are continuous; booleans, strings, objects and pandas categoricals are nominal.

    Parameters
    ----------
    kinds : mapping of column to {"continuous", "nominal"}, optional
        Overrides what is inferred, for the columns named. Keys are column names of a DataFrame or
        column positions of an array. Integer codes of categories need this: nothing in the data
        tells them from counts.

    Attributes
    ----------
    columns_ : list of Column
    continuous_, nominal_ : int arrays
        Positions of the continuous and of the nominal columns in the table.
    n_categories_ : int array of shape (n_nominal,)
    low_, high_ : float64 arrays of shape (n_continuous,)
        Ranges of the continuous columns.
    integer_ : bool array of shape (n_continuous,)
        Continuous columns with whole numbers only.
    dtype_ : numpy.dtype
        float32 or float64, that of the continuous block.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.5, 0.0], [2.5, 1.0], [np.nan, 1.0]])
    >>> schema = Schema({1: "nominal"}).fit(X)
    >>> continuous, nominal = schema.encode(X)
    >>> nominal.ravel()
    array([0, 1, 1], dtype=int32)
    >>> np.array_equal(schema.decode(continuous, nominal), X, equal_nan=True)
    True
    """

    def __init__(self, kinds: Mapping | None = None):
        self.kinds = kinds

    # ------------------------------------------------------------------ fit
    def fit(self, X) -> Schema:
        """Learn the columns of `X`, a DataFrame or array of shape (n_rows, n_columns).

        Raises
        ------
        TypeError
            A column of dates, or of objects that are neither numbers nor strings; sparse input.
        ValueError
            Infinite values, an unknown column or kind in `kinds`, a string column declared
            continuous, integers beyond 2**53 in a continuous column.
        """
        frame, names, values = _columns_of(X)
        kinds = self._checked_kinds(names)
        self.is_frame_ = frame
        self.array_dtype_ = None if frame else np.asarray(X).dtype
        self.columns_ = [_learn_column(n, v, kinds.get(n)) for n, v in zip(names, values)]
        self._derive()
        self.dtype_ = np.dtype(np.float32)
        blocks = [_numbers(values[j], self.columns_[j].name) for j in self.continuous_]
        if not all(_exact_in_float32(block) for block in blocks):
            self.dtype_ = np.dtype(np.float64)
        return self

    def _checked_kinds(self, names) -> dict:
        kinds = dict(self.kinds or {})
        for column, kind in kinds.items():
            if kind not in KINDS:
                raise ValueError(f"schema: the kind of column {column!r} must be one of {KINDS}, got {kind!r}.")
            if column not in names:
                raise ValueError(f"schema: there is no column {column!r} in X; its columns are {_listed(names)}.")
        return kinds

    def _derive(self) -> None:
        columns = self.columns_
        self.continuous_ = np.array([j for j, c in enumerate(columns) if c.kind == "continuous"], dtype=np.intp)
        self.nominal_ = np.array([j for j, c in enumerate(columns) if c.kind == "nominal"], dtype=np.intp)
        self.n_categories_ = np.array([len(columns[j].categories) for j in self.nominal_], dtype=np.int64)
        self.low_ = np.array([columns[j].low for j in self.continuous_], dtype=np.float64)
        self.high_ = np.array([columns[j].high for j in self.continuous_], dtype=np.float64)
        self.integer_ = np.array([columns[j].integer for j in self.continuous_], dtype=bool)

    @property
    def n_columns(self) -> int:
        """Number of columns of the table."""
        return len(self.columns_)

    @property
    def names(self) -> list:
        """Column names of a DataFrame, positions of an array."""
        return [c.name for c in self.columns_]

    # --------------------------------------------------------------- encode
    def encode(self, X, *, unseen: str = "error") -> Encoded:
        """Encode a table with the columns of the one given to `fit`, in the same order.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
        unseen : {"error", "missing"}
            What to do with categories that were not there in `fit`.

        Returns
        -------
        Encoded
            `continuous` of dtype `dtype_`, C-contiguous; `nominal` int32.

        Raises
        ------
        ValueError
            Other columns, infinite values, or unseen categories with `unseen="error"`.
        """
        if not len(self.nominal_) and (numbers := _plain_numbers(X, self.names)) is not None:
            continuous = np.ascontiguousarray(numbers, dtype=self.dtype_)
            if not np.isinf(continuous).any():  # the long way says in which column
                return Encoded(continuous, np.empty((len(continuous), 0), dtype=np.int32))
        frame, names, values = _columns_of(X)
        if len(names) != self.n_columns or (frame and self.is_frame_ and list(names) != self.names):
            raise ValueError(
                f"X must have the {self.n_columns} columns seen in fit, {_listed(self.names)}; "
                f"got {len(names)}: {_listed(names)}."
            )
        n = len(X)
        continuous = np.empty((n, len(self.continuous_)), dtype=self.dtype_)
        for k, j in enumerate(self.continuous_):
            continuous[:, k] = _numbers(values[j], self.columns_[j].name)
        nominal = np.empty((n, len(self.nominal_)), dtype=np.int32)
        for k, j in enumerate(self.nominal_):
            nominal[:, k] = _codes(values[j], self.columns_[j], unseen)
        return Encoded(continuous, nominal)

    # --------------------------------------------------------------- decode
    def decode(self, continuous: np.ndarray, nominal: np.ndarray, *, round_integers: bool = True):
        """Turn blocks back into the container, dtypes and categories of the table given to `fit`.

        With `round_integers=False` columns of integer dtype come back as float64, unrounded.
        """
        if not self.is_frame_:
            return self._decode_array(continuous, nominal, round_integers)
        import pandas as pd

        decoded = {}
        for k, j in enumerate(self.continuous_):
            decoded[j] = _restore_numbers(continuous[:, k], self.columns_[j], round_integers)
        for k, j in enumerate(self.nominal_):
            decoded[j] = _restore_categories(nominal[:, k], self.columns_[j])
        frame = pd.DataFrame({j: decoded[j] for j in range(self.n_columns)}, copy=False)
        frame.columns = self.names
        return frame

    def _decode_array(self, continuous, nominal, round_integers):
        dtype = self.array_dtype_
        if dtype.kind in "iu" and len(self.continuous_) and not round_integers:
            dtype = np.dtype(np.float64)
        continuous = _within(continuous, dtype)
        if len(self.continuous_) == self.n_columns:
            return continuous.astype(dtype, copy=False)
        out = np.empty((len(nominal), self.n_columns), dtype=dtype)
        out[:, self.continuous_] = continuous
        for k, j in enumerate(self.nominal_):
            column = self.columns_[j]
            values = np.empty(len(column.categories) + 1, dtype=object)  # the last one serves code -1
            values[:-1] = column.categories
            values[-1] = np.nan
            taken = values[nominal[:, k]]
            out[:, j] = taken if dtype.kind == "O" else taken.astype(dtype)
        return out

    # ------------------------------------------------------------ plain data
    def to_dict(self) -> dict:
        """The schema as JSON-ready plain data; `from_dict` reads it."""
        return {
            "is_frame": self.is_frame_,
            "array_dtype": None if self.array_dtype_ is None else str(self.array_dtype_),
            "dtype": str(self.dtype_),
            "columns": [
                {**vars(c), "name": _plain(c.name), "categories": [_plain(v) for v in c.categories]}
                for c in self.columns_
            ],
        }

    @classmethod
    def from_dict(cls, plain: Mapping) -> Schema:
        """Rebuild a fitted schema from what `to_dict` wrote."""
        schema = cls()
        schema.is_frame_ = plain["is_frame"]
        schema.array_dtype_ = None if plain["array_dtype"] is None else np.dtype(plain["array_dtype"])
        schema.dtype_ = np.dtype(plain["dtype"])
        schema.columns_ = [Column(**{**c, "categories": tuple(c["categories"])}) for c in plain["columns"]]
        schema._derive()
        return schema

    def __eq__(self, other) -> bool:
        return (
            isinstance(other, Schema)
            and vars(self).keys() == vars(other).keys()
            and (not hasattr(self, "columns_") or self.to_dict() == other.to_dict())
        )

    __hash__ = None

    def __repr__(self) -> str:
        if not hasattr(self, "columns_"):
            return f"Schema(kinds={self.kinds!r})"
        return f"Schema({len(self.continuous_)} continuous, {len(self.nominal_)} nominal)"


def as_schema(schema, X) -> Schema:
    """A fitted schema from what users pass as `schema=`: None, a mapping of kinds, or a `Schema`.

    A fitted `Schema` is used as it is; the others are fitted on `X`.
    """
    if schema is None or isinstance(schema, Mapping):
        return Schema(schema).fit(X)
    if not isinstance(schema, Schema):
        raise TypeError(
            "schema must be None, a mapping of column to kind such as {'zip': 'nominal'}, or a Schema, "
            f"got {type(schema).__name__}."
        )
    return schema if hasattr(schema, "columns_") else Schema(schema.kinds).fit(X)


# ---------------------------------------------------------------- one column at a time
def _columns_of(X):
    """(is it a DataFrame?, column names, list of 1-d columns) of a checked table."""
    if sparse.issparse(X):
        raise TypeError(
            "X must be a dense array or a DataFrame, got a sparse matrix. "
            "Use X.toarray(), or reduce the columns first (for instance with TruncatedSVD)."
        )
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        if not X.columns.is_unique:
            raise ValueError(f"X must have unique column names, got {_listed(list(X.columns))}.")
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise ValueError(f"X must have at least one row and one column, got X of shape {X.shape}.")
        return True, list(X.columns), [X.iloc[:, j] for j in range(X.shape[1])]
    if not hasattr(X, "dtype") or X.dtype.kind not in "USO":
        X = check_array(X, dtype=None, ensure_all_finite=False, input_name="X")  # `_numbers` refuses infinities
    elif X.ndim != 2 or 0 in X.shape:
        X = check_array(X, dtype=None, ensure_all_finite=False, input_name="X")
    return False, list(range(X.shape[1])), [X[:, j] for j in range(X.shape[1])]


def _plain_numbers(X, names: list):
    """`X` as one numeric array, without a look at each column, when that is all it is; else None."""
    if hasattr(X, "iloc"):
        plain = all(isinstance(t, np.dtype) and t.kind in "fiu" for t in X.dtypes)
        return X.to_numpy() if plain and len(X) and list(X.columns) == names else None
    plain = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fiu" and X.shape[1] == len(names)
    return X if plain and len(X) else None


def _dtype_name(values) -> str:
    return str(values.dtype)


def _is_numeric(values) -> bool:
    """Numbers, booleans left out; an object column counts when it holds nothing but numbers."""
    dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    if kind in "fiu":
        return not _is_categorical(dtype)
    if kind == "O" and _dtype_name(values) == "object":
        return all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) or v is None for v in values)
    return False


def _is_categorical(dtype) -> bool:
    return hasattr(dtype, "categories")


def _learn_column(name, values, kind) -> Column:
    dtype = _dtype_name(values)
    if dtype.startswith(("datetime", "timedelta", "period", "interval")):
        raise TypeError(
            f"column {name!r} has dtype {dtype}: dates and intervals have no kind. "
            "Turn them into numbers (for instance days since a fixed date) first."
        )
    if kind is None:
        kind = "continuous" if _is_numeric(values) else "nominal"
    if kind == "continuous":
        numbers = _numbers(values, name)
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
    missing = _is_missing(values)
    if _is_categorical(values.dtype):
        categories = tuple(values.dtype.categories.tolist())
    else:
        present = np.asarray(values[~missing], dtype=object)
        for value in present:
            if not isinstance(value, (str, bytes, bool, int, float, np.generic)):
                raise TypeError(
                    f"column {name!r}: argument must be a string or a real number, "
                    f"got {type(value).__name__} {value!r}."
                )
        unique = set(v.item() if isinstance(v, np.generic) else v for v in present)
        categories = tuple(sorted(unique, key=lambda v: (isinstance(v, str), v)))
    return Column(name, kind, dtype, missing=bool(missing.any()), categories=categories, ordered=ordered)


def _numbers(values, name) -> np.ndarray:
    """A continuous column as floats, NaN where missing; float64 unless it came as float32 or float16."""
    if hasattr(values, "to_numpy"):
        try:
            numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            numbers = None
    else:
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            numbers = None
    if numbers is None:
        raise ValueError(
            f"column {name!r} must hold numbers, since it is continuous; got dtype {_dtype_name(values)}. "
            f"Declare schema={{{name!r}: 'nominal'}} before fit if its values are categories."
        )
    if np.isinf(numbers).any():
        raise ValueError(
            f"Input X contains infinity: column {name!r} must be finite or NaN (missing). "
            "Replace infinite values by NaN or by a bound."
        )
    return numbers


def _is_missing(values) -> np.ndarray:
    if hasattr(values, "isna"):
        return np.asarray(values.isna())
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.array([v is None or (isinstance(v, float) and v != v) for v in values], dtype=bool)
    return np.zeros(len(values), dtype=bool)


def _codes(values, column: Column, unseen: str) -> np.ndarray:
    import pandas as pd

    index = pd.Index(column.categories, dtype=object)
    missing = _is_missing(values)
    if _is_categorical(values.dtype):
        # codes of the few categories, then a look-up: far cheaper than hashing each row
        lookup = index.get_indexer(pd.Index(values.dtype.categories, dtype=object))
        raw = np.asarray(values.cat.codes if hasattr(values, "cat") else values.codes)
        codes = np.append(lookup, -1)[raw]
    else:
        codes = index.get_indexer(pd.Index(np.asarray(values, dtype=object), dtype=object))
        codes[missing] = -1
    strange = (codes < 0) & ~missing
    if unseen == "error" and strange.any():
        value = np.asarray(values, dtype=object)[int(np.argmax(strange))]
        raise ValueError(
            f"column {column.name!r} holds the category {value!r}, which was not there in fit "
            f"(known: {_listed(column.categories)})."
        )
    return codes


def _restore_numbers(numbers, column: Column, round_integers: bool):
    import pandas as pd

    dtype = column.dtype
    if dtype.lower().startswith(("int", "uint")) and not round_integers:
        return np.asarray(numbers, dtype=np.float64)
    if dtype.startswith(("Int", "UInt", "Float")) or "[" in dtype:
        if "[" not in dtype:
            numbers = _within(numbers, np.dtype(dtype.lower()))
        return pd.array(pd.array(np.asarray(numbers, dtype=np.float64), dtype="Float64"), dtype=dtype)
    return _within(numbers, np.dtype(dtype)).astype(dtype, copy=False)


def _within(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`numbers` ready for `astype(dtype)`: whole ones for integers, and none out of its range.

    Generated values may lie outside the training range; 257 must not become 1 in a uint8 column.
    """
    if dtype.kind in "iu":
        low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
        if high > np.iinfo(dtype).max:  # 2**63 - 1 is no float64, and the next one is too large
            high = np.nextafter(high, 0)
        return np.clip(np.rint(numbers, dtype=np.float64), low, high)
    if dtype.kind == "f" and dtype.itemsize < numbers.dtype.itemsize:
        return np.clip(numbers, np.finfo(dtype).min, np.finfo(dtype).max)
    return numbers


def _restore_categories(codes, column: Column):
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
    # a Series, since pandas would infer strings from a bare array of objects
    return pd.Series(taken, dtype=column.dtype)


def _exact_in_float32(numbers: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(numbers.astype(np.float32), numbers, equal_nan=True))


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _listed(values, most: int = 8) -> str:
    values = [repr(_plain(v)) for v in values]
    return ", ".join(values[:most]) + (f", ... ({len(values)} in all)" if len(values) > most else "")
