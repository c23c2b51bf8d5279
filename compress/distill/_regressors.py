"""Regressors: from a student's guided layer to the shape of the teacher's hint layer (FitNets, section 2.2)."""

from __future__ import annotations

from torch import nn

from compress.nets import ACTIVATIONS

__all__ = ["make_regressor"]


def make_regressor(guided: tuple, hint: tuple, hint_module: nn.Module, kind: str | None) -> nn.Module:
    """Make the regressor for two layers, with new weights.

    Parameters
    ----------
    guided, hint : tuples of int
        The shapes of one row of the two layers: (n_units,) or (n_channels, height, width).
    hint_module : torch module
        The teacher's layer, whose last nonlinearity the regressor gets too, so that it can reach the values of the
        hint.
    kind : {"auto", None}
        Whether a regressor is made; with None the shapes must be the same.

    Returns
    -------
    torch module
        A linear layer for dense layers; for feature maps a convolution without padding and with kernel
        `s_student - s_teacher + 1` in each direction, which has far fewer weights than a dense layer.

    Raises
    ------
    ValueError
        The regressor cannot bring the shapes together.
    """
    if kind is None:
        if guided != hint:
            raise ValueError(
                f"guided and hint layer must have the same shape with regressor=None, got {guided} and {hint}. "
                "Use regressor='auto'."
            )
        return nn.Identity()
    if len(guided) != len(hint) or len(hint) not in (1, 3):
        raise ValueError(
            f"guided and hint layer must both be dense or both feature maps, got shapes {guided} and {hint}. "
            "Name other layers, or pass a torch module as regressor."
        )
    if len(hint) == 1:
        layer = nn.Linear(guided[0], hint[0])
    else:
        kernel = tuple(s - t + 1 for s, t in zip(guided[1:], hint[1:]))
        if min(kernel) < 1:
            raise ValueError(
                f"the guided layer's maps must be at least as large as the hint's, got {guided[1:]} and {hint[1:]}. "
                "Name an earlier guided layer or a later hint layer."
            )
        layer = nn.Conv2d(guided[0], hint[0], kernel)
    kinds = [type(m) for m in hint_module.modules() if type(m) in ACTIVATIONS.values()]
    return nn.Sequential(layer, kinds[-1]()) if kinds else nn.Sequential(layer)
