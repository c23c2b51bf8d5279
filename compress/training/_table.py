"""Where the rows of a training live, and how they come to its steps.

On a CPU they stay where they are. On a GPU they live on the device when they fit, so that a step moves nothing over
the bus; else shuffled blocks are gathered in page-locked memory and copied ahead, while the device is busy with the
block before. A table gives shuffled batches to eager steps (`batches`), and to captured ones, which can only read
fixed places of memory, blocks and a gather by the number of the batch (`blocks`, `gather`).
"""

from __future__ import annotations

import contextlib

import torch

from compress.training import _steps
from compress.training._parts import PartedRows

__all__ = ["DeviceTable", "HostTable", "PartedTable", "StreamedTable", "fits_on", "place"]

# up to so many rows the order is drawn on the host, as on a CPU: a student sees the same batches on every device.
# More would take the host longer than the epoch takes a GPU.
HOST_ORDER_ROWS = 1 << 17
SHARE = 0.7  # of the free memory that the table may take; the rest is for activations, weights and captured steps
ORDER_BYTES = 40  # per row: the order, 8 bytes, and what a device needs to draw it
STREAM_BYTES = 1 << 24  # of a block that is copied ahead: large enough that the copy, not its start, takes the time


def place(tensors, batch_size: int, seed: int, device: torch.device, *, captured: bool = False):
    """The table that fits the device and what its steps are.

    Parameters
    ----------
    tensors : tuple of tensors with the same number of rows, on the host or on `device`; or PartedRows
        The rows.
    batch_size : int
        The number of rows of a step.
    seed : int
        The seed of the order of the rows.
    device : torch.device
        Where the steps run.
    captured : bool
        Whether steps will be captured, so that they need fixed places of memory even on a CPU.

    Returns
    -------
    HostTable, PartedTable, DeviceTable or StreamedTable
    """
    if isinstance(tensors, PartedRows):
        return PartedTable(tensors, batch_size, seed, device)
    if device.type != "cuda" and not captured:
        return HostTable(tensors, batch_size, seed, device)
    missing = sum(t.numel() * t.element_size() for t in tensors if t.device != device)
    if fits_on(device, missing + ORDER_BYTES * len(tensors[0])):
        return DeviceTable(tensors, batch_size, seed, device)
    return StreamedTable(tensors, batch_size, seed, device)


def fits_on(device: torch.device, n_bytes: int) -> bool:
    """Whether so many bytes more may live on a device, with room left to work.

    Parameters
    ----------
    device : torch.device
        The device; of a CPU the answer is always True.
    n_bytes : int
        The bytes to come.

    Examples
    --------
    >>> import torch
    >>> from compress.training import fits_on
    >>> fits_on(torch.device("cpu"), 10**15)
    True
    """
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch's own, to be used again
    return n_bytes <= SHARE * (free + unused)


class _DrawnOrder:
    """A table whose order is drawn anew in each epoch from one stream of random numbers, `_generator`."""

    _generator: torch.Generator

    def order_state(self) -> torch.Tensor:
        """The state of the order of the rows, from which the next epoch draws."""
        return self._generator.get_state()

    def seek(self, epoch: int, state: torch.Tensor) -> None:
        """Go to the begin of an epoch, where the order had this state."""
        self._generator.set_state(state)


class HostTable(_DrawnOrder):
    """Rows that stay where they are and are gathered block by block: all that a CPU needs."""

    def __init__(self, tensors, batch_size: int, seed: int, device: torch.device):
        self.tensors, self.batch_size, self.device = tensors, batch_size, device
        self._generator = torch.Generator().manual_seed(seed)

    def batches(self):
        """One epoch: tuples of tensors on the device, `batch_size` rows each but for the last."""
        return _steps.shuffled_batches(self.tensors, self.batch_size, self._generator, self.device)


class PartedTable:
    """Rows that come in parts; they are fetched beside the steps.

    Parameters
    ----------
    rows : PartedRows
        The rows.
    batch_size, seed, device
        As in `place`.
    """

    def __init__(self, rows: PartedRows, batch_size: int, seed: int, device: torch.device):
        self.rows, self.batch_size, self.device = rows, batch_size, device
        self._seed, self._epoch = seed, 0

    def order_state(self) -> torch.Tensor:
        """Nothing: the order of an epoch follows from its number."""
        return torch.empty(0, dtype=torch.uint8)

    def seek(self, epoch: int, state: torch.Tensor) -> None:
        """Go to the begin of an epoch."""
        self._epoch = epoch

    def batches(self):
        """One epoch: tuples of tensors on the device, `batch_size` rows each but for the last."""
        self._epoch += 1
        return self.rows.batches(self.batch_size, self._seed, self._epoch - 1, self.device)


class DeviceTable(_DrawnOrder):
    """Rows that live on the device, whole; what changes from epoch to epoch is their order.

    Parameters
    ----------
    tensors, batch_size, seed, device
        As in `place`.

    Attributes
    ----------
    order : int64 tensor of shape (n_rows,), on the device
        The rows of this epoch, in the same place at every epoch.
    """

    def __init__(self, tensors, batch_size: int, seed: int, device: torch.device):
        self.tensors = tuple(t.to(device, non_blocking=True) for t in tensors)
        self.batch_size, self.device = batch_size, device
        self.n_rows = len(tensors[0])
        self.order = torch.empty(self.n_rows, dtype=torch.int64, device=device)
        n_full = self.n_rows // batch_size
        self._by_batch = self.order[: n_full * batch_size].view(n_full, batch_size)
        self._on_host = self.n_rows <= HOST_ORDER_ROWS
        self._generator = torch.Generator("cpu" if self._on_host else device).manual_seed(seed)

    def shuffle(self) -> None:
        """A new order of the rows; on a GPU nothing waits for it."""
        if not self._on_host:
            self.order.copy_(torch.randperm(self.n_rows, generator=self._generator, device=self.device))
            return
        pinned = self.device.type == "cuda"
        rows = torch.randperm(self.n_rows, generator=self._generator, pin_memory=pinned)
        self.order.copy_(rows, non_blocking=True)

    def batches(self):
        """One epoch: tuples of tensors, `batch_size` rows each but for the last."""
        self.shuffle()
        block = max(_steps.SHUFFLE_BLOCK // self.batch_size, 1) * self.batch_size
        for start in range(0, self.n_rows, block):
            rows = self.order[start : start + block]
            gathered = [t.index_select(0, rows) for t in self.tensors]
            for i in range(0, len(rows), self.batch_size):
                yield tuple(t[i : i + self.batch_size] for t in gathered)

    def blocks(self):
        """One epoch for captured steps: the number of rows that `gather` finds next, all at once."""
        self.shuffle()
        yield self.n_rows

    def gather(self, number: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
        """The batch of that number, an int64 tensor of shape (1,) on the device; the epoch's last one by its size."""
        full = size == self.batch_size
        rows = self._by_batch.index_select(0, number).view(-1) if full else self.order[self.n_rows - size :]
        return tuple(t.index_select(0, rows) for t in self.tensors)


class StreamedTable(_DrawnOrder):
    """Rows that do not fit on the device: shuffled blocks are copied there ahead of the steps.

    While the device works on one block, the host gathers the next in page-locked memory, and a stream of its own
    copies it to a second place on the device.

    Parameters
    ----------
    tensors, batch_size, seed, device
        As in `place`.
    """

    def __init__(self, tensors, batch_size: int, seed: int, device: torch.device):
        self.tensors = tuple(t.cpu() for t in tensors)
        self.batch_size, self.device = batch_size, device
        self.n_rows = len(tensors[0])
        row_bytes = sum(t[:1].numel() * t.element_size() for t in tensors)
        n_batches = max(STREAM_BYTES // max(row_bytes * batch_size, 1), 1)
        self._block = min(n_batches * batch_size, -(-self.n_rows // batch_size) * batch_size)
        self._generator = torch.Generator().manual_seed(seed)
        cuda = device.type == "cuda"
        self._copier = torch.cuda.Stream(device) if cuda else None
        self._slots = [_Slot(self.tensors, self._block, device, self._copier) for _ in range(2)]
        self.here = [torch.empty((self._block, *t.shape[1:]), dtype=t.dtype, device=device) for t in self.tensors]
        self._by_batch = [t.unflatten(0, (-1, batch_size)) for t in self.here]
        if cuda:  # the memory may have been somebody else's, whose work is still under way
            self._copier.wait_stream(torch.cuda.current_stream(device))

    def batches(self):
        """One epoch: tuples of tensors, `batch_size` rows each but for the last."""
        for n_here in self.blocks():
            for i in range(0, n_here, self.batch_size):
                yield tuple(t[i : min(i + self.batch_size, n_here)] for t in self.here)

    def blocks(self):
        """One epoch: for each block, once it is there, its number of rows."""
        rows = torch.randperm(self.n_rows, generator=self._generator)
        starts = range(0, self.n_rows, self._block)
        self._slots[0].fetch(rows[: self._block])
        for k, start in enumerate(starts):
            n_here = self._slots[k % 2].deliver(self.here)
            yield n_here
            # the steps of this block are under way now: the host has time for the next one's rows
            if start + self._block < self.n_rows:
                self._slots[(k + 1) % 2].fetch(rows[start + self._block : start + 2 * self._block])

    def gather(self, number: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
        """The batch of that number within the block, an int64 tensor of shape (1,); the epoch's last by its size."""
        if size == self.batch_size:
            return tuple(t.index_select(0, number).squeeze(0) for t in self._by_batch)
        start = self.n_rows % self._block - size
        return tuple(t[start : start + size] for t in self.here)


class _Slot:
    """One of the two places through which blocks travel: page-locked on the host, and on the device."""

    def __init__(self, tensors, n_rows: int, device: torch.device, copier):
        self._tensors, self._copier = tensors, copier
        shapes = [((n_rows, *t.shape[1:]), t.dtype) for t in tensors]
        pinned = copier is not None
        self._host = [torch.empty(shape, dtype=dtype, pin_memory=pinned) for shape, dtype in shapes]
        self._device = [torch.empty(shape, dtype=dtype, device=device) for shape, dtype in shapes]
        self._copied, self._used = (torch.cuda.Event(), torch.cuda.Event()) if pinned else (None, None)
        self._n_here = 0

    def fetch(self, rows: torch.Tensor) -> None:
        """Gather rows on the host, start their copy to the device."""
        self._n_here = len(rows)
        if self._copied is not None:
            self._copied.synchronize()  # the copy before last has left the page-locked memory
        for source, host in zip(self._tensors, self._host):
            torch.index_select(source, 0, rows, out=host[: len(rows)])
        with contextlib.nullcontext() if self._copier is None else torch.cuda.stream(self._copier):
            if self._used is not None:
                self._copier.wait_event(self._used)
            for host, there in zip(self._host, self._device):
                there[: len(rows)].copy_(host[: len(rows)], non_blocking=True)
            if self._copied is not None:
                self._copied.record(self._copier)

    def deliver(self, here) -> int:
        """Put the block where the steps read it, in the order of the current stream; returns its number of rows."""
        if self._copied is not None:
            torch.cuda.current_stream(here[0].device).wait_event(self._copied)
        for there, target in zip(self._device, here):
            target[: self._n_here].copy_(there[: self._n_here], non_blocking=True)
        if self._used is not None:
            self._used.record(torch.cuda.current_stream(here[0].device))
        return self._n_here
