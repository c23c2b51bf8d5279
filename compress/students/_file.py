"""Students on disk: safetensors weights, and everything else as JSON in the same file's metadata.

Reading such a file executes nothing: no pickle is involved.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from compress._files import write_atomically
from compress._version import __version__
from compress.nets import MLP, Periodic, TableNet, TabularInput
from compress.schema import Schema

__all__ = ["load_student", "save_student", "student_to_bytes"]

FORMAT = 1


def student_to_bytes(student) -> bytes:
    """The content of the file that `save_student` writes."""
    inputs, body = student.module_.inputs, student.module_.body
    learned = {
        "link": student.objective_.link,
        "objective": type(student.objective_).__name__,
        "inputs": {
            "indicators": inputs.indicators,
            "n_categories": inputs.n_categories,
            "nominal_missing": inputs.nominal_missing,
            "max_one_hot": inputs.max_one_hot,
            "embedding_size": inputs.embedding_size,
        },
        "hidden_layer_sizes": list(body.hidden_layer_sizes),
        "bottleneck": None if body.bottleneck is None else body.bottleneck.out_features,
        "n_frequencies": 0 if body.periodic is None else body.periodic.weight.shape[1],
        "feature_names": list(student.feature_names_in_) if hasattr(student, "feature_names_in_") else None,
        "flat": getattr(student, "_flat", None),
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
    weights = {name: value.contiguous() for name, value in student.module_.state_dict().items()}
    # one key only: safetensors writes several in random order, and the same student shall be the same bytes
    return tensors_to_bytes(weights, metadata={"compress": _text({"sha256": _digest(described, weights), **described})})


def _text(described: dict) -> str:
    return json.dumps(described, separators=(",", ":"), default=lambda value: value.tolist())  # NumPy scalars


def _digest(described: dict, weights: dict) -> str:
    """Of everything in the file: tells damage, which a flipped bit of a weight would otherwise hide."""
    digest = hashlib.sha256(_text(described).encode())
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].numpy().tobytes())
    return digest.hexdigest()


def save_student(student, path) -> None:
    """Write a student to `path`; an old file stays whole until the new one is complete."""
    write_atomically(path, student_to_bytes(student))


def load_student(path):
    """Read a student that `student.save(path)` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    StudentClassifier or StudentRegressor
        Fitted; its training history is not in the file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Not a file of this format, a damaged one, or one written by a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path must name a saved student, got {str(path)!r}, which is no file.")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("compress")
            # copies: the tensors of safe_open are views of the file, which may be replaced
            weights = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (not a dict)
        described = json.loads(text) if text else None
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{str(path)!r} is no saved student: {error}. Save one with student.save(path).") from error
    if described is None:
        raise ValueError(f"{str(path)!r} is a safetensors file, but no student of this library wrote it.")
    if not isinstance(described, dict) or not isinstance(described.get("format"), int):
        raise ValueError(
            f"{str(path)!r} is a damaged student file: it does not say its format. Save the student again."
        )
    if described["format"] > FORMAT:
        raise ValueError(
            f"{str(path)!r} has format {described['format']}, this version reads up to {FORMAT}: "
            f"upgrade compress to {described.get('compress')} or later."
        )
    if described.pop("sha256", None) != _digest(described, weights):
        raise ValueError(f"{str(path)!r} is a damaged student file: its checksum is wrong. Save the student again.")
    try:
        return _restored(described, weights)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
        raise ValueError(f"{str(path)!r} is a damaged student file: {error}. Save the student again.") from error


def _restored(described: dict, weights: dict):
    from compress import students
    from compress.students import _objectives as objectives

    kind = {name: getattr(students, name) for name in students.__all__}[described["class"]]
    student = kind(**described["parameters"])
    learned = described["learned"]
    student.schema_ = Schema.from_dict(described["schema"])
    d_c = len(student.schema_.continuous_)
    if d_c != len(weights["inputs.mean"]):
        raise KeyError("inputs.mean does not fit the schema")
    missing = np.zeros(d_c, dtype=bool)
    missing[learned["inputs"].pop("indicators")] = True
    n_outputs = len(weights["output_mean"])
    with torch.device("meta"):  # shapes only: nothing is allocated or drawn for weights that come from the file
        inputs = TabularInput(np.zeros(d_c), np.ones(d_c), missing, **learned["inputs"])
        body = MLP(
            inputs.n_outputs,
            learned["hidden_layer_sizes"],
            n_outputs,
            activation=student.activation,
            bottleneck=learned.get("bottleneck"),
            periodic=Periodic(d_c, learned["n_frequencies"]) if learned.get("n_frequencies") else None,
        )
        student.module_ = TableNet(inputs, body, n_outputs)
    student.module_.load_state_dict(weights, assign=True)
    student.module_.eval()
    objective = {name: getattr(objectives, name) for name in objectives.__all__}[learned["objective"]]
    student.objective_ = objective(learned["link"], weights["output_mean"].numpy(), weights["output_scale"].numpy())
    student.n_parameters_ = sum(p.numel() for p in student.module_.parameters())
    student._built = student._net_parameters()
    student.n_features_in_ = student.schema_.n_columns
    if learned["feature_names"] is not None:
        student.feature_names_in_ = np.array(learned["feature_names"], dtype=object)
    if learned["flat"] is not None:
        student._flat = learned["flat"]
    if "classes" in learned:
        student.classes_ = np.array(learned["classes"]["values"], dtype=learned["classes"]["dtype"])
    student._predictor = student.predictor(np.float64)
    return student


def _plain_parameters(student) -> dict:
    """Constructor parameters that have a JSON form and matter to a fitted student."""
    plain = {}
    for name, value in student.get_params(deep=False).items():
        if name in ("schema", "callbacks", "random_state", "device", "class_weight", "verbose"):
            continue
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        plain[name] = value
    return plain
