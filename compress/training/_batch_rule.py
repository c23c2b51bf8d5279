"""How many rows a batch has when nobody says, and how the learning rate follows.

On a CPU a step of a small net takes time in proportion to its rows, and more than about a thousand rows per batch
only make fewer steps of the same pass. On a GPU a step takes the same time up to several thousand rows, since its
kernels are bound by their start: larger batches make a pass faster. Fewer steps learn less, unless each goes further,
so the learning rate grows with the batch beyond the CPU's. `experiments.benchmarks.gpu` measures both rules.
"""

from __future__ import annotations

import math

import torch

__all__ = ["auto_batch_size", "auto_learning_rate"]

ROWS_PER_BATCH_ROW = 64  # a batch is about a 64th of the rows
SMALLEST, LARGEST_CPU, LARGEST_GPU = 32, 1024, 4096
RATE_POWER = 1.0  # of the quotient of the batch sizes


def auto_batch_size(n_rows: int, device: torch.device) -> int:
    """About a 64th of the rows, a power of two between 32 and 1024, on a GPU 4096.

    Parameters
    ----------
    n_rows : int, of the training
    device : torch.device

    Returns
    -------
    int

    Examples
    --------
    >>> [auto_batch_size(n, torch.device("cpu")) for n in (100, 10_000, 400_000)]
    [32, 128, 1024]
    >>> [auto_batch_size(n, torch.device("cuda")) for n in (100, 10_000, 400_000)]
    [32, 128, 4096]
    """
    wanted = 2 ** round(math.log2(max(n_rows, 1) / ROWS_PER_BATCH_ROW))
    return int(min(max(wanted, SMALLEST), LARGEST_GPU if device.type == "cuda" else LARGEST_CPU))


def auto_learning_rate(learning_rate: float, n_rows: int, batch_size: int) -> float:
    """The learning rate that does with an automatic batch size what `learning_rate` does with the CPU's.

    Parameters
    ----------
    learning_rate : float
        For the batch size of `auto_batch_size` on a CPU.
    n_rows : int
    batch_size : int
        Of `auto_batch_size` on the device.

    Returns
    -------
    float
        `learning_rate` itself on a CPU.

    Examples
    --------
    >>> auto_learning_rate(0.003, 400_000, 1024), auto_learning_rate(0.003, 400_000, 4096)
    (0.003, 0.012)
    """
    quotient = batch_size / auto_batch_size(n_rows, torch.device("cpu"))
    return learning_rate * quotient**RATE_POWER
