"""From what users pass to what a student learns: checked tables, targets and weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress._random import draw_seed
from compress.schema._containers import as_table, has_columns, names_of
from compress.schema._labels import as_labels
from compress.schema._table import Encoded

__all__ = [
    "LearningSet",
    "check_columns",
    "check_validation_pair",
    "checked_table",
    "hold_out",
    "learning_weights",
    "split_rows",
]


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

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import Encoded, LearningSet
    >>> encoded = Encoded(np.eye(3), np.empty((3, 0), dtype=np.int32))
    >>> len(LearningSet(encoded, np.ones((3, 1), dtype=np.float32)).targets)
    3
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
        first : LearningSet
            The rows that remain.
        second : LearningSet
            The rows that are split off.
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
    first : int array
        The row numbers of the first part.
    second : int array
        The row numbers of the second part.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import split_rows
    >>> first, second = split_rows(10, 0.3, np.random.RandomState(0))
    >>> len(first), len(second)
    (7, 3)
    """
    from sklearn.model_selection import train_test_split

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

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import check_validation_pair
    >>> check_validation_pair(np.eye(2), [0, 1])
    >>> check_validation_pair(np.eye(2), None)
    Traceback (most recent call last):
        ...
    ValueError: X_val and y_val must be given together, but y_val is None.
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

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import Encoded, LearningSet, hold_out
    >>> data = LearningSet(Encoded(np.arange(20.0)[:, None], np.empty((20, 0), dtype=np.int32)), np.ones((20, 1)))
    >>> learned, held = hold_out(data, True, 0.2, np.random.RandomState(0))
    >>> len(learned.targets), len(held.targets)
    (16, 4)
    """
    if validation is not None and early_stopping is not False:
        return data, validation()
    return data.split(fraction, rng, labels) if early_stopping is True else (data, None)


def checked_table(estimator, X, *, reset: bool):
    """Return `X` checked against scikit-learn's rules: shape, names, number of columns, finite values.

    A DataFrame or an Arrow table stays what it is: the schema looks at its columns one by one.

    Parameters
    ----------
    estimator : estimator
        The estimator that the table is for; it keeps the number and the names of the columns.
    X : DataFrame, Arrow table, list of dicts, or array of shape (n_rows, n_columns)
        The table to check.
    reset : bool
        Whether the number and the names of the columns are learned from `X`; otherwise they are compared with those
        that the estimator has learned.

    Returns
    -------
    DataFrame, Arrow table or array
        The table in its own container; a list of dicts becomes a pandas DataFrame.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.base import BaseEstimator
    >>> from compress.schema import checked_table
    >>> estimator = BaseEstimator()
    >>> _ = checked_table(estimator, pd.DataFrame({"age": [20], "hours": [40]}), reset=True)
    >>> estimator.n_features_in_, estimator.feature_names_in_
    (2, array(['age', 'hours'], dtype=object))
    """
    from sklearn.utils.validation import check_array

    X = as_table(X, None if reset else getattr(estimator, "feature_names_in_", None))
    if has_columns(X):
        check_columns(estimator, X, reset=reset)
        return X
    if not (hasattr(X, "dtype") and getattr(X.dtype, "kind", "") in "OUS"):
        X = check_array(X, dtype=None, ensure_all_finite="allow-nan", input_name="X", estimator=estimator)
    else:
        X = check_array(X, dtype=None, ensure_all_finite=False, input_name="X", estimator=estimator)
    check_columns(estimator, X, reset=reset)
    return X


def check_columns(estimator, X, *, reset: bool) -> None:
    """Learn, or compare, the number and the names of the columns of a table, as scikit-learn's estimators do.

    Parameters
    ----------
    estimator : estimator
        The estimator that the table is for.
    X : DataFrame, Arrow table or array of shape (n_rows, n_columns)
        The table.
    reset : bool
        Whether number and names are learned; otherwise they are compared.
    """
    from sklearn.utils.validation import validate_data

    names = names_of(X) if reset or not hasattr(X, "iloc") else None
    if names is not None and not hasattr(X, "iloc"):
        import pandas as pd

        X = pd.DataFrame(columns=names)  # which any version of scikit-learn can look at
    validate_data(estimator, X, skip_check_array=True, reset=reset)


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

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import learning_weights
    >>> learning_weights([1.0, 3.0], np.eye(2))
    array([0.5, 1.5], dtype=float32)
    """
    if sample_weight is None and class_weight is None:
        return None
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.validation import _check_sample_weight

    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if class_weight is not None:
        weight = weight * compute_sample_weight(class_weight, as_labels(y))
    if not weight.sum() > 0:
        raise ValueError(f"sample_weight must have a positive sum, got {weight.sum():g}.")
    return (weight / weight.mean()).astype(np.float32)
