"""The piecewise-linear encoding of continuous columns: how far each bin between two cuts is filled."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from compress.nets._size import check_size

__all__ = ["NARROWEST_BIN", "PiecewiseLinear"]

NARROWEST_BIN = 1e-300  # the inverse of a width is a finite double


class PiecewiseLinear(nn.Module):
    """Filled shares of the bins of continuous columns.

    A column `x` with the edges `b_0 < ... < b_K` becomes the K numbers `clip((x - b_{k-1}) / (b_k - b_{k-1}), 0, 1)`.
    They are computed in double, since float32 would lose narrow bins far from 0 or within a large range.

    Parameters
    ----------
    edges : list of float64 arrays, one for each continuous column
        The edges of the bins of each column, ascending, K + 1 of them for K bins; an empty array for a column without
        bins. The difference of neighbours is finite and at least 1e-300.

    Attributes
    ----------
    edges : float64 buffer of shape (n_edges,)
        The edges of all columns, one column after the other.
    n_bins : list of int
        The number of bins of each continuous column, 0 for a column without bins.
    n_added : int
        The number of bins of all columns.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
    arXiv:2203.05556: their piecewise linear encoding.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from compress.nets import PiecewiseLinear
    >>> PiecewiseLinear([np.array([0.0, 1.0, 3.0])])(torch.tensor([[2.0]]))
    tensor([[1.0000, 0.5000]])
    """

    def __init__(self, edges):
        super().__init__()
        edges = [np.asarray(e, dtype=np.float64) for e in edges]
        self.n_bins = [max(len(e) - 1, 0) for e in edges]
        self.n_added = sum(self.n_bins)
        check_size(self.n_added, f"an encoding of {self.n_added} bins")
        self.register_buffer("edges", torch.from_numpy(np.concatenate([*edges, np.zeros(0)])))
        # derived from the edges, and therefore not in the file of a student
        self._derive("column", np.repeat(np.arange(len(edges)), self.n_bins))
        self._derive("left", np.concatenate([*(e[:-1] for e in edges), np.zeros(0)]))
        self._derive("width", np.concatenate([*(np.diff(e) for e in edges), np.zeros(0)]))

    def _derive(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the filled shares.

        Parameters
        ----------
        x : float64 tensor of shape (n_rows, n_continuous)
            The continuous columns in their own units, without missing values.

        Returns
        -------
        float32 tensor of shape (n_rows, n_added)
            The shares in [0, 1] of the bins of the first column, then those of the second, and so on.
        """
        return ((x.index_select(1, self.column) - self.left) / self.width).clamp(0.0, 1.0).float()

    def edges_by_column(self) -> list[np.ndarray]:
        """Return the edges of the bins of each continuous column, as the constructor takes them."""
        sizes = [n + 1 if n else 0 for n in self.n_bins]
        return np.split(self.edges.detach().cpu().numpy(), np.cumsum(sizes)[:-1]) if sizes else []
