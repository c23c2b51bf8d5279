"""How many rows a batch has when nobody says, and how the learning rate follows.

On a CPU a step of a small net takes time in proportion to its rows, and more than about a thousand rows per batch
only make fewer steps of the same pass. On a GPU a step takes about the same time up to many thousand rows, since its
kernels are bound by their start: larger batches make a pass faster. But a net needs steps, so batches grow only as far
as enough of them are left; and fewer steps learn less unless each goes further, so the learning rate grows, too.
`experiments.benchmarks.gpu` measures the validation error of this rule against that of the CPU's.
"""

from __future__ import annotations

import math

import torch

__all__ = ["auto_batch_size", "auto_learning_rate"]

ROWS_PER_BATCH_ROW = 64  # a batch is about a 64th of the rows
SMALLEST, LARGEST_CPU = 32, 1024
TWICE, LARGEST_GPU = 2048, 16384
# Steps of a training that batches must leave: for twice the CPU's largest, and for more. Tried on 400,000 rows of a
# forest's labels, 20 passes: at twice the rows the square root of 2 times the rate left a tenth more error than the
# CPU's rule, four times the rate a little less; at four times the rows it took ten times the rate, which few nets bear.
FEWEST_STEPS, MANY_STEPS = 3000, 16_000
FASTER = 4.0  # times the learning rate, where batches are larger than the CPU's


def auto_batch_size(n_rows: int, device: torch.device, n_epochs: int = 10) -> int:
    """About a 64th of the rows, a power of two between 32 and 1024; on a GPU more, where enough steps are left.

    Parameters
    ----------
    n_rows : int
        The number of rows that the training sees.
    device : torch.device
        The device of the training.
    n_epochs : int, default=10
        How often the training passes over the rows; it matters on a GPU only.

    Returns
    -------
    int
        The number of rows of a batch.

    Examples
    --------
    >>> [auto_batch_size(n, torch.device("cpu")) for n in (100, 10_000, 400_000)]
    [32, 128, 1024]
    >>> [auto_batch_size(n, torch.device("cuda"), n_epochs=20) for n in (100, 10_000, 400_000, 40_000_000)]
    [32, 128, 2048, 16384]
    """
    wanted = 2 ** round(math.log2(max(n_rows, 1) / ROWS_PER_BATCH_ROW))
    on_cpu = int(min(max(wanted, SMALLEST), LARGEST_CPU))
    if device.type != "cuda" or on_cpu < LARGEST_CPU:
        return on_cpu  # few rows have small batches for what these learn, not for their time
    if n_rows * n_epochs < FEWEST_STEPS * TWICE:
        return on_cpu
    affordable = 2 ** int(math.log2(n_rows * n_epochs / MANY_STEPS))
    return min(max(affordable, TWICE), LARGEST_GPU)


def auto_learning_rate(learning_rate: float, n_rows: int, batch_size: int) -> float:
    """The learning rate that does with an automatic batch size what `learning_rate` does with the CPU's.

    Parameters
    ----------
    learning_rate : float
        The learning rate that suits the batch size of `auto_batch_size` on a CPU.
    n_rows : int
        The number of rows that the training sees.
    batch_size : int
        What `auto_batch_size` gives for the device.

    Returns
    -------
    float
        `learning_rate` itself on a CPU; four times it where a GPU has larger batches.

    Examples
    --------
    >>> auto_learning_rate(0.003, 400_000, 1024), auto_learning_rate(0.003, 400_000, 2048)
    (0.003, 0.012)
    """
    return learning_rate * (FASTER if batch_size > auto_batch_size(n_rows, torch.device("cpu")) else 1.0)
