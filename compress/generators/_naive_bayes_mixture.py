"""A mixture of naive Bayes models over continuous and discrete attributes, fitted by EM in log space.

    P(x) = sum_k w_k  prod_a P(x_a | k)

    continuous attribute : normal of mean m_ka and variance v_ka; a missing value is integrated out
    discrete attribute   : one probability per outcome

Rows come as two blocks of n rows:

    moments  : float64 (n, 3 d_c), for each continuous attribute scaled to [0, 1] its value, its square, and
               1; all three 0 where it is missing. Both steps of EM are linear in these.
    outcomes : sparse one-hot (n, n_outcomes), one 1 per discrete attribute and row

Whether a value is missing is itself a discrete attribute of two outcomes. So a missing cell tells which
component its row is from by being missing, and by nothing else.

Notation of Lowd and Domingos, "Naive Bayes Models for Probability Estimation", ICML 2005, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

__all__ = ["Mixture", "Prior", "Rows", "expectation_maximization", "maximize", "responsibilities"]

FEWEST_ROWS = 0.5  # a component that holds less than half a row explains nothing
PRUNE_EVERY = 5  # cycles of EM, as in the paper
PRIOR_ROWS = 1.0  # rows of prior for discrete outcomes: none seen once is impossible in held-out rows
BLOCK_CELLS = 1 << 24  # (row, component) pairs of one block of the E-step: 128 MiB


class Rows(NamedTuple):
    """Encoded rows; see the module's docstring."""

    moments: np.ndarray
    outcomes: sparse.csr_matrix

    @classmethod
    def of(cls, scaled: np.ndarray, outcomes: sparse.csr_matrix) -> Rows:
        """Make rows from scaled continuous values (n, d_c), NaN where missing, and one-hot outcomes."""
        seen = ~np.isnan(scaled)
        values = np.where(seen, scaled, 0.0).astype(np.float64)
        return cls(np.hstack([values, values**2, seen]), outcomes)

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.moments)

    def take(self, rows) -> Rows:
        """Return the rows of an index array or a slice."""
        return Rows(self.moments[rows], self.outcomes[rows])


class Mixture(NamedTuple):
    """Parameters of K components.

    weights : (K,), sum 1
    means, variances : (K, d_c)
    log_outcomes : (K, n_outcomes), log-probabilities; they sum to 1 within each attribute
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    log_outcomes: np.ndarray

    @property
    def n_components(self) -> int:
        """The number of components, K."""
        return len(self.weights)

    def take(self, components) -> Mixture:
        """Return some of the components, with their weights scaled to sum 1."""
        weights = self.weights[components]
        return Mixture(weights / weights.sum(), *(part[components] for part in self[1:]))


class Prior(NamedTuple):
    """What a component believes before it has seen a row: the whole table, attribute by attribute.

    mean, variance : (d_c,); taken by a component whose rows all miss the attribute
    floor : (d_c,), variance added to each component's, so that equal values have a finite density
    outcome_shares : (n_outcomes,)
    """

    mean: np.ndarray
    variance: np.ndarray
    floor: np.ndarray
    outcome_shares: np.ndarray

    @classmethod
    def of(cls, rows: Rows, floor: np.ndarray) -> Prior:
        """Return the prior of a table."""
        total, squares, seen = np.split(rows.moments.sum(axis=0), 3)
        count = np.maximum(seen, 1)
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0) + floor
        return cls(mean, variance, floor, np.asarray(rows.outcomes.mean(axis=0)).ravel())


def joint_log_density(rows: Rows, mixture: Mixture) -> np.ndarray:
    """Return log (w_k P(x_i | k)), of shape (n, K)."""
    precision = 1 / mixture.variances
    # sum over attributes of -(x - m)^2 / 2v - log(2 pi v) / 2, linear in x, x^2 and 1; with values in
    # [0, 1] and v of 1e-6 or so, what cancels costs few of float64's digits
    constant = -0.5 * (mixture.means**2 * precision + np.log(2 * np.pi * mixture.variances))
    density = rows.moments @ np.hstack([mixture.means * precision, -0.5 * precision, constant]).T
    if rows.outcomes.shape[1]:
        density += rows.outcomes @ np.ascontiguousarray(mixture.log_outcomes.T)
    return density + np.log(mixture.weights)


def responsibilities(rows: Rows, mixture: Mixture) -> tuple[np.ndarray, float]:
    """E-step: P(k | x_i) of shape (n, K), and the mean log-likelihood of a row, in nats."""
    shares = np.empty((rows.n, mixture.n_components))
    total = 0.0
    for part in _blocks(rows.n, mixture.n_components):
        joint = shares[part]
        joint[...] = joint_log_density(rows.take(part), mixture)
        # log-sum-exp by hand, since each exponential, the bulk of the time, is then taken once
        highest = joint.max(axis=1, keepdims=True)
        joint -= highest
        np.exp(joint, out=joint)
        norm = joint.sum(axis=1, keepdims=True)
        joint /= norm
        total += float((highest + np.log(norm)).sum())
    return shares, total / rows.n


def maximize(rows: Rows, shares: np.ndarray, prior: Prior) -> Mixture:
    """M-step: the parameters that fit rows shared out by `shares`, (n, K) with rows of sum 1."""
    held = shares.sum(axis=0)
    total, squares, seen = np.split(shares.T @ rows.moments, 3, axis=1)
    some = seen > 1e-10
    count = np.where(some, seen, 1.0)
    means = np.where(some, total / count, prior.mean)
    variances = np.where(some, np.maximum(squares / count - means**2, 0) + prior.floor, prior.variance)
    counts = np.asarray((rows.outcomes.T @ shares).T) + PRIOR_ROWS * prior.outcome_shares
    # an outcome nowhere in the table has share 0, and its log-probability is -inf: it is never made
    with np.errstate(divide="ignore"):
        log_outcomes = np.log(counts / (held + PRIOR_ROWS)[:, None])
    weights = np.maximum(held, np.finfo(float).tiny)
    return Mixture(weights / weights.sum(), means, variances, log_outcomes)


def expectation_maximization(
    rows: Rows, mixture: Mixture, prior: Prior, *, max_iter: int, tol: float
) -> tuple[Mixture, int, float]:
    """Run EM from `mixture` on; components that hold less than half a row are pruned on the way.

    Returns
    -------
    mixture : Mixture
        The mixture after the last cycle.
    n_iter : int
        The number of cycles done, at least 1.
    change : float
        The gain of the mean log-likelihood in the last cycle; EM has converged when it is below `tol`.
    """
    before, change = -np.inf, np.inf
    for n_iter in range(1, max_iter + 1):
        shares, after = responsibilities(rows, mixture)
        change, before = abs(after - before), after
        mixture = maximize(rows, shares, prior)
        done = change < tol
        if done or n_iter % PRUNE_EVERY == 0:
            kept = mixture.weights * rows.n >= FEWEST_ROWS
            if not kept.all():
                mixture = mixture.take(kept) if kept.any() else mixture.take([int(np.argmax(mixture.weights))])
                before, done = -np.inf, False  # another model: its likelihood is not comparable
        if done:
            break
    return mixture, n_iter, float(change)


def _blocks(n: int, n_components: int) -> Iterator[slice]:
    size = max(1, BLOCK_CELLS // n_components)
    return (slice(start, start + size) for start in range(0, n, size))
