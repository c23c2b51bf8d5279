"""How fitted students predict: the checks of a table, and a NumPy predictor in float64."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from compress.export import FEW_ROWS, all_finite
from compress.schema import checked_table

__all__ = ["PredictingStudent"]


class PredictingStudent(BaseEstimator):
    """Base of all students: a subclass has `predictor`, and sets `_predictor` and the attribute `_fitted` in `fit`."""

    _fitted = "module_"  # the attribute that makes the predictor

    def _predictions(self, X) -> np.ndarray:
        """Return probabilities or values of the rows of `X`, float64, by the NumPy predictor."""
        if self._needs_no_checks(X):
            encoded = X.astype(self.schema_.dtype_, copy=False), None
        else:
            check_is_fitted(self, self._fitted)
            table = checked_table(self, X, reset=False)
            encoded = self._predictor.quickly_encoded(table) if len(table) <= FEW_ROWS else None
            if encoded is None or np.isinf(encoded[0]).any():
                encoded = self.schema_.encode(table, unseen="missing")
        predictions = self._predictor.from_encoded(*encoded)
        if not all_finite(predictions):
            _refuse_overflow(predictions, encoded[0])
        return predictions

    def _needs_no_checks(self, X) -> bool:
        """Whether the checks, which take many times longer than the prediction of a row, would find nothing."""
        return (
            self._fitted in vars(self)
            and type(X) is np.ndarray
            and X.dtype.char in "fd"
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in vars(self)
            and getattr(self._predictor, "plain", False)
            and all_finite(X)
        )

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_predictor", None)  # made again from the model: no need to store the weights twice
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, self._fitted):
            self._predictor = self.predictor(np.float64)


def _refuse_overflow(predictions: np.ndarray, continuous: np.ndarray) -> None:
    """Raise ValueError where numbers are so large that the net overflows, which would give NaN without a word."""
    bad = ~np.isfinite(predictions).reshape(len(predictions), -1).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        largest = np.nanmax(np.abs(continuous[row].astype(np.float64)))
        raise ValueError(
            f"X must have numbers that the net can add up, but row {row} holds {largest:g}, for which there is no "
            f"finite prediction ({int(bad.sum())} such rows). Replace numbers far outside the training range by NaN or "
            "by a bound."
        )
