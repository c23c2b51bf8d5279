"""A plain convolutional net whose layers have names: teacher and thin deep student of the FitNets experiment."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["ConvNet"]


class ConvNet(nn.Module):
    """Convolutional net with rectifiers, max-pooling and dense layers, for square images given as rows.

    It has no normalisation and no shortcuts, so that depth is as hard to train as it was in 2015.

    Parameters
    ----------
    n_inputs : int
        The number of pixels, which is a square number.
    n_outputs : int
        The number of outputs.
    channels : sequence of int, default=(32, 48)
        The channels of the convolutions, first to last; convolutions keep the size of the image.
    pool_after : sequence of int, default=(1, 2)
        The numbers of the convolutions, from 1, after which the image is halved.
    kernel_size : int, odd, default=3
        The width and height of the kernels.
    hidden_layer_sizes : sequence of int, default=()
        The units of the dense layers between the last convolution and the outputs.
    dropout : float in [0, 1), default=0.0
        The share of units that are dropped after each dense layer in training.

    Attributes
    ----------
    layers : ModuleList
        The convolutions and dense layers in order, with their rectifier and pooling; `"layers.k"` names the k-th, from
        0.

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
            raise ValueError(f"ConvNet needs square images, got n_inputs={n_inputs}, which is not a square.")
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
        """Compute the outputs before softmax.

        Parameters
        ----------
        x : float tensor of shape (n_rows, n_inputs)
            The images as rows.

        Returns
        -------
        tensor of shape (n_rows, n_outputs)
            The outputs.
        """
        x = x.view(len(x), 1, self.side, self.side)
        for layer in self.layers:
            x = layer(x)
        return self.output(x.flatten(1))
