"""Where training runs: its device, torch's random stream and threads."""

from __future__ import annotations

import contextlib

import torch

__all__ = ["isolated_rng", "resolve_device", "single_thread"]


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to train on; "auto" takes CUDA if there is one, else the CPU.

    Apple's MPS has no float64, in which the input layer takes its differences, so it is refused.
    """
    if device != "auto":
        try:
            device = torch.device(device)
            torch.empty(0, device=device, dtype=torch.float64)
        except (RuntimeError, AssertionError, TypeError) as error:
            raise ValueError(
                f"device must be 'auto' or a device torch can use here, got {device!r}: {error}"
            ) from error
        return device
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu")


@contextlib.contextmanager
def isolated_rng(seed: int, device: torch.device | None = None):
    """Seed torch inside the block only: initial weights and dropout repeat, the caller's stream goes on."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.random.default_generator.manual_seed(seed)
        for one in devices:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed)
        yield


@contextlib.contextmanager
def single_thread(active: bool = True):
    """One torch thread inside the block: small nets lose more to handing work out than they gain."""
    before = torch.get_num_threads()
    if active:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
