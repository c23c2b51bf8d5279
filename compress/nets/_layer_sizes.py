"""Sizes of hidden layers as users give them: one number, or one per layer."""

from __future__ import annotations

import numpy as np

__all__ = ["layer_sizes"]


def layer_sizes(estimator, name: str = "hidden_layer_sizes") -> list[int]:
    """The parameter `name` of an estimator as a list; ValueError for sizes that are not positive."""
    sizes = np.atleast_1d(np.asarray(getattr(estimator, name), dtype=int)).tolist()
    if any(size < 1 for size in sizes):
        raise ValueError(f"{name} must be positive integers, got {getattr(estimator, name)!r}.")
    return sizes
