"""Compiled distances between rows of mixed tables, and the exhaustive search for the nearest.

The squared distance of two rows is the sum, in the order of the attributes and rounded at each step
in the dtype of the continuous block, of

    (difference)^2 of each continuous attribute, scaled so that its training range is [0, 1],
    1 for each nominal attribute that differs,

where a value missing on one side counts 1 and on both sides 0 (NaN in `z`; in `codes` -1 is a code
like others). Everything that searches neighbours agrees on it to the last bit, ties included: the
lowest row wins.

`z`: (n, d_c) scaled, `codes`: (n, d_n); `zt`, `codes_t` the same transposed and C-contiguous, so that
the loop over rows is vectorised while each row's sum keeps its order. `missing` flags the columns of
`z` that hold NaN somewhere.
"""

from __future__ import annotations

import numpy as np

from compress.schema import compiled

__all__ = ["chunk_distances", "distance", "nearest_of_all", "nearest_of_candidates", "scale_block", "scaled", "scan"]

FAR = 1e15  # scaled values are kept within +-FAR, so that no squared distance overflows
CHUNK = 256  # rows compared at a time: their distances stay in the L1 cache
GROUP = 32  # rows whose neighbours are searched at a time: they share what is read of the others


@compiled()
def scaled(value, low, scale):
    """`value` on the axis where the training range is [0, 1]; NaN stays NaN."""
    z = (np.float64(value) - low) * scale
    if z > FAR:
        return FAR
    if z < -FAR:
        return -FAR
    return z


@compiled()
def scale_block(continuous, low, scale):
    """All of an (n, d) block scaled, in its dtype."""
    n, d = continuous.shape
    z = np.empty((n, d), dtype=continuous.dtype)
    for i in range(n):
        for a in range(d):
            z[i, a] = scaled(continuous[i, a], low[a], scale[a])
    return z


@compiled()
def distance(z, codes, i, j):
    """The squared distance of rows i and j as defined: in order, rounded at each step."""
    zero, one = z.dtype.type(0), z.dtype.type(1)  # typed, or numba would sum in float64
    total = zero
    for a in range(z.shape[1]):
        x, y = z[i, a], z[j, a]
        diff = y - x
        square = diff * diff
        if square != square:
            square = zero if (x != x and y != y) else one
        total += square
    for a in range(codes.shape[1]):
        if codes[i, a] != codes[j, a]:
            total += one
    return total


@compiled(fastmath={"nnan", "nsz"})
def smallest(values):
    """Minimum of an array without NaN; `nnan` lets it be vectorised, and min does not round."""
    low = values[0]
    quarter = len(values) // 4
    for k in range(quarter):
        first = min(values[k], values[k + quarter])
        second = min(values[k + 2 * quarter], values[k + 3 * quarter])
        low = min(low, min(first, second))
    for k in range(4 * quarter, len(values)):
        low = min(low, values[k])
    return low


@compiled()
def chunk_distances(out, z, codes, i, start, zt, codes_t, missing):
    """Squared distances of row i of (z, codes) to rows start, start + 1, ... of (zt, codes_t).

    As many as `out` takes.
    """
    size = len(out)
    zero, one = out.dtype.type(0), out.dtype.type(1)  # typed, or numba would sum in float64
    out[:] = zero
    for a in range(z.shape[1]):
        column = zt[a, start : start + size]
        x = z[i, a]
        if not missing[a]:
            for j in range(size):
                diff = column[j] - x
                out[j] += diff * diff
        elif x != x:
            for j in range(size):
                out[j] += one if column[j] == column[j] else zero
        else:
            for j in range(size):
                diff = column[j] - x
                square = diff * diff
                out[j] += square if square == square else one
    for a in range(codes.shape[1]):
        column_codes = codes_t[a, start : start + size]
        code = codes[i, a]
        for j in range(size):
            out[j] += one if column_codes[j] != code else zero


@compiled()
def scan(first, stop, z, codes, i, zt, codes_t, missing, buffer, best, best_row):
    """(squared distance, row) of the nearest to row i in [first, stop), or the one found before."""
    for start in range(first, stop, CHUNK):
        out = buffer[: min(CHUNK, stop - start)]
        chunk_distances(out, z, codes, i, start, zt, codes_t, missing)
        if start <= i < start + len(out):
            out[i - start] = np.inf
        low = smallest(out)
        if low > best:
            continue
        for j in range(len(out)):
            if out[j] == low:
                if low < best or start + j < best_row:
                    best, best_row = low, start + j
                break
    return best, best_row


@compiled()
def nearest_of_all(rows, z, codes, zt, codes_t, missing, found, squared):
    """For each row of `rows` its nearest among all others, into `found` and `squared`."""
    n = len(z)
    buffer = np.empty(CHUNK, dtype=squared.dtype)
    for group in range(0, len(rows), GROUP):
        stop = min(group + GROUP, len(rows))
        for q in range(group, stop):
            found[q], squared[q] = n, np.inf
        for start in range(0, n, CHUNK):
            for q in range(group, stop):
                squared[q], found[q] = scan(
                    start, min(start + CHUNK, n), z, codes, rows[q], zt, codes_t, missing, buffer,
                    squared[q], found[q],
                )  # fmt: skip


@compiled()
def nearest_of_candidates(rows, candidates, z, codes, found, squared):
    """For each row of `rows` the nearest of its candidates, the lowest of several.

    candidates : int array of shape (len(rows), k); the row itself and -1 are passed over.
    """
    for q in range(len(rows)):
        i = rows[q]
        found[q], squared[q] = -1, np.inf
        for k in range(candidates.shape[1]):
            j = candidates[q, k]
            if j == i or j < 0:
                continue
            d = distance(z, codes, i, j)
            if d < squared[q] or (d == squared[q] and j < found[q]):
                found[q], squared[q] = j, d
