"""What students learn from teachers' logits: Hinton's mixture, also with hints, and Ba & Caruana's regression.

Both are objectives of `compress.students`, so that any student trains under them. A distilled student
ends with the plain objective of the same outputs (`plain`), which does not hold a teacher and can be saved.
Targets are side by side: the teacher's logits, then one-hot labels with zeros for rows that have none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from compress.losses import distillation_loss, hint_loss, squared_error
from compress.students import Logits, SoftTargets
from compress.training import value_at

__all__ = ["Distillation", "HintedDistillation", "LogitMatching", "side_by_side"]

UNLABELED = -1


def side_by_side(teacher_logits: np.ndarray, labels: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Join targets to float32 of shape (n_rows, 2 * n_classes): teacher's logits, one-hot labels (0 where unlabelled).

    What else a method needs for each row (`others`) comes after them.
    """
    return np.hstack([teacher_logits, labels, *others]).astype(np.float32)


class Distillation(SoftTargets):
    """Soft targets with temperature, mixed with hard labels (Hinton et al., 2015).

    Parameters
    ----------
    output_activation : {"sigmoid", "softmax"}
        The function from outputs to probabilities, as in `Objective`.
    n_classes : int
        The number of classes.
    temperature, soft_weight : float or Schedule
        The settings of `compress.losses.distillation_loss`, which is the loss.
    soft_lambda : float, Schedule or None, default=None
        The other parametrisation of the weight, as in `compress.losses.distillation_loss`.
    teacher : callable(inputs), optional
        A function that returns the logits, of shape (n_rows, n_classes), of rows that change from batch to batch;
        without it the logits in the targets are used.
    """

    def __init__(
        self, output_activation, n_classes, temperature, soft_weight, soft_lambda=None, teacher: Callable | None = None
    ):
        n_outputs = 1 if output_activation == "sigmoid" else n_classes
        super().__init__(output_activation, np.zeros(n_outputs, np.float32), np.ones(n_outputs, np.float32))
        self.n_classes, self.teacher = n_classes, teacher
        self.temperature, self.soft_weight, self.soft_lambda = temperature, soft_weight, soft_lambda

    def training_targets(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.training_targets`."""
        return np.ascontiguousarray(targets[:, : 2 * self.n_classes])

    def cut_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return the teacher's logits as the outputs would give them; see `Objective.cut_targets`."""
        return _regressed(targets[:, : self.n_classes], self.output_activation)

    def step_loss(self, outputs, target, weight=None, *, inputs, clock) -> torch.Tensor:
        """See `Objective.step_loss`."""
        logits, labels = self._parts(target)
        if self.teacher is not None:
            logits = self.teacher(inputs)
        return self._mixture(outputs, logits, labels, weight, clock.progress)

    def score(self, outputs, target, weight=None) -> torch.Tensor:
        """Cross-entropy with validation labels; on training rows held out, the loss at the end of the schedules."""
        if target.shape[1] == self.n_classes:
            return super().score(outputs, target, weight)
        return self._mixture(outputs, *self._parts(target), weight, 1.0)

    def plain(self) -> SoftTargets:
        """Return the plain objective of the same outputs."""
        return SoftTargets(self.output_activation, self.mean, self.scale)

    def _parts(self, target) -> tuple[torch.Tensor, torch.Tensor]:
        return target[:, : self.n_classes], target[:, self.n_classes : 2 * self.n_classes]

    def _mixture(self, outputs, teacher_logits, labels, weight, progress: float) -> torch.Tensor:
        y = torch.where(labels.sum(dim=1) > 0, labels.argmax(dim=1), UNLABELED)
        return distillation_loss(
            self.logits(outputs),
            teacher_logits,
            y,
            temperature=value_at(self.temperature, progress),
            soft_weight=value_at(self.soft_weight, progress),
            soft_lambda=value_at(self.soft_lambda, progress),
            sample_weight=weight,
        )


class LogitMatching(Logits):
    """Squared error of the teacher's own logits, centred and standardised (Ba & Caruana, 2014).

    The base class makes logits from probabilities; here the logits are regressed as they are. Centring removes
    the constant of each row, which does not change the softmax and which the paper's nets had to learn.

    Parameters
    ----------
    output_activation : {"sigmoid", "softmax"}
        The function from outputs to probabilities, as in `Objective`.
    mean, scale : float32 arrays of shape (n_outputs,)
        The unit of the outputs, as in `Objective`.
    n_classes : int
        The number of classes.
    teacher : callable(inputs), optional
        The teacher of changing rows, as in `Distillation`.
    """

    def __init__(self, output_activation, mean, scale, n_classes, teacher: Callable | None = None):
        super().__init__(output_activation, mean, scale)
        self.n_classes, self.teacher = n_classes, teacher

    @classmethod
    def for_logits(cls, logits, weight, output_activation: str, *, standardize: bool, teacher=None) -> LogitMatching:
        """Return the objective in whose unit each output has mean 0 and spread 1 over the transfer set."""
        values = _regressed(logits, output_activation).astype(np.float64)
        mean, spread = np.zeros(values.shape[1]), np.ones(values.shape[1])
        if standardize:
            mean = np.average(values, axis=0, weights=weight)
            spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
            spread[spread == 0] = 1.0
        return cls(output_activation, mean.astype(np.float32), spread.astype(np.float32), logits.shape[1], teacher)

    def training_targets(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.training_targets`."""
        return (_regressed(targets[:, : self.n_classes], self.output_activation) - self.mean) / self.scale

    def cut_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return the regressed logits; see `Objective.cut_targets`."""
        return self.training_targets(targets)

    def step_loss(self, outputs, target, weight=None, *, inputs, clock) -> torch.Tensor:
        """See `Objective.step_loss`."""
        if self.teacher is not None:
            mean, scale = (torch.from_numpy(a).to(outputs.device) for a in (self.mean, self.scale))
            target = (_regressed(self.teacher(inputs), self.output_activation) - mean) / scale
        return squared_error(outputs, target, sample_weight=weight)

    def score(self, outputs, target, weight=None) -> torch.Tensor:
        """Cross-entropy with validation labels; on training rows held out, with the teacher's probabilities."""
        if target.shape[1] != self.n_classes:
            target = target[:, : self.n_classes].softmax(dim=1)
        return super().score(outputs, target, weight)

    def plain(self) -> Logits:
        """Return the plain objective of the same outputs."""
        return Logits(self.output_activation, self.mean, self.scale)


def _regressed(logits, output_activation: str):
    """Return what the outputs stand for, of arrays or tensors: log odds of the second class, or centred logits."""
    return logits[:, 1:] - logits[:, :1] if output_activation == "sigmoid" else logits - logits.mean(1)[:, None]


class HintedDistillation(Distillation):
    """Distillation plus a weighted hint, in one sum: the single-stage variant."""

    hint_weight = 1.0
    regressor = live_hint = hint_shape = guided = None  # set by FitNetClassifier when the net is made

    def training_targets(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.training_targets`; the hint comes after logits and labels."""
        return targets

    def step_loss(self, outputs, target, weight=None, *, inputs, clock) -> torch.Tensor:
        """See `Objective.step_loss`."""
        if self.live_hint is not None:
            hint = self.live_hint(inputs)
        else:
            hint = target[:, 2 * self.n_classes :].unflatten(1, self.hint_shape)
        hinted = hint_loss(self.regressor(self.guided), hint, sample_weight=weight)
        return super().step_loss(outputs, target, weight, inputs=inputs, clock=clock) + self.hint_weight * hinted
