"""Interpolation: rows on the segments between near rows, in the manner of SMOTE.

Chawla, Bowyer, Hall and Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 2002. It is
not one of the generators of the 2006 paper, but the one that comes to mind first today, so MUNGE is compared with it.
Unlike SMOTE it does not know the classes: all rows are over-sampled in the same way.
"""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.neighbors import NearestNeighbors

from compress.generators._base import BaseGenerator
from compress.generators._neighbors import embed, scale_table
from compress.schema import Encoded

__all__ = ["Interpolation"]


class Interpolation(BaseGenerator):
    """Draw a point between each row and one of its nearest neighbours.

    For a row e and a neighbour e', drawn from its `n_neighbors` nearest, and u uniform in [0, 1]: continuous
    attributes are e + u (e' - e), nominal ones are those of e' with probability u, else those of e.

    Parameters
    ----------
    n_neighbors : int, default=5
        The number of nearest neighbours to draw from; 5 is the number of SMOTE. In a table with fewer rows all other
        rows are neighbours.
    schema : None, mapping or Schema, default=None
        The kinds of the columns: `{"zip": "nominal"}` overrides what is inferred from the dtypes.
    n_jobs : int, default=None
        The number of parallel joblib workers that search neighbours and make blocks; they are threads unless
        `joblib.parallel_config` says otherwise. The rows do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        The source of all random draws; an int gives the same rows each time.

    Attributes
    ----------
    neighbor_indices_ : int array of shape (n_rows, min(n_neighbors, n_rows - 1))
        The neighbours of each training row, the nearest first.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    n_rows_ : int
        The number of rows seen in `fit`.
    n_features_in_, feature_names_in_ : int, array of str
        The number of columns seen in `fit`, and their names if all of them are strings.

    Raises
    ------
    ValueError
        In `fit`, when there are fewer than 2 rows or `n_neighbors` is below 1.
    TypeError
        In `fit`, when `n_neighbors` is not an integer.

    See Also
    --------
    MUNGE : Exchanges attributes of nearest neighbours, and may leave their segment.

    Notes
    -----
    - Distance: as in MUNGE, squared Euclidean over continuous attributes scaled to [0, 1] plus the number of
      nominal attributes that differ. Where values are missing, or where there are more than about 90
      categories in all, the search takes a lower bound of it.
    - Each nominal attribute has a coin of its own, so a point near e has few attributes of e'. A value that is
      missing at one end is chosen like a nominal one.
    - Columns of whole numbers are rounded. Nothing leaves the training range, and the variance shrinks: a
      point between two ends is on average nearer to the middle of the table than the ends are.
    - Row `c * n_rows_ + i` comes from training row i.

    References
    ----------
    N. Chawla, K. Bowyer, L. Hall, P. Kegelmeyer (2002). SMOTE: Synthetic Minority Over-sampling Technique.
    JAIR 16, section 4.2 (continuous) and 6.1 (nominal attributes, there by majority).

    Examples
    --------
    >>> import numpy as np
    >>> from compress.generators import Interpolation
    >>> X = np.array([[0.5, 1.0], [1.25, 2.5], [2.0, 4.0]])
    >>> D = Interpolation(random_state=0).fit(X).sample(5)
    >>> bool(np.allclose(D[:, 1], 2 * D[:, 0]))
    True
    """

    def __init__(self, n_neighbors=5, *, schema=None, n_jobs=None, random_state=None):
        self.n_neighbors = n_neighbors
        self.schema = schema
        self.n_jobs = n_jobs
        self.random_state = random_state

    _min_rows = 2

    def _fit_encoded(self, encoded: Encoded, rng: np.random.Generator) -> None:
        k = self.n_neighbors
        if not isinstance(k, numbers.Integral) or isinstance(k, bool):
            raise TypeError(f"n_neighbors must be an integer, got {k!r} of type {type(k).__name__}: SMOTE takes 5.")
        if k < 1:
            raise ValueError(f"n_neighbors must be at least 1, got {k}: SMOTE takes 5.")
        points = embed(scale_table(encoded, self.schema_))[0]
        index = NearestNeighbors(n_neighbors=min(int(k), encoded.n_rows - 1), n_jobs=self.n_jobs).fit(points)
        self.neighbor_indices_ = index.kneighbors(return_distance=False)  # of the fitted rows, never themselves
        self._table = encoded

    def _block(self, index: int, rng: np.random.Generator, shared) -> Encoded:
        (x, codes), (n, k) = self._table, self.neighbor_indices_.shape
        other = self.neighbor_indices_[np.arange(n), rng.integers(k, size=n)]
        u = rng.random((n, 1))
        x2, codes2 = x[other], codes[other]
        # written so that equal ends give just their value, and ends far apart do not overflow
        between = np.where(x == x2, x, (1 - u) * x + u * x2)
        chosen = np.where(rng.random(x.shape) < u, x2, x)
        values = np.where(np.isnan(between), chosen, between)
        values = np.where(self.schema_.integer_, np.rint(values), values)
        # rounding to float32 cannot leave the range: its ends are float32 themselves
        return Encoded(values.astype(x.dtype), np.where(rng.random(codes.shape) < u, codes2, codes))
