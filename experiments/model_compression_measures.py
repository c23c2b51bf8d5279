"""What `experiments.model_compression` measures on the test rows: errors, calibration, bytes and times."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from threadpoolctl import threadpool_limits

from compress.evaluation import classification_metrics, fidelity, latency, size_bytes
from experiments._onnx_teacher import through_onnx_runtime
from experiments._student_in_c import student_in_c

__all__ = ["evaluate"]

STUDENTS = ("S1", "recipe")


def evaluate(models: dict, problem, timed_rows: int) -> dict:
    """Errors, calibration, bytes and times on the test rows."""
    predicted = {name: model.predict_proba(problem.X_test) for name, model in models.items()}
    metrics = {name: classification_metrics(problem.y_test, p) for name, p in predicted.items()}
    by_metric = {m: {name: metrics[name][m] for name in models} for m in ("rmse", "auc", "accuracy", "log_loss")}
    r = by_metric["rmse"]
    students = [name for name in STUDENTS if name in models]
    calls = {"T": _single_threaded(models["T"]), "S1": models["S1"].predict_proba}
    calls |= {f"{name}_bare": models[name].predictor() for name in students}  # the NumPy callable for hot paths
    X = problem.X_test
    numbers = X if problem.nominal else X.to_numpy(np.float64)  # the bare callable takes arrays
    batches = {timed_rows: 15, 1: 100}
    timed = {str(n_rows): {} for n_rows in batches}
    with threadpool_limits(1), TemporaryDirectory() as folder:  # one thread each: the quotient is that of the work
        in_c = {f"{name}_c": student_in_c(models[name], Path(folder)) for name in students}
        calls |= {name: call for name, call in in_c.items() if call}
        for n_rows, repeats in batches.items():
            for name, call in calls.items():
                few = 3 if name == "T" else repeats
                rows = numbers if name.endswith("bare") else X
                timed[str(n_rows)][name] = latency(call, rows, n_rows=n_rows, repeats=few, cpu=True).median
    converted = through_onnx_runtime(models["T"], X, {timed_rows: 3, 1: 20})
    if converted:
        for n_rows, seconds in converted["seconds"].items():
            timed[n_rows]["T_onnx"] = seconds
    return {
        **by_metric,
        "ratio": (r["S2"] - r["S1"]) / (r["S2"] - r["T"]),
        "fidelity": fidelity(predicted["S1"], predicted["T"]),
        "reliability": {name: reliability(problem.y_test, p[:, 1]) for name, p in predicted.items()},
        "size_bytes": {
            **{name: size_bytes(models[name]) for name in ("T", "S2", *students)},
            **({"T_onnx": converted["bytes"]} if converted else {}),
        },
        "converted": None if not converted else [converted["converted"], converted["models"]],
        "seconds_per_10k": {name: s * 10_000 / timed_rows for name, s in timed[str(timed_rows)].items()},
        "seconds_one_row": timed["1"],
    }


def reliability(y, p, n_bins: int = 10) -> list[dict]:
    """Mean prediction, share of positives and number of rows in bins of equal width of the prediction."""
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    return [
        {"p": float(p[bins == b].mean()), "y": float(y[bins == b].mean()), "n": int((bins == b).sum())}
        for b in np.unique(bins)
    ]


def _single_threaded(model):
    return model.set_params(n_jobs=1).predict_proba if "n_jobs" in model.get_params() else model.predict_proba
