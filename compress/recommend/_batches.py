"""The loss of one step of ranking distillation: lists of candidates, negatives, hard and distillation loss."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from compress.losses import (
    bpr_loss,
    discrepancy_weights,
    listnet_loss,
    listwise_rank_loss,
    pairwise_rank_loss,
    pointwise_rank_loss,
    position_weights,
    tang_wang_loss,
)
from compress.training import Schedule, value_at

__all__ = ["OBJECTIVES", "RankingBatches"]

OBJECTIVES = ("list", "pair", "point", "tang_wang", "logits", "listnet")


class RankingBatches:
    """The loss of a batch; random draws come from torch's generator, which the training loop has seeded.

    Parameters
    ----------
    settings : RankingDistiller
        The estimator with the parameters.
    module : torch module
        The net, which has `score(users, items)`.
    seen : csr matrix of shape (n_users, n_items)
        The interactions.
    top : int64 array of shape (n_users, k)
        The items that the teacher ranks highest, -1 where there are fewer.
    scores : float32 array of shape (n_users, n_items) or None
        The teacher's standardised scores; None when the objective does not use them.
    taught : int64 array or None
        The codes of the users that have a list; None without a teacher.
    device : torch device
        The device of the training.
    """

    def __init__(self, settings, module, seen, top, scores, taught, device):
        self.settings, self.module, self.n_items = settings, module, seen.shape[1]
        rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
        self.seen_keys = torch.from_numpy(np.sort(rows * self.n_items + seen.indices.astype(np.int64))).to(device)
        self.top = torch.from_numpy(top).to(device)
        self.scores = None if scores is None else torch.from_numpy(scores.astype(np.float32)).to(device)
        self.taught = None if taught is None else torch.from_numpy(taught).to(device)
        # discrepancy weights come in after the warm-up
        self.discrepancy = Schedule(0.0, 1.0, "step", until=settings.warmup) if settings.warmup else 1.0
        self.positions = position_weights(settings.k, decay=settings.decay).to(device)

    def loss(self, batch, clock) -> torch.Tensor:
        """Return the loss of interactions (users, items), or without a hard loss that of lists alone (users,)."""
        s = self.settings
        total = 0.0
        if s.hard_loss is not None:
            users, items = batch
            total = self._hard(users, items)
        if s.objective is None or s.distill_weight == 0:
            return total
        if s.hard_loss is None:
            users = batch[0]
            return s.distill_weight * self._distill(users, clock)
        drawn = torch.randint(len(self.taught), (s.lists_per_step,), device=self.taught.device)
        distilled = self._distill(self.taught[drawn], clock)
        if s.objective == "logits":  # the items of the interactions too
            distilled = 0.5 * (distilled + self._squared(users, items[:, None], torch.ones_like(items[:, None])))
        return total + s.distill_weight * distilled

    def _hard(self, users, items):
        negatives = self._draw((len(users), self.settings.n_negatives))
        again = self._is_seen(users, negatives)  # drawn once more; few are seen even then
        negatives = torch.where(again, self._draw(negatives.shape), negatives)
        z = self.module.score(users, torch.cat([items[:, None], negatives], dim=1))
        if self.settings.hard_loss == "bpr":
            return bpr_loss(z[:, :1], z[:, 1:])
        labels = torch.zeros_like(z)
        labels[:, 0] = 1.0
        return F.binary_cross_entropy_with_logits(z, labels)

    def _distill(self, users, clock):
        s = self.settings
        top, sampled = self.top[users], self._draw((len(users), s.n_sampled))
        left_out = (sampled[:, :, None] == top[:, None, :]).any(dim=2)
        if s.exclude_seen:
            left_out |= self._is_seen(users, sampled)
        rank = torch.cat(
            [
                torch.where(top >= 0, torch.arange(s.k, device=top.device), -1),
                torch.where(left_out, -1, s.k),
            ],
            dim=1,
        )
        items = torch.cat([top.clamp(min=0), sampled], dim=1)
        if s.objective == "logits":
            return self._squared(users, items, (rank >= 0).long())
        z = self.module.score(users, items)
        if s.objective == "point":
            return pointwise_rank_loss(z, rank, k=s.k, alpha=s.alpha, normalize=True)
        if s.objective == "pair":
            return pairwise_rank_loss(z, rank, k=s.k, margin=s.margin, rank_weights=s.rank_weights)
        if s.objective == "list":
            return listwise_rank_loss(z, rank, k=s.k)
        if s.objective == "listnet":
            lowest = torch.finfo(z.dtype).min / 4
            teacher = torch.where(rank >= 0, self.scores[users[:, None], items], lowest)
            return listnet_loss(torch.where(rank >= 0, z, z.detach().amin() - 50.0), teacher, temperature=s.temperature)
        weights = self.positions
        if value_at(self.discrepancy, clock.progress) > 0:
            # the student's score of what was drawn again stays in: the estimate is over all items
            dynamic = discrepancy_weights(z[:, : s.k].detach(), z[:, s.k :].detach(), n_items=self.n_items, mu=s.mu)
            weights = weights * dynamic
        return tang_wang_loss(z, rank, k=s.k, weights=weights)

    def _squared(self, users, items, counted):
        error = (self.module.score(users, items) - self.scores[users[:, None], items]).square()
        return (error * counted).sum() / counted.sum().clamp(min=1)

    def _draw(self, shape):
        return torch.randint(self.n_items, shape, device=self.top.device)

    def _is_seen(self, users, items):
        keys = users[:, None] * self.n_items + items
        at = torch.searchsorted(self.seen_keys, keys).clamp(max=len(self.seen_keys) - 1)
        return self.seen_keys[at] == keys
