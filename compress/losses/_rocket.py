r"""The hint of Rocket Launching in its three forms, and the one of the dual DNN.

Notation: `l` light (student) logits, `z` booster (teacher) logits, `p = softmax(l)`, `q = softmax(z)`.
The functions take tensors and return a scalar, summed over classes and averaged over rows. Half precision is computed
in float32. Nothing is detached here: the gradient block is the caller's `z.detach()`.

References
----------
Zhou et al., "Rocket Launching: A Universal and Efficient Framework for Training Well-performing
Light Net", AAAI 2018, arXiv:1708.04106, equations 1 to 4.
"""

from __future__ import annotations

import torch

from compress.losses._checks import check_temperature, wide
from compress.losses._logits import squared_error
from compress.losses._soft_targets import soft_target_loss

__all__ = ["HINTS", "hidden_hint_loss", "rocket_hint_loss"]

HINTS = ("logits", "probabilities", "soft_targets")


def rocket_hint_loss(
    light_logits, booster_logits, *, form: str = "logits", temperature: float = 4.0, sample_weight=None
) -> torch.Tensor:
    r"""Measure how far the light net is from its booster.

    =================  ======================================  ===========================================
    form               loss per row                            gradient in :math:`l_i`
    =================  ======================================  ===========================================
    "logits"           :math:`\|l - z\|^2`                     :math:`2 (l_i - z_i)`
    "probabilities"    :math:`\|p - q\|^2`                     :math:`2 p_i [p_i - q_i + \sum_k p_k (q_k - p_k)]`
    "soft_targets"     :math:`T^2\, KL(q_T \,\|\, p_T)`        :math:`T (p_T - q_T)_i`
    =================  ======================================  ===========================================

    The first is the paper's choice; the second loses its gradient where the light net is certain; the third is
    Hinton's, where the paper prints a cross-entropy without :math:`T^2`: the gradient's direction is the same.

    Parameters
    ----------
    light_logits, booster_logits : tensors of shape (n_rows, n_classes)
        The outputs of the two nets before softmax.
    form : {"logits", "probabilities", "soft_targets"}, default="logits"
        Which of the three losses of the table is computed.
    temperature : float, positive, default=4.0
        The temperature T of "soft_targets"; the other forms do not use it.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over classes and averaged over rows; it is 0 when both nets agree.

    Raises
    ------
    ValueError
        `form` is unknown, the shapes differ, or `temperature` is not positive.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import rocket_hint_loss
    >>> light, booster = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 0.0]])
    >>> round(rocket_hint_loss(light, booster).item(), 4)
    4.0
    >>> round(rocket_hint_loss(light, booster, form="probabilities").item(), 4)
    0.0981
    """
    if form not in HINTS:
        raise ValueError(f"form must be one of {HINTS}, got {form!r}.")
    check_temperature(temperature)
    if form == "soft_targets":
        return soft_target_loss(light_logits, booster_logits, temperature=temperature, sample_weight=sample_weight)
    light, booster = wide(light_logits), wide(booster_logits)
    if form == "probabilities":
        light, booster = light.softmax(dim=-1), booster.softmax(dim=-1)
    return 2 * squared_error(light, booster, sample_weight=sample_weight)


def hidden_hint_loss(student_hidden, teacher_hidden, *, sample_weight=None) -> torch.Tensor:
    r"""Mean squared distance of two hidden layers of the same width, :math:`\frac1d \|h_S - h_T\|^2`.

    This is the second hint of the dual DNN: student and teacher have hidden layers of the same sizes, so they need
    no regressor.

    Parameters
    ----------
    student_hidden, teacher_hidden : tensors of shape (n_rows, n_units)
        The hidden layers after their activation.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, averaged over units and rows.

    Examples
    --------
    >>> import torch
    >>> from compress.losses import hidden_hint_loss
    >>> student, teacher = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    >>> hidden_hint_loss(student, teacher).item()
    2.0
    """
    return 2 / student_hidden.shape[-1] * squared_error(student_hidden, teacher_hidden, sample_weight=sample_weight)
