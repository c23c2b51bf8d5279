"""Nets that are too large for the memory are refused before anything is allocated."""

from __future__ import annotations

import torch

from compress.schema import check_fits

__all__ = ["check_layers", "check_size"]

TRAINING_BYTES = 16  # of a parameter: itself, its gradient, and two moments of the optimizer
SMALL = 2**22  # parameters for which nobody has to ask


def check_layers(n_inputs: int, sizes, n_outputs: int, bottleneck: int | None = None) -> None:
    """Raise MemoryError where a perceptron of these sizes cannot be trained in the memory that is left.

    Parameters
    ----------
    n_inputs, n_outputs : int
        The number of inputs and of outputs.
    sizes : sequence of int
        The units of the hidden layers.
    bottleneck : int, optional
        The number of linear units in front of the first hidden layer.
    """
    widths = [n_inputs, *([] if bottleneck is None else [bottleneck]), *sizes, n_outputs]
    n_parameters = sum(int(a) * int(b) + int(b) for a, b in zip(widths[:-1], widths[1:]))
    asked = f"hidden_layer_sizes={tuple(sizes)}" + ("" if bottleneck is None else f" with bottleneck={bottleneck}")
    check_size(n_parameters, asked)


def check_size(n_parameters: int, asked: str) -> None:
    """Raise MemoryError where so many parameters cannot be trained in the memory that is left.

    Parameters
    ----------
    n_parameters : int
        The number of parameters.
    asked : str
        What asks for them, which the message names.
    """
    if n_parameters > SMALL and torch.get_default_device().type != "meta":  # there nothing is allocated
        check_fits(
            TRAINING_BYTES * n_parameters,
            f"{asked} makes a net of {n_parameters:,} parameters, whose training",
            "Take fewer units.",
        )
