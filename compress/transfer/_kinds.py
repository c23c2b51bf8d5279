"""The kinds of targets that a transfer set has."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from compress.teachers import teacher_kind

__all__ = ["KINDS", "as_probabilities", "kind_of"]

KINDS = ("probabilities", "logits", "values")


def kind_of(task: str, labels: str) -> str:
    """Return the kind of the targets that a teacher gives; the most probable class is a probability of 1.

    Parameters
    ----------
    task : {"classification", "regression"}
        The task of the teacher.
    labels : {"soft", "logits", "hard"}
        The labels that are asked for.
    """
    kind = teacher_kind(task, labels)
    return "probabilities" if kind == "labels" else kind


def as_probabilities(kind: str, targets: np.ndarray) -> np.ndarray:
    """Return targets as class probabilities, float32 of shape (n_rows, n_classes).

    Parameters
    ----------
    kind : {"probabilities", "logits", "values"}
        What the targets are.
    targets : float array of shape (n_rows, n_classes)
        The targets.

    Raises
    ------
    ValueError
        They are the values of a regression.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.transfer import as_probabilities
    >>> as_probabilities("logits", np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]], dtype=float32)
    """
    if kind == "values":
        raise ValueError("the targets of a regression have no probabilities.")
    if kind == "probabilities":
        return np.ascontiguousarray(targets, dtype=np.float32)
    return softmax(targets.astype(np.float32, copy=False), axis=1)
