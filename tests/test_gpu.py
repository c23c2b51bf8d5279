"""On a CUDA device: all estimators learn what they learn on a CPU, leave nothing there, and say what is wrong.

Skipped without one; `make test-gpu` runs these alone.
"""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from compress import StudentClassifier, TransferSet
from compress.losses import squared_error
from compress.nets import MLP
from compress.students import fit_together
from compress.training import RandomShift, resolve_device, train, train_together
from compress.training._table import DeviceTable, StreamedTable
from experiments.benchmarks import gpu_cases, gpu_checks

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

X = torch.randn(1003, 16, generator=torch.Generator().manual_seed(0))
Y = X[:, :1] * X[:, 1:2] + X[:, 2:3]
OPTIONS = {"max_epochs": 20, "batch_size": 100, "learning_rate": 0.01, "weight_decay": 0.1}


def learned(device, loss_of=None, dropout=0.0, **options):
    torch.manual_seed(0)
    net = MLP(16, (32,), 1, dropout=dropout).to(device)
    loss = loss_of(net) if loss_of else lambda batch, clock: squared_error(net(batch[0]), batch[1])
    result = train(net, (X, Y), loss, **{**OPTIONS, **options})
    return net.to("cpu"), result


def alike(one, other, rtol=2e-2, atol=2e-3):  # Adam makes much of the rounding of small gradients
    for p, q in zip(one.parameters(), other.parameters()):
        torch.testing.assert_close(p, q, rtol=rtol, atol=atol)


# ----------------------------------------------------------------------------------------------------- estimators
@pytest.mark.parametrize("name", list(gpu_cases.CASES))
def test_every_estimator_agrees_with_the_cpu_over_seeds(name):
    row = gpu_checks.compare(name, [0, 1, 2], "cuda")
    assert row["agrees"], row


def test_what_a_gpu_fitted_is_read_without_one():
    found = gpu_checks.read_back("cuda")
    assert "failed" not in found, found
    assert max(found.values()) == 0


def test_no_pickle_holds_a_tensor_of_the_device():
    X, y = gpu_cases.plain(0)
    student = StudentClassifier((8,), max_epochs=2, device="cuda", random_state=0).fit(X, y)
    assert b"cuda" not in pickle.dumps(student.module_)
    assert next(student.module_.parameters()).device.type == "cpu"


def test_auto_takes_the_card():
    assert resolve_device("auto") == torch.device("cuda", torch.cuda.current_device())


# ----------------------------------------------------------------------------------------------------- the loop
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_captured_eager_and_cpu_learn_the_same(optimizer):
    expected, _ = learned("cpu", optimizer=optimizer)
    eager, _ = learned("cuda", optimizer=optimizer, capture=False)
    captured, result = learned("cuda", optimizer=optimizer)
    assert result.n_replayed > 150, result.eager_because
    alike(eager, expected)
    alike(captured, expected)


def test_the_same_seed_gives_the_same_weights_with_dropout():
    one, result = learned("cuda", dropout=0.3)
    two, _ = learned("cuda", dropout=0.3)
    other, _ = learned("cuda", dropout=0.3, seed=1)
    assert result.n_replayed > 150, result.eager_because
    alike(one, two, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(one.output.weight, other.output.weight)


def test_dropout_is_drawn_anew_at_each_replay():
    rows = torch.ones(1000, 1)
    net = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)).cuda()
    kept = torch.zeros(40, device="cuda")
    step = torch.zeros(1, dtype=torch.int64, device="cuda")

    def loss(batch, clock):
        out = net(batch[0])
        with torch.no_grad():
            kept.index_copy_(0, step, (out != 0).float().mean()[None])
            step.add_(1).remainder_(40)
        return out.square().mean()

    result = train(net, (rows,), loss, max_epochs=40, batch_size=1000, learning_rate=1e-6)
    assert result.n_replayed > 30
    assert len(kept.tolist()) == 40 and len(set(kept.tolist())) > 10


def test_the_callers_random_numbers_of_the_device_go_on():
    torch.manual_seed(0)  # as `learned` does, before it trains
    expected = torch.rand(1, device="cuda")
    learned("cuda", dropout=0.3)
    assert torch.equal(torch.rand(1, device="cuda"), expected)


def test_a_loss_that_waits_for_the_device_stays_eager_and_random_numbers_still_come():
    def waits(net):
        def loss(batch, clock):
            value = squared_error(net(batch[0]), batch[1])
            return value * (1.0 if value.item() > -1 else 2.0)

        return loss

    net, result = learned("cuda", waits, dropout=0.3)
    expected, _ = learned("cuda", dropout=0.3, capture=False)
    assert result.n_replayed == 0 and "waits for the device" in result.eager_because
    alike(net, expected)


def test_a_failed_capture_falls_back_and_leaves_the_device_usable(monkeypatch):
    monkeypatch.setattr("compress.training._recorder.WAITS", "never said")  # so that the wait is met in the capture

    def waits(net):
        return lambda batch, clock: squared_error(net(batch[0]), batch[1]) * (1 + 0 * float(batch[1].sum()))

    net, result = learned("cuda", waits, dropout=0.3)
    assert result.n_replayed == 0 and "capture failed" in result.eager_because
    assert torch.isfinite(torch.rand(3, device="cuda")).all()
    _, again = learned("cuda", dropout=0.3)
    assert again.n_replayed > 150


@pytest.mark.parametrize("kind", [DeviceTable, StreamedTable])
def test_both_tables_teach_what_the_cpu_learns(monkeypatch, kind):
    if kind is StreamedTable:
        monkeypatch.setattr("compress.training._table.fits_on", lambda *_: False)
        monkeypatch.setattr("compress.training._table.STREAM_BYTES", 3 * 100 * 68)
    expected, _ = learned("cpu")
    for capture in (True, False):
        net, _ = learned("cuda", capture=capture)
        alike(net, expected)


def test_an_order_drawn_on_the_device_has_each_row_once():
    table = DeviceTable((torch.arange(200_000),), 1000, 0, resolve_device("cuda"))
    first = torch.cat([batch[0] for batch in table.batches()])
    second = torch.cat([batch[0] for batch in table.batches()])
    assert torch.equal(first.sort().values, torch.arange(200_000, device="cuda"))
    assert not torch.equal(first, second)


def test_shifts_are_captured_and_differ_from_step_to_step():
    images = torch.rand(500, 64)
    seen = torch.zeros(8, 64, device="cuda")
    step = torch.zeros(1, dtype=torch.int64, device="cuda")
    net, shift = nn.Linear(64, 1).cuda(), RandomShift(2)

    def loss(batch, clock):
        rows = shift(batch[0])
        with torch.no_grad():
            seen.index_copy_(0, step, rows.mean(dim=0)[None])
            step.add_(1).remainder_(8)
        return net(rows).square().mean()

    result = train(net, (images,), loss, max_epochs=40, batch_size=500, learning_rate=1e-3)
    assert result.n_replayed > 30
    assert len({tuple(np.round(row, 6)) for row in seen.cpu().numpy().tolist()}) == 8


def test_memory_is_given_back():
    learned("cuda")
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        learned("cuda")
    assert torch.cuda.memory_allocated() <= before + (1 << 20)


def test_too_little_memory_says_what_to_lower_and_leaves_the_device_usable():
    said = gpu_checks.messages("cuda")["too little memory"]
    assert "batch_size=2097152 and 2,097,152 rows" in said and "Lower batch_size" in said
    learned("cuda")


def test_an_index_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'cuda:99'.*no such index"):
        StudentClassifier((4,), device="cuda:99").fit(X.numpy(), Y.numpy()[:, 0] > 0)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_the_second_card_learns_the_same():
    expected, _ = learned("cuda:0")
    net, result = learned("cuda:1")
    assert result.n_replayed > 150
    alike(net, expected)


def test_candidates_together_learn_what_each_learns_alone():
    made = []
    for _ in range(3):
        torch.manual_seed(0)
        made.append(MLP(16, (32,), 1).cuda())
    options = {key: value for key, value in OPTIONS.items() if key not in ("learning_rate", "weight_decay")}
    results = train_together(
        made,
        (X, Y),
        lambda net, batch, clock: squared_error(net(batch[0]), batch[1]),
        learning_rates=[0.01, 0.02, 0.005],
        weight_decays=0.1,
        **options,
    )
    assert results[0].n_replayed > 150, results[0].eager_because
    expected, _ = learned("cuda")
    alike(made[0].to("cpu"), expected)


def test_students_that_are_alike_learn_at_once_what_each_learns_alone():
    chances = [torch.rand(len(X), 1, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    sets = [
        TransferSet(X.numpy(), torch.cat([1 - p, p], dim=1).numpy(), "probabilities", np.array([0, 1])) for p in chances
    ]
    students = [StudentClassifier((16,), max_epochs=5, batch_size=64, device="cuda", random_state=0) for _ in sets]
    for student, data in zip(fit_together(students, sets), sets):
        alone = StudentClassifier((16,), max_epochs=5, batch_size=64, random_state=0).fit(data)
        np.testing.assert_allclose(student.predict_proba(data.X), alone.predict_proba(data.X), atol=5e-3)
