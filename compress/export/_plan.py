"""What an exported student computes, in plain arrays: its inputs, its weights, its outputs.

    dense  = [x - mean of the continuous columns x, flags of the missing ones, embeddings, encoding]
    encoding: sines and cosines (periodic), or the filled shares of bins (piecewise linear)
    hidden = dense @ first + rows of look-up tables (one per one-hot column) + bias
    then (activation, weight, bias) layer by layer, and the output activation.
    A number x beyond the bounds of its column, `low` and `high`, counts as the bound.

Scales of the inputs, batch norm and the unit of the outputs are folded into the weights, in float64.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from compress.export._net import Net, net_of
from compress.export._numpy import FOLDABLE
from compress.export._predictor import NEAR
from compress.schema import Schema

__all__ = ["Input", "Layer", "Pieces", "Plan", "Table", "check_texts", "inputs_of", "plan_of", "plan_of_net"]

NEGLIGIBLE = 1e-6  # error of a standardised value when its column is given as float32


@dataclass(frozen=True)
class Input:
    """One column of the table, as a file in another language gets it.

    Parameters
    ----------
    name : str
        The name of the input.
    type : {"float", "double", "int64", "bool", "string"}
        The type of the values. A missing value is NaN, the smallest int64, or a string that is not a category; a bool
        has none.
    kind : {"continuous", "nominal"}
        Whether the column holds numbers or categories.
    k : int
        The position among the columns of its kind.
    categories : tuple, default=()
        The categories in the order of their codes.
    """

    name: str
    type: str
    kind: str
    k: int
    categories: tuple = ()


@dataclass(frozen=True)
class Table:
    """What a nominal column adds to the first layer.

    Parameters
    ----------
    values : float array of shape (n_categories + 1, width)
        The row `code` is added for this category; the last row is for a missing value.
    weight : float array of shape (embedding size, width), optional
        When it is given, `values` holds embeddings of shape (n_categories + 1, embedding size), which are multiplied by
        it.
    """

    values: np.ndarray
    weight: np.ndarray | None = None


@dataclass(frozen=True)
class Pieces:
    """The bins of one continuous column, and what they add to the first layer.

    Parameters
    ----------
    k : int
        The position of the column among the continuous ones.
    edges : float64 array of shape (n_bins + 1,)
        The edges of the bins, in the unit of the column.
    weight : float64 array of shape (n_bins, width)
        The weights of the filled shares.
    """

    k: int
    edges: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Layer:
    """One layer: `(activation(h) if activated else h) @ weight + bias`.

    Parameters
    ----------
    weight : float64 array of shape (n_in, n_out)
        The weights.
    bias : float64 array of shape (n_out,)
        The biases.
    activated : bool, default=True
        Whether the activation is applied to the inputs `h`.
    """

    weight: np.ndarray
    bias: np.ndarray
    activated: bool = True


@dataclass(frozen=True)
class Plan:
    """What an exported student computes; see the docstring of the module.

    Parameters
    ----------
    inputs : list of Input
        The inputs in the order of the columns of the table.
    matrix : str or None
        The type of the one matrix that holds all columns; None means one input per column.
    mean : float64 array of shape (d_c,)
        The means of the continuous columns, which are subtracted.
    low, high : float64 arrays of shape (d_c,)
        The bounds within which the continuous columns are held; infinite where there are none.
    scale : float64 array of shape (d_c,)
        Their scales, by which `continuous` and `frequencies` are divided where `inverse_scale` is None.
    inverse_scale : float64 array of shape (d_c,) or None
        The factors that could not be folded into `continuous`, since the scales are beyond float32; else None.
    continuous : array of shape (d_c, width)
        The weights of the continuous columns in the first layer.
    indicators : list of int
        The continuous columns with a flag for missing values; `flags` has the weights of the flags, (n_flags, width).
    frequencies : array of shape (d_c, n_frequencies) or None
        The frequencies of the periodic embedding, in radians per unit of the centred columns; `periodic` has the
        weights of the sines, then the cosines, column by column, (2 * d_c * n_frequencies, width).
    pieces : list of Pieces
        The columns with a piecewise-linear encoding, in their order.
    tables : list of Table
        The look-up tables of the nominal columns.
    bias : array of shape (width,)
        The bias of the first layer.
    layers : list of Layer
        The layers after the first.
    activation : str
        The name of the activation.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions; see `NumpyPredictor`.
    shift : float64 array of shape (n_outputs,) or None
        What is added to the outputs in float64, as the last step: the mean of values that is far from 0 for their
        spread, which float32 would lose. None when the mean is in the bias of the last layer.
    classes : array of shape (n_classes,) or None
        The label of each output; None for regression.
    flat : bool
        Whether the student predicts one value per row, in an array of shape (n_rows,).
    """

    inputs: list
    matrix: str | None
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    inverse_scale: np.ndarray | None
    continuous: np.ndarray
    indicators: list
    flags: np.ndarray
    frequencies: np.ndarray | None
    periodic: np.ndarray
    pieces: list
    tables: list
    bias: np.ndarray
    layers: list
    activation: str
    output_activation: str
    shift: np.ndarray | None
    classes: np.ndarray | None
    flat: bool

    @property
    def n_outputs(self) -> int:
        """The number of columns of the last layer; it is one for two classes."""
        return len(self.layers[-1].bias) if self.layers else len(self.bias)

    def standardised(self, weight: np.ndarray) -> np.ndarray:
        """Return `continuous` or `frequencies` as they are for standardised columns: float32 numbers, as trained."""
        return weight * self.scale[:, None] if self.inverse_scale is None else weight


def plan_of(student) -> Plan:
    """Return the plan of a fitted student.

    Raises
    ------
    TypeError
        The net of the student is not one of this library's perceptrons, or a column has categories of several types.
    ValueError
        Column names are empty or not unique as text, or a name, a category or a class holds a character that C and ONNX
        cannot: NUL, or half of a surrogate pair.
    """
    return plan_of_net(
        net_of(student.module_),
        student.schema_,
        student.objective_.output_activation,
        classes=getattr(student, "classes_", None),
        flat=not getattr(student, "outputs_2d_", True),
    )


def plan_of_net(net: Net, schema: Schema, output_activation: str, *, classes, flat: bool) -> Plan:
    """Return the plan of a net; the errors are those of `plan_of`.

    Parameters
    ----------
    net : Net
        The net.
    schema : Schema
        The fitted schema of the table.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions.
    classes : array of shape (n_classes,) or None
        The label of each output.
    flat : bool
        Whether one value per row is predicted, in an array of shape (n_rows,).
    """
    mean, scale = net.mean, net.scale
    check_texts(schema, classes)
    layers = [Layer(weight, bias) for weight, bias in net.united_layers()]
    shift = _shift(net, output_activation)
    if shift is not None:
        layers[-1] = Layer(layers[-1].weight, layers[-1].bias - shift)
    first = layers.pop(0)
    if net.bottleneck is not None:
        narrow = net.bottleneck
        if narrow.size + first.weight.size < len(narrow) * first.weight.shape[1]:
            layers.insert(0, Layer(first.weight, first.bias, activated=False))
            first = Layer(narrow, np.zeros(narrow.shape[1]))
        else:
            first = Layer(narrow @ first.weight, first.bias)
    foldable = bool(np.all((scale > FOLDABLE[0]) & (scale < FOLDABLE[1])))
    at = len(mean)
    flags = first.weight[at : at + len(net.indicators)]
    added = first.weight[at + len(flags) + sum(net.widths) :]
    pieces = [] if net.edges is None else _pieces(net.edges, added)
    columns, matrix = inputs_of(schema, mean, scale, foldable, pieces)
    return Plan(
        inputs=columns,
        matrix=matrix,
        mean=mean,
        low=net.low,
        high=net.high,
        scale=scale,
        inverse_scale=None if foldable else 1 / scale,
        continuous=first.weight[:at] / scale[:, None] if foldable else first.weight[:at],
        indicators=list(net.indicators),
        flags=flags,
        frequencies=_frequencies(net, scale, foldable),
        periodic=added[: 0 if pieces else None],
        pieces=pieces,
        tables=_tables(net, first.weight[at + len(flags) :]),
        bias=first.bias,
        layers=layers,
        activation=net.activation,
        output_activation=output_activation,
        shift=shift,
        classes=classes,
        flat=flat,
    )


def _shift(net: Net, output_activation: str) -> np.ndarray | None:
    """Return the mean of values where it is so far from 0 for their spread that float32 would lose the spread."""
    far = output_activation == "identity" and bool(np.any(np.abs(net.output_mean) > NEAR[4] * net.output_scale))
    return net.output_mean if far else None


def check_texts(schema: Schema, classes) -> None:
    """Refuse texts that another language cannot hold; C would take "a" and "a\\0b" for the same."""
    texts = [("column name", name) for name in schema.names]
    texts += [(f"category of column {c.name!r}", value) for c in schema.columns_ for value in c.categories]
    texts += [] if classes is None else [("class", value) for value in np.asarray(classes).tolist()]
    for what, text in texts:
        if not isinstance(text, str):
            continue
        bad = "a NUL character" if "\0" in text else None if _is_unicode(text) else "half of a surrogate pair"
        if bad:
            raise ValueError(f"the {what} {text!r} holds {bad}, which cannot be exported. Rename it before fit.")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _frequencies(net: Net, scale: np.ndarray, foldable: bool) -> np.ndarray | None:
    if net.frequencies is None or not len(scale):
        return None
    return net.frequencies / scale[:, None] if foldable else net.frequencies


def _pieces(edges: list, weight: np.ndarray) -> list[Pieces]:
    blocks = np.split(weight, np.cumsum([max(len(e) - 1, 0) for e in edges])[:-1])
    return [Pieces(k, e, block) for k, (e, block) in enumerate(zip(edges, blocks)) if len(e)]


def _tables(net: Net, weight: np.ndarray) -> list[Table]:
    tables, at = [], 0
    for k, width in enumerate(net.widths):
        block = weight[at : at + width]
        at += width
        if k in net.embeddings:
            vectors = net.embeddings[k]
            small = vectors.size + block.size < len(vectors) * block.shape[1]
            tables.append(Table(vectors, block) if small else Table(vectors @ block))
        else:
            tables.append(Table(block if net.nominal_missing[k] else np.vstack([block, np.zeros_like(block[:1])])))
    return tables


# ------------------------------------------------------------------ inputs
def inputs_of(schema: Schema, mean, scale, foldable: bool, pieces=()) -> tuple[list[Input], str | None]:
    """Return the inputs of the columns, and the type of the matrix when one can hold them all."""
    names = [str(name) if schema.is_frame_ else f"x{name}" for name in schema.names]
    if len(set(names)) < len(names) or "" in names:
        wrong, n = max(Counter(names).items(), key=lambda entry: (not entry[0], entry[1]))
        raise ValueError(f"column names must be different and not empty when read as text, got {wrong!r} {n} times.")
    rank = {j: k for block in (schema.continuous_, schema.nominal_) for k, j in enumerate(block)}
    narrowest = {p.k: np.diff(p.edges).min() for p in pieces if schema.dtype_ != np.float32}
    inputs = []
    for j, column in enumerate(schema.columns_):
        k = rank[j]
        if column.kind == "continuous":
            # float32 where its rounding of the values is far below the column's spread, and below that of its bins
            largest = max(abs(column.low), abs(column.high))
            spread = min(scale[k], narrowest.get(k, scale[k]))
            fits = largest < 1e30 and foldable and largest * 2.0**-24 < NEGLIGIBLE * spread
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
    if kinds == {int} and max(map(abs, column.categories)) >= 2**63:
        raise ValueError(
            f"column {column.name!r} has categories beyond 64 bits, such as {max(column.categories, key=abs)}. "
            "Turn the column into strings before fit."
        )
    if kinds == {int}:
        return "double" if column.dtype.startswith("float") else "int64"
    if kinds <= {int, float}:
        return "double"
    raise TypeError(
        f"column {column.name!r} has categories of several types ({', '.join(sorted(k.__name__ for k in kinds))}), "
        "which no single input can take. Turn the column into strings before fit."
    )
