"""The forward pass of a net for many rows, compiled: blocks of rows side by side.

In a block, `s` holds inputs and units as lines of `BLOCK` rows each, and vectors are of rows: every number of units is
right for them, and a weight that is read serves the whole line. Positions are unsigned, since numba would test signed
ones for being negative, which keeps LLVM from making vectors. Tables and predictions are float64, whatever the caller
has, since each further type would take seconds to compile.
"""

from __future__ import annotations

import math

import numpy as np

from compress._compiled import compiled
from compress.export._net_kernels import (
    ACTIVATION,
    BIAS,
    FAST,
    FIRST,
    FREQUENCIES,
    HAS_SCALE,
    LARGEST,
    LAYER,
    LAYERS,
    N_FLAGS,
    N_FREQUENCIES,
    N_INPUTS,
    N_LAYERS,
    N_NOMINAL,
    N_OUTPUTS,
    N_PIECES,
    N_PLAIN,
    OUTPUT,
    PLAIN,
    SHIFT,
    WIDTH,
    ZERO,
    activate,
    centred,
    finish,
    one_row,
    start_row,
)

__all__ = ["predict_rows"]

BLOCK = 128
FEW = 12  # rows up to which blocks do not pay
U0, U1, U2, U3, U4, ROWS = (np.uint64(n) for n in (0, 1, 2, 3, 4, BLOCK))


@compiled(**FAST)
def dense(s, x, h, f, weight, n_in, n_out):
    """Add to the units at h what the inputs at x give."""
    u = U0
    while u + U4 <= n_out:
        to, i = h + u * ROWS, U0
        while i + U4 <= n_in:
            a = weight + i * n_out + u
            b = a + n_out
            c = b + n_out
            e = c + n_out
            a0, a1, a2, a3 = f[a], f[a + U1], f[a + U2], f[a + U3]
            b0, b1, b2, b3 = f[b], f[b + U1], f[b + U2], f[b + U3]
            c0, c1, c2, c3 = f[c], f[c + U1], f[c + U2], f[c + U3]
            e0, e1, e2, e3 = f[e], f[e + U1], f[e + U2], f[e + U3]
            at = x + i * ROWS
            for r in range(ROWS):
                x0, x1, x2, x3 = s[at + r], s[at + ROWS + r], s[at + U2 * ROWS + r], s[at + U3 * ROWS + r]
                s[to + r] += x0 * a0 + x1 * b0 + x2 * c0 + x3 * e0
                s[to + ROWS + r] += x0 * a1 + x1 * b1 + x2 * c1 + x3 * e1
                s[to + U2 * ROWS + r] += x0 * a2 + x1 * b2 + x2 * c2 + x3 * e2
                s[to + U3 * ROWS + r] += x0 * a3 + x1 * b3 + x2 * c3 + x3 * e3
            i += U4
        while i < n_in:
            a = weight + i * n_out + u
            a0, a1, a2, a3 = f[a], f[a + U1], f[a + U2], f[a + U3]
            at = x + i * ROWS
            for r in range(ROWS):
                x0 = s[at + r]
                s[to + r] += x0 * a0
                s[to + ROWS + r] += x0 * a1
                s[to + U2 * ROWS + r] += x0 * a2
                s[to + U3 * ROWS + r] += x0 * a3
            i += U1
        u += U4
    while u < n_out:
        to, i = h + u * ROWS, U0
        while i + U4 <= n_in:
            a = weight + i * n_out + u
            a0, b0, c0, e0 = f[a], f[a + n_out], f[a + U2 * n_out], f[a + U3 * n_out]
            at = x + i * ROWS
            for r in range(ROWS):
                near = s[at + r] * a0 + s[at + ROWS + r] * b0
                s[to + r] += near + s[at + U2 * ROWS + r] * c0 + s[at + U3 * ROWS + r] * e0
            i += U4
        while i < n_in:
            a0, at = f[weight + i * n_out + u], x + i * ROWS
            for r in range(ROWS):
                s[to + r] += s[at + r] * a0
            i += U1
        u += U1


@compiled(**FAST)
def with_bias(s, h, f, bias, n):
    """Set units to their bias."""
    for u in range(n):
        value, at = f[bias + u], h + u * ROWS
        for r in range(ROWS):
            s[at + r] = value


@compiled(**FAST)
def start_block(X, codes, first, n_rows, p, d, f, s, x, h, room):
    """Set the inputs at x and the first layer at h of a block; rows that lack are zeros."""
    width = np.uint64(p[WIDTH])
    if p[N_FLAGS] + p[N_PIECES] + p[N_NOMINAL]:
        for r in range(n_rows):
            start_row(X[first + r], codes[first + r], p, d, f, room)
            at = h + np.uint64(r)
            for u in range(p[WIDTH]):
                s[at] = room[u]
                at += ROWS
    else:
        with_bias(s, h, f, np.uint64(p[BIAS]), width)
    n = p[N_PLAIN]
    for q in range(n):
        k, at = p[p[PLAIN] + q], x + np.uint64(q) * ROWS
        if p[HAS_SCALE]:
            for r in range(n_rows):
                s[at + np.uint64(r)] = centred(X[first + r, k], k, p, d)
            continue
        mean = d[k]
        for r in range(n_rows):
            value = X[first + r, k]
            s[at + np.uint64(r)] = np.float32(value - mean) if value == value else ZERO
    n_waves = p[N_FREQUENCIES]
    if n_waves:
        for q in range(n):
            for w in range(n_waves):
                frequency, at = f[p[FREQUENCIES] + q * n_waves + w], x + np.uint64(q) * ROWS
                sine = x + np.uint64(n + q * n_waves + w) * ROWS
                cosine = x + np.uint64(n + (n + q) * n_waves + w) * ROWS
                for r in range(ROWS):
                    angle = s[at + r] * frequency
                    s[sine + r], s[cosine + r] = math.sin(angle), math.cos(angle)


@compiled(**FAST)
def block_of_rows(X, codes, first, n_rows, p, d, f, s, room, out):
    """Predict up to BLOCK rows."""
    largest = np.uint64(p[LARGEST])
    x, h = U0, np.uint64(p[N_INPUTS]) * ROWS
    g = h + largest * ROWS
    start_block(X, codes, first, n_rows, p, d, f, s, x, h, room)
    dense(s, x, h, f, np.uint64(p[FIRST]), np.uint64(p[N_INPUTS]), np.uint64(p[WIDTH]))
    for layer in range(p[N_LAYERS]):
        at = p[LAYERS] + LAYER * layer
        n_in, n_out = np.uint64(p[at]), np.uint64(p[at + 1])
        if p[at + 5]:
            activate(s[h:], p[at] * BLOCK, p[ACTIVATION])
        with_bias(s, g, f, np.uint64(p[at + 4]), n_out)
        dense(s, h, g, f, np.uint64(p[at + 2]), n_in, n_out)
        h, g = g, h
    for r in range(n_rows):
        at = h + np.uint64(r)
        for k in range(p[N_OUTPUTS]):
            room[k] = s[at + np.uint64(k) * ROWS]
        finish(room, p[N_OUTPUTS], p[OUTPUT], p[SHIFT], d, out[first + r])


@compiled(**FAST)
def predict_rows(X, codes, p, d, f, out):
    """Predict rows: X holds the continuous columns, codes the nominal ones."""
    n, largest = len(X), p[LARGEST]
    room = np.empty(2 * largest + p[N_INPUTS], dtype=np.float32)
    first = 0
    if n > FEW:
        s = np.zeros((2 * largest + p[N_INPUTS]) * BLOCK, dtype=np.float32)
        while first + FEW < n:
            n_rows = min(n - first, BLOCK)
            block_of_rows(X, codes, first, n_rows, p, d, f, s, room, out)
            first += n_rows
    h, g, inputs = room[:largest], room[largest : 2 * largest], room[2 * largest :]
    for r in range(first, n):
        one_row(X[r], codes[r], p, d, f, h, g, inputs, out[r])
