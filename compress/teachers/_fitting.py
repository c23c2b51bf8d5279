"""Steps of the compressor that concern the teacher: the default one, fitting it, its classes."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.multioutput import MultiOutputRegressor

from compress._random import seed_unset
from compress.schema import class_codes
from compress.teachers._capabilities import known_classes
from compress.teachers._ensemble import EnsembleTeacherClassifier, EnsembleTeacherRegressor
from compress.teachers._outputs import asked, explained
from compress.teachers._weights import weight_name

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

    Examples
    --------
    >>> from compress.teachers import default_teacher
    >>> type(default_teacher("regression", 1, schema=None, n_jobs=None, verbose=0)).__name__
    'EnsembleTeacherRegressor'
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

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress import EnsembleTeacherClassifier
    >>> from compress.teachers import selects_on_held_out
    >>> selects_on_held_out(EnsembleTeacherClassifier()), selects_on_held_out(DecisionTreeClassifier())
    (True, False)
    """
    return isinstance(teacher, EnsembleTeacherClassifier | EnsembleTeacherRegressor)


def fit_teacher(teacher, X, y, sample_weight=None, held=None, rng=None):
    """Return a fitted clone of a teacher; each of its `random_state` that is None gets a seed.

    Parameters
    ----------
    teacher : estimator
        The teacher to clone; it is not changed. An object without `get_params` is copied.
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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import fit_teacher
    >>> tree = DecisionTreeClassifier()
    >>> fitted = fit_teacher(tree, np.arange(4.0)[:, None], np.array([0, 0, 1, 1]), rng=np.random.RandomState(0))
    >>> fitted.get_depth(), hasattr(tree, "tree_")
    (1, False)
    """
    fitted = clone(teacher, safe=False)
    if rng is not None and hasattr(fitted, "get_params") and not isinstance(fitted, FrozenEstimator):
        seed_unset(fitted, rng)
    options = {}
    if held is not None and selects_on_held_out(fitted):
        options = {"X_val": held[0], "y_val": held[1]}
    if sample_weight is not None:
        options[weight_name(fitted)] = sample_weight
    with explained(fitted, X):
        asked(fitted.fit, X, y, **options)
    return fitted  # not what fit returns: an object of the user may return None


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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import check_classes
    >>> tree = DecisionTreeClassifier().fit(np.eye(2), ["no", "yes"])
    >>> check_classes(tree, np.array(["yes", "no"]))  # nothing to refuse
    """
    known = known_classes(teacher)
    if known is None or y is None:
        return
    seen = np.unique(y)
    unknown = class_codes(seen, known, None) < 0
    if unknown.any():
        raise ValueError(
            f"teacher must know every class of y, but {type(teacher).__name__} was fitted on the classes "
            f"{known.tolist()} and y holds {seen[unknown].tolist()[0]!r} too. "
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

    Examples
    --------
    >>> from compress.teachers import teacher_kind
    >>> teacher_kind("classification", "soft"), teacher_kind("regression", "soft")
    ('probabilities', 'values')
    """
    return "values" if task == "regression" else {"soft": "probabilities", "hard": "labels"}.get(labels, labels)
