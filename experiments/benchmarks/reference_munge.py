"""Algorithm 1 of "Model Compression" (KDD 2006), transcribed line by line into plain Python.

Slow and simple on purpose: the tests hold the compiled passes of `compress.generators.MUNGE`
against it row for row, given the same random numbers, and the benchmark takes its rate as the
baseline. Nothing here is used by the library.

All arithmetic is in the dtype of the continuous block. Missing is NaN in the continuous block and
-1 in the nominal one.
"""

from __future__ import annotations

import numpy as np

__all__ = ["distances_from", "munge_pass", "nearest", "scale"]


def scale(continuous, low, high):
    """Continuous attributes scaled linearly to [0, 1]; a constant one to 0."""
    z = np.zeros_like(continuous)
    for a in range(continuous.shape[1]):
        span = np.float64(high[a]) - np.float64(low[a])
        factor = 1 / span if span > 0 else 0.0
        z[:, a] = (continuous[:, a].astype(np.float64) - low[a]) * factor
    return z


def distances_from(i, z, nominal, may_miss=None):
    """Squared Euclidean plus Hamming distance of row i to all rows; infinite to itself.

    A value missing on one side counts 1, on both sides 0. `may_miss` tells the columns of `z` with
    missing values (they stay in their column), if that is known.
    """
    if may_miss is None:
        may_miss = np.isnan(z).any(axis=0)
    distances = np.zeros(len(z), dtype=z.dtype)
    for a in range(z.shape[1]):
        difference = z[:, a] - z[i, a]
        square = difference * difference
        if may_miss[a]:
            missing = np.isnan(z[:, a])
            one = missing != missing[i]
            square = np.where(one, 1, np.where(missing, 0, square)).astype(z.dtype)
        distances += square
    for a in range(nominal.shape[1]):
        distances += nominal[:, a] != nominal[i, a]
    distances[i] = np.inf
    return distances


def nearest(i, z, nominal, may_miss=None):
    """The row closest to row i; the lowest one of several."""
    return int(np.argmin(distances_from(i, z, nominal, may_miss)))


def munge_pass(
    continuous, nominal, coins_c, coins_n, normals, p_c, p_n, s, low, high, *, clip=False, neighbors=None, visits=None
):
    """One pass of the loop (lines 3-14): T' of T.

    Parameters
    ----------
    continuous : float array of shape (n, d_c)
    nominal : int array of shape (n, d_n)
    coins_c, coins_n : float32 arrays of shapes (n, d_c) and (n, d_n)
        Uniform on [0, 1): "with probability p" is `coin < p`.
    normals : float array
        Standard normal: two for each continuous attribute exchanged, in the order of the loops.
    p_c, p_n, s, low, high : arrays with one value per attribute
    clip : bool
        Keep exchanged values within [low, high].
    neighbors : int array of shape (n,), optional
        e' of each row, fixed beforehand; by default it is searched in T'.
    visits : int, optional
        Stop after so many rows (to measure the time of a row).

    Returns
    -------
    continuous, nominal : arrays
        T'.
    """
    continuous, nominal = continuous.copy(), nominal.copy()
    if neighbors is None:
        z = np.asfortranarray(scale(continuous, low, high))  # searched column by column
        may_miss = np.isnan(z).any(axis=0)
    normal = iter(normals)
    for i in range(len(continuous) if visits is None else visits):
        j = nearest(i, z, nominal, may_miss) if neighbors is None else neighbors[i]
        for a in range(continuous.shape[1]):
            if coins_c[i, a] < p_c[a]:
                noise = next(normal), next(normal)
                e, other = continuous[i, a], continuous[j, a]
                if np.isnan(e) or np.isnan(other):
                    continuous[i, a], continuous[j, a] = other, e
                    continue
                sd = abs(e - other) / s[a]
                new = other + sd * noise[0], e + sd * noise[1]
                if clip:
                    new = [min(max(value, low[a]), high[a]) for value in new]
                continuous[i, a], continuous[j, a] = new
        for a in range(nominal.shape[1]):
            if coins_n[i, a] < p_n[a]:
                nominal[i, a], nominal[j, a] = nominal[j, a], nominal[i, a]
        if neighbors is None:
            z[[i, j]] = scale(continuous[[i, j]], low, high)
    return continuous, nominal
