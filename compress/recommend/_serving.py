"""What a fitted ranking model is for: scores and recommendations."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from compress.nets import weights_to_bytes
from compress.recommend._measures import top_k
from compress.training import single_thread

__all__ = ["USERS_AT_A_TIME", "ServedRanker"]

USERS_AT_A_TIME = 1024


class ServedRanker:
    """Mixin over `module_`, `users_` and `items_`, which `RankingDistiller.fit` leaves behind."""

    def score_matrix(self, users, items=None) -> np.ndarray:
        """Scores, float32 of shape (n_users, n_items), items in the order of `items_` or of `items`.

        Raises
        ------
        ValueError
            Ids that were not there in `fit`; unknown users are scored by popularity with
            `unknown_users="popular"`.
        """
        check_is_fitted(self, "module_")
        known = self._users.codes(users, unknown="error" if self.unknown_users == "error" else "mark")
        columns = None if items is None else self._items.codes(items)
        popularity = np.log1p(np.asarray(self._seen.sum(axis=0), dtype=np.float32).ravel())
        scores = np.tile(popularity, (len(known), 1))
        rows = np.flatnonzero(known >= 0)
        with torch.no_grad(), single_thread():
            for start in range(0, len(rows), USERS_AT_A_TIME):
                some = rows[start : start + USERS_AT_A_TIME]
                scores[some] = self.module_.score_all(torch.from_numpy(known[some])).numpy()
        return scores if columns is None else scores[:, columns]

    def recommend(self, users, k: int = 10, *, exclude_seen: bool = True) -> np.ndarray:
        """The ids of the `k` best items per user, of shape (n_users, k), best first.

        Raises
        ------
        ValueError
            Unknown users, `k` above the number of items, or a user with fewer than `k` unseen items.
        """
        scores = self.score_matrix(users)
        if not 1 <= k <= len(self._items):
            raise ValueError(f"k must lie between 1 and the number of items, {len(self._items)}, got {k}.")
        known = self._users.codes(users, unknown="mark")
        seen = None
        if exclude_seen:
            seen = self._seen[np.maximum(known, 0)].toarray().astype(bool)
            seen[known < 0] = False
        best = top_k(scores, k, seen=seen)
        if (best < 0).any():
            user = np.asarray(users)[(best < 0).any(axis=1)][0]
            raise ValueError(
                f"k={k} is more than the unseen items of user {user}. Use a smaller k, or exclude_seen=False."
            )
        return self.items_[best]

    def to_bytes(self) -> bytes:
        """The weights in safetensors' format: what serving this model takes."""
        check_is_fitted(self, "module_")
        return weights_to_bytes(self.module_)
