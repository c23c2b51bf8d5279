"""The student without torch: a picklable NumPy callable for hot paths.

It computes what `compress.nets.TableNet` computes in eval mode. The scale of the inputs, batch norm,
bottleneck and the scale of the outputs are folded into the layers, one-hot columns and embeddings
become look-ups, and the input is not checked.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erf, expit

from compress.export._edges import Edges
from compress.nets import activation_name, affine_layers, as_float64
from compress.schema import as_table

__all__ = ["FEW_ROWS", "NumpyPredictor", "all_finite"]

CHUNK = 512  # rows at a time: the widest hidden layer stays in the cache
FEW_ROWS = 64  # rows of a DataFrame up to which values are read one by one: a call of pandas takes milliseconds
FEW = 32  # numbers up to which Python's arithmetic beats a handful of NumPy calls
NEAR = {4: 32.0, 8: 1e6}  # by bytes of a number: means up to so many scales from 0 can be subtracted after the product
FOLDABLE = 1e-20, 1e20  # scales within: neither (x - mean) nor the weights divided by the scale leave float32


class NumpyPredictor:
    """Forward pass of a fitted student in NumPy.

    Calling it with a table gives what the student's `predict_proba` (classifiers, shape
    (n_rows, n_classes)) or `predict` (regressors) gives, to float32 precision. Unseen categories count
    as missing. Arrays are the fastest input: of numbers, or of objects for tables with nominal columns.

    Parameters
    ----------
    module : TableNet
        The trained net, in eval mode.
    schema : Schema
        The fitted schema of the table.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions: "sigmoid" turns one output z into the probabilities (1 - sigmoid(z),
        sigmoid(z)), "softmax" turns one output per class into probabilities, and "identity" leaves values as they are.
    dtype : numpy dtype, default=numpy.float32
        The dtype of the arithmetic; float32 is fast. In float64 the result for a row does not depend on the other rows,
        to well below the resolution of float32, which scikit-learn requires of estimators.
    flat : bool, default=False
        Whether the one value of each row is returned in an array of shape (n_rows,), as `predict` of a regressor does.
    """

    flat, unit, edges = False, None, None  # of predictors pickled by earlier versions

    def __init__(self, module, schema, output_activation: str, dtype=np.float32, *, flat: bool = False):
        self.flat = flat
        self.schema, self.output_activation, self.dtype = schema, output_activation, np.dtype(dtype)
        inputs, body = module.inputs, module.body
        self.mean, scale = as_float64(inputs.mean), as_float64(inputs.scale)
        self.indicators = np.array(inputs.indicators, dtype=np.intp)
        self.activation = activation_name(body)
        unit, shift = as_float64(module.output_scale), as_float64(module.output_mean)
        far = np.abs(shift) > NEAR[self.dtype.itemsize] * unit
        if output_activation == "identity" and np.any(far | (unit < FOLDABLE[0]) | (unit > FOLDABLE[1])):
            self.unit = unit, shift  # values far from 0 for their spread: this dtype would lose it
        layers = affine_layers(module, unit=self.unit is None)
        if body.bottleneck is not None:
            layers[0] = (as_float64(body.bottleneck.weight).T @ layers[0][0], layers[0][1])
        first, self.bias = layers[0][0], layers[0][1].astype(dtype)
        d_c = len(self.mean)
        at = d_c + len(self.indicators)
        # The mean is still subtracted in double, since float32 loses a small spread around a large mean.
        foldable = body.periodic is None and np.all((scale > FOLDABLE[0]) & (scale < FOLDABLE[1]))
        self.inverse_scale = None if foldable else 1.0 / scale  # a periodic embedding needs the standardised number
        from_continuous = first[:d_c] if self.inverse_scale is not None else first[:d_c] / scale[:, None]
        self.from_continuous = np.ascontiguousarray(from_continuous, dtype=dtype)
        self.from_indicators = np.ascontiguousarray(first[d_c:at], dtype=dtype)
        self.tables = []  # one per nominal column: row `code` is what that category adds to the first layer
        for k, width in enumerate(inputs.widths):
            block = first[at : at + width]
            at += width
            if str(k) in inputs.embeddings:
                table = as_float64(inputs.embeddings[str(k)].weight) @ block
            else:
                table = block if inputs.nominal_missing[k] else np.vstack([block, np.zeros_like(block[:1])])
            self.tables.append(np.ascontiguousarray(table, dtype=dtype))
        self.frequencies = None if body.periodic is None else as_float64(body.periodic.weight).astype(dtype)
        self.from_periodic = np.ascontiguousarray(first[at:], dtype=dtype)
        if inputs.pieces is not None:
            self.edges = Edges(inputs.pieces.edges_by_column(), self.mean)
            self.from_pieces = self.from_periodic
        self.rest = [(np.ascontiguousarray(w, dtype=dtype), b.astype(dtype)) for w, b in layers[1:]]
        self.plain = not self.tables and not len(self.indicators)
        # The mean goes into the bias where that costs no digits; the bias is the last row, for an input of ones.
        self.first = None
        near = np.all(np.abs(self.mean) <= NEAR[self.dtype.itemsize] * scale)
        if self.plain and self.frequencies is None and self.edges is None and self.inverse_scale is None and near:
            start = layers[0][1] - self.mean @ from_continuous
            self.first = np.ascontiguousarray(np.vstack([from_continuous, start]), dtype=dtype)
        self.names = schema.names
        self.codes = [{v: code for code, v in enumerate(schema.columns_[j].categories)} for j in schema.nominal_]

    def __call__(self, X) -> np.ndarray:
        """Predict probabilities of shape (n_rows, n_classes), or values of shape (n_rows,) or (n_rows, n_outputs).

        Parameters
        ----------
        X : DataFrame, Arrow table or array of shape (n_rows, n_columns)
            The rows to predict; there may be none.

        Returns
        -------
        array of dtype `dtype`
            The predictions. Values whose mean is far from 0 for their spread, or that float32 cannot hold, are float64
            in any case.
        """
        return self.from_encoded(*(self.quickly_encoded(X) or self._encoded(X)))

    def _encoded(self, X):
        X = as_table(X, self.names)
        if len(X):
            return self.schema.encode(X, unseen="missing")
        return np.empty((0, len(self.mean)), dtype=self.dtype), np.empty((0, len(self.tables)), dtype=np.int32)

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
                X = X.to_numpy(dtype=object if self.codes else np.float64)
            elif hasattr(X, "columns") or hasattr(X, "column_names"):
                return None  # polars and Arrow: the schema compares the names
            X = np.asarray(X)
            if X.ndim != 2:
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

    def from_encoded(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """Predict from the two blocks of `Schema.encode`.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous columns, NaN where missing.
        nominal : int32 array of shape (n_rows, n_nominal) or None
            The codes of the nominal columns; None when there are no such columns.
        """
        n = len(continuous)
        if self.first is not None and n:
            # A missing value makes all outputs of its row NaN, and they are fewer than the inputs to look at.
            z = self._one(continuous[0]) if n == 1 else self._many(continuous)
            if z is not None:
                return self._activated(z)
        if n <= CHUNK:
            return self._activated(self._outputs(continuous, nominal))
        out = np.empty((n, self.rest[-1][1].size if self.rest else self.bias.size), dtype=self.dtype)
        for start in range(0, n, CHUNK):
            rows = slice(start, start + CHUNK)
            out[rows] = self._outputs(continuous[rows], None if nominal is None else nominal[rows])
        return self._activated(out)

    def _one(self, row) -> np.ndarray | None:
        """Compute the outputs of one row of numbers; return None when a value is missing."""
        h = row.astype(self.dtype, copy=False).dot(self.first[:-1])
        h += self.first[-1]
        activate = _ACTIVATE[self.activation]
        for weight, bias in self.rest:
            h = activate(h).dot(weight)
            h += bias
        return None if h[0] != h[0] else h[None]

    def _many(self, rows) -> np.ndarray | None:
        """Compute the outputs of rows of numbers in chunks that share memory; return None when a value is missing."""
        n, d = rows.shape
        out = np.empty((n, self.rest[-1][1].size if self.rest else len(self.first[-1])), dtype=self.dtype)
        chunk = min(n, CHUNK)
        x = np.ones((chunk, d + 1), dtype=self.dtype)
        h = np.empty((chunk, self.first.shape[1]), dtype=self.dtype)
        for start in range(0, n, chunk):
            part = rows[start : start + chunk]
            m = len(part)
            x[:m, :d] = part
            out[start : start + m] = self._hidden(np.dot(x[:m], self.first, out=h[:m]))
        return None if np.isnan(out[:, 0]).any() else out

    def _outputs(self, continuous, nominal) -> np.ndarray:
        """Compute the outputs of the net for a few rows, before the output activation."""
        x = continuous - self.mean
        if self.inverse_scale is not None:
            x *= self.inverse_scale
        x = x.astype(self.dtype, copy=False)
        missing = np.isnan(x)
        x[missing] = 0.0  # the mean
        h = x @ self.from_continuous
        if len(self.indicators):
            h += missing[:, self.indicators].astype(self.dtype) @ self.from_indicators
        if self.frequencies is not None:
            angle = (x[:, :, None] * self.frequencies).reshape(len(x), -1)
            h += np.hstack([np.sin(angle), np.cos(angle)]) @ self.from_periodic
        if self.edges is not None:
            h += self.edges.shares(continuous).astype(self.dtype, copy=False) @ self.from_pieces
        for k, table in enumerate(self.tables):
            h += table[nominal[:, k]]  # code -1 is the table's last row: missing
        return self._layers(h)

    def _layers(self, h: np.ndarray) -> np.ndarray:
        h += self.bias
        return self._hidden(h)

    def _hidden(self, h: np.ndarray) -> np.ndarray:
        """Compute the layers after the first, whose units `h` are before their activation."""
        activate = _ACTIVATE[self.activation]
        for weight, bias in self.rest:
            h = np.dot(activate(h), weight)  # with less overhead than `@`
            h += bias
        return h

    def _activated(self, z: np.ndarray) -> np.ndarray:
        if self.output_activation == "identity":
            if self.unit is not None:
                z = z * self.unit[0] + self.unit[1]
            return z[:, 0] if self.flat else z
        if z.size <= FEW and len(z) == 1:
            return np.array([_plainly_activated(z[0].tolist(), self.output_activation)], dtype=self.dtype)
        if self.output_activation == "sigmoid":
            p = np.empty((len(z), 2), dtype=self.dtype)
            expit(z[:, 0], out=p[:, 1])
            np.subtract(1, p[:, 1], out=p[:, 0])
            return p
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        return z


def all_finite(X: np.ndarray) -> bool:
    """Return whether the sum of an array is finite, which means that it has neither NaN nor infinities.

    Parameters
    ----------
    X : float array of any shape
        The numbers.
    """
    if X.size <= FEW:  # here Python is quicker than one call of NumPy
        return math.isfinite(sum(X.ravel().tolist()))
    return bool(np.isfinite(np.add.reduce(X, axis=None)))


def _plainly_activated(z: list[float], output_activation: str) -> list[float]:
    if output_activation == "sigmoid":
        e = math.exp(-abs(z[0]))
        high = 1 / (1 + e)
        return [e * high, high] if z[0] >= 0 else [high, e * high]
    top = max(z)
    exps = [math.exp(value - top) for value in z]
    total = sum(exps)
    return [value / total for value in exps]


def _relu(h):
    return np.maximum(h, 0.0, out=h)


_ACTIVATE = {
    "relu": _relu,
    "tanh": lambda h: np.tanh(h, out=h),
    "logistic": lambda h: expit(h, out=h),
    "silu": lambda h: h * expit(h),
    "gelu": lambda h: 0.5 * h * (1 + erf(h * h.dtype.type(0.5**0.5))),
}
