"""Measures: how good a model is, how near to its teacher, how large, how fast.

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

from compress.schema import class_codes, compared_labels, compared_values, take

__all__ = [
    "Latency",
    "calibration_error",
    "classification_metrics",
    "fidelity",
    "latency",
    "regression_metrics",
    "rmse",
    "row_errors",
    "size_bytes",
    "squared_errors",
]

MOST_CALLS = 1000  # timed for one latency


def rmse(y, probabilities, classes=None) -> float:
    """Root mean squared error of predicted probabilities, as in the 2006 paper.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_classes)
        The labels, or the probabilities to compare with.
    probabilities : array of shape (n_rows, n_classes)
        The predicted probabilities.
    classes : array of shape (n_classes,), optional
        The label of each column; 0, 1, ... by default.

    Returns
    -------
    float
        With two classes, the error of the second column; with more, the error over all rows and columns.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import rmse
    >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> round(rmse([0, 1], probabilities), 4)
    0.2915
    """
    return float(np.sqrt(np.mean(squared_errors(y, probabilities, classes))))


def squared_errors(y, probabilities, classes=None) -> np.ndarray:
    """Squared error of the predicted probabilities of each row, whose mean is the square of `rmse`.

    Parameters
    ----------
    y, probabilities, classes
        As in `rmse`.

    Returns
    -------
    float64 array of shape (n_rows,)
        The errors.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import squared_errors
    >>> squared_errors([0, 1], np.array([[0.9, 0.1], [0.4, 0.6]]))
    array([0.01, 0.16])
    """
    error = np.asarray(probabilities, dtype=np.float64) - _one_hot(y, np.shape(probabilities)[1], classes)
    return np.mean(error[:, 1:] ** 2 if error.shape[1] == 2 else error**2, axis=1)


def row_errors(y, output, classes=None) -> np.ndarray:
    """Return the squared error of each row, of a classifier or of a regressor, whose mean is the square of the RMSE.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_outputs)
        The true labels or values.
    output : float array of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        The predictions.
    classes : array of shape (n_classes,), optional
        The label of each column; None in regression.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import row_errors
    >>> row_errors(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    array([0., 1.])
    """
    return (output - np.reshape(y, np.shape(output))) ** 2 if classes is None else squared_errors(y, output, classes)


def classification_metrics(y, probabilities, classes=None) -> dict[str, float]:
    """RMSE, AUC, log loss and accuracy of predicted probabilities.

    Parameters
    ----------
    y, probabilities, classes
        As in `rmse`.

    Returns
    -------
    dict of str to float
        `rmse`, `auc` (for several classes the mean of one-vs-rest; NaN where a class has no row), `log_loss` (in nats)
        and `accuracy`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import classification_metrics
    >>> measures = classification_metrics([0, 1], np.array([[0.9, 0.1], [0.4, 0.6]]))
    >>> measures["accuracy"]
    1.0
    """
    p = np.asarray(probabilities, dtype=np.float64)
    hot = np.eye(p.shape[1])[_one_hot(y, p.shape[1], classes).argmax(axis=1)]  # of soft labels the most probable one
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

    Rows are put into bins of equal width by the probability of their most probable class; the
    error is the mean over rows of the bin's distance of the accuracy from the mean probability.

    Parameters
    ----------
    y, probabilities, classes
        As in `rmse`.
    n_bins : int, default=15
        The number of bins.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import calibration_error
    >>> probabilities = np.array([[0.9, 0.1], [0.9, 0.1]])
    >>> round(calibration_error([0, 1], probabilities), 4)  # 90 % sure, right in one of two
    0.4
    """
    p = np.asarray(probabilities, dtype=np.float64)
    right = p.argmax(axis=1) == _one_hot(y, p.shape[1], classes).argmax(axis=1)
    confidence = p.max(axis=1)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(bins, right - confidence, minlength=n_bins)  # rows in the bin times its difference
    return float(np.abs(gap).sum() / len(p))


def regression_metrics(y, predictions) -> dict[str, float]:
    """RMSE and R² of predicted values.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_outputs)
        The true values.
    predictions : array of the same shape
        The predicted values.

    Returns
    -------
    dict of str to float
        `rmse` in the unit of the target, and `r2`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import regression_metrics
    >>> measures = regression_metrics([1.0, 2.0], [1.0, 3.0])
    >>> round(measures["rmse"], 4)
    0.7071
    """
    predictions = compared_values(predictions, len(predictions), "predictions")
    y = compared_values(y, len(predictions), n_outputs=predictions.size // len(predictions))
    return {
        "rmse": float(np.sqrt(mean_squared_error(y, predictions))),
        "r2": float(r2_score(y, predictions)),
    }


def fidelity(student, teacher) -> dict[str, float]:
    """Measure how closely a student follows its teacher on the same rows.

    Parameters
    ----------
    student, teacher : arrays of shape (n_rows, n_classes) or (n_rows,)
        The predictions of both: probabilities of a classifier, or values of a regressor. Several outputs of a regressor
        are compared one by one.

    Returns
    -------
    dict
        `rmse` between the predictions. For classifiers also `agreement` (share of rows with the same most probable
        class) and `kl` (mean Kullback-Leibler divergence of the student from the teacher, in nats); for values also
        `r2`, the share of the teacher's variance that the student explains.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import fidelity
    >>> student, teacher = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[0.8, 0.2], [0.6, 0.4]])
    >>> fidelity(student, teacher)["agreement"]
    0.5
    """
    a, b = (np.asarray(p, dtype=np.float64) for p in (student, teacher))
    a, b = (p[:, 0] if p.ndim == 2 and p.shape[1] == 1 else p for p in (a, b))  # one value for each row
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
    """Return the number of bytes of a saved model, in its own file format where it has one, else as a pickle.

    Parameters
    ----------
    model : object
        A model with `to_bytes`, or any object that can be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.evaluation import size_bytes
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> size_bytes(student) == len(student.to_bytes())
    True
    """
    if hasattr(model, "to_bytes"):
        return len(model.to_bytes())
    return len(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))


@dataclass(frozen=True)
class Latency:
    """Seconds per call over repeated calls.

    Parameters
    ----------
    median, low, high : float
        The median, the smallest and the largest number of seconds of a call.
    n_rows : int
        The number of rows per call.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import latency
    >>> found = latency(np.sum, np.ones((10, 2)), n_rows=1, repeats=3)
    >>> found.low <= found.median <= found.high, found.n_rows
    (True, 1)
    """

    median: float
    low: float
    high: float
    n_rows: int

    def per(self, n_rows: int) -> float:
        """Return the median seconds for a number of rows at this batch size.

        Parameters
        ----------
        n_rows : int
            The number of rows.
        """
        return self.median * n_rows / self.n_rows


def latency(
    predict, X, *, n_rows: int | None = None, repeats: int = 5, seconds: float = 0.0, cpu: bool = False
) -> Latency:
    """Time a function on batches of rows, after one call to warm up.

    Parameters
    ----------
    predict : callable(X)
        The function to time.
    X : array or DataFrame
        The table whose first rows are used; they are repeated when there are too few.
    n_rows : int, optional
        The number of rows per call, by default all rows of `X`; 1 measures the latency of a single row.
    repeats : int, default=5
        The smallest number of timed calls.
    seconds : float, default=0.0
        Further calls, up to a thousand calls in all, are timed until this many seconds have passed.
    cpu : bool, default=False
        Whether the seconds are those that this process spends on a processor, all threads together, in place of those
        that pass: for work in one thread they are about what passes on a machine that does nothing else.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.evaluation import latency
    >>> found = latency(np.sum, np.ones((10, 2)), n_rows=1, repeats=3)
    >>> found.low <= found.median <= found.high, found.n_rows
    (True, 1)
    """
    clock = time.process_time if cpu else time.perf_counter
    n_rows = len(X) if n_rows is None else n_rows
    rows = np.arange(n_rows) % len(X)
    batch = take(X, rows)
    predict(batch)
    taken = []
    while len(taken) < repeats or (sum(taken) < seconds and len(taken) < MOST_CALLS):
        started = clock()
        predict(batch)
        taken.append(clock() - started)
    return Latency(float(np.median(taken)), min(taken), max(taken), n_rows)


def _one_hot(y, n_classes: int, classes) -> np.ndarray:
    classes = np.arange(n_classes) if classes is None else np.asarray(classes)
    y = compared_labels(y, len(y))
    if y.ndim == 1:
        return np.eye(len(classes))[class_codes(y, classes)]
    if y.shape[1] != n_classes:
        raise ValueError(f"y must have one column for each of the {n_classes} classes, got {y.shape[1]}.")
    return y.astype(np.float64)
