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
        seed_unset(fitted, rng)
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


def teacher_kind(task: str, labels: str) -> str:
    """The kind of `teacher_outputs` that belongs to `labels`."""
    return "values" if task == "regression" else {"soft": "probabilities", "hard": "labels"}.get(labels, labels)
