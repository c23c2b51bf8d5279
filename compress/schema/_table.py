"""A table: checked and taken apart into columns, and encoded as two blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compress.schema._containers import pandas_of
from compress.schema._values import listed

__all__ = ["Encoded", "columns_of", "plain_numbers"]


class Encoded(NamedTuple):
    """A table as two blocks of the same number of rows; see `compress.schema`.

    Parameters
    ----------
    continuous : float array of shape (n_rows, n_continuous)
        The continuous columns, NaN where missing.
    nominal : int32 array of shape (n_rows, n_nominal)
        The codes of the nominal columns, from 0, and -1 where missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import Schema
    >>> X = pd.DataFrame({"age": [20.0, 60.0], "job": ["cook", "clerk"]})
    >>> encoded = Schema().fit(X).encode(X)
    >>> encoded.continuous.ravel(), encoded.nominal.ravel()
    (array([20., 60.], dtype=float32), array([1, 0], dtype=int32))
    """

    continuous: np.ndarray
    nominal: np.ndarray

    def take(self, rows) -> Encoded:
        """Return some of the rows.

        Parameters
        ----------
        rows : int array, bool array or slice
            The rows to return.
        """
        return Encoded(self.continuous[rows], self.nominal[rows])

    @property
    def n_rows(self) -> int:
        """The number of rows of both blocks."""
        return len(self.continuous)


def columns_of(X):
    """Return whether a checked table is a DataFrame, its column names, and its columns as 1-d arrays."""
    X = pandas_of(X)
    if hasattr(X, "iloc"):
        if not X.columns.is_unique:
            raise ValueError(f"X must have unique column names, got {listed(list(X.columns))}.")
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise ValueError(f"X must have at least one row and one column, got X of shape {X.shape}.")
        return True, list(X.columns), [X.iloc[:, j] for j in range(X.shape[1])]
    if not hasattr(X, "dtype") or X.dtype.kind not in "USO" or X.ndim != 2 or 0 in X.shape:
        from sklearn.utils.validation import check_array

        X = check_array(X, dtype=None, ensure_all_finite=False, input_name="X")  # `numbers_of` refuses infinities
    return False, list(range(X.shape[1])), [X[:, j] for j in range(X.shape[1])]


def plain_numbers(X, names: list):
    """Return `X` as one numeric array when all its columns are plain numbers, else None."""
    if hasattr(X, "iloc"):
        plain = all(isinstance(t, np.dtype) and t.kind in "fiu" for t in X.dtypes)
        return X.to_numpy() if plain and len(X) and list(X.columns) == names else None
    plain = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fiu" and X.shape[1] == len(names)
    return X if plain and len(X) else None
