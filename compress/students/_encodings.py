"""Input encodings: what a student's net gets for each continuous column in addition to the column itself."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from compress.nets import Periodic, PiecewiseLinear
from compress.students._cuts import column_edges

__all__ = ["PeriodicEncoding", "PiecewiseLinearEncoding"]

CUTS = ("teacher", "quantile")


def _check_integer(value, name: str, least: int, hint: str = "") -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.{hint}")


@dataclass(frozen=True)
class PeriodicEncoding:
    """Periodic embedding: sine and cosine of each continuous column, at frequencies that are learned.

    With 4 frequencies of scale 0.5, and fewer hidden units for the same bytes, students were about 1 %
    better on three tables of six and 13 % worse on one (`experiments.numerical_embeddings`), so validation
    rows should decide.

    Parameters
    ----------
    n_frequencies : int, at least 1, default=4
        The number of frequencies per column.
    scale : float, positive, default=0.2
        The standard deviation of the frequencies before training, in cycles per standard deviation of the column.

    Raises
    ------
    ValueError
        A parameter is out of its range.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning",
    NeurIPS 2022, arXiv:2203.05556.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentRegressor
    >>> X = np.linspace(0, 1, 200).reshape(-1, 1)
    >>> student = StudentRegressor((8,), encoding=PeriodicEncoding(2, scale=1.0), max_epochs=2, random_state=0)
    >>> student.fit(X, np.sin(9 * X[:, 0])).predict(X).shape
    (200,)
    """

    n_frequencies: int = 4
    scale: float = 0.2

    def __post_init__(self):
        if not isinstance(self.n_frequencies, Integral) or self.n_frequencies < 1:
            raise ValueError(
                f"n_frequencies must be an integer of at least 1, got {self.n_frequencies!r}. "
                "Leave encoding=None for no periodic embedding."
            )
        if not isinstance(self.scale, Real) or not self.scale > 0:
            raise ValueError(f"scale must be a positive number, got {self.scale!r}.")

    def layer(self, n_continuous: int) -> Periodic:
        """Make the layer in front of the net, with frequencies drawn from torch's generator.

        Parameters
        ----------
        n_continuous : int
            The number of continuous columns.
        """
        return Periodic(n_continuous, self.n_frequencies, self.scale)


@dataclass(frozen=True)
class PiecewiseLinearEncoding:
    """Piecewise-linear encoding: how far each bin of a continuous column is filled, with cuts where the teacher bends.

    A column `x` with the edges `b_0 < ... < b_K` is followed by the K numbers
    `clip((x - b_{k-1}) / (b_k - b_{k-1}), 0, 1)`. The edges are found when the net is made, do not change in training,
    and are not counted as parameters; `b_0` and `b_K` are the range of the column. A missing value is encoded like the
    mean, which is what the column itself becomes. Columns that are constant, missing everywhere, or have two values
    only get no bins; neither does a column in which no cut explains the targets. When no column has bins, the student
    is the one without an encoding.

    Parameters
    ----------
    n_bins : int, at least 2, default=16
        The largest number of bins per column. Columns of few values have fewer.
    cuts : {"teacher", "quantile"}, default="teacher"
        With "teacher" the cuts of a column are the thresholds of a regression tree with `n_bins` leaves, which sees
        this column only and is fitted to what the student learns: logits of the teacher's probabilities (no smaller
        than 1e-4) or values, all outputs in one tree, with the weights of the rows. With "quantile" they are quantiles,
        which leaves columns that are mostly 0 with few bins. Of more than 100,000 rows so many decide.
    min_samples_bin : int, at least 1, default=200
        The least training rows in a bin of a tree. Smaller tables have smaller bins: at most a quarter of
        `n_rows / n_bins` rows are asked for.

    Raises
    ------
    ValueError
        A parameter is out of its range.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning",
    NeurIPS 2022, arXiv:2203.05556: piecewise linear encoding, with target-aware bins from trees.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentRegressor
    >>> X = np.linspace(0, 1, 500).reshape(-1, 1)
    >>> y = np.sin(9 * X[:, 0])
    >>> student = StudentRegressor((), encoding=PiecewiseLinearEncoding(), learning_rate=0.05, random_state=0)
    >>> student.fit(X, y).score(X, y) > 0.95 > StudentRegressor((), random_state=0).fit(X, y).score(X, y)
    True
    """

    n_bins: int = 16
    cuts: str = "teacher"
    min_samples_bin: int = 200

    def __post_init__(self):
        _check_integer(self.n_bins, "n_bins", 2, " Leave encoding=None for no bins.")
        if self.cuts not in CUTS:
            raise ValueError(f"cuts must be one of {CUTS}, got {self.cuts!r}.")
        _check_integer(self.min_samples_bin, "min_samples_bin", 1)

    def pieces(self, continuous, targets, weight) -> PiecewiseLinear | None:
        """Make the layer for the columns of a table, or None when no column has bins.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous columns of the training rows, NaN where missing.
        targets : float array of shape (n_rows, n_targets)
            What the trees are fitted to.
        weight : array of shape (n_rows,) or None
            The weights of the rows, of mean 1.
        """
        options = {"n_bins": self.n_bins, "cuts": self.cuts, "min_samples_bin": self.min_samples_bin}
        edges = column_edges(continuous, targets, weight, **options)
        return PiecewiseLinear(edges) if any(map(len, edges)) else None
