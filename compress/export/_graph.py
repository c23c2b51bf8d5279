"""A small writer of ONNX graphs."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Graph"]

TYPES = {
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}
LARGE = 64  # weights with fewer values stay float32: there is nothing to gain


class Graph:
    """Nodes, constants, inputs and outputs under construction; values are known by their names.

    Parameters
    ----------
    precision : {"float32", "float16", "int8"}
        The type in which large weights are stored; the nodes get them as float32.
    reserved : set of str
        The names of the inputs, which other values must not have.
    """

    def __init__(self, precision: str, reserved: set[str]):
        self.precision, self.reserved = precision, reserved
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []
        self.ml_opset = 0  # the version that the nodes need
        self._constants = {}

    def _name(self, stem: str) -> str:
        name = f"{stem}_{len(self.nodes) + len(self.initializers)}"
        while name in self.reserved:
            name += "_"
        return name

    def input(self, name: str, kind: str, width: int) -> str:
        """Add an input of shape (n_rows, width)."""
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], ["n_rows", width]))
        return name

    def output(self, name: str, value: str, kind: str, width: int | None) -> None:
        """Make `value`, which no other node uses, an output of shape (n_rows, width), or (n_rows,) without width."""
        while name in self.reserved:
            name += "_"
        next(node for node in self.nodes if node.output[0] == value).output[0] = name
        shape = ["n_rows"] if width is None else ["n_rows", width]
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))

    def add(self, operator: str, *values: str, **attributes) -> str:
        """Add a node and return the name of its result."""
        result = self._name(operator.lower())
        self.nodes.append(helper.make_node(operator, list(values), [result], **attributes))
        return result

    def cast(self, value: str, kind: str) -> str:
        """Return `value` as another type."""
        return self.add("Cast", value, to=TYPES[kind])

    def constant(self, values, dtype, *, weight: bool = False) -> str:
        """Add a constant; a large `weight` is stored in the precision of the graph."""
        values = np.asarray(values, dtype=np.float64 if weight else dtype)
        if weight and self.precision != "float32" and values.size >= LARGE:
            return self._small(values)
        return self._stored(values.astype(dtype))

    def _stored(self, values: np.ndarray) -> str:
        known = (values.dtype.str, values.shape, values.tobytes())
        if known not in self._constants:
            name = self._constants[known] = self._name("constant")
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name))
        return self._constants[known]

    def _small(self, values: np.ndarray) -> str:
        # Cast and Mul, not DequantizeLinear: runtimes compute them once, when they load the model.
        largest = np.abs(values).max(axis=0)
        if self.precision == "float16":
            if largest.max() < np.finfo(np.float16).max:
                return self.cast(self._stored(values.astype(np.float16)), "float")
            return self._stored(values.astype(np.float32))
        step = np.where(largest > 0, largest, 1.0) / 127  # one per column: output units differ in size
        stored = self._stored(np.rint(values / step).astype(np.int8))
        return self.add("Mul", self.cast(stored, "float"), self._stored(step.astype(np.float32)))

    def strings(self, values: list[str]) -> str:
        """Add a constant of strings."""
        name = self._name("constant")
        encoded = [value.encode() for value in values]
        self.initializers.append(helper.make_tensor(name, TensorProto.STRING, [len(values)], encoded))
        return name

    def affine(self, value: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """Return `value @ weight + bias`."""
        return self.add("Gemm", value, self.constant(weight, np.float32, weight=True), self.constant(bias, np.float32))

    def double_encoder(self, value: str, keys: list[float], opset: int) -> str:
        """Return the positions of doubles among `keys`, and `len(keys)` for others."""
        self.ml_opset = opset
        n = len(keys)
        return self.add(
            "LabelEncoder",
            value,
            domain="ai.onnx.ml",
            keys_tensor=helper.make_tensor("keys", TensorProto.DOUBLE, [n], keys),
            values_tensor=helper.make_tensor("values", TensorProto.INT64, [n], list(range(n))),
            default_tensor=helper.make_tensor("default", TensorProto.INT64, [1], [n]),
        )

    def to_bytes(self, opset: int, ml_opset: int, ir_version: int, *, producer: str) -> bytes:
        """Return the checked model."""
        graph = helper.make_graph(self.nodes, "student", self.inputs, self.outputs, self.initializers)
        opsets = [helper.make_opsetid("", opset)]
        if any(node.domain for node in self.nodes):
            opsets.append(helper.make_opsetid("ai.onnx.ml", max(ml_opset, self.ml_opset)))
        model = helper.make_model(graph, opset_imports=opsets, producer_name=producer)
        model.ir_version = ir_version
        onnx.checker.check_model(model)
        return model.SerializeToString()
