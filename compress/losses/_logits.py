"""Matching the teacher's numbers by least squares: logits (Ba & Caruana, 2014) or probabilities, whose RMSE is the
measure of Bucila et al. (2006).

The functions take tensors and return a scalar, summed over outputs and averaged over rows. Nothing is detached here.
Half precision is computed in float32, since float16 cannot hold the square of a logit of 1e4.

References
----------
Ba and Caruana, "Do Deep Nets Really Need to be Deep?", NIPS 2014, arXiv:1312.6184.
Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from compress.losses._checks import check_same_shape, mean_over_rows, wide

__all__ = ["logit_matching_loss", "probability_matching_loss", "squared_error"]


def squared_error(prediction, target, *, sample_weight=None) -> torch.Tensor:
    r"""Half the squared L2 distance, :math:`\frac{1}{2n} \sum_i w_i \|a_i - b_i\|^2`.

    Parameters
    ----------
    prediction, target : tensors of shape (n_rows, n_outputs)
        The numbers predicted and the numbers to predict.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over outputs and averaged over rows.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import squared_error
    >>> prediction, target = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [3.0]])
    >>> squared_error(prediction, target).item()  # half of the mean of 1 and 0
    0.25
    """
    check_same_shape(prediction, target)
    prediction, target = wide(prediction), wide(target)
    if sample_weight is None:
        return F.mse_loss(prediction, target, reduction="sum") / (2 * len(prediction))
    return mean_over_rows(0.5 * (prediction - target).square().sum(dim=-1), sample_weight)


def logit_matching_loss(student_logits, teacher_logits, *, sample_weight=None) -> torch.Tensor:
    r"""Half the squared distance of the logits, :math:`\frac{1}{2n} \sum_i w_i \|z_i - v_i\|^2`.

    Equation (2) of Ba & Caruana. A constant added to all logits of a row does not change the
    prediction but does change this loss: centre the teacher's logits where their level is arbitrary.

    Parameters
    ----------
    student_logits, teacher_logits : tensors of shape (n_rows, n_classes)
        The outputs of the student and of the teacher before softmax.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over classes and averaged over rows.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import logit_matching_loss
    >>> student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> teacher = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> logit_matching_loss(student, teacher).item()
    1.25
    """
    return squared_error(student_logits, teacher_logits, sample_weight=sample_weight)


def probability_matching_loss(student_logits, teacher_probabilities, *, sample_weight=None) -> torch.Tensor:
    r"""Half the squared distance of the probabilities, :math:`\frac{1}{2n} \sum_i \|softmax(z_i) - p_i\|^2`.

    For two classes this is the squared error of P(y=1), summed over both columns and halved: its
    square root is the RMSE of the 2006 paper. The gradient vanishes where the student is certain.

    Parameters
    ----------
    student_logits : tensor of shape (n_rows, n_classes)
        The student's outputs before softmax.
    teacher_probabilities : tensor of shape (n_rows, n_classes)
        The teacher's probabilities, or one-hot labels; each row sums to 1.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over classes and averaged over rows.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import probability_matching_loss
    >>> student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> round(probability_matching_loss(student, labels).item(), 4)
    0.0433
    """
    return squared_error(wide(student_logits).softmax(dim=-1), teacher_probabilities, sample_weight=sample_weight)
