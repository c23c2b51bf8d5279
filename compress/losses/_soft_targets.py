"""Soft targets: the student's distribution is pulled towards the teacher's (Hinton et al., 2015).

Notation: `z` student logits, `v` teacher logits, `T` temperature, `y` hard labels.
Tensors in, scalar out; the mean is taken over rows, so that the value does not depend on the batch
size. Nothing is detached here: whoever wants no gradient in the teacher passes detached logits.

References
----------
Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

__all__ = ["distillation_loss", "distribution_loss", "hard_label_loss", "soft_target_loss"]

UNLABELED = -1  # the hard label of rows that have none


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}. Use 1.0 for plain soft targets.")


def _check_same_shape(student: torch.Tensor, teacher: torch.Tensor) -> None:
    if student.shape != teacher.shape:
        raise ValueError(
            "student and teacher must have the same number of rows and classes, "
            f"got {tuple(student.shape)} and {tuple(teacher.shape)}."
        )


def soft_target_loss(student_logits, teacher_logits, *, temperature: float = 1.0) -> torch.Tensor:
    r"""Divergence of the softened student from the softened teacher, times :math:`T^2`.

    .. math:: T^2 \, \frac1n \sum_i KL(softmax(v_i / T) \,\|\, softmax(z_i / T))

    The factor :math:`T^2` keeps the gradient's size when `T` changes. KL and cross-entropy have the
    same gradient in the student; KL is 0 when the two agree.

    Parameters
    ----------
    student_logits, teacher_logits : tensors of shape (n_rows, n_classes), before softmax
    temperature : float, positive

    Returns
    -------
    tensor, scalar
        Summed over classes, mean over rows.

    Raises
    ------
    ValueError
        Shapes differ, or `temperature` is not positive.
    """
    _check_temperature(temperature)
    _check_same_shape(student_logits, teacher_logits)
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits / temperature, dim=-1)
    return temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)


def distribution_loss(student_logits, probabilities, *, sample_weight=None) -> torch.Tensor:
    r"""Cross-entropy of the student against given class probabilities, one-hot labels included.

    .. math:: -\frac1n \sum_i w_i \sum_c p_{ic} \log softmax(z_i)_c

    Parameters
    ----------
    student_logits : tensor of shape (n_rows, n_classes), before softmax
    probabilities : tensor of shape (n_rows, n_classes), rows sum to 1
    sample_weight : tensor of shape (n_rows,), optional
        Mean 1 over the data set, by the caller.

    Returns
    -------
    tensor, scalar
        Summed over classes, mean over rows.
    """
    _check_same_shape(student_logits, probabilities)
    rows = -(probabilities * F.log_softmax(student_logits, dim=-1)).sum(dim=-1)
    return rows.mean() if sample_weight is None else (rows * sample_weight).mean()


def hard_label_loss(student_logits, y) -> torch.Tensor:
    """Cross-entropy against integer labels, rows labelled -1 (unlabelled) left out.

    Parameters
    ----------
    student_logits : tensor of shape (n_rows, n_classes), before softmax
    y : int64 tensor of shape (n_rows,), classes from 0, -1 where there is no label

    Returns
    -------
    tensor, scalar
        Mean over the labelled rows; 0 when there is none.
    """
    labelled = (y != UNLABELED).sum()
    total = F.cross_entropy(student_logits, y, reduction="sum", ignore_index=UNLABELED)
    return total / labelled.clamp(min=1)


def distillation_loss(
    student_logits, teacher_logits, y=None, *, temperature: float = 1.0, soft_weight: float = 1.0
) -> torch.Tensor:
    r"""Weighted sum of hard labels and soft targets.

    .. math:: (1 - a) \, H(y, softmax(z)) + a \, T^2 \, KL(softmax(v / T) \| softmax(z / T))

    with `a` = `soft_weight`. Where a paper writes `L1 + lambda * L2`, take
    `soft_weight = lambda / (1 + lambda)` and multiply the learning rate by `1 + lambda`.

    Parameters
    ----------
    student_logits, teacher_logits : tensors of shape (n_rows, n_classes), before softmax
    y : int64 tensor of shape (n_rows,), optional
        Hard labels; -1 marks unlabelled rows, on which only the soft term acts.
    temperature : float, positive
    soft_weight : float in [0, 1]
        Weight of the soft term.

    Returns
    -------
    tensor, scalar

    Raises
    ------
    ValueError
        `soft_weight` outside [0, 1]; `y` missing although the hard term has weight.
    """
    if not 0 <= soft_weight <= 1:
        raise ValueError(f"soft_weight must lie in [0, 1], got {soft_weight}.")
    if y is None and soft_weight < 1:
        raise ValueError(
            f"soft_weight={soft_weight} gives the hard labels weight {1 - soft_weight:g}, but y is None. "
            "Pass y, or use soft_weight=1.0."
        )
    loss = student_logits.new_zeros(())
    if soft_weight > 0:
        loss = loss + soft_weight * soft_target_loss(student_logits, teacher_logits, temperature=temperature)
    if soft_weight < 1:
        loss = loss + (1 - soft_weight) * hard_label_loss(student_logits, y)
    return loss
