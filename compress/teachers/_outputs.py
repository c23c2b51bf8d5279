"""One interface to the outputs of any fitted estimator used as a teacher.

A teacher is anything with `predict_proba` (classification) or `predict` (regression): an
`EnsembleTeacherClassifier`, a scikit-learn pipeline, an XGBoost or LightGBM estimator, an object of
the user. Students learn from float32 arrays; `teacher_outputs` makes them and refuses what is not
the output it claims to be, since a student would learn it without an error.
"""

from __future__ import annotations

import inspect

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

__all__ = [
    "KINDS",
    "SMALLEST_PROBABILITY",
    "check_teacher",
    "clipped_logits",
    "is_fitted",
    "task_of",
    "teacher_outputs",
]

KINDS = ("probabilities", "logits", "labels", "values")
TASKS = ("classification", "regression")
SMALLEST_PROBABILITY = 1e-6  # of which a logarithm is taken: -13.8
PROBABILITY_TOLERANCE = 1e-3  # float32 softmax over a thousand classes strays by less


def is_fitted(teacher) -> bool:
    """Return whether a teacher can predict as it is.

    scikit-learn's `check_is_fitted` decides for estimators; an object without `fit` counts as fitted.

    Parameters
    ----------
    teacher : object
        The teacher.
    """
    if not hasattr(teacher, "fit"):
        return True
    try:
        check_is_fitted(teacher)
    except NotFittedError:
        return False
    return True


def task_of(teacher) -> str:
    """Return what a teacher is for: "classification" or "regression".

    Objects without scikit-learn's tags are classifiers when they have `predict_proba`.

    Parameters
    ----------
    teacher : object
        The teacher, fitted or not.
    """
    return _made_for(teacher) or ("classification" if hasattr(teacher, "predict_proba") else "regression")


def check_teacher(teacher, task: str, *, labels: str = "soft") -> None:
    """Refuse an object that cannot teach, before any long work.

    Parameters
    ----------
    teacher : estimator
        The teacher, fitted or not.
    task : {"classification", "regression"}
        The task of the student.
    labels : {"soft", "hard"}, default="soft"
        What the student learns from: a classifier needs `predict_proba` for soft labels, and only `predict` for hard
        ones.

    Raises
    ------
    TypeError
        The teacher has no `predict_proba` (or `predict`), is a regressor for a classification task or the reverse, or
        is a class instead of an instance.
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {TASKS}, got {task!r}.")
    name = _name(teacher)
    if inspect.isclass(teacher):
        raise TypeError(f"teacher must be an estimator, got the class {name}; pass {name}().")
    if not (hasattr(teacher, "predict_proba") or hasattr(teacher, "predict")):
        raise TypeError(
            f"teacher must have predict_proba (classification) or predict (regression), but {name} has neither."
        )
    other = TASKS[1 - TASKS.index(task)]
    if _made_for(teacher) == other:
        raise TypeError(f"teacher must fit the task, which is {task}, but {name} is made for {other}.")
    needed = "predict_proba" if task == "classification" and labels == "soft" else "predict"
    if hasattr(teacher, needed):
        return
    if needed == "predict_proba":
        raise TypeError(
            "teacher must have predict_proba, since a student learns from probabilities, "
            f"but {name} has not. Wrap it in sklearn.calibration.CalibratedClassifierCV, "
            "use a variant of it that has probabilities, or pass labels='hard'."
        )
    raise TypeError(f"teacher must have predict for {task} with labels={labels!r}, but {name} has not.")


def clipped_logits(probabilities, eps: float = SMALLEST_PROBABILITY) -> np.ndarray:
    """Return log-probabilities, float32: the logits of a model that has only probabilities.

    Parameters
    ----------
    probabilities : float array of shape (n_rows, n_classes)
        The class probabilities.
    eps : float in (0, 1), default=1e-6
        The smallest probability that the logarithm is taken of; smaller ones are replaced by it. Forests give
        probabilities of exactly 0, whose logits have no bound.
    """
    return np.log(np.maximum(probabilities, np.float32(eps), dtype=np.float32))


def teacher_outputs(teacher, X, kind: str, *, eps: float = SMALLEST_PROBABILITY) -> np.ndarray:
    """Return a fitted teacher's answers for the rows of a table, as float32.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher.
    X : DataFrame or array of shape (n_rows, n_columns)
        The rows, which are passed to the teacher as they are.
    kind : {"probabilities", "logits", "labels", "values"}
        Which answers are returned:
        - "probabilities": `predict_proba`, with columns in the order of `teacher.classes_`.
        - "logits": `log(max(p, eps))`, so that their softmax gives the probabilities back up to `eps` and, with two
          classes, the difference of the columns is the log odds. They are not centred; losses that compare logits
          directly centre both sides.
        - "labels": `predict`, one-hot in the order of `teacher.classes_`.
        - "values": `predict` of a regressor.
    eps : float in (0, 1), default=1e-6
        The smallest probability that the logarithm is taken of, as in `clipped_logits`; 1e-6 bounds logits at -13.8.

    Returns
    -------
    float32 array of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        The answers; only "values" have one of the last two shapes.

    Raises
    ------
    NotFittedError, TypeError
        The teacher is not fitted, or lacks a method that `kind` needs.
    ValueError
        The outputs have another shape, are not finite, or are not probabilities.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
    if not 0 < eps < 1:
        raise ValueError(f"eps must lie in (0, 1), got {eps}.")
    check_teacher(
        teacher,
        "regression" if kind == "values" else "classification",
        labels="hard" if kind == "labels" else "soft",
    )
    if not is_fitted(teacher):
        raise NotFittedError(f"teacher must be fitted before it can label rows; call fit on {_name(teacher)} first.")
    n_rows = len(X)
    if kind == "values":
        return _finite(teacher, np.asarray(teacher.predict(X)), "predict", n_rows, (1, 2))
    if kind == "labels":
        return _one_hot(teacher, np.asarray(teacher.predict(X)), n_rows)
    probabilities = _probabilities(teacher, X, n_rows)
    if kind == "logits":
        return clipped_logits(probabilities, eps)
    return probabilities


def _probabilities(teacher, X, n_rows) -> np.ndarray:
    raw = teacher.predict_proba(X)
    if isinstance(raw, list):
        raise TypeError(
            f"teacher must predict one target, but predict_proba of {_name(teacher)} returns a list of "
            f"{len(raw)} (one for each output); fit one teacher for each target."
        )
    raw = np.asarray(raw)
    n_classes = len(teacher.classes_) if hasattr(teacher, "classes_") else None
    if raw.ndim != 2 or n_classes not in (None, raw.shape[1]):
        raise ValueError(
            f"predict_proba of {_name(teacher)} must have shape (n_rows, {n_classes or 'n_classes'}), "
            f"one column for each class, got {raw.shape}."
        )
    probabilities = _finite(teacher, raw, "predict_proba", n_rows, (2,))
    tolerance = PROBABILITY_TOLERANCE
    sums = probabilities.sum(axis=1, dtype=np.float64)
    bad = (probabilities < -tolerance).any(axis=1) | (np.abs(sums - 1) > tolerance)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"predict_proba of {_name(teacher)} must give probabilities >= 0 that sum to 1 in each row, but "
            f"{int(bad.sum())} of {n_rows} rows do not (row {row}: {probabilities[row].tolist()})."
        )
    return np.clip(probabilities, 0.0, 1.0)


def _one_hot(teacher, predicted, n_rows) -> np.ndarray:
    if not hasattr(teacher, "classes_"):
        raise TypeError(
            "teacher must have classes_ for hard labels, to give the order of the columns, "
            f"but {_name(teacher)} has not."
        )
    if predicted.ndim == 2 and predicted.shape[1] == 1:  # catboost returns a column
        predicted = predicted[:, 0]
    if predicted.shape != (n_rows,):
        raise ValueError(f"predict of {_name(teacher)} must have shape ({n_rows},), got {predicted.shape}.")
    labels = np.zeros((n_rows, len(teacher.classes_)), dtype=np.float32)
    for k, label in enumerate(teacher.classes_):
        labels[:, k] = predicted == label
    unknown = labels.sum(axis=1) != 1
    if unknown.any():
        raise ValueError(
            f"predict of {_name(teacher)} must return members of its classes_, "
            f"but {int(unknown.sum())} of {n_rows} rows are not "
            f"(first: {predicted[int(np.argmax(unknown))]!r})."
        )
    return labels


def _finite(teacher, raw, method, n_rows, dimensions) -> np.ndarray:
    if raw.ndim not in dimensions or len(raw) != n_rows:
        raise ValueError(f"{method} of {_name(teacher)} must return one row for each of {n_rows}, got {raw.shape}.")
    with np.errstate(over="ignore"):  # what overflows float32 is caught below
        values = raw.astype(np.float32)
    bad = ~np.isfinite(values).reshape(n_rows, -1).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{method} of {_name(teacher)} must be finite, "
            f"but it is NaN or infinite in {int(bad.sum())} of {n_rows} rows "
            f"(first: row {int(np.argmax(bad))}); a student cannot learn from them."
        )
    return values


def _made_for(teacher) -> str | None:
    """Return the task that an estimator says it is for; objects without scikit-learn's tags give None."""
    try:
        return "classification" if is_classifier(teacher) else "regression" if is_regressor(teacher) else None
    except AttributeError:
        return None


def _name(teacher) -> str:
    return teacher.__name__ if inspect.isclass(teacher) else type(teacher).__name__
