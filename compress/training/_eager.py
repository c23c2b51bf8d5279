"""Steps run one after the other, as torch runs them by itself: on a CPU, and for what cannot be captured."""

from __future__ import annotations

import itertools
import math

import torch

from compress.training._steps import Diverged, Task, decay, make_optimiser

__all__ = ["EagerSteps", "check_finite"]


class EagerSteps:
    """Runs the steps of an epoch.

    Parameters
    ----------
    task : Task
    table : HostTable, PartedTable, DeviceTable or StreamedTable

    Attributes
    ----------
    n_done : int
        Steps so far.
    n_replayed, eager_because : 0 and None
        As captured steps have them.
    learning_rate : float
        The learning rate of the last step.
    """

    n_replayed = 0
    eager_because = None

    def __init__(self, task: Task, table):
        self.task, self.table = task, table
        self.n_done = 0
        self.learning_rate = task.learning_rate
        self._optimiser = make_optimiser(task.optimizer, task.parameters, task.learning_rate, task.momentum)

    def epoch(self, epoch: int, begun: tuple[int, float] = (0, 0.0), after_step=None) -> float:
        """Run one epoch; the mean loss of its rows.

        Parameters
        ----------
        epoch : int
            The number of the epoch.
        begun : (int, float)
            The batches that are done already, and the sum of their losses, times rows.
        after_step : callable(batches, total), optional
            It is called after each step with the batches that are done and the sum of their losses, times rows.

        Raises
        ------
        Diverged
            A loss is not finite: on a CPU at that step, on a GPU, where each look is a wait, after the epoch.
        """
        task, optimiser, autocast = self.task, self._optimiser, self.task.autocast()
        watched = task.device.type == "cpu"
        done, total = begun
        batches = task.processes.batches(self.table, task.total_steps // task.max_epochs)
        for batch in itertools.islice(batches, done, None):
            clock = task.clock(epoch, self.n_done)
            rate = task.learning_rate * task.factor(clock.progress)
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
            value = None
            if len(batch[0]):  # of several processes one may have no rows left
                with autocast:
                    value = task.loss(batch, clock)
            seen, n_rows = task.processes.backward(value, task.parameters, len(batch[0]))
            seen = seen.item() if watched else seen
            if watched and not math.isfinite(seen):
                raise Diverged(epoch, self.n_done)
            if task.own_decay is None:
                decay(task.decayed, rate * task.weight_decay)
            else:
                task.own_decay(rate)
            optimiser.step()
            total += seen * n_rows
            self.n_done += 1
            self.learning_rate = rate
            done += 1
            if after_step is not None:
                after_step(done, total)
        mean_loss = float(total) / task.n_rows
        check_finite(task, mean_loss, epoch, self.n_done)
        return mean_loss

    def state(self) -> dict[str, torch.Tensor]:
        """The state of the optimiser, by the number of the parameter and the name of the entry."""
        known = self._optimiser.state
        return {
            f"{i}.{name}": torch.as_tensor(value)
            for i, parameter in enumerate(self.task.parameters)
            for name, value in known.get(parameter, {}).items()
            if value is not None
        }

    def restore(self, state: dict[str, torch.Tensor], n_done: int) -> None:
        """Go on with the state of an optimiser after so many steps."""
        self.n_done = n_done
        for key, value in state.items():
            i, name = key.split(".", 1)
            parameter = self.task.parameters[int(i)]
            place = "cpu" if name == "step" and parameter.device.type == "cpu" else parameter.device
            self._optimiser.state[parameter][name] = value.to(place)

    def close(self) -> None:
        """Nothing is held."""


def check_finite(task: Task, mean_loss: float, epoch: int, n_done: int) -> None:
    """Raise Diverged unless loss and weights, which the last step may have ruined after a finite loss, are finite."""
    if not math.isfinite(mean_loss) or (task.weights_must_be_finite and not _all_finite(task.parameters)):
        raise Diverged(epoch, n_done)


def _all_finite(parameters) -> bool:
    """Whether all numbers of all parameters are finite: one wait for the device, however many there are."""
    flags = [torch.isfinite(p).all() for p in parameters]
    return not flags or bool(torch.stack(flags).all())
