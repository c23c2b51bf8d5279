"""What a ranking student takes from its teacher: top lists, scores, and the users that have a list."""

from __future__ import annotations

import logging

import numpy as np

from compress.recommend._measures import top_k
from compress.recommend._scorers import score_matrix

__all__ = ["USERS_AT_A_TIME", "learn_teacher"]

USERS_AT_A_TIME = 1024

logger = logging.getLogger(__name__)


def learn_teacher(settings, seen):
    """Return top lists, scores and taught users of a teacher.

    Parameters
    ----------
    settings : RankingDistiller
        The estimator, with `users_` and `items_`.
    seen : sparse matrix of shape (n_users, n_items)
        The interactions, which are left out of the lists with `exclude_seen`.

    Returns
    -------
    top : int64 array of shape (n_users, k)
        The best items of each user, best first; -1 where there is nothing to learn.
    scores : array of shape (n_users, n_items) or None
        The standardised scores, for the objectives that use them.
    taught : int array or None
        The codes of the users with a list; None without an objective.

    Raises
    ------
    ValueError, TypeError
        The case is one of `RankingDistiller.fit`, or the teacher scores all items alike.
    """
    n_users = len(settings.users_)
    top = np.full((n_users, settings.k), -1, dtype=np.int64)
    if settings.objective is None:
        return top, None, None
    scores = score_matrix(settings.teacher, settings.users_, settings.items_)
    for start in range(0, len(scores), USERS_AT_A_TIME):
        rows = slice(start, start + USERS_AT_A_TIME)
        left_out = seen[rows] if settings.exclude_seen else None
        top[rows] = top_k(scores[rows], settings.k, seen=left_out)
    alike = np.ptp(scores, axis=1) == 0  # a list of ties has no order to learn
    top[alike] = -1
    taught = np.flatnonzero((top >= 0).any(axis=1))
    if not len(taught):
        raise ValueError(
            "teacher must rank unseen items for at least one user; it scores all items alike, or every user has "
            "seen all items. Check the teacher, or use exclude_seen=False."
        )
    if len(taught) < n_users:
        logger.info("%d of %d users have no list to learn from", n_users - len(taught), n_users)
    if settings.objective not in ("logits", "listnet"):
        return top, None, taught
    axis = 1 if settings.standardize == "user" else None
    spread = scores.std(axis=axis, keepdims=True)
    standardised = (scores - scores.mean(axis=axis, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    return top, standardised, taught
