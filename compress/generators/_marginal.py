"""MarginalSampler: each attribute drawn on its own, the paper's RANDOM.

"Model Compression" (Bucila, Caruana and Niculescu-Mizil, KDD 2006), section 2.1: the values of each
attribute are drawn uniformly from the bag of its values in the training set, independently of the
other attributes. It is the weakest of the paper's three generators, and the baseline for the others.
"""

from __future__ import annotations

import numpy as np

from compress.generators._base import BaseGenerator
from compress.schema import Encoded

__all__ = ["MarginalSampler"]


class MarginalSampler(BaseGenerator):
    """Draw each column independently from its training values (RANDOM of the paper).

    It keeps the distribution of every column, missing values included, but not the dependence between
    columns.

    Parameters
    ----------
    schema : None, mapping or Schema, default=None
        The kinds of the columns: `{"zip": "nominal"}` overrides what is inferred from the dtypes. Here it decides only
        which dtypes and categories are kept exactly.
    n_jobs : int, default=None
        The number of parallel joblib workers that make the blocks; they are threads unless `joblib.parallel_config`
        says otherwise. The rows do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        The source of all random draws; an int gives the same rows each time.

    Attributes
    ----------
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    n_rows_ : int
        The number of rows seen in `fit`.
    n_features_in_, feature_names_in_ : int, array of str
        The number of columns seen in `fit`, and their names if all of them are strings.

    References
    ----------
    C. Bucila, R. Caruana, A. Niculescu-Mizil (2006). Model Compression. KDD, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.generators import MarginalSampler
    >>> X = np.array([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]])
    >>> MarginalSampler(random_state=0).fit(X).sample(5).shape
    (5, 2)
    """

    def __init__(self, *, schema=None, n_jobs=None, random_state=None):
        self.schema = schema
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_encoded(self, encoded: Encoded, rng: np.random.Generator) -> None:
        self._table = encoded

    def _block(self, index: int, rng: np.random.Generator, shared) -> Encoded:
        return Encoded(*(_shuffled_bag(block, rng) for block in self._table))


def _shuffled_bag(block: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows = rng.integers(len(block), size=block.shape)
    return np.take_along_axis(block, rows, axis=0)
