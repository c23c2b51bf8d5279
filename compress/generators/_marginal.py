"""MarginalSampler: each attribute drawn on its own, the paper's RANDOM.

"Model Compression" (Bucila, Caruana and Niculescu-Mizil, KDD 2006), section 2.1: the values of each
attribute are drawn uniformly from the bag of its values in the training set, independently of the
other attributes. The weakest of the paper's three generators, and the one to beat.
"""

from __future__ import annotations

import numpy as np

from compress.generators._base import BaseGenerator
from compress.schema import Encoded

__all__ = ["MarginalSampler"]


class MarginalSampler(BaseGenerator):
    """Draw each column independently from its training values (RANDOM of the paper).

    Keeps every column's distribution, missing values included, and nothing of the dependence
    between columns.

    Parameters
    ----------
    schema : None, mapping or Schema, default=None
        Kinds of the columns: `{"zip": "nominal"}` overrides what is inferred from the dtypes.
        Here it only matters for what is kept to the letter, dtypes and categories.
    n_jobs : int, default=None
        Blocks are made in parallel with joblib, in threads unless `joblib.parallel_config` says
        otherwise. The rows do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        An int gives the same rows each time.

    Attributes
    ----------
    schema_ : Schema
    n_rows_ : int
        Rows seen in `fit`.
    n_features_in_, feature_names_in_ : as in scikit-learn

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
