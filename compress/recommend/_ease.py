r"""EASE, a linear item-to-item recommender in closed form: a strong, large teacher of what comes next.

With the 0/1 matrix `X` of users and items, `G = X^T X + ridge I` and `P = G^-1`, the weights are
:math:`B_{ij} = -P_{ij} / P_{jj}`, zero on the diagonal, and the scores :math:`X B`.

References
----------
Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, arXiv:1905.03375.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from compress.recommend._interactions import IdIndex, check_pairs, interaction_matrix

__all__ = ["EASE"]


class EASE(BaseEstimator):
    """Item-to-item weights that best rebuild every user's interactions from the others.

    Parameters
    ----------
    ridge : float, positive, default=200.0
        Larger: weights closer to zero.

    Attributes
    ----------
    users_, items_ : arrays of ids, sorted
    weights_ : float32 array of shape (n_items, n_items), zero diagonal
    n_parameters_ : int

    Examples
    --------
    >>> from compress.recommend import EASE
    >>> ease = EASE(ridge=1.0).fit([(1, 10), (1, 11), (2, 10), (2, 11), (3, 10)])
    >>> ease.score_matrix([3]).argmax(), ease.items_[1]
    (np.int64(1), np.int64(11))
    """

    def __init__(self, ridge: float = 200.0):
        self.ridge = ridge

    def fit(self, interactions, *, users=None, items=None) -> EASE:
        """Solve for the weights.

        Parameters
        ----------
        interactions : array or DataFrame of shape (n, 2), user id and item id
        users, items : arrays of ids, optional
            All there are; by default those with interactions.

        Raises
        ------
        ValueError
            `ridge` not positive; ids in `interactions` that `users` or `items` lack.
        """
        if not self.ridge > 0:
            raise ValueError(f"ridge must be positive, got {self.ridge}.")
        pairs = check_pairs(interactions)
        self._users = IdIndex(pairs[:, 0] if users is None else users, "user")
        self._items = IdIndex(pairs[:, 1] if items is None else items, "item")
        self.users_, self.items_ = self._users.ids, self._items.ids
        self._matrix = interaction_matrix(pairs, self._users, self._items)
        gram = (self._matrix.T @ self._matrix).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += self.ridge
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self.weights_ = weights.astype(np.float32)
        self.n_parameters_ = self.weights_.size
        return self

    def score_matrix(self, users, items=None) -> np.ndarray:
        """Scores of shape (n_users, n_items) for known users, items in the order of `items_` or of `items`."""
        check_is_fitted(self, "weights_")
        scores = self._matrix[self._users.codes(users)] @ self.weights_
        return scores if items is None else scores[:, self._items.codes(items)]
