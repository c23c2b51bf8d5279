"""Compiled MUNGE pass whose neighbours are searched in the set being changed, T'.

As printed, Algorithm 1 compares each row with all others. Here most rows are ruled out, and the row
found is still the nearest, the lowest of several, to the last bit of the distance as defined in
`_distance_kernels.py`.

The distance is Euclidean (each nominal attribute is one-hot / sqrt(2)), so with `moved[i]` the
distance of row i from where it started,

    d(i, j) >= d_T(i, j) - moved[i] - moved[j],      d_T: the distance in the original set T.

Each row keeps a list of its nearest rows in T, ascending in d_T. Going down the list, rows whose
bound exceeds the best distance so far are skipped; once the bound with the largest `moved` exceeds
it, the rest of the table is ruled out too. The few rows that moved far are set apart and always
compared, so that they do not spoil the bound. If the list ends too soon, all rows are scanned.

(The inequality needs care with missing values, which are at distance 1 of everything: it holds
because the legs of the path i -> j in T are at most 1 per attribute, whatever the noise.)
"""

from __future__ import annotations

import numpy as np

from compress.generators._distance_kernels import CHUNK, chunk_distances, distance, scaled, scan, smallest
from compress.generators._munge_kernels import exchange_continuous, exchange_nominal, hits_of
from compress.schema import compiled

__all__ = ["distances_of", "munge_current"]

FAR_ROWS = 192  # rows set apart because they moved far
TRIAL, HEAD = 128, 8
# Sums in another order serve to rule out, never to decide, and only with a margin. Infinities cannot
# occur (FAR); NaN is a missing value, so the flag `nnan` may not be given.
LOOSE = {"reassoc", "contract", "nsz"}


@compiled(fastmath=LOOSE)
def loose(z, i, other, j):
    """The continuous part of a squared distance, up to rounding; the rows may be of two tables."""
    zero, one = z.dtype.type(0), z.dtype.type(1)
    total = zero
    for a in range(z.shape[1]):
        x, y = z[i, a], other[j, a]
        diff = y - x
        square = diff * diff
        total += square if square == square else (zero if (x != x) & (y != y) else one)
    return total


@compiled()
def differing(codes, i, other, j):
    """The nominal part of a squared distance."""
    count = 0
    for a in range(codes.shape[1]):
        count += codes[i, a] != other[j, a]
    return count


@compiled()
def distances_of(first, z, codes, zt, codes_t, missing, squared):
    """Squared distances of rows first, first + 1, ... to all rows into `squared`; inf to itself."""
    n = len(z)
    for q in range(len(squared)):
        for start in range(0, n, CHUNK):
            out = squared[q, start : min(start + CHUNK, n)]
            chunk_distances(out, z, codes, first + q, start, zt, codes_t, missing)
        squared[q, first + q] = np.inf


@compiled()
def middle(values):
    """Median, the lower one of two; for a hundred values about as fast as sorting, and quick to compile."""
    half = (len(values) - 1) // 2
    for value in values:
        below, equal = 0, 0
        for other in values:
            below += other < value
            equal += other == value
        if below <= half < below + equal:
            return value
    return values[0]


@compiled()
def copy_row(z, codes, i, zt, codes_t, k):
    """Column k of the transposed pair becomes row i of the other."""
    for a in range(z.shape[1]):
        zt[a, k] = z[i, a]
    for a in range(codes.shape[1]):
        codes_t[a, k] = codes[i, a]


@compiled()
def munge_current(
    continuous, nominal, z0, nominal0, z_low, z_factor, missing, lists, radii,
    coins_c, coins_n, normals, p_c, p_n, s, low, high, clip,
):  # fmt: skip
    """One pass with e' searched in T', rows in order, in place.

    z0, nominal0 : the table before, scaled; z_low, z_factor : the scaling; missing : columns with NaN.
    lists, radii : (n, length), each row's nearest rows in the table before, ascending, and their
        distances (not squared); with length 0 all rows are searched each time.
    """
    n, d_c = continuous.shape
    d_n = nominal.shape[1]
    dtype = continuous.dtype
    z = z0.copy()
    zt, nominal_t = z0.T.copy(), nominal.T.copy()
    hits_c, hits_n = np.empty(d_c + 1, dtype=np.int64), np.empty(d_n + 1, dtype=np.int64)
    buffer = np.empty(CHUNK, dtype=dtype)
    # all bounds are compared with this relative margin; rounding stays well below it
    slack = dtype.type(1 + 8 * (d_c + d_n + 4) * np.finfo(dtype).eps)
    infinite = dtype.type(np.inf)

    moved = np.zeros(n, dtype=dtype)
    reach = dtype.type(0)  # largest `moved` of the rows that are not far
    far = np.empty(FAR_ROWS + 2, dtype=np.int64)
    n_far = 0
    place = np.full(n, -1)  # position in `far`
    far_zt, far_nominal_t = np.empty((d_c, len(far)), dtype=dtype), np.empty((d_n, len(far)), dtype=np.int32)
    far_squared = np.empty(len(far), dtype=dtype)

    depth, scans = lists.shape[1], 0
    at = 0
    for i in range(n):
        if i % TRIAL == 0:
            # where all distances are alike the lists rule out nothing, and only their heads, which
            # make the scan's limit small, are worth reading
            if 4 * scans > 3 * TRIAL:
                depth = min(depth, HEAD)
            scans = 0

        best, best_row = infinite, n
        limit, bound = best, best  # what rules a row out: loose squared distance, distance
        ruled_out = False
        for k in range(depth):
            radius = radii[i, k]
            if radius > (bound + moved[i] + reach) * slack:
                ruled_out = True
                break
            j = lists[i, k]
            if radius > (bound + moved[i] + moved[j]) * slack:
                continue
            if loose(z, i, z, j) + differing(nominal, i, nominal, j) <= limit:
                found = distance(z, nominal, i, j)
                if found < best or (found == best and j < best_row):
                    best, best_row = found, j
                    limit = best * slack
                    bound = np.sqrt(limit) * slack
        if ruled_out and n_far:
            # all but the far rows are
            out = far_squared[:n_far]
            chunk_distances(out, z, nominal, i, 0, far_zt, far_nominal_t, missing)
            if place[i] >= 0:
                out[place[i]] = np.inf
            found = smallest(out)
            if found <= best:
                for k in range(n_far):
                    if out[k] == found and (found < best or far[k] < best_row):
                        best, best_row = found, far[k]
        elif not ruled_out:
            scans += 1
            best, best_row = scan(0, n, z, nominal, i, zt, nominal_t, missing, buffer, best, best_row)

        j = best_row
        n_hits_c = hits_of(coins_c, i, p_c, hits_c)
        n_hits_n = hits_of(coins_n, i, p_n, hits_n)
        exchange_continuous(continuous, i, j, hits_c, n_hits_c, normals, at, s, low, high, clip)
        exchange_nominal(nominal, i, j, hits_n, n_hits_n)
        at += 2 * n_hits_c
        for row in (i, j):
            for k in range(n_hits_c):
                a = hits_c[k]
                value = scaled(continuous[row, a], z_low[a], z_factor[a])
                z[row, a] = value
                zt[a, row] = value
            for k in range(n_hits_n):
                a = hits_n[k]
                nominal_t[a, row] = nominal[row, a]
            moved[row] = np.sqrt(loose(z, row, z0, row) + differing(nominal, row, nominal0, row)) * slack
            if moved[row] > reach:
                if place[row] < 0:
                    place[row], far[n_far] = n_far, row
                    n_far += 1
                copy_row(z, nominal, row, far_zt, far_nominal_t, place[row])
            elif place[row] >= 0:
                n_far -= 1
                last = far[n_far]
                far[place[row]], place[last] = last, place[row]
                copy_row(z, nominal, last, far_zt, far_nominal_t, place[last])
                place[row] = -1
        if n_far >= FAR_ROWS:
            # the nearer half of the far rows no longer counts as far
            for k in range(n_far):
                far_squared[k] = moved[far[k]]
            reach = middle(far_squared[:n_far])
            kept = 0
            for k in range(n_far):
                row = far[k]
                place[row] = -1
                if moved[row] > reach:
                    place[row], far[kept] = kept, row
                    copy_row(z, nominal, row, far_zt, far_nominal_t, kept)
                    kept += 1
            n_far = kept
