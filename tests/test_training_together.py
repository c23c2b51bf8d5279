"""Candidates trained together learn what each would learn alone."""

import math

import pytest
import torch
from test_training_graph import FakeRecorder
from torch import nn

from compress.losses import squared_error
from compress.nets import MLP
from compress.training import train, train_together

X = torch.randn(203, 4, generator=torch.Generator().manual_seed(0))
Y = X[:, :1] * X[:, 1:2] + X[:, 2:3]
RATES, DECAYS = [0.01, 0.03, 0.002], [0.0, 0.2, 0.01]
OPTIONS = {"max_epochs": 10, "batch_size": 20}


def nets(n=3):
    made = []
    for seed in range(n):
        torch.manual_seed(seed)
        made.append(MLP(4, (8,), 1))
    return made


def loss(net, batch, clock):
    return squared_error(net(batch[0]), batch[1])


def valid(net):
    return squared_error(net(X[:50]), Y[:50])


def alone(**options):
    made = nets()
    results = [
        train(
            net,
            (X, Y),
            lambda batch, clock, net=net: loss(net, batch, clock),
            learning_rate=rate,
            weight_decay=decay,
            **OPTIONS,
            **options,
        )
        for net, rate, decay in zip(made, RATES, DECAYS)
    ]
    return made, results


def together(made=None, rates=RATES, decays=DECAYS, loss=loss, **options):
    made = nets() if made is None else made
    settings = {**OPTIONS, "learning_rates": rates, "weight_decays": decays, **options}
    return made, train_together(made, (X, Y), loss, **settings)


def same(one, other):
    for p, q in zip(one.parameters(), other.parameters()):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("is_captured", [True, False])
def test_each_learns_what_it_learns_alone(monkeypatch, is_captured):
    expected, told = alone()
    fake = FakeRecorder() if is_captured else None
    monkeypatch.setattr("compress.training._epochs.recorder_for", lambda device: fake)
    made, results = together()
    for net, other, result, one in zip(made, expected, results, told):
        same(net, other)
        assert (result.n_replayed > 0) is is_captured
        for row, alike in zip(result.history, one.history):
            assert row["loss"] == pytest.approx(alike["loss"], rel=1e-3)
            assert row["learning_rate"] == pytest.approx(alike["learning_rate"], rel=1e-6)


@pytest.mark.parametrize("is_captured", [True, False])
def test_each_learns_its_own_rows(monkeypatch, is_captured):
    own = [(X[k : k + 150], Y[k : k + 150]) for k in (0, 30)]
    fake = FakeRecorder() if is_captured else None
    monkeypatch.setattr("compress.training._epochs.recorder_for", lambda device: fake)
    made, stacked = nets(2), tuple(torch.stack(parts, dim=1) for parts in zip(*own))
    results = train_together(made, stacked, loss, learning_rates=0.01, own_rows=True, **OPTIONS)
    assert (results[0].n_replayed > 0) is is_captured
    for net, other, rows in zip(made, nets(2), own):
        train(other, rows, lambda batch, clock, net=other: loss(net, batch, clock), learning_rate=0.01, **OPTIONS)
        same(net, other)


def test_of_each_the_best_epoch_is_kept():
    made, results = together(rates=[2.0, 0.01, 1.0], schedule="constant", validate=valid)
    for net, result in zip(made, results):
        scores = [row["valid"] for row in result.history]
        assert result.best_epoch == scores.index(min(scores))
        assert valid(net).item() == pytest.approx(min(scores), rel=1e-4)
    assert any(result.best_epoch < len(result.history) - 1 for result in results)


def test_one_that_diverges_does_not_stop_the_others():
    expected, _ = alone()
    made = nets()
    with torch.no_grad():
        made[1].output.bias.fill_(math.inf)
    made, results = together(made)
    assert [result.stopped for result in results] == ["finished", "diverged", "finished"]
    same(made[0], expected[0])
    same(made[2], expected[2])


def test_none_that_is_finite_is_an_error():
    with pytest.raises(FloatingPointError, match="no candidate's loss is finite"):
        together(loss=lambda net, batch, clock: loss(net, batch, clock) * math.nan)


def test_dropout_differs_from_candidate_to_candidate():
    torch.manual_seed(0)
    twins = [MLP(4, (8,), 1, dropout=0.5) for _ in range(2)]
    twins[1].load_state_dict(twins[0].state_dict())
    together(twins, rates=0.01, decays=0.0)
    assert not torch.equal(twins[0].output.weight, twins[1].output.weight)


def test_the_nets_are_as_they_were_to_their_owners():
    made, _ = together()
    assert all(p.requires_grad and p.is_leaf and p.grad is None for net in made for p in net.parameters())
    assert not made[0].training


@pytest.mark.parametrize(
    "made, settings, message",
    [
        ([], {}, "at least one net"),
        ([MLP(4, (8,), 1), MLP(4, (9,), 1)], {"rates": 0.1, "decays": 0.0}, "one architecture"),
        ([MLP(4, (8,), 1, batch_norm=True)], {"rates": 0.1, "decays": 0.0}, "batch norm"),
        ([nn.Linear(4, 1)], {"rates": [0.1, 0.2], "decays": 0.0}, "one number or one per candidate"),
        ([nn.Linear(4, 1)], {"rates": -0.1, "decays": 0.0}, "must be positive"),
    ],
)
def test_what_cannot_be_trained_together_is_refused(made, settings, message):
    with pytest.raises(ValueError, match=message):
        together(made, **settings)
