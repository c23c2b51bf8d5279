"""Members of a library: names, seeds, the matrix each one takes, fitting one, and its outputs.

A model of the default library takes a matrix made by `TreeEncoder`; a user's own estimator takes the
table as it was passed (`RAW`), so that pipelines with a ColumnTransformer find their columns.
"""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager

import numpy as np
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from threadpoolctl import ThreadpoolController

from compress.schema import class_codes
from compress.teachers._capabilities import can_have, known_classes, tags_of
from compress.teachers._outputs import explained, probability_columns
from compress.teachers._weights import takes_weights, weight_name

__all__ = [
    "RAW",
    "check_members",
    "fit_alone",
    "fit_member",
    "member_outputs",
    "named",
    "one_thread",
    "takes_nan",
    "tell_categorical",
    "view_of",
]

RAW = "raw"


def named(library) -> list:
    """Return estimators or (name, estimator) pairs as pairs; estimators get their class name in lower case."""
    try:
        entries = list(library)
    except TypeError:
        entries = []
    if not entries:
        raise ValueError(f"library must be a string or a list of at least one estimator, got {library!r}.")
    pairs = [e if isinstance(e, tuple) and len(e) == 2 else (None, e) for e in entries]
    for _, estimator in pairs:
        if isinstance(estimator, type) or not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
            raise TypeError(f"library must hold estimators or (name, estimator) pairs, got {estimator!r}.")
    plain = [type(e).__name__.lower() for name, e in pairs if name is None]
    seen: dict = {}
    result = []
    for name, estimator in pairs:
        if name is None:
            name = type(estimator).__name__.lower()
            seen[name] = seen.get(name, 0) + 1
            name = f"{name}-{seen[name]}" if plain.count(name) > 1 else name
        result.append((name, estimator))
    names = [name for name, _ in result]
    if len(set(names)) < len(names):
        raise ValueError(f"library must have unique names, got {names}.")
    return result


def check_members(members, method: str, *, weighted: bool = False) -> None:
    """Refuse models without `method`, or whose `fit` takes no sample_weight when rows are weighted."""
    for name, estimator, *_ in members:
        made = f"{name!r} ({type(estimator).__name__})"
        if not can_have(estimator, method):
            way_out = " or wrap it in sklearn.calibration.CalibratedClassifierCV" if method == "predict_proba" else ""
            raise TypeError(f"each model of library must have {method}, but {made} has not; leave it out{way_out}.")
        if weighted and not takes_weights(estimator):
            raise TypeError(
                f"sample_weight is passed to each model of library, but fit of {made} does not take it; "
                "leave the model or the weights out."
            )


def view_of(estimator) -> str:
    """Return the matrix of `TreeEncoder` that a model of the default library takes."""
    return "filled" if isinstance(estimator, (GradientBoostingClassifier, GradientBoostingRegressor)) else "codes"


def tell_categorical(estimator, mask) -> None:
    """Name the nominal columns to estimators that treat them separately."""
    if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)) and mask.any():
        estimator.set_params(categorical_features=mask)


def takes_nan(estimator) -> bool:
    """Whether the estimator says that it takes missing values."""
    tags = tags_of(estimator)
    return tags is not None and bool(tags.input_tags.allow_nan)


BRING_OPENMP = ("lightgbm", "xgboost", "catboost", "torch")  # packages with a runtime of their own


@functools.cache
def _controller(loaded: tuple) -> ThreadpoolController:
    return ThreadpoolController()  # lists the loaded libraries: milliseconds, so once for each set of them


def one_thread():
    """Return a context in which OpenMP code of this thread runs on one core.

    Parallelism is over models and blocks of rows. Sums that histogram boosting splits over threads
    would also round differently with the number of cores.

    Examples
    --------
    >>> from compress.teachers import one_thread
    >>> with one_thread():
    ...     pass  # OpenMP code runs on one core here
    ...
    """
    return _controller(tuple(name in sys.modules for name in BRING_OPENMP)).limit(limits=1, user_api="openmp")


def fit_alone(name, estimator, X, y, sample_weight):
    """Fit one model; an error names the model."""
    weights = {} if sample_weight is None else {weight_name(estimator): sample_weight}
    with _named_in_errors(name), one_thread(), explained(estimator, X):
        return estimator.fit(X, y, **weights)


def fit_member(name, estimator, X, y, sample_weight, X_val, classes):
    """Fit one model and predict the hill-climb rows: (estimator, array of shape (n_val, n_outputs))."""
    fit_alone(name, estimator, X, y, sample_weight)
    with _named_in_errors(name), one_thread():
        return estimator, member_outputs(estimator, X_val, classes)


@contextmanager
def _named_in_errors(name):
    try:
        yield
    except Exception as error:
        error.add_note(f"(raised by the model {name!r} of the teacher's library)")
        raise


def member_outputs(estimator, X, classes) -> np.ndarray:
    """Return values, or probabilities in the order of `classes`: float64 of shape (n_rows, n_outputs).

    Classes that the member never saw have probability 0.
    """
    if classes is None:
        return np.asarray(estimator.predict(X), dtype=np.float64).reshape(len(X), -1)
    own = known_classes(estimator)
    own = classes if own is None else own
    probabilities = probability_columns(estimator, estimator.predict_proba(X), own).astype(np.float64, copy=False)
    if np.array_equal(own, classes):
        return probabilities
    columns = class_codes(own, classes, None)
    if (columns < 0).any():
        raise ValueError(
            f"classes of {type(estimator).__name__}, {list(own)}, must be among those of y, {list(classes)}."
        )
    aligned = np.zeros((len(probabilities), len(classes)))
    aligned[:, columns] = probabilities
    return aligned
