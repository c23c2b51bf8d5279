"""Measures: how good a model is, how close to its teacher, how large, how fast.

Plain functions on predictions and callables. Probabilities are arrays of shape (n_rows, n_classes);
those of the 2006 paper's problems have two columns, and its RMSE is that of the second, P(y=1).
"""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import log_loss as sk_log_loss
from sklearn.metrics import mean_squared_error, r2_score, roc_auc_score

from compress.schema import take

__all__ = [
    "Latency",
    "calibration_error",
    "classification_metrics",
    "fidelity",
    "latency",
    "regression_metrics",
    "rmse",
    "size_bytes",
]

MOST_CALLS = 1000  # of one latency


def rmse(y, probabilities, classes=None) -> float:
    """Root mean squared error of predicted probabilities to 0/1 targets, as in the 2006 paper.

    Parameters
    ----------
    y : array of shape (n_rows,), labels; or (n_rows, n_classes), given probabilities
    probabilities : array of shape (n_rows, n_classes)
    classes : array of shape (n_classes,), optional
        The label of each column; 0, 1, ... by default.

    Returns
    -------
    float
        Two classes: error of the second column. More: over all rows and columns.
    """
    return float(np.sqrt(np.mean(squared_errors(y, probabilities, classes))))


def squared_errors(y, probabilities, classes=None) -> np.ndarray:
    """The squared error of each row, of shape (n_rows,), whose mean is the square of `rmse`; same arguments."""
    error = np.asarray(probabilities, dtype=np.float64) - _one_hot(y, np.shape(probabilities)[1], classes)
    return np.mean(error[:, 1:] ** 2 if error.shape[1] == 2 else error**2, axis=1)


def classification_metrics(y, probabilities, classes=None) -> dict[str, float]:
    """`rmse`, `auc` (one-vs-rest mean for several classes), `log_loss` (nats) and `accuracy`.

    `auc` is NaN where a class has no row.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    hot = _one_hot(y, p.shape[1], classes)
    present = (hot.sum(axis=0) > 0) & (hot.sum(axis=0) < len(hot))
    if not present.all():
        auc = float("nan")
    elif p.shape[1] == 2:
        auc = float(roc_auc_score(hot[:, 1], p[:, 1]))
    else:
        auc = float(np.mean([roc_auc_score(hot[:, c], p[:, c]) for c in range(p.shape[1])]))
    p_sum = p / p.sum(axis=1, keepdims=True)  # float32 rows sum to 1 only nearly
    return {
        "rmse": rmse(y, p, classes),
        "auc": auc,
        "log_loss": float(sk_log_loss(hot.argmax(axis=1), p_sum, labels=np.arange(p.shape[1]))),
        "accuracy": float(np.mean(p.argmax(axis=1) == hot.argmax(axis=1))),
    }


def calibration_error(y, probabilities, classes=None, *, n_bins: int = 15) -> float:
    """Expected calibration error of the predicted class, in [0, 1].

    Rows are put into `n_bins` bins of equal width by the probability of their most probable class; the
    error is the mean over rows of the bin's | accuracy - mean probability |.

    Parameters
    ----------
    y, probabilities, classes
        As in `rmse`.
    n_bins : int

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    right = p.argmax(axis=1) == _one_hot(y, p.shape[1], classes).argmax(axis=1)
    confidence = p.max(axis=1)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(bins, right - confidence, minlength=n_bins)  # rows in the bin times its difference
    return float(np.abs(gap).sum() / len(p))


def regression_metrics(y, predictions) -> dict[str, float]:
    """`rmse` in the target's unit and `r2`."""
    return {
        "rmse": float(np.sqrt(mean_squared_error(y, predictions))),
        "r2": float(r2_score(y, predictions)),
    }


def fidelity(student, teacher) -> dict[str, float]:
    """How closely a student follows its teacher on the same rows.

    Parameters
    ----------
    student, teacher : arrays of shape (n_rows, n_classes), probabilities; or (n_rows,), regression values
        Several outputs are compared one by one.

    Returns
    -------
    dict
        `rmse` between the predictions; for classifiers also `agreement` (share of rows with the same
        most probable class) and `kl` (mean Kullback-Leibler divergence of student from teacher, nats);
        for values `r2`, the share of the teacher's variance that the student explains.
    """
    a, b = np.asarray(student, dtype=np.float64), np.asarray(teacher, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"student and teacher must predict the same rows and classes, got {a.shape} and {b.shape}.")
    if a.ndim == 1:
        left, there = np.sum((a - b) ** 2), np.sum((b - b.mean()) ** 2)
        r2 = 1 - left / there if there > 0 else float(left == 0)
        return {"rmse": float(np.sqrt(np.mean((a - b) ** 2))), "r2": float(r2)}
    difference = (a - b)[:, 1:] if a.shape[1] == 2 else a - b
    tiny = np.finfo(np.float32).tiny
    divergence = np.where(b > 0, b * (np.log(np.maximum(b, tiny)) - np.log(np.maximum(a, tiny))), 0.0)
    return {
        "rmse": float(np.sqrt(np.mean(difference**2))),
        "agreement": float(np.mean(a.argmax(axis=1) == b.argmax(axis=1))),
        "kl": float(divergence.sum(axis=1).mean()),
    }


def size_bytes(model) -> int:
    """Bytes of what a model needs to predict, as saved: its own file format where it has one, else pickle."""
    if hasattr(model, "to_bytes"):
        return len(model.to_bytes())
    return len(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))


@dataclass(frozen=True)
class Latency:
    """Seconds per call over repeated calls: median, fastest, slowest, and rows per call."""

    median: float
    low: float
    high: float
    n_rows: int

    def per(self, n_rows: int) -> float:
        """Median seconds for `n_rows` rows at this batch size."""
        return self.median * n_rows / self.n_rows


def latency(predict, X, *, n_rows: int | None = None, repeats: int = 5, seconds: float = 0.0) -> Latency:
    """Time `predict` on batches of `n_rows` rows of `X` after one call to warm up.

    Parameters
    ----------
    predict : callable(X)
    X : array or DataFrame; its first rows are used, repeated if there are too few
    n_rows : int, optional
        All rows of `X` by default; 1 measures the latency of a single row.
    repeats : int
        Timed calls, at least.
    seconds : float
        Go on with further calls, a thousand at most, until so many seconds have passed.
    """
    n_rows = len(X) if n_rows is None else n_rows
    rows = np.arange(n_rows) % len(X)
    batch = take(X, rows)
    predict(batch)
    taken = []
    while len(taken) < repeats or (sum(taken) < seconds and len(taken) < MOST_CALLS):
        started = time.perf_counter()
        predict(batch)
        taken.append(time.perf_counter() - started)
    return Latency(float(np.median(taken)), min(taken), max(taken), n_rows)


def _one_hot(y, n_classes: int, classes) -> np.ndarray:
    y = np.asarray(y)
    if y.ndim == 2:
        return y.astype(np.float64)
    classes = np.arange(n_classes) if classes is None else np.asarray(classes)
    hot = (y[:, None] == classes[None, :]).astype(np.float64)
    strange = hot.sum(axis=1) != 1
    if strange.any():
        raise ValueError(f"y holds {y[strange][0]!r}, which is none of the classes {classes.tolist()}.")
    return hot
