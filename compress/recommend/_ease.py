r"""EASE, a linear item-to-item recommender in closed form, which is a strong, large teacher.

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
    """Item-to-item weights that best reconstruct every user's interactions from the others.

    Parameters
    ----------
    ridge : float, positive, default=200.0
        The strength of the L2 penalty; a larger one gives weights closer to zero.

    Attributes
    ----------
    users_, items_ : arrays
        The ids of all users and of all items, sorted.
    weights_ : float32 array of shape (n_items, n_items)
        The weights, with zeros on the diagonal.
    n_parameters_ : int
        The number of weights.

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
        interactions : array or DataFrame of shape (n, 2)
            The user id and the item id of each interaction; repeated pairs count once.
        users, items : arrays of ids, optional
            The ids of all users and items; by default those with interactions.

        Raises
        ------
        ValueError
            `ridge` is not positive, or `users` or `items` lacks an id of `interactions`.
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
        """Score all pairs of some users and items.

        Parameters
        ----------
        users : array of shape (n_users,)
            The ids of users that were there in `fit`.
        items : array of shape (n_items,), optional
            The ids of the items; by default `items_`.

        Returns
        -------
        float32 array of shape (n_users, n_items)
            The scores.
        """
        check_is_fitted(self, "weights_")
        scores = self._matrix[self._users.codes(users)] @ self.weights_
        return scores if items is None else scores[:, self._items.codes(items)]
