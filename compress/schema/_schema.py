"""`Schema`: the columns of a table, and the way to the two blocks and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compress.schema._column import Column, learn_column
from compress.schema._containers import as_table, in_container, names_of, pandas_of, template_of
from compress.schema._conversion import codes_of, restore_categories, restore_numbers, within
from compress.schema._plain import compact, expanded
from compress.schema._table import Encoded, columns_of, plain_numbers
from compress.schema._values import exact_in_float32, listed, numbers_of

__all__ = ["Schema", "as_schema"]

KINDS = ("continuous", "nominal")


class Schema:
    """Kinds, ranges, categories and dtypes of a table's columns.

    Numeric columns are continuous; booleans, strings, objects and pandas categoricals are nominal.

    Parameters
    ----------
    kinds : mapping of column to {"continuous", "nominal"}, optional
        The kinds of the columns that it names; the others are inferred. Keys are column names of a DataFrame or column
        positions of an array. Integer codes of categories have to be named, since nothing in the data tells them from
        counts.

    Attributes
    ----------
    columns_ : list of Column
        The columns in the order of the table.
    continuous_, nominal_ : int arrays
        The positions of the continuous and of the nominal columns in the table.
    n_categories_ : int array of shape (n_nominal,)
        The number of categories of each nominal column.
    low_, high_ : float64 arrays of shape (n_continuous,)
        The ranges of the continuous columns.
    integer_ : bool array of shape (n_continuous,)
        Whether each continuous column holds whole numbers only.
    dtype_ : numpy.dtype
        The dtype of the continuous block, float32 or float64.

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
        """Learn the columns of a table.

        Parameters
        ----------
        X : DataFrame, Arrow table, list of dicts, or array of shape (n_rows, n_columns)
            The table; it may have missing values.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            A column holds dates, or objects that are neither numbers nor strings; a name is neither text nor a
            number; or the input is sparse or lazy.
        ValueError
            A value is infinite, `kinds` has an unknown column or kind, a string column is declared continuous, or a
            continuous column holds integers beyond 2**53.
        """
        X = as_table(X)
        names_of(X)
        frame, names, values = columns_of(X)
        kinds = self._checked_kinds(names)
        self.is_frame_ = frame
        self._template = template_of(X)  # what decoding gives back; it is not part of the plain data
        self.array_dtype_ = None if frame else np.asarray(X).dtype
        self.columns_ = [learn_column(n, v, kinds.get(n)) for n, v in zip(names, values)]
        self._derive()
        self.dtype_ = np.dtype(np.float32)
        blocks = [numbers_of(values[j], self.columns_[j].name) for j in self.continuous_]
        if not all(exact_in_float32(block) for block in blocks):
            self.dtype_ = np.dtype(np.float64)
        return self

    def _checked_kinds(self, names) -> dict:
        kinds = dict(self.kinds or {})
        for column, kind in kinds.items():
            if kind not in KINDS:
                raise ValueError(f"schema: the kind of column {column!r} must be one of {KINDS}, got {kind!r}.")
            if column not in names:
                raise ValueError(f"schema: there is no column {column!r} in X; its columns are {listed(names)}.")
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
        """The number of columns of the table."""
        return len(self.columns_)

    @property
    def names(self) -> list:
        """The column names of a DataFrame, or the column positions of an array."""
        return [c.name for c in self.columns_]

    # --------------------------------------------------------------- encode
    def encode(self, X, *, unseen: str = "error") -> Encoded:
        """Encode a table with the columns of the one given to `fit`, in the same order.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The table to encode.
        unseen : {"error", "missing"}, default="error"
            Whether categories that were not there in `fit` raise an error or count as missing.

        Returns
        -------
        Encoded
            The block `continuous` has the dtype `dtype_` and is C-contiguous; the block `nominal` is int32.

        Raises
        ------
        ValueError
            The columns are not those of `fit`, a value is infinite, or a category is unseen with `unseen="error"`.
        """
        X = pandas_of(as_table(X, self.names))
        if not len(self.nominal_) and (numbers := plain_numbers(X, self.names)) is not None:
            continuous = np.ascontiguousarray(numbers, dtype=self.dtype_)
            if not np.isinf(continuous).any():  # the long way says in which column
                return Encoded(continuous, np.empty((len(continuous), 0), dtype=np.int32))
        frame, names, values = columns_of(X)
        if len(names) != self.n_columns or (frame and self.is_frame_ and list(names) != self.names):
            raise ValueError(
                f"X must have the {self.n_columns} columns seen in fit, {listed(self.names)}; "
                f"got {len(names)}: {listed(names)}."
            )
        n = len(X)
        continuous = np.empty((n, len(self.continuous_)), dtype=self.dtype_)
        for k, j in enumerate(self.continuous_):
            continuous[:, k] = numbers_of(values[j], self.columns_[j].name)
        nominal = np.empty((n, len(self.nominal_)), dtype=np.int32)
        for k, j in enumerate(self.nominal_):
            nominal[:, k] = codes_of(values[j], self.columns_[j], unseen)
        return Encoded(continuous, nominal)

    # --------------------------------------------------------------- decode
    def decode(self, continuous: np.ndarray, nominal: np.ndarray, *, round_integers: bool = True):
        """Turn blocks back into the container, dtypes and categories of the table given to `fit`.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous block, NaN where missing.
        nominal : int array of shape (n_rows, n_nominal)
            The block of codes, -1 where missing.
        round_integers : bool, default=True
            Whether columns of integer dtype are rounded to this dtype; otherwise they come back as float64, not
            rounded.

        Returns
        -------
        DataFrame, Arrow table or array of shape (n_rows, n_columns)
            The table.
        """
        if not self.is_frame_:
            return self._decode_array(continuous, nominal, round_integers)
        import pandas as pd

        decoded = {}
        own = getattr(self._template, "dtypes", None) if hasattr(self._template, "iloc") else None
        for k, j in enumerate(self.continuous_):
            decoded[j] = restore_numbers(continuous[:, k], self.columns_[j], round_integers)
        for k, j in enumerate(self.nominal_):
            dtype = None if own is None else own.iloc[j]
            decoded[j] = restore_categories(nominal[:, k], self.columns_[j], dtype)
        frame = pd.DataFrame({j: decoded[j] for j in range(self.n_columns)}, copy=False)
        frame.columns = self.names
        return frame if self._template is None else in_container(frame, self._template)

    def _decode_array(self, continuous, nominal, round_integers):
        dtype = self.array_dtype_
        if dtype.kind in "iu" and len(self.continuous_) and not round_integers:
            dtype = np.dtype(np.float64)
        continuous = within(continuous, dtype)
        if len(self.continuous_) == self.n_columns:
            return continuous.astype(dtype, copy=False)
        out = np.empty((len(nominal), self.n_columns), dtype=dtype)
        out[:, self.continuous_] = continuous
        for k, j in enumerate(self.nominal_):
            column = self.columns_[j]
            values = np.empty(len(column.categories) + 1, dtype=object)  # the last one is for code -1
            values[:-1] = column.categories
            values[-1] = np.nan
            taken = values[nominal[:, k]]
            out[:, j] = taken if dtype.kind == "O" else taken.astype(dtype)
        return out

    # ------------------------------------------------------------ plain data
    def to_dict(self) -> dict:
        """Return the schema as compact plain data that JSON can hold; `from_dict` reads it."""
        return {
            "is_frame": self.is_frame_,
            "array_dtype": None if self.array_dtype_ is None else str(self.array_dtype_),
            "dtype": str(self.dtype_),
            "columns": compact(self.columns_),
        }

    @classmethod
    def from_dict(cls, plain: Mapping) -> Schema:
        """Rebuild a fitted schema from plain data.

        Parameters
        ----------
        plain : mapping
            The result of `to_dict`, of this version or of an earlier one.
        """
        schema = cls()
        schema._template = None
        schema.is_frame_ = plain["is_frame"]
        schema.array_dtype_ = None if plain["array_dtype"] is None else np.dtype(plain["array_dtype"])
        schema.dtype_ = np.dtype(plain["dtype"])
        schema.columns_ = [Column(**{**c, "categories": tuple(c["categories"])}) for c in expanded(plain["columns"])]
        schema._derive()
        return schema

    def without_container(self) -> Schema:
        """Return the schema without the container of its table, which only decoding needs."""
        made = type(self)(self.kinds)
        vars(made).update(vars(self))
        made._template = None
        return made

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
    """Return a fitted schema for a table, made from what users pass as `schema=`.

    Parameters
    ----------
    schema : None, mapping of column to kind, or Schema
        A fitted `Schema` is returned as it is; anything else is fitted on `X`.
    X : DataFrame or array of shape (n_rows, n_columns)
        The table.

    Raises
    ------
    TypeError
        `schema` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import as_schema
    >>> [column.kind for column in as_schema({0: "nominal"}, np.array([[1.0, 0.5], [2.0, 0.7]])).columns_]
    ['nominal', 'continuous']
    """
    if schema is None or isinstance(schema, Mapping):
        return Schema(schema).fit(X)
    if not isinstance(schema, Schema):
        raise TypeError(
            "schema must be None, a mapping of column to kind such as {'zip': 'nominal'}, or a Schema, "
            f"got {type(schema).__name__}."
        )
    return schema if hasattr(schema, "columns_") else Schema(schema.kinds).fit(X)
