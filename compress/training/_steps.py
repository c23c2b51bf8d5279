"""What each step of the loop takes: a batch, a learning rate, an optimiser, the clock."""

from __future__ import annotations

from dataclasses import dataclass

import torch

__all__ = ["OPTIMIZERS", "Clock", "decay", "make_optimiser", "shuffled_batches"]

SHUFFLE_BLOCK = 1 << 16  # rows gathered at a time: bounds the copy, large enough to amortise the gather
OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True)
class Clock:
    """Where training stands: `epoch` and `step` from 0, `progress` from 0 to 1 over the whole run."""

    epoch: int
    step: int
    progress: float


def make_optimiser(name, parameters, learning_rate, momentum) -> torch.optim.Optimizer:
    """The optimiser named, without the decay, which `decay` does: a second group of parameters costs a second step."""
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.0, fused=True)
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=momentum, nesterov=momentum > 0)


def decay(matrices, share: float) -> None:
    """Take `share` away, in place, of the matrices that have a gradient: decoupled weight decay for any optimiser."""
    with torch.no_grad():
        for matrix in matrices:
            if matrix.grad is not None:
                matrix.mul_(1 - share)


def shuffled_batches(tensors, batch_size, order: torch.Generator, device):
    """One epoch of shuffled batches on `device`; the batches do not depend on the size of the blocks."""
    rows = torch.randperm(len(tensors[0]), generator=order)
    block = max(SHUFFLE_BLOCK // batch_size, 1) * batch_size
    for start in range(0, len(rows), block):
        chosen = rows[start : start + block]
        gathered = [t.index_select(0, chosen.to(t.device)).to(device, non_blocking=True) for t in tensors]
        for i in range(0, len(chosen), batch_size):
            yield tuple(t[i : i + batch_size] for t in gathered)
