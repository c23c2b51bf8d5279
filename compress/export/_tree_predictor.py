"""The tree student without scikit-learn: a picklable NumPy callable for hot paths."""

from __future__ import annotations

import numpy as np

from compress.export._predictor import NEAR, Predictor
from compress.trees import TreeEnsemble, TreeEvaluator

__all__ = ["TreePredictor", "is_far"]


class TreePredictor(Predictor):
    """Predictions of a fitted tree student in NumPy; it takes and gives what `NumpyPredictor` takes and gives.

    The choice of leaves is exact, and their values are added up in float64.

    Parameters
    ----------
    trees : TreeEnsemble
        The trees.
    schema : Schema
        The fitted schema of the table.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions, as of `NumpyPredictor`.
    mean, scale : float arrays of shape (n_outputs,)
        The unit of the outputs: sums of the trees times `scale` plus `mean` are logits or values.
    dtype : numpy dtype, default=numpy.float32
        The dtype of the predictions.
    flat : bool, default=False
        Whether the one value of each row is returned in an array of shape (n_rows,), as `predict` of a regressor does.
    classes : array of shape (n_classes,), optional
        The class of each probability.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import TreeStudentClassifier
    >>> X = np.arange(60.0)[:, None]
    >>> predict = TreeStudentClassifier(4, max_iter=3).fit(X, X[:, 0] > 30).predictor()
    >>> type(predict).__name__, predict([50.0]).argmax()
    ('TreePredictor', np.int64(1))
    """

    def __init__(
        self,
        trees: TreeEnsemble,
        schema,
        output_activation: str,
        mean,
        scale,
        dtype=np.float32,
        *,
        flat: bool = False,
        classes=None,
    ):
        super().__init__(schema, output_activation, dtype, flat, classes)
        self.shift, self.scale = np.asarray(mean, dtype=np.float64), np.asarray(scale, dtype=np.float64)
        far = output_activation == "identity" and is_far(self.shift, self.scale, self.dtype.itemsize)
        self.out_dtype = np.dtype(np.float64) if far else self.dtype
        self.evaluator = TreeEvaluator(trees)
        self.plain = not self.codes

    def from_encoded(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """Predict from the two blocks of `Schema.encode`.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous columns, NaN where missing.
        nominal : int32 array of shape (n_rows, n_nominal) or None
            The codes of the nominal columns; None when there are no such columns.
        """
        z = self.evaluator.sums(continuous, nominal)
        z *= self.scale
        z += self.shift
        return self.activated(z)

    def activated(self, z: np.ndarray) -> np.ndarray:
        """Return predictions from outputs in their final unit.

        Parameters
        ----------
        z : float64 array of shape (n_rows, n_outputs)
            The outputs; the array is used up.
        """
        if self.output_activation == "identity":
            z = z.astype(self.out_dtype, copy=False)
            return z[:, 0] if self.flat else z
        return self._activated(z).astype(self.dtype, copy=False)


def is_far(mean: np.ndarray, scale: np.ndarray, itemsize: int = 4) -> bool:
    """Return whether values of so many bytes would lose their spread: the mean is far from 0, or the spread extreme."""
    return bool(np.any((np.abs(mean) > NEAR[itemsize] * scale) | (scale < 1e-20) | (scale > 1e20)))
