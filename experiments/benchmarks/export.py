"""What a user would ship instead: the teacher, the teacher converted to ONNX, or the student in each of its forms.

The fair baseline is the *converted* teacher. Its size is chosen on validation rows (see `export_teachers`). Two
students stand beside it: the smallest whose RMSE on the validation rows is at most 1 % above the teacher's
(`compress.search`, 16 to 256 units, 100,000 rows by MUNGE; the best one where none is), and the default one of
256 units, which has learned nothing, since speed does not depend on that.

All in one run, one thread, the forms by turns in each round. A figure is the fastest of the rounds, in CPU time:
on a busy machine wall time would favour short calls, which fit between the interruptions. The share of the core's
multiply-adds that C reaches is measured at the end (`export_peak`).

    python -m experiments.benchmarks.export           ten minutes; writes experiments/results/benchmarks/export.*
    python -m experiments.benchmarks.export --quick   a minute; small teachers
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import onnxruntime
import torch
from threadpoolctl import threadpool_limits

from compress import MUNGE, StudentClassifier, TransferSet
from compress.search import Budget, search_budget
from data.load import load_problem
from experiments._compilers import compilers
from experiments._runner import machine, versions, write_atomically, write_json
from experiments._student_in_c import FLAGS, NATIVE
from experiments.benchmarks import export_peak
from experiments.benchmarks.export_forms import converted, session, student_forms
from experiments.benchmarks.export_table import table
from experiments.benchmarks.export_teachers import chosen_teachers

PROBLEMS = ("letter.p2", "covtype7")
SHAPES = ((16,), (32,), (64,), (128,), (256,))
TOLERANCE = 0.01
N_BATCH = 10_000
CALLS = {1: 200, N_BATCH: 1}  # calls per timing
SLOW = 0.005  # seconds per call from which fewer calls are enough


# ------------------------------------------------------------------- timing
def timed(forms: dict, X: np.ndarray, rounds: int) -> dict:
    """CPU microseconds per call, by form and number of rows: fastest and median of the rounds."""
    result = {name: {} for name in forms}
    for n in CALLS:
        rows = np.ascontiguousarray(X[np.arange(n) % len(X)])
        seconds, calls = {name: [] for name in forms}, {}
        for name, predict in forms.items():
            trials = [_cpu_seconds(predict, rows, 1) for _ in range(3)]
            calls[name] = 1 if min(trials) > SLOW else CALLS[n]
        for _ in range(rounds):
            for name, predict in forms.items():
                seconds[name].append(_cpu_seconds(predict, rows, calls[name]))
        for name, values in seconds.items():
            result[name][n] = {"min_us": 1e6 * min(values), "median_us": 1e6 * float(np.median(values))}
    return result


def _cpu_seconds(predict, rows, calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        predict(rows)
    return (time.process_time() - started) / calls


def import_seconds() -> dict:
    """Seconds to import, by package, of the package and of a student: self times of modules, fastest of three."""
    named = ("torch", "sklearn", "scipy", "pandas", "numba", "numpy", "compress")
    result = {}
    for what, code in (
        ("compress", "import compress"),
        ("StudentClassifier", "from compress import StudentClassifier"),
    ):
        best = None
        for _ in range(3):
            done = subprocess.run(
                [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
            )
            parts = {"torch": 0.0, "sklearn": 0.0}
            for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr):
                top = name.split(".")[0]
                top = top if top in named else "others"
                parts[top] = parts.get(top, 0.0) + int(own) / 1e6
            if best is None or sum(parts.values()) < sum(best.values()):
                best = parts
        result[what] = {"total": sum(best.values()), **dict(sorted(best.items(), key=lambda item: -item[1]))}
    return result


# ---------------------------------------------------------------------- run
def run_problem(name: str, quick: bool, rounds: int) -> list[dict]:
    """Each teacher beside its students, on one problem's columns of numbers."""
    problem = load_problem(name, seed=0)
    columns = [c for c in problem.X_train.columns if c not in problem.nominal]
    X, X_val, X_test = (
        np.ascontiguousarray(t[columns], dtype=np.float32) for t in (problem.X_train, problem.X_valid, problem.X_test)
    )
    classes = np.unique(problem.y_train)
    y, y_val = (np.searchsorted(classes, part) for part in (problem.y_train, problem.y_valid))
    if quick:
        X, y = X[:1000], y[:1000]
    made = np.concatenate([X, MUNGE(p=0.2, s=5.0, random_state=0).fit(X).sample((1 if quick else 24) * len(X))])
    results = []
    for teacher in chosen_teachers(X, y, X_val, y_val, quick=quick):
        results.append(
            {
                "problem": name,
                **run_teacher(teacher, made, X_val, y_val, X_test[:N_BATCH], quick=quick, rounds=rounds),
            }
        )
    return results


def run_teacher(teacher, made, X_val, y_val, X_test, *, quick: bool, rounds: int) -> dict:
    """Times, bytes and errors of one teacher and of its two students."""
    model, n_classes = teacher.model, len(teacher.model.classes_)
    started = time.perf_counter()
    content = converted(model, made.shape[1])
    seconds = time.perf_counter() - started
    print(f"converted in {seconds:.0f} s", file=sys.stderr, flush=True)
    run = session(content)
    output = run.get_outputs()[1].name
    forms = {
        "teacher, native": model.predict_proba,
        "teacher, ONNX Runtime": lambda X: run.run([output], {"X": X})[0],
    }
    difference = np.abs(forms["teacher, ONNX Runtime"](X_test[:200]) - model.predict_proba(X_test[:200])).max()
    plain, small = io.BytesIO(), io.BytesIO()
    joblib.dump(model, plain)
    joblib.dump(model, small, compress=3)
    student = StudentClassifier(max_epochs=2 if quick else 40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that none is good enough stands in the table
        found = search_budget(
            TransferSet.from_teacher(model, made),
            X_val,
            y_val,
            student=student,
            budget=Budget(tolerance=TOLERANCE, shapes=SHAPES),
            teacher_error=teacher.error,
        )
    print(found.to_markdown(), file=sys.stderr, flush=True)
    default = StudentClassifier(max_epochs=1, random_state=0).fit(made[:1000], np.arange(1000) % n_classes)
    facts = {
        "kind": teacher.kind,
        "size": teacher.size,
        "shape": [made.shape[1], *found.hidden_layer_sizes, n_classes],
        "met": found.met,
        "errors": {
            "teacher": teacher.error,
            "student": min(row["error"] for row in found.rows if row["hidden_layer_sizes"] == found.hidden_layer_sizes),
        },
        "trials": teacher.trials,
        "convert_seconds": seconds,
        "convert_difference": float(difference),
        "bytes": {"joblib": plain.tell(), "joblib, compressed": small.tell(), "ONNX": len(content)},
        "students": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        for what, net in (("student", found.student), ("256 units", default)):
            (Path(folder) / what).mkdir()
            own, facts["students"][what] = student_forms(net, X_test, Path(folder) / what)
            forms |= {f"{what}, {how}": predict for how, predict in own.items()}
        facts["microseconds"] = timed(forms, X_test, rounds)
    return facts


def main() -> None:
    """Run, print the table, write it and the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="small teachers, nothing written unless --out")
    parser.add_argument("--out", type=Path, help="folder (default: experiments/results/benchmarks)")
    args = parser.parse_args()
    compilers(FLAGS[0])  # before minutes of training
    torch.set_num_threads(1)
    with threadpool_limits(1):
        rounds = 3 if args.quick else args.rounds
        results = [row for name in args.problems for row in run_problem(name, args.quick, rounds)]
    imports = import_seconds()
    text = table(results, imports)
    print(text)
    out = args.out or (None if args.quick else Path("experiments/results/benchmarks"))
    if out is not None:
        used = {**versions(), "onnxruntime": onnxruntime.__version__, "C": " ".join([*FLAGS, *NATIVE])}
        write_json(
            out / "export.json", {"results": results, "imports": imports, "versions": used, "machine": machine()}
        )
        write_atomically(out / "export.md", text)
        export_peak.main(["--out", str(out)])


if __name__ == "__main__":
    main()
