"""Steps captured once and replayed: what makes a small net fast on a GPU.

A step of a small net is some forty kernels of a few microseconds, and the host takes longer to start each than the
device to run it. So the whole step (gather of the batch, forward, loss, backward, decay, optimiser, sum of the
losses) is recorded as one CUDA graph, that the host starts in one go. Nothing in it comes from the host: the order of
the rows, the learning rates of the steps to come and the number of the step are read from the device.

The first steps run eagerly. They are steps of the training like any other, and they are watched: a loss that looks
at the clock, that draws from a random stream of the host or that waits for the device cannot be captured, and goes
on eagerly.
"""

from __future__ import annotations

import logging
import math
import random

import numpy as np
import torch

from compress.training._clock import WatchedClock
from compress.training._eager import check_finite
from compress.training._recorder import CaptureError
from compress.training._steps import Task, make_optimiser

__all__ = ["GraphSteps"]

logger = logging.getLogger(__name__)

EAGER_STEPS = 3  # before the capture: the optimiser's state is made, the libraries choose their kernels
FEWEST_REPLAYS = 16  # below, recording costs more time than it saves


class GraphSteps:
    """Runs the steps of an epoch, by replay as soon as it can.

    Parameters
    ----------
    task : Task
    table : DeviceTable or StreamedTable
    recorder : CudaRecorder
        Or anything with `place()`, `watch()` and `record(function)`.

    Attributes
    ----------
    n_done : int
        Steps so far.
    n_replayed : int
        Those of them that were replayed.
    learning_rate : float
        The learning rate of the last step.
    eager_because : str or None
        Why nothing is replayed.
    """

    def __init__(self, task: Task, table, recorder):
        self.task, self.table, self.recorder = task, table, recorder
        self.n_done = self.n_replayed = 0
        self.learning_rate = task.learning_rate
        self.eager_because: str | None = None
        self._recorded, self._eager_steps = {}, {}  # by the size of the batch: the last one of an epoch has its own
        device = task.device
        n_steps = math.ceil(task.n_rows / task.batch_size)
        # per step to come: the learning rate, and the share of the matrices that the decay leaves
        self._rates = torch.empty(n_steps, 2, dtype=torch.float32, device=device)
        self._now = torch.tensor([[task.learning_rate, 1.0]], dtype=torch.float32, device=device)
        self._number = torch.zeros(1, dtype=torch.int64, device=device)  # of the step within the block
        self._total = torch.zeros((), dtype=torch.float64, device=device)  # of the losses, times rows
        self._optimiser = make_optimiser(
            task.optimizer, task.parameters, self._now[0, 0], task.momentum, capturable=device.type == "cuda"
        )

    def epoch(self, epoch: int) -> float:
        """Run one epoch; the mean loss of its rows. The device is waited for once, at the end.

        Raises
        ------
        Diverged
            A loss, or the weights, are not finite at the end of the epoch.
        """
        task = self.task
        with self.recorder.place():
            self._total.zero_()
            for n_rows in self.table.blocks():
                n_full, rest = divmod(n_rows, task.batch_size)
                self._set_rates(n_full + (rest > 0))
                for _ in range(n_full):
                    self._run(epoch, task.batch_size)
                if rest:
                    self._run(epoch, rest)
        mean_loss = self._total.item() / task.n_rows
        self.learning_rate = task.rate(self.n_done - 1)
        check_finite(task, mean_loss, epoch, self.n_done)
        return mean_loss

    def close(self) -> None:
        """Give the graphs' memory back, gradients included."""
        self._recorded.clear()
        for parameter in self.task.parameters:
            parameter.grad = None

    def _set_rates(self, n_steps: int) -> None:
        """Tell the device the learning rates of the next steps."""
        task = self.task
        rates = [task.rate(step) for step in range(self.n_done, self.n_done + n_steps)]
        told = torch.tensor([[rate, 1 - rate * task.weight_decay] for rate in rates], dtype=torch.float32)
        if task.device.type == "cuda":
            told = told.pin_memory()
        self._rates[:n_steps].copy_(told, non_blocking=True)
        self._number.zero_()

    def _run(self, epoch: int, size: int) -> None:
        if size in self._recorded:
            self._recorded[size].replay()
            self.n_replayed += 1
        elif self.eager_because is None and self._eager_steps.get(size, 0) < EAGER_STEPS:
            self._run_watched(epoch, size)
        else:
            self._step(size, self.task.clock(epoch, self.n_done))
        self.n_done += 1

    def _run_watched(self, epoch: int, size: int) -> None:
        clock, before = WatchedClock(self.task.clock(epoch, self.n_done)), _host_random(self.task.device)
        with self.recorder.watch() as waits:
            self._step(size, clock)
        if clock.used:
            self._stay_eager("the loss depends on the clock")
        elif _host_random(self.task.device) != before:
            self._stay_eager("the loss draws random numbers on the host")
        elif waits:
            self._stay_eager(f"a step waits for the device: {waits[0]}")
        else:
            self._eager_steps[size] = self._eager_steps.get(size, 0) + 1
            if self._eager_steps[size] >= EAGER_STEPS and self._replays_ahead(size) >= FEWEST_REPLAYS:
                self._record(size)

    def _replays_ahead(self, size: int) -> int:
        """How often a batch of that size will come, after the step that is being run."""
        task = self.task
        per_epoch = task.n_rows // task.batch_size if size == task.batch_size else 1
        n_epochs = task.total_steps // math.ceil(task.n_rows / task.batch_size)
        return per_epoch * n_epochs - self._eager_steps[size]

    def _record(self, size: int) -> None:
        clock = WatchedClock(self.task.clock(0, 0))
        self._optimiser.zero_grad(set_to_none=True)  # the graph shall make gradients of its own, not add to these
        try:
            recorded = self.recorder.record(lambda: self._step(size, clock))
        except CaptureError as error:
            self._stay_eager(str(error))
            return
        if clock.used:
            self._stay_eager("the loss depends on the clock")
        else:
            self._recorded[size] = recorded

    def _stay_eager(self, reason: str) -> None:
        self.eager_because = reason
        self._recorded.clear()
        logger.info("training steps on %s are not captured, and slower for it: %s", self.task.device, reason)

    def _step(self, size: int, clock) -> None:
        """One step, of which nothing is known to the host."""
        task = self.task
        torch.index_select(self._rates, 0, self._number, out=self._now)
        batch = self.table.gather(self._number, size)
        self._optimiser.zero_grad(set_to_none=True)
        with task.autocast():
            value = task.loss(batch, clock)
        value.backward()
        with torch.no_grad():
            decayed = [p for p in task.decayed if p.grad is not None]
            if task.own_decay is not None:
                task.own_decay(self._now[0, 0])
            elif decayed:
                torch._foreach_mul_(decayed, self._now[0, 1])
            self._optimiser.step()
            self._total.add_(value.detach(), alpha=size)
            self._number.add_(1)


def _host_random(device: torch.device) -> tuple:
    """The state of the host's shared random streams; on a CPU torch's own belongs to the steps."""
    name, keys, *rest = np.random.get_state()
    own = torch.get_rng_state().numpy().tobytes() if device.type == "cuda" else b""
    return random.getstate(), name, keys.tobytes(), tuple(rest), own
