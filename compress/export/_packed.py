"""The plan of a net as three arrays, as its compiled functions take it; see `compress.export._net_kernels`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compress.export._c_pieces import lines_of
from compress.export._padding import NARROW, padded
from compress.export._plan import Plan

__all__ = ["HEADER", "OUTPUTS", "Packed", "aligned", "packed"]

# the first numbers of `p`
HEADER = (
    "n_continuous",
    "n_plain",
    "plain_at",
    "low_at",
    "high_at",
    "has_scale",
    "scale_at",
    "n_frequencies",
    "frequencies_at",
    "n_flags",
    "flags_at",
    "flag_weights",
    "n_pieces",
    "pieces_at",
    "n_nominal",
    "nominal_at",
    "width",
    "n_inputs",
    "n_lines",
    "first",
    "bias",
    "n_layers",
    "layers_at",
    "activation",
    "output",
    "n_outputs",
    "shift_at",
    "largest",
    "second",
)

ACTIVATIONS = ("relu", "tanh", "logistic", "silu", "gelu")
OUTPUTS = ("identity", "sigmoid", "softmax")


LINE = 16  # numbers of single precision in a line of the cache: arrays begin where one does


def aligned(array: np.ndarray) -> np.ndarray:
    """Return a copy of an array that begins with a line of the cache, which vectors should not cross.

    Parameters
    ----------
    array : array of shape (n,)
        The numbers.
    """
    n = array.nbytes
    room = np.empty(n + 4 * LINE, dtype=np.uint8)
    begin = -room.ctypes.data % (4 * LINE)
    made = room[begin : begin + n].view(array.dtype)
    made[:] = array
    return made


class Packed(NamedTuple):
    """Sizes and places, doubles, and weights in single precision."""

    p: np.ndarray
    d: np.ndarray
    f: np.ndarray


def packed(plan: Plan) -> Packed:
    """Return the arrays of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    """
    wide = padded(plan)
    doubles, floats = _Pile(np.float64), _Pile(np.float32)
    with_bins = {pieces.k for pieces in plan.pieces}
    plain = [k for k in range(len(plan.mean)) if k not in with_bins]
    waves = np.zeros((0, 0)) if plan.frequencies is None else plan.frequencies
    doubles.add(plan.mean)
    inputs = wide.continuous[plain] if waves.size == 0 else np.vstack([wide.continuous[plain], wide.periodic])
    widths = [len(wide.bias), *(len(layer.bias) for layer in wide.layers)]
    has_scale = plan.inverse_scale is not None
    first = {
        "n_continuous": len(plan.mean),
        "n_plain": len(plain),
        "low_at": doubles.add(plan.low),
        "high_at": doubles.add(plan.high),
        "has_scale": has_scale,
        "scale_at": doubles.add(plan.inverse_scale) if has_scale else 0,
        "n_frequencies": waves.shape[1],
        "frequencies_at": floats.add(waves),
        "n_flags": len(plan.indicators),
        "flag_weights": floats.add(wide.flags),
        "n_pieces": len(plan.pieces),
        "n_nominal": len(plan.tables),
        "width": widths[0],
        "n_inputs": len(inputs),
        "n_lines": len(inputs) + -len(inputs) % 4,
        "first": floats.add(np.vstack([inputs, np.zeros((-len(inputs) % 4, widths[0]))])),
        "bias": floats.add(wide.bias),
        "n_layers": len(plan.layers),
        "activation": ACTIVATIONS.index(plan.activation),
        "output": OUTPUTS.index(plan.output_activation),
        "n_outputs": plan.n_outputs,
        "shift_at": -1 if plan.shift is None else doubles.add(plan.shift),
        "largest": max(widths),
        "second": max(widths[1::2], default=0),
    }
    pieces, nominal, layers = [], [], []
    for each in wide.pieces:
        unit = plan.inverse_scale[each.k] if has_scale else 1.0
        at = doubles.add(np.concatenate([each.edges, 1 / np.diff(each.edges), [unit]]))
        pieces += [each.k, len(each.edges) - 1, at, floats.add(lines_of(wide, each, unit))]
    for table in wide.tables:
        values = table.values if table.weight is None else table.values @ table.weight
        nominal += [len(values) - 1, floats.add(values)]
    for layer in wide.layers:
        n_in, n_out = layer.weight.shape
        by_unit = floats.add(layer.weight.T) if n_out < NARROW else -1
        layers += [n_in, n_out, floats.add(layer.weight), by_unit, floats.add(layer.bias), layer.activated]
    lists = {
        "plain_at": plain,
        "flags_at": plan.indicators,
        "pieces_at": pieces,
        "nominal_at": nominal,
        "layers_at": layers,
    }
    at = len(HEADER)
    for name, values in lists.items():
        first[name] = at
        at += len(values)
    numbers = [first[name] for name in HEADER] + [number for values in lists.values() for number in values]
    return Packed(np.array(numbers, dtype=np.int64), doubles.array(), floats.array())


class _Pile:
    """Arrays one after the other."""

    def __init__(self, dtype):
        self.dtype, self.parts, self.size = dtype, [], 0

    def add(self, array) -> int:
        """Add an array and return its place."""
        at = self.size
        numbers = np.ravel(array).astype(self.dtype)
        self.parts.append(np.append(numbers, np.zeros(-len(numbers) % LINE, dtype=self.dtype)))
        self.size += len(self.parts[-1])
        return at

    def array(self) -> np.ndarray:
        """Return all of it."""
        return np.concatenate(self.parts)
