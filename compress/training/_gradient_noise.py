"""How noisy the gradients of batches are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import nn

from compress.training._steps import Clock, shuffled_batches

__all__ = ["gradient_noise"]


def gradient_noise(
    module: nn.Module,
    tensors: tuple[torch.Tensor, ...],
    loss: Callable[[tuple[torch.Tensor, ...], Clock], torch.Tensor],
    *,
    batch_size: int,
    n_batches: int = 8,
    seed: int = 0,
) -> float:
    """How far a batch's gradient is from that of all rows: the mean of `|g_B - g| / |g|`.

    Parameters
    ----------
    module, tensors, loss
        As in `train`; the mode of the module is left as it is, and `loss` gets the clock's start.
    batch_size : int
        The number of rows of a batch.
    n_batches : int, default=8
        The number of batches over which the mean is taken, drawn without replacement where there are enough rows.
    seed : int, default=0
        The seed that the batches are drawn with.

    Returns
    -------
    float
        0 when one batch holds all rows; infinite where the whole gradient vanishes and a batch's does not.

    Examples
    --------
    >>> import torch
    >>> from compress.training import gradient_noise
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> net = torch.nn.Linear(1, 1)
    >>> def loss(batch, clock):
    ...     return (net(batch[0]) - batch[1]).square().mean()
    ...
    >>> gradient_noise(net, (x, 2 * x), loss, batch_size=8) > gradient_noise(net, (x, 2 * x), loss, batch_size=64)
    True
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    device = parameters[0].device
    clock = Clock(0, 0, 0.0)

    def gradient(batch) -> torch.Tensor:
        with torch.enable_grad():
            parts = torch.autograd.grad(loss(batch, clock), parameters, allow_unused=True)
        return torch.cat([part.flatten() for part in parts if part is not None])

    everything = tuple(t.to(device) for t in tensors)
    whole = gradient(everything)
    order = torch.Generator().manual_seed(seed)
    batches = itertools.islice(shuffled_batches(tensors, batch_size, order, device), n_batches)
    distances = torch.stack([(gradient(batch) - whole).norm() for batch in batches])
    size, distance = float(whole.norm()), float(distances.mean())
    return distance / size if size > 0 else 0.0 if distance == 0 else math.inf
