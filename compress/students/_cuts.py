"""Where continuous columns are cut: the edges of the bins of a piecewise-linear encoding."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from compress.nets import NARROWEST_BIN

__all__ = ["column_edges"]

MOST_ROWS = 100_000  # rows that decide on the cuts; their order is that of one fixed permutation
SHARE_OF_A_BIN = 0.25  # of the rows of a bin when all are equally full: a small table has smaller bins


def column_edges(continuous, targets, weight, *, n_bins: int, cuts: str, min_samples_bin: int) -> list[np.ndarray]:
    """Return the edges of the bins of each continuous column.

    The outer edges are the smallest and the largest value. A column without a cut between them has no bins: one that is
    constant, has two values only or is missing everywhere, or in which no cut explains the targets.

    Parameters
    ----------
    continuous : float array of shape (n_rows, n_continuous)
        The columns, NaN where missing. Of more than 100,000 rows so many are drawn, the same ones at each call, but for
        the outer edges.
    targets : float array of shape (n_rows, n_targets)
        What the trees are fitted to.
    weight : array of shape (n_rows,) or None
        The weights of the rows; rows of weight 0 do not count.
    n_bins : int
        The largest number of bins of a column.
    cuts : {"teacher", "quantile"}
        Whether cuts are the thresholds of a tree or quantiles.
    min_samples_bin : int
        The least rows in a bin of a tree, on average of their weights; fewer where there are fewer than four times as
        many rows as all bins ask for.

    Returns
    -------
    list of float64 arrays
        The edges of each column, ascending; empty for a column without bins.
    """
    if weight is not None and not np.all(weight):
        there = np.asarray(weight) > 0
        continuous, targets, weight = continuous[there], targets[there], weight[there]
    ends = [_range(column) for column in continuous.T]
    if len(continuous) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(continuous), MOST_ROWS, replace=False))
        continuous, targets = continuous[rows], targets[rows]
        weight = None if weight is None else weight[rows]
    least = min(min_samples_bin, max(int(SHARE_OF_A_BIN * len(continuous) / n_bins), 1))
    edges = []
    for column, end in zip(continuous.T, ends):
        values, mass, means = _by_value(column, targets, weight)
        inner = np.zeros(0)
        if len(values) > 2:
            inner = (
                _thresholds(values, mass, means, n_bins, least)
                if cuts == "teacher"
                else _quantiles(values, mass, n_bins)
            )
        edges.append(_usable(inner, *end))
    return edges


def _range(column: np.ndarray) -> tuple[float, float]:
    seen = column[~np.isnan(column)]
    return (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)


def _by_value(column, targets, weight):
    """Return the different values of a column, ascending, with the weight and the mean target of each.

    The cuts that a tree finds in them are those that it finds in the rows: what varies within a value is out of reach.
    """
    there = ~np.isnan(column)
    if not there.all():
        column, targets = column[there], targets[there]
        weight = None if weight is None else weight[there]
    values, at = np.unique(column.astype(np.float64), return_inverse=True)
    weight = np.ones(len(column)) if weight is None else np.asarray(weight, dtype=np.float64)
    mass = np.bincount(at, weight, len(values))
    sums = [np.bincount(at, weight * target, len(values)) for target in targets.T]
    return values, mass, np.column_stack(sums) / mass[:, None]


def _thresholds(values, mass, means, n_bins: int, least: int) -> np.ndarray:
    """Return the thresholds of a tree on one column, halfway between neighbouring values.

    The tree sees the ranks of the values, since scikit-learn's trees round to float32.
    """
    # the weights have mean 1 over all rows, so that their sum counts rows
    share = min(least / mass.sum(), 0.5)
    tree = DecisionTreeRegressor(max_leaf_nodes=max(n_bins, 2), min_weight_fraction_leaf=share, random_state=0)
    tree.fit(np.arange(len(values), dtype=np.float32)[:, None], means, mass)
    inner = tree.tree_.children_left >= 0
    below = np.sort(np.floor(tree.tree_.threshold[inner]).astype(np.intp))
    return values[below] / 2 + values[below + 1] / 2


def _quantiles(values, mass, n_bins: int) -> np.ndarray:
    """Return the values at which the shares 1 / n_bins, 2 / n_bins, ... of the rows are reached."""
    reached = np.cumsum(mass) / mass.sum()
    return values[np.searchsorted(reached, np.arange(1, n_bins) / n_bins - 1e-12)]


def _usable(inner: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the edges of the bins; none where no cut is left that is well within the range of the column."""
    if not np.isfinite(high - low):
        return np.zeros(0)
    edges = [low]
    for cut in np.unique(inner):
        if cut - edges[-1] >= NARROWEST_BIN and high - cut >= NARROWEST_BIN:
            edges.append(float(cut))
    return np.array([*edges, high]) if len(edges) > 1 else np.zeros(0)
