"""From what users pass to what a student learns: checked tables, targets and weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_array, check_consistent_length, validate_data

from compress._random import draw_seed
from compress.schema._table import Encoded

__all__ = [
    "LearningSet",
    "check_validation_pair",
    "checked_table",
    "hold_out",
    "classification_targets",
    "learning_weights",
    "regression_targets",
    "split_rows",
]

SUM_TOLERANCE = 1e-3  # float32 probabilities of many classes sum to 1 within about this


@dataclass
class LearningSet:
    """Encoded rows, targets of shape (n_rows, n_outputs) and float32 weights of mean 1 (or None).

    Targets are float32 probabilities, or float64 values: their mean is taken off before they become float32.
    """

    encoded: Encoded
    targets: np.ndarray
    weight: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.targets)

    def take(self, rows) -> LearningSet:
        """The rows named by an index array."""
        return LearningSet(
            self.encoded.take(rows), self.targets[rows], None if self.weight is None else self.weight[rows]
        )

    def split(self, fraction: float, rng, labels=None) -> tuple[LearningSet, LearningSet]:
        """Two parts, the second with `fraction` of the rows; stratified where `labels` allow it."""
        first, second = split_rows(len(self.targets), fraction, rng, labels)
        return self.take(first), self.take(second)


def split_rows(n_rows: int, fraction: float, rng, labels=None) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of two parts, the second with `fraction` of them; stratified where `labels` allow it."""
    rows, seed = np.arange(n_rows), draw_seed(rng)
    try:
        return train_test_split(rows, test_size=fraction, random_state=seed, stratify=labels)
    except ValueError:  # a class with one row cannot be split
        return train_test_split(rows, test_size=fraction, random_state=seed)


def check_validation_pair(X_val, y_val, *, needs_labels: bool = True) -> None:
    """Refuse validation rows without labels, unless they can do without, and labels without rows."""
    if (X_val is None and y_val is not None) or (needs_labels and X_val is not None and y_val is None):
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val must be given together, but {missing} is None.")


def hold_out(data: LearningSet, early_stopping, fraction: float, rng, *, validation=None, labels=None):
    """The rows to learn from, and those that early stopping looks at (None: it looks at none).

    Parameters
    ----------
    data : LearningSet
        All rows.
    early_stopping : bool or "auto"
        True holds rows out of `data` where there is no `validation`; "auto" needs it; False looks at none.
    fraction : float in (0, 1)
        Share of the rows to hold out.
    rng : RandomState
    validation : callable() -> LearningSet, optional
        Gives the validation rows that the user has passed.
    labels : array of shape (n_rows,), optional
        What the rows held out are stratified by.
    """
    if validation is not None and early_stopping is not False:
        return data, validation()
    return data.split(fraction, rng, labels) if early_stopping is True else (data, None)


def checked_table(estimator, X, *, reset: bool):
    """`X` checked against scikit-learn's rules: shape, names, number of columns, finite values.

    DataFrames stay DataFrames: their columns are looked at one by one by the schema.
    """
    if hasattr(X, "iloc"):
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        return X
    if not (hasattr(X, "dtype") and getattr(X.dtype, "kind", "") in "OUS"):
        X = check_array(X, dtype=None, ensure_all_finite="allow-nan", input_name="X", estimator=estimator)
    else:
        X = check_array(X, dtype=None, ensure_all_finite=False, input_name="X", estimator=estimator)
    validate_data(estimator, X, skip_check_array=True, reset=reset)
    return X


def classification_targets(y, n_rows: int, name: str, classes=None):
    """(classes, probabilities of shape (n_rows, n_classes), were the labels hard?) from hard or soft labels."""
    y = y if hasattr(y, "iloc") else np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        y = check_array(y, dtype=np.float32, input_name="y")
        check_consistent_length(np.empty(n_rows), y)
        sums = y.sum(axis=1, dtype=np.float64)
        if y.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE:
            worst = int(np.argmax(np.abs(sums - 1)))
            raise ValueError(
                f"{name}: soft labels must be probabilities, each row of y non-negative and summing to 1; "
                f"row {worst} sums to {sums[worst]:.6g} and the smallest value is {y.min():.6g}. "
                "Divide each row by its sum; for logits use a softmax."
            )
        classes = np.arange(y.shape[1]) if classes is None else classes
        if len(classes) != y.shape[1]:
            raise ValueError(f"{name}: soft labels have {y.shape[1]} columns, but there are {len(classes)} classes.")
        return classes, y, False
    y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(n_rows), y)
    check_classification_targets(y)
    seen, codes = np.unique(y, return_inverse=True)
    if classes is None:
        classes = seen
        if len(classes) < 2:
            raise ValueError(f"{name} needs at least 2 classes in y, got one class: {classes[0]!r}. Check the labels.")
    else:
        unknown = np.setdiff1d(seen, classes)
        if len(unknown):
            raise ValueError(f"{name}: y holds {unknown[0]!r}, which is none of the classes {list(classes)}.")
        codes = np.searchsorted(classes, seen)[codes]
    targets = np.zeros((n_rows, len(classes)), dtype=np.float32)
    targets[np.arange(n_rows), codes] = 1.0
    return classes, targets, True


def regression_targets(y, n_rows: int, name: str) -> tuple[np.ndarray, bool]:
    """(float64 values of shape (n_rows, n_outputs), was y one-dimensional?)."""
    y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=name)
    flat = y.ndim == 1 or y.shape[1] == 1
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(n_rows), y)
    return y.reshape(n_rows, -1), flat


def learning_weights(sample_weight, X, class_weight=None, y=None) -> np.ndarray | None:
    """float32 weights of mean 1 from sample and class weights; None when all rows count the same."""
    if sample_weight is None and class_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if class_weight is not None:
        weight = weight * compute_sample_weight(class_weight, np.asarray(y))
    if not weight.sum() > 0:
        raise ValueError(f"sample_weight must have a positive sum, got {weight.sum():g}.")
    return (weight / weight.mean()).astype(np.float32)
