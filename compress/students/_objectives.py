"""What a student's outputs mean: the loss they are trained with, and how they become predictions.

An objective defines how many outputs the net has, in which unit it learns them (`mean`, `scale`), the
training loss, the validation score and the output activation. Classification targets are probabilities of shape
(n_rows, n_classes), hard labels as one-hot rows; two classes need one output z, and stand for the
logits (-z/2, z/2).
"""

from __future__ import annotations

import numpy as np
import torch

from compress.losses import probability_matching_loss, soft_cross_entropy, squared_error
from compress.teachers import clipped_logits

__all__ = ["Logits", "Objective", "Probabilities", "SoftTargets", "Values", "centred_logits"]

LARGEST = 1e100  # of values whose squares are averaged as they are
LOGIT_CLIP = 1e-4  # differences between probabilities below it come from counting the teacher's votes


class Objective:
    """Base of the objectives: cross-entropy for classifiers; subclasses replace what differs.

    Parameters
    ----------
    output_activation : {"sigmoid", "softmax", "identity"}
        The function from outputs to predictions; "sigmoid" is for two classes, for which the net has one output.
    mean, scale : float arrays of shape (n_outputs,)
        The unit of the outputs: the net's outputs times `scale` plus `mean` are logits (float32) or values (float64).
    """

    def __init__(self, output_activation: str, mean: np.ndarray, scale: np.ndarray):
        self.output_activation, self.mean, self.scale = output_activation, mean, scale

    @classmethod
    def for_targets(cls, targets: np.ndarray, weight: np.ndarray | None = None) -> Objective:
        """Make the objective whose outputs and unit fit given targets.

        Parameters
        ----------
        targets : float array of shape (n_rows, n_columns)
            The targets of the training rows.
        weight : array of shape (n_rows,), optional
            The weights of the rows.
        """
        activation, n_outputs = _classifier_outputs(targets)
        return cls(activation, np.zeros(n_outputs, dtype=np.float32), np.ones(n_outputs, dtype=np.float32))

    @property
    def n_outputs(self) -> int:
        """The number of outputs of the net."""
        return len(self.mean)

    def plain(self) -> Objective:
        """Return the objective of the same outputs that a trained student keeps, which does not hold a teacher."""
        return self

    def training_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return the targets as `loss` takes them, in the unit in which the net learns.

        Parameters
        ----------
        targets : float array of shape (n_rows, n_columns)
            The targets.
        """
        return targets

    def cut_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return what the outputs should be, to which the cuts of a piecewise-linear encoding are fitted.

        Parameters
        ----------
        targets : float array of shape (n_rows, n_columns)
            The targets.

        Returns
        -------
        float array of shape (n_rows, n_outputs)
            Logits, from probabilities of at least 1e-4, or standardised values.
        """
        return _output_logits(targets, self.output_activation)

    def logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_rows, n_classes) from outputs.

        Parameters
        ----------
        outputs : tensor of shape (n_rows, n_outputs)
            The outputs of the net in their final unit.
        """
        return torch.cat([-0.5 * outputs, 0.5 * outputs], dim=1) if self.output_activation == "sigmoid" else outputs

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """Return the training loss.

        Parameters
        ----------
        outputs : tensor of shape (n_rows, n_outputs)
            The outputs of the net in the training unit.
        target : tensor of shape (n_rows, n_columns)
            The result of `training_targets`.
        weight : tensor of shape (n_rows,), optional
            The weights of the rows.
        """
        return soft_cross_entropy(self.logits(outputs), target, sample_weight=weight)

    def step_loss(self, outputs, target, weight=None, *, inputs, clock) -> torch.Tensor:
        """Return the training loss of a step; some objectives also use the inputs of the net and the clock.

        Parameters
        ----------
        outputs, target, weight
            As in `loss`.
        inputs : tuple of tensors
            The inputs of the net for the batch.
        clock : compress.training.Clock
            The progress of the training.
        """
        return self.loss(outputs, target, weight)

    def score(self, outputs, target, weight=None) -> torch.Tensor:
        """Return the validation score, where lower is better.

        Parameters
        ----------
        outputs : tensor of shape (n_rows, n_outputs)
            The outputs of the net in their final unit.
        target : tensor of shape (n_rows, n_columns)
            The targets.
        weight : tensor of shape (n_rows,), optional
            The weights of the rows.
        """
        return soft_cross_entropy(self.logits(outputs), target, sample_weight=weight)


class SoftTargets(Objective):
    """Cross-entropy with the teacher's probabilities (at temperature 1) or with one-hot labels.

    Parameters
    ----------
    output_activation, mean, scale
        As in `Objective`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.students import SoftTargets
    >>> SoftTargets.for_targets(np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])).n_outputs
    3
    """


class Probabilities(Objective):
    """Squared error of the probabilities, the measure of the 2006 paper, as a loss.

    Parameters
    ----------
    output_activation, mean, scale
        As in `Objective`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.students import Probabilities
    >>> Probabilities.for_targets(np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])).n_outputs
    3
    """

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """See `Objective.loss`."""
        return probability_matching_loss(self.logits(outputs), target, sample_weight=weight)

    score = loss


class Logits(Objective):
    """Squared error of centred logits, standardised per output (Ba & Caruana, 2014).

    Parameters
    ----------
    output_activation, mean, scale
        As in `Objective`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.students import Logits
    >>> Logits.for_targets(np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])).n_outputs
    3
    """

    @classmethod
    def for_targets(cls, targets: np.ndarray, weight: np.ndarray | None = None) -> Objective:
        """See `Objective.for_targets`."""
        activation, _ = _classifier_outputs(targets)
        moments = _moments(_output_logits(targets, activation), weight)
        return cls(activation, *(part.astype(np.float32) for part in moments))

    def plain(self) -> Objective:
        """Return the objective of the same outputs that a trained student keeps, which does not hold a teacher."""
        return self

    def training_targets(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.training_targets`."""
        return (_output_logits(targets, self.output_activation) - self.mean) / self.scale

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """See `Objective.loss`."""
        return squared_error(outputs, target, sample_weight=weight)


class Values(Objective):
    """Squared error of regression values, standardised per output.

    The unit is float64, since float32 loses a small spread around a large mean.

    Parameters
    ----------
    output_activation, mean, scale
        As in `Objective`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.students import Values
    >>> objective = Values.for_targets(np.array([[1.0], [3.0]]))
    >>> objective.mean, objective.scale
    (array([2.]), array([1.]))
    """

    @classmethod
    def for_targets(cls, targets: np.ndarray, weight: np.ndarray | None = None) -> Objective:
        """See `Objective.for_targets`."""
        return cls("identity", *_moments(targets, weight))

    def plain(self) -> Objective:
        """Return the objective of the same outputs that a trained student keeps, which does not hold a teacher."""
        return self

    def training_targets(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.training_targets`."""
        return ((targets.astype(np.float64) - self.mean) / self.scale).astype(np.float32)

    def cut_targets(self, targets: np.ndarray) -> np.ndarray:
        """See `Objective.cut_targets`."""
        return self.training_targets(targets)

    def loss(self, outputs, target, weight=None) -> torch.Tensor:
        """See `Objective.loss`."""
        return squared_error(outputs, target, sample_weight=weight)

    score = loss


def centred_logits(probabilities: np.ndarray, clip: float = LOGIT_CLIP) -> np.ndarray:
    """Return log-probabilities minus their mean over the classes of each row.

    Parameters
    ----------
    probabilities : float array of shape (n_rows, n_classes)
        The class probabilities.
    clip : float in (0, 1), default=1e-4
        The smallest probability that the logarithm is taken of; smaller ones are replaced by it.

    Returns
    -------
    float32 array of shape (n_rows, n_classes)
        The logits.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.students import centred_logits
    >>> centred_logits(np.array([[0.5, 0.5], [0.0, 1.0]]), clip=0.01).round(2)
    array([[ 0. ,  0. ],
           [-2.3,  2.3]], dtype=float32)
    """
    v = clipped_logits(probabilities, clip)
    return v - v.mean(axis=1, keepdims=True)


def _classifier_outputs(targets: np.ndarray) -> tuple[str, int]:
    n_classes = targets.shape[1]
    return ("sigmoid", 1) if n_classes == 2 else ("softmax", n_classes)


def _output_logits(targets: np.ndarray, activation: str) -> np.ndarray:
    v = centred_logits(targets)
    return v[:, 1:] - v[:, :1] if activation == "sigmoid" else v


def _moments(values: np.ndarray, weight) -> tuple[np.ndarray, np.ndarray]:
    largest = float(np.abs(values).max())
    if largest > LARGEST:  # squares would overflow
        mean, spread = _moments(values / largest, weight)
        return mean * largest, np.where(spread * largest > 0, spread * largest, 1.0)
    mean = np.average(values.astype(np.float64), axis=0, weights=weight)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    return mean, np.where(spread > 0, spread, 1.0)
