"""The training loop: seeded, safe against divergence and Ctrl-C, early stopping, schedules."""

import math

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from compress.training import StopTraining, resolve_device, single_thread, train

X = torch.linspace(-1, 1, 40).reshape(-1, 1)
Y = 2 * X + 1
OPTIONS = {"max_epochs": 4, "batch_size": 8, "learning_rate": 0.05}


def net(seed=0, **kwargs):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Dropout(kwargs.get("dropout", 0.0)), nn.Linear(4, 1))


def squared(module):
    return lambda batch, clock: (module(batch[0]) - batch[1]).square().mean()


def run(module=None, loss=None, **options):
    module = module or net()
    result = train(module, (X, Y), loss or squared(module), **{**OPTIONS, **options})
    return module, result


def weights(module):
    return torch.cat([p.detach().ravel() for p in module.parameters()])


def same(a, b):
    return torch.equal(weights(a), weights(b))


# ---------------------------------------------------------------- repeatable
def test_same_seed_same_weights_and_another_seed_others():
    one, two, other = (run(net(dropout=0.3), seed=seed)[0] for seed in (1, 1, 2))
    assert same(one, two)
    assert not same(one, other)


def test_batches_do_not_depend_on_the_size_of_the_gathered_blocks(monkeypatch):
    whole, _ = run(batch_size=7)
    monkeypatch.setattr("compress.training._steps.SHUFFLE_BLOCK", 14)
    pieces, _ = run(batch_size=7)
    assert same(whole, pieces)


def test_each_row_comes_once_per_epoch():
    seen = []

    def loss(batch, clock):
        seen.append((clock.epoch, batch[0][:, 0].tolist()))
        return squared(module)(batch, clock)

    module = net()
    run(module, loss, max_epochs=2, batch_size=7)
    epochs = [sum((rows for e, rows in seen if e == epoch), []) for epoch in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(X[:, 0].tolist())
    assert epochs[0] != epochs[1]  # in a new order


def test_the_callers_random_numbers_and_threads_are_untouched():
    torch.manual_seed(3)
    expected = torch.rand(1)
    module = net(dropout=0.5)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    run(module)
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


def test_single_thread_gives_the_threads_back_even_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), single_thread():
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == before


# ---------------------------------------------------------------- what is recorded
def test_history_has_a_row_per_epoch_and_the_mean_loss():
    module = net()
    flat = nn.Parameter(torch.zeros(1))
    module.register_parameter("flat", flat)
    # a loss that is the batch's number of rows: its mean over rows is sum(n_b^2) / n
    _, result = run(module, lambda batch, clock: len(batch[0]) + 0 * flat.sum(), batch_size=16)
    assert [row["epoch"] for row in result.history] == [0, 1, 2, 3]
    assert result.history[0]["loss"] == pytest.approx((16 * 16 + 16 * 16 + 8 * 8) / 40)
    assert result.n_steps == 4 * 3
    assert result.stopped == "finished"


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("constant", [1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("cosine", [1, 0.5 + 0.5 * math.cos(math.pi / 4), 0.5, 0.5 + 0.5 * math.cos(3 * math.pi / 4)]),
    ],
)
def test_schedules_by_hand(schedule, expected):
    _, result = run(schedule=schedule, batch_size=40, learning_rate=0.1)  # one step per epoch
    np.testing.assert_allclose([row["learning_rate"] for row in result.history], 0.1 * np.array(expected))


def test_the_clock_goes_from_0_to_1():
    clocks = []
    module = net()
    run(module, lambda batch, clock: (clocks.append(clock), squared(module)(batch, clock))[1], max_epochs=2)
    assert [c.step for c in clocks] == list(range(10))
    assert [c.epoch for c in clocks] == [0] * 5 + [1] * 5
    np.testing.assert_allclose([c.progress for c in clocks], np.arange(10) / 10)


# ---------------------------------------------------------------- what is learned
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_loss_falls(optimizer):
    _, result = run(optimizer=optimizer, max_epochs=30)
    assert result.history[-1]["loss"] < 0.1 * result.history[0]["loss"]


def test_weight_decay_shrinks_matrices_and_not_biases():
    module = nn.Linear(1, 1)
    with torch.no_grad():
        module.weight.fill_(1.0)
        module.bias.fill_(1.0)
    zero = lambda batch, clock: 0 * module(batch[0]).sum()  # noqa: E731 (no gradient but for the decay)
    train(module, (X,), zero, max_epochs=1, batch_size=40, learning_rate=0.1, schedule="constant", weight_decay=0.5)
    assert module.weight.item() == pytest.approx(1 - 0.1 * 0.5)
    assert module.bias.item() == pytest.approx(1.0)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_what_the_loss_does_not_see_is_not_decayed(optimizer):
    module = nn.ModuleDict({"seen": nn.Linear(1, 1), "unseen": nn.Linear(1, 1)})
    before = module["unseen"].weight.item()
    run(module, squared(module["seen"]), optimizer=optimizer, weight_decay=1.0)
    assert module["unseen"].weight.item() == before


def test_only_the_parameters_given_are_trained():
    module = net()
    frozen = module[0].weight.detach().clone()
    last = module[3].weight.detach().clone()
    run(module, parameters=module[3].parameters())
    assert torch.equal(module[0].weight, frozen)
    assert not torch.equal(module[3].weight, last)


# ---------------------------------------------------------------- early stopping
def stop_after(scores, **options):
    module, seen, left = net(), [], iter(scores)

    def validate():
        assert not module.training  # dropout and batch norm are off
        seen.append(weights(module).clone())
        return next(left)

    _, result = run(module, validate=validate, max_epochs=len(scores), **options)
    return module, seen, result


def test_the_best_epochs_weights_are_restored():
    module, seen, result = stop_after([3.0, 1.0, 2.0, 5.0])
    assert result.best_epoch == 1
    assert torch.equal(weights(module), seen[1])
    assert result.stopped == "finished"
    assert [row["valid"] for row in result.history] == [3.0, 1.0, 2.0, 5.0]


def test_patience_counts_epochs_without_improvement():
    _, seen, result = stop_after([3.0, 2.0, 2.5, 2.5, 1.0], patience=2)
    assert result.stopped == "early_stopping"
    assert len(seen) == 4
    assert result.best_epoch == 1


def test_an_improvement_below_the_tolerance_is_none():
    _, _, result = stop_after([3.0, 2.95, 2.91], patience=2, tolerance=0.1)
    assert result.best_epoch == 0
    assert result.stopped == "early_stopping"


# ---------------------------------------------------------------- trouble
def failing(module, at_step, value):
    def loss(batch, clock):
        return squared(module)(batch, clock) * (value if clock.step == at_step else 1.0)

    return loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_finite_loss_in_the_first_epoch_is_an_error(value):
    module = net()
    with pytest.raises(FloatingPointError, match="not finite at step 3, in the first epoch.*smaller learning_rate"):
        run(module, failing(module, 3, value))


def test_divergence_later_stops_says_the_step_and_keeps_the_last_good_weights():
    module, kept = net(), []
    with pytest.warns(ConvergenceWarning, match=r"not finite at step 12 \(epoch 2\); stopped"):
        _, result = run(
            module, failing(module, 12, math.nan), callbacks=[lambda row: kept.append(weights(module).clone())]
        )
    assert result.stopped == "diverged"
    assert len(result.history) == 2
    assert torch.equal(weights(module), kept[1])


def test_weights_ruined_by_the_last_step_of_an_epoch_are_not_kept():
    # a finite loss with an infinite gradient: nothing but the weights tells
    module, kept = net(), []

    def loss(batch, clock):
        at_zero = module(batch[0]).sum() * 0
        return squared(module)(batch, clock) + (at_zero.sqrt() if clock.step == 9 else 0)

    with pytest.warns(ConvergenceWarning, match="not finite at step 10"):
        run(module, loss, callbacks=[lambda row: kept.append(weights(module).clone())])
    assert torch.equal(weights(module), kept[0])


def test_ctrl_c_leaves_the_loop():
    module = net()

    def loss(batch, clock):
        if clock.step == 7:
            raise KeyboardInterrupt
        return squared(module)(batch, clock)

    with pytest.raises(KeyboardInterrupt):
        run(module, loss)


def test_a_callback_ends_the_training_and_the_last_epoch_is_kept():
    module, seen = net(), []

    def enough(row):
        seen.append(weights(module).clone())
        if row["epoch"] == 1:
            raise StopTraining

    _, result = run(module, callbacks=[enough])
    assert (result.stopped, len(result.history)) == ("callback", 2)
    assert torch.equal(weights(module), seen[1])
    assert not module.training


def test_a_callback_ends_the_training_and_with_validation_rows_the_best_epoch_is_kept():
    scores, module, seen = iter([1.0, 2.0]), net(), []

    def enough(row):
        seen.append(weights(module).clone())
        if row["epoch"] == 1:
            raise StopTraining

    run(module, validate=lambda: next(scores), callbacks=[enough])
    assert torch.equal(weights(module), seen[0])


# ---------------------------------------------------------------- devices
def test_auto_is_a_device_torch_has():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


def test_an_impossible_device_names_itself():
    with pytest.raises(ValueError, match="got 'abacus'"):
        resolve_device("abacus")
