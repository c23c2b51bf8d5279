"""Compiled loops of MUNGE: one pass of Algorithm 1 over an encoded table.

Importing this module imports numba, so `_munge.py` does it only when it computes.

No `fastmath` and no fused multiply-add: each operation rounds as written, in the dtype of the
continuous block, so that a pass equals a plain sequential reference to the last bit, given the same
random numbers. (Small functions take whole arrays and row numbers: making a view costs more than
they do.) The random numbers are laid out as follows (n rows, d_c continuous and d_n nominal attributes):

    coins_c : float32 (n, d_c), coins_n : float32 (n, d_n), one coin per attribute and pair;
              the attribute is exchanged when its coin < p
    normals : two per continuous attribute exchanged, in row-major order, first that of e_a, then
              that of e'_a (a missing value leaves its two unused)
"""

from __future__ import annotations

import numpy as np

from compress.schema import compiled

__all__ = ["count_hits", "exchange_continuous", "exchange_nominal", "hits_of", "munge_original", "round_columns"]


@compiled()
def count_hits(coins, p):
    """How many coins of an (n, d) array are below their column's `p`."""
    n, d = coins.shape
    total = 0
    for i in range(n):
        for a in range(d):
            total += coins[i, a] < p[a]
    return total


@compiled()
def hits_of(coins, i, p, hits):
    """Write the attributes that row i exchanges into `hits` and return how many.

    Without a branch, which would be mispredicted at every other hit. `hits` has an item to spare.
    """
    count = 0
    for a in range(len(p)):
        hits[count] = a
        count += coins[i, a] < p[a]
    return count


@compiled()
def exchange_continuous(continuous, i, j, hits, count, normals, at, s, low, high, clip):
    """Lines 7-8 of Algorithm 1 for attributes hits[:count] of e = row i and e' = row j, in place.

    `at` is the position in `normals`; two are used per attribute.
    """
    for k in range(count):
        a = hits[k]
        e, other = continuous[i, a], continuous[j, a]
        gap = abs(e - other)
        new_e, new_other = other, e
        if gap == gap:  # else one of them is missing: a plain swap, as of a nominal attribute
            sd = gap / s[a]
            new_e = other + sd * normals[at]
            new_other = e + sd * normals[at + 1]
            # with s < 1 a row that is many rows' neighbour can run away; noise that would leave
            # the range of floats is dropped
            if not np.isfinite(new_e):
                new_e = other
            if not np.isfinite(new_other):
                new_other = e
            if clip:
                new_e = min(max(new_e, low[a]), high[a])
                new_other = min(max(new_other, low[a]), high[a])
        continuous[i, a] = new_e
        continuous[j, a] = new_other
        at += 2


@compiled()
def exchange_nominal(nominal, i, j, hits, count):
    """Line 10 of Algorithm 1: swap attributes hits[:count] of rows i and j, in place."""
    for k in range(count):
        a = hits[k]
        nominal[i, a], nominal[j, a] = nominal[j, a], nominal[i, a]


@compiled()
def munge_original(continuous, nominal, neighbors, coins_c, coins_n, normals, p_c, p_n, s, low, high, clip):
    """One pass with e' fixed beforehand: row i meets row neighbors[i], rows in order, in place."""
    hits = np.empty(max(len(p_c), len(p_n)) + 1, dtype=np.int64)
    at = 0
    for i in range(len(neighbors)):
        j = neighbors[i]
        count = hits_of(coins_c, i, p_c, hits)
        exchange_continuous(continuous, i, j, hits, count, normals, at, s, low, high, clip)
        at += 2 * count
        count = hits_of(coins_n, i, p_n, hits)
        exchange_nominal(nominal, i, j, hits, count)


@compiled()
def round_columns(continuous, which):
    """Round the columns flagged in `which` to whole numbers, in place."""
    n, d = continuous.shape
    for i in range(n):
        for a in range(d):
            if which[a]:
                continuous[i, a] = np.rint(continuous[i, a])
