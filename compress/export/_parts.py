"""What each column adds to the outputs of a student without hidden layers."""

from __future__ import annotations

import numpy as np

from compress.export._numpy import NumpyPredictor

__all__ = ["ColumnParts"]


class ColumnParts:
    """The outputs of an additive student, column by column.

    A number adds nothing at the mean of its column; a category is compared with the mean of the column's categories.
    What is left at these places is the `intercept`.

    Parameters
    ----------
    predictor : NumpyPredictor
        The predictor of the student, in float64. Its net has no hidden layer.

    Attributes
    ----------
    intercept : float64 array of shape (n_outputs,)
        The outputs, before the output activation, when no column adds anything.
    tables : list of float64 arrays of shape (n_categories + 1, n_outputs)
        What the categories of each nominal column add, in the order of their codes; the last row is of a missing value.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import ColumnParts
    >>> from compress.students import PiecewiseLinearEncoding
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> additive = StudentClassifier((), encoding=PiecewiseLinearEncoding(), max_epochs=2, random_state=0)
    >>> additive = additive.fit(X, X[:, 0] > 0)
    >>> ColumnParts(additive.predictor(dtype=np.float64)).intercept.shape
    (1,)
    """

    def __init__(self, predictor: NumpyPredictor):
        self._predictor = predictor
        unit, shift = predictor.unit or (1.0, 0.0)
        self._unit, self._at_mean = unit, 0.0
        self._at_mean = self.of_numbers(predictor.mean[None])[0]
        middles = [table[: max(len(table) - 1, 1)].mean(axis=0) for table in predictor.tables]
        self.tables = [(table - middle) * unit for table, middle in zip(predictor.tables, middles)]
        start = predictor.bias + np.sum(middles, axis=0) if middles else predictor.bias
        self.intercept = start * unit + shift + self._at_mean.sum(axis=0)

    def of_numbers(self, continuous: np.ndarray) -> np.ndarray:
        """Return what the continuous columns add.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous columns, NaN where missing.

        Returns
        -------
        float64 array of shape (n_rows, n_continuous, n_outputs)
            The parts.
        """
        p = self._predictor
        continuous = p.held(continuous)
        x = (continuous - p.mean) * (1.0 if p.inverse_scale is None else p.inverse_scale)
        missing = np.isnan(x)
        x[missing] = 0.0
        parts = x[:, :, None] * p.from_continuous
        for weight, k in zip(p.from_indicators, p.indicators):
            parts[:, k] += missing[:, k, None] * weight
        if p.frequencies is not None:
            weights = p.from_periodic.reshape(2, *p.frequencies.shape, -1)
            angle = x[:, :, None] * p.frequencies
            for wave, weight in zip((np.sin, np.cos), weights):
                parts += np.einsum("ndf,dfw->ndw", wave(angle), weight)
        if p.edges is not None:
            shares = p.edges.shares(continuous)
            for k in np.unique(p.edges.column):
                of_column = p.edges.column == k
                parts[:, k] += shares[:, of_column] @ p.from_pieces[of_column]
        return parts * self._unit - self._at_mean

    def of_rows(self, continuous: np.ndarray, nominal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the continuous and the nominal columns add.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous columns, NaN where missing.
        nominal : int array of shape (n_rows, n_nominal)
            The codes of the nominal columns, -1 where missing.

        Returns
        -------
        float64 arrays of shape (n_rows, n_continuous, n_outputs) and (n_rows, n_nominal, n_outputs)
            The parts.
        """
        looked_up = [table[nominal[:, k]] for k, table in enumerate(self.tables)]
        empty = np.zeros((len(continuous), 0, len(self.intercept)))
        return self.of_numbers(continuous), np.stack(looked_up, axis=1) if looked_up else empty
