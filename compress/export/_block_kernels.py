"""The forward pass of a net for many rows, compiled: blocks of rows side by side.

In a block, `s` holds inputs and units as lines of `BLOCK` rows each, and vectors are of rows: every number of units is
right for them, and a weight that is read serves the whole line. Positions are unsigned, since numba would test signed
ones for being negative, which keeps LLVM from making vectors. Tables and predictions are float64, whatever the caller
has, since each further type would take seconds to compile.
"""

from __future__ import annotations

import math

import numpy as np

from compress.export._net_kernels import (
    ACTIVATION,
    BIAS,
    FAST,
    FIRST,
    FREQUENCIES,
    HAS_SCALE,
    HIGH,
    LARGEST,
    LAYER,
    LAYERS,
    LOW,
    N_CONTINUOUS,
    N_FLAGS,
    N_FREQUENCIES,
    N_LAYERS,
    N_LINES,
    N_NOMINAL,
    N_OUTPUTS,
    N_PIECES,
    N_PLAIN,
    OUTPUT,
    PLAIN,
    SECOND,
    SHIFT,
    U0,
    U1,
    U2,
    U3,
    U4,
    WIDTH,
    ZERO,
    activate,
    centred,
    finish,
    held,
    one_row,
    room_for_a_row,
    start_row,
)
from compress.schema import compiled

__all__ = ["predict_rows"]

BLOCK = 128
FEW = 12  # rows up to which blocks do not pay
ROWS = np.uint64(BLOCK)
LINE = np.uint64(BLOCK + 16)  # from one line to the next: lines a power of two apart would share places in the cache


@compiled(**FAST)
def with_bias(s, h, f, bias, n):
    """Set n units to their bias."""
    for u in range(n):
        value, at = f[bias + u], h + u * LINE
        for r in range(ROWS):
            s[at + r] = value


@compiled(**FAST)
def dense(s, x, h, f, weight, n_in, n_out, bias, kind):
    """Add to the units at h, or to their bias unless it is negative, what the inputs at x give, and activate them.

    Four units at a time are begun and finished while they are near; a negative kind stands for none.
    """
    u = U0
    while u + U4 <= n_out:
        to, i = h + u * LINE, U0
        if bias >= 0:
            with_bias(s, to, f, np.uint64(bias) + u, U4)
        while i + U4 <= n_in:
            a = weight + i * n_out + u
            b = a + n_out
            c = b + n_out
            e = c + n_out
            a0, a1, a2, a3 = f[a], f[a + U1], f[a + U2], f[a + U3]
            b0, b1, b2, b3 = f[b], f[b + U1], f[b + U2], f[b + U3]
            c0, c1, c2, c3 = f[c], f[c + U1], f[c + U2], f[c + U3]
            e0, e1, e2, e3 = f[e], f[e + U1], f[e + U2], f[e + U3]
            at = x + i * LINE
            for r in range(ROWS):
                x0, x1, x2, x3 = s[at + r], s[at + LINE + r], s[at + U2 * LINE + r], s[at + U3 * LINE + r]
                s[to + r] += x0 * a0 + x1 * b0 + x2 * c0 + x3 * e0
                s[to + LINE + r] += x0 * a1 + x1 * b1 + x2 * c1 + x3 * e1
                s[to + U2 * LINE + r] += x0 * a2 + x1 * b2 + x2 * c2 + x3 * e2
                s[to + U3 * LINE + r] += x0 * a3 + x1 * b3 + x2 * c3 + x3 * e3
            i += U4
        while i < n_in:
            a = weight + i * n_out + u
            a0, a1, a2, a3 = f[a], f[a + U1], f[a + U2], f[a + U3]
            at = x + i * LINE
            for r in range(ROWS):
                x0 = s[at + r]
                s[to + r] += x0 * a0
                s[to + LINE + r] += x0 * a1
                s[to + U2 * LINE + r] += x0 * a2
                s[to + U3 * LINE + r] += x0 * a3
            i += U1
        if kind >= 0:
            activate(s, to, U4 * LINE, kind)
        u += U4
    while u < n_out:
        to, i = h + u * LINE, U0
        if bias >= 0:
            with_bias(s, to, f, np.uint64(bias) + u, U1)
        while i + U4 <= n_in:
            a = weight + i * n_out + u
            a0, b0, c0, e0 = f[a], f[a + n_out], f[a + U2 * n_out], f[a + U3 * n_out]
            at = x + i * LINE
            for r in range(ROWS):
                near = s[at + r] * a0 + s[at + LINE + r] * b0
                s[to + r] += near + s[at + U2 * LINE + r] * c0 + s[at + U3 * LINE + r] * e0
            i += U4
        while i < n_in:
            a0, at = f[weight + i * n_out + u], x + i * LINE
            for r in range(ROWS):
                s[to + r] += s[at + r] * a0
            i += U1
        if kind >= 0:
            activate(s, to, LINE, kind)
        u += U1


@compiled(**FAST)
def start_block(X, codes, first, n_rows, p, d, f, s, x, h, room):
    """Set the inputs of a block at x, and what is added to its first layer at h row by row; return its bias or -1.

    Rows that lack are whatever they were.
    """
    width, d_c, d_n = np.uint64(p[WIDTH]), np.uint64(p[N_CONTINUOUS]), np.uint64(p[N_NOMINAL])
    bias = p[BIAS]
    if p[N_FLAGS] + p[N_PIECES] + p[N_NOMINAL]:
        bias = -1
        for r in range(n_rows):
            start_row(X, (first + r) * d_c, codes, (first + r) * d_n, p, d, f, room, U0)
            at = h + r
            for u in range(width):
                s[at + u * LINE] = room[u]
    n, n_waves = p[N_PLAIN], p[N_FREQUENCIES]
    for q in range(n):
        k, at = p[p[PLAIN] + q], x + np.uint64(q) * LINE
        mean, low, high, value = d[k], d[p[LOW] + k], d[p[HIGH] + k], first * d_c + np.uint64(k)
        if p[HAS_SCALE]:
            for r in range(n_rows):
                s[at + r] = centred(X[value + r * d_c], k, p, d)
        else:
            for r in range(n_rows):
                number = held(X[value + r * d_c], low, high)
                s[at + r] = np.float32(number - mean) if number == number else ZERO
    if n_waves:
        for q in range(n):
            for w in range(n_waves):
                frequency, at = f[p[FREQUENCIES] + q * n_waves + w], x + np.uint64(q) * LINE
                sine = x + np.uint64(n + q * n_waves + w) * LINE
                cosine = x + np.uint64(n + (n + q) * n_waves + w) * LINE
                for r in range(ROWS):
                    angle = s[at + r] * frequency
                    s[sine + r], s[cosine + r] = math.sin(angle), math.cos(angle)
    return bias


@compiled(**FAST)
def kind_before(p, layer):
    """The activation of the inputs of a layer, or -1."""
    return p[ACTIVATION] if layer < p[N_LAYERS] and p[p[LAYERS] + LAYER * layer + 5] else -1


@compiled(**FAST)
def block_of_rows(X, codes, first, n_rows, p, d, f, s, x, room, out):
    """Predict up to BLOCK rows; the lines of s begin at x."""
    largest = np.uint64(p[LARGEST])
    h = x + np.uint64(p[N_LINES]) * LINE
    g = h + largest * LINE
    bias = start_block(X, codes, first, n_rows, p, d, f, s, x, h, room)
    dense(s, x, h, f, np.uint64(p[FIRST]), np.uint64(p[N_LINES]), np.uint64(p[WIDTH]), bias, kind_before(p, 0))
    for layer in range(p[N_LAYERS]):
        record = p[LAYERS] + LAYER * layer
        n_in, n_out = np.uint64(p[record]), np.uint64(p[record + 1])
        dense(s, h, g, f, np.uint64(p[record + 2]), n_in, n_out, p[record + 4], kind_before(p, layer + 1))
        h, g = g, h
    n_outputs, n_predictions = np.uint64(p[N_OUTPUTS]), np.uint64(p[N_OUTPUTS])
    if p[OUTPUT] == 1:
        n_predictions = U2
    for r in range(n_rows):
        finish(s, h + r, LINE, n_outputs, p[OUTPUT], p[SHIFT], d, out, (first + r) * n_predictions)


@compiled(**FAST)
def predict_rows(X, codes, n_rows, p, d, f, out):
    """Predict rows: X holds the continuous columns, codes the nominal ones, row by row in one dimension."""
    n, largest, first = np.uint64(n_rows), p[LARGEST], U0
    d_c, d_n = np.uint64(p[N_CONTINUOUS]), np.uint64(p[N_NOMINAL])
    room, begin = room_for_a_row(p)
    # what rows add one by one is moved into lines at a price that one narrow layer does not give back
    by_row = p[N_LAYERS] <= 1 and p[N_NOMINAL] + p[N_PIECES] > 0
    if n > np.uint64(FEW) and not by_row:
        s = np.zeros((largest + p[SECOND] + p[N_LINES]) * int(LINE) + 16, dtype=np.float32)
        x = np.uint64((-(s.ctypes.data >> 2)) & 15)
        while first + np.uint64(FEW) < n:
            more = min(n - first, ROWS)
            block_of_rows(X, codes, first, more, p, d, f, s, x, room, out)
            first += more
    n_predictions = U2 if p[OUTPUT] == 1 else np.uint64(p[N_OUTPUTS])
    while first < n:
        one_row(X, first * d_c, codes, first * d_n, p, d, f, room, begin, out, first * n_predictions)
        first += U1
