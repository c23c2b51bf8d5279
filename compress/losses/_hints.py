"""Hints: hidden layers of the teacher as targets of hidden layers of the student (FitNets).

Notation: `u_h` the teacher's hint layer, `v_g` the student's guided layer, `r` the regressor that
brings the one to the shape of the other: the loss compares `r(v_g)` with `u_h`. Nothing is detached
here: pass a detached hint to keep the gradient out of the teacher.

References
----------
Romero, Ballas, Kahou, Chassang, Gatta and Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
arXiv:1412.6550, equation (3).
"""

from __future__ import annotations

import torch

from compress.losses._checks import mean_over_rows, wide

__all__ = ["hint_loss"]


def hint_loss(guided, hint, *, sample_weight=None) -> torch.Tensor:
    r"""Half the squared distance of two hidden layers, :math:`\frac{1}{2n} \sum_i w_i \|r(v_g)_i - u_{h,i}\|^2`.

    For feature maps the mean is also taken over the positions, so that the loss does not grow with the
    size of the image (as in the authors' code; the paper sums).

    Parameters
    ----------
    guided, hint : tensors of the same shape (n_rows, n_units) or (n_rows, n_channels, height, width)
        The student's layer after its regressor, and the teacher's layer.
    sample_weight : tensor of shape (n_rows,), optional
        The weights of the rows; the caller scales them to mean 1 over the data set.

    Returns
    -------
    tensor, scalar
        The loss, summed over units or channels and averaged over rows and positions.

    Raises
    ------
    ValueError
        The shapes differ, or the tensors have a single axis.

    Examples
    --------
    >>> import torch
    >>> hint_loss(torch.zeros(4, 3), torch.ones(4, 3)).item()
    1.5
    """
    if guided.shape != hint.shape or guided.ndim < 2:
        raise ValueError(
            "guided and hint must have the same shape (n_rows, n_units) or (n_rows, n_channels, height, width), "
            f"got {tuple(guided.shape)} and {tuple(hint.shape)}. A regressor brings the one to the shape of the other."
        )
    squared = (wide(guided) - wide(hint)).square().sum(dim=1)
    return 0.5 * mean_over_rows(squared.flatten(1).mean(dim=1) if squared.ndim > 1 else squared, sample_weight)
