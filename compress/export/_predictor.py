"""What predictors of all families share: what they take, and how outputs become predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from compress.export._functions import expit
from compress.export._rows import RowReader
from compress.schema import as_table

__all__ = ["FEW_ROWS", "NEAR", "Predictor", "all_finite", "no_finite_prediction"]

FEW_ROWS = 64  # rows of a DataFrame up to which values are read one by one: a call of pandas takes milliseconds
FEW = 32  # numbers up to which Python's arithmetic beats a handful of NumPy calls
NEAR = {4: 32.0, 8: 1e6}  # by bytes of a number: means up to so many scales from 0 can be subtracted after the product


class Predictor:
    """Base of the predictors: a subclass has `from_encoded` and may have a faster `from_row`.

    Parameters
    ----------
    schema : Schema
        The fitted schema of the table.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions, as of `NumpyPredictor`.
    dtype : numpy dtype
        The dtype of the predictions.
    flat : bool
        Whether the one value of each row is returned without an axis of its own.
    classes : array of shape (n_classes,) or None
        The class of each probability; None in regression.
    """

    flat, classes = False, None  # of predictors pickled by earlier versions

    def __init__(self, schema, output_activation: str, dtype, flat: bool, classes):
        self.schema = schema.without_container()  # pandas need not be there where this is unpickled
        self.output_activation, self.dtype, self.flat, self.classes = output_activation, np.dtype(dtype), flat, classes
        self.names = schema.names
        self.codes = [{v: code for code, v in enumerate(schema.columns_[j].categories)} for j in schema.nominal_]

    @cached_property
    def rows(self) -> RowReader:
        """What reads single rows."""
        return RowReader(self.schema, self.codes)

    def __call__(self, X) -> np.ndarray:
        """Predict probabilities or values.

        Parameters
        ----------
        X : DataFrame, Arrow table, array of shape (n_rows, n_columns), list of rows, or one row
            The rows to predict; there may be none. A row is a dict by column name, as JSON gives it, or a list or
            tuple of values; see `compress.export` for what its values mean.

        Returns
        -------
        array of dtype `dtype`
            Probabilities of shape (n_rows, n_classes), or values of shape (n_rows,) or (n_rows, n_outputs). One row
            that is given without a list around it gives the same without the axis of rows: shape (n_classes,), () or
            (n_outputs,). Values whose mean is far from 0 for their spread, or that float32 cannot hold, are float64 in
            any case.

        Raises
        ------
        ValueError
            A row of values lacks a column, has an unknown one or a value without a meaning there, or is beyond what
            the student can add up.
        """
        kind = type(X)
        if kind is dict:
            return self._of_one(X)
        if kind is np.ndarray and not self.codes and X.dtype.char in "fd" and X.shape[1:] == (len(self.names),):
            return self.from_encoded(X, None)
        if kind is list or kind is tuple or (kind is not np.ndarray and isinstance(X, Mapping)):
            if not len(X) and not isinstance(X, Mapping):
                return self.from_encoded(*self._nothing())
            first = None if isinstance(X, Mapping) else X[0]
            if isinstance(first, Mapping | list | tuple):
                return self.from_encoded(*self._blocks(*self.rows.many(X)))
            if not isinstance(first, np.ndarray):
                return self._of_one(X)
        return self.from_encoded(*(self.quickly_encoded(X) or self._encoded(X)))

    def _of_one(self, row) -> np.ndarray:
        return self.from_row(*self.rows.one(row))

    def from_row(self, numbers, codes: list) -> np.ndarray:
        """Predict one row.

        Parameters
        ----------
        numbers : sequence of float
            The numbers of the continuous columns, NaN where missing.
        codes : list of int
            The codes of the nominal columns, -1 where missing.

        Raises
        ------
        ValueError
            The prediction is not finite.
        """
        n_codes = np.array([codes], dtype=np.int32).reshape(1, len(codes))
        made = self.from_encoded(*self._blocks(np.array([numbers], dtype=np.float64).reshape(1, -1), n_codes))[0]
        if not all_finite(made):
            raise no_finite_prediction()
        return made

    def from_encoded(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """Predict from the two blocks of `Schema.encode`.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous columns, NaN where missing.
        nominal : int32 array of shape (n_rows, n_nominal) or None
            The codes of the nominal columns; None when there are no such columns.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------ tables
    def _blocks(self, numbers: np.ndarray, codes: np.ndarray):
        with np.errstate(over="ignore"):  # what is infinite then has no finite prediction
            return numbers.astype(self.schema.dtype_, copy=False), codes

    def _nothing(self):
        shapes = (0, len(self.schema.continuous_)), (0, len(self.codes))
        return np.empty(shapes[0], dtype=self.schema.dtype_), np.empty(shapes[1], dtype=np.int32)

    def _encoded(self, X):
        """Encode a table: without pandas where it can be read without, and else by the schema, which checks it."""
        if not isinstance(X, np.ma.MaskedArray):
            try:
                blocks = self._by_columns(X)
            except (AttributeError, TypeError, ValueError, IndexError, OverflowError):
                blocks = None  # the schema raises an error that explains it
            if blocks is not None and not np.isinf(blocks[0]).any():
                return blocks
        X = as_table(X, self.names)
        return self.schema.encode(X, unseen="missing") if len(X) else self._nothing()

    def _by_columns(self, X):
        """Encode an array or a table of pandas, polars or Arrow by columns; None where one needs a closer look."""
        arrow = hasattr(X, "column_names") and hasattr(X, "num_rows")
        if arrow or hasattr(X, "columns"):
            names = list(X.column_names if arrow else X.columns)
            if names != self.names or hasattr(X, "collect") or hasattr(X, "dask"):
                return None
            column, n = (X.column if arrow else lambda j: X[names[j]]), X.num_rows if arrow else len(X)
        else:
            X = np.asarray(X)
            if X.ndim != 2 or X.shape[1] != len(self.names) or X.dtype.kind not in "fiubOUS":
                return None
            column, n = (lambda j: X[:, j]), len(X)
        if not n:
            return self._nothing()
        continuous = np.empty((n, len(self.schema.continuous_)), dtype=self.schema.dtype_)
        nominal = np.empty((n, len(self.codes)), dtype=np.int32)
        for k, j in enumerate(self.schema.continuous_):
            values = column(j)
            values = values.to_numpy() if hasattr(values, "to_numpy") else values
            if values.dtype.kind not in "fiubO" and values.dtype.kind not in "US":
                return None
            continuous[:, k] = values.astype(np.float64)
        for k, (j, known) in enumerate(zip(self.schema.nominal_, self.codes)):
            values = column(j)
            if hasattr(values, "cat") and hasattr(values.dtype, "categories"):
                lookup = [known.get(value, -1) for value in values.dtype.categories.tolist()]
                nominal[:, k] = np.array([*lookup, -1])[values.cat.codes.to_numpy()]
                continue
            values = (
                values.to_pylist() if arrow else values.to_list() if hasattr(values, "to_list") else values.tolist()
            )
            if hasattr(next((value for value in values if value is not None), None), "isoformat"):
                return None
            nominal[:, k] = [known.get(value, -1) for value in values]
        return continuous, nominal

    def quickly_encoded(self, X):
        """Encode numbers, or a few rows, with almost no checks.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to encode.

        Returns
        -------
        (continuous, nominal) or None
            The two blocks of `Schema.encode`; None for tables that need the schema.
        """
        try:
            if hasattr(X, "iloc"):
                if len(X) > FEW_ROWS or list(X.columns) != self.names:
                    return None
                one = X.iloc[0] if self.codes and len(X) == 1 else None
                if one is not None and one.dtype == object:  # a third of the time; numbers would become floats
                    X = np.array([one.tolist()], dtype=object)
                else:
                    X = X.to_numpy(dtype=object if self.codes else np.float64)
            elif hasattr(X, "columns") or hasattr(X, "column_names"):
                return None  # polars and Arrow: the names are compared
            X = np.asarray(X)
            if X.ndim != 2 or X.shape[1] != len(self.names):
                return None
            if not self.codes:
                return (X if X.dtype.kind in "fiub" else X.astype(np.float64)), None
            if len(X) > FEW_ROWS or X.dtype != object:
                return None
            numbers = X[:, self.schema.continuous_].astype(self.schema.dtype_)
            rows = X[:, self.schema.nominal_].tolist()
            codes = [[known.get(value, -1) for value, known in zip(row, self.codes)] for row in rows]
        except (TypeError, ValueError, IndexError, OverflowError):  # the schema raises an error that explains it
            return None
        return numbers, np.array(codes, dtype=np.int32).reshape(len(X), len(self.codes))

    # ----------------------------------------------------------------- outputs
    def _activated(self, z: np.ndarray) -> np.ndarray:
        """Return predictions from outputs of shape (n_rows, n_outputs); the array is used up."""
        if self.output_activation == "identity":
            return z[:, 0] if self.flat else z
        if z.size <= FEW and len(z) == 1:
            return np.array([plainly_activated(z[0].tolist(), self.output_activation)], dtype=self.dtype)
        if self.output_activation == "sigmoid":
            p = np.empty((len(z), 2), dtype=self.dtype)
            p[:, 1] = expit(z[:, 0])
            np.subtract(1, p[:, 1], out=p[:, 0])
            return p
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        return z


def no_finite_prediction() -> ValueError:
    """Return the error of a row whose numbers are too large."""
    return ValueError(
        "row must have numbers that the student can add up, but there is no finite prediction for it. Replace numbers "
        "far outside the training range by null or by a bound."
    )


def all_finite(X: np.ndarray) -> bool:
    """Return whether the sum of an array is finite, which means that it has neither NaN nor infinities.

    Parameters
    ----------
    X : float array of any shape
        The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.export import all_finite
    >>> all_finite(np.array([1.0, 2.0])), all_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    if X.size <= FEW:  # here Python is quicker than one call of NumPy
        return math.isfinite(sum(X.ravel().tolist()))
    return bool(np.isfinite(np.add.reduce(X, axis=None)))


def plainly_activated(z: list[float], output_activation: str) -> list[float]:
    """Return the probabilities of one row, by Python's arithmetic.

    Parameters
    ----------
    z : list of float
        The outputs of the row.
    output_activation : {"sigmoid", "softmax"}
        How outputs become probabilities.
    """
    if output_activation == "sigmoid":
        e = math.exp(-abs(z[0]))
        high = 1 / (1 + e)
        return [e * high, high] if z[0] >= 0 else [high, e * high]
    top = max(z)
    exps = [math.exp(value - top) for value in z]
    total = sum(exps)
    return [value / total for value in exps]
