"""The student without torch: a picklable NumPy callable for hot paths.

It computes what `compress.nets.TableNet` computes in eval mode. The scale of the inputs, batch norm,
bottleneck and the scale of the outputs are folded into the layers, one-hot columns and embeddings
become look-ups, and the input is not checked.
"""

from __future__ import annotations

import numpy as np

from compress.export._edges import Edges
from compress.export._functions import erf, expit
from compress.export._net import Net, net_of
from compress.export._predictor import NEAR, Predictor, all_finite, no_finite_prediction

__all__ = ["ACTIVATIONS", "FOLDABLE", "NumpyPredictor"]

CHUNK = 512  # rows at a time: the widest hidden layer stays in the cache
FOLDABLE = 1e-20, 1e20  # scales within: neither (x - mean) nor the weights divided by the scale leave float32


class NumpyPredictor(Predictor):
    """Forward pass of a fitted student in NumPy.

    Calling it with a table gives what the student's `predict_proba` (classifiers, shape
    (n_rows, n_classes)) or `predict` (regressors) gives, to float32 precision. Unseen categories count
    as missing. Arrays are the fastest input for many rows, and a dict or a sequence for one.

    Parameters
    ----------
    module : TableNet or Net
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
    classes : array of shape (n_classes,), optional
        The class of each probability.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> X = np.eye(4)
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(X, [0, 0, 1, 1])
    >>> predict = student.predictor()
    >>> type(predict).__name__, predict(X).shape, predict([0.0, 1.0, 0.0, 0.0]).shape
    ('NumpyPredictor', (4, 2), (2,))
    """

    unit, edges, bounds = None, None, None  # of predictors pickled by earlier versions

    def __init__(self, module, schema, output_activation: str, dtype=np.float32, *, flat: bool = False, classes=None):
        super().__init__(schema, output_activation, dtype, flat, classes)
        net: Net = net_of(module)
        self.mean, scale = net.mean, net.scale
        self.bounds = net.low, net.high
        self.indicators = np.array(net.indicators, dtype=np.intp)
        self.activation = net.activation
        unit, shift = net.output_scale, net.output_mean
        far = np.abs(shift) > NEAR[self.dtype.itemsize] * unit
        if output_activation == "identity" and np.any(far | (unit < FOLDABLE[0]) | (unit > FOLDABLE[1])):
            self.unit = unit, shift  # values far from 0 for their spread: this dtype would lose it
        layers = net.united_layers() if self.unit is None else list(net.layers)
        if net.bottleneck is not None:
            layers[0] = (net.bottleneck @ layers[0][0], layers[0][1])
        first, self.bias = layers[0][0], layers[0][1].astype(dtype)
        d_c = len(self.mean)
        at = d_c + len(self.indicators)
        # The mean is still subtracted in double, since float32 loses a small spread around a large mean.
        foldable = net.frequencies is None and np.all((scale > FOLDABLE[0]) & (scale < FOLDABLE[1]))
        self.inverse_scale = None if foldable else 1.0 / scale  # a periodic embedding needs the standardised number
        from_continuous = first[:d_c] if self.inverse_scale is not None else first[:d_c] / scale[:, None]
        self.from_continuous = np.ascontiguousarray(from_continuous, dtype=dtype)
        self.from_indicators = np.ascontiguousarray(first[d_c:at], dtype=dtype)
        self.tables = []  # one per nominal column: row `code` is what that category adds to the first layer
        for k, width in enumerate(net.widths):
            block = first[at : at + width]
            at += width
            if k in net.embeddings:
                table = net.embeddings[k] @ block
            else:
                table = block if net.nominal_missing[k] else np.vstack([block, np.zeros_like(block[:1])])
            self.tables.append(np.ascontiguousarray(table, dtype=dtype))
        self.frequencies = None if net.frequencies is None else net.frequencies.astype(dtype)
        self.from_periodic = np.ascontiguousarray(first[at:], dtype=dtype)
        if net.edges is not None:
            self.edges = Edges(net.edges, self.mean)
            self.from_pieces = self.from_periodic
        self.rest = [(np.ascontiguousarray(w, dtype=dtype), b.astype(dtype)) for w, b in layers[1:]]
        self.plain = not self.tables and not len(self.indicators)
        # The mean goes into the bias where that costs no digits; the bias is the last row, for an input of ones.
        self.first = None
        near = np.all(np.abs(self.mean) <= NEAR[self.dtype.itemsize] * scale)
        if self.plain and self.frequencies is None and self.edges is None and self.inverse_scale is None and near:
            start = layers[0][1] - self.mean @ from_continuous
            self.first = np.ascontiguousarray(np.vstack([from_continuous, start]), dtype=dtype)

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
            z = self._of_numbers(self.held(continuous[0])) if n == 1 else self._many(continuous)
            if z is not None:
                return self._activated(z)
        if n <= CHUNK:
            return self._activated(self._outputs(continuous, nominal))
        out = np.empty((n, self.rest[-1][1].size if self.rest else self.bias.size), dtype=self.dtype)
        for start in range(0, n, CHUNK):
            rows = slice(start, start + CHUNK)
            out[rows] = self._outputs(continuous[rows], None if nominal is None else nominal[rows])
        return self._activated(out)

    def from_row(self, numbers, codes: list) -> np.ndarray:
        """Predict one row, without arrays of one row; see `Predictor.from_row` for the parameters."""
        x = self.held(np.array(numbers, dtype=np.float64))
        z = self._of_numbers(x) if self.first is not None else None
        if z is None:
            z = self._of_row(x, codes)[None]
        made = self._activated(z)[0]
        if not all_finite(made):
            raise no_finite_prediction()
        return made

    def held(self, continuous: np.ndarray) -> np.ndarray:
        """Return continuous columns within the range of the training rows; NaN stays.

        Parameters
        ----------
        continuous : number array of shape (n_rows, n_continuous) or (n_continuous,)
            The columns.
        """
        if self.bounds is None:
            return continuous
        made = np.maximum(continuous, self.bounds[0])
        return np.minimum(made, self.bounds[1], out=made)

    def _of_row(self, x: np.ndarray, codes: list) -> np.ndarray:
        """Compute the outputs of one row, as `_outputs` does."""
        d = x - self.mean
        if self.inverse_scale is not None:
            d *= self.inverse_scale
        d = d.astype(self.dtype, copy=False)
        squares = float(d.dot(d))
        missing = np.isnan(d) if squares != squares else None
        if missing is not None:
            d[missing] = 0.0
        h = d.dot(self.from_continuous)
        h += self.bias
        if missing is not None and len(self.indicators):
            h += missing[self.indicators].astype(self.dtype).dot(self.from_indicators)
        if self.frequencies is not None:
            angle = (d[:, None] * self.frequencies).ravel()
            h += np.concatenate([np.sin(angle), np.cos(angle)]).dot(self.from_periodic)
        if self.edges is not None:
            h += self.edges.shares(x[None])[0].astype(self.dtype, copy=False).dot(self.from_pieces)
        for table, code in zip(self.tables, codes):
            h += table[code]
        return self._hidden(h)

    def _of_numbers(self, row) -> np.ndarray | None:
        """Compute the outputs of one row of numbers; return None when a value is missing."""
        h = row.astype(self.dtype, copy=False).dot(self.first[:-1])
        h += self.first[-1]
        activate = ACTIVATIONS[self.activation]
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
            part = self.held(rows[start : start + chunk])
            m = len(part)
            x[:m, :d] = part
            out[start : start + m] = self._hidden(np.dot(x[:m], self.first, out=h[:m]))
        return None if np.isnan(out[:, 0]).any() else out

    def _outputs(self, continuous, nominal) -> np.ndarray:
        """Compute the outputs of the net for a few rows, before the output activation."""
        continuous = self.held(continuous)
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
            angle = (x[:, :, None] * self.frequencies).reshape(len(x), self.frequencies.size)
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
        activate = ACTIVATIONS[self.activation]
        for weight, bias in self.rest:
            h = np.dot(activate(h), weight)  # with less overhead than `@`
            h += bias
        return h

    def _activated(self, z: np.ndarray) -> np.ndarray:
        if self.unit is not None:
            z = z * self.unit[0] + self.unit[1]
        return super()._activated(z)


def _relu(h):
    return np.maximum(h, 0.0, out=h)


ACTIVATIONS = {
    "relu": _relu,
    "tanh": lambda h: np.tanh(h, out=h),
    "logistic": lambda h: expit(h, out=h),
    "silu": lambda h: h * expit(h),
    "gelu": lambda h: 0.5 * h * (1 + erf(h * h.dtype.type(0.5**0.5))),
}
