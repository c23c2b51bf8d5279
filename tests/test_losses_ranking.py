"""Ranking losses: by hand, by brute force, at extremes, with padding, and what they refuse."""

from itertools import permutations

import pytest
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

LOSSES = [pointwise_rank_loss, pairwise_rank_loss, listwise_rank_loss]


@pytest.fixture(params=[0, 1, 2])
def lists(request):
    """Scores (3 lists of 6 candidates, double) and a teacher's ranks of them."""
    generator = torch.Generator().manual_seed(request.param)
    scores = 3 * torch.randn(3, 6, generator=generator, dtype=torch.float64)
    rank = torch.stack([torch.randperm(6, generator=generator) for _ in range(3)])
    return scores, rank


# ------------------------------------------------------------------ list-wise
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_plackett_luce_equals_brute_force_enumeration(lists, k):
    # the probability that draws in proportion to exp(z) begin with the teacher's top k in its order
    # is the sum, over all full orders that begin so, of the probabilities of these orders
    scores, rank = lists
    expected = []
    for z, r in zip(scores, rank):
        top = r.argsort()[:k].tolist()
        probability = 0.0
        for order in permutations(range(6)):
            if list(order[:k]) == top:
                p = 1.0
                for start in range(6):
                    weights = torch.stack([z[i].exp() for i in order[start:]])
                    p *= float(weights[0] / weights.sum())
                probability += p
        expected.append(-torch.tensor(probability, dtype=torch.float64).log())
    torch.testing.assert_close(listwise_rank_loss(scores, rank, k=k), torch.stack(expected).mean())


def test_plackett_luce_probabilities_of_all_top_k_orders_sum_to_one():
    z = torch.randn(1, 4, dtype=torch.float64)
    total = 0.0
    for first, second in permutations(range(4), 2):
        rank = torch.full((1, 4), 2)
        rank[0, first], rank[0, second] = 0, 1
        total += (-listwise_rank_loss(z, rank, k=2)).exp()
    torch.testing.assert_close(total, torch.tensor(1.0, dtype=torch.float64))


def test_order_of_the_rest_does_not_matter(lists):
    scores, rank = lists
    other = torch.where(rank >= 2, 7 - rank, rank)  # the rest reversed
    torch.testing.assert_close(listwise_rank_loss(scores, rank, k=2), listwise_rank_loss(scores, other, k=2))
    torch.testing.assert_close(pairwise_rank_loss(scores, rank, k=2), pairwise_rank_loss(scores, other, k=2))
    torch.testing.assert_close(pointwise_rank_loss(scores, rank, k=2), pointwise_rank_loss(scores, other, k=2))


def test_top_one_is_softmax_cross_entropy(lists):
    scores, rank = lists
    torch.testing.assert_close(listwise_rank_loss(scores, rank, k=1), F.cross_entropy(scores, rank.argmin(dim=1)))


# ----------------------------------------------------------------- point-wise
def test_alpha_zero_is_plain_binary_cross_entropy(lists):
    scores, rank = lists
    expected = F.binary_cross_entropy_with_logits(scores, (rank < 3).double())
    torch.testing.assert_close(pointwise_rank_loss(scores, rank, k=3, alpha=0.0), expected)


def test_pointwise_weights_by_hand():
    # LossWeight = 1 + alpha / position: 3 and 2 for the first two, 1 for the negative
    scores, rank = torch.tensor([[0.3, -0.2, 0.5]]), torch.tensor([[1, 0, 2]])
    expected = (
        2 * F.softplus(torch.tensor(-0.3)) + 3 * F.softplus(torch.tensor(0.2)) + F.softplus(torch.tensor(0.5))
    ) / 3
    torch.testing.assert_close(pointwise_rank_loss(scores, rank, k=2, alpha=2.0), expected)


def test_normalized_weights_leave_the_mass_of_the_positives():
    # equal scores: the shape of the weights cannot matter then
    scores, rank = torch.zeros(1, 5), torch.arange(5)[None]
    a, b = (pointwise_rank_loss(scores, rank, k=3, alpha=alpha, normalize=True) for alpha in (0.0, 5.0))
    torch.testing.assert_close(a, b)


# ------------------------------------------------------------------ pair-wise
def test_pairwise_by_hand():
    # k=1: the best must beat both others; their own order is not asked for
    scores, rank = torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([[0, 2, 1]])
    expected = (F.softplus(torch.tensor(0.5 + 2.0)) + F.softplus(torch.tensor(0.5 + 1.0))) / 2
    torch.testing.assert_close(pairwise_rank_loss(scores, rank, k=1, margin=0.5), expected)


def test_pairwise_rank_weights_by_hand():
    # positions 1, 2 and the rest: weights 1/2, 1, 1/2, of mean 2/3
    scores, rank = torch.tensor([[0.0, 1.0, 3.0]]), torch.tensor([[0, 1, 2]])
    losses = [F.softplus(torch.tensor(x)) for x in (1.0, 3.0, 2.0)]
    expected = (0.5 * losses[0] + 1.0 * losses[1] + 0.5 * losses[2]) / (2 / 3) / 3
    torch.testing.assert_close(pairwise_rank_loss(scores, rank, k=2, rank_weights=True), expected)


# --------------------------------------------------------------- all of them
@pytest.mark.parametrize("loss", LOSSES)
def test_padding_takes_no_part(loss, lists):
    scores, rank = lists
    padded = torch.cat([scores, 100 * torch.ones(3, 2, dtype=scores.dtype)], dim=1).requires_grad_()
    padded_rank = torch.cat([rank, torch.full((3, 2), -1)], dim=1)
    value = loss(padded, padded_rank, k=3)
    torch.testing.assert_close(value, loss(scores, rank, k=3))
    (gradient,) = torch.autograd.grad(value, padded)
    assert (gradient[:, 6:] == 0).all() and gradient.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_list_of_padding_costs_nothing(loss):
    scores = torch.randn(2, 4, requires_grad=True)
    rank = torch.tensor([[-1, -1, -1, -1], [0, 1, 2, 3]])
    value = loss(scores, rank, k=2)
    (gradient,) = torch.autograd.grad(value, scores)
    assert value.isfinite() and (gradient[0] == 0).all() and (gradient[1] != 0).any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", [1e3, -1e3, 3e4])
def test_extreme_scores_do_not_overflow(loss, size):
    scores = (size * torch.tensor([[1.0, -1.0, 0.5, 0.0]])).requires_grad_()
    value = loss(scores, torch.tensor([[3, 0, 1, 2]]), k=2)
    assert value.isfinite() and torch.autograd.grad(value, scores)[0].isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_against_finite_differences(loss, lists):
    scores, rank = lists
    assert torch.autograd.gradcheck(lambda z: loss(z, rank, k=3), scores.requires_grad_())


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_down_the_gradient_moves_towards_the_teachers_order(loss):
    scores = torch.zeros(1, 5, requires_grad=True)
    rank = torch.tensor([[4, 2, 0, 1, 3]])
    gradient = torch.autograd.grad(loss(scores, rank, k=2), scores)[0][0]
    assert gradient[2] < 0 and gradient[2] <= gradient[3] < gradient[[0, 1, 4]].min()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("scores", "rank", "k", "message"),
    [
        (torch.zeros(2, 3), torch.zeros(2, 4).long(), 1, "same shape"),
        (torch.zeros(3), torch.zeros(3).long(), 1, "same shape"),
        (torch.zeros(2, 0), torch.zeros(2, 0).long(), 1, "length 0"),
        (torch.zeros(2, 3), torch.zeros(2, 3).long(), 4, "k must lie between 1 and the number of candidates, 3, got 4"),
        (torch.zeros(2, 3), torch.zeros(2, 3).long(), 0, "k must lie"),
    ],
)
def test_bad_lists_are_refused(loss, scores, rank, k, message):
    with pytest.raises(ValueError, match=message):
        loss(scores, rank, k=k)


def test_bad_numbers_are_refused():
    z, r = torch.zeros(1, 3), torch.arange(3)[None]
    with pytest.raises(ValueError, match="alpha must be at least 0, got -1"):
        pointwise_rank_loss(z, r, k=1, alpha=-1)
    with pytest.raises(ValueError, match="margin"):
        pairwise_rank_loss(z, r, k=1, margin=-0.1)
    with pytest.raises(ValueError, match="temperature"):
        listnet_loss(z, z, temperature=0)
    with pytest.raises(ValueError, match="same shape"):
        listnet_loss(z, torch.zeros(1, 4))
    with pytest.raises(ValueError, match="kind must be one of"):
        position_weights(3, kind="linear")
    with pytest.raises(ValueError, match="decay"):
        position_weights(3, decay=0)
    with pytest.raises(ValueError, match="k must be"):
        position_weights(0)
    with pytest.raises(ValueError, match="mu"):
        discrepancy_weights(z, z, n_items=3, mu=0)


# ----------------------------------------------- ListNet, Tang & Wang, BPR
def test_listnet_is_least_at_the_teacher_and_is_its_entropy_there():
    v = torch.tensor([[1.0, 0.0, -2.0]], requires_grad=True)
    p = v.detach().softmax(dim=1)
    value = listnet_loss(v, v.detach())
    torch.testing.assert_close(value, -(p * p.log()).sum())
    torch.testing.assert_close(torch.autograd.grad(value, v)[0], torch.zeros(1, 3), atol=1e-7, rtol=0)


@pytest.mark.parametrize("kind", ["exponential", "reciprocal", "uniform"])
def test_position_weights_fall_and_sum_to_one(kind):
    w = position_weights(5, kind=kind, decay=2.0)
    torch.testing.assert_close(w.sum(), torch.tensor(1.0))
    assert (w[1:] <= w[:-1]).all()
    if kind == "exponential":
        torch.testing.assert_close(w[1] / w[0], torch.tensor(-0.5).exp())


def test_discrepancy_weights_by_hand():
    # of 4 sampled items 2 score above the first favourite: estimated rank floor(9 * .5) = 4; none above the second
    w = discrepancy_weights(torch.tensor([[0.0, 5.0]]), torch.tensor([[1.0, 2.0, -1.0, -2.0]]), n_items=10, mu=0.1)
    torch.testing.assert_close(w, torch.tensor([[0.4, 0.0]]).tanh())


def test_tang_wang_by_hand():
    scores, rank = torch.tensor([[0.5, -1.0, 9.0]]), torch.tensor([[1, 0, 2]])
    expected = 0.7 * F.softplus(torch.tensor(1.0)) + 0.3 * F.softplus(torch.tensor(-0.5))
    torch.testing.assert_close(tang_wang_loss(scores, rank, k=2, weights=torch.tensor([0.7, 0.3])), expected)


def test_bpr_by_hand():
    expected = (F.softplus(torch.tensor(-1.0)) + F.softplus(torch.tensor(2.0))) / 2
    torch.testing.assert_close(bpr_loss(torch.tensor([[1.0]]), torch.tensor([[0.0, 3.0]])), expected)
