"""Feature interactions: what a ranker's teacher sees of the vectors of its fields beside the vectors themselves.

References
----------
Rendle, "Factorization Machines", ICDM 2010 (`FMInteraction`).
Wang et al., "Deep & Cross Network for Ad Click Predictions", ADKDD 2017 (`CrossInteraction`).
Huang et al., "FiBiNET", RecSys 2019 (`BilinearInteraction`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

__all__ = ["INTERACTIONS", "BilinearInteraction", "CrossInteraction", "FMInteraction", "make_interaction"]


class _Pairs(nn.Module):
    """Base of interactions of all pairs of fields."""

    def __init__(self, n_fields: int, size: int):
        super().__init__()
        left, right = torch.triu_indices(n_fields, n_fields, offset=1)
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("right", right, persistent=False)


class FMInteraction(_Pairs):
    """Inner products of all pairs of fields: F (F - 1) / 2 outputs, no parameters.

    Parameters
    ----------
    n_fields : int
        The number of fields, `F`.
    size : int
        The length of their vectors, `d`.

    Attributes
    ----------
    n_outputs : int
        The number of outputs.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import FMInteraction
    >>> interaction = FMInteraction(n_fields=3, size=4)
    >>> tuple(interaction(torch.ones(5, 3, 4)).shape), interaction.n_outputs
    ((5, 3), 3)
    """

    def __init__(self, n_fields: int, size: int):
        super().__init__(n_fields, size)
        self.n_outputs = len(self.left)

    def forward(self, fields: torch.Tensor) -> torch.Tensor:
        """Compute the interactions.

        Parameters
        ----------
        fields : float tensor of shape (n_rows, F, d)
            The vectors of the fields.

        Returns
        -------
        tensor of shape (n_rows, n_outputs)
            The interactions.
        """
        products = fields @ fields.transpose(1, 2)
        return products[:, self.left, self.right]


class BilinearInteraction(_Pairs):
    """Element-wise products `(W v_i) * v_j` of all pairs of fields with one `W` for all: d F (F - 1) / 2 outputs.

    Parameters
    ----------
    n_fields : int
        The number of fields, `F`.
    size : int
        The length of their vectors, `d`.

    Attributes
    ----------
    n_outputs : int
        The number of outputs.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import BilinearInteraction
    >>> interaction = BilinearInteraction(n_fields=3, size=4)
    >>> tuple(interaction(torch.ones(5, 3, 4)).shape), interaction.n_outputs
    ((5, 12), 12)
    """

    def __init__(self, n_fields: int, size: int):
        super().__init__(n_fields, size)
        self.weight = nn.Linear(size, size, bias=False)
        self.n_outputs = len(self.left) * size

    def forward(self, fields: torch.Tensor) -> torch.Tensor:
        """Compute the interactions.

        Parameters
        ----------
        fields : float tensor of shape (n_rows, F, d)
            The vectors of the fields.

        Returns
        -------
        tensor of shape (n_rows, n_outputs)
            The interactions.
        """
        return (self.weight(fields)[:, self.left] * fields[:, self.right]).flatten(1)


class CrossInteraction(nn.Module):
    """Cross network: `x_{l+1} = x_0 dot(w_l, x_l) + b_l + x_l`, with `F d` outputs.

    Parameters
    ----------
    n_fields : int
        The number of fields, `F`.
    size : int
        The length of their vectors, `d`.
    n_layers : int, default=2
        The number of layers.

    Attributes
    ----------
    n_outputs : int
        The number of outputs.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import CrossInteraction
    >>> interaction = CrossInteraction(n_fields=3, size=4)
    >>> tuple(interaction(torch.ones(5, 3, 4)).shape), interaction.n_outputs
    ((5, 12), 12)
    """

    def __init__(self, n_fields: int, size: int, n_layers: int = 2):
        super().__init__()
        self.n_outputs = n_fields * size
        self.layers = nn.ModuleList(nn.Linear(self.n_outputs, 1, bias=False) for _ in range(n_layers))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(self.n_outputs)) for _ in range(n_layers))

    def forward(self, fields: torch.Tensor) -> torch.Tensor:
        """Compute the interactions.

        Parameters
        ----------
        fields : float tensor of shape (n_rows, F, d)
            The vectors of the fields.

        Returns
        -------
        tensor of shape (n_rows, n_outputs)
            The interactions.
        """
        x0 = x = fields.flatten(1)
        for layer, bias in zip(self.layers, self.biases):
            x = x0 * layer(x) + bias + x
        return x


INTERACTIONS = {"fm": FMInteraction, "cross": CrossInteraction, "bilinear": BilinearInteraction}


def make_interaction(interaction: str | Callable, n_fields: int, size: int) -> nn.Module:
    """Make the teacher's extra layer.

    Parameters
    ----------
    interaction : {"fm", "cross", "bilinear"} or callable(n_fields, size)
        The name of the layer, or a function that returns a torch module with `n_outputs`.
    n_fields : int
        The number of fields.
    size : int
        The length of their vectors.

    Returns
    -------
    torch module
        It maps tensors of shape (n_rows, n_fields, size) to (n_rows, n_outputs).

    Raises
    ------
    TypeError
        The function does not return such a module.

    Examples
    --------
    >>> from compress.nets import make_interaction
    >>> make_interaction("fm", n_fields=3, size=4).n_outputs
    3
    """
    made = (INTERACTIONS[interaction] if isinstance(interaction, str) else interaction)(n_fields, size)
    if not isinstance(made, nn.Module) or not hasattr(made, "n_outputs"):
        raise TypeError(
            "interaction must give a torch module with an attribute n_outputs when called with (n_fields, size), "
            f"got {type(made).__name__}. It maps (n_rows, n_fields, size) to (n_rows, n_outputs)."
        )
    return made
