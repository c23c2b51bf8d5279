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
    """Encoded rows with their targets and weights.

    Parameters
    ----------
    encoded : Encoded or EncodedFields
        The rows as blocks.
    targets : array of shape (n_rows, n_outputs)
        Probabilities in float32, or values in float64, whose mean is subtracted before they become float32.
    weight : float32 array of shape (n_rows,), optional
        The weights of the rows, of mean 1; None means that all rows count the same.
    """

    encoded: Encoded
    targets: np.ndarray
    weight: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.targets)

    def take(self, rows) -> LearningSet:
        """Return the rows named by an index array.

        Parameters
        ----------
        rows : int array
            The positions of the rows.
        """
        return LearningSet(
            self.encoded.take(rows), self.targets[rows], None if self.weight is None else self.weight[rows]
        )

    def split(self, fraction: float, rng, labels=None) -> tuple[LearningSet, LearningSet]:
        """Split the rows into two parts, stratified where `labels` allow it.

        Parameters
        ----------
        fraction : float in (0, 1)
            The share of the rows in the second part.
        rng : RandomState
            The generator that gives the seed of the split.
        labels : array of shape (n_rows,), optional
            The classes by which the split is stratified.

        Returns
        -------
        first, second : LearningSet
            The two parts.
        """
        first, second = split_rows(len(self.targets), fraction, rng, labels)
        return self.take(first), self.take(second)


def split_rows(n_rows: int, fraction: float, rng, labels=None) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into two parts, stratified where `labels` allow it.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    fraction : float in (0, 1)
        The share of the rows in the second part.
    rng : RandomState
        The generator that gives the seed of the split.
    labels : array of shape (n_rows,), optional
        The classes by which the split is stratified.

    Returns
    -------
    first, second : int arrays
        The row numbers of the two parts.
    """
    rows, seed = np.arange(n_rows), draw_seed(rng)
    try:
        return train_test_split(rows, test_size=fraction, random_state=seed, stratify=labels)
    except ValueError:  # a class with one row cannot be split
        return train_test_split(rows, test_size=fraction, random_state=seed)


def check_validation_pair(X_val, y_val, *, needs_labels: bool = True) -> None:
    """Refuse validation rows without labels where labels are needed, and labels without rows.

    Parameters
    ----------
    X_val : table or None
        The validation rows.
    y_val : array or None
        The labels of the validation rows.
    needs_labels : bool, default=True
        Whether validation rows need labels.

    Raises
    ------
    ValueError
        One of the two is missing.
    """
    if (X_val is None and y_val is not None) or (needs_labels and X_val is not None and y_val is None):
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val must be given together, but {missing} is None.")


def hold_out(data: LearningSet, early_stopping, fraction: float, rng, *, validation=None, labels=None):
    """Return the rows to learn from, and the rows that early stopping looks at or None.

    Parameters
    ----------
    data : LearningSet
        The rows to split.
    early_stopping : bool or "auto"
        True takes the rows of `validation`, or holds rows out of `data` when there are none; "auto" takes the rows of
        `validation` when there are some; False takes no validation rows.
    fraction : float in (0, 1)
        The share of the rows to hold out.
    rng : RandomState
        The generator that gives the seed of the split.
    validation : callable() -> LearningSet, optional
        A function that returns the validation rows that the user has passed; None when none were passed.
    labels : array of shape (n_rows,), optional
        The classes by which the held-out rows are stratified.
    """
    if validation is not None and early_stopping is not False:
        return data, validation()
    return data.split(fraction, rng, labels) if early_stopping is True else (data, None)


def checked_table(estimator, X, *, reset: bool):
    """Return `X` checked against scikit-learn's rules: shape, names, number of columns, finite values.

    A DataFrame stays a DataFrame: the schema looks at its columns one by one.

    Parameters
    ----------
    estimator : estimator
        The estimator that the table is for; it keeps the number and the names of the columns.
    X : DataFrame or array of shape (n_rows, n_columns)
        The table to check.
    reset : bool
        Whether the number and the names of the columns are learned from `X`; otherwise they are compared with those
        that the estimator has learned.
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
    """Turn hard or soft labels into class probabilities.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_classes)
        Hard labels, or soft labels whose rows sum to 1.
    n_rows : int
        The number of rows that `y` must have.
    name : str
        The name of the estimator, for error messages.
    classes : array of shape (n_classes,), optional
        All classes, sorted. By default they are those of `y`, or 0, 1, ... for soft labels.

    Returns
    -------
    classes : array of shape (n_classes,)
        The label of each column.
    probabilities : float32 array of shape (n_rows, n_classes)
        The soft labels, or the hard labels as one-hot rows.
    hard : bool
        Whether the labels are hard.

    Raises
    ------
    ValueError
        Soft labels are not probabilities or do not fit the classes, a label is unknown, or there is only one class.
    """
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
    """Turn regression targets into a matrix with one column for each output.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_outputs)
        The values to predict.
    n_rows : int
        The number of rows that `y` must have.
    name : str
        The name of the estimator, for error messages.

    Returns
    -------
    values : float64 array of shape (n_rows, n_outputs)
        The values.
    flat : bool
        Whether `y` has a single output.
    """
    y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=name)
    flat = y.ndim == 1 or y.shape[1] == 1
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(n_rows), y)
    return y.reshape(n_rows, -1), flat


def learning_weights(sample_weight, X, class_weight=None, y=None) -> np.ndarray | None:
    """Combine sample and class weights into float32 weights of mean 1.

    Parameters
    ----------
    sample_weight : array of shape (n_rows,), float or None
        The non-negative weights of the rows; None gives all rows the same weight.
    X : table
        The rows, whose number the weights must have.
    class_weight : dict, "balanced" or None, default=None
        The weights of the classes, as in scikit-learn.
    y : array of shape (n_rows,), optional
        The hard labels, which `class_weight` needs.

    Returns
    -------
    float32 array of shape (n_rows,), or None
        The weights; None when all rows count the same.

    Raises
    ------
    ValueError
        The sum of the weights is not positive.
    """
    if sample_weight is None and class_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if class_weight is not None:
        weight = weight * compute_sample_weight(class_weight, np.asarray(y))
    if not weight.sum() > 0:
        raise ValueError(f"sample_weight must have a positive sum, got {weight.sum():g}.")
    return (weight / weight.mean()).astype(np.float32)
