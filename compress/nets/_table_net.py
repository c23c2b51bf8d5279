"""The net of a student: an input layer and a body, from an encoded table to outputs."""

from __future__ import annotations

import torch
from torch import nn

from compress.nets._input import TabularInput
from compress.nets._mlp import MLP
from compress.nets._weights import activation_name, affine_layers, as_float64

__all__ = ["TableNet"]


class TableNet(nn.Module):
    """Input layer and body of a student: from an encoded table to outputs before softmax.

    Where targets are numbers (regression, logits) the body learns standardised targets; the buffers `output_mean` and
    `output_scale`, of shape (n_outputs,), turn its outputs back into their unit.

    Parameters
    ----------
    inputs : TabularInput
        The input layer.
    body : torch module
        The net behind it, such as an `MLP`.
    n_outputs : int
        The number of outputs.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import MLP, TableNet, TabularInput
    >>> inputs = TabularInput([40.0], [10.0], [True], n_categories=[3], nominal_missing=[False])
    >>> net = TableNet(inputs, MLP(inputs.n_outputs, (8,), 1), 1)
    >>> age, job = torch.tensor([[50.0], [float("nan")]]), torch.tensor([[0], [2]], dtype=torch.int32)
    >>> inputs(age, job), tuple(net(age, job).shape)
    (tensor([[1., 0., 1., 0., 0.],
            [0., 1., 0., 0., 1.]]), (2, 1))
    """

    def __init__(self, inputs: TabularInput, body: nn.Module, n_outputs: int):
        super().__init__()
        self.inputs, self.body = inputs, body
        self.register_buffer("output_mean", torch.zeros(n_outputs))
        self.register_buffer("output_scale", torch.ones(n_outputs))

    def learned_outputs(self, inputs) -> torch.Tensor:
        """Compute the outputs, of shape (n_rows, n_outputs), in the unit in which the net learns.

        Parameters
        ----------
        inputs : sequence of tensors
            The dense matrix that `self.inputs` makes, or the two blocks from which it is made.
        """
        return self.body(inputs[0] if len(inputs) == 1 else self.inputs(*inputs))

    def forward(self, continuous: torch.Tensor, nominal: torch.Tensor) -> torch.Tensor:
        """Compute the outputs, of shape (n_rows, n_outputs), before softmax, in the unit of the targets.

        Parameters
        ----------
        continuous : float tensor of shape (n_rows, d_c)
            The continuous columns, NaN where missing.
        nominal : int tensor of shape (n_rows, d_n)
            The codes of the nominal columns, -1 where missing.
        """
        return self.body(self.inputs(continuous, nominal)) * self.output_scale + self.output_mean

    def arrays(self) -> dict | None:
        """Return everything that the net computes with as NumPy arrays, by the names of `compress.export.Net`.

        It is None where the body is not an `MLP`, or the inputs are not those of a table.
        """
        inputs, body = self.inputs, self.body
        if not isinstance(body, MLP) or not isinstance(inputs, TabularInput):
            return None
        return {
            "mean": as_float64(inputs.mean),
            "scale": as_float64(inputs.scale),
            "low": as_float64(inputs.low),
            "high": as_float64(inputs.high),
            "indicators": list(inputs.indicators),
            "n_categories": list(inputs.n_categories),
            "nominal_missing": list(inputs.nominal_missing),
            "embeddings": {int(k): as_float64(layer.weight) for k, layer in inputs.embeddings.items()},
            "edges": None if inputs.pieces is None else inputs.pieces.edges_by_column(),
            "frequencies": None if body.periodic is None else as_float64(body.periodic.weight),
            "bottleneck": None if body.bottleneck is None else as_float64(body.bottleneck.weight).T,
            "layers": affine_layers(self),
            "activation": activation_name(body),
            "output_mean": as_float64(self.output_mean),
            "output_scale": as_float64(self.output_scale),
        }
