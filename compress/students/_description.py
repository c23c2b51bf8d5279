"""The description of a student's net in its file, checked as a whole before anything is made of it.

The checksum in the file finds damage, but no intent: who writes another description can write its checksum, too. All
sizes are compared with the tensors of the file, so that nothing larger than the file is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch

from compress.export import INPUT_DEFAULTS
from compress.nets import ACTIVATIONS, NARROWEST_BIN
from compress.schema import Schema, check_schema, described_classes, must
from compress.students import _objectives as objectives
from compress.students._classifier import StudentClassifier
from compress.students._encodings import PeriodicEncoding, PiecewiseLinearEncoding
from compress.students._regressor import StudentRegressor
from compress.students._targets import output_activation

__all__ = ["Description", "checked", "checked_classes", "checked_names", "checked_parameters"]

KINDS = {kind.__name__: kind for kind in (StudentClassifier, StudentRegressor)}
OBJECTIVES = {
    StudentClassifier: (objectives.SoftTargets, objectives.Probabilities, objectives.Logits),
    StudentRegressor: (objectives.Values,),
}
NOT_WRITTEN = {"schema", "callbacks", "random_state", "device", "class_weight", "monotonic_cst", "verbose"}
LARGEST_INTEGER = 2**63 - 1
ENCODINGS = {kind.__name__: kind for kind in (PeriodicEncoding, PiecewiseLinearEncoding)}
FOLDED, FOLDED_TIMES = 2**26, 64  # numbers that a predictor may hold: at least so many, or times those of the file


@dataclass(frozen=True)
class Description:
    """A checked description; the names are those of `student_to_bytes`."""

    student: object
    schema: Schema
    objective: type
    output_activation: str
    inputs: dict
    hidden_layer_sizes: tuple
    bottleneck: int | None
    n_frequencies: int
    edges: list | None
    feature_names: list | None
    outputs_2d: bool | None
    classes: np.ndarray | None
    n_outputs: int


def checked(described: dict, weights: dict) -> Description:
    """Return the description of a student, or raise ValueError where it does not describe one or not these weights."""
    must(described.get("class") in tuple(KINDS), "class", "that of a student", described.get("class"))
    kind = KINDS[described["class"]]
    student = _student(kind, described.get("parameters"))
    check_schema(described.get("schema"))
    schema = Schema.from_dict(described["schema"])
    learned = described.get("learned")
    must(isinstance(learned, dict), "learned", "an object", learned)
    classes = checked_classes(learned.get("classes"), kind)
    n_outputs = _n_outputs(weights, classes)
    activation = learned.get("output_activation")
    wanted = output_activation(None if classes is None else len(classes))
    must(activation == wanted, "output_activation", f"{wanted} for this student", activation)
    known = {objective.__name__: objective for objective in OBJECTIVES[kind]}
    must(learned.get("objective") in tuple(known), "objective", f"one of {', '.join(known)}", learned.get("objective"))
    names, outputs_2d = checked_names(learned, schema, classes, n_outputs)
    inputs = _inputs(learned.get("inputs", {}), schema)
    found = Description(
        student=student,
        schema=schema,
        objective=known[learned["objective"]],
        output_activation=activation,
        edges=_edges(inputs.pop("n_bins"), schema, weights),
        inputs=inputs,
        hidden_layer_sizes=_sizes(learned.get("hidden_layer_sizes"), "hidden_layer_sizes", len(weights)),
        bottleneck=_bottleneck(learned.get("bottleneck")),
        n_frequencies=_integer(learned.get("n_frequencies", 0), "n_frequencies", 0),
        feature_names=names,
        outputs_2d=outputs_2d,
        classes=classes,
        n_outputs=n_outputs,
    )
    _check_weights(found, weights)
    return found


# -------------------------------------------------------------- parameters
def checked_parameters(kind, parameters) -> dict:
    """Return the plain parameters of a kind of student; sizes of layers become a tuple."""
    must(isinstance(parameters, dict), "parameters", "an object", parameters)
    unknown = sorted(set(parameters) - (set(kind().get_params(deep=False)) - NOT_WRITTEN))
    must(not unknown, "parameters", f"those of {kind.__name__}", (unknown or [""])[0])
    parameters = dict(parameters)
    for name, value in parameters.items():
        if name == "hidden_layer_sizes":
            parameters[name] = value if _is_integer(value) else _sizes(value, f"parameters.{name}", LARGEST_INTEGER)
        elif name != "encoding":
            plain = value is None or isinstance(value, str | bool | float) or _is_integer(value)
            must(plain, f"parameters.{name}", "a text, a number, true, false or null", value)
    return parameters


def checked_names(learned: dict, schema: Schema, classes, n_outputs: int) -> tuple[list | None, bool | None]:
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


def _student(kind, parameters):
    """Return the unfitted student of given parameters."""
    parameters = checked_parameters(kind, parameters)
    encoding = parameters.pop("encoding", None)
    if encoding is not None:
        parameters["encoding"] = _encoding(encoding)
    student = kind(**parameters)
    student._validate_params()
    must(student.activation in ACTIVATIONS, "parameters.activation", "an activation", student.activation)
    return student


def _encoding(plain):
    """Return the encoding of an object such as {"PeriodicEncoding": {"n_frequencies": 4, "scale": 0.2}}."""
    known = isinstance(plain, dict) and len(plain) == 1 and plain.keys() <= ENCODINGS.keys()
    must(known, "parameters.encoding", f"one of {', '.join(ENCODINGS)}, or null", plain)
    ((name, values),) = plain.items()
    right = isinstance(values, dict) and values.keys() <= {field.name for field in fields(ENCODINGS[name])}
    must(right, "parameters.encoding", f"parameters of {name}", values)
    for value in values.values():
        plain = isinstance(value, str | float) or _is_integer(value)
        must(plain, "parameters.encoding", "texts and numbers", value)
    return ENCODINGS[name](**values)


def _is_integer(value, low: int = -LARGEST_INTEGER) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= LARGEST_INTEGER


def _integer(value, name: str, low: int) -> int:
    must(_is_integer(value, low), name, f"an integer of at least {low}", value)
    return value


def _sizes(values, name: str, most: int) -> tuple:
    must(isinstance(values, list) and len(values) <= most, name, "a list of layers", values)
    return tuple(_integer(value, name, 1) for value in values)


def _bottleneck(value) -> int | None:
    return None if value is None else _integer(value, "bottleneck", 1)


# ----------------------------------------------------------------- classes
def checked_classes(plain, kind) -> np.ndarray | None:
    """Return the classes of a classifier, in their dtype, and None for a regressor."""
    if kind is StudentRegressor:
        must(plain is None, "classes", "left out for a regressor", plain)
        return None
    return described_classes(plain)


def _n_outputs(weights: dict, classes) -> int:
    mean = weights.get("output_mean")
    must(mean is not None and mean.ndim == 1 and len(mean) > 0, "output_mean", "a vector", mean is not None)
    n_outputs = len(mean)
    if classes is not None:
        wanted = 1 if len(classes) == 2 else len(classes)
        must(n_outputs == wanted, "the number of outputs", f"{wanted} for {len(classes)} classes", n_outputs)
    return n_outputs


# --------------------------------------------------------------------- net
def _inputs(plain, schema: Schema) -> dict:
    """Return the options of the input layer, those that are left out included, which must fit the schema."""
    known = isinstance(plain, dict) and plain.keys() <= INPUT_DEFAULTS.keys()
    must(known, "inputs", f"an object of {', '.join(INPUT_DEFAULTS)}", plain)
    made, d_c, d_n = {**INPUT_DEFAULTS, **plain}, len(schema.continuous_), len(schema.nominal_)
    for name, n in (("indicators", d_c), ("nominal_missing", d_n)):
        flags = made[name]
        right = isinstance(flags, list) and all(_is_integer(flag, 0) and flag < n for flag in flags)
        must(right and sorted(set(flags)) == flags, f"inputs.{name}", "ascending numbers of columns", flags)
    there = set(made["nominal_missing"])
    made["nominal_missing"] = [k in there for k in range(d_n)]
    _integer(made["max_one_hot"], "inputs.max_one_hot", 0)
    _integer(made["embedding_size"], "inputs.embedding_size", 1)
    return made


def _edges(n_bins, schema: Schema, weights: dict) -> list | None:
    """Return the edges of the bins of each continuous column, from the tensor that holds all of them."""
    if n_bins is None:
        return None
    right = isinstance(n_bins, list) and all(_is_integer(n, 0) and n != 1 for n in n_bins)
    must(right and len(n_bins) == len(schema.continuous_), "inputs.n_bins", "0 or at least 2 for each column", n_bins)
    sizes = [n + 1 if n else 0 for n in n_bins]
    edges = weights.get("inputs.pieces.edges")
    must(sum(sizes) > 0, "inputs.n_bins", "left out where there are none", n_bins)
    right = edges is not None and edges.ndim == 1 and edges.dtype == torch.float64 and len(edges) == sum(sizes)
    must(right, "inputs.pieces.edges", f"{sum(sizes)} doubles", None if edges is None else tuple(edges.shape))
    must(bool(torch.isfinite(edges).all()), "inputs.pieces.edges", "finite", "NaN or infinity")
    by_column = np.split(edges.numpy(), np.cumsum(sizes)[:-1])
    for each in by_column:
        with np.errstate(over="ignore"):
            widths = np.diff(each)
        right = bool(np.all((widths >= NARROWEST_BIN) & np.isfinite(widths)))
        must(right, "inputs.pieces.edges", "ascending in each column", widths.min(initial=np.inf))
    return by_column


def _check_weights(found: Description, weights: dict) -> None:
    """Check names, shapes, dtypes and values of the tensors."""
    shapes = _shapes(found)
    strange = sorted(set(weights) ^ set(shapes))
    must(not strange, "the tensors", "those of the net", (strange or [""])[0])
    for name, shape in shapes.items():
        tensor = weights[name]
        must(tuple(tensor.shape) == shape, name, f"of shape {shape}", tuple(tensor.shape))
        either = name in ("output_mean", "output_scale")  # float64 since values are, float32 before
        wanted = torch.float64 if name in ("inputs.mean", "inputs.scale", "inputs.pieces.edges") else torch.float32
        must(tensor.dtype == wanted or (either and tensor.dtype == torch.float64), name, f"{wanted}", tensor.dtype)
        must(bool(torch.isfinite(tensor).all()), name, "finite", "NaN or infinity")
        if name in ("inputs.scale", "output_scale"):
            must(bool((tensor > 0).all()), name, "positive", "0 or less")
    _check_folded(found, weights)


def _shapes(found: Description) -> dict[str, tuple]:
    """Return the shape of each tensor of the net."""
    inputs, d_c = found.inputs, len(found.schema.continuous_)
    shapes = {"inputs.mean": (d_c,), "inputs.scale": (d_c,)}
    width = d_c + len(inputs["indicators"])
    for k, (n, missing) in enumerate(zip(found.schema.n_categories_.tolist(), inputs["nominal_missing"])):
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
    shapes["body.output.weight"], shapes["body.output.bias"] = (found.n_outputs, width), (found.n_outputs,)
    return {**shapes, "output_mean": (found.n_outputs,), "output_scale": (found.n_outputs,)}


def _check_folded(found: Description, weights: dict) -> None:
    """Check how large a predictor becomes, which multiplies embeddings and the bottleneck out."""
    first = found.hidden_layer_sizes[0] if found.hidden_layer_sizes else found.n_outputs
    embedded = sum(n + 1 for n in found.schema.n_categories_.tolist() if n > found.inputs["max_one_hot"])
    narrow = weights["body.bottleneck.weight"].shape[1] if found.bottleneck is not None else 0
    folded, there = (embedded + narrow) * first, sum(tensor.numel() for tensor in weights.values())
    must(folded <= max(FOLDED, FOLDED_TIMES * there), "the predictor", f"in proportion to {there} weights", folded)
