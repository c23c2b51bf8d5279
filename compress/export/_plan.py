"""What an exported student computes, in plain arrays: its inputs, its weights, its outputs.

    dense  = [x - mean of the continuous columns, flags of the missing ones, embeddings, waves]
    hidden = dense @ first + rows of look-up tables (one per one-hot column) + bias
    then (activation, weight, bias) layer by layer, and the output activation.

Scales of the inputs, batch norm and the unit of the outputs are folded into the weights, in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.export._numpy import FOLDABLE
from compress.nets import MLP, activation_name, affine_layers
from compress.schema import Schema

__all__ = ["Input", "Layer", "Plan", "Table", "plan_of"]

NEGLIGIBLE = 1e-6  # error of a standardised value, from its column's being given as float32


@dataclass(frozen=True)
class Input:
    """One column of the table as a file in another language gets it.

    Parameters
    ----------
    name : str
    type : {"float", "double", "int64", "bool", "string"}
        A missing value is NaN, the smallest int64, or a string that is no category; a bool knows none.
    kind : {"continuous", "nominal"}
    k : int
        Position among the columns of its kind.
    categories : tuple
        In the order of their codes.
    """

    name: str
    type: str
    kind: str
    k: int
    categories: tuple = ()


@dataclass(frozen=True)
class Table:
    """What a nominal column adds to the first layer: row `code` of `values`, the last one for missing.

    With `weight`, of shape (embedding size, width), the row is an embedding to be multiplied by it.
    """

    values: np.ndarray
    weight: np.ndarray | None = None


@dataclass(frozen=True)
class Layer:
    """`(activation(h) if activated else h) @ weight + bias`, with weight of shape (n_in, n_out)."""

    weight: np.ndarray
    bias: np.ndarray
    activated: bool = True


@dataclass(frozen=True)
class Plan:
    """See the module's docstring.

    Parameters
    ----------
    inputs : list of Input, in the order of the table's columns
    matrix : str or None
        Type of the one matrix that holds all columns; None: one input per column.
    mean : float64 array of shape (d_c,)
    inverse_scale : float64 array of shape (d_c,) or None
        Scales that could not be folded into `continuous`, since they are beyond float32.
    continuous : array of shape (d_c, width)
    indicators : list of int
        Continuous columns with a flag for missing values; `flags` has their weights, (n_flags, width).
    frequencies : array of shape (d_c, n_frequencies) or None
        Radians per unit of the centred columns; `waves` has the weights of their sines, then cosines, column by
        column, (2 * d_c * n_frequencies, width).
    tables : list of Table
    bias : array of shape (width,)
    layers : list of Layer
    activation : str
    output_activation : {"sigmoid", "softmax", "identity"}
    classes : array or None
    flat : bool
        Regression of one output, with values of shape (n_rows,).
    """

    inputs: list
    matrix: str | None
    mean: np.ndarray
    inverse_scale: np.ndarray | None
    continuous: np.ndarray
    indicators: list
    flags: np.ndarray
    frequencies: np.ndarray | None
    waves: np.ndarray
    tables: list
    bias: np.ndarray
    layers: list
    activation: str
    output_activation: str
    classes: np.ndarray | None
    flat: bool

    @property
    def n_outputs(self) -> int:
        """Columns of the net's last layer: one for two classes."""
        return len(self.layers[-1].bias) if self.layers else len(self.bias)


def plan_of(student) -> Plan:
    """The plan of a fitted student.

    Raises
    ------
    TypeError
        A student whose net is not one of this library's perceptrons; categories of several types.
    ValueError
        Names of columns that no file can carry.
    """
    module, schema = student.module_, student.schema_
    if not isinstance(getattr(module, "body", None), MLP) or not hasattr(module.inputs, "widths"):
        raise TypeError(
            f"only students of this library's perceptrons can be exported, got the net of {type(student).__name__}. "
            "Export a module of your own with torch.onnx.export."
        )
    inputs, body = module.inputs, module.body
    mean, scale = _array(inputs.mean), _array(inputs.scale)
    layers = [Layer(weight, bias) for weight, bias in affine_layers(module)]
    first = layers.pop(0)
    if body.bottleneck is not None:
        narrow = _array(body.bottleneck.weight).T
        if narrow.size + first.weight.size < len(narrow) * first.weight.shape[1]:
            layers.insert(0, Layer(first.weight, first.bias, activated=False))
            first = Layer(narrow, np.zeros(narrow.shape[1]))
        else:
            first = Layer(narrow @ first.weight, first.bias)
    foldable = bool(np.all((scale > FOLDABLE[0]) & (scale < FOLDABLE[1])))
    at = len(mean)
    flags = first.weight[at : at + len(inputs.indicators)]
    columns, matrix = _inputs(schema, mean, scale, foldable)
    return Plan(
        inputs=columns,
        matrix=matrix,
        mean=mean,
        inverse_scale=None if foldable else 1 / scale,
        continuous=first.weight[:at] / scale[:, None] if foldable else first.weight[:at],
        indicators=list(inputs.indicators),
        flags=flags,
        frequencies=_frequencies(body, scale, foldable),
        waves=first.weight[at + len(flags) + sum(inputs.widths) :],
        tables=_tables(inputs, first.weight[at + len(flags) :]),
        bias=first.bias,
        layers=layers,
        activation=activation_name(body),
        output_activation=student.objective_.output_activation,
        classes=getattr(student, "classes_", None),
        flat=not getattr(student, "outputs_2d_", True),
    )


def _frequencies(body, scale: np.ndarray, foldable: bool) -> np.ndarray | None:
    if body.periodic is None or not len(scale):
        return None
    frequencies = _array(body.periodic.weight)
    return frequencies / scale[:, None] if foldable else frequencies


def _tables(inputs, weight: np.ndarray) -> list[Table]:
    tables, at = [], 0
    for k, width in enumerate(inputs.widths):
        block = weight[at : at + width]
        at += width
        if str(k) in inputs.embeddings:
            vectors = _array(inputs.embeddings[str(k)].weight)
            small = vectors.size + block.size < len(vectors) * block.shape[1]
            tables.append(Table(vectors, block) if small else Table(vectors @ block))
        else:
            tables.append(Table(block if inputs.nominal_missing[k] else np.vstack([block, np.zeros_like(block[:1])])))
    return tables


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)


# ------------------------------------------------------------------ inputs
def _inputs(schema: Schema, mean, scale, foldable: bool) -> tuple[list[Input], str | None]:
    """The columns' inputs, and the type of the matrix when one can hold them all."""
    names = [str(name) if schema.is_frame_ else f"x{name}" for name in schema.names]
    if len(set(names)) < len(names) or "" in names:
        raise ValueError(f"column names must be different and not empty when read as text, got {schema.names}.")
    rank = {j: k for block in (schema.continuous_, schema.nominal_) for k, j in enumerate(block)}
    inputs = []
    for j, column in enumerate(schema.columns_):
        k = rank[j]
        if column.kind == "continuous":
            # float32 where its rounding of the values is far below the column's spread
            largest = max(abs(column.low), abs(column.high))
            fits = largest < 1e30 and foldable and largest * 2.0**-24 < NEGLIGIBLE * scale[k]
            of_integers = schema.is_frame_ and column.dtype.lower().startswith(("int", "uint")) and not column.missing
            kind = "int64" if of_integers else "float" if fits else "double"
            inputs.append(Input(names[j], kind, "continuous", k))
        else:
            inputs.append(Input(names[j], _category_type(column), "nominal", k, column.categories))
    if schema.is_frame_:
        return inputs, None
    types = {column.type for column in inputs}
    if types == {"string"}:
        return inputs, "string"
    if schema.array_dtype_.kind not in "fiub":
        return inputs, None
    exact = all(np.float32(c) == c for column in inputs for c in column.categories)
    return inputs, "double" if not exact or any(i.kind == "continuous" and i.type == "double" for i in inputs) else (
        "float"
    )


def _category_type(column) -> str:
    kinds = {type(c) for c in column.categories}
    if kinds <= {str}:
        return "string"
    if kinds == {bool}:
        return "int64" if column.missing else "bool"
    if kinds == {int}:
        return "double" if column.dtype.startswith("float") else "int64"
    if kinds <= {int, float}:
        return "double"
    raise TypeError(
        f"column {column.name!r} has categories of several types ({', '.join(sorted(k.__name__ for k in kinds))}), "
        "which no single input can take. Turn the column into strings before fit."
    )
