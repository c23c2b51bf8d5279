"""Sizes of hidden layers as users give them: one number, or one per layer."""

from __future__ import annotations

import numpy as np

__all__ = ["layer_sizes"]


def layer_sizes(estimator, name: str = "hidden_layer_sizes") -> list[int]:
    """Return the sizes of an estimator's hidden layers as a list.

    Parameters
    ----------
    estimator : object
        The estimator that has the parameter.
    name : str, default="hidden_layer_sizes"
        The name of the parameter, which holds one number or one number per layer.

    Raises
    ------
    ValueError
        A size is not positive.

    Examples
    --------
    >>> from compress import StudentClassifier
    >>> from compress.nets import layer_sizes
    >>> layer_sizes(StudentClassifier(64))
    [64]
    """
    sizes = [int(size) for size in np.atleast_1d(np.asarray(getattr(estimator, name), dtype=object))]
    if any(size < 1 for size in sizes):
        raise ValueError(f"{name} must be positive integers, got {getattr(estimator, name)!r}.")
    return sizes
