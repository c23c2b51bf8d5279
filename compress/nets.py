"""Torch modules: the input layer for tables, the multilayer perceptron, and their union, the student's net.

Shapes are those of `compress.schema.Encoded`: `continuous` float (n, d_c) with NaN where missing,
`nominal` integer (n, d_n) with -1 where missing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

__all__ = ["ACTIVATIONS", "MLP", "Periodic", "TableNet", "TabularInput", "make_activation"]

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid, "silu": nn.SiLU, "gelu": nn.GELU}


def make_activation(name: str) -> nn.Module:
    """A new module of an activation; ReLU works in place, since its gradient asks for the result only."""
    return nn.ReLU(inplace=True) if name == "relu" else ACTIVATIONS[name]()


class TabularInput(nn.Module):
    """From the two encoded blocks to one dense float32 matrix.

    Continuous columns are standardised (missing becomes 0, the mean) and followed by an indicator for
    each column that had missing values in training. A nominal column is one-hot, or a learned
    embedding when it has more than `max_one_hot` categories. Code -1 (missing or unseen) has a
    position of its own if the column had missing values in training; otherwise it is all zeros,
    and in an embedding the learned vector of the missing value.

    Parameters
    ----------
    mean, scale : float64 arrays of shape (d_c,)
        Of the training rows, missing ones left out; scale 1 for constant columns.
    continuous_missing, nominal_missing : bool arrays of shape (d_c,) and (d_n,)
        Which columns had missing values in training.
    n_categories : sequence of d_n integers
    max_one_hot : int
        Columns with more categories get an embedding.
    embedding_size : int
        Length of the embedding vectors.

    Attributes
    ----------
    n_outputs : int
        Columns of the dense matrix.
    """

    def __init__(
        self,
        mean,
        scale,
        continuous_missing,
        n_categories=(),
        nominal_missing=(),
        *,
        max_one_hot: int = 64,
        embedding_size: int = 8,
    ):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(np.asarray(mean), dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(np.asarray(scale), dtype=torch.float64))
        self.n_categories = [int(n) for n in n_categories]
        self.nominal_missing = [bool(m) for m in nominal_missing]
        self.indicators = [k for k, missing in enumerate(continuous_missing) if missing]
        self.max_one_hot, self.embedding_size = max_one_hot, embedding_size
        self.embeddings = nn.ModuleDict(
            {str(k): nn.Embedding(n + 1, embedding_size) for k, n in enumerate(self.n_categories) if n > max_one_hot}
        )
        self.widths = [
            embedding_size if n > max_one_hot else n + missing
            for n, missing in zip(self.n_categories, self.nominal_missing)
        ]
        self.n_outputs = len(self.mean) + len(self.indicators) + sum(self.widths)

    @classmethod
    def from_encoded(cls, encoded, schema, weight=None, **options) -> TabularInput:
        """The input layer whose statistics are those of an encoded table, rows weighted by `weight`."""
        weight = None if weight is None else np.asarray(weight, dtype=np.float64)
        columns = encoded.continuous.T  # one at a time: a whole table of float64 temporaries is slow and large
        found = [_moments(column.astype(np.float64), weight) for column in columns]
        mean, scale, missing = (np.array(values) for values in zip(*found)) if found else np.zeros((3, 0))
        # a constant column in float arithmetic is one whose spread is rounding error
        constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        return cls(
            mean,
            np.where(constant, 1.0, scale),
            missing.astype(bool),
            schema.n_categories_,
            (encoded.nominal < 0).any(axis=0),
            **options,
        )

    @property
    def is_fixed(self) -> bool:
        """Whether nothing is learned here, so that the dense matrix can be computed once and kept."""
        return not len(self.embeddings)

    def forward(self, continuous: torch.Tensor, nominal: torch.Tensor) -> torch.Tensor:
        """Dense float32 matrix of shape (n_rows, n_outputs)."""
        # the difference is taken in double: float32 loses a small spread around a large mean
        x = ((continuous.double() - self.mean) / self.scale).float()
        parts = [torch.nan_to_num(x, nan=0.0)]
        if self.indicators:
            parts.append(torch.isnan(x[:, self.indicators]).float())
        for k, (n, missing) in enumerate(zip(self.n_categories, self.nominal_missing)):
            codes = nominal[:, k].long()
            codes = torch.where(codes < 0, n, codes)  # the last position is that of the missing value
            if str(k) in self.embeddings:
                parts.append(self.embeddings[str(k)](codes))
            else:
                hot = torch.zeros(len(codes), n + 1, device=codes.device).scatter_(1, codes[:, None], 1.0)
                parts.append(hot if missing else hot[:, :n])
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


class Periodic(nn.Module):
    """A dense matrix, followed by sine and cosine of its continuous columns at learned frequencies.

    Parameters
    ----------
    n_continuous : int
        The first so many columns.
    n_frequencies : int
        Of each.
    scale : float
        Standard deviation of the first frequencies, in cycles per unit of the column.

    Attributes
    ----------
    weight : parameter of shape (n_continuous, n_frequencies)
        Radians per unit.
    n_added : int
        Columns of sines and cosines.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
    arXiv:2203.05556: their periodic activations, beside the numbers themselves.
    """

    def __init__(self, n_continuous: int, n_frequencies: int, scale: float = 0.2):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_continuous, n_frequencies) * (2 * torch.pi * scale))
        self.n_added = 2 * n_continuous * n_frequencies

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Matrix of shape (n_rows, n_inputs + n_added): `x`, all sines, all cosines."""
        angle = (x[:, : len(self.weight), None] * self.weight).flatten(1)
        return torch.cat([x, torch.sin(angle), torch.cos(angle)], dim=1)


class MLP(nn.Module):
    """Multilayer perceptron whose hidden layers can be tapped.

    Parameters
    ----------
    n_inputs, n_outputs : int
    hidden_layer_sizes : sequence of int
        May be empty: a linear model.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}
    dropout : float in [0, 1)
        After each hidden activation.
    batch_norm : bool
        Before each hidden activation.
    bottleneck : int, optional
        Linear units between inputs and first hidden layer: `W = U V` with no nonlinearity between,
        the factorisation of Ba & Caruana (2014).
    periodic : Periodic, optional
        What the inputs go through first.
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
        """Outputs of shape (n_rows, n_outputs), before softmax."""
        return self.tapped(x)[1]

    def tapped(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Hidden layers after their activation, first to last, and the outputs."""
        hidden = []
        if self.periodic is not None:
            x = self.periodic(x)
        if self.bottleneck is not None:
            x = self.bottleneck(x)
        for layer in self.layers:
            x = layer(x)
            hidden.append(x)
        return hidden, self.output(x)


class TableNet(nn.Module):
    """Input layer and body of a student: encoded table in, outputs before softmax out.

    The body learns standardised targets where targets are numbers (regression, logits):
    `output_mean` and `output_scale`, of shape (n_outputs,), bring its outputs back to their unit.
    """

    def __init__(self, inputs: TabularInput, body: nn.Module, n_outputs: int):
        super().__init__()
        self.inputs, self.body = inputs, body
        self.register_buffer("output_mean", torch.zeros(n_outputs))
        self.register_buffer("output_scale", torch.ones(n_outputs))

    def forward(self, continuous: torch.Tensor, nominal: torch.Tensor) -> torch.Tensor:
        """Outputs of shape (n_rows, n_outputs), before softmax, in the unit of the targets."""
        return self.body(self.inputs(continuous, nominal)) * self.output_scale + self.output_mean


def _moments(x: np.ndarray, weight: np.ndarray | None) -> tuple[float, float, bool]:
    """Mean and standard deviation of the values that are there, and whether some are missing."""
    missing = np.isnan(x)
    some = bool(missing.any())
    if some:
        x = x[~missing]
        weight = None if weight is None else weight[~missing]
    total = len(x) if weight is None else weight.sum()
    if not total > 0:
        return 0.0, 0.0, some
    mean = x.mean() if weight is None else np.dot(weight, x) / total
    x = x - mean
    square = np.dot(x, x) if weight is None else np.dot(weight * x, x)
    return float(mean), float(np.sqrt(square / total)), some
