"""The student without torch: a picklable NumPy callable for hot paths.

It computes what `compress.nets.TableNet` computes in eval mode. Batch norm, bottleneck and the scale
of the outputs are folded into the layers, one-hot columns and embeddings become look-ups, and nothing
is checked.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf, expit

__all__ = ["NumpyPredictor"]

CHUNK = 512  # rows at a time: the widest hidden layer stays in the cache


class NumpyPredictor:
    """Forward pass of a fitted student.

    Calling it with a table gives what the student's `predict_proba` (classifiers, shape
    (n_rows, n_classes)) or `predict` (regressors) gives, to float32 precision. Numeric arrays take the
    short way; tables with nominal columns are encoded first, unseen categories as missing.

    Parameters
    ----------
    module : TableNet, in eval mode
    schema : Schema
    link : {"binary", "softmax", "identity"}
        "binary": one output z, probabilities (1 - sigmoid(z), sigmoid(z)).
    dtype : numpy dtype
        float32 for speed. In float64 a row's result does not depend on the rows it comes with, to
        well below float32's resolution, which is what scikit-learn asks of estimators.
    """

    def __init__(self, module, schema, link: str, dtype=np.float32):
        self.schema, self.link, self.dtype = schema, link, np.dtype(dtype)
        inputs, body = module.inputs, module.body
        self.mean, self.inverse_scale = _numpy(inputs.mean), 1.0 / _numpy(inputs.scale)
        self.indicators = np.array(inputs.indicators, dtype=np.intp)
        self.activation = _activation_name(body)
        layers = [_affine(layer) for layer in body.layers] + [_affine([body.output])]
        if body.bottleneck is not None:
            layers[0] = (_numpy(body.bottleneck.weight).T @ layers[0][0], layers[0][1])
        last, bias = layers[-1]
        scale, shift = _numpy(module.output_scale), _numpy(module.output_mean)
        layers[-1] = (last * scale, bias * scale + shift)
        first, self.bias = layers[0][0], layers[0][1].astype(dtype)
        d_c = len(self.mean)
        at = d_c + len(self.indicators)
        self.from_continuous = np.ascontiguousarray(first[:d_c], dtype=dtype)
        self.from_indicators = np.ascontiguousarray(first[d_c:at], dtype=dtype)
        self.tables = []  # one per nominal column: row `code` is what that category adds to the first layer
        for k, width in enumerate(inputs.widths):
            block = first[at : at + width]
            at += width
            if str(k) in inputs.embeddings:
                table = _numpy(inputs.embeddings[str(k)].weight) @ block
            else:
                table = block if inputs.nominal_missing[k] else np.vstack([block, np.zeros_like(block[:1])])
            self.tables.append(np.ascontiguousarray(table, dtype=dtype))
        self.rest = [(np.ascontiguousarray(w, dtype=dtype), b.astype(dtype)) for w, b in layers[1:]]
        self.plain = not self.tables and not len(self.indicators)

    def __call__(self, X) -> np.ndarray:
        """Probabilities of shape (n_rows, n_classes), or regression values."""
        if self.plain and not hasattr(X, "iloc"):
            return self.from_encoded(np.asarray(X), None)
        return self.from_encoded(*self.schema.encode(X, unseen="missing"))

    def from_encoded(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """The same from the two blocks of `Schema.encode`."""
        n = len(continuous)
        out = np.empty((n, self.rest[-1][1].size if self.rest else self.bias.size), dtype=self.dtype)
        for start in range(0, n, CHUNK):
            rows = slice(start, start + CHUNK)
            x = ((continuous[rows] - self.mean) * self.inverse_scale).astype(self.dtype, copy=False)
            if not self.plain:
                missing = np.isnan(x)
                x[missing] = 0.0
            h = x @ self.from_continuous
            h += self.bias
            if len(self.indicators):
                h += missing[:, self.indicators].astype(self.dtype) @ self.from_indicators
            for k, table in enumerate(self.tables):
                h += table[nominal[rows, k]]  # code -1 is the table's last row: missing
            for weight, bias in self.rest:
                h = _ACTIVATE[self.activation](h) @ weight
                h += bias
            out[rows] = h
        return self._link(out)

    def _link(self, z: np.ndarray) -> np.ndarray:
        if self.link == "identity":
            return z
        if self.link == "binary":
            p = expit(z[:, 0])
            return np.stack([1 - p, p], axis=1)
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        return z


def _relu(h):
    return np.maximum(h, 0.0, out=h)


_ACTIVATE = {
    "relu": _relu,
    "tanh": lambda h: np.tanh(h, out=h),
    "logistic": lambda h: expit(h, out=h),
    "silu": lambda h: h * expit(h),
    "gelu": lambda h: 0.5 * h * (1 + erf(h * h.dtype.type(0.5**0.5))),
}


def _activation_name(body) -> str:
    from compress.nets import ACTIVATIONS

    kinds = {kind: name for name, kind in ACTIVATIONS.items()}
    return next((kinds[type(part)] for layer in body.layers for part in layer if type(part) in kinds), "relu")


def _numpy(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)


def _affine(parts) -> tuple[np.ndarray, np.ndarray]:
    """Weight (n_in, n_out) and bias of a linear layer, with its batch norm folded in."""
    weight, bias = None, None
    for part in parts:
        kind = type(part).__name__
        if kind == "Linear":
            weight, bias = _numpy(part.weight).T, _numpy(part.bias)
        elif kind == "BatchNorm1d":
            gain = _numpy(part.weight) / np.sqrt(_numpy(part.running_var) + part.eps)
            weight = weight * gain
            bias = (bias - _numpy(part.running_mean)) * gain + _numpy(part.bias)
    return weight, bias
