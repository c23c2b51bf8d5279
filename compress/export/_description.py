"""The description of a student in its file, checked as a whole before anything is made of it.

The checksum in the file finds damage, but no intent: who writes another description can write its checksum, too. All
sizes are compared with the tensors of the file, so that nothing larger than the file is allocated. The parameters of
the estimator are left to `compress.students`: a predictor needs the activation only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.export._numpy import ACTIVATIONS
from compress.export._student_file import INPUT_DEFAULTS
from compress.schema import MOST_MARGIN, Schema, check_schema, described_classes, is_number, must

__all__ = ["KINDS", "Described", "NetDescription", "checked_net", "checked_shared", "is_integer", "sizes_of"]

# the objectives of each kind of student
KINDS = {
    "StudentClassifier": ("SoftTargets", "Probabilities", "Logits"),
    "StudentRegressor": ("Values",),
    "TreeStudentClassifier": ("SoftTargets", "Logits"),
    "TreeStudentRegressor": ("Values",),
}
REGRESSORS = ("StudentRegressor", "TreeStudentRegressor")
LARGEST_INTEGER = 2**63 - 1
NARROWEST_BIN = 1e-300  # that of `compress.nets`, which would import torch
FOLDED, FOLDED_TIMES = 2**26, 64  # numbers that a predictor may hold: at least so many, or times those of the file


@dataclass(frozen=True)
class Described:
    """What is described of a student of any family.

    Parameters
    ----------
    kind : str
        The name of the student's class.
    parameters : dict
        The parameters of the estimator, which are not checked yet.
    schema : Schema
        The fitted schema of the table.
    objective : str
        The name of the objective's class.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions.
    feature_names : list of str or None
        The column names of a DataFrame.
    outputs_2d : bool or None
        Whether values have two dimensions; None for a classifier.
    classes : array of shape (n_classes,) or None
        The classes; None in regression.
    n_outputs : int
        The number of outputs.
    """

    kind: str
    parameters: dict
    schema: Schema
    objective: str
    output_activation: str
    feature_names: list | None
    outputs_2d: bool | None
    classes: np.ndarray | None
    n_outputs: int


@dataclass(frozen=True)
class NetDescription:
    """A checked description of a net.

    Parameters
    ----------
    shared : Described
        What is described of students of any family.
    activation : str
        The name of the activation.
    inputs : dict
        The options of the input layer.
    hidden_layer_sizes : tuple of int
        The number of units of each hidden layer.
    bottleneck : int or None
        The number of units of the linear layer in front of them.
    n_frequencies : int
        The number of frequencies of a periodic embedding; 0 without one.
    edges : list of float64 arrays, or None
        The edges of the bins of each continuous column.
    """

    shared: Described
    activation: str
    inputs: dict
    hidden_layer_sizes: tuple
    bottleneck: int | None
    n_frequencies: int
    edges: list | None


def checked_shared(described: dict, n_outputs: int) -> Described:
    """Return what is described of a student whose file holds so many outputs."""
    kind = described["class"]
    check_schema(described.get("schema"))
    schema = Schema.from_dict(described["schema"])
    learned, parameters = described.get("learned"), described.get("parameters")
    must(isinstance(learned, dict), "learned", "an object", learned)
    must(isinstance(parameters, dict), "parameters", "an object", parameters)
    classes = _classes(learned.get("classes"), kind)
    if classes is not None:
        right = 1 if len(classes) == 2 else len(classes)
        must(n_outputs == right, "the number of outputs", f"{right} for {len(classes)} classes", n_outputs)
    activation = learned.get("output_activation")
    wanted = "identity" if classes is None else "sigmoid" if len(classes) == 2 else "softmax"
    must(activation == wanted, "output_activation", f"{wanted} for this student", activation)
    objectives = KINDS[kind]
    must(
        learned.get("objective") in objectives, "objective", f"one of {', '.join(objectives)}", learned.get("objective")
    )
    names, outputs_2d = _names(learned, schema, classes, n_outputs)
    return Described(kind, parameters, schema, learned["objective"], activation, names, outputs_2d, classes, n_outputs)


def checked_net(described: dict, weights: dict) -> NetDescription:
    """Return the description of a net, or raise ValueError where it does not describe one or not these weights."""
    mean = weights.get("output_mean")
    must(mean is not None and mean.ndim == 1 and len(mean) > 0, "output_mean", "a vector", mean is not None)
    shared = checked_shared(described, len(mean))
    learned, schema = described["learned"], shared.schema
    activation = shared.parameters.get("activation", "relu")
    known = isinstance(activation, str) and activation in ACTIVATIONS
    must(known, "parameters.activation", f"one of {', '.join(ACTIVATIONS)}", activation)
    inputs = _inputs(learned.get("inputs", {}), schema)
    found = NetDescription(
        shared=shared,
        activation=activation,
        edges=_edges(inputs.pop("n_bins"), schema, weights),
        inputs=inputs,
        hidden_layer_sizes=sizes_of(learned.get("hidden_layer_sizes"), "hidden_layer_sizes", len(weights)),
        bottleneck=_bottleneck(learned.get("bottleneck")),
        n_frequencies=_integer(learned.get("n_frequencies", 0), "n_frequencies", 0),
    )
    _check_weights(found, weights)
    return found


def _names(learned: dict, schema: Schema, classes, n_outputs: int) -> tuple[list | None, bool | None]:
    """Return the names of the columns and whether values have two dimensions, where there are any."""
    outputs_2d, names = learned.get("outputs_2d"), learned.get("feature_names")
    if classes is None:
        must(isinstance(outputs_2d, bool), "outputs_2d", "true or false", outputs_2d)
        must(outputs_2d or n_outputs == 1, "outputs_2d", "true for several outputs", outputs_2d)
    else:
        must(outputs_2d is None, "outputs_2d", "null for a classifier", outputs_2d)
    if names is not None:
        fits = schema.is_frame_ and (names is True or names == schema.names)
        must(fits and all(isinstance(name, str) for name in schema.names), "feature_names", "true or left out", names)
        names = schema.names
    return names, outputs_2d


def is_integer(value, low: int = -LARGEST_INTEGER) -> bool:
    """Return whether a value of JSON is an integer in a range.

    Parameters
    ----------
    value : object
        The value.
    low : int, default=1 - 2**63
        The smallest integer; the largest is 2**63 - 1.

    Examples
    --------
    >>> from compress.export import is_integer
    >>> is_integer(3, low=0), is_integer(3.0), is_integer(True)
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= LARGEST_INTEGER


def _integer(value, name: str, low: int) -> int:
    must(is_integer(value, low), name, f"an integer of at least {low}", value)
    return value


def sizes_of(values, name: str, most: int) -> tuple:
    """Return the sizes of layers as a tuple, or raise ValueError where they are not positive integers.

    Parameters
    ----------
    values : object
        The value of JSON that should be a list of sizes.
    name : str
        The name of the entry, for the error message.
    most : int
        The largest number of layers.

    Examples
    --------
    >>> from compress.export import sizes_of
    >>> sizes_of([64, 32], "hidden_layer_sizes", most=8)
    (64, 32)
    """
    must(isinstance(values, list) and len(values) <= most, name, "a list of layers", values)
    return tuple(_integer(value, name, 1) for value in values)


def _bottleneck(value) -> int | None:
    return None if value is None else _integer(value, "bottleneck", 1)


# ----------------------------------------------------------------- classes
def _classes(plain, kind: str) -> np.ndarray | None:
    """Return the classes of a classifier, in their dtype, and None for a regressor."""
    if kind in REGRESSORS:
        must(plain is None, "classes", "left out for a regressor", plain)
        return None
    return described_classes(plain)


# --------------------------------------------------------------------- net
def _inputs(plain, schema: Schema) -> dict:
    """Return the options of the input layer, those that are left out included, which must fit the schema."""
    known = isinstance(plain, dict) and plain.keys() <= INPUT_DEFAULTS.keys()
    must(known, "inputs", f"an object of {', '.join(INPUT_DEFAULTS)}", plain)
    made, d_c, d_n = {**INPUT_DEFAULTS, **plain}, len(schema.continuous_), len(schema.nominal_)
    for name, n in (("indicators", d_c), ("nominal_missing", d_n)):
        flags = made[name]
        right = isinstance(flags, list) and all(is_integer(flag, 0) and flag < n for flag in flags)
        must(right and sorted(set(flags)) == flags, f"inputs.{name}", "ascending numbers of columns", flags)
    there = set(made["nominal_missing"])
    made["nominal_missing"] = [k in there for k in range(d_n)]
    _integer(made["max_one_hot"], "inputs.max_one_hot", 0)
    _integer(made["embedding_size"], "inputs.embedding_size", 1)
    margin = made["margin"]
    right = margin is None or (is_number(margin) and 0 <= margin <= MOST_MARGIN)
    must(right, "inputs.margin", f"a number from 0 to {MOST_MARGIN:g}, or null", margin)
    return made


def _edges(n_bins, schema: Schema, weights: dict) -> list | None:
    """Return the edges of the bins of each continuous column, from the tensor that holds all of them."""
    if n_bins is None:
        return None
    right = isinstance(n_bins, list) and all(is_integer(n, 0) and n != 1 for n in n_bins)
    must(right and len(n_bins) == len(schema.continuous_), "inputs.n_bins", "0 or at least 2 for each column", n_bins)
    sizes = [n + 1 if n else 0 for n in n_bins]
    edges = weights.get("inputs.pieces.edges")
    must(sum(sizes) > 0, "inputs.n_bins", "left out where there are none", n_bins)
    right = edges is not None and edges.ndim == 1 and edges.dtype == np.float64 and len(edges) == sum(sizes)
    must(right, "inputs.pieces.edges", f"{sum(sizes)} doubles", None if edges is None else tuple(edges.shape))
    must(bool(np.isfinite(edges).all()), "inputs.pieces.edges", "finite", "NaN or infinity")
    by_column = np.split(edges, np.cumsum(sizes)[:-1])
    for each in by_column:
        with np.errstate(over="ignore"):
            widths = np.diff(each)
        right = bool(np.all((widths >= NARROWEST_BIN) & np.isfinite(widths)))
        must(right, "inputs.pieces.edges", "ascending in each column", widths.min(initial=np.inf))
    return by_column


def _check_weights(found: NetDescription, weights: dict) -> None:
    """Check names, shapes, dtypes and values of the tensors."""
    shapes = _shapes(found)
    strange = sorted(set(weights) ^ set(shapes))
    must(not strange, "the tensors", "those of the net", (strange or [""])[0])
    for name, shape in shapes.items():
        tensor = weights[name]
        must(tuple(tensor.shape) == shape, name, f"of shape {shape}", tuple(tensor.shape))
        either = name in ("output_mean", "output_scale")  # float64 since values are, float32 before
        wanted = np.dtype("f8" if name in ("inputs.mean", "inputs.scale", "inputs.pieces.edges") else "f4")
        must(tensor.dtype == wanted or (either and tensor.dtype == np.float64), name, f"{wanted}", tensor.dtype)
        must(bool(np.isfinite(tensor).all()), name, "finite", "NaN or infinity")
        if name in ("inputs.scale", "output_scale"):
            must(bool((tensor > 0).all()), name, "positive", "0 or less")
    _check_folded(found, weights)


def _shapes(found: NetDescription) -> dict[str, tuple]:
    """Return the shape of each tensor of the net."""
    inputs, d_c = found.inputs, len(found.shared.schema.continuous_)
    shapes = {"inputs.mean": (d_c,), "inputs.scale": (d_c,)}
    width = d_c + len(inputs["indicators"])
    for k, (n, missing) in enumerate(zip(found.shared.schema.n_categories_.tolist(), inputs["nominal_missing"])):
        if n > inputs["max_one_hot"]:
            shapes[f"inputs.embeddings.{k}.weight"] = (n + 1, inputs["embedding_size"])
        width += inputs["embedding_size"] if n > inputs["max_one_hot"] else n + missing
    if found.edges is not None:
        shapes["inputs.pieces.edges"] = (sum(map(len, found.edges)),)
        width += sum(max(len(each) - 1, 0) for each in found.edges)
    if found.n_frequencies:
        shapes["body.periodic.weight"] = (d_c, found.n_frequencies)
        width += 2 * d_c * found.n_frequencies
    if found.bottleneck is not None:
        must(len(found.hidden_layer_sizes) > 0, "bottleneck", "null without hidden layers", found.bottleneck)
        shapes["body.bottleneck.weight"] = (found.bottleneck, width)
        width = found.bottleneck
    for i, size in enumerate(found.hidden_layer_sizes):
        shapes[f"body.layers.{i}.0.weight"], shapes[f"body.layers.{i}.0.bias"] = (size, width), (size,)
        width = size
    n_outputs = found.shared.n_outputs
    shapes["body.output.weight"], shapes["body.output.bias"] = (n_outputs, width), (n_outputs,)
    return {**shapes, "output_mean": (n_outputs,), "output_scale": (n_outputs,)}


def _check_folded(found: NetDescription, weights: dict) -> None:
    """Check how large a predictor becomes, which multiplies embeddings and the bottleneck out."""
    first = found.hidden_layer_sizes[0] if found.hidden_layer_sizes else found.shared.n_outputs
    embedded = sum(n + 1 for n in found.shared.schema.n_categories_.tolist() if n > found.inputs["max_one_hot"])
    narrow = weights["body.bottleneck.weight"].shape[1] if found.bottleneck is not None else 0
    folded, there = (embedded + narrow) * first, sum(tensor.size for tensor in weights.values())
    must(folded <= max(FOLDED, FOLDED_TIMES * there), "the predictor", f"in proportion to {there} weights", folded)
