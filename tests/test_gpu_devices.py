"""Devices that are not there or not enough, batch sizes that know the device: all without a GPU."""

import pytest
import torch
from torch import nn

from compress.training import (
    RandomShift,
    auto_batch_size,
    auto_learning_rate,
    captured,
    matmul_precision,
    outputs_of,
    resolve_device,
    train,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


# --------------------------------------------------------------------------------------------- devices refused
@pytest.fixture
def cards(monkeypatch):
    """Two cards, as far as torch tells; `cards.init_error` and `cards.broken` are what is wrong with them."""

    class Cards:
        names = ["Card A", "Card B"]
        init_error = kernel_error = None

    cards, empty, zeros = Cards(), torch.empty, torch.zeros

    def init():
        if cards.init_error is not None:
            raise RuntimeError(cards.init_error)

    def made(*args, device=None, **kwargs):
        if cards.kernel_error is not None:
            raise RuntimeError(cards.kernel_error)
        return zeros(*args, **kwargs)

    monkeypatch.setattr("torch.backends.cuda.is_built", lambda: True)
    monkeypatch.setattr("torch.cuda.init", init)
    monkeypatch.setattr("torch.cuda.device_count", lambda: len(cards.names))
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda index=0: cards.names[index])
    monkeypatch.setattr("torch.zeros", made)
    monkeypatch.setattr("torch.empty", empty)
    return cards


def test_auto_is_the_current_card_with_its_index(cards):
    assert resolve_device("auto") == CUDA
    assert resolve_device("cuda") == CUDA
    assert resolve_device("cuda:1") == torch.device("cuda", 1)


def test_an_index_that_does_not_exist_is_answered_with_those_that_do(cards):
    with pytest.raises(ValueError, match=r"'cuda:7'.*sees 2 CUDA devices: cuda:0 \(Card A\), cuda:1 \(Card B\)"):
        resolve_device("cuda:7")


def test_a_driver_too_old_is_told_in_its_own_words(cards):
    cards.init_error = "The NVIDIA driver on your system is too old (found version 11040).\nPlease update."
    with pytest.raises(ValueError, match=r"device must be .*'cuda'.*too old \(found version 11040\). Use device='cpu'"):
        resolve_device("cuda")
    assert resolve_device("auto") == CPU


def test_a_card_that_this_torch_has_no_code_for_is_named(cards):
    cards.kernel_error = "CUDA error: no kernel image is available for execution on the device\nmore"
    with pytest.raises(ValueError, match=r"cuda:0 \(Card A\) cannot run.*no kernel image"):
        resolve_device("cuda")
    assert resolve_device("auto") == CPU


def test_hidden_cards_are_thought_of(cards):
    cards.names = []
    with pytest.raises(ValueError, match="CUDA_VISIBLE_DEVICES"):
        resolve_device("cuda")


def test_a_torch_without_cuda_is_told(monkeypatch):
    monkeypatch.setattr("torch.backends.cuda.is_built", lambda: False)
    with pytest.raises(ValueError, match=r"'cuda:1': this torch \(.*\) is built without CUDA"):
        resolve_device("cuda:1")
    assert resolve_device("auto") == CPU


@pytest.mark.parametrize("device, why", [("mps", "no float64"), ("meta", "hold no numbers"), (3.5, "device")])
def test_other_devices_that_cannot_train_are_refused_with_a_reason(device, why):
    with pytest.raises(ValueError, match=f"device must be 'auto' or a device torch can use here.*{why}"):
        resolve_device(device)


# ------------------------------------------------------------------------------------------------------- memory
def test_too_little_memory_says_what_to_lower():
    net = nn.Linear(2, 1)

    def loss(batch, clock):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 512.00 GiB.")

    with pytest.raises(MemoryError, match=r"student: cpu ran out.*batch_size=20 and 70 rows. Lower batch_size") as said:
        train(
            net,
            (torch.ones(70, 2),),
            loss,
            max_epochs=1,
            batch_size=20,
            learning_rate=0.1,
            description="student",
        )
    assert "512.00 GiB" in str(said.value.__cause__)


# ------------------------------------------------------------------------------------------------ batches, rates
@pytest.mark.parametrize("n_rows", [1, 50, 1000, 10_000, 60_000, 400_000, 10**8])
def test_the_cpus_batch_is_a_64th_of_the_rows_between_32_and_1024(n_rows):
    size = auto_batch_size(n_rows, CPU)
    assert 32 <= size <= 1024 and size & (size - 1) == 0
    assert size in (32, 1024) or n_rows / 96 < size < n_rows / 45


@pytest.mark.parametrize(
    "n_rows, n_epochs, size",
    [
        (10_000, 200, 128),  # few rows: as on a CPU
        (400_000, 2, 1024),  # few steps: as on a CPU
        (400_000, 20, 2048),
        (40_000_000, 5, 8192),
        (10**9, 10, 16384),
    ],
)
def test_a_gpus_batch_grows_where_enough_steps_are_left(n_rows, n_epochs, size):
    assert auto_batch_size(n_rows, CUDA, n_epochs) == size


def test_the_rate_follows_larger_batches_only():
    assert auto_learning_rate(0.01, 400_000, auto_batch_size(400_000, CPU)) == 0.01
    assert auto_learning_rate(0.01, 400_000, auto_batch_size(400_000, CUDA, 20)) == 0.04
    assert auto_learning_rate(0.01, 1000, auto_batch_size(1000, CUDA)) == 0.01


# --------------------------------------------------------------------------------------------------- small things
def test_augmentations_of_ones_own_are_not_captured_unless_they_say_so():
    assert captured(None) and captured(RandomShift(1))
    assert not captured(lambda rows: rows)


def test_the_precision_of_products_is_put_back():
    before = torch.get_float32_matmul_precision()
    with matmul_precision("high"):
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize("fits", [True, False])
def test_outputs_do_not_depend_on_the_blocks(monkeypatch, fits):
    monkeypatch.setattr("compress.training._outputs.fits_on", lambda *_: fits)
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).train()
    rows = torch.randn(10, 3)
    found = outputs_of(net, (rows,), block_rows=4)
    torch.testing.assert_close(found, net.eval()(rows))


def test_outputs_leave_the_mode_as_it_was():
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).train()
    assert outputs_of(net, (torch.randn(10, 3),)).shape == (10, 4)
    assert net.training and not outputs_of(net, (torch.empty(0, 3),)).requires_grad
