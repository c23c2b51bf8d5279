"""When a GPU's memory is not enough: an error that says what to lower."""

from __future__ import annotations

import contextlib

import torch

__all__ = ["enough_memory"]


@contextlib.contextmanager
def enough_memory(description: str, device: torch.device, batch_size: int, n_rows: int):
    """Turn torch's out-of-memory error inside the block into a MemoryError that names what takes the memory."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise MemoryError(
            f"{description}: {_state(device)} ran out of memory with batch_size={batch_size} and {n_rows:,} rows. "
            "Lower batch_size first, then hidden_layer_sizes or the number of rows; end other programs on the device; "
            "or train on device='cpu'."
        ) from error


def _state(device: torch.device) -> str:
    """The device's name and how full it is."""
    if device.type != "cuda":
        return str(device)
    free, total = torch.cuda.mem_get_info(device)
    return f"{device} ({torch.cuda.get_device_name(device)}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free)"
