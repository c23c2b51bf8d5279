"""What is to be learned, and what predictions are compared with: labels and values, checked in one place."""

from __future__ import annotations

import numpy as np

from compress.schema._labels import as_labels, class_codes, class_names, columns_of_classes

__all__ = ["classification_targets", "compared_labels", "compared_values", "regression_targets"]

SUM_TOLERANCE = 1e-3  # float32 probabilities of many classes sum to 1 within about this


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
        All classes, in any order. By default they are those of `y`, sorted; for soft labels they are the columns of a
        DataFrame, or 0, 1, ...

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

    Examples
    --------
    >>> from compress.schema import classification_targets
    >>> classes, targets = classification_targets(["yes", "no"], 2, "StudentClassifier")[:2]
    >>> classes, targets
    (array(['no', 'yes'], dtype='<U3'), array([[0., 1.],
           [1., 0.]], dtype=float32))
    """
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_consistent_length

    names, y = class_names(y), as_labels(y)
    if y.ndim == 2 and y.shape[1] > 1:
        return _soft_labels(y, n_rows, name, classes, names)
    y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(n_rows), y)
    check_classification_targets(y)
    if classes is None:
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"{name} needs at least 2 classes in y, got one class: {classes[0]!r}. Check the labels.")
    else:
        codes = class_codes(y, classes, f"{name}: y")
    targets = np.zeros((n_rows, len(classes)), dtype=np.float32)
    targets[np.arange(n_rows), codes] = 1.0
    return classes, targets, True


def _soft_labels(y, n_rows: int, name: str, classes, names):
    """Return classes, probabilities and False of labels with a column for each class."""
    from sklearn.utils.validation import check_array, check_consistent_length

    of_numbers = y.dtype.kind in "iub"
    y = check_array(y, dtype=np.float32, input_name="y")
    check_consistent_length(np.empty(n_rows), y)
    sums = y.sum(axis=1, dtype=np.float64)
    if y.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE:
        worst = int(np.argmax(np.abs(sums - 1)))
        if np.isin(y, (0, 1)).all() or of_numbers:
            raise ValueError(
                f"{name}: y must be one label for each row, or soft labels whose rows sum to 1; it has "
                f"{y.shape[1]} columns of whole numbers, and row {worst} sums to {sums[worst]:.6g}, as labels of "
                "several targets do (multilabel, multioutput). Fit one model for each column of y."
            )
        raise ValueError(
            f"{name}: soft labels must be probabilities, each row of y non-negative and summing to 1; "
            f"row {worst} sums to {sums[worst]:.6g} and the smallest value is {y.min():.6g}. "
            "Divide each row by its sum; for logits use a softmax."
        )
    if classes is None:
        return np.arange(y.shape[1]) if names is None else np.array(names), y, False
    if len(classes) != y.shape[1]:
        raise ValueError(f"{name}: soft labels have {y.shape[1]} columns, but there are {len(classes)} classes.")
    order = columns_of_classes(names, classes, f"{name}: y")
    return classes, y if order is None else np.ascontiguousarray(y[:, order]), False


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

    Examples
    --------
    >>> from compress.schema import regression_targets
    >>> regression_targets([1.0, 2.0], 2, "StudentRegressor")
    (array([[1.],
           [2.]]), True)
    """
    from sklearn.utils import column_or_1d
    from sklearn.utils.validation import check_array, check_consistent_length

    y = check_array(as_labels(y), dtype=np.float64, ensure_2d=False, input_name="y", estimator=name)
    flat = y.ndim == 1 or y.shape[1] == 1
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(n_rows), y)
    return y.reshape(n_rows, -1), flat


def compared_labels(y, n_rows: int, name: str = "y", classes=None) -> np.ndarray:
    """Return labels in the form in which predictions are compared with them; one column is made flat, as in `fit`.

    Parameters
    ----------
    y : array of shape (n_rows,), (n_rows, 1) or (n_rows, n_classes)
        The labels, hard or soft.
    n_rows : int
        The number of rows that `y` must have.
    name : str, default="y"
        The name of the parameter, for error messages.
    classes : array of shape (n_classes,), optional
        The classes that the labels must be among, in any order; None when they are not known yet.

    Returns
    -------
    array of shape (n_rows,) or (n_rows, n_classes)
        The labels.

    Raises
    ------
    ValueError
        `y` has another number of rows or columns, or a label is missing or unknown.

    Examples
    --------
    >>> from compress.schema import compared_labels
    >>> compared_labels(["yes", "no"], 2)
    array(['yes', 'no'], dtype='<U3')
    """
    from sklearn.utils.validation import assert_all_finite

    names, y = class_names(y), _flat(as_labels(y, name), n_rows, name)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name=name)
    if classes is not None and y.ndim == 1:
        class_codes(y, classes, name)
    elif classes is not None and y.shape[1] != len(classes):
        raise ValueError(f"{name} must have one column for each of the {len(classes)} classes, got {y.shape[1]}.")
    order = columns_of_classes(names, classes, name) if y.ndim == 2 else None
    return y if order is None else y[:, order]


def compared_values(y, n_rows: int, name: str = "y", n_outputs: int | None = None) -> np.ndarray:
    """Return values in the form in which predictions are compared with them; one column is made flat, as in `fit`.

    Parameters
    ----------
    y : array of shape (n_rows,), (n_rows, 1) or (n_rows, n_outputs)
        The values.
    n_rows : int
        The number of rows that `y` must have.
    name : str, default="y"
        The name of the parameter, for error messages.
    n_outputs : int, optional
        The number of values that each row must have; None when it is not known yet.

    Returns
    -------
    float64 array of shape (n_rows,) or (n_rows, n_outputs)
        The values.

    Raises
    ------
    ValueError
        `y` has another number of rows or columns, or a value is missing or infinite.

    Examples
    --------
    >>> from compress.schema import compared_values
    >>> compared_values([1, 2], 2)
    array([1., 2.])
    """
    from sklearn.utils.validation import check_array

    y = check_array(_flat(as_labels(y, name), n_rows, name), dtype=np.float64, ensure_2d=False, input_name=name)
    if n_outputs not in (None, y.size // n_rows):
        raise ValueError(f"{name} must have as many outputs as y, {n_outputs}, got {y.size // n_rows}.")
    return y


def _flat(y, n_rows: int, name: str):
    if y.ndim == 2 and y.shape[1] == 1:
        from sklearn.utils import column_or_1d

        y = column_or_1d(y, warn=True)
    if y.ndim not in (1, 2):
        raise ValueError(f"{name} must have one label or value for each row, got shape {y.shape}.")
    if len(y) != n_rows:
        raise ValueError(f"X and {name} must have as many rows, got {n_rows} and {len(y)}.")
    return y
