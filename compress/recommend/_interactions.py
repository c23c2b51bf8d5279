"""Interactions of users and items: ids of any kind turned into codes, interactions into pairs of codes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from compress.schema import pandas_of

__all__ = ["IdIndex", "check_pairs", "interaction_matrix"]


class IdIndex:
    """Codes 0, 1, ... for the sorted distinct ids.

    Parameters
    ----------
    ids : array of shape (n,)
        The ids, in any order; they may repeat.
    name : str
        The name of one of them in error messages: "user" or "item".
    """

    def __init__(self, ids, name: str):
        ids = np.asarray(ids)
        if ids.ndim != 1 or len(ids) == 0:
            raise ValueError(f"{name}s must be a non-empty list of ids, got an array of shape {ids.shape}.")
        self.ids, self.name = np.unique(ids), name

    def __len__(self) -> int:
        return len(self.ids)

    def codes(self, ids, *, unknown: str = "error") -> np.ndarray:
        """Return int64 codes of ids of any shape; unknown ids raise, or become -1 with `unknown="mark"`."""
        ids = np.asarray(ids)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        missing = self.ids[at] != ids
        if unknown == "error" and np.any(missing):
            new = np.unique(ids[missing])
            raise ValueError(
                f"{self.name} ids must be among the {len(self)} known in fit; unknown: "
                f"{', '.join(map(str, new[:5]))}{', ...' if len(new) > 5 else ''} ({len(new)} in all). "
                f"Name all {self.name}s in fit ({self.name}s=...), or leave these out."
            )
        return np.where(missing, -1, at).astype(np.int64)


def check_pairs(interactions) -> np.ndarray:
    """Return an (n, 2) array of user and item ids from an array or DataFrame of two columns."""
    interactions = pandas_of(interactions)
    pairs = interactions.to_numpy() if hasattr(interactions, "to_numpy") else np.asarray(interactions)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(
            f"interactions must have the two columns user id and item id, got an array of shape {pairs.shape}."
        )
    if pairs.dtype.kind == "f":
        if not np.isfinite(pairs).all():
            raise ValueError("interactions must hold ids, got NaN or infinity. Drop these rows.")
        if (pairs != np.rint(pairs)).any():
            raise ValueError("interactions must hold ids, got fractional numbers.")
        pairs = pairs.astype(np.int64)
    return pairs


def interaction_matrix(pairs, users: IdIndex, items: IdIndex) -> sparse.csr_matrix:
    """Return the 0/1 matrix of shape (n_users, n_items), float32; repeated pairs count once."""
    rows, columns = users.codes(pairs[:, 0]), items.codes(pairs[:, 1])
    matrix = sparse.csr_matrix((np.ones(len(pairs), dtype=np.float32), (rows, columns)), shape=(len(users), len(items)))
    matrix.data[:] = 1.0  # csr sums what is there twice
    return matrix
