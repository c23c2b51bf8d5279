"""Students for the fuzzers: small, of every kind of column, target and net; made once."""

import copy
import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open

from compress import (
    StudentClassifier,
    StudentRegressor,
    TreeStudentClassifier,
    TreeStudentRegressor,
    load_predictor,
    load_student,
)
from compress.students import PeriodicEncoding, PiecewiseLinearEncoding

N = 40
RNG = np.random.default_rng(0)
QUICK = {"max_epochs": 1, "random_state": 0}
FRAME = pd.DataFrame(
    {
        "size": np.where(np.arange(N) % 5, RNG.normal(size=N), np.nan),
        "colour": pd.Categorical(np.array(["red", "green", None], dtype=object)[np.arange(N) % 3]),
        "town": [f"t{i % 12}" for i in range(N)],
        "country": np.array(["NA", "DE", "1,5"])[np.arange(N) % 3],
        "flag": np.arange(N) % 2 == 0,
        "code": np.arange(N) % 3,
    }
)
OLD = [Path(__file__).parents[1] / "files" / f"student_of_format_{format}.safetensors" for format in (1, 2)]


@cache
def students() -> list:
    """Fitted students."""
    kinds = {"code": "nominal"}
    return [
        StudentClassifier((3,), max_one_hot=5, schema=kinds, embedding_size=2, **QUICK).fit(FRAME, np.arange(N) % 2),
        StudentClassifier((3,), bottleneck=2, encoding=PeriodicEncoding(1), schema=kinds, **QUICK).fit(
            FRAME, np.array(["a", "bc", "NA"])[np.arange(N) % 3]
        ),
        StudentRegressor((3, 2), **QUICK).fit(FRAME[["size", "town"]].to_numpy(dtype=object), 1000 + np.arange(N)),
        StudentRegressor((), **QUICK).fit(RNG.normal(size=(N, 3)), RNG.normal(size=(N, 2))),
        StudentClassifier((), encoding=PiecewiseLinearEncoding(3), schema=kinds, **QUICK).fit(FRAME, np.arange(N) % 2),
        TreeStudentClassifier(5, max_iter=3, min_samples_leaf=2, schema=kinds).fit(
            FRAME, np.array(["a", "bc", "NA"])[np.arange(N) % 3]
        ),
        TreeStudentRegressor(5, max_iter=3, min_samples_leaf=2).fit(1e6 + RNG.normal(size=(N, 3)), np.arange(N)),
    ]


@cache
def files() -> list[bytes]:
    """The contents of their files, and of those of older formats."""
    return [*(student.to_bytes() for student in students()), *(path.read_bytes() for path in OLD)]


def tables_of(student, n: int = 3):
    """A few rows for a student."""
    if student.schema_.is_frame_:
        return FRAME[student.schema_.names].head(n)
    names = ["size", "town"] if len(student.schema_.nominal_) else ["size", "size", "size"]
    return FRAME[names].head(n).to_numpy(dtype=object if len(student.schema_.nominal_) else float)


def parts(content: bytes) -> tuple[dict, dict]:
    """The description and the tensors of a file, to be changed."""
    return copy.deepcopy(_parts(content))


@cache
def _parts(content: bytes) -> tuple[dict, dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "student"
        path.write_bytes(content)
        with safe_open(path, framework="pt") as file:
            return json.loads(file.metadata()["compress"]), {k: file.get_tensor(k).clone() for k in file.keys()}  # noqa: SIM118


def as_bytes(tensors) -> dict:
    """Tensors as NumPy arrays of their bytes, of which a file has the checksum."""
    return {name: t.detach().contiguous().reshape(-1).view(torch.uint8).numpy() for name, t in tensors.items()}


def use(path) -> None:
    """Load a student and predict with it: whatever was loaded has to work."""
    student = load_student(path)
    table = np.full((2, student.n_features_in_), np.nan)
    if student.schema_.is_frame_:
        table = pd.DataFrame(table.astype(object), columns=pd.Index(student.schema_.names, dtype=object))
    found = student.predict_proba(table) if hasattr(student, "classes_") else student.predict(table)
    assert len(found) == 2 and np.isfinite(found).all()
    assert len(student.predict(table)) == 2
    predict = load_predictor(path)
    assert len(predict(table)) == 2
    predict(dict.fromkeys(predict.names))
    student.to_bytes()
    repr(student)
