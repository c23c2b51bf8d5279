"""The bins of a piecewise-linear encoding in NumPy."""

from __future__ import annotations

import numpy as np

__all__ = ["Edges"]


class Edges:
    """Edges of the bins of continuous columns, and how far a row fills the bins; see `compress.nets.PiecewiseLinear`.

    Parameters
    ----------
    edges : list of float64 arrays
        The edges of each column, as `PiecewiseLinear.edges_by_column` returns them.
    mean : float64 array of shape (n_continuous,)
        The means of the columns, for which missing values count.
    """

    def __init__(self, edges: list[np.ndarray], mean: np.ndarray):
        self.column = np.repeat(np.arange(len(edges)), [max(len(e) - 1, 0) for e in edges])
        self.left = np.concatenate([e[:-1] for e in edges])
        self.width = np.concatenate([np.diff(e) for e in edges])
        self.of_mean = self._clipped(mean[None])[0]

    def _clipped(self, x: np.ndarray) -> np.ndarray:
        # a value far outside of a tiny bin is infinitely many widths away
        with np.errstate(over="ignore"):
            shares = x[:, self.column] - self.left
            shares /= self.width
        return np.clip(shares, 0.0, 1.0, out=shares)

    def shares(self, continuous: np.ndarray) -> np.ndarray:
        """Return the filled shares of all bins.

        Parameters
        ----------
        continuous : number array of shape (n_rows, n_continuous)
            The continuous columns, NaN where missing.

        Returns
        -------
        float64 array of shape (n_rows, n_bins)
            The shares in [0, 1].
        """
        shares = self._clipped(continuous)
        missing = np.isnan(shares)
        if missing.any():
            np.copyto(shares, self.of_mean, where=missing)
        return shares
