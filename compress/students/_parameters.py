"""The parameters of a student in its file: a stranger may have written them."""

from __future__ import annotations

from dataclasses import fields

from compress.export import is_integer, sizes_of
from compress.nets import ACTIVATIONS
from compress.schema import must
from compress.students._encodings import PeriodicEncoding, PiecewiseLinearEncoding

__all__ = ["unfitted"]

NOT_WRITTEN = {"schema", "callbacks", "random_state", "device", "class_weight", "monotonic_cst", "verbose"}
ENCODINGS = {kind.__name__: kind for kind in (PeriodicEncoding, PiecewiseLinearEncoding)}
MOST_LAYERS = 2**63 - 1  # the tensors of the file limit them


def unfitted(kind, parameters: dict):
    """Return the unfitted student of a kind with the parameters of a file, or raise ValueError."""
    parameters = _plain(kind, parameters)
    encoding = parameters.pop("encoding", None)
    if encoding is not None:
        parameters["encoding"] = _encoding(encoding)
    student = kind(**parameters)
    student._validate_params()
    if hasattr(student, "activation"):
        must(student.activation in ACTIVATIONS, "parameters.activation", "an activation", student.activation)
    return student


def _plain(kind, parameters: dict) -> dict:
    """Return the plain parameters of a kind of student; sizes of layers become a tuple."""
    must(isinstance(parameters, dict), "parameters", "an object", parameters)
    unknown = sorted(set(parameters) - (set(kind().get_params(deep=False)) - NOT_WRITTEN))
    must(not unknown, "parameters", f"those of {kind.__name__}", (unknown or [""])[0])
    parameters = dict(parameters)
    for name, value in parameters.items():
        if name == "hidden_layer_sizes":
            parameters[name] = value if is_integer(value) else sizes_of(value, f"parameters.{name}", MOST_LAYERS)
        elif name != "encoding":
            plain = value is None or isinstance(value, str | bool | float) or is_integer(value)
            must(plain, f"parameters.{name}", "a text, a number, true, false or null", value)
    return parameters


def _encoding(plain):
    """Return the encoding of an object such as {"PeriodicEncoding": {"n_frequencies": 4, "scale": 0.2}}."""
    known = isinstance(plain, dict) and len(plain) == 1 and plain.keys() <= ENCODINGS.keys()
    must(known, "parameters.encoding", f"one of {', '.join(ENCODINGS)}, or null", plain)
    ((name, values),) = plain.items()
    right = isinstance(values, dict) and values.keys() <= {field.name for field in fields(ENCODINGS[name])}
    must(right, "parameters.encoding", f"parameters of {name}", values)
    for value in values.values():
        plain = isinstance(value, str | float) or is_integer(value)
        must(plain, "parameters.encoding", "texts and numbers", value)
    return ENCODINGS[name](**values)
