"""The multilayer perceptron, its activations, and the periodic embedding in front of it."""

from __future__ import annotations

import torch
from torch import nn

from compress.nets._size import check_layers, check_size

__all__ = ["ACTIVATIONS", "MLP", "Periodic", "make_activation"]

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid, "silu": nn.SiLU, "gelu": nn.GELU}


def make_activation(name: str) -> nn.Module:
    """Make a new module of an activation.

    Parameters
    ----------
    name : {"relu", "tanh", "logistic", "silu", "gelu"}
        The activation. ReLU works in place, since its gradient needs only the result.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import make_activation
    >>> make_activation("relu")(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return nn.ReLU(inplace=True) if name == "relu" else ACTIVATIONS[name]()


class Periodic(nn.Module):
    """Dense matrix followed by sine and cosine of its continuous columns at learned frequencies.

    Parameters
    ----------
    n_continuous : int
        The number of continuous columns, which are the first columns of the matrix.
    n_frequencies : int
        The number of frequencies of each continuous column.
    scale : float, default=0.2
        The standard deviation of the frequencies before training, in cycles per unit of the column.

    Attributes
    ----------
    weight : parameter of shape (n_continuous, n_frequencies)
        The frequencies, in radians per unit of the column.
    n_added : int
        The number of columns of sines and cosines.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
    arXiv:2203.05556: their periodic activations, together with the numbers themselves.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import Periodic
    >>> tuple(Periodic(n_continuous=2, n_frequencies=3)(torch.zeros(5, 4)).shape)
    (5, 16)
    """

    def __init__(self, n_continuous: int, n_frequencies: int, scale: float = 0.2):
        super().__init__()
        check_size(n_continuous * n_frequencies, f"a periodic embedding of {n_frequencies} frequencies")
        self.weight = nn.Parameter(torch.randn(n_continuous, n_frequencies) * (2 * torch.pi * scale))
        self.n_added = 2 * n_continuous * n_frequencies

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Append sines and cosines to a dense matrix.

        Parameters
        ----------
        x : float tensor of shape (n_rows, n_inputs)
            The dense matrix.

        Returns
        -------
        tensor of shape (n_rows, n_inputs + n_added)
            The columns of `x`, then all sines, then all cosines.
        """
        angle = (x[:, : len(self.weight), None] * self.weight).flatten(1)
        return torch.cat([x, torch.sin(angle), torch.cos(angle)], dim=1)


class MLP(nn.Module):
    """Multilayer perceptron that also returns its hidden layers.

    Parameters
    ----------
    n_inputs : int
        The number of inputs.
    hidden_layer_sizes : sequence of int
        The units of each hidden layer; an empty sequence gives a linear model.
    n_outputs : int
        The number of outputs.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}, default="relu"
        The nonlinearity of the hidden layers.
    dropout : float in [0, 1), default=0.0
        The share of units that are dropped after each hidden activation in training.
    batch_norm : bool, default=False
        Whether there is batch normalisation before each hidden activation.
    bottleneck : int, optional
        The number of linear units between the inputs and the first hidden layer: `W = U V` with no nonlinearity
        between, the factorisation of Ba & Caruana (2014). None adds no such layer.
    periodic : Periodic, optional
        The periodic embedding that the inputs pass first; None adds none.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import MLP
    >>> net = MLP(3, (8,), 2)
    >>> hidden, outputs = net.tapped(torch.zeros(5, 3))
    >>> [tuple(h.shape) for h in hidden], tuple(outputs.shape)
    ([(5, 8)], (5, 2))
    """

    def __init__(
        self,
        n_inputs: int,
        hidden_layer_sizes,
        n_outputs: int,
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        bottleneck: int | None = None,
        periodic: Periodic | None = None,
    ):
        super().__init__()
        self.periodic = periodic
        if periodic is not None:
            n_inputs += periodic.n_added
        self.hidden_layer_sizes = tuple(hidden_layer_sizes)
        check_layers(n_inputs, self.hidden_layer_sizes, n_outputs, bottleneck)
        self.bottleneck = None if bottleneck is None else nn.Linear(n_inputs, bottleneck, bias=False)
        widths = [n_inputs if bottleneck is None else bottleneck, *self.hidden_layer_sizes]
        self.layers = nn.ModuleList()
        for n_in, n_out in zip(widths[:-1], widths[1:]):
            parts = [nn.Linear(n_in, n_out)]
            if batch_norm:
                parts.append(nn.BatchNorm1d(n_out))
            parts.append(make_activation(activation))
            if dropout:
                parts.append(nn.Dropout(dropout))
            self.layers.append(nn.Sequential(*parts))
        self.output = nn.Linear(widths[-1], n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the outputs before softmax.

        Parameters
        ----------
        x : float tensor of shape (n_rows, n_inputs)
            The inputs.

        Returns
        -------
        tensor of shape (n_rows, n_outputs)
            The outputs.
        """
        return self.tapped(x)[1]

    def tapped(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Compute the hidden layers and the outputs.

        Parameters
        ----------
        x : float tensor of shape (n_rows, n_inputs)
            The inputs.

        Returns
        -------
        list of tensors, tensor of shape (n_rows, n_outputs)
            The hidden layers after their activation, first to last, and the outputs before softmax.
        """
        hidden = []
        if self.periodic is not None:
            x = self.periodic(x)
        if self.bottleneck is not None:
            x = self.bottleneck(x)
        for layer in self.layers:
            x = layer(x)
            hidden.append(x)
        return hidden, self.output(x)
