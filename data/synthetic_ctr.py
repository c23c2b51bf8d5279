"""Click-through data with planted pairwise interactions, whose best possible AUC is known.

A row has one category per field. Its log-odds are

    bias + sum_f w_f[c_f] + strength * sum_{f<g} <v_f[c_f], v_g[c_g]>

a factorization machine with latent vectors `v`: what a row's label depends on is mostly which categories
meet, so a model without interactions stays far below one with them. The true probabilities come along,
hence also the AUC of the best possible ranking, and no rows have to be shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

__all__ = ["SyntheticCTR", "bayes_auc", "make_ctr"]


@dataclass(frozen=True, eq=False)
class SyntheticCTR:
    """Rows, labels and truth.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_fields)
        Columns `field_0`, ...: int64 codes; declare them nominal (`schema`).
    y : ndarray of shape (n_rows,), 0 or 1
    probability : ndarray of shape (n_rows,), P(y = 1) given the row
    bayes_auc : float
        Expected AUC of ranking these rows by `probability`: no model can expect more.
    """

    X: pd.DataFrame
    y: np.ndarray
    probability: np.ndarray
    bayes_auc: float

    @property
    def schema(self) -> dict[str, str]:
        """All columns nominal, as the estimators' `schema` wants it."""
        return dict.fromkeys(self.X.columns, "nominal")


def make_ctr(
    n_rows: int = 60_000,
    *,
    n_fields: int = 6,
    n_categories: int = 40,
    n_latent: int = 4,
    strength: float = 1.0,
    linear: float = 0.5,
    bias: float = -0.5,
    seed: int = 0,
    rows_seed: int | None = None,
) -> SyntheticCTR:
    """Draw click-through data.

    Parameters
    ----------
    n_rows, n_fields, n_categories, n_latent : int
        Fields at least 2. Categories are uniform.
    strength : float
        Half the standard deviation, over rows, of the interactions' sum in log-odds.
    linear : float
        Standard deviation of one field's own effect.
    bias : float
        Log-odds of a row without effects.
    seed : int
        Of the planted effects.
    rows_seed : int, optional
        Of the rows and labels; `seed` by default. Other rows of the same effects have the same `seed`.

    Raises
    ------
    ValueError
        A size that is too small.
    """
    for name, value, least in (("n_rows", n_rows, 2), ("n_fields", n_fields, 2), ("n_categories", n_categories, 1)):
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    rng = np.random.default_rng([seed, 17])
    weights = rng.normal(scale=linear, size=(n_fields, n_categories))
    n_pairs = n_fields * (n_fields - 1) / 2
    vectors = rng.normal(size=(n_fields, n_categories, n_latent)) / (n_latent * n_pairs) ** 0.25
    rng = np.random.default_rng([seed if rows_seed is None else rows_seed, 18])
    codes = rng.integers(n_categories, size=(n_rows, n_fields))
    fields = np.arange(n_fields)
    v = vectors[fields, codes]
    # sum over pairs = (|sum v|^2 - sum |v|^2) / 2, which has sd 1 by the scaling above
    pairs = 0.5 * ((v.sum(axis=1) ** 2).sum(axis=1) - (v**2).sum(axis=(1, 2)))
    logit = bias + weights[fields, codes].sum(axis=1) + 2.0 * strength * pairs
    probability = 1.0 / (1.0 + np.exp(-logit))
    y = (rng.random(n_rows) < probability).astype(np.int64)
    X = pd.DataFrame({f"field_{f}": codes[:, f].astype(np.int64) for f in fields})
    return SyntheticCTR(X, y, probability, bayes_auc(probability))


def bayes_auc(probability) -> float:
    """Expected AUC of ranking rows by their true probability, labels drawn again and again.

    The share of (positive, negative) pairs in the right order, with sum_{i, j} p_i (1 - p_j) pairs, ties half.
    """
    p = np.sort(np.asarray(probability, dtype=np.float64))
    _, first, inverse, counts = np.unique(p, return_index=True, return_inverse=True, return_counts=True)
    below = np.concatenate([[0.0], np.cumsum(1 - p)])
    tied = below[first + counts] - below[first]
    right = (p * (below[first][inverse] + 0.5 * tied[inverse])).sum()
    all_pairs = p.sum() * (1 - p).sum() - (p * (1 - p)).sum()  # a row makes no pair with itself
    right -= 0.5 * (p * (1 - p)).sum()
    return float(right / all_pairs)
