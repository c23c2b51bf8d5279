"""The losses: values by hand, limits, extremes, gradients, and what no gradient may reach."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from compress.losses import (
    distillation_loss,
    hard_label_loss,
    hidden_hint_loss,
    hint_loss,
    logit_matching_loss,
    probability_matching_loss,
    rocket_hint_loss,
    soft_cross_entropy,
    soft_target_loss,
    squared_error,
)

Y = torch.tensor([0, 2, -1, 1, 1])


def logits(seed, n_rows=5, n_classes=3, dtype=torch.float64, scale=2.0):
    return scale * torch.randn(n_rows, n_classes, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def probabilities(seed):
    return logits(seed).softmax(dim=1)


# every loss as a function of the student's side and the teacher's side
PAIRS = {
    "soft_target": lambda z, v: soft_target_loss(z, v, temperature=3.0),
    "distillation": lambda z, v: distillation_loss(z, v, Y, temperature=3.0, soft_weight=0.7),
    "distillation_lambda": lambda z, v: distillation_loss(z, v, Y, temperature=3.0, soft_lambda=2.0),
    "logit_matching": logit_matching_loss,
    "squared_error": squared_error,
    "hint": hint_loss,
}
TARGETS = {"distribution": soft_cross_entropy, "probability_matching": probability_matching_loss}


# ------------------------------------------------------------------ by hand
def test_soft_targets_by_hand():
    z, v = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3.0) * 2, 0.0]])
    # at T = 2 the teacher says (3/4, 1/4), the student (1/2, 1/2)
    expected = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert soft_target_loss(z, v, temperature=2.0).item() == pytest.approx(expected, rel=1e-6)


def test_soft_targets_against_a_plain_loop():
    z, v, T = logits(0), logits(1), 2.5
    total = 0.0
    for row_z, row_v in zip(z.numpy(), v.numpy()):
        q, p = np.exp(row_z / T) / np.exp(row_z / T).sum(), np.exp(row_v / T) / np.exp(row_v / T).sum()
        total += sum(p * np.log(p / q))
    assert soft_target_loss(z, v, temperature=T).item() == pytest.approx(T**2 * total / len(z))


def test_squared_losses_by_hand():
    a, b = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    assert squared_error(a, b).item() == pytest.approx(0.5 * (5 + 4) / 2)
    assert logit_matching_loss(a, b).item() == pytest.approx(0.5 * (5 + 4) / 2)
    p = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    assert probability_matching_loss(torch.zeros(2, 2), p).item() == pytest.approx(0.5 * (0.5 + 0.125) / 2)


def test_cross_entropies_by_hand():
    z = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])
    assert hard_label_loss(z, torch.tensor([0, 1])).item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    p = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert soft_cross_entropy(z, p).item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_hints_sum_over_channels_and_average_rows_and_positions():
    assert hint_loss(torch.zeros(4, 3), torch.ones(4, 3)).item() == pytest.approx(1.5)
    maps = torch.zeros(4, 3, 5, 7)
    assert hint_loss(maps, maps + 2).item() == pytest.approx(0.5 * 3 * 4)
    one = maps.clone()
    one[0, 0, 0, 0] = 3.0
    assert hint_loss(maps, one).item() == pytest.approx(0.5 * 9 / (4 * 5 * 7))


# ------------------------------------------------------- unlabelled rows, weights
def test_unlabelled_rows_are_left_out_of_the_hard_term():
    z = logits(0)
    known = Y >= 0
    assert hard_label_loss(z, Y).item() == pytest.approx(F.cross_entropy(z[known], Y[known]).item())
    z.requires_grad_()
    hard_label_loss(z, Y).backward()
    assert not z.grad[~known].any() and z.grad[known].all()


def test_a_batch_without_labels_has_hard_loss_zero_and_a_gradient_of_zero():
    z = logits(0).requires_grad_()
    loss = hard_label_loss(z, torch.full((5,), -1))
    loss.backward()
    assert loss.item() == 0 and not z.grad.any()


@pytest.mark.parametrize("name", ["soft_target", "hard", "distribution", "squared", "probability", "hint", "mixed"])
def test_integer_weights_are_repetitions(name):
    z, v, y = logits(0), logits(1), torch.tensor([0, 2, 1, 1, 0])
    functions = {
        "soft_target": lambda z, v, y, w: soft_target_loss(z, v, temperature=2.0, sample_weight=w),
        "hard": lambda z, v, y, w: hard_label_loss(z, y, sample_weight=w),
        "distribution": lambda z, v, y, w: soft_cross_entropy(z, v.softmax(1), sample_weight=w),
        "squared": lambda z, v, y, w: logit_matching_loss(z, v, sample_weight=w),
        "probability": lambda z, v, y, w: probability_matching_loss(z, v.softmax(1), sample_weight=w),
        "hint": lambda z, v, y, w: hint_loss(z, v, sample_weight=w),
        "mixed": lambda z, v, y, w: distillation_loss(z, v, y, soft_weight=0.4, temperature=2.0, sample_weight=w),
    }
    loss, times = functions[name], torch.tensor([1, 0, 3, 2, 1])
    weight = times.double() / times.double().mean()
    repeated = [t.repeat_interleave(times, dim=0) for t in (z, v, y)]
    assert loss(z, v, y, weight).item() == pytest.approx(loss(*repeated, None).item())


# ------------------------------------------------------------------ limits
def test_equal_distributions_have_loss_zero_whatever_the_level_of_the_logits():
    z = logits(0)
    assert soft_target_loss(z, z + 5.0, temperature=2.0).item() == pytest.approx(0, abs=1e-12)
    assert soft_target_loss(z, logits(1)).item() > 0
    assert logit_matching_loss(z, z).item() == 0 and hint_loss(z, z).item() == 0


def test_high_temperature_is_logit_matching_of_centred_logits_divided_by_the_classes():
    z, v = (t - t.mean(dim=1, keepdim=True) for t in (logits(0), logits(1)))
    limit = logit_matching_loss(z, v).item() / z.shape[1]  # Hinton et al., section 2.1
    assert soft_target_loss(z, v, temperature=1e4).item() == pytest.approx(limit, rel=1e-3)
    errors = [abs(soft_target_loss(z, v, temperature=T).item() - limit) for T in (1, 10, 100, 1000)]
    assert errors == sorted(errors, reverse=True)


def test_gradients_turn_into_those_of_logit_matching_as_the_temperature_grows():
    v = logits(1) - logits(1).mean(dim=1, keepdim=True)
    cosines = []
    for T in (1.0, 5.0, 50.0):
        z = (logits(0) - logits(0).mean(dim=1, keepdim=True)).requires_grad_()
        soft = torch.autograd.grad(soft_target_loss(z, v, temperature=T), z)[0]
        match = torch.autograd.grad(logit_matching_loss(z, v), z)[0]
        cosines.append(F.cosine_similarity(soft.flatten(), match.flatten(), dim=0).item())
    assert cosines == sorted(cosines) and cosines[-1] > 0.999


def test_soft_weight_at_its_ends_is_the_pure_loss_and_continuous():
    z, v = logits(0), logits(1)
    hard, soft = hard_label_loss(z, Y).item(), soft_target_loss(z, v, temperature=4.0).item()

    def mixed(weight):
        return distillation_loss(z, v, Y, temperature=4.0, soft_weight=weight).item()

    assert mixed(0.0) == pytest.approx(hard) and mixed(1.0) == pytest.approx(soft)
    assert mixed(1e-9) == pytest.approx(hard, rel=1e-6) and mixed(1 - 1e-9) == pytest.approx(soft, rel=1e-6)
    assert distillation_loss(z, v, temperature=4.0).item() == pytest.approx(soft)  # no labels needed


@pytest.mark.parametrize("lam", [0.0, 0.25, 4.0])
def test_the_two_parametrisations_differ_by_a_factor(lam):
    z, v = logits(0), logits(1)
    by_lambda = distillation_loss(z, v, Y, temperature=3.0, soft_lambda=lam).item()
    by_weight = distillation_loss(z, v, Y, temperature=3.0, soft_weight=lam / (1 + lam)).item()
    assert by_lambda == pytest.approx((1 + lam) * by_weight)


# --------------------------------------------------------------- extremes
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("name", PAIRS)
def test_logits_of_ten_thousand_give_finite_losses_and_gradients(name, dtype):
    z = (1e4 * torch.tensor([[1, -1, 0], [-1, 1, 0], [0, 0, 0], [1, 1, -1], [1, -1, -1]])).to(dtype).requires_grad_()
    v = (-1e4 * torch.tensor([[1, -1, 0], [1, -1, 0], [1, 0, -1], [0, 1, 0], [-1, 1, 1]])).to(dtype)
    loss = PAIRS[name](z, v)
    assert loss.isfinite()
    assert torch.autograd.grad(loss, z)[0].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("name", TARGETS)
def test_sure_students_have_finite_losses_against_probabilities(name, dtype):
    z = torch.tensor([[1e4, -1e4, 0.0]], dtype=dtype, requires_grad=True)
    loss = TARGETS[name](z, torch.tensor([[0.0, 1.0, 0.0]], dtype=dtype))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, z)[0].isfinite().all()


@pytest.mark.parametrize("name", PAIRS)
def test_half_precision_agrees_with_double(name):
    z, v = logits(0).half(), logits(1).half()
    assert PAIRS[name](z, v).dtype == torch.float32
    assert PAIRS[name](z, v).item() == pytest.approx(PAIRS[name](z.double(), v.double()).item(), rel=1e-4)


@pytest.mark.parametrize("name", ["soft_target", "logit_matching", "squared_error", "hint"])
def test_the_value_does_not_depend_on_the_batch_size(name):
    z, v = logits(0), logits(1)
    assert PAIRS[name](z.repeat(3, 1), v.repeat(3, 1)).item() == pytest.approx(PAIRS[name](z, v).item())


# -------------------------------------------------------------- gradients
@pytest.mark.parametrize("name", PAIRS)
def test_gradients_against_finite_differences(name):
    assert torch.autograd.gradcheck(lambda z: PAIRS[name](z, logits(1)), (logits(0).requires_grad_(),))


@pytest.mark.parametrize("name", TARGETS)
def test_gradients_against_finite_differences_for_probabilities(name):
    assert torch.autograd.gradcheck(lambda z: TARGETS[name](z, probabilities(1)), (logits(0).requires_grad_(),))


def test_hint_gradients_of_feature_maps_against_finite_differences():
    maps = torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(lambda g: hint_loss(g, maps), (torch.zeros_like(maps).requires_grad_(),))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_gradient_is_temperature_times_the_difference_of_the_distributions(temperature):
    z, v = logits(0).requires_grad_(), logits(1)
    gradient = torch.autograd.grad(soft_target_loss(z, v, temperature=temperature), z)[0]
    q, p = (z / temperature).softmax(dim=1), (v / temperature).softmax(dim=1)
    assert torch.allclose(gradient, temperature * (q - p) / len(z))  # dC/dz = (q - p) / T, times T**2


@pytest.mark.parametrize("name", PAIRS)
def test_detached_teachers_get_no_gradient_and_nothing_is_detached_inside(name):
    z, v = logits(0).requires_grad_(), logits(1).requires_grad_()
    assert torch.autograd.grad(PAIRS[name](z, v.detach()), v, allow_unused=True)[0] is None
    # the choice is the caller's: a joint method may want the gradient
    assert torch.autograd.grad(PAIRS[name](z, v), v)[0].any()


# --------------------------------------------------------------- bad input
@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        soft_target_loss(logits(0), logits(1), temperature=temperature)
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        distillation_loss(logits(0), logits(1), Y, temperature=temperature, soft_weight=0.0)


@pytest.mark.parametrize("weight", [-0.1, 1.5, float("nan")])
def test_soft_weight_must_lie_between_0_and_1(weight):
    with pytest.raises(ValueError, match=r"soft_weight must lie in \[0, 1\], got"):
        distillation_loss(logits(0), logits(1), Y, soft_weight=weight)


def test_soft_lambda_must_not_be_negative():
    with pytest.raises(ValueError, match="soft_lambda must be at least 0, got -1"):
        distillation_loss(logits(0), logits(1), Y, soft_lambda=-1)


def test_a_hard_term_needs_labels():
    with pytest.raises(ValueError, match="gives the hard labels weight 0.5, but y is None"):
        distillation_loss(logits(0), logits(1), soft_weight=0.5)


@pytest.mark.parametrize("name", PAIRS)
def test_shapes_must_agree(name):
    with pytest.raises(ValueError, match=r"must have the same .*\(5, 3\) and \(5, 4\)"):
        PAIRS[name](logits(0), logits(1, n_classes=4))


@pytest.mark.parametrize("form", ["logits", "probabilities", "soft_targets"])
def test_hints_of_rocket_launching_are_finite_in_half_precision(form):
    light = torch.tensor([[1e4, -1e4, 0.0]], dtype=torch.float16)
    loss = rocket_hint_loss(light, -light, form=form)
    assert loss.dtype == torch.float32 and torch.isfinite(loss)


def test_hints_between_hidden_layers_are_finite_in_half_precision():
    layer = torch.full((2, 3), 3e4, dtype=torch.float16)
    assert torch.isfinite(hidden_hint_loss(layer, -layer))
