"""The net of a student: an input layer and a body, from an encoded table to outputs."""

from __future__ import annotations

import torch
from torch import nn

from compress.nets._input import TabularInput

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
        nominal : integer tensor of shape (n_rows, d_n)
            The codes of the nominal columns, -1 where missing.
        """
        return self.body(self.inputs(continuous, nominal)) * self.output_scale + self.output_mean
