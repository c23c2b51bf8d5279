"""Soft targets: the student's distribution is pulled towards the teacher's (Hinton et al., 2015).

Notation: `z` student logits, `v` teacher logits, `T` temperature, `y` hard labels.
The functions take tensors and return a scalar; the mean is taken over rows, so that the value does not depend
on the batch size. Nothing is detached here: pass detached logits to keep the gradient out of the teacher.
Half precision is computed in float32: logits of 1e4 are finite in float16, but their loss is not.

References
----------
Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from compress.losses._checks import check_same_shape, check_temperature, mean_over_rows, wide

__all__ = ["distillation_loss", "soft_cross_entropy", "hard_label_loss", "soft_target_loss"]

UNLABELED = -1  # the hard label of rows that have none


def soft_target_loss(student_logits, teacher_logits, *, temperature: float = 1.0, sample_weight=None) -> torch.Tensor:
    r"""Divergence of the softened student from the softened teacher, times :math:`T^2`.

    .. math:: T^2 \, \frac1n \sum_i w_i KL(softmax(v_i / T) \,\|\, softmax(z_i / T))

    The factor :math:`T^2` keeps the gradient's size when `T` changes. KL and cross-entropy have the
    same gradient in the student; KL is 0 when the two agree.

    Parameters
    ----------
    student_logits, teacher_logits : tensors of shape (n_rows, n_classes)
        The outputs of the student and of the teacher before softmax.
    temperature : float, positive, default=1.0
        The temperature T by which the logits of both are divided.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over classes and averaged over rows.

    Raises
    ------
    ValueError
        The shapes differ, or `temperature` is not positive.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import soft_target_loss
    >>> student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> teacher = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> round(soft_target_loss(student, teacher, temperature=2.0).item(), 4)
    0.2364
    >>> soft_target_loss(teacher, teacher, temperature=2.0).item()
    0.0
    """
    check_temperature(temperature)
    check_same_shape(student_logits, teacher_logits)
    log_q = F.log_softmax(wide(student_logits) / temperature, dim=-1)
    log_p = F.log_softmax(wide(teacher_logits) / temperature, dim=-1)
    rows = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(dim=-1)
    return temperature**2 * mean_over_rows(rows, sample_weight)


def soft_cross_entropy(student_logits, probabilities, *, sample_weight=None) -> torch.Tensor:
    r"""Cross-entropy of the student against given class probabilities, one-hot labels included.

    .. math:: -\frac1n \sum_i w_i \sum_c p_{ic} \log softmax(z_i)_c

    Parameters
    ----------
    student_logits : tensor of shape (n_rows, n_classes)
        The student's outputs before softmax.
    probabilities : tensor of shape (n_rows, n_classes)
        The probabilities to learn; each row sums to 1.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over classes and averaged over rows.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import soft_cross_entropy
    >>> student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> round(soft_cross_entropy(student, torch.tensor([[0.8, 0.2], [0.3, 0.7]])).item(), 4)
    0.5701
    """
    check_same_shape(student_logits, probabilities)
    rows = -(probabilities * F.log_softmax(wide(student_logits), dim=-1)).sum(dim=-1)
    return mean_over_rows(rows, sample_weight)


def hard_label_loss(student_logits, y, *, sample_weight=None) -> torch.Tensor:
    """Cross-entropy against integer labels; rows with the label -1 (unlabelled) are left out.

    Parameters
    ----------
    student_logits : tensor of shape (n_rows, n_classes)
        The student's outputs before softmax.
    y : int64 tensor of shape (n_rows,)
        The classes from 0; -1 marks an unlabelled row.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, averaged over the labelled rows, however many unlabelled ones the batch has; 0 when all are
        unlabelled.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import hard_label_loss
    >>> student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> round(hard_label_loss(student, torch.tensor([0, 1])).item(), 4)
    0.2201
    >>> round(hard_label_loss(student, torch.tensor([0, -1])).item(), 4)  # the second row has no label
    0.1269
    """
    rows = F.cross_entropy(wide(student_logits), y, reduction="none", ignore_index=UNLABELED)
    total = rows.sum() if sample_weight is None else (rows * sample_weight).sum()
    return total / (y != UNLABELED).sum().clamp(min=1)


def distillation_loss(
    student_logits,
    teacher_logits,
    y=None,
    *,
    temperature: float = 1.0,
    soft_weight: float = 1.0,
    soft_lambda: float | None = None,
    sample_weight=None,
) -> torch.Tensor:
    r"""Weighted sum of hard labels and soft targets.

    .. math:: (1 - a) \, H(y, softmax(z)) + a \, T^2 \, KL(softmax(v / T) \| softmax(z / T))

    with `a` = `soft_weight`; or, in the other parametrisation of the literature, with `soft_lambda`

    .. math:: H(y, softmax(z)) + \lambda \, T^2 \, KL(softmax(v / T) \| softmax(z / T))

    which is the first with `a = lambda / (1 + lambda)`, times `1 + lambda`. Papers that write no
    :math:`T^2` (FitNets) have it in their lambda: divide their lambda by :math:`T^2`.

    Parameters
    ----------
    student_logits, teacher_logits : tensors of shape (n_rows, n_classes)
        The outputs of the student and of the teacher before softmax.
    y : int64 tensor of shape (n_rows,), optional
        The hard labels; -1 marks unlabelled rows, on which only the soft term acts. They are needed unless the hard
        term has weight 0.
    temperature : float, positive, default=1.0
        The temperature T by which the logits of both are divided.
    soft_weight : float in [0, 1], default=1.0
        The weight of the soft term; the hard term has the weight `1 - soft_weight`.
    soft_lambda : float >= 0, optional
        The weight of the soft term when the hard term has the weight 1; `soft_weight` is then not used.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The weighted sum, averaged over rows.

    Raises
    ------
    ValueError
        `soft_weight` is outside [0, 1], `soft_lambda` is below 0, `temperature` is not positive, or `y` is missing
        although the hard term has a weight.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import distillation_loss
    >>> student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> teacher = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> y = torch.tensor([0, 1])
    >>> round(distillation_loss(student, teacher, y, temperature=2.0, soft_weight=0.9).item(), 4)
    0.2348
    """
    check_temperature(temperature)
    if soft_lambda is None:
        check_soft_weight(soft_weight)
        hard, soft, given = 1 - soft_weight, soft_weight, f"soft_weight={soft_weight}"
    else:
        check_soft_lambda(soft_lambda)
        hard, soft, given = 1.0, soft_lambda, f"soft_lambda={soft_lambda}"
    if y is None and hard > 0:
        raise ValueError(
            f"{given} gives the hard labels weight {hard:g}, but y is None. Pass y, or use soft_weight=1.0."
        )
    loss = wide(student_logits).new_zeros(())
    if soft > 0:
        loss = loss + soft * soft_target_loss(
            student_logits, teacher_logits, temperature=temperature, sample_weight=sample_weight
        )
    if hard > 0:
        loss = loss + hard * hard_label_loss(student_logits, y, sample_weight=sample_weight)
    return loss


def check_soft_weight(soft_weight: float) -> None:
    """Raise unless the weight of the soft term lies in [0, 1]."""
    if not 0 <= soft_weight <= 1:
        raise ValueError(
            f"soft_weight must lie in [0, 1], got {soft_weight}. "
            "It is the share of the soft term; for L1 + lambda * L2 pass soft_lambda."
        )


def check_soft_lambda(soft_lambda: float) -> None:
    """Raise unless the weight of the soft term beside a hard term of weight 1 is at least 0."""
    if not soft_lambda >= 0:
        raise ValueError(f"soft_lambda must be at least 0, got {soft_lambda}. 0 leaves the hard labels alone.")
