"""The net of a student as NumPy arrays: what its predictor, its plan and its file have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Net", "net_of"]


@dataclass(frozen=True)
class Net:
    """What a student's net computes with, in float64, with batch norm folded into the layers.

    Parameters
    ----------
    mean, scale : float64 arrays of shape (d_c,)
        The unit of the continuous columns.
    low, high : float64 arrays of shape (d_c,)
        The bounds within which they are held; infinite where there are none.
    indicators : list of int
        The continuous columns with a flag for missing values.
    n_categories : list of d_n int
        The number of categories of each nominal column.
    nominal_missing : list of d_n bool
        Whether the one-hot columns of a nominal column have one for a missing value.
    embeddings : dict of int to float64 array of shape (n_categories + 1, size)
        The vectors of the nominal columns that have an embedding, by their position.
    edges : list of d_c float64 arrays, or None
        The edges of the bins of a piecewise-linear encoding.
    frequencies : float64 array of shape (d_c, n_frequencies) or None
        The frequencies of a periodic embedding.
    bottleneck : float64 array of shape (n_in, n_narrow) or None
        The linear layer in front of the first one.
    layers : list of (float64 array of shape (n_in, n_out), float64 array of shape (n_out,))
        The weight and the bias of each layer, that of the outputs last.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}
        The activation between the layers.
    output_mean, output_scale : float64 arrays of shape (n_outputs,)
        The unit of the outputs.
    """

    mean: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    indicators: list
    n_categories: list
    nominal_missing: list
    embeddings: dict
    edges: list | None
    frequencies: np.ndarray | None
    bottleneck: np.ndarray | None
    layers: list
    activation: str
    output_mean: np.ndarray
    output_scale: np.ndarray

    @property
    def widths(self) -> list[int]:
        """The number of inputs of the first layer that each nominal column has."""
        return [
            self.embeddings[k].shape[1] if k in self.embeddings else n + missing
            for k, (n, missing) in enumerate(zip(self.n_categories, self.nominal_missing))
        ]

    def united_layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the layers with the unit of the outputs folded into the last one."""
        *layers, (weight, bias) = self.layers
        return [*layers, (weight * self.output_scale, bias * self.output_scale + self.output_mean)]


def net_of(module) -> Net:
    """Return the arrays of a trained net.

    Parameters
    ----------
    module : TableNet or Net
        The net, in eval mode; a `Net` is returned as it is.

    Raises
    ------
    TypeError
        The net is not one of this library's perceptrons.
    """
    if isinstance(module, Net):
        return module
    arrays = module.arrays() if hasattr(module, "arrays") else None
    if arrays is None:
        raise TypeError(
            "only students of this library's perceptrons can be exported, got the net "
            f"{type(getattr(module, 'body', module)).__name__}. Export a module of your own with torch.onnx.export."
        )
    return Net(**arrays)
