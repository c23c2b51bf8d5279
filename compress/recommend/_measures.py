"""Measures of rankings: recall, NDCG, overlap of two lists, AUC within groups.

Rows are users. `scores` has one column per item; what a user has already seen is removed from the
ranking before anything is counted.

References
----------
Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017 (GAUC).
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import ndcg_score, roc_auc_score

__all__ = ["gauc", "ndcg_at_k", "overlap_at_k", "ranking_metrics", "recall_at_k", "top_k"]


def top_k(scores, k: int, *, seen=None) -> np.ndarray:
    """Return the columns of the `k` highest scores of each row, best first; ties go to the lower column.

    Parameters
    ----------
    scores : array of shape (n_users, n_items)
        The finite scores of all items for each user.
    k : int
        The number of columns, from 1 to n_items.
    seen : bool array of shape (n_users, n_items), or sparse matrix, optional
        The items that are left out; where fewer than `k` items are left, the row ends in -1.

    Returns
    -------
    int64 array of shape (n_users, k)
        The columns.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import top_k
    >>> scores = np.array([[0.1, 0.9, 0.4]])
    >>> top_k(scores, 2)
    array([[1, 2]])
    """
    scores = _finite(scores)
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k must lie between 1 and the number of items, {scores.shape[1]}, got {k}.")
    masked = scores if seen is None else np.where(_dense(seen), -np.inf, scores)
    best = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    return np.where(np.isneginf(np.take_along_axis(masked, best, axis=1)), -1, best)


def recall_at_k(recommended, relevant, *, per_user: bool = False):
    r"""The hits among recommended items, divided by the possible hits, :math:`|top_K \cap R_u| / \min(K, |R_u|)`.

    Parameters
    ----------
    recommended : int array of shape (n_users, k)
        The recommended items, as `top_k` returns them.
    relevant : bool array of shape (n_users, n_items), or sparse matrix
        Whether each item is relevant for each user.
    per_user : bool, default=False
        Whether one number per user is returned, NaN without relevant items, instead of the micro average (all hits
        divided by all possible hits).

    Returns
    -------
    float, or array of shape (n_users,)
        The recall; it is NaN when no user has a relevant item.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import recall_at_k
    >>> recommended = np.array([[1, 2], [0, 1]])
    >>> relevant = np.array([[False, True, False], [True, True, False]])
    >>> recall_at_k(recommended, relevant)
    1.0
    """
    relevant, recommended = _dense(relevant), np.asarray(recommended)
    hits = np.take_along_axis(relevant, np.maximum(recommended, 0), axis=1) & (recommended >= 0)
    possible = np.minimum(relevant.sum(axis=1), recommended.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        if per_user:
            return hits.sum(axis=1) / np.where(possible > 0, possible, np.nan)
        return float(hits.sum() / possible.sum()) if possible.sum() else float("nan")


def ndcg_at_k(scores, relevant, k: int, *, seen=None) -> float:
    """Normalised discounted cumulative gain of scikit-learn, averaged over the users with relevant items.

    Parameters
    ----------
    scores : array of shape (n_users, n_items)
        The finite scores of all items for each user.
    relevant : bool array of shape (n_users, n_items), or sparse matrix
        Whether each item is relevant for each user.
    k : int
        The number of items that are counted, from 1 to n_items.
    seen : bool array of shape (n_users, n_items), or sparse matrix, optional
        The items that are ranked last.

    Returns
    -------
    float
        The gain in [0, 1]; it is NaN when no user has a relevant item.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import ndcg_at_k
    >>> scores = np.array([[0.1, 0.9, 0.4]])
    >>> relevant = np.array([[False, False, True]])
    >>> round(ndcg_at_k(scores, relevant, 2), 4)
    0.6309
    """
    scores, relevant = _finite(scores).astype(np.float64), _dense(relevant)
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k must lie between 1 and the number of items, {scores.shape[1]}, got {k}.")
    if seen is not None:
        scores = np.where(_dense(seen), scores.min() - 1.0, scores)
    users = relevant.any(axis=1)
    if not users.any():
        return float("nan")
    return float(ndcg_score(relevant[users], scores[users], k=k, ignore_ties=True))


def overlap_at_k(first, second) -> float:
    """Mean share of the first list's items that the second list has too; -1 does not count as an item.

    Parameters
    ----------
    first, second : int arrays of shape (n_users, k) and (n_users, m)
        The two lists of each user. When `second` is longer, the result is the share of `first` that it keeps.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import overlap_at_k
    >>> overlap_at_k(np.array([[1, 2]]), np.array([[2, 3]]))
    0.5
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise ValueError(f"first and second must be lists of the same users, got {first.shape} and {second.shape}.")
    there = (first[:, :, None] == second[:, None, :]).any(axis=2) & (first >= 0)
    length = (first >= 0).sum(axis=1)
    return float(np.mean(there.sum(axis=1)[length > 0] / length[length > 0])) if (length > 0).any() else float("nan")


def gauc(y, scores, groups) -> float:
    """AUC within each group, averaged with the groups' rows as weights.

    Groups in which all labels are equal have no AUC and are left out; without other groups the result is NaN.

    Parameters
    ----------
    y : array of shape (n_rows,)
        The labels, 0 or 1.
    scores : array of shape (n_rows,)
        The scores.
    groups : array of shape (n_rows,)
        The group of each row, such as its user id.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import gauc
    >>> y, scores = np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.2, 0.4])
    >>> gauc(y, scores, groups=np.array([1, 1, 2, 2]))
    0.5
    """
    y, scores, groups = np.asarray(y), np.asarray(scores), np.asarray(groups)
    if not y.shape == scores.shape == groups.shape:
        raise ValueError(f"y, scores and groups must have one shape, got {y.shape}, {scores.shape}, {groups.shape}.")
    order = np.argsort(groups, kind="stable")
    y, scores = y[order], scores[order]
    starts = np.flatnonzero(np.r_[True, groups[order][1:] != groups[order][:-1]])
    total = weight = 0.0
    for rows in np.split(np.arange(len(y)), starts[1:]):
        if 0 < y[rows].sum() < len(rows):
            total += len(rows) * roc_auc_score(y[rows], scores[rows])
            weight += len(rows)
    return total / weight if weight else float("nan")


def ranking_metrics(scores, relevant, *, k: int = 10, seen=None) -> dict[str, float]:
    """Recall and NDCG of the first items of a ranking.

    Parameters
    ----------
    scores, relevant
        As in `ndcg_at_k`; seen items are left out.
    k : int, default=10
        The number of items that are counted.
    seen
        As in `ndcg_at_k`; seen items are left out.

    Returns
    -------
    dict of str to float
        `recall` and `ndcg`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import ranking_metrics
    >>> scores, relevant = np.array([[0.1, 0.9, 0.4]]), np.array([[False, False, True]])
    >>> {name: round(value, 4) for name, value in ranking_metrics(scores, relevant, k=2).items()}
    {'recall': 1.0, 'ndcg': 0.6309}
    """
    return {
        "recall": recall_at_k(top_k(scores, k, seen=seen), relevant),
        "ndcg": ndcg_at_k(scores, relevant, k, seen=seen),
    }


def _dense(mask) -> np.ndarray:
    return np.asarray(mask.toarray() if hasattr(mask, "toarray") else mask).astype(bool)


def _finite(scores) -> np.ndarray:
    scores = np.asarray(scores)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite, got NaN or infinity.")
    return scores
