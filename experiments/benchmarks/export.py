"""What a user would ship instead: the teacher, the teacher converted to ONNX, or the student in each of its forms.

All in one run, one thread, the forms by turns in each round, so that a busy machine is busy for all of them.
A figure is the fastest of the rounds. The fair baseline is the *converted* teacher; the student is
d-256-k whatever it has learned, so it is taught only a little here.

    python -m experiments.benchmarks.export                  minutes; writes experiments/results/benchmarks/export.*
    python -m experiments.benchmarks.export --quick          seconds; small teachers
"""

from __future__ import annotations

import argparse
import ctypes
import io
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import onnxruntime
import torch
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

from compress import StudentClassifier, TransferSet
from data.load import load_problem
from experiments._runner import machine, versions, write_atomically, write_json

PROBLEMS = ("letter.p2", "covtype7")
N_BATCH = 10_000
CALLS = {1: 200, N_BATCH: 1}  # calls per timing
SLOW = 0.005  # seconds per call from which fewer calls are enough


def teachers(quick: bool) -> dict:
    """The teachers, unfitted, by name."""
    n = 20 if quick else 300
    return {
        f"random forest, {n} trees": RandomForestClassifier(n, random_state=0, n_jobs=1),
        f"histogram boosting, {n} rounds": HistGradientBoostingClassifier(
            max_iter=n, early_stopping=False, random_state=0
        ),
        f"gradient boosting, {2 * n // 3} rounds": GradientBoostingClassifier(n_estimators=2 * n // 3, random_state=0),
    }


# -------------------------------------------------------------------- forms
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


def c_function(student, folder: Path, n_classes: int):
    """(callable, bytes of the source, bytes of the object file) of the student's C file."""
    source, _ = student.to_c(folder / "student.c")
    flags = ["cc", "-O2", "-Wall", "-Werror"]
    subprocess.run([*flags, "-c", source, "-o", folder / "student.o"], check=True)
    subprocess.run([*flags, "-shared", "-fPIC", source, "-o", folder / "student.so", "-lm"], check=True)
    predict_rows = ctypes.CDLL(str(folder / "student.so")).student_predict_rows
    predict_rows.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    predict_rows.restype = None
    outputs = {n: np.empty((n, n_classes), dtype=np.float32) for n in CALLS}
    addresses = {}  # a C program has its pointers at hand, too

    def predict(X):
        n = len(X)
        if id(X) not in addresses:
            addresses[id(X)] = X.ctypes.data, outputs[n].ctypes.data
        row, out = addresses[id(X)]
        predict_rows(row, n, out)
        return outputs[n]

    return predict, source.stat().st_size, (folder / "student.o").stat().st_size


def student_forms(student, X, folder: Path) -> tuple[dict, dict]:
    """(callables, bytes) of the student's forms."""
    module, bare = student.module_, student.predictor()
    nominal = {n: torch.empty(n, 0, dtype=torch.int32) for n in CALLS}
    binary = len(student.classes_) == 2

    def in_torch(X):
        with torch.inference_mode():
            z = module(torch.from_numpy(X), nominal[len(X)])
            return (torch.cat([-z, z], dim=1) / 2 if binary else z).softmax(dim=1).numpy()

    exported = {p: student.to_onnx(folder / f"{p}.onnx", precision=p, X=X) for p in ("float32", "float16", "int8")}
    run = session(exported["float32"].path.read_bytes()).run
    in_c, source_bytes, object_bytes = c_function(student, folder, len(student.classes_))
    forms = {
        "student, predict_proba": student.predict_proba,
        "student, bare NumPy": bare,
        "student, torch": in_torch,
        "student, ONNX Runtime": lambda X: run(["probabilities"], {"X": X})[0],
        "student, C": in_c,
    }
    sizes = {"saved": len(student.to_bytes()), "C source": source_bytes, "C object": object_bytes}
    sizes |= {f"ONNX {p}": e.bytes for p, e in exported.items()}
    losses = {p: {"max_difference": e.max_difference, "agreement": e.agreement} for p, e in exported.items()}
    return forms, {"bytes": sizes, "losses": losses}


# ------------------------------------------------------------------- timing
def timed(forms: dict, X: np.ndarray, rounds: int) -> dict:
    """Microseconds per call, by form and number of rows: fastest and median of the rounds."""
    result = {name: {} for name in forms}
    for n in CALLS:
        rows = np.ascontiguousarray(X[np.arange(n) % len(X)])
        seconds, calls = {name: [] for name in forms}, {}
        for name, predict in forms.items():
            predict(rows)
            trials = []
            for _ in range(5):  # one alone may have been interrupted
                started = time.perf_counter()
                predict(rows)
                trials.append(time.perf_counter() - started)
            calls[name] = 1 if min(trials) > SLOW else CALLS[n]
        for _ in range(rounds):
            for name, predict in forms.items():
                started = time.perf_counter()
                for _ in range(calls[name]):
                    predict(rows)
                seconds[name].append((time.perf_counter() - started) / calls[name])
        for name, values in seconds.items():
            result[name][n] = {"min_us": 1e6 * min(values), "median_us": 1e6 * float(np.median(values))}
    return result


def import_seconds() -> dict:
    """Seconds to import, by package, of the package and of a student: self times of modules, fastest of three."""
    result = {}
    for what, code in (
        ("compress", "import compress"),
        ("StudentClassifier", "from compress import StudentClassifier"),
    ):
        best = None
        for _ in range(3):
            done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)
            parts = {}
            for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr):
                top = name.split(".")[0]
                top = top if top in ("torch", "sklearn", "scipy", "pandas", "numba", "numpy", "compress") else "others"
                parts[top] = parts.get(top, 0.0) + int(own) / 1e6
            if best is None or sum(parts.values()) < sum(best.values()):
                best = parts
        result[what] = {"total": sum(best.values()), **dict(sorted(best.items(), key=lambda item: -item[1]))}
    return result


# ---------------------------------------------------------------------- run
def run_problem(name: str, quick: bool, rounds: int) -> dict:
    """All teachers and the student on one problem's columns of numbers."""
    problem = load_problem(name, seed=0)
    columns = [c for c in problem.X_train.columns if c not in problem.nominal]
    X, X_test = (t[columns].to_numpy(dtype=np.float32) for t in (problem.X_train, problem.X_test))
    y = np.unique(np.concatenate([problem.y_train, problem.y_test]), return_inverse=True)[1][: len(X)]
    if quick:
        X, y = X[:1000], y[:1000]
    X_test = X_test[:N_BATCH]
    forms, facts, first = {}, {"teachers": {}}, None
    for what, teacher in teachers(quick).items():
        started = time.perf_counter()
        teacher.fit(X, y)
        fitted = time.perf_counter()
        content = converted(teacher, X.shape[1])
        seconds = time.perf_counter() - fitted
        model = session(content)
        output = model.get_outputs()[1].name
        forms[f"{what}, native"] = teacher.predict_proba
        forms[f"{what}, ONNX Runtime"] = lambda X, run=model.run, output=output: run([output], {"X": X})[0]
        difference = np.abs(forms[f"{what}, ONNX Runtime"](X_test[:200]) - teacher.predict_proba(X_test[:200])).max()
        plain, small = io.BytesIO(), io.BytesIO()
        joblib.dump(teacher, plain)
        joblib.dump(teacher, small, compress=3)
        facts["teachers"][what] = {
            "fit_seconds": fitted - started,
            "convert_seconds": seconds,
            "convert_difference": float(difference),
            "bytes": {"joblib": plain.tell(), "joblib, compressed": small.tell(), "ONNX": len(content)},
        }
        print(f"{name}: {what}: fitted in {fitted - started:.1f} s, converted in {seconds:.1f} s", file=sys.stderr)
        first = first or teacher
    student = StudentClassifier((256,), max_epochs=2 if quick else 5, random_state=0)
    student.fit(TransferSet.from_teacher(first, X))
    with tempfile.TemporaryDirectory() as folder:
        own, facts["student"] = student_forms(student, X_test, Path(folder))
        facts["microseconds"] = timed({**forms, **own}, X_test, rounds)
    facts["shape"] = [X.shape[1], 256, len(student.classes_)]
    return facts


def table(results: dict, imports: dict) -> str:
    """The results in Markdown."""
    lines = []
    for name, facts in results.items():
        times, sizes = facts["microseconds"], facts["student"]["bytes"]
        own = [form for form in times if form.startswith("student")]
        best = {n: min(own, key=lambda form, n=n: times[form][n]["min_us"]) for n in CALLS}
        shape = "-".join(map(str, facts["shape"]))
        lines += [f"### {name}: student {shape}, microseconds, one thread", ""]
        lines += ["| form | 1 row | / best student | 10,000 rows | / best student | kB |", "|---|--:|--:|--:|--:|--:|"]
        for form in times:
            what, _, how = form.rpartition(", ")
            if what == "student":
                size = {"ONNX Runtime": "ONNX float32", "C": "C object"}.get(how, "saved")
                size = sizes[size]
            else:
                size = facts["teachers"][what]["bytes"]["joblib" if how == "native" else "ONNX"]
            cells = []
            for n in CALLS:
                us = times[form][n]["min_us"]
                cells += [f"{us:,.1f}" if us < 100 else f"{us:,.0f}", f"{us / times[best[n]][n]['min_us']:,.1f}"]
            lines.append(f"| {form} | {' | '.join(cells)} | {size / 1000:,.1f} |")
        losses = facts["student"]["losses"]
        lines += [
            "",
            f"Best student: {best[1]} for single rows, {best[N_BATCH]} for batches. Size and largest loss: ",
        ]
        lines[-1] += "; ".join(
            f"ONNX {p} {sizes[f'ONNX {p}'] / 1000:.1f} kB, off by {losses[p]['max_difference']:.1g} at most"
            for p in losses
        )
        lines[-1] += f"; C source {sizes['C source'] / 1000:.1f} kB."
        lines.append("")
    for what, parts in imports.items():
        shares = ", ".join(f"{k} {100 * v / parts['total']:.0f} %" for k, v in parts.items() if k != "total")
        lines.append(f"Importing {what}: {parts['total']:.2f} s ({shares}).")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print the table, write it and the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="small teachers, nothing written unless --out")
    parser.add_argument("--out", type=Path, help="folder (default: experiments/results/benchmarks)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        rounds = 3 if args.quick else args.rounds
        results = {name: run_problem(name, args.quick, rounds) for name in args.problems}
    imports = import_seconds()
    text = table(results, imports)
    print(text)
    out = args.out or (None if args.quick else Path("experiments/results/benchmarks"))
    if out is not None:
        used = {**versions(), "onnxruntime": onnxruntime.__version__}
        write_json(
            out / "export.json", {"problems": results, "imports": imports, "versions": used, "machine": machine()}
        )
        write_atomically(out / "export.md", text)


if __name__ == "__main__":
    main()
