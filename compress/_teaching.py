"""Steps of the compressor that concern the teacher: fit it, judge it, let it label its own rows."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from compress.teachers import EnsembleTeacherClassifier, EnsembleTeacherRegressor, teacher_outputs
from compress.teachers._members import seed

__all__ = [
    "check_can_refit",
    "check_classes",
    "default_teacher",
    "fit_teacher",
    "out_of_fold",
    "selects_on_held_out",
    "take",
    "teacher_kind",
]

FOLDS = 5


def default_teacher(task: str, n_outputs: int, schema, n_jobs, verbose: int):
    """What `teacher=None` stands for."""
    options = {"schema": schema, "n_jobs": n_jobs, "verbose": verbose}
    if task == "classification":
        return EnsembleTeacherClassifier(**options)
    one = EnsembleTeacherRegressor(**options)
    return one if n_outputs == 1 else MultiOutputRegressor(one)


def selects_on_held_out(teacher) -> bool:
    """Whether the teacher itself needs held-out rows, so that those of the compressor serve both."""
    return isinstance(teacher, EnsembleTeacherClassifier | EnsembleTeacherRegressor)


def fit_teacher(teacher, X, y, sample_weight=None, held=None, rng=None):
    """A fitted clone of `teacher`; each `random_state` of it that is None is seeded from `rng`.

    Parameters
    ----------
    teacher : estimator
    X, y : training rows
    sample_weight : array of shape (n_rows,), optional
    held : (X, y), optional
        Held-out rows, for teachers that select on them.
    rng : RandomState, optional

    Raises
    ------
    ValueError
        Weights were given, and the teacher takes none.
    """
    fitted = clone(teacher, safe=False)
    if rng is not None and hasattr(fitted, "get_params") and not isinstance(fitted, FrozenEstimator):
        seed(fitted, rng)
    options = {}
    if held is not None and selects_on_held_out(fitted):
        options = {"X_val": held[0], "y_val": held[1]}
    if sample_weight is not None:
        options[_weight_name(fitted)] = sample_weight
    return fitted.fit(X, y, **options)


def _weight_name(teacher) -> str:
    """The name under which `teacher.fit` takes sample weights; a pipeline hands them to its last step."""
    last, prefix = teacher, ""
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    if not has_fit_parameter(last, "sample_weight"):
        raise ValueError(
            f"sample_weight is for the teacher, but fit of {type(last).__name__} takes none. "
            "Use another teacher, or repeat rows instead of weighting them."
        )
    return prefix + "sample_weight"


def check_classes(teacher, y) -> None:
    """Refuse a fitted teacher that does not know some label of `y`."""
    known = getattr(teacher, "classes_", None)
    if known is None or y is None:
        return
    unknown = [label for label in np.unique(y).tolist() if label not in set(np.asarray(known).tolist())]
    if unknown:
        raise ValueError(
            f"teacher must know every class of y, but {type(teacher).__name__} was fitted on the classes "
            f"{np.asarray(known).tolist()} and y holds {unknown[0]!r} too. "
            "Pass labels of the same type and spelling, or an unfitted teacher, which is then fitted on y."
        )


def check_can_refit(teacher) -> None:
    """Refuse a teacher that out-of-fold labels cannot be had from."""
    if isinstance(teacher, FrozenEstimator) or not hasattr(teacher, "fit"):
        raise ValueError(
            "original_labels='out_of_fold' fits clones of the teacher, but a "
            f"{type(teacher).__name__} stays as it is. Pass the estimator itself, or original_labels='teacher'."
        )


def teacher_kind(task: str, labels: str) -> str:
    """The kind of `teacher_outputs` that belongs to `labels`."""
    return "values" if task == "regression" else {"soft": "probabilities", "hard": "labels"}.get(labels, labels)


def out_of_fold(teacher, X, y, *, kind: str, classes=None, sample_weight=None, rng) -> np.ndarray:
    """The outputs for each row of a clone of the teacher that was fitted without that row.

    Parameters
    ----------
    teacher : estimator
        Fitted or not; clones are fitted.
    X, y : rows and labels
    kind : str
        As in `teacher_outputs`.
    classes : array of shape (n_classes,), optional
        Order of the columns. A class that one fold's training rows lack gets probability 0 there.
    sample_weight : array of shape (n_rows,), optional
    rng : RandomState

    Returns
    -------
    float32 array of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)

    Raises
    ------
    ValueError
        The teacher is frozen: it cannot be fitted anew.
    """
    check_can_refit(teacher)
    folds = _folds(len(y), y if classes is not None else None, rng)
    result = None
    for train, test in folds:
        weight = None if sample_weight is None else sample_weight[train]
        fitted = fit_teacher(teacher, take(X, train), y[train], weight, rng=rng)
        output = teacher_outputs(fitted, take(X, test), kind)
        if classes is not None:
            output = _aligned(output, getattr(fitted, "classes_", classes), classes, kind)
        if result is None:
            result = np.empty((len(y), *output.shape[1:]), dtype=np.float32)
        result[test] = output
    return result


def _folds(n_rows: int, strata, rng):
    n_folds = min(FOLDS, n_rows)
    shuffled = {"shuffle": True, "random_state": int(rng.randint(2**31 - 1))}
    if strata is None or min(np.unique(strata, return_counts=True)[1]) < n_folds:
        return KFold(n_folds, **shuffled).split(np.empty(n_rows))
    return StratifiedKFold(n_folds, **shuffled).split(np.empty(n_rows), strata)


def _aligned(output, columns, classes, kind: str) -> np.ndarray:
    if np.array_equal(columns, classes):
        return output
    whole = np.full((len(output), len(classes)), np.log(1e-6) if kind == "logits" else 0.0, dtype=np.float32)
    whole[:, np.searchsorted(classes, columns)] = output
    return whole


def take(X, rows):
    """Rows of a DataFrame or array."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
