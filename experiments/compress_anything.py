"""Compress anything: six tables, one call each, nothing tuned to any of them

Question: on tables with few and many classes, nominal columns, missing values and real targets, is the student that
learned from 100 times the rows better than the same student on the raw rows?

Setup: 4,000 training rows per table and seed (satellite 3,000), 1,000 validation rows, the rest test. The call is

    student = StudentClassifier(max_epochs=20)
    CompressedClassifier(student=student, random_state=seed).fit(X, y, X_val=X_val, y_val=y_val)

with the default ensemble as teacher, selected on the validation rows, which choose MUNGE's p and s too (the stored runs
among earlier pairs, of which p = 0.2 and s = 5 was the default). The control is the very net on the raw rows, its
weight decay and epoch chosen on the validation rows. Errors are RMSEs of probabilities, or of values. `ratio` is (raw -
student) / (raw - teacher): 1 is as good as the teacher.

Cost: about five minutes per run on one core, ten for letter with its 26 classes.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from compress import CompressedClassifier, CompressedRegressor, StudentClassifier, StudentRegressor
from compress.evaluation import classification_metrics, regression_metrics
from compress.search import validation_error
from data.load import load_problem
from experiments._cells import markdown_table
from experiments._main import run
from experiments._protocol import Stopwatch
from experiments._runner import spread

PROBLEMS = ("letter", "adult", "covtype7", "satellite", "magic", "casp")
FULL = {
    "rows": {},
    "size_multiplier": 100,
    "hidden": 256,
    "epochs": 20,
    "library": "default",
    "control": {"weight_decay": [1e-4, 1e-2, 1e-1, 1.0], "epochs": 100},
    "latency_rows": [1, 10_000],
}
QUICK = {
    "rows": {"n_train": 300, "n_valid": 150, "n_test": 500},
    "size_multiplier": 5,
    "hidden": 16,
    "epochs": 5,
    "library": "small",
    "control": {"weight_decay": [1e-2], "epochs": 10},
    "latency_rows": [1],
}
# what the reports of the stored runs call some measures
KEYS = {"RMSE": "rmse", "R²": "r2", "RMSE to teacher": "rmse_to_teacher"}


def run_one(name: str, seed: int, config: dict, n_jobs: int) -> dict:
    """One table and seed: compress, train the control, then look at the test rows once."""
    problem = load_problem(name, seed, **config["rows"])
    regression = problem.task == "regression"
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    clock = Stopwatch()
    with clock.stage("control", "control: the net on the raw rows"):
        control, tried = best_control(train, valid, regression, config, seed)
    with clock.stage("compress", "teacher, MUNGE, labels, student"):
        model = compressor(regression, config, seed, n_jobs).fit(*train, X_val=valid[0], y_val=valid[1])
    with clock.stage("test", "test"):
        report = model.report(problem.X_test, problem.y_test, latency_rows=config["latency_rows"])
        own = control.predict(problem.X_test) if regression else control.predict_proba(problem.X_test)
        metrics = (
            regression_metrics(problem.y_test, own)
            if regression
            else classification_metrics(problem.y_test, own, control.classes_)
        )
    return {
        "task": problem.task,
        "control": metrics,
        "measures": report.measures,
        "worst_slice": report.slices[0] if report.slices else None,
        "chosen": {"p": model.munge_search_.p, "s": model.munge_search_.s, "control": tried},
        "stage_seconds": {**clock.seconds, **{k: round(v, 1) for k, v in model.seconds_.items()}},
        "report": report.to_markdown(),
    }


def compressor(regression: bool, config: dict, seed: int, n_jobs: int):
    """The compressor of a run: defaults but for what `--quick` makes small."""
    from compress import EnsembleTeacherClassifier, EnsembleTeacherRegressor

    Teacher, Student, Model = (
        (EnsembleTeacherRegressor, StudentRegressor, CompressedRegressor)
        if regression
        else (EnsembleTeacherClassifier, StudentClassifier, CompressedClassifier)
    )
    return Model(
        Teacher(config["library"], n_jobs=n_jobs, verbose=1),
        student=Student((config["hidden"],), max_epochs=config["epochs"], verbose=1),
        size_multiplier=config["size_multiplier"],
        n_jobs=n_jobs,
        verbose=1,
        random_state=seed,
    )


def best_control(train, valid, regression: bool, config: dict, seed: int):
    """The net of the student on the raw rows, and the RMSE on validation rows by weight decay."""
    Student = StudentRegressor if regression else StudentClassifier
    nets, tried = [], {}
    for decay in config["control"]["weight_decay"]:
        net = Student(
            (config["hidden"],), weight_decay=decay, max_epochs=config["control"]["epochs"], random_state=seed
        ).fit(*train, X_val=valid[0], y_val=valid[1])
        output = net.predict(valid[0]) if regression else net.predict_proba(valid[0])
        tried[f"{decay:g}"] = validation_error(output, valid[1], None if regression else net.classes_)
        nets.append(net)
    return nets[int(np.argmin(list(tried.values())))], tried


# ---------------------------------------------------------------- from reports to a table
def summary(reports: list[dict]) -> list[dict]:
    """One flat record per run."""
    records = []
    for report in reports:
        results = report["results"]
        by = {KEYS.get(row["measure"], row["measure"]): row for row in results["measures"]}
        regression = results["task"] == "regression"
        second, key = ("R²", "r2") if regression else ("accuracy", "accuracy")
        latency = [row for name, row in by.items() if name.startswith(("µs", "us_per_row")) and "predictor" in name]
        records.append(
            {
                "problem": report["problem"],
                "seed": report["seed"],
                "rmse": {
                    "teacher": by["rmse"]["teacher"],
                    "control": results["control"]["rmse"],
                    "student": by["rmse"]["student"],
                },
                "second": {
                    "name": second,
                    "teacher": by[key]["teacher"],
                    "control": results["control"][key],
                    "student": by[key]["student"],
                },
                "fidelity_rmse": by["rmse_to_teacher"]["student"],
                "agreement": None if regression else by["agreement"]["student"],
                "bytes": {model: by["bytes"][model] for model in ("teacher", "student")},
                "us_per_row": [{k: row[k] for k in ("measure", "teacher", "student")} for row in latency],
                "stage_seconds": results["stage_seconds"],
            }
        )
    return records


def markdown(records: list[dict]) -> str:
    """Errors, further measures and costs; on how many tables the student beats the control."""
    groups = defaultdict(list)
    for record in records:
        groups[record["problem"]].append(record)
    errors, quality, costs, wins = [], [], [], []
    for problem, group in groups.items():
        error = {m: _mean(group, "rmse", m) for m in ("teacher", "control", "student")}
        wins.append(error["student"] < error["control"])
        room = error["control"] - error["teacher"]
        ratio = f"{(error['control'] - error['student']) / room:.2f}" if room > 0 else "none: raw is below the teacher"
        cells = [spread([r["rmse"][m] for r in group], 4) for m in error]
        errors.append([problem, str(len(group)), *cells, ratio])
        fidelity = "agreement" if group[0]["agreement"] is not None else "fidelity_rmse"
        second = [f"{_mean(group, 'second', m):.4f}" for m in error]
        quality.append([problem, group[0]["second"]["name"], *second, f"{np.mean([r[fidelity] for r in group]):.4f}"])
        size = {m: _mean(group, "bytes", m) for m in ("teacher", "student")}
        one, many = (
            {m: np.mean([r["us_per_row"][i][m] for r in group]) for m in ("teacher", "student")} for i in (0, -1)
        )
        costs.append(
            [
                problem,
                f"{size['student']:,.0f}",
                f"{size['teacher'] / size['student']:,.0f}",
                f"{many['student']:.2f}",
                f"{many['teacher'] / many['student']:,.0f}",
                f"{one['student']:.0f}",
                f"{one['teacher'] / one['student']:,.0f}",
                f"{np.mean([r['stage_seconds']['compress'] for r in group]):.0f}",
            ]
        )
    head = {
        "errors": ["table", "seeds", "teacher", "same net, raw rows", "student, 100x", "ratio"],
        "quality": ["table", "measure", "teacher", "raw", "student", "agreement, or RMSE to the teacher"],
        "costs": [
            *["table", "bytes, student", "teacher / student", "µs per row (10,000), student", "teacher / student"],
            *["µs, one row, student", "teacher / student", "seconds of `fit`"],
        ],
    }
    return (
        f"### RMSE on test rows\n\n{markdown_table(head['errors'], errors)}\n"
        f"The student beats the same net on raw rows on {sum(wins)} of {len(wins)} tables (mean RMSE).\n\n"
        f"### Accuracy or R², and fidelity\n\n{markdown_table(head['quality'], quality, texts=2)}\n"
        f"### Size and speed\n\n{markdown_table(head['costs'], costs)}"
    )


def _mean(group, key, model) -> float:
    return float(np.mean([record[key][model] for record in group]))


def main(argv=None) -> None:
    """Run the grid, then write the table from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="compress_anything",
        problems=PROBLEMS,
        seeds=[0, 1, 2],
        configs={"full": FULL, "quick": QUICK},
        records=lambda reports, out: summary(reports),
        table=markdown,
    )


if __name__ == "__main__":
    main()
