"""What `experiments.small_models` measures on the test rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from compress.evaluation import (
    calibration_error,
    classification_metrics,
    latency,
    regression_metrics,
    size_bytes,
)
from compress.report import one_thread

__all__ = ["measured", "stacked"]

TIMED = {"repeats": 3, "seconds": 0.1, "cpu": True}


def stacked(*parts):
    """(X, y) of several pairs, one below the other."""
    tables, labels = zip(*parts)
    return pd.concat(tables, ignore_index=True), np.concatenate(labels)


def measured(models: dict, problem, latency_rows: list[int], timed) -> dict:
    """What each pair of a model and the seconds of its fit is worth, by its name.

    Errors, calibration, bytes, seconds of training, and for those named in `timed` microseconds per row.
    """
    X, y, found = problem.X_test, problem.y_test, {}
    for name, (model, seconds) in models.items():
        classes = getattr(model, "classes_", None)
        output = np.asarray(model.predict(X) if classes is None else model.predict_proba(X), dtype=np.float64)
        if classes is None:
            metrics = regression_metrics(y, output.reshape(len(output)))
        else:
            metrics = classification_metrics(y, output, classes)
            metrics["calibration_error"] = calibration_error(y, output, classes)
        size = model.n_bytes if hasattr(model, "n_bytes") else size_bytes(model)
        found[name] = {**{k: float(v) for k, v in metrics.items()}, "bytes": int(size), "fit_seconds": seconds}
        if name in timed:
            bare = model.predictor() if hasattr(model, "predictor") else None
            call = bare or (model.predict if classes is None else model.predict_proba)
            with one_thread(model):
                found[name]["us_per_row"] = {
                    str(n): latency(call, X, n_rows=n, **TIMED).per(1) * 1e6 for n in latency_rows
                }
    return found
