"""What an object can do as a teacher: whether it is fitted, for which task, with which classes and columns.

A teacher is anything with `predict_proba` (classification) or `predict` (regression): an estimator of scikit-learn,
XGBoost, LightGBM or CatBoost, a pipeline, or an object of the user that knows nothing of scikit-learn.
"""

from __future__ import annotations

import contextlib
import inspect

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from compress.schema import pandas_of, take

__all__ = [
    "can_have",
    "check_teacher",
    "is_fitted",
    "known_classes",
    "name_of",
    "surely_unfitted",
    "tags_of",
    "task_of",
]

TASKS = ("classification", "regression")
SAYS_SO = ("__sklearn_is_fitted__", "is_fitted_", "is_fitted", "is_fit", "fitted_", "fitted")

BOOSTER = """
Wrap the booster in a few lines:

    class Teacher:
        def __init__(self, booster, classes=None):
            self.booster, self.classes_ = booster, classes

        def {method}(self, X):
            p = self.booster.predict({rows})
            return {answer}
"""


def is_fitted(teacher, X=None) -> bool:
    """Return whether a teacher can predict as it is.

    scikit-learn's `check_is_fitted` decides for estimators; an object without `fit` counts as fitted. What knows
    nothing of scikit-learn is asked for an answer.

    Parameters
    ----------
    teacher : object
        The teacher.
    X : table, optional
        Rows of which the first is shown to a teacher that does not say whether it is fitted; without rows such a
        teacher counts as not fitted.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import is_fitted
    >>> is_fitted(DecisionTreeClassifier()), is_fitted(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))
    (False, True)
    """
    state = _state(teacher)
    if state is not None or X is None:
        return bool(state)
    row = take(X, slice(0, 1))
    for table in (row, pandas_of(row)):
        with contextlib.suppress(Exception):  # whatever an object raises that is not fitted
            (teacher.predict_proba if hasattr(teacher, "predict_proba") else teacher.predict)(table)
            return True
    return False


def surely_unfitted(teacher) -> bool:
    """Return whether a teacher says that it is not fitted."""
    return _state(teacher) is False


def _state(teacher) -> bool | None:
    """Return whether a teacher is fitted, or None where it does not say."""
    if isinstance(teacher, FrozenEstimator):
        return _state(teacher.estimator) is not False  # who freezes something takes it for fitted
    if not hasattr(teacher, "fit"):
        return True
    try:
        check_is_fitted(teacher)
    except NotFittedError:
        return False
    except (AttributeError, TypeError):  # no estimator of scikit-learn
        for name in SAYS_SO:
            with contextlib.suppress(Exception):  # a method that takes arguments
                said = getattr(teacher, name)
                said = said() if callable(said) else said
                if isinstance(said, bool | np.bool_):
                    return bool(said)
        learned = [name for name in getattr(teacher, "__dict__", ()) if name.endswith("_") and name[:1] != "_"]
        return True if learned else None
    return True


def task_of(teacher) -> str:
    """Return what a teacher is for: "classification" or "regression".

    Objects without scikit-learn's tags are classifiers when they have `predict_proba`.

    Parameters
    ----------
    teacher : object
        The teacher, fitted or not.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from compress.teachers import task_of
    >>> task_of(DecisionTreeRegressor())
    'regression'
    """
    return _made_for(teacher) or ("classification" if hasattr(teacher, "predict_proba") else "regression")


def _made_for(teacher) -> str | None:
    """Return the task that an estimator says it is for; objects that do not say give None."""
    with contextlib.suppress(AttributeError, TypeError):
        return "classification" if is_classifier(teacher) else "regression" if is_regressor(teacher) else None
    says = getattr(teacher, "_estimator_type", None)
    if isinstance(teacher, ClassifierMixin) or says == "classifier":
        return "classification"
    return "regression" if isinstance(teacher, RegressorMixin) or says == "regressor" else None


def tags_of(teacher):
    """Return scikit-learn's tags of an estimator; None for an object that has none.

    Parameters
    ----------
    teacher : object
        The teacher, or anything else.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import tags_of
    >>> tags_of(DecisionTreeClassifier()).estimator_type, tags_of(object())
    ('classifier', None)
    """
    try:
        return get_tags(teacher)
    except (AttributeError, TypeError):
        return None


def known_classes(teacher) -> np.ndarray | None:
    """Return the label of each column of a classifier's answers, in its order; None where it does not say.

    Parameters
    ----------
    teacher : object
        The teacher. An empty `classes_`, as that of CatBoost's regressors, says nothing.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import known_classes
    >>> known_classes(DecisionTreeClassifier().fit([[0.0], [1.0]], ["no", "yes"]))
    array(['no', 'yes'], dtype='<U3')
    """
    classes = getattr(teacher, "classes_", None)
    if classes is None or not len(classes) or np.ndim(next(iter(classes))) > 0:
        return None
    array = np.asarray(classes)
    mixed = array.dtype.kind in "US" and not all(isinstance(label, str | bytes) for label in classes)
    return np.array(list(classes), dtype=object) if mixed else array


def check_teacher(teacher, task: str, *, labels: str = "soft") -> None:
    """Refuse an object that cannot teach, before any long work.

    A method that appears only when the teacher is fitted, such as those of scikit-learn's `StackingClassifier`, is
    looked for again after its `fit`.

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

    Examples
    --------
    >>> from sklearn.svm import LinearSVC
    >>> from compress.teachers import check_teacher
    >>> check_teacher(LinearSVC(), "classification", labels="hard")
    >>> check_teacher(LinearSVC(), "classification")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    TypeError: teacher must have predict_proba, since a student learns from ...
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {TASKS}, got {task!r}.")
    name = name_of(teacher)
    if inspect.isclass(teacher):
        raise TypeError(f"teacher must be an estimator, got the class {name}; pass {name}().")
    _refuse_booster(teacher, task)
    if not any(can_have(teacher, method) for method in ("predict_proba", "predict")):
        raise TypeError(
            f"teacher must have predict_proba (classification) or predict (regression), but {name} has neither."
        )
    other = TASKS[1 - TASKS.index(task)]
    if _made_for(teacher) == other:
        raise TypeError(f"teacher must fit the task, which is {task}, but {name} is made for {other}.")
    needed = "predict_proba" if task == "classification" and labels == "soft" else "predict"
    if can_have(teacher, needed):
        return
    if needed == "predict_proba":
        raise TypeError(
            "teacher must have predict_proba, since a student learns from probabilities, "
            f"but {name} has not. Wrap it in sklearn.calibration.CalibratedClassifierCV, "
            "use a variant of it that has probabilities, or pass labels='hard'. If it appears in fit, pass the teacher "
            "fitted."
        )
    raise TypeError(f"teacher must have predict for {task} with labels={labels!r}, but {name} has not.")


def can_have(teacher, method: str) -> bool:
    """Return whether a teacher has a method, or may get it from its `fit`.

    Parameters
    ----------
    teacher : object
        The teacher, fitted or not.
    method : str
        The name of the method.
    """
    try:
        getattr(teacher, method)
        return True
    except AttributeError as error:
        if not hasattr(teacher, "fit") or is_fitted(teacher):
            return False
        if _waits_for_a_part(error):
            return True
    if hasattr(type(teacher), "__getattr__"):  # it passes on what a part has that is made in fit
        return True
    defined = any(hasattr(type(teacher), name) for name in ("predict_proba", "predict"))
    return not defined and _made_for(teacher) is not None


def _waits_for_a_part(error: AttributeError) -> bool:
    """Whether an attribute is not there since a part of the object, to which it belongs, is not there yet."""
    while error is not None:
        name = getattr(error, "name", None)  # set by the interpreter only, not by those who raise the error by hand
        if isinstance(error, AttributeError) and name is not None:
            learned = name.endswith("_") and not name.startswith("_")
            if error.obj is None or learned:
                return True
        error = error.__cause__ or error.__context__
    return False


def _refuse_booster(teacher, task: str) -> None:
    """Raise TypeError, with a wrapper to copy, for the native models of LightGBM and XGBoost."""
    package = type(teacher).__module__.split(".")[0]
    if type(teacher).__name__ != "Booster" or package not in ("lightgbm", "xgboost"):
        return
    if package == "lightgbm" and task == "regression":
        return  # its predict takes tables and returns values
    code = BOOSTER.format(
        method="predict_proba" if task == "classification" else "predict",
        rows="xgboost.DMatrix(X)" if package == "xgboost" else "X",
        answer="np.column_stack([1 - p, p]) if p.ndim == 1 else p" if task == "classification" else "p",
    )
    needed = "predict_proba" if task == "classification" else "a predict that takes tables"
    raise TypeError(f"teacher must have {needed}, but {package}.Booster has not. {code.strip()}")


def name_of(teacher) -> str:
    """Return the name of the class of a teacher, for error messages."""
    return teacher.__name__ if inspect.isclass(teacher) else type(teacher).__name__
