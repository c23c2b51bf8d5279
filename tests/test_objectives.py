"""What a student's outputs mean: units, links, losses and scores of each objective."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from compress.students import LOGIT_CLIP, Logits, Probabilities, SoftTargets, Values, centred_logits

TWO = np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]], dtype=np.float32)
THREE = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]], dtype=np.float32)
CLASSIFIERS = (SoftTargets, Probabilities, Logits)


def perfect_outputs(targets):
    """Outputs of a net whose probabilities are the targets."""
    z = np.log(targets)
    return torch.from_numpy(z[:, 1:] - z[:, :1] if targets.shape[1] == 2 else z)


@pytest.mark.parametrize("objective", CLASSIFIERS)
def test_two_classes_need_one_output_more_need_one_each(objective):
    assert (objective.for_targets(TWO).output_activation, objective.for_targets(TWO).n_outputs) == ("sigmoid", 1)
    assert (objective.for_targets(THREE).output_activation, objective.for_targets(THREE).n_outputs) == ("softmax", 3)


@pytest.mark.parametrize("objective", CLASSIFIERS)
@pytest.mark.parametrize("targets", [TWO, THREE], ids=["binary", "multiclass"])
def test_the_score_is_least_where_the_probabilities_are_the_targets(objective, targets):
    o = objective.for_targets(targets)
    outputs, target = perfect_outputs(targets), torch.from_numpy(targets)
    assert_allclose(o.logits(outputs).softmax(dim=1), targets, atol=1e-6)
    best = o.score(outputs, target)
    for step in (-0.1, 0.1):
        moved = outputs.clone()
        moved[0, 0] += step
        assert o.score(moved, target) > best


def test_soft_target_loss_is_the_cross_entropy():
    o = SoftTargets.for_targets(THREE)
    entropy = -(THREE * np.log(THREE)).sum(axis=1).mean()
    assert o.loss(perfect_outputs(THREE), torch.from_numpy(THREE)).item() == pytest.approx(entropy, rel=1e-5)


def test_probability_loss_of_two_classes_is_the_squared_error_of_one():
    o = Probabilities.for_targets(TWO)
    outputs = torch.tensor([[0.0], [0.0], [0.0]])  # P(y=1) = 1/2
    expected = ((0.5 - TWO[:, 1]) ** 2).mean()  # both columns, halved
    assert o.loss(outputs, torch.from_numpy(TWO)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("targets", [TWO, THREE], ids=["binary", "multiclass"])
def test_logits_are_learned_standardised_and_come_back_in_their_unit(targets):
    o = Logits.for_targets(targets)
    learned = o.training_targets(targets)
    assert_allclose(learned.mean(axis=0), 0, atol=1e-6)
    assert_allclose(learned.std(axis=0), 1, atol=1e-5)
    assert o.loss(torch.from_numpy(learned), torch.from_numpy(learned)).item() == 0
    outputs = torch.from_numpy(learned * o.scale + o.mean)
    assert_allclose(o.logits(outputs).softmax(dim=1), targets, atol=1e-5)


def test_logits_are_centred_and_bounded():
    v = centred_logits(np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert_allclose(v.sum(axis=1), 0, atol=1e-6)
    assert_allclose(v[0], [-np.log(LOGIT_CLIP) / 2, np.log(LOGIT_CLIP) / 2], rtol=1e-6)
    assert_allclose(v[1], 0, atol=1e-7)


def test_values_are_learned_standardised_with_weights():
    values = np.array([[0.0], [10.0]])
    o = Values.for_targets(values, np.array([3.0, 1.0]))
    assert o.mean == pytest.approx([2.5])
    assert o.scale == pytest.approx([np.sqrt((3 * 2.5**2 + 7.5**2) / 4)])
    assert o.training_targets(values).dtype == np.float32
    assert_allclose(o.training_targets(values) * o.scale + o.mean, values, atol=1e-5)


def test_constant_values_are_learned_as_zero_and_not_divided_by_zero():
    o = Values.for_targets(np.full((4, 2), 7.0))
    assert_allclose(o.training_targets(np.full((4, 2), 7.0)), 0)
    assert_allclose(o.scale, 1)


@pytest.mark.parametrize("objective", CLASSIFIERS)
def test_a_row_of_weight_two_counts_twice(objective):
    o = objective.for_targets(TWO)
    outputs = torch.randn(3, 1, generator=torch.Generator().manual_seed(0))
    target = torch.from_numpy(o.training_targets(TWO))
    twice = torch.tensor([0, 1, 2, 2])
    weighted = o.loss(outputs, target, torch.tensor([1.0, 1.0, 2.0])) * 3
    assert weighted.item() == pytest.approx((o.loss(outputs[twice], target[twice]) * 4).item(), rel=1e-5)
