"""Bounds of numbers: the range of a table's columns, and a margin that the rows of a generator need."""

from __future__ import annotations

import numpy as np

from compress.schema._schema import Schema

__all__ = ["MOST_MARGIN", "bounds_of", "margin_of"]

MOST_MARGIN = 1e6  # widths of the range: bounds farther away bound nothing
STEPS = 64  # of a margin per width of the range: a short number without rounding


def margin_of(schema: Schema, continuous: np.ndarray) -> float | None:
    """Return how far rows leave the ranges of their columns: the most of all columns, in widths of the range.

    Parameters
    ----------
    schema : Schema
        The fitted schema of the table.
    continuous : float array of shape (n_rows, n_continuous)
        The continuous columns, NaN where missing.

    Returns
    -------
    float or None
        A multiple of 1 / 64, rounded up; 0 where all rows are within the ranges, and None beyond a million.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import Schema, margin_of
    >>> margin_of(Schema().fit(np.array([[0.0], [10.0]])), np.array([[12.5], [-1.0]]))
    0.25
    """
    width = _widths(schema)
    most = 0.0
    for k in np.flatnonzero(np.isfinite(width)):  # one column at a time: no further table
        column = continuous[:, k]
        below = schema.low_[k] - np.fmin.reduce(column, initial=schema.low_[k])
        above = np.fmax.reduce(column, initial=schema.high_[k]) - schema.high_[k]
        most = max(most, float(max(below, above) / width[k]))
    return float(np.ceil(most * STEPS) / STEPS) if most <= MOST_MARGIN else None


def bounds_of(schema: Schema, margin: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the continuous columns: their ranges, and so many widths of them more on both sides.

    Parameters
    ----------
    schema : Schema
        The fitted schema of the table.
    margin : float or None
        The margin in widths of the range; None for no bounds.

    Returns
    -------
    float64 arrays of shape (n_continuous,), twice
        The lower and the upper bounds; infinite for columns that never varied.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import Schema, bounds_of
    >>> bounds_of(Schema().fit(np.array([[0.0, 3.0], [10.0, 3.0]])), margin=0.5)
    (array([ -5., -inf]), array([15., inf]))
    """
    width = _widths(schema)
    more = np.full(len(width), np.inf)
    if margin is not None:
        with np.errstate(over="ignore"):
            np.multiply(width, float(margin), out=more, where=np.isfinite(width))
    return schema.low_ - more, schema.high_ + more


def _widths(schema: Schema) -> np.ndarray:
    """Return the widths of the ranges; infinite where there is none, or none that can be computed with."""
    with np.errstate(over="ignore"):
        width = schema.high_ - schema.low_
    return np.where(width > 0, width, np.inf)
