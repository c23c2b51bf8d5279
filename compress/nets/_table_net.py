"""The net of a student: input layer and body, encoded table in, outputs out."""

from __future__ import annotations

import torch
from torch import nn

from compress.nets._input import TabularInput

__all__ = ["TableNet"]


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

    def learned_outputs(self, inputs) -> torch.Tensor:
        """Outputs of shape (n_rows, n_outputs) in the unit in which the net learns.

        Parameters
        ----------
        inputs : sequence of tensors
            The dense matrix that `self.inputs` makes, or the two blocks that it makes it from.
        """
        return self.body(inputs[0] if len(inputs) == 1 else self.inputs(*inputs))

    def forward(self, continuous: torch.Tensor, nominal: torch.Tensor) -> torch.Tensor:
        """Outputs of shape (n_rows, n_outputs), before softmax, in the unit of the targets."""
        return self.body(self.inputs(continuous, nominal)) * self.output_scale + self.output_mean
