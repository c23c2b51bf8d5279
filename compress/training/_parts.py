"""Rows that come in parts, from files or made on the way: shuffled, and fetched beside the steps."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch

__all__ = ["PartedRows"]

MIXED_ROWS = 200_000  # rows of several parts that are shuffled together
AHEAD = 1  # groups of parts that wait while the steps are busy with another one


class PartedRows:
    """Rows to learn from that are not in memory as a whole.

    In each epoch the parts come in another order, some at a time, and the rows of those are shuffled together. A thread
    fetches the next ones meanwhile.

    Parameters
    ----------
    sizes : sequence of int
        The number of rows of each part.
    load : callable(index, epoch) -> tuple of tensors
        A function that gives a part, whose tensors all have `sizes[index]` rows. It is called from another thread.

    Examples
    --------
    >>> import torch
    >>> from compress.training import PartedRows, train
    >>> net = torch.nn.Linear(1, 1)
    >>> def load(index, epoch):
    ...     x = torch.full((32, 1), float(index))
    ...     return x, 2 * x
    ...
    >>> def loss(batch, clock):
    ...     return (net(batch[0]) - batch[1]).square().mean()
    ...
    >>> train(net, PartedRows([32, 32], load), loss, max_epochs=5, batch_size=16, learning_rate=0.1).stopped
    'finished'
    """

    def __init__(self, sizes: Sequence[int], load: Callable[[int, int], tuple[torch.Tensor, ...]]):
        self.sizes, self._load = list(sizes), load
        self.n_rows = sum(self.sizes)

    def every(self, step: int, first: int) -> PartedRows:
        """Return every `step`-th part from the `first` one on.

        Parameters
        ----------
        step, first : int
            Which parts, with 0 <= first < step.

        Raises
        ------
        ValueError
            There are fewer parts than `step`.
        """
        if len(self.sizes) < step:
            raise ValueError(
                f"each of {step} processes reads parts of its own, but there are only {len(self.sizes)}: write the "
                "transfer set with a smaller shard_rows, or start fewer processes."
            )
        numbers = range(first, len(self.sizes), step)
        return PartedRows([self.sizes[i] for i in numbers], lambda i, epoch: self._load(numbers[i], epoch))

    def head(self, n_rows: int) -> tuple[torch.Tensor, ...]:
        """Return the first rows of the first part.

        Parameters
        ----------
        n_rows : int
            The largest number of rows.
        """
        return tuple(t[:n_rows] for t in self._load(0, 0))

    def batches(self, batch_size: int, seed: int, epoch: int, device: torch.device):
        """Yield the batches of an epoch: tuples of tensors on the device, `batch_size` rows each but for the last.

        Parameters
        ----------
        batch_size, seed, epoch
            The number of rows of a batch, the seed of the order, and the number of the epoch.
        device : torch.device
            Where the steps run.

        Yields
        ------
        tuple of tensors
            The rows of a batch.
        """
        rng = np.random.default_rng([seed, epoch])
        rest = None
        for group in self._groups(rng, epoch):
            if rest is not None:
                group = tuple(torch.cat(pair) for pair in zip(rest, group))
            n_rows = len(group[0])
            whole = n_rows - n_rows % batch_size
            for start in range(0, whole, batch_size):
                yield tuple(t[start : start + batch_size].to(device) for t in group)
            rest = tuple(t[whole:] for t in group) if whole < n_rows else None
        if rest is not None:
            yield tuple(t.to(device) for t in rest)

    def _groups(self, rng, epoch: int):
        """Yield parts that were shuffled together; the next ones are fetched meanwhile."""
        groups, held = [[]], 0
        for index in rng.permutation(len(self.sizes)).tolist():
            if groups[-1] and held + self.sizes[index] > MIXED_ROWS:
                groups.append([])
                held = 0
            groups[-1].append(index)
            held += self.sizes[index]
        orders = [torch.from_numpy(rng.permutation(sum(self.sizes[i] for i in group))) for group in groups]
        fetched, ended = queue.Queue(AHEAD), threading.Event()

        def put(item) -> bool:
            while not ended.is_set():
                try:
                    fetched.put(item, timeout=0.1)
                    return True
                except queue.Full:
                    continue
            return False

        def fetch():
            try:
                for group, order in zip(groups, orders):
                    parts = [self._load(index, epoch) for index in group]
                    rows = tuple(torch.cat(tensors)[order] for tensors in zip(*parts))
                    if not put((rows, None)):
                        return
            except BaseException as error:  # raised where the rows are waited for
                put((None, error))

        thread = threading.Thread(target=fetch, name="rows", daemon=True)
        thread.start()
        try:
            for _ in groups:
                rows, error = fetched.get()
                if error is not None:
                    raise error
                yield rows
        finally:
            ended.set()
            thread.join()
