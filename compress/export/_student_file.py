"""The bytes of a student's file: safetensors weights, and everything else as JSON in the same file's metadata.

The description is short, so that a student of a few hundred weights is a few kilobytes: defaults are left out.
Reading such a file does not execute code, since it is not a pickle. This module reads and writes the file;
`compress.students` makes a student of what is in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as tensors_to_bytes

from compress._version import __version__
from compress.export._tree_file import tree_parts

__all__ = ["INPUT_DEFAULTS", "read_student_file", "student_to_bytes"]

FORMAT = 4
# options of the input layer, left out of a description where they are these
INPUT_DEFAULTS = {
    "indicators": [],
    "nominal_missing": [],
    "max_one_hot": 64,
    "embedding_size": 8,
    "n_bins": None,
    "margin": 0.0,
}
ALWAYS = ("activation",)  # the parameter that a net depends on, whatever later defaults are
DEEPEST = 12  # levels of nested lists and objects in a description; students have five
# not needed after fit
LEFT_OUT = ("schema", "callbacks", "random_state", "device", "class_weight", "monotonic_cst", "verbose")


def student_to_bytes(student) -> bytes:
    """Return the content of the file that `student.save` writes.

    Parameters
    ----------
    student : fitted StudentClassifier or StudentRegressor
        The student to write.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import student_to_bytes
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> student_to_bytes(student) == student.to_bytes()
    True
    """
    learned, weights = tree_parts(student) if hasattr(student, "trees_") else _net_parts(student)
    further = {
        "feature_names": True if hasattr(student, "feature_names_in_") else None,
        "outputs_2d": getattr(student, "outputs_2d_", None),
    }
    learned = {
        "output_activation": student.objective_.output_activation,
        "objective": type(student.objective_).__name__,
        **learned,
        **{key: value for key, value in further.items() if value is not None},
    }
    if hasattr(student, "classes_"):
        learned["classes"] = {"dtype": str(student.classes_.dtype), "values": student.classes_.tolist()}
    described = {
        "format": FORMAT,
        "compress": __version__,
        "class": type(student).__name__,
        "parameters": _plain_parameters(student),
        "schema": student.schema_.to_dict(),
        "learned": learned,
    }
    # one key only: safetensors writes several in random order, and the same student has to give the same bytes
    return tensors_to_bytes(weights, metadata={"compress": _text({"sha256": _digest(described, weights), **described})})


def _net_parts(student) -> tuple[dict, dict]:
    """Return what is said of a net, and its weights by their names."""
    inputs, body = student.module_.inputs, student.module_.body
    options = {
        "indicators": inputs.indicators,
        "nominal_missing": [k for k, missing in enumerate(inputs.nominal_missing) if missing],
        "max_one_hot": inputs.max_one_hot,
        "embedding_size": inputs.embedding_size,
        "n_bins": None if inputs.pieces is None else inputs.pieces.n_bins,
        "margin": inputs.margin,
    }
    options = {key: value for key, value in options.items() if value != INPUT_DEFAULTS[key]}
    further = {
        "inputs": options or None,
        "bottleneck": None if body.bottleneck is None else body.bottleneck.out_features,
        "n_frequencies": None if body.periodic is None else body.periodic.weight.shape[1],
    }
    learned = {
        "hidden_layer_sizes": list(body.hidden_layer_sizes),
        **{key: value for key, value in further.items() if value is not None},
    }
    weights = student.module_.state_dict()
    return learned, {name: np.ascontiguousarray(value.cpu().numpy()) for name, value in weights.items()}


def read_student_file(path) -> tuple[dict, dict]:
    """Read a file that `student.save` wrote, and compare its checksum.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    dict, dict
        The description, and the weights by their names, as NumPy arrays.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file has another format, is damaged, or was written by a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path must name a saved student, got {str(path)!r}, which is not a file.")
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get("compress")
            names = list(file.keys())
            if text:  # files of others are told so
                _check_dtypes({name: file.get_slice(name).get_dtype() for name in names})
            # copies: the tensors of safe_open are views of the file, which may be replaced
            weights = {name: np.array(file.get_tensor(name)) for name in (names if text else ())}
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{str(path)!r} is not a saved student: {error}. Save one with student.save(path).") from error
    if not text:
        raise ValueError(f"{str(path)!r} is a safetensors file, but no student of this library wrote it.")
    try:
        described = _parsed(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} is a damaged student file: {error}. Save the student again.") from error
    if not isinstance(described, dict) or type(described.get("format")) is not int or described["format"] < 1:
        raise ValueError(
            f"{str(path)!r} is a damaged student file: it does not say its format. Save the student again."
        )
    if described["format"] > FORMAT:
        raise ValueError(
            f"{str(path)!r} has format {str(described['format'])[:20]}, this version reads up to {FORMAT}: "
            f"upgrade compress to {str(described.get('compress'))[:20]} or later."
        )
    if described.pop("sha256", None) != _digest(described, weights):
        raise ValueError(f"{str(path)!r} is a damaged student file: its checksum is wrong. Save the student again.")
    return described, weights


def _check_dtypes(dtypes: dict[str, str]) -> None:
    strange = [name for name, dtype in dtypes.items() if dtype not in ("F32", "F64", "U8")]
    if strange:
        raise ValueError(f"its tensor {strange[0][:60]!r} is of type {dtypes[strange[0]]}, which no student has")


def _parsed(text: str):
    """Return the value of JSON that is not deep and has finite numbers only."""

    def refuse(word):
        raise ValueError(f"its description holds {word}, which is no number")

    value = json.loads(text, parse_constant=refuse)
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("its description is nested too deeply")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return value


def _text(described: dict) -> str:
    return json.dumps(described, separators=(",", ":"), default=_plain)


def _plain(value):
    """Return a NumPy scalar or array as Python's own types; refuse what JSON cannot hold."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(
        f"a student's file holds texts, numbers and booleans only, got {value!r} of type {type(value).__name__}. "
        "Turn such categories, classes and names into text before fit, for instance with X[column].astype(str)."
    )


def _digest(described: dict, weights: dict) -> str:
    """Return a digest of everything in the file, which shows damage such as a flipped bit of a weight."""
    digest = hashlib.sha256(_text(described).encode())
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    return digest.hexdigest()


def _plain_parameters(student) -> dict:
    """Return the constructor parameters that have a JSON form, matter to a fitted student and are not the defaults."""
    plain, defaults = {}, type(student)().get_params(deep=False)
    for name, value in student.get_params(deep=False).items():
        if name in LEFT_OUT:
            continue
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        if name in ALWAYS or type(value) is not type(defaults[name]) or value != defaults[name]:
            plain[name] = {type(value).__name__: asdict(value)} if name == "encoding" and value is not None else value
    return plain
