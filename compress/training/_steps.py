"""What each step of the loop takes: a batch, a learning rate, an optimiser, decay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from compress.training._clock import Clock
from compress.training._processes import OneProcess

__all__ = ["OPTIMIZERS", "Clock", "Diverged", "Task", "decay", "make_optimiser", "shuffled_batches"]

SHUFFLE_BLOCK = 1 << 16  # rows gathered at a time: bounds the copy, large enough to amortise the gather
OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True)
class Task:
    """What is minimised over what, and how fast: the part of `train`'s arguments that its steps look at.

    Attributes
    ----------
    loss, optimizer, momentum, learning_rate, weight_decay, batch_size, device
        As in `train`.
    parameters, decayed : list of Parameter
        Those that are trained, and those of them that decay.
    factor : callable(progress) -> float
        The share of `learning_rate` at a progress from 0 to 1.
    total_steps, n_rows, max_epochs : int
        The numbers of steps of the whole training, of rows and of epochs.
    processes : OneProcess or Processes
        Those that train together.
    bfloat16 : bool
        Whether the loss is computed under bfloat16 autocast.
    own_decay : callable(rate), optional
        It stands in place of `decayed` and does the decay of one step, at a learning rate that is a float or a tensor
        of one number.
    weights_must_be_finite : bool
        Whether an epoch that leaves weights that are not finite has diverged.
    """

    loss: Callable
    parameters: list[nn.Parameter]
    decayed: list[nn.Parameter]
    optimizer: str
    momentum: float
    learning_rate: float
    weight_decay: float
    factor: Callable[[float], float]
    total_steps: int
    batch_size: int
    n_rows: int
    device: torch.device
    max_epochs: int = 1
    processes: object = OneProcess()
    bfloat16: bool = False
    own_decay: Callable | None = None
    weights_must_be_finite: bool = True

    def clock(self, epoch: int, step: int) -> Clock:
        """The clock at a step, counted from 0 over all epochs."""
        return Clock(epoch, step, step / self.total_steps)

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.learning_rate * self.factor(step / self.total_steps)

    def autocast(self):
        """The context in which the loss is computed."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16)


class Diverged(Exception):
    """The loss, or the weights, are no longer finite."""

    def __init__(self, epoch: int, step: int):
        self.epoch, self.step = epoch, step


def make_optimiser(name, parameters, learning_rate, momentum, *, capturable: bool = False) -> torch.optim.Optimizer:
    """The optimiser named, without the decay, which `decay` does: a second group of parameters costs a second step.

    Parameters
    ----------
    name : {"adamw", "sgd"}
    parameters : list of Parameter
    learning_rate : float, or float32 tensor of one number on the parameters' device
        A tensor is looked at anew at each step, also at the replay of a captured one.
    momentum : float, of "sgd"
    capturable : bool
        Whether the step will be captured in a CUDA graph.
    """
    if name == "adamw":
        optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.0, fused=True, capturable=capturable)
        if capturable:  # the steps before the capture are meant to run as they are; torch would warn of the first
            optimiser._warned_capturable_if_run_uncaptured = True
        return optimiser
    # fused where it is captured: the other implementations fetch the rate from the device at each step
    fused = True if capturable and learning_rate.device.type == "cuda" else None
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=momentum, nesterov=momentum > 0, fused=fused)


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
