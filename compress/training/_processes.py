"""One training on several processes: torchrun's, each with a share of every batch.

All processes have the same net. Each takes the gradient of its own rows; the gradients are averaged over all rows of
the batch, so that two processes with batches of B rows make the steps of one with batches of 2 B.
"""

from __future__ import annotations

import atexit
import os

import torch
from torch import distributed

from compress.training._parts import PartedRows

__all__ = ["OneProcess", "Processes", "n_rows_of", "processes_of"]


def processes_of(device: torch.device) -> OneProcess | Processes:
    """Return the processes of this training: those of torchrun or of torch's process group, else this one alone.

    Parameters
    ----------
    device : torch.device
        Where the steps run, which decides on gloo or nccl.
    """
    if not distributed.is_available():
        return OneProcess()
    launched = distributed.is_torchelastic_launched() and int(os.environ.get("WORLD_SIZE", "1")) > 1
    if launched and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return OneProcess()
    return Processes(distributed.get_rank(), distributed.get_world_size(), device)


class OneProcess:
    """A training on this process alone."""

    rank, world = 0, 1

    def check(self, seed: int) -> None:
        """Nothing can differ."""

    def own(self, rows):
        """All rows are this process's."""
        return rows

    def n_steps(self, rows, batch_size: int) -> int:
        """The steps of an epoch."""
        return -(-n_rows_of(rows) // batch_size)

    def batches(self, table, n_steps: int):
        """The batches of an epoch."""
        return table.batches()

    def backward(self, value: torch.Tensor, parameters, n_rows: int) -> tuple[torch.Tensor, int]:
        """Take the gradient of a mean loss of rows; the loss and the number of rows."""
        value.backward()
        return value.detach(), n_rows


class Processes:
    """A training on several processes, of which this is one.

    Parameters
    ----------
    rank, world : int
        The number of this process, and how many there are.
    device : torch.device
        Where the steps run.
    """

    def __init__(self, rank: int, world: int, device: torch.device):
        self.rank, self.world, self.device = rank, world, device

    def check(self, seed: int) -> None:
        """Raise ValueError when the processes would not make the same net."""
        seeds = torch.zeros(self.world, dtype=torch.int64, device=self.device)
        seeds[self.rank] = seed
        distributed.all_reduce(seeds)
        if len(seeds.unique()) > 1:
            raise ValueError(
                f"{self.world} processes train together and must have the same random_state, an int, and the same "
                "rows, but their seeds differ. Pass random_state=0 in each of them."
            )

    def own(self, rows):
        """Return the parts that this process reads; rows in memory are shared batch by batch."""
        return rows.every(self.world, self.rank) if isinstance(rows, PartedRows) else rows

    def n_steps(self, rows, batch_size: int) -> int:
        """The steps of an epoch: those of the process with most rows."""
        if isinstance(rows, PartedRows):
            return max(-(-rows.every(self.world, k).n_rows // batch_size) for k in range(self.world))
        return -(-n_rows_of(rows) // (batch_size * self.world))

    def batches(self, table, n_steps: int):
        """Yield this process's share of each step's batch; a share may have no rows.

        Parameters
        ----------
        table : HostTable, PartedTable, DeviceTable or StreamedTable
            The rows: those of a PartedTable are this process's own, those of others are all rows, in batches of all
            processes.
        n_steps : int
            The steps of an epoch.
        """
        own = isinstance(getattr(table, "rows", None), PartedRows)
        done, last = 0, None
        for batch in table.batches():
            n = len(batch[0])
            last = batch
            yield (
                batch
                if own
                else tuple(t[n * self.rank // self.world : n * (self.rank + 1) // self.world] for t in batch)
            )
            done += 1
        for _ in range(done, n_steps):  # others have more shards
            yield tuple(t[:0] for t in last)

    def backward(self, value: torch.Tensor | None, parameters, n_rows: int) -> tuple[torch.Tensor, int]:
        """Average the gradients over the rows of all processes, in place; return their mean loss and their number.

        Parameters
        ----------
        value : scalar tensor or None
            The mean loss of this process's rows; None when it has none.
        parameters : list of Parameter
            Those that are trained.
        n_rows : int
            The number of this process's rows.
        """
        if value is None:
            value = torch.zeros((), device=self.device)
        else:
            value.backward()
        parts = [torch.zeros_like(p) if p.grad is None else p.grad * n_rows for p in parameters]
        counts = [value.detach() * n_rows, value.new_tensor(n_rows)]
        flat = torch.cat([*(part.reshape(-1) for part in parts), torch.stack(counts).to(parts[0])])
        distributed.all_reduce(flat)
        start = 0
        for p in parameters:
            p.grad = (flat[start : start + p.numel()] / flat[-1]).view_as(p)
            start += p.numel()
        return flat[-2] / flat[-1], int(flat[-1])


def n_rows_of(rows) -> int:
    """Return the number of rows of a training.

    Parameters
    ----------
    rows : tuple of tensors, or PartedRows
        The rows.
    """
    return rows.n_rows if isinstance(rows, PartedRows) else len(rows[0])
