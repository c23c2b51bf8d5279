"""Serving: what a prediction costs where people serve, in Python, one row and many

Question: how long does one row take that came as JSON, and how long do many rows, by the student in each of its forms,
by its teacher as it is and converted to ONNX, and by LightGBM?

Setup: six problems, two of them with nominal columns. T is the teacher of `experiments.model_compression`, native and
through ONNX Runtime (its models alone: preparing their matrices and averaging their outputs is left out, in T's favour;
what skl2onnx refuses counts with its native time). The student is a net of 256 units, taught on the training rows,
since speed does not depend on what it has learned. LightGBM has 300 rounds of 31 leaves; `lignum` and `lleaves` compile
it where they install and work. One row is given as a dict, a list, a DataFrame and an array, where a form takes these;
100 and 10,000 rows as a DataFrame or array of the table. C gets rows that lie ready in memory, in the structs or floats
of its header, and is called through ctypes; ONNX Runtime gets its inputs ready, too. All on one thread, in one run, the
forms by turns in each round. A figure is the fastest of the rounds, in CPU time, since wall time on a busy machine
favours short calls. `quiet` says whether anything else was running: the load before and after.

Cost: ten minutes, and twenty for the teachers, which are kept under out/serving.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from compress import StudentClassifier
from compress.export import onnx_inputs
from data.load import load_problem
from experiments import _protocol as protocol
from experiments._compilers import compilers
from experiments._onnx_teacher import converted_teacher
from experiments._runner import machine, versions, write_atomically, write_json
from experiments._steps import Steps
from experiments._student_in_c import FLAGS, NATIVE, c_function
from experiments.benchmarks.export_forms import session
from experiments.benchmarks.serving_table import asked, table

PROBLEMS = ("adult", "covtype", "letter.p1", "letter.p2", "magic", "satellite")
SIZES = (1, 100, 10_000)
UNITS, ROUNDS_OF_BOOSTING = 256, 300
SECONDS = 0.004  # of a timing, at least: short calls are repeated
SLOW = 0.05  # seconds of a call from which three rounds are enough
COLD = {
    "load_predictor": "from compress import load_predictor as load; predict = load({path!r})",
    "load_predictor, compiled": "from compress import load_predictor as load; predict = load({path!r}, compiled=True)",
    "load_student": "from compress import load_student as load; predict = load({path!r}).predictor()",
}


# ------------------------------------------------------------------- timing
def timed(forms: dict, rounds: int) -> dict:
    """Microseconds of a call of each form, the fastest and the median of the rounds, the forms by turns."""
    calls, seconds = {}, {name: [] for name in forms}
    for name, call in forms.items():
        call()
        once = min(_seconds(call, 1) for _ in range(2))
        calls[name] = 0 if once > SLOW else max(1, int(SECONDS / once))
    for k in range(rounds):
        for name, call in forms.items():
            if calls[name] or k < 3:
                seconds[name].append(_seconds(call, max(calls[name], 1)))
    return {n: {"min_us": 1e6 * min(s), "median_us": 1e6 * float(np.median(s))} for n, s in seconds.items()}


def _seconds(call, calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls


def cold_starts(path: Path, row: dict) -> dict:
    """Seconds and megabytes of a new process until the first answer, the fastest of three."""
    found = {}
    for name, code in COLD.items():
        code = f"""
            import time
            started = time.perf_counter()
            {code.format(path=str(path))}
            loaded = time.perf_counter()
            predict({row!r}) if {name != "load_student"} else None
            print(time.perf_counter() - started, loaded - started,
                  open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
        """
        runs = [
            subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
            for _ in range(3)
        ]
        best = min(tuple(map(float, run.stdout.split())) for run in runs)
        found[name] = {"seconds": best[1], "seconds_with_a_row": best[0], "megabytes": best[2] / 1024}
    return found


# -------------------------------------------------------------------- forms
def forms_of(problem, student, teacher, folder: Path) -> tuple[dict, dict]:
    """Functions without arguments, by the number of rows and the name of the form; and what was left out, and why."""
    X = problem.X_test
    X = X.iloc[np.arange(max(SIZES)) % len(X)].reset_index(drop=True)
    names, made = list(X.columns), {n: {} for n in SIZES}
    plain, compiled = student.predictor(), student.predictor(compiled=True)
    source, _ = student.to_c(folder / "student.c")
    exported = student.to_onnx(folder / "student.onnx", X=X.head(50))
    run = session(exported.path.read_bytes()).run
    in_c = {flags: c_function(student, source, options) for flags, options in (("-O2", []), ("native", NATIVE))}
    of_teacher = converted_teacher(teacher, X)
    boosters, left_out = lightgbm_forms(problem, folder)
    numbers = not problem.nominal
    for n in SIZES:
        frame = X.head(n)
        of = made[n]
        of["T, native"] = lambda frame=frame: teacher.predict_proba(frame)
        matrices = [(call, np.ascontiguousarray(matrix[:n])) for call, matrix in of_teacher.members]
        of["T, ONNX Runtime"] = lambda matrices=matrices: [call(matrix) for call, matrix in matrices]
        of["student, predict_proba"] = lambda frame=frame: student.predict_proba(frame)
        for kind, predict in (("NumPy", plain), ("compiled", compiled)):
            of[f"{kind}, DataFrame"] = lambda frame=frame, predict=predict: predict(frame)
            if numbers:
                array = frame.to_numpy(np.float64)
                of[f"{kind}, array"] = lambda array=array, predict=predict: predict(array)
            if n <= 100:
                rows = json.loads(frame.to_json(orient="records"))
                rows = rows[0] if n == 1 else rows
                of[f"{kind}, dict{'s' if n > 1 else ''}"] = lambda rows=rows, predict=predict: predict(rows)
            if n == 1:
                values = [rows[name] for name in names]
                of[f"{kind}, list"] = lambda values=values, predict=predict: predict(values)
        blocks = student.schema_.encode(frame, unseen="missing")
        of["compiled, encoded blocks"] = lambda blocks=blocks: compiled.from_encoded(*blocks)
        for flags, call in in_c.items():
            table = frame.to_numpy(np.float32) if numbers and plain.schema.array_dtype_ is not None else frame
            of[f"C, {flags}"] = lambda call=call, table=table: call(table)
        feed = onnx_inputs(student, frame)
        of["student, ONNX Runtime"] = lambda feed=feed: run(["probabilities"], feed)
        for name, make in boosters.items():
            of[name] = make(frame)
        _check(of, student, frame)
    return made, left_out


def _check(forms: dict, student, frame) -> None:
    """All forms of the student predict the same."""
    expected = student.predict_proba(frame)
    for name, call in forms.items():
        if name.startswith(("student", "NumPy", "compiled", "C,")):
            found = call()
            found = found[0] if isinstance(found, list) else found
            difference = np.abs(np.reshape(found, expected.shape) - expected).max()
            if not difference < 1e-5:
                raise ArithmeticError(f"{name} is off by {difference:g} from predict_proba.")


def lightgbm_forms(problem, folder: Path) -> tuple[dict, dict]:
    """Makers of functions of a DataFrame: LightGBM, and what compiles it where that works; and what was left out."""
    try:
        import lightgbm
    except ImportError as error:
        return {}, {"LightGBM": str(error)}
    X = problem.X_train.copy()
    for name in problem.nominal:
        X[name] = X[name].astype("category")
    model = lightgbm.LGBMClassifier(n_estimators=ROUNDS_OF_BOOSTING, n_jobs=1, verbose=-1, random_state=0)
    model.fit(X, problem.y_train)
    path = folder / "lightgbm.txt"
    model.booster_.save_model(path)

    def prepared(frame):
        return frame.astype({name: X[name].dtype for name in problem.nominal})

    def codes(frame):
        frame = prepared(frame).copy()
        for name in problem.nominal:
            frame[name] = frame[name].cat.codes.astype(float).replace(-1.0, np.nan)
        return np.ascontiguousarray(frame.to_numpy(np.float64))

    left_out, forms = {}, {"LightGBM": lambda frame: _of(model.predict_proba, prepared(frame))}
    try:
        import lignum

        fast = lignum.load(str(path))
        fast.compile()
        forms["LightGBM, lignum"] = lambda frame: _of(fast.predict, codes(frame))
    except Exception as error:  # a package of others that may fail in any way
        left_out["lignum"] = f"{type(error).__name__}: {str(error)[:100]}"
    try:
        import lleaves

        leaves = lleaves.Model(str(path))
        leaves.compile()
        forms["LightGBM, lleaves"] = lambda frame: _of(lambda X: leaves.predict(X, n_jobs=1), codes(frame))
    except Exception as error:
        left_out["lleaves"] = f"{type(error).__name__}: {str(error)[:100]}"
    return forms, left_out


def _of(call, X):
    return lambda: call(X)


# ---------------------------------------------------------------------- run
def run_problem(name: str, rounds: int, *, quick: bool, kept: Path) -> dict:
    """Time all forms of a problem."""
    problem = load_problem(name, 0)
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    library = "small" if quick else "large"
    steps = Steps(kept / name, {"library": library, "seed": 0})
    teacher = steps("teacher", lambda: protocol.fit_teacher(*train, *valid, library=library, seed=0, n_jobs=-1))
    teacher.set_params(n_jobs=1)
    for estimator in teacher.estimators_:
        if "n_jobs" in estimator.get_params():
            estimator.set_params(n_jobs=1)
    schema = {column: "nominal" for column in problem.nominal}
    soft = teacher.predict_proba(problem.X_train)
    student = StudentClassifier((UNITS,), max_epochs=20, schema=schema, random_state=0).fit(problem.X_train, soft)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        forms, left_out = forms_of(problem, student, teacher, Path(folder))
        us = {str(n): timed(forms[n], rounds) for n in SIZES}
        student.save(Path(folder) / "student")
        row = json.loads(problem.X_test.head(1).to_json(orient="records"))[0]
        cold = cold_starts(Path(folder) / "student", row)
    return {
        "problem": name,
        "columns": problem.X_train.shape[1],
        "nominal": len(problem.nominal),
        "T": dict(zip(teacher.names_, map(float, teacher.weights_))),
        "us": us,
        "cold": cold,
        "left_out": left_out,
    }


def main(argv=None) -> None:
    """Run, print the tables, write them and the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="small teachers; nothing is written unless --out")
    parser.add_argument("--kept", type=Path, default=Path("out/serving"), help="folder of the teachers")
    parser.add_argument("--out", type=Path, help="folder (default: experiments/results/benchmarks)")
    args = parser.parse_args(argv)
    compilers(FLAGS[0])  # before minutes of training
    torch.set_num_threads(1)
    before, results = os.getloadavg()[0], []
    for name in args.problems:
        kept = args.kept / "quick" if args.quick else args.kept
        results.append(run_problem(name, 3 if args.quick else args.rounds, quick=args.quick, kept=kept))
        print(f"{name}: done, load {os.getloadavg()[0]:.1f}", flush=True)
    load = {"before": before, "after": os.getloadavg()[0]}
    text = table(results, load)
    print(text)
    out = args.out or (None if args.quick else Path("experiments/results/benchmarks"))
    if out is not None:
        used = {**versions(), "onnxruntime": onnxruntime.__version__, "pandas": pd.__version__}
        quiet = load["before"] < 0.5 and load["after"] < 1.3
        found = {"results": results, "asked": asked(results), "load": load, "quiet": quiet}
        write_json(out / "serving.json", {**found, "versions": used, "machine": machine()})
        write_atomically(out / "serving.md", text)


if __name__ == "__main__":
    main()
