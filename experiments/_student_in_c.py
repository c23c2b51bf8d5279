"""A student's C file, compiled and called from Python on rows that lie ready in memory, as they do in a C program."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from compress.export._plans import plan_for
from compress.schema import is_missing
from experiments._compilers import compilers

__all__ = ["FLAGS", "NATIVE", "c_function", "student_in_c"]

FLAGS = ["cc", "-O2", "-Wall", "-Werror"]  # the command that the documentation promises to work
NATIVE = ["-march=native"]  # where the program runs on the machine that compiles it
TYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "bool": np.int8, "string": np.uintp}
MISSING = {"float": np.nan, "double": np.nan, "int64": np.iinfo(np.int64).min, "bool": -1, "string": 0}


def student_in_c(student, folder: Path):
    """`c_function` of a student's file written to `folder`, for this machine; None where there is no C compiler."""
    if shutil.which(FLAGS[0]) is None:
        return None
    source, _ = student.to_c(Path(tempfile.mkdtemp(dir=folder)) / "student.c")
    return c_function(student, source, NATIVE)


def c_function(student, source: Path, flags):
    """The callable of a classifier's C file, compiled with further flags.

    It takes arrays or DataFrames. The rows of a table are packed when it is first seen, and kept. Without a C compiler
    it is an error that says how to get one.
    """
    compilers(FLAGS[0])
    library = source.with_suffix(f".{len(flags)}.so")
    subprocess.run([*FLAGS, *flags, "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
    predict_rows = getattr(ctypes.CDLL(str(library)), f"{source.stem}_predict_rows")
    predict_rows.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    predict_rows.restype = None
    plan, n_classes, known = plan_for(student), len(student.classes_), {}

    def predict(X):
        if id(X) not in known:
            rows, alive = packed(plan, X)
            out = np.empty((len(X), n_classes), dtype=np.float32)
            known[id(X)] = rows.ctypes.data, len(X), out.ctypes.data, out, (rows, alive, X)
        row, n, address, out, _ = known[id(X)]
        predict_rows(row, n, address)
        return out

    return predict


def packed(plan, X) -> tuple[np.ndarray, list]:
    """Rows in the layout that the C file takes, and the strings that they point to."""
    if plan.matrix is not None:
        return np.ascontiguousarray(X, dtype=TYPES[plan.matrix]), []
    fields = [(f"f{j}", TYPES[column.type]) for j, column in enumerate(plan.inputs)]
    rows, alive = np.empty(len(X), dtype=np.dtype(fields, align=True)), []
    for j, column in enumerate(plan.inputs):
        values = X.iloc[:, j]
        missing, values = is_missing(values), np.asarray(values, dtype=object)
        convert = int if column.type in ("int64", "bool") else float
        if column.type == "string":
            buffers = {v: ctypes.create_string_buffer(str(v).encode()) for v in set(values[~missing])}
            alive.append(buffers)
            convert = {v: ctypes.addressof(b) for v, b in buffers.items()}.get
        rows[f"f{j}"] = [MISSING[column.type] if m else convert(v) for v, m in zip(values, missing)]
    return rows, alive
