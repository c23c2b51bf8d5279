"""Captured steps, without a GPU: a fake recorder keeps what would be captured and runs it at each replay."""

import contextlib
import math
import random

import numpy as np
import pytest
import torch
from torch import nn

from compress.losses import soft_target_loss
from compress.training import Clock, Schedule, train, value_at
from compress.training._clock import WatchedClock
from compress.training._recorder import CaptureError
from compress.training._table import DeviceTable, StreamedTable, place
from experiments.benchmarks import gpu_cases

ROWS, BATCH, EPOCHS = 103, 10, 24  # 10 full batches and one of 3 rows per epoch
X = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(0))
Y = X[:, :1] * X[:, 1:2] + X[:, 2:3]
OPTIONS = {"max_epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 0.01, "weight_decay": 0.1}


class Recorded:
    def __init__(self, function):
        self.function, self.n_replays = function, 0

    def replay(self):
        self.n_replays += 1
        self.function()


class FakeRecorder:
    """What a GPU's recorder does, on a CPU."""

    def __init__(self, waits=(), error=None):
        self.waits, self.error, self.recorded = list(waits), error, []

    def place(self):
        return contextlib.nullcontext()

    def watch(self):
        return contextlib.nullcontext(self.waits)

    def record(self, function):
        if self.error is not None:
            raise CaptureError(self.error)
        self.recorded.append(Recorded(function))
        return self.recorded[-1]


@pytest.fixture
def recorder(monkeypatch):
    """Steps on the CPU are captured by a fake."""
    fake = FakeRecorder()
    monkeypatch.setattr("compress.training._epochs.recorder_for", lambda device: fake)
    return fake


def net(seed=0, batch_norm=False):
    torch.manual_seed(seed)
    norm = nn.BatchNorm1d(8) if batch_norm else nn.Identity()
    return nn.Sequential(nn.Linear(4, 8), norm, nn.Tanh(), nn.Linear(8, 1))


def squared(module):
    return lambda batch, clock: (module(batch[0]) - batch[1]).square().mean()


def run(module=None, loss=None, **options):
    module = net() if module is None else module
    return module, train(module, (X, Y), loss or squared(module), **{**OPTIONS, **options})


def weights(module):
    return torch.cat([p.detach().ravel() for p in module.parameters()])


def eager(loss_of=None, **options):
    """What the loop without capture makes of the same."""
    module = net()
    return run(module, None if loss_of is None else loss_of(module), **options, capture=False)


# ------------------------------------------------------------------------------- the numbers of captured steps
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_captured_steps_learn_what_eager_ones_learn(recorder, optimizer, schedule):
    expected, result = eager(optimizer=optimizer, schedule=schedule)
    module, found = run(optimizer=optimizer, schedule=schedule)
    assert found.n_replayed > 200 and result.n_replayed == 0
    torch.testing.assert_close(weights(module), weights(expected), rtol=1e-4, atol=1e-6)
    for key in ("loss", "learning_rate"):
        np.testing.assert_allclose([r[key] for r in found.history], [r[key] for r in result.history], rtol=1e-5)


def test_a_streamed_table_teaches_the_same(recorder, monkeypatch):
    expected, _ = eager()
    monkeypatch.setattr("compress.training._table.fits_on", lambda *_: False)
    monkeypatch.setattr("compress.training._table.STREAM_BYTES", 3 * BATCH * 20)  # blocks of three batches
    module, result = run()
    assert result.n_replayed > 200
    torch.testing.assert_close(weights(module), weights(expected), rtol=1e-4, atol=1e-6)


def test_batch_norm_statistics_are_kept_up(recorder):
    modules = [net(batch_norm=True) for _ in range(2)]
    for module, capture in zip(modules, (True, False)):
        run(module, capture=capture)
    # not the mean, of which a bias without a gradient is a part
    torch.testing.assert_close(modules[0][1].running_var, modules[1][1].running_var, rtol=1e-3, atol=1e-5)
    assert modules[0][1].num_batches_tracked == modules[1][1].num_batches_tracked


def test_one_recording_per_size_of_batch_and_all_further_steps_are_replays(recorder):
    _, result = run()
    assert [r.n_replays for r in recorder.recorded] == [EPOCHS * 10 - 3, EPOCHS - 3]
    assert result.n_replayed == EPOCHS * 11 - 6
    assert result.n_steps == EPOCHS * 11


def test_a_size_that_seldom_comes_is_not_recorded(recorder):
    run(max_epochs=10)  # ten short batches
    assert len(recorder.recorded) == 1


@pytest.mark.parametrize("drawn_on", ["host", "device"])
@pytest.mark.parametrize("fits", [True, False])
def test_each_row_comes_once_per_epoch(monkeypatch, drawn_on, fits):
    monkeypatch.setattr("compress.training._table.HOST_ORDER_ROWS", 1000 if drawn_on == "host" else 0)
    monkeypatch.setattr("compress.training._table.fits_on", lambda *_: fits)
    monkeypatch.setattr("compress.training._table.STREAM_BYTES", 400)
    rows = torch.arange(ROWS)
    table = place((rows,), BATCH, 0, torch.device("cpu"), captured=True)
    assert isinstance(table, DeviceTable if fits else StreamedTable)
    epochs = []
    for _ in range(2):
        number, seen = torch.zeros(1, dtype=torch.int64), []
        for n_here in table.blocks():
            for k in range(n_here // BATCH):
                seen += table.gather(number.fill_(k), BATCH)[0].tolist()
            if n_here % BATCH:
                seen += table.gather(number, n_here % BATCH)[0].tolist()
        assert sorted(seen) == rows.tolist()
        epochs.append(seen)
    assert epochs[0] != epochs[1]
    assert sorted(sum((batch[0].tolist() for batch in table.batches()), [])) == rows.tolist()


def test_the_best_epochs_weights_are_kept(recorder):
    module, seen, scores = net(), [], iter([3.0, 1.0, 2.0])

    def validate():
        seen.append(weights(module).clone())
        return next(scores)

    run(module, validate=validate, max_epochs=3)
    assert torch.equal(weights(module), seen[1])


def test_no_gradients_are_left_that_would_hold_the_graphs_memory(recorder):
    module, _ = run()
    assert all(p.grad is None for p in module.parameters())


# ------------------------------------------------------------------------------------------ what is not captured
def annealed(module):
    schedule = Schedule(2.0, 1.0)
    return lambda batch, clock: value_at(schedule, clock.progress) * squared(module)(batch, clock)


def noisy(draw):
    return lambda module: lambda batch, clock: squared(module)(batch, clock) * (1 + draw())


@pytest.mark.parametrize(
    "loss_of, reason",
    [
        (annealed, "depends on the clock"),
        (noisy(np.random.rand), "random numbers on the host"),
        (noisy(random.random), "random numbers on the host"),
    ],
)
def test_a_loss_that_a_replay_would_freeze_stays_eager(recorder, loss_of, reason, caplog):
    module = net()
    with caplog.at_level("INFO", logger="compress.training"):
        _, result = run(module, loss_of(module))
    assert result.n_replayed == 0 and reason in result.eager_because
    assert recorder.recorded == []
    assert reason in caplog.text


def test_what_stays_eager_sees_the_true_clock(recorder):
    expected, _ = eager(annealed)
    module = net()
    run(module, annealed(module))
    torch.testing.assert_close(weights(module), weights(expected), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "settings, reason",
    [({"waits": ["loss.py, line 3"]}, "waits for the device: loss.py, line 3"), ({"error": "no room"}, "no room")],
)
def test_what_cannot_be_recorded_stays_eager_and_learns_the_same(recorder, settings, reason):
    recorder.__init__(**settings)
    expected, _ = eager()
    module, result = run()
    assert result.n_replayed == 0 and reason in result.eager_because
    torch.testing.assert_close(weights(module), weights(expected), rtol=1e-4, atol=1e-6)


def test_few_steps_are_not_worth_a_recording(recorder):
    _, result = run(max_epochs=1)
    assert result.n_replayed == 0 and result.eager_because is None


def test_callers_can_refuse(recorder):
    _, result = run(capture=False)
    assert result.n_replayed == 0


@pytest.mark.parametrize("temperature, captured", [(2.0, True), (Schedule(2.0, shape="constant"), True)])
def test_constant_temperatures_are_captured_though_the_clock_is_handed_on(recorder, temperature, captured):
    module = nn.Linear(4, 3)

    def loss(batch, clock):
        return soft_target_loss(module(batch[0]), batch[1], temperature=value_at(temperature, clock.progress))

    result = train(module, (X, X[:, :3]), loss, **OPTIONS)
    assert (result.n_replayed > 0) is captured


def test_a_loss_that_is_not_finite_is_told_after_the_epoch(recorder):
    module = net()
    with pytest.raises(FloatingPointError, match="in the first epoch"):
        run(module, lambda batch, clock: squared(module)(batch, clock) * math.nan)


def test_ctrl_c_tells_how_many_steps_were_done(recorder):
    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted at step 33 of 264"):
        _, result = run(callbacks=[interrupt])
    assert (result.stopped, result.n_steps) == ("interrupted", 33)


# ---------------------------------------------------------------------------------------------------- estimators
@pytest.mark.parametrize("name", list(gpu_cases.CASES))
def test_estimators_learn_captured_what_they_learn_eagerly(recorder, monkeypatch, name):
    _, captured, _ = gpu_cases.CASES[name](0, "cpu")
    # what anneals looks at the clock: "list" and the like do not
    anneals = any(word in name for word in ("annealed", "tang_wang", "FitNetClassifier, one"))
    assert anneals or recorder.recorded
    monkeypatch.setattr("compress.training._epochs.recorder_for", lambda device: None)
    _, eager, _ = gpu_cases.CASES[name](0, "cpu")
    assert captured == pytest.approx(eager, abs=0.01)


# ------------------------------------------------------------------------------------------------ the watched clock
@pytest.mark.parametrize(
    "look",
    [
        lambda t: t * 2,
        lambda t: 2 - t,
        lambda t: t / t,
        lambda t: t > 0.5,
        lambda t: min(t, 1.0),
        lambda t: math.cos(t),
        lambda t: float(t),
        lambda t: t == 0.25,
        lambda t: f"{t:.2f}",
        lambda t: -t,
        lambda t: torch.ones(2) * float(t),
        lambda t: round(t, 1),
    ],
)
def test_whatever_looks_at_a_watched_number_is_noticed_and_gets_its_value(look):
    clock = WatchedClock(Clock(3, 7, 0.25))
    found, expected = look(clock.progress), look(0.25)
    assert clock.used
    assert torch.equal(found, expected) if isinstance(found, torch.Tensor) else found == expected


def test_handing_a_watched_number_on_is_no_look():
    clock = WatchedClock(Clock(3, 7, 0.25))
    assert value_at(4.0, clock.progress) == 4.0
    assert not clock.used
    assert list(range(10))[clock.step] == 7
    assert clock.used


def test_a_learning_rate_of_numpy_is_captured_like_any_number(recorder):
    # np.float64 would make a tensor of doubles of the rates, which the captured step cannot read
    plain, _ = run(learning_rate=0.01)
    of_numpy, found = run(learning_rate=np.float64(0.01))
    assert found.n_replayed > 200
    torch.testing.assert_close(weights(of_numpy), weights(plain))
