"""A plain convolutional net whose layers can be named: teacher and thin deep student of the FitNets experiment."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["ConvNet"]


class ConvNet(nn.Module):
    """Convolutions, rectifiers, max-pooling, dense layers, over square images given as rows.

    No normalisation and no shortcuts, so that depth is as hard to train as it was in 2015.

    Parameters
    ----------
    n_inputs : int
        Pixels, a square number.
    n_outputs : int
    channels : sequence of int
        Of the convolutions, first to last; they keep the size of the image.
    pool_after : sequence of int
        Numbers of convolutions, from 1, after which the image is halved.
    kernel_size : int, odd
    hidden_layer_sizes : sequence of int
        Dense layers between the last convolution and the outputs.
    dropout : float in [0, 1)
        After each dense layer.

    Attributes
    ----------
    layers : ModuleList
        `"layers.k"` names the k-th of convolutions and dense layers, from 0, rectifier and pooling included.

    Examples
    --------
    >>> import torch
    >>> net = ConvNet(784, 10, channels=(6,) * 12, pool_after=(2, 5))
    >>> sum(p.numel() for p in net.parameters()), net(torch.zeros(3, 784)).shape
    (6640, torch.Size([3, 10]))
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        *,
        channels=(32, 48),
        pool_after=(1, 2),
        kernel_size: int = 3,
        hidden_layer_sizes=(),
        dropout: float = 0.0,
    ):
        super().__init__()
        self.side = round(n_inputs**0.5)
        if self.side**2 != n_inputs:
            raise ValueError(f"ConvNet needs square images, got n_inputs={n_inputs}, which is no square.")
        if self.side >> len(pool_after) < 1:
            raise ValueError(f"ConvNet cannot halve images of {self.side} x {self.side} {len(pool_after)} times.")
        self.layers = nn.ModuleList()
        side, n_in = self.side, 1
        for k, n_out in enumerate(channels, start=1):
            parts = [nn.Conv2d(n_in, n_out, kernel_size, padding=kernel_size // 2), nn.ReLU()]
            if k in pool_after:
                parts.append(nn.MaxPool2d(2))
                side //= 2
            self.layers.append(nn.Sequential(*parts))
            n_in = n_out
        n_in *= side * side
        for k, n_out in enumerate(hidden_layer_sizes):
            parts = [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(dropout)]
            self.layers.append(nn.Sequential(nn.Flatten(), *parts) if k == 0 else nn.Sequential(*parts))
            n_in = n_out
        self.output = nn.Linear(n_in, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of shape (n_rows, n_outputs), before softmax, of rows of shape (n_rows, n_inputs)."""
        x = x.view(len(x), 1, self.side, self.side)
        for layer in self.layers:
            x = layer(x)
        return self.output(x.flatten(1))
