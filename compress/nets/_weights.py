"""Reading a net's weights out: as folded float64 arrays, or as bytes."""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import save as tensors_to_bytes

from compress.nets._mlp import ACTIVATIONS

__all__ = ["activation_name", "affine_layers", "as_float64", "weights_to_bytes"]


def activation_name(body) -> str:
    """Return the name of the activation between the layers of a net; "relu" where there is none.

    Parameters
    ----------
    body : MLP
        The net.

    Examples
    --------
    >>> from compress.nets import MLP, activation_name
    >>> activation_name(MLP(3, (8,), 2, activation="tanh"))
    'tanh'
    """
    kinds = {kind: name for name, kind in ACTIVATIONS.items()}
    return next((kinds[type(part)] for layer in body.layers for part in layer if type(part) in kinds), "relu")


def affine_layers(module) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weights and biases, float64, of the hidden layers and of the output of a net.

    Batch norm is folded in; a bottleneck in front of the first layer and the unit of the outputs are not.

    Parameters
    ----------
    module : TableNet
        The net, whose body is an `MLP`.

    Returns
    -------
    list of (array of shape (n_in, n_out), array of shape (n_out,))
        The weight and the bias of each layer.
    """
    return [_affine(layer) for layer in module.body.layers] + [_affine([module.body.output])]


def _affine(parts) -> tuple[np.ndarray, np.ndarray]:
    """Weight (n_in, n_out) and bias of a linear layer, with its batch norm folded in."""
    weight, bias = None, None
    for part in parts:
        kind = type(part).__name__
        if kind == "Linear":
            weight, bias = as_float64(part.weight).T, as_float64(part.bias)
        elif kind == "BatchNorm1d":
            gain = as_float64(part.weight) / np.sqrt(as_float64(part.running_var) + part.eps)
            weight = weight * gain
            bias = (bias - as_float64(part.running_mean)) * gain + as_float64(part.bias)
    return weight, bias


def as_float64(tensor) -> np.ndarray:
    """Return a tensor as a float64 NumPy array.

    Parameters
    ----------
    tensor : torch tensor
        The tensor, on any device.
    """
    return tensor.detach().cpu().numpy().astype(np.float64)


def weights_to_bytes(module: torch.nn.Module) -> bytes:
    """Return the weights of a module in safetensors' format; the code of the module is not in it.

    Parameters
    ----------
    module : torch module
        The module.

    Examples
    --------
    >>> import torch
    >>> from safetensors.torch import load
    >>> from compress.nets import weights_to_bytes
    >>> sorted(load(weights_to_bytes(torch.nn.Linear(2, 1))))
    ['bias', 'weight']
    """
    return tensors_to_bytes({name: value.contiguous() for name, value in module.state_dict().items()})
