"""Hinton's distillation and the schedules of temperature and weights."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from compress import StudentClassifier
from compress.distill import DistilledClassifier
from compress.distill._objectives import Distillation, side_by_side
from compress.losses import distillation_loss, hard_label_loss, soft_target_loss
from compress.students import NetClassifier
from compress.training import Clock, Schedule, value_at
from compress.training._schedules import SHAPES


# -------------------------------------------------------------- schedules
@pytest.mark.parametrize("shape", SHAPES)
def test_schedules_start_and_end_where_they_say_and_are_monotone(shape):
    schedule = Schedule(20.0, 2.0, shape)
    values = [schedule(x) for x in np.linspace(0, 1, 101)]
    assert values[0] == pytest.approx(20.0)
    assert values[-1] == pytest.approx(20.0 if shape == "constant" else 2.0)
    assert values == sorted(values, reverse=True)
    assert min(values) >= schedule.bounds()[0] - 1e-9 and max(values) <= schedule.bounds()[1] + 1e-9


def test_middles_tell_the_shapes_apart():
    assert Schedule(16.0, 4.0)(0.5) == pytest.approx(10.0)
    assert Schedule(16.0, 4.0, "exponential")(0.5) == pytest.approx(8.0)
    assert Schedule(16.0, 4.0, "cosine")(0.5) == pytest.approx(10.0)
    assert Schedule(16.0, 4.0, "cosine")(0.25) == pytest.approx(4 + 12 * 0.5 * (1 + math.cos(math.pi / 4)))


def test_a_schedule_may_arrive_early_and_rise():
    schedule = Schedule(1.0, 5.0, until=0.5)
    assert [schedule(x) for x in (0.0, 0.25, 0.5, 1.0)] == [1.0, 3.0, 5.0, 5.0]
    assert value_at(3.0, 0.7) == 3.0 and value_at(None, 0.7) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 2.0, "square"), "shape must be one of constant, linear, exponential, cosine, step, got 'square'"),
        ((1.0,), "end must be given for shape='linear', got None"),
        ((1.0, 0.0, "exponential"), "must be positive for shape='exponential', got 1.0 and 0.0"),
        ((1.0, math.inf), "start and end must be finite"),
        ((1.0, 2.0, "linear", 0.0), r"until must lie in \(0, 1\], got 0.0"),
    ],
)
def test_impossible_schedules_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Schedule(*arguments)


# -------------------------------------------------------------- the objective
def rows(seed, n_classes=4):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(6, n_classes, generator=generator)


def test_the_loss_follows_both_schedules_with_the_factor_of_the_temperature_of_the_moment():
    z, v, y = rows(0), rows(1), torch.tensor([0, 1, 2, 3, 0, 1])
    objective = Distillation("softmax", 4, Schedule(8.0, 2.0), Schedule(1.0, 0.5))
    target = torch.from_numpy(side_by_side(v.numpy(), torch.eye(4)[y].numpy()))
    for progress, temperature, weight in ((0.0, 8.0, 1.0), (0.5, 5.0, 0.75), (1.0, 2.0, 0.5)):
        expected = distillation_loss(z, v, y, temperature=temperature, soft_weight=weight)
        assert torch.isclose(objective.step_loss(z, target, inputs=None, clock=Clock(0, 0, progress)), expected)


def test_unlabelled_rows_count_in_the_soft_term_only():
    z, v, y = rows(0), rows(1), torch.tensor([0, 1, 2, -1, -1, -1])
    labels = torch.eye(4)[y.clamp(min=0)] * (y >= 0)[:, None]
    objective = Distillation("softmax", 4, 3.0, 0.25)
    loss = objective.step_loss(
        z, torch.from_numpy(side_by_side(v.numpy(), labels.numpy())), inputs=None, clock=Clock(0, 0, 0.0)
    )
    expected = 0.75 * hard_label_loss(z[:3], y[:3]) + 0.25 * soft_target_loss(z, v, temperature=3.0)
    assert torch.isclose(loss, expected)


def test_two_classes_share_one_output():
    z = torch.tensor([[0.3], [-1.2]])
    v = torch.tensor([[1.0, 2.0], [0.5, -0.5]])
    objective = Distillation("sigmoid", 2, 2.0, 1.0)
    target = torch.from_numpy(side_by_side(v.numpy(), np.zeros((2, 2))))
    loss = objective.step_loss(z, target, inputs=None, clock=Clock(0, 0, 0.0))
    assert torch.isclose(loss, soft_target_loss(torch.cat([-z / 2, z / 2], dim=1), v, temperature=2.0))


# -------------------------------------------------------------- the estimator
@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:300], y[:300], X[300:1000], X[1000:], y[1000:]


@pytest.fixture(scope="module")
def teacher(digits):
    X, y, more, X_test, y_test = digits
    labels = load_digits(return_X_y=True)[1][300:1000]
    return StudentClassifier((128,), random_state=0).fit(np.vstack([X, more]), np.concatenate([y, labels]))


def small(**options):
    return StudentClassifier((8,), **{"max_epochs": 60, "random_state": 0, **options})


def test_no_soft_weight_is_plain_training_on_labels(digits, teacher):
    X, y, _, X_test, _ = digits
    plain = small().fit(X, y).predict_proba(X_test)
    assert np.allclose(
        DistilledClassifier(teacher, small(), soft_weight=0.0).fit(X, y).predict_proba(X_test), plain, atol=1e-5
    )


def test_pure_soft_targets_need_no_labels_and_do_not_look_at_them(digits, teacher):
    X, y, _, X_test, _ = digits
    model = DistilledClassifier(teacher, small(max_epochs=5), soft_weight=1.0)
    assert np.array_equal(model.fit(X).predict_proba(X_test), model.fit(X, y[::-1]).predict_proba(X_test))


def test_soft_targets_of_unlabelled_rows_beat_hard_labels(digits, teacher):
    X, y, more, X_test, y_test = digits
    hard = small().fit(X, y).score(X_test, y_test)
    soft = DistilledClassifier(teacher, small()).fit(X, y, X_unlabeled=more)
    assert soft.score(X_test, y_test) > hard + 0.01


def test_an_annealed_temperature_differs_from_both_its_ends(digits, teacher):
    X, y, _, X_test, _ = digits
    predicted = [
        DistilledClassifier(teacher, small(max_epochs=5), temperature=T).fit(X, y).predict_proba(X_test)
        for T in (8.0, Schedule(8.0, 1.0), 1.0, Schedule(8.0, None, "constant"))
    ]
    assert np.abs(predicted[1] - predicted[0]).max() > 1e-3 and np.abs(predicted[1] - predicted[2]).max() > 1e-3
    assert np.array_equal(predicted[3], predicted[0])


def test_augmented_rows_are_labelled_as_they_are_seen(digits):
    X, y = digits[:2]
    asked = []

    class Teacher(nn.Linear):
        def forward(self, x):
            asked.append(x.detach().clone())
            return super().forward(x)

    teacher = Teacher(64, 10).train()
    student = NetClassifier(nn.Linear(64, 10), augment=lambda x: x + 1, max_epochs=1, batch_size=100)
    DistilledClassifier(teacher, student, random_state=0).fit(X, y)
    assert teacher.training  # as before
    assert len(asked) == 1 + 3  # the transfer set once, then each of three batches
    assert torch.allclose(torch.cat(asked[1:]).sort(dim=0).values, torch.from_numpy(X + 1).sort(dim=0).values)


def test_fixed_rows_are_labelled_once(digits):
    X, y = digits[:2]
    asked = []

    class Teacher(nn.Linear):
        def forward(self, x):
            asked.append(len(x))
            return super().forward(x)

    DistilledClassifier(Teacher(64, 10), small(max_epochs=3), random_state=0).fit(X, y)
    assert asked == [len(X)]


# -------------------------------------------------------------- bad input
@pytest.mark.parametrize("temperature", [0.0, -2.0, math.nan, Schedule(4.0, 0.0)])
def test_temperatures_must_be_positive(digits, teacher, temperature):
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        DistilledClassifier(teacher, small(), temperature=temperature).fit(*digits[:2])


@pytest.mark.parametrize("weight", [-0.1, 1.01, Schedule(1.5, 0.5)])
def test_soft_weights_must_lie_between_0_and_1(digits, teacher, weight):
    with pytest.raises(ValueError, match=r"soft_weight must lie in \[0, 1\], got"):
        DistilledClassifier(teacher, small(), soft_weight=weight).fit(*digits[:2])


def test_other_parameters_out_of_range_are_named(digits, teacher):
    with pytest.raises(ValueError, match="soft_lambda must be at least 0, got -1"):
        DistilledClassifier(teacher, small(), soft_lambda=-1).fit(*digits[:2])
    with pytest.raises(TypeError, match="temperature must be a number or a Schedule, got '4'"):
        DistilledClassifier(teacher, small(), temperature="4").fit(*digits[:2])


def test_unlabelled_rows_with_a_pure_hard_loss_are_refused(digits, teacher):
    X, y, more, _, _ = digits
    with pytest.raises(ValueError, match="soft_weight=0 is a loss of hard labels only, which unlabelled rows have not"):
        DistilledClassifier(teacher, small(), soft_weight=0).fit(X, y, X_unlabeled=more)


def test_a_hard_term_needs_labels(digits, teacher):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        DistilledClassifier(teacher, small()).fit(digits[0])


def test_a_schedule_of_ones_own_that_leaves_the_range_stops_with_the_reason(digits, teacher):
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        DistilledClassifier(teacher, small(), temperature=lambda progress: 1 - 2 * progress).fit(*digits[:2])
