"""Which of the two ways an epoch's steps are run."""

from __future__ import annotations

import logging

from compress.training._eager import EagerSteps
from compress.training._graph import FEWEST_REPLAYS, GraphSteps
from compress.training._parts import PartedRows
from compress.training._recorder import recorder_for
from compress.training._steps import Task
from compress.training._table import place

__all__ = ["steps_of"]

logger = logging.getLogger(__name__)


def steps_of(task: Task, tensors, seed: int, capture: bool) -> EagerSteps | GraphSteps:
    """Captured steps on a GPU where there are enough of them and `capture` allows it, else eager ones.

    Both have `epoch(number)`, which runs one epoch and gives its mean loss, `n_done`, `n_replayed`, `learning_rate`,
    `eager_because` and `close()`.
    """
    alone = task.processes.world == 1
    captured = alone and capture and task.total_steps >= FEWEST_REPLAYS and not isinstance(tensors, PartedRows)
    recorder = recorder_for(task.device) if captured else None
    own = task.processes.own(tensors)
    # rows in memory are shared batch by batch, and parts are each process's own
    batch_size = task.batch_size * (1 if own is not tensors else task.processes.world)
    table = place(own, batch_size, seed, task.device, captured=recorder is not None)
    logger.debug("%d rows in a %s on %s", task.n_rows, type(table).__name__, task.device)
    return EagerSteps(task, table) if recorder is None else GraphSteps(task, table, recorder)
