"""Nets of recall and pre-ranking: a score for a user and an item.

Users and items are codes 0, 1, ...; `score(users, items)` takes int64 tensors of shape (B,) and (B, L)
and gives (B, L), `score_all(users)` gives (B, n_items). In the two towers and in matrix factorisation
a score is an inner product plus the item's bias, so that all items can be searched by a nearest-neighbour
index; the pre-ranker sees both sides at once and scores a short list.

References
----------
Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", Computer 2009.
Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019.
"""

from __future__ import annotations

import torch
from torch import nn

from compress.nets import INITIAL_SD, MLP

__all__ = ["MatrixFactorization", "PreRanker", "SideFields", "TwoTower"]


class SideFields(nn.Module):
    """The field vectors of all users or of all items: an id embedding and, optionally, side features.

    Parameters
    ----------
    n : int
        The number of users or items.
    size : int
        The length of the id vectors.
    fields : FieldEmbedding, optional
        The embedding of the side features; `blocks` has its inputs for all users or items, each tensor with `n` rows.
    """

    def __init__(self, n: int, size: int, fields: nn.Module | None = None, blocks=()):
        super().__init__()
        self.ids = nn.Embedding(n, size)
        nn.init.normal_(self.ids.weight, std=INITIAL_SD)
        self.fields = fields
        self.n_blocks = len(blocks)
        for k, block in enumerate(blocks):
            self.register_buffer(f"block_{k}", block)
        self.n_outputs = size + (0 if fields is None else fields.n_outputs)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Compute vectors of shape (..., n_outputs) for codes of any shape."""
        flat = codes.reshape(-1)
        if self.fields is not None and len(flat) > self.ids.num_embeddings:
            everything = self.forward(torch.arange(self.ids.num_embeddings, device=codes.device))
            return everything.index_select(0, flat).reshape(*codes.shape, self.n_outputs)
        parts = [_look_up(self.ids, flat)]
        if self.fields is not None:
            blocks = [getattr(self, f"block_{k}")[flat] for k in range(self.n_blocks)]
            parts.append(self.fields(*blocks).flatten(1))
        return torch.cat(parts, dim=1).reshape(*codes.shape, self.n_outputs)


class _InnerProduct(nn.Module):
    """Base of nets whose score is <user vector, item vector> + item bias."""

    def __init__(self, n_items: int):
        super().__init__()
        self.bias = nn.Embedding(n_items, 1)
        nn.init.zeros_(self.bias.weight)

    @property
    def n_items(self) -> int:
        """The size of the catalogue."""
        return self.bias.num_embeddings

    def score(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Compute scores of shape (B, L) of items (B, L) for users (B,)."""
        u = self.user_vectors(users)
        return torch.einsum("bd,bld->bl", u, self.item_vectors(items)) + _look_up(self.bias, items).squeeze(-1)

    def score_all(self, users: torch.Tensor) -> torch.Tensor:
        """Compute scores of shape (B, n_items) of all items for users (B,)."""
        everything = torch.arange(self.n_items, device=users.device)
        return self.user_vectors(users) @ self.item_vectors(everything).T + self.bias.weight[:, 0]


class MatrixFactorization(_InnerProduct):
    """One vector per user and per item, and a bias per item."""

    def __init__(self, n_users: int, n_items: int, size: int):
        super().__init__(n_items)
        self.users, self.items = nn.Embedding(n_users, size), nn.Embedding(n_items, size)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=INITIAL_SD)

    def user_vectors(self, users):
        """Compute vectors of shape (B, d)."""
        return _look_up(self.users, users)

    def item_vectors(self, items):
        """Compute vectors of shape (..., d)."""
        return _look_up(self.items, items)


class TwoTower(_InnerProduct):
    """A perceptron over the fields of each side; both end in vectors of equal length.

    Parameters
    ----------
    users, items : SideFields
        The field vectors of both sides.
    n_items, size : int
        The number of items, and the length of the vectors.
    hidden_layer_sizes : sequence of int
        The units of the hidden layers of both towers.
    """

    def __init__(self, users: SideFields, items: SideFields, n_items: int, size: int, hidden_layer_sizes):
        super().__init__(n_items)
        self.users, self.items = users, items
        self.user_tower = MLP(users.n_outputs, hidden_layer_sizes, size)
        self.item_tower = MLP(items.n_outputs, hidden_layer_sizes, size)

    def user_vectors(self, users):
        """Compute vectors of shape (B, d)."""
        return self.user_tower(self.users(users))

    def item_vectors(self, items):
        """Compute vectors of shape (..., d)."""
        return self.item_tower(self.items(items))


class PreRanker(nn.Module):
    """The pre-ranking student: a light perceptron over the fields of both sides and the product of their id vectors."""

    def __init__(self, users: SideFields, items: SideFields, n_items: int, size: int, hidden_layer_sizes):
        super().__init__()
        self.users, self.items, self.n_items, self.size = users, items, n_items, size
        self.body = MLP(users.n_outputs + items.n_outputs + size, hidden_layer_sizes, 1)

    def score(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Compute scores of shape (B, L) of items (B, L) for users (B,)."""
        return self._scores(users, self.items(items))

    def score_all(self, users: torch.Tensor) -> torch.Tensor:
        """Compute scores of shape (B, n_items) of all items for users (B,)."""
        everything = torch.arange(self.n_items, device=users.device)
        return self._scores(users, self.items(everything).expand(len(users), -1, -1))

    def _scores(self, users: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        u = self.users(users)[:, None, :].expand(-1, v.shape[1], -1)
        product = u[..., : self.size] * v[..., : self.size]  # the id vectors come first
        return self.body(torch.cat([u, v, product], dim=-1)).squeeze(-1)


def _look_up(table: nn.Embedding, codes: torch.Tensor) -> torch.Tensor:
    """Return `table(codes)`; on a CPU its gradient is summed in half the time."""
    return table.weight.index_select(0, codes.reshape(-1)).reshape(*codes.shape, table.embedding_dim)
