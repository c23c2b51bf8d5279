"""Numbers held within bounds: beyond the training rows a net has learned nothing, and would go on along a line."""

from __future__ import annotations

import torch
from torch import nn

from compress.schema import bounds_of

__all__ = ["HoldsNumbers"]


class HoldsNumbers(nn.Module):
    """Base of input layers that take a number beyond the bounds of its column for the bound.

    The bounds are no part of the state dict, since they follow from the schema of the table and one number.

    Parameters
    ----------
    n_continuous : int
        The number of continuous columns `d_c`; they have no bounds until `hold` is called.

    Attributes
    ----------
    margin : float or None
        How far beyond the ranges of the schema the bounds are, in widths of the range; None without bounds.
    low, high : float64 tensors of shape (d_c,)
        The bounds.
    """

    margin: float | None = None

    def __init__(self, n_continuous: int):
        super().__init__()
        self._unbounded(n_continuous)

    def _unbounded(self, n: int) -> None:
        for name, bound in (("low", -torch.inf), ("high", torch.inf)):
            self.register_buffer(name, torch.full((n,), bound, dtype=torch.float64), persistent=False)

    def __setstate__(self, state):
        super().__setstate__(state)
        if "low" not in self._buffers:  # pickled by an earlier version
            self._unbounded(len(self.mean))

    def hold(self, schema, margin: float | None) -> None:
        """Set the bounds.

        Parameters
        ----------
        schema : Schema
            The fitted schema of the table.
        margin : float or None
            How far beyond its ranges numbers count, in widths of the range; None for no bounds.
        """
        self.margin = margin
        for name, bound in zip(("low", "high"), bounds_of(schema, margin)):
            setattr(self, name, torch.as_tensor(bound, dtype=torch.float64).to(self.mean.device))

    def hold_like(self, other: HoldsNumbers) -> None:
        """Set the bounds of another layer.

        Parameters
        ----------
        other : HoldsNumbers
            The layer.
        """
        self.margin = other.margin
        self.low, self.high = (bound.to(self.mean.device) for bound in (other.low, other.high))

    def held(self, continuous: torch.Tensor) -> torch.Tensor:
        """Return continuous columns as float64 within their bounds; NaN stays.

        Parameters
        ----------
        continuous : float tensor of shape (n_rows, d_c)
            The columns.
        """
        return torch.clamp(continuous.double(), self.low, self.high)
