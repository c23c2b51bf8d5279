"""The forward pass of a net for one row, compiled.

A net is three arrays, so that one compiled function serves all nets, and code that is kept on disk is found again:

    p : int64    sizes, and where things are in the other two; see `compress.export._packed`
    d : float64  means, bounds, inverse scales, edges of bins, and what is added to the outputs
    f : float32  weights

Layers are computed as vectors of units. Blocks of rows are in `compress.export._block_kernels`.
"""

from __future__ import annotations

import math

import numpy as np

from compress.export._packed import HEADER
from compress.schema import compiled

__all__ = ["FAST", "all_are_finite", "finish", "predict_row"]

(
    N_CONTINUOUS,
    N_PLAIN,
    PLAIN,
    LOW,
    HIGH,
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
    N_LINES,
    FIRST,
    BIAS,
    N_LAYERS,
    LAYERS,
    ACTIVATION,
    OUTPUT,
    N_OUTPUTS,
    SHIFT,
    LARGEST,
    SECOND,
) = range(len(HEADER))  # the places in `p`
LAYER = 6  # numbers of a layer: inputs, units, weights, weights by unit or -1, bias, whether inputs are activated

U0, U1, U2, U3, U4, U8 = (np.uint64(n) for n in (0, 1, 2, 3, 4, 8))
ZERO, ONE, HALF, ROOT = np.float32(0), np.float32(1), np.float32(0.5), np.float32(0.5**0.5)
# sums in any order; NaN and infinities are what they are, and division by zero is infinite
FAST = {"fastmath": {"contract", "nsz", "reassoc"}, "error_model": "numpy"}


# --------------------------------------------------------------- shared parts
@compiled(**FAST)
def activate(s, h, n, kind):
    """Apply the activation to n numbers from h on."""
    if kind == 0:
        for j in range(n):
            s[h + j] = s[h + j] if not s[h + j] <= ZERO else ZERO  # NaN stays
    elif kind == 1:
        for j in range(n):
            s[h + j] = math.tanh(s[h + j])
    elif kind == 2:
        for j in range(n):
            s[h + j] = ONE / (ONE + np.exp(-s[h + j]))
    elif kind == 3:
        for j in range(n):
            s[h + j] = s[h + j] / (ONE + np.exp(-s[h + j]))
    else:
        for j in range(n):
            s[h + j] = HALF * s[h + j] * (ONE + np.float32(math.erf(s[h + j] * ROOT)))


@compiled(**FAST)
def finish(z, at, step, n, output, shift, d, out, to):
    """Turn the n outputs of one row, z[at], z[at + step], ..., into its predictions, out[to], out[to + 1], ...

    Values get d[shift:] added where shift is not negative.
    """
    if output == 1:
        value = z[at]
        e = np.exp(-abs(value))
        high = ONE / (ONE + e)
        low = e * high
        out[to + U1] = high if not value < ZERO else low
        out[to] = low if not value < ZERO else high
    elif output == 2:
        largest, total = z[at], ZERO * z[at]
        for k in range(n):
            value = z[at + k * step]
            largest = value if value > largest else largest
        for k in range(n):
            value = np.exp(z[at + k * step] - largest)
            z[at + k * step] = value
            total += value
        for k in range(n):
            out[to + k] = z[at + k * step] / total
    elif shift >= 0:
        for k in range(n):
            out[to + k] = d[np.uint64(shift) + k] + np.float64(z[at + k * step])
    else:
        for k in range(n):
            out[to + k] = z[at + k * step]


@compiled(**FAST)
def all_are_finite(out):
    """Whether no prediction is NaN or infinite."""
    total = out[0] - out[0]
    for k in range(1, len(out)):
        total += out[k] - out[k]
    return total == 0


@compiled(**FAST)
def copy(s, h, f, a, n):
    """Set n numbers."""
    for j in range(n):
        s[h + j] = f[a + j]


@compiled(**FAST)
def add(s, h, f, a, n):
    """Add n numbers."""
    for j in range(n):
        s[h + j] += f[a + j]


@compiled(**FAST)
def add_four(s, h, f, a, b, c, e, n):
    """Add n numbers from four places."""
    for j in range(n):
        s[h + j] += (f[a + j] + f[b + j]) + (f[c + j] + f[e + j])


@compiled(**FAST)
def set_five(s, h, f, a, b, c, e, g, n):
    """Set n numbers to the sums of those at five places."""
    for j in range(n):
        s[h + j] = f[a + j] + (f[b + j] + f[c + j]) + (f[e + j] + f[g + j])


@compiled(**FAST)
def add_line(s, h, f, a, b, u, v, n):
    """Add u times n numbers at a and v times those at b."""
    for j in range(n):
        s[h + j] += u * f[a + j] + v * f[b + j]


@compiled(**FAST)
def line_of(codes, at, q, p, n):
    """Where the line of a category begins in the look-up table of nominal column q."""
    record = p[NOMINAL] + 2 * q  # number of categories, table
    n_categories = p[record]
    code = np.int64(codes[at + np.uint64(q)])
    if code < 0 or code > n_categories:
        code = n_categories
    return np.uint64(p[record + 1] + code * n)


@compiled(**FAST)
def held(value, low, high):
    """A number within bounds; NaN stays."""
    value = low if value < low else value
    return high if value > high else value


@compiled(**FAST)
def add_bins(value, record, p, d, f, s, h, n):
    """Add what the bins of a column give."""
    k, n_bins = p[record], p[record + 1]  # and edges with inverse widths, and lines
    edges, lines = p[record + 2], p[record + 3]
    value = d[k] if value != value else held(value, d[p[LOW] + k], d[p[HIGH] + k])
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
    add_line(s, h, f, np.uint64(a), np.uint64(b), u, v, np.uint64(n))


@compiled(**FAST)
def start_row(X, x, codes, at, p, d, f, s, h):
    """Set the first layer of the row at x to its bias, and what its flags, bins and categories add."""
    wide, n_nominal, q = p[WIDTH], p[N_NOMINAL], 0
    n, bias = np.uint64(wide), np.uint64(p[BIAS])
    if n_nominal >= 4:
        a, b = line_of(codes, at, 0, p, wide), line_of(codes, at, 1, p, wide)
        c, e = line_of(codes, at, 2, p, wide), line_of(codes, at, 3, p, wide)
        set_five(s, h, f, bias, a, b, c, e, n)
        q = 4
    else:
        copy(s, h, f, bias, n)
    for k in range(p[N_FLAGS]):
        value = X[x + np.uint64(p[p[FLAGS] + k])]
        if value != value:
            add(s, h, f, np.uint64(p[FLAG_WEIGHTS] + k * wide), n)
    for k in range(p[N_PIECES]):
        record = p[PIECES] + 4 * k
        add_bins(X[x + np.uint64(p[record])], record, p, d, f, s, h, wide)
    while q + 4 <= n_nominal:
        a, b = line_of(codes, at, q, p, wide), line_of(codes, at, q + 1, p, wide)
        c, e = line_of(codes, at, q + 2, p, wide), line_of(codes, at, q + 3, p, wide)
        add_four(s, h, f, a, b, c, e, n)
        q += 4
    while q < n_nominal:
        add(s, h, f, line_of(codes, at, q, p, wide), n)
        q += 1


@compiled(**FAST)
def centred(value, k, p, d):
    """A number as the first layer gets it; 0 where it is missing."""
    if value != value:
        return ZERO
    value = held(value, d[p[LOW] + k], d[p[HIGH] + k])
    if p[HAS_SCALE]:
        return np.float32((value - d[k]) * d[p[SCALE] + k])
    return np.float32(value - d[k])


# -------------------------------------------------------------------- one row
@compiled(**FAST)
def add_eight(s, h, x, f, w, n):
    """Add what the eight inputs at x give to n units."""
    x0, x1, x2, x3 = s[x], s[x + U1], s[x + U2], s[x + U3]
    y = x + U4
    x4, x5, x6, x7 = s[y], s[y + U1], s[y + U2], s[y + U3]
    w1, w2, w3, w4 = w + n, w + U2 * n, w + U3 * n, w + U4 * n
    w5, w6, w7 = w4 + n, w4 + U2 * n, w4 + U3 * n
    for j in range(n):
        near = x0 * f[w + j] + x1 * f[w1 + j] + x2 * f[w2 + j] + x3 * f[w3 + j]
        s[h + j] += near + (x4 * f[w4 + j] + x5 * f[w5 + j] + x6 * f[w6 + j] + x7 * f[w7 + j])


@compiled(**FAST)
def add_four_inputs(s, h, x, f, w, n):
    """Add what the four inputs at x give to n units."""
    x0, x1, x2, x3 = s[x], s[x + U1], s[x + U2], s[x + U3]
    w1, w2, w3 = w + n, w + U2 * n, w + U3 * n
    for j in range(n):
        s[h + j] += x0 * f[w + j] + x1 * f[w1 + j] + (x2 * f[w2 + j] + x3 * f[w3 + j])


@compiled(**FAST)
def add_two(s, h, x, f, w, n):
    """Add what the two inputs at x give to n units."""
    x0, x1, w1 = s[x], s[x + U1], w + n
    for j in range(n):
        s[h + j] += x0 * f[w + j] + x1 * f[w1 + j]


@compiled(**FAST)
def affine(s, h, x, f, w, n_in, n_out):
    """Add what the inputs at x give to the units at h."""
    i = U0
    while i + U8 <= n_in:
        add_eight(s, h, x + i, f, w + i * n_out, n_out)
        i += U8
    if i + U4 <= n_in:
        add_four_inputs(s, h, x + i, f, w + i * n_out, n_out)
        i += U4
    if i + U2 <= n_in:
        add_two(s, h, x + i, f, w + i * n_out, n_out)
        i += U2
    if i < n_in:
        last, a = s[x + i], w + i * n_out
        for j in range(n_out):
            s[h + j] += last * f[a + j]


@compiled(**FAST)
def dot(s, x, f, w, n):
    """The inner product of n numbers."""
    total = ZERO
    for j in range(n):
        total += s[x + j] * f[w + j]
    return total


@compiled(**FAST)
def dot_of_relu(s, x, f, w, n):
    """The inner product of n numbers, after ReLU."""
    total = ZERO
    for j in range(n):
        total += (s[x + j] if not s[x + j] <= ZERO else ZERO) * f[w + j]
    return total


@compiled(**FAST)
def room_for_a_row(p):
    """Numbers to work in, and the first of them that begins a line of the cache, which vectors should not cross."""
    s = np.empty(2 * p[LARGEST] + p[N_INPUTS] + 64, dtype=np.float32)
    return s, np.uint64((-(s.ctypes.data >> 2)) & 15)


@compiled(**FAST)
def one_row(X, x, codes, at, p, d, f, s, inputs, out, to):
    """Predict the row at x, with its codes at `at`; s is room to work in, from `inputs` on."""
    h = inputs + np.uint64((p[N_INPUTS] + 15) & ~15)
    g = h + np.uint64((p[LARGEST] + 15) & ~15)
    start_row(X, x, codes, at, p, d, f, s, h)
    n, n_waves = p[N_PLAIN], p[N_FREQUENCIES]
    for q in range(n):
        k = p[p[PLAIN] + q]
        s[inputs + np.uint64(q)] = centred(X[x + np.uint64(k)], k, p, d)
    if n_waves:
        for q in range(n):
            for w in range(n_waves):
                angle = s[inputs + np.uint64(q)] * f[p[FREQUENCIES] + q * n_waves + w]
                s[inputs + np.uint64(n + q * n_waves + w)] = math.sin(angle)
                s[inputs + np.uint64(n + (n + q) * n_waves + w)] = math.cos(angle)
    affine(s, h, inputs, f, np.uint64(p[FIRST]), np.uint64(p[N_INPUTS]), np.uint64(p[WIDTH]))
    for layer in range(p[N_LAYERS]):
        record = p[LAYERS] + LAYER * layer
        n_in, n_out, by_unit, bias = (
            np.uint64(p[record]),
            np.uint64(p[record + 1]),
            p[record + 3],
            np.uint64(p[record + 4]),
        )
        if n_out == U1 and p[record + 5] and p[ACTIVATION] == 0:
            s[g] = f[bias] + dot_of_relu(s, h, f, np.uint64(by_unit), n_in)
            h, g = g, h
            continue
        if p[record + 5]:
            activate(s, h, n_in, p[ACTIVATION])
        if by_unit >= 0:
            for k in range(n_out):
                s[g + k] = f[bias + k] + dot(s, h, f, np.uint64(by_unit) + k * n_in, n_in)
        else:
            copy(s, g, f, bias, n_out)
            affine(s, g, h, f, np.uint64(p[record + 2]), n_in, n_out)
        h, g = g, h
    finish(s, h, U1, np.uint64(p[N_OUTPUTS]), p[OUTPUT], p[SHIFT], d, out, to)


@compiled(**FAST)
def predict_row(row, p, d, f, out):
    """Predict one row: the numbers, then the codes, in one float64 array. Whether all predictions are finite."""
    s, begin = room_for_a_row(p)
    one_row(row, U0, row, np.uint64(p[N_CONTINUOUS]), p, d, f, s, begin, out, U0)
    return all_are_finite(out)
