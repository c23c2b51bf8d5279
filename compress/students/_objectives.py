"""What a student's outputs mean: the loss they are trained with and the link to its predictions.

An objective knows how many outputs the net has, in which unit it learns them (`mean`, `scale`), the
training loss, the validation score and the link. Classification targets are probabilities of shape
(n_rows, n_classes), hard labels as one-hot rows; two classes need one output z, and stand for the
logits (-z/2, z/2).
"""

from __future__ import annotations

import numpy as np
import torch

from compress.losses import distribution_loss, probability_matching_loss, squared_error

__all__ = ["Logits", "Objective", "Probabilities", "SoftTargets", "Values", "centred_logits"]

LOGIT_CLIP = 1e-4  # probabilities below it are the teacher's vote counting, not knowledge


class Objective:
    """Base: cross-entropy for classifiers; subclasses replace what differs.

    Parameters
    ----------
    link : {"binary", "softmax", "identity"}
        From outputs to predictions.
    mean, scale : float32 arrays of shape (n_outputs,)
        The net's outputs times `scale` plus `mean` are logits or values.
    """

    def __init__(self, link: str, mean: np.ndarray, scale: np.ndarray):
        self.link, self.mean, self.scale = link, mean, scale

    @classmethod
    def for_targets(cls, targets: np.ndarray, weight: np.ndarray | None = None) -> Objective:
        """The objective whose outputs and unit fit targets of shape (n_rows, n_columns), rows weighted."""
        link, n_outputs = _classifier_outputs(targets)
        return cls(link, np.zeros(n_outputs, dtype=np.float32), np.ones(n_outputs, dtype=np.float32))

    @property
    def n_outputs(self) -> int:
        """Outputs of the net."""
        return len(self.mean)

    def learnable(self, targets: np.ndarray) -> np.ndarray:
        """The targets as `loss` wants them, in the unit in which the net learns."""
        return targets

    def logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Logits of shape (n_rows, n_classes) from outputs in their final unit."""
        return torch.cat([-0.5 * outputs, 0.5 * outputs], dim=1) if self.link == "binary" else outputs

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """Training loss of outputs in the training unit against `learnable` targets."""
        return distribution_loss(self.logits(outputs), target, sample_weight=weight)

    def step_loss(self, outputs, target, weight=None, *, inputs, clock) -> torch.Tensor:
        """`loss` with what some objectives look at besides: the net's inputs, the clock of `compress.training`."""
        return self.loss(outputs, target, weight)

    def score(self, outputs, target, weight=None) -> torch.Tensor:
        """Validation score, lower is better, of outputs in their final unit against plain targets."""
        return distribution_loss(self.logits(outputs), target, sample_weight=weight)


class SoftTargets(Objective):
    """Cross-entropy with the teacher's probabilities (at temperature 1) or with one-hot labels."""


class Probabilities(Objective):
    """Squared error of the probabilities: the measure of the 2006 paper as a loss."""

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """See `Objective.loss`."""
        return probability_matching_loss(self.logits(outputs), target, sample_weight=weight)

    score = loss


class Logits(Objective):
    """Squared error of centred logits, standardised per output (Ba & Caruana, 2014)."""

    @classmethod
    def for_targets(cls, targets: np.ndarray, weight: np.ndarray | None = None) -> Objective:
        """See `Objective.for_targets`."""
        link, _ = _classifier_outputs(targets)
        return cls(link, *_moments(_output_logits(targets, link), weight))

    def learnable(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.learnable`."""
        return (_output_logits(targets, self.link) - self.mean) / self.scale

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """See `Objective.loss`."""
        return squared_error(outputs, target, sample_weight=weight)


class Values(Objective):
    """Squared error of regression values, standardised per output."""

    @classmethod
    def for_targets(cls, targets: np.ndarray, weight: np.ndarray | None = None) -> Objective:
        """See `Objective.for_targets`."""
        return cls("identity", *_moments(targets, weight))

    def learnable(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.learnable`."""
        return ((targets.astype(np.float64) - self.mean) / self.scale).astype(np.float32)

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """See `Objective.loss`."""
        return squared_error(outputs, target, sample_weight=weight)

    score = loss


def centred_logits(probabilities: np.ndarray, clip: float = LOGIT_CLIP) -> np.ndarray:
    """Log-probabilities, clipped below at `log(clip)`, minus their mean over the classes of each row."""
    v = np.log(np.maximum(probabilities, clip, dtype=np.float32))
    return v - v.mean(axis=1, keepdims=True)


def _classifier_outputs(targets: np.ndarray) -> tuple[str, int]:
    n_classes = targets.shape[1]
    return ("binary", 1) if n_classes == 2 else ("softmax", n_classes)


def _output_logits(targets: np.ndarray, link: str) -> np.ndarray:
    v = centred_logits(targets)
    return v[:, 1:] - v[:, :1] if link == "binary" else v


def _moments(values: np.ndarray, weight) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(values.astype(np.float64), axis=0, weights=weight)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    return mean.astype(np.float32), np.where(spread > 0, spread, 1.0).astype(np.float32)
