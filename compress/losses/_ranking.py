r"""Ranking distillation: a student's scores are taught by the order, or the scores, a teacher gives to candidates.

Notation: `z` student scores of a list of candidates, `r` the position a candidate has in the teacher's
order, from 1 (so `r = teacher_rank + 1`), `K` how many of the teacher's best count as relevant.
Lists are rows. Candidates whose `teacher_rank` is negative are padding and are ignored; those of rank
`K` or more are "the rest": negatives, whose order among themselves is never used.
The functions take tensors and return a scalar, averaged over lists. Nothing is detached here.

References
----------
Tang and Wang, "Ranking Distillation", KDD 2018, arXiv:1809.07428 (`tang_wang_loss`).
Kang et al., "DE-RRD", CIKM 2020, arXiv:2012.04357 (`listwise_rank_loss`).
Burges et al., "Learning to Rank using Gradient Descent" (RankNet), ICML 2005 (`pairwise_rank_loss`).
Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach" (ListNet), ICML 2007.
Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", UAI 2009.
Junlin Zhang's notes on distillation in recommenders, 2020 (`pointwise_rank_loss`, its loss weight).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

__all__ = [
    "bpr_loss",
    "discrepancy_weights",
    "listnet_loss",
    "listwise_rank_loss",
    "pairwise_rank_loss",
    "pointwise_rank_loss",
    "position_weights",
    "tang_wang_loss",
]

POSITION_WEIGHTS = ("exponential", "reciprocal", "uniform")


def pointwise_rank_loss(scores, teacher_rank, *, k: int, alpha: float = 1.0, normalize: bool = False) -> torch.Tensor:
    r"""Binary cross-entropy with the teacher's top K as positives, of which the first positions weigh more.

    .. math:: -\frac1m \left[ \sum_{r \le K} (1 + \alpha/r) \log \sigma(z_r) + \sum_{rest} \log (1 - \sigma(z)) \right]

    with `m` candidates in the list; a positive has the weight `LossWeight = 1 + alpha / position`.

    Parameters
    ----------
    scores : tensor of shape (n_lists, n_items)
        The student's scores before the sigmoid.
    teacher_rank : int64 tensor of shape (n_lists, n_items)
        The teacher's ranks. 0 is its best candidate; a negative rank is padding, which is ignored.
    k : int, 1 to n_items
        The number of the teacher's best candidates that are positives.
    alpha : float, at least 0, default=1.0
        The additional weight of the first position; 0 gives plain binary cross-entropy.
    normalize : bool, default=False
        Whether the weights of the positives are divided by their mean, so that `alpha` changes their shape but not the
        balance of positives and negatives.

    Returns
    -------
    tensor, scalar
        The loss, averaged over the candidates of a list, then over lists.

    Raises
    ------
    ValueError
        The shapes differ, `k` is out of its range, or `alpha` is negative.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import pointwise_rank_loss
    >>> scores = torch.tensor([[2.0, 0.5, -1.0]])
    >>> teacher_rank = torch.tensor([[0, 1, 2]])
    >>> round(pointwise_rank_loss(scores, teacher_rank, k=1).item(), 4)
    0.5137
    """
    _check(scores, teacher_rank, k)
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, got {alpha}. Use 0 for plain binary cross-entropy.")
    valid = teacher_rank >= 0
    positive = valid & (teacher_rank < k)
    weight = 1.0 + alpha / (teacher_rank.clamp(min=0) + 1).to(scores.dtype)
    if normalize:
        total = torch.where(positive, weight, 0.0).sum(dim=1, keepdim=True)
        weight = weight * positive.sum(dim=1, keepdim=True) / total.clamp(min=1e-12)
    weight = torch.where(positive, weight, 1.0)
    losses = F.binary_cross_entropy_with_logits(scores, positive.to(scores.dtype), reduction="none")
    return _mean_by_list(losses * weight, valid)


def pairwise_rank_loss(
    scores, teacher_rank, *, k: int, margin: float = 0.0, rank_weights: bool = False
) -> torch.Tensor:
    r"""Logistic loss of RankNet: each of the teacher's top K must score above all that the teacher ranks below it.

    .. math:: \frac1{|P|} \sum_{(a, b) \in P} w_{ab} \log(1 + e^{margin - (z_a - z_b)}),
        \quad P = \{r_a < r_b,\ r_a \le K,\ \text{not both in the rest}\}

    Parameters
    ----------
    scores, teacher_rank, k
        As in `pointwise_rank_loss`.
    margin : float, at least 0, default=0.0
        By how much the score of the better candidate must exceed that of the other.
    rank_weights : bool, default=False
        Whether a pair is weighted by `|1 / r_a - 1 / r_b|`, divided by the mean weight of the list's pairs. A candidate
        of the rest counts as infinitely far down, since its rank among the sampled ones means nothing.

    Returns
    -------
    tensor, scalar
        The loss, averaged over the pairs of a list, then over lists.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import pairwise_rank_loss
    >>> scores = torch.tensor([[2.0, 0.5, -1.0]])
    >>> teacher_rank = torch.tensor([[0, 1, 2]])
    >>> round(pairwise_rank_loss(scores, teacher_rank, k=1).item(), 4)
    0.125
    >>> round(pairwise_rank_loss(-scores, teacher_rank, k=1).item(), 4)  # the order reversed
    2.375
    """
    _check(scores, teacher_rank, k)
    if not margin >= 0:
        raise ValueError(f"margin must be at least 0, got {margin}.")
    # the top K against everything: (n_lists, k, n_items) pairs, never n_items squared
    top, rank_a = _top(scores, teacher_rank, k)
    rank_b = teacher_rank.clamp(max=k)[:, None, :]
    pair = (rank_a[:, :, None] >= 0) & (rank_b >= 0) & (rank_a[:, :, None] < rank_b)
    losses = F.softplus(margin - (top[:, :, None] - scores[:, None, :]))
    if rank_weights:
        inverse = torch.where(rank_b < k, 1.0 / (rank_b.clamp(min=0) + 1).to(scores.dtype), 0.0)
        weight = (1.0 / (rank_a.clamp(min=0) + 1).to(scores.dtype)[:, :, None] - inverse).abs()
        weight = torch.where(pair, weight, 0.0)
        mean = weight.sum(dim=(1, 2), keepdim=True) / pair.sum(dim=(1, 2), keepdim=True).clamp(min=1)
        losses = losses * weight / mean.clamp(min=1e-12)
    return _mean_by_list(losses.flatten(1), pair.flatten(1))


def listwise_rank_loss(scores, teacher_rank, *, k: int) -> torch.Tensor:
    r"""Relaxed Plackett-Luce: the teacher's top K in their order, all the rest behind them in any order.

    .. math:: \sum_{r \le K} \left[ \log \sum_{j:\, r_j \ge r} e^{z_j} - z_r \right]

    which is minus the log-probability that items drawn one by one, in proportion to :math:`e^z`, come
    out as the teacher's top K. With `k = n_items` it is ListMLE; with `k = 1` the softmax cross-entropy.

    Parameters
    ----------
    scores, teacher_rank, k
        As in `pointwise_rank_loss`.

    Returns
    -------
    tensor, scalar
        The loss, summed over the K positions and averaged over lists. It is computed from log-sums, so that scores of
        any size do not overflow.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import listwise_rank_loss
    >>> scores = torch.tensor([[2.0, 0.5, -1.0]])
    >>> teacher_rank = torch.tensor([[0, 1, 2]])
    >>> round(listwise_rank_loss(scores, teacher_rank, k=2).item(), 4)
    0.4427
    """
    _check(scores, teacher_rank, k)
    top, rank = _top(scores, teacher_rank, k)
    # padding weighs e^-1e9 of its list's best: nothing, without infinities in the gradient
    nothing = scores.detach().amax(dim=1, keepdim=True) - 1e9
    rest = torch.where(teacher_rank >= k, scores, nothing).logsumexp(dim=1, keepdim=True)
    z = torch.cat([torch.where(rank >= 0, top, nothing), rest], dim=1)
    behind = z.flip(1).logcumsumexp(dim=1).flip(1)[:, :-1]  # log-sum over the item and all that come after it
    return torch.where(rank >= 0, behind - top, 0.0).sum(dim=1).mean()


def listnet_loss(scores, teacher_scores, *, temperature: float = 1.0) -> torch.Tensor:
    r"""ListNet: cross-entropy of the two softmax distributions over the candidates of each list.

    .. math:: -\frac1n \sum_i \sum_j softmax(v_i / T)_j \log softmax(z_i)_j

    Parameters
    ----------
    scores, teacher_scores : tensors of shape (n_lists, n_items)
        The scores of the student and of the teacher for the same candidates.
    temperature : float, positive, default=1.0
        The number by which the teacher's scores are divided; a smaller one puts the weight on its best candidates.

    Returns
    -------
    tensor, scalar
        The loss, averaged over lists. When the two distributions are equal it is the teacher's entropy, not 0.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import listnet_loss
    >>> scores = torch.tensor([[2.0, 0.5, -1.0]])
    >>> teacher_scores = torch.tensor([[3.0, 1.0, 0.0]])
    >>> round(listnet_loss(scores, teacher_scores).item(), 4)
    0.5386
    """
    if scores.shape != teacher_scores.shape:
        raise ValueError(
            "scores and teacher_scores must have the same shape (n_lists, n_items), "
            f"got {tuple(scores.shape)} and {tuple(teacher_scores.shape)}."
        )
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}.")
    target = (teacher_scores / temperature).softmax(dim=1)
    return -(target * scores.log_softmax(dim=1)).sum(dim=1).mean()


def position_weights(k: int, *, kind: str = "exponential", decay: float = 1.0, dtype=torch.float32) -> torch.Tensor:
    """Return Tang & Wang's weights of the positions 1 to K, which sum to 1.

    Parameters
    ----------
    k : int, at least 1
        The number of positions.
    kind : {"exponential", "reciprocal", "uniform"}, default="exponential"
        The weight of position r before scaling: `exp(-r / decay)`, `1 / r`, or `1 / K`. The best in the paper is the
        first, with K = 10 and decay 1 to 10.
    decay : float, positive, default=1.0
        The number of positions over which the exponential weight falls by a factor of e.
    dtype : torch dtype, default=torch.float32
        The dtype of the weights.

    Returns
    -------
    tensor of shape (k,)
        The weights, the first position first.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import position_weights
    >>> position_weights(3, kind="reciprocal")
    tensor([0.5455, 0.2727, 0.1818])
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    if kind not in POSITION_WEIGHTS:
        raise ValueError(f"kind must be one of {POSITION_WEIGHTS}, got {kind!r}.")
    if not decay > 0:
        raise ValueError(f"decay must be positive, got {decay}.")
    position = torch.arange(1, k + 1, dtype=dtype)
    if kind == "exponential":
        return (-position / decay).softmax(dim=0)
    weight = 1 / position if kind == "reciprocal" else torch.ones(k, dtype=dtype)
    return weight / weight.sum()


def discrepancy_weights(top_scores, sampled_scores, *, n_items: int, mu: float = 0.1) -> torch.Tensor:
    r"""Return Tang & Wang's dynamic weights: large where the student ranks a top candidate of the teacher too low.

    .. math:: \tanh(\max(\mu (\hat r - r), 0)), \quad \hat r = \lfloor (M - 1) \cdot share \rfloor

    where `share` is the part of the sampled items that the student scores above the candidate, which
    estimates its rank among all `M` items, and `r` counts from 0 as in the authors' code.

    Parameters
    ----------
    top_scores : tensor of shape (n_lists, k)
        The student's scores of the teacher's top candidates, in the teacher's order.
    sampled_scores : tensor of shape (n_lists, n_sampled)
        The student's scores of items drawn from all.
    n_items : int
        The size `M` of the catalogue.
    mu : float, positive, default=0.1
        How fast the weight grows with the difference of the ranks.

    Returns
    -------
    tensor of shape (n_lists, k)
        The weights in [0, 1). They are piecewise constant in the scores, so they carry no gradient.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import discrepancy_weights
    >>> top, sampled = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, 1.0]])
    >>> discrepancy_weights(top, sampled, n_items=10)  # only the second is ranked too low
    tensor([[0.0000, 0.6640]])
    """
    if not mu > 0:
        raise ValueError(f"mu must be positive, got {mu}.")
    above = (sampled_scores[:, None, :] > top_scores[:, :, None]).to(top_scores.dtype).mean(dim=2)
    estimated = torch.floor((n_items - 1) * above)
    position = torch.arange(top_scores.shape[1], dtype=estimated.dtype, device=estimated.device)
    return torch.tanh((mu * (estimated - position)).clamp(min=0))


def tang_wang_loss(scores, teacher_rank, *, k: int, weights) -> torch.Tensor:
    r"""Weighted log-loss of the teacher's top K as positives, :math:`-\sum_{r \le K} w_r \log \sigma(z_r)`.

    It has no negatives: they come with the hard loss that is added to it.

    Parameters
    ----------
    scores, teacher_rank, k
        As in `pointwise_rank_loss`.
    weights : tensor of shape (k,) or (n_lists, k)
        The result of `position_weights`, multiplied by `discrepancy_weights` after a warm-up.

    Returns
    -------
    tensor, scalar
        The loss, summed over positions and averaged over lists.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import tang_wang_loss
    >>> scores = torch.tensor([[2.0, 0.5, -1.0]])
    >>> teacher_rank = torch.tensor([[0, 1, 2]])
    >>> weights = torch.tensor([0.7, 0.3])
    >>> round(tang_wang_loss(scores, teacher_rank, k=2, weights=weights).item(), 4)
    0.2311
    """
    _check(scores, teacher_rank, k)
    top, rank = _top(scores, teacher_rank, k)
    return torch.where(rank >= 0, -F.logsigmoid(top) * weights, 0.0).sum(dim=1).mean()


def bpr_loss(positive, negative) -> torch.Tensor:
    r"""BPR, the hard loss of a recommender: :math:`-\log \sigma(z_{pos} - z_{neg})`, mean over all pairs.

    Parameters
    ----------
    positive, negative : tensors whose shapes broadcast
        The scores of items that users liked, and of items that they are compared with.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import bpr_loss
    >>> round(bpr_loss(torch.tensor([2.0]), torch.tensor([[0.0]])).item(), 4)
    0.1269
    """
    return F.softplus(negative - positive).mean()


def _check(scores, teacher_rank, k: int) -> None:
    if scores.ndim != 2 or scores.shape != teacher_rank.shape:
        raise ValueError(
            "scores and teacher_rank must have the same shape (n_lists, n_items), "
            f"got {tuple(scores.shape)} and {tuple(teacher_rank.shape)}."
        )
    if scores.shape[1] == 0:
        raise ValueError("scores must have at least one candidate per list, got lists of length 0.")
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k must lie between 1 and the number of candidates, {scores.shape[1]}, got {k}.")


def _top(scores, teacher_rank, k: int):
    """Return scores and ranks of the teacher's top K in its order, with rank -1 where a list has fewer."""
    unused = teacher_rank.max() + 1
    order = torch.where(teacher_rank < 0, unused, teacher_rank).argsort(dim=1, stable=True)[:, :k]
    rank = teacher_rank.gather(1, order)
    return scores.gather(1, order), torch.where(rank < k, rank, -1)


def _mean_by_list(losses, counted) -> torch.Tensor:
    total = torch.where(counted, losses, 0.0).sum(dim=1)
    return (total / counted.sum(dim=1).clamp(min=1)).mean()
