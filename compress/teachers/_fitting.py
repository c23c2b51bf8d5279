"""Steps of the compressor that concern the teacher: the default one, fitting it, its classes."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from compress._random import seed_unset
from compress.teachers._ensemble import EnsembleTeacherClassifier, EnsembleTeacherRegressor

__all__ = [
    "check_classes",
    "default_teacher",
    "fit_teacher",
    "selects_on_held_out",
    "teacher_kind",
]


def default_teacher(task: str, n_outputs: int, schema, n_jobs, verbose: int):
    """Return the teacher that `teacher=None` stands for, not fitted.

    Parameters
    ----------
    task : {"classification", "regression"}
        The task of the teacher.
    n_outputs : int
        The number of targets of a regression.
    schema, n_jobs, verbose
        As in `EnsembleTeacherClassifier`.
    """
    options = {"schema": schema, "n_jobs": n_jobs, "verbose": verbose}
    if task == "classification":
        return EnsembleTeacherClassifier(**options)
    one = EnsembleTeacherRegressor(**options)
    return one if n_outputs == 1 else MultiOutputRegressor(one)


def selects_on_held_out(teacher) -> bool:
    """Return whether a teacher itself needs held-out rows, so that those of the compressor are enough for both.

    Parameters
    ----------
    teacher : estimator
        The teacher, fitted or not.
    """
    return isinstance(teacher, EnsembleTeacherClassifier | EnsembleTeacherRegressor)


def fit_teacher(teacher, X, y, sample_weight=None, held=None, rng=None):
    """Return a fitted clone of a teacher; each of its `random_state` that is None gets a seed.

    Parameters
    ----------
    teacher : estimator
        The teacher to clone; it is not changed.
    X, y : table and array
        The training rows and their labels or values.
    sample_weight : array of shape (n_rows,), optional
        The weights of the rows, for teachers that take them.
    held : (X, y), optional
        Held-out rows for teachers that select on them; other teachers do not get them.
    rng : RandomState, optional
        The generator that the seeds are drawn from; None sets no seeds.

    Raises
    ------
    ValueError
        Weights are given, but the `fit` of the teacher does not take them.
    """
    fitted = clone(teacher, safe=False)
    if rng is not None and hasattr(fitted, "get_params") and not isinstance(fitted, FrozenEstimator):
        seed_unset(fitted, rng)
    options = {}
    if held is not None and selects_on_held_out(fitted):
        options = {"X_val": held[0], "y_val": held[1]}
    if sample_weight is not None:
        options[_weight_name(fitted)] = sample_weight
    return fitted.fit(X, y, **options)


def _weight_name(teacher) -> str:
    """Return the name under which `teacher.fit` takes sample weights; a pipeline passes them to its last step."""
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
    """Refuse a fitted teacher that does not know some label.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher; one without `classes_` is accepted.
    y : array of shape (n_rows,) or None
        The labels.

    Raises
    ------
    ValueError
        A label is not among the classes of the teacher.
    """
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


def teacher_kind(task: str, labels: str) -> str:
    """Return the kind of `teacher_outputs` that belongs to a task and its labels.

    Parameters
    ----------
    task : {"classification", "regression"}
        The task.
    labels : {"soft", "logits", "hard"}
        The labels of a classification.
    """
    return "values" if task == "regression" else {"soft": "probabilities", "hard": "labels"}.get(labels, labels)
