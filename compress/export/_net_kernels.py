"""The forward pass of a net for one row, compiled.

A net is three arrays, so that one compiled function serves all nets, and code that is kept on disk is found again:

    p : int64    sizes, and where things are in the other two; see `compress.export._packed`
    d : float64  means, inverse scales, edges of bins, and what is added to the outputs
    f : float32  weights

Layers are computed as vectors of units. Blocks of rows are in `compress.export._block_kernels`.
"""

from __future__ import annotations

import math

import numpy as np

from compress._compiled import compiled
from compress.export._packed import HEADER

__all__ = ["FAST", "all_are_finite", "finish", "predict_row"]

(
    N_CONTINUOUS,
    N_PLAIN,
    PLAIN,
    HAS_SCALE,
    SCALE,
    N_FREQUENCIES,
    FREQUENCIES,
    N_FLAGS,
    FLAGS,
    FLAG_WEIGHTS,
    N_PIECES,
    PIECES,
    N_NOMINAL,
    NOMINAL,
    WIDTH,
    N_INPUTS,
    FIRST,
    BIAS,
    N_LAYERS,
    LAYERS,
    ACTIVATION,
    OUTPUT,
    N_OUTPUTS,
    SHIFT,
    LARGEST,
) = range(len(HEADER))  # the places in `p`
LAYER = 6  # numbers of a layer: inputs, units, weights, weights by unit or -1, bias, whether inputs are activated

ZERO, ONE, HALF, ROOT = np.float32(0), np.float32(1), np.float32(0.5), np.float32(0.5**0.5)
# sums in any order; NaN and infinities are what they are, and division by zero is infinite
FAST = {"fastmath": {"contract", "nsz", "reassoc"}, "error_model": "numpy"}


# --------------------------------------------------------------- shared parts
@compiled(**FAST)
def activate(h, n, kind):
    """Apply the activation to the first n numbers."""
    if kind == 0:
        for j in range(n):
            h[j] = h[j] if not h[j] <= ZERO else ZERO  # NaN stays
    elif kind == 1:
        for j in range(n):
            h[j] = math.tanh(h[j])
    elif kind == 2:
        for j in range(n):
            h[j] = ONE / (ONE + np.exp(-h[j]))
    elif kind == 3:
        for j in range(n):
            h[j] = h[j] / (ONE + np.exp(-h[j]))
    else:
        for j in range(n):
            h[j] = HALF * h[j] * (ONE + np.float32(math.erf(h[j] * ROOT)))


@compiled(**FAST)
def finish(z, n, output, shift, d, out):
    """Turn the n outputs of one row into its predictions; identity adds d[shift:] where shift is not negative."""
    if output == 1:
        e = np.exp(-abs(z[0]))
        high = ONE / (ONE + e)
        low = e * high
        out[1] = high if not z[0] < ZERO else low
        out[0] = low if not z[0] < ZERO else high
    elif output == 2:
        largest, total = z[0], ZERO * z[0]
        for k in range(1, n):
            largest = z[k] if z[k] > largest else largest
        for k in range(n):
            z[k] = np.exp(z[k] - largest)
            total += z[k]
        for k in range(n):
            out[k] = z[k] / total
    elif shift >= 0:
        for k in range(n):
            out[k] = d[shift + k] + np.float64(z[k])
    else:
        for k in range(n):
            out[k] = z[k]


@compiled(**FAST)
def all_are_finite(out):
    """Whether no prediction is NaN or infinite."""
    total = out[0] - out[0]
    for value in out[1:]:
        total += value - value
    return total == 0


@compiled(**FAST)
def add(h, w, n):
    """h += w."""
    for j in range(n):
        h[j] += w[j]


@compiled(**FAST)
def add_line(h, a, b, u, v, n):
    """h += u a + v b."""
    for j in range(n):
        h[j] += u * a[j] + v * b[j]


@compiled(**FAST)
def start_row(x, codes, p, d, f, h):
    """Set the first layer of a row to its bias, what its flags, bins and categories add."""
    n = p[WIDTH]
    h[:n] = f[p[BIAS] : p[BIAS] + n]
    for q in range(p[N_FLAGS]):
        value = x[p[p[FLAGS] + q]]
        if value != value:
            at = p[FLAG_WEIGHTS] + q * n
            add(h, f[at : at + n], n)
    for q in range(p[N_PIECES]):
        at = p[PIECES] + 4 * q  # column, number of bins, edges and inverse widths, lines
        k, n_bins, edges, lines = p[at], p[at + 1], p[at + 2], p[at + 3]
        value = np.float64(x[k])
        if value != value:
            value = d[k]
        low, high = 0, n_bins + 1  # the number of edges up to the value
        while low < high:
            middle = (low + high) >> 1
            if d[edges + middle] <= value:
                low = middle + 1
            else:
                high = middle
        widths = edges + n_bins + 1
        if low == 0 or low > n_bins:
            edge = 0 if low == 0 else n_bins
            v = np.float32((value - d[edges + edge]) * d[widths + n_bins])
            a, b, u = lines + (edge + 1) * n, lines, ONE
        else:
            v = np.float32((value - d[edges + low - 1]) * d[widths + low - 1])
            a, b, u = lines + low * n, lines + (low + 1) * n, ONE - v
        add_line(h, f[a : a + n], f[b : b + n], u, v, n)
    for q in range(p[N_NOMINAL]):
        at = p[NOMINAL] + 2 * q  # number of categories, table
        n_categories = p[at]
        code = np.int64(codes[q])
        if code < 0 or code > n_categories:
            code = n_categories
        table = p[at + 1] + code * n
        add(h, f[table : table + n], n)


@compiled(**FAST)
def centred(value, k, p, d):
    """A number as the first layer gets it; 0 where it is missing."""
    if value != value:
        return ZERO
    if p[HAS_SCALE]:
        return np.float32((np.float64(value) - d[k]) * d[p[SCALE] + k])
    return np.float32(np.float64(value) - d[k])


# -------------------------------------------------------------------- one row
@compiled(**FAST)
def add_eight(h, w, n, x0, x1, x2, x3, x4, x5, x6, x7):
    """Add what eight inputs give to all units."""
    w0, w1, w2, w3 = w[:n], w[n : 2 * n], w[2 * n : 3 * n], w[3 * n : 4 * n]
    w4, w5, w6, w7 = w[4 * n : 5 * n], w[5 * n : 6 * n], w[6 * n : 7 * n], w[7 * n : 8 * n]
    for j in range(n):
        near = x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j]
        h[j] += near + x4 * w4[j] + x5 * w5[j] + x6 * w6[j] + x7 * w7[j]


@compiled(**FAST)
def add_two(h, w, n, x0, x1):
    """Add what two inputs give to all units."""
    w0, w1 = w[:n], w[n : 2 * n]
    for j in range(n):
        h[j] += x0 * w0[j] + x1 * w1[j]


@compiled(**FAST)
def affine(h, x, w, n_in, n_out):
    """h += x @ w."""
    i = 0
    while i + 8 <= n_in:
        part = w[i * n_out : (i + 8) * n_out]
        add_eight(h, part, n_out, x[i], x[i + 1], x[i + 2], x[i + 3], x[i + 4], x[i + 5], x[i + 6], x[i + 7])
        i += 8
    while i + 2 <= n_in:
        add_two(h, w[i * n_out : (i + 2) * n_out], n_out, x[i], x[i + 1])
        i += 2
    if i < n_in:
        part, last = w[i * n_out : (i + 1) * n_out], x[i]
        for j in range(n_out):
            h[j] += last * part[j]


@compiled(**FAST)
def dot(x, w, n):
    """The inner product of x and w."""
    total = ZERO
    for j in range(n):
        total += x[j] * w[j]
    return total


@compiled(**FAST)
def one_row(x, codes, p, d, f, h, g, inputs, out):
    """Predict one row; h, g and inputs are room to work in."""
    start_row(x, codes, p, d, f, h)
    n = p[N_PLAIN]
    for q in range(n):
        k = p[p[PLAIN] + q]
        inputs[q] = centred(x[k], k, p, d)
    n_waves = p[N_FREQUENCIES]
    if n_waves:
        for q in range(n):
            for w in range(n_waves):
                angle = inputs[q] * f[p[FREQUENCIES] + q * n_waves + w]
                inputs[n + q * n_waves + w] = math.sin(angle)
                inputs[n + (n + q) * n_waves + w] = math.cos(angle)
    affine(h, inputs, f[p[FIRST] :], p[N_INPUTS], p[WIDTH])
    for layer in range(p[N_LAYERS]):
        at = p[LAYERS] + LAYER * layer
        n_in, n_out, by_unit, bias = p[at], p[at + 1], p[at + 3], p[at + 4]
        if p[at + 5]:
            activate(h, n_in, p[ACTIVATION])
        if by_unit >= 0:
            for k in range(n_out):
                g[k] = f[bias + k] + dot(h, f[by_unit + k * n_in :], n_in)
        else:
            g[:n_out] = f[bias : bias + n_out]
            affine(g, h, f[p[at + 2] :], n_in, n_out)
        h, g = g, h
    finish(h, p[N_OUTPUTS], p[OUTPUT], p[SHIFT], d, out)


@compiled(**FAST)
def predict_row(row, p, d, f, out):
    """Predict one row: the numbers, then the codes, in one float64 array. Whether all predictions are finite."""
    largest, n = p[LARGEST], p[N_CONTINUOUS]
    room = np.empty(2 * largest + p[N_INPUTS], dtype=np.float32)
    one_row(row[:n], row[n:], p, d, f, room[:largest], room[largest : 2 * largest], room[2 * largest :], out)
    return all_are_finite(out)
