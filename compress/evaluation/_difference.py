"""Whether one model is better than another on the same rows, or only luckier."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

__all__ = ["Difference", "rmse_difference"]


class Difference(NamedTuple):
    """A difference of two RMSEs with its confidence interval.

    Parameters
    ----------
    value : float
        The RMSE of the first model minus that of the second; below 0 the first is better.
    low, high : float
        The ends of the interval.

    Examples
    --------
    >>> from compress.evaluation import Difference
    >>> Difference(-0.02, low=-0.03, high=-0.01).high < 0  # the first is better beyond chance
    True
    """

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.low <= 0 <= self.high


def rmse_difference(errors, others, *, confidence: float = 0.95) -> Difference:
    """Compare two models by the squared errors of the same rows.

    The interval is that of paired rows: the difference of two roots of means is linearised (delta method), so that
    what makes a row hard for both models cancels.

    Parameters
    ----------
    errors, others : float arrays of shape (n_rows,), or (n_rows, n_outputs)
        The squared errors of both models, row by row.
    confidence : float in (0, 1), default=0.95
        The probability with which the interval holds the difference.

    Returns
    -------
    Difference
        With one row, or where a model has no error at all and the other has, the interval is as wide as the
        linearisation says, which may be nothing.

    Raises
    ------
    ValueError
        The arrays have different shapes, or no rows.

    Examples
    --------
    >>> import numpy as np
    >>> better, worse = np.array([0.0, 0.1, 0.2, 0.1]), np.array([0.3, 0.4, 0.4, 0.5])
    >>> rmse_difference(better, worse).is_clear
    True
    """
    errors, others = (np.asarray(e, dtype=np.float64).reshape(len(e), -1).mean(axis=1) for e in (errors, others))
    if len(errors) != len(others) or not len(errors):
        raise ValueError(f"both models need the errors of the same rows, got {len(errors)} and {len(others)}.")
    roots = [np.sqrt(e.mean()) for e in (errors, others)]
    slopes = [0.5 / root if root > 0 else 0.0 for root in roots]
    rows = slopes[0] * errors - slopes[1] * others
    value = float(roots[0] - roots[1])
    spread = float(norm.isf((1 - confidence) / 2) * rows.std(ddof=min(1, len(rows) - 1)) / np.sqrt(len(rows)))
    return Difference(value, value - spread, value + spread)
