"""The forms that the export benchmark compares: a converted teacher, and a student wherever it can run."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from experiments._student_in_c import FLAGS, NATIVE, c_function

__all__ = ["converted", "session", "student_forms"]


def session(content: bytes):
    """ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@contextmanager
def integers_for_booleans():
    """skl2onnx 1.20 passes booleans where onnx 1.23 wants integers (HistGradientBoosting); cast them on the way."""
    import onnx.helper

    original = onnx.helper.make_attribute

    def make_attribute(key, value, *args, **kwargs):
        if isinstance(value, list | tuple | np.ndarray) and any(isinstance(v, bool | np.bool_) for v in value):
            value = [int(v) for v in value]
        return original(key, value, *args, **kwargs)

    onnx.helper.make_attribute = make_attribute
    try:
        yield
    finally:
        onnx.helper.make_attribute = original


def converted(teacher, n_columns: int) -> bytes:
    """The teacher as an ONNX model, by skl2onnx."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    with integers_for_booleans():
        model = to_onnx(
            teacher,
            initial_types=[("X", FloatTensorType([None, n_columns]))],
            options={id(teacher): {"zipmap": False}},
        )
    return model.SerializeToString()


def student_forms(student, X, folder: Path) -> tuple[dict, dict]:
    """(callables by form, bytes and losses) of a student of arrays; each form is checked on `X`."""
    module, n_classes = student.module_, len(student.classes_)

    def in_torch(X):
        with torch.inference_mode():
            z = module(torch.from_numpy(X), torch.empty(len(X), 0, dtype=torch.int32))
            return (torch.cat([-z, z], dim=1) / 2 if n_classes == 2 else z).softmax(dim=1).numpy()

    exported = {p: student.to_onnx(folder / f"{p}.onnx", precision=p, X=X) for p in ("float32", "float16", "int8")}
    run = session(exported["float32"].path.read_bytes()).run
    source, _ = student.to_c(folder / "student.c")
    subprocess.run([*FLAGS, "-c", source, "-o", folder / "student.o"], check=True)
    forms = {
        "predict_proba": student.predict_proba,
        "bare NumPy": student.predictor(),
        "torch": in_torch,
        "ONNX Runtime": lambda X: run(["probabilities"], {"X": X})[0],
        "C, -O2": c_function(student, source, []),
        "C, -O2 -march=native": c_function(student, source, NATIVE),
    }
    expected = student.predict_proba(X)
    for name, predict in forms.items():
        difference = np.abs(predict(X) - expected).max()
        if not difference < 1e-5:
            raise ArithmeticError(f"student, {name}: off by {difference:g} from predict_proba.")
    sizes = {
        "saved": len(student.to_bytes()),
        "C source": source.stat().st_size,
        "C object": (folder / "student.o").stat().st_size,
    }
    sizes |= {f"ONNX {p}": e.bytes for p, e in exported.items()}
    losses = {p: {"max_difference": e.max_difference, "agreement": e.agreement} for p, e in exported.items()}
    return forms, {"bytes": sizes, "losses": losses}
