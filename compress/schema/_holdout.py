"""Held-out rows that no model was fitted on, not even through a duplicate.

Identical rows (all columns and the target) stay on one side: real tables hold many (1,012 of the
20,000 rows of LETTER), and a duplicate of a training row flatters the models that memorise. For the
same reason a row of weight 2 is split like a row that occurs twice.
"""

from __future__ import annotations

import numpy as np

__all__ = ["holdout_split"]


def holdout_split(encoded, target, fraction, rng, *, strata=None):
    """Return the indices of the training rows and of the held-out rows, both sorted.

    Parameters
    ----------
    encoded : compress.schema.Encoded
        The blocks of the table.
    target : number array of shape (n_rows,)
        The class codes or values; identical rows agree in them too.
    fraction : float in (0, 1)
        The share of the distinct rows to hold out. At least one row is held out, and never the last one of a stratum.
        Where no stratum has two distinct rows, identical rows are divided.
    rng : RandomState
        The generator that chooses the rows.
    strata : int array of shape (n_rows,), optional
        The class codes when each class is held out in proportion to its size.

    Raises
    ------
    ValueError
        No row can be held out.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import Encoded, holdout_split
    >>> encoded = Encoded(np.arange(10.0)[:, None], np.empty((10, 0), dtype=np.int32))
    >>> train, held = holdout_split(encoded, np.arange(10.0), 0.2, np.random.RandomState(0))
    >>> len(train), len(held)
    (8, 2)
    """
    strata = np.zeros(len(target), dtype=np.intp) if strata is None else strata
    for group in (_identical_rows(encoded, target), np.arange(len(target))):
        stratum = np.empty(int(group.max()) + 1, dtype=np.intp)
        stratum[group] = strata
        members = [np.flatnonzero(stratum == k) for k in range(int(stratum.max()) + 1)]
        held = _quotas(np.array([len(m) for m in members]), fraction)
        if held.any():
            break
    else:
        raise ValueError(
            f"validation_fraction={fraction} leaves no row to hold out, as each class needs one for training "
            f"(n_samples={len(target)}). Give more rows, or X_val and y_val."
        )
    out = np.zeros(len(stratum), dtype=bool)
    for rows, n in zip(members, held, strict=True):
        out[rng.permutation(rows)[:n]] = True
    return np.flatnonzero(~out[group]), np.flatnonzero(out[group])


def _identical_rows(encoded, target) -> np.ndarray:
    """For each row the number of its group of identical rows, numbered by content, not by position."""
    table = np.column_stack([encoded.continuous, encoded.nominal, target]).astype(np.float64)
    table += 0.0  # -0.0 becomes 0.0
    table[np.isnan(table)] = np.nan  # one bit pattern for all NaN
    table = np.ascontiguousarray(table)
    keys = table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1].ravel()


def _quotas(sizes, fraction) -> np.ndarray:
    """How many of each stratum to hold out: in proportion, remainders to the largest ones first."""
    wanted = fraction * sizes
    quotas = np.minimum(np.floor(wanted).astype(int), np.maximum(sizes - 1, 0))
    missing = max(1, round(fraction * sizes.sum())) - quotas.sum()
    for k in np.argsort(quotas - wanted, kind="stable"):
        if missing > 0 and quotas[k] < sizes[k] - 1:
            quotas[k] += 1
            missing -= 1
    return quotas
