"""The evaluation of trees, compiled; the idea is that of `compress.trees.TreeEvaluator`.

    p     : int64    sizes, the columns, and where the leaves of each tree begin
    d     : float64  thresholds, the values of the leaves, base, scale and shift of the outputs
    words : uint32 or uint64, by the most leaves of a tree: the words of all leaves, then those of each column

Where trees are too large for words they are walked: the nodes are in `p` then, and `words` is empty.
"""

from __future__ import annotations

import numpy as np

from compress.export._net_kernels import FAST, U0, U1, U2, all_are_finite, finish
from compress.export._packed_trees import HEADER
from compress.schema import compiled

__all__ = ["predict_row", "predict_rows"]

(
    N_CONTINUOUS,
    N_NOMINAL,
    N_TREES,
    N_OUTPUTS,
    OUTPUT,
    N_COLUMNS,
    COLUMNS,
    OFFSETS,
    LEAVES,
    BASE,
    SCALE,
    SHIFT,
    NODES,
    ROOTS,
    SETS,
    MANTISSA,
) = range(len(HEADER))  # the places in `p`
COLUMN = 5  # numbers of a column: its place, 0 (double), 1 (single) or 2 (categories), how many, thresholds, words
NODE = 6  # numbers of a node: kind as above or -1 for a leaf, column, threshold or set, missing left, right, leaf


@compiled(**FAST)
def place_of(X, x, codes, at, p, d, record):
    """The line of words of a column that holds for a row."""
    k, kind, n = np.uint64(p[record]), p[record + 1], p[record + 2]
    if kind == 2:
        code = np.int64(codes[at + k])
        return code if 0 <= code < n else n
    value = np.float64(np.float32(X[x + k])) if kind == 1 else X[x + k]
    if value != value:
        return n + 1
    low, high, thresholds = 0, n, p[record + 3]
    while low < high:
        middle = (low + high) >> 1
        if d[thresholds + middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled(**FAST)
def keep(left, words, line, n):
    """Leave the leaves that both allow."""
    for t in range(n):
        left[t] &= words[line + t]


@compiled(**FAST)
def by_words(X, x, codes, at, p, d, words, left, numbers, bits, z):
    """Add up the leaves of one row."""
    n = np.uint64(p[N_TREES])
    for t in range(n):
        left[t] = words[t]
    for c in range(p[N_COLUMNS]):
        record = p[COLUMNS] + COLUMN * c
        line = p[record + 4] + place_of(X, x, codes, at, p, d, record) * p[N_TREES]
        keep(left, words, np.uint64(line), n)
    for t in range(n):  # one bit is left: its place is the exponent of the word as a number
        numbers[t] = left[t]
    n_outputs, offsets, leaves = p[N_OUTPUTS], np.uint64(p[OFFSETS]), p[LEAVES]
    if n_outputs == 1:
        total = 0.0
        for t in range(n):
            total += d[np.uint64(leaves + p[offsets + t] + (bits[t] >> p[MANTISSA]))]
        z[0] += total
        return
    for t in range(n):
        z[np.int64(t) % n_outputs] += d[np.uint64(leaves + p[offsets + t] + (bits[t] >> p[MANTISSA]))]


@compiled(**FAST)
def by_steps(X, x, codes, at, p, d, z):
    """Add up the leaves of one row, node by node."""
    for t in range(p[N_TREES]):
        node = p[p[ROOTS] + t]
        record = p[NODES] + NODE * node
        while p[record] >= 0:
            kind, k = p[record], np.uint64(p[record + 1])
            if kind == 2:
                code = np.int64(codes[at + k])
                first, n = p[p[SETS] + 2 * p[record + 2]], p[p[SETS] + 2 * p[record + 2] + 1]
                left = p[first + (code if 0 <= code < n else n)] != 0
            else:
                value = np.float64(np.float32(X[x + k])) if kind == 1 else X[x + k]
                left = p[record + 3] != 0 if value != value else value <= d[p[record + 2]]
            node = node + 1 if left else p[record + 4]
            record = p[NODES] + NODE * node
        z[t % p[N_OUTPUTS]] += d[p[LEAVES] + p[record + 5]]


@compiled(**FAST)
def one_row(X, x, codes, at, p, d, words, left, numbers, bits, z, out, to):
    """Predict the row at x; left, numbers, bits (the same memory as numbers) and z are room to work in."""
    n = p[N_OUTPUTS]
    for k in range(n):
        z[k] = 0.0
    if len(words):
        by_words(X, x, codes, at, p, d, words, left, numbers, bits, z)
    else:
        by_steps(X, x, codes, at, p, d, z)
    for k in range(n):
        z[k] = (z[k] + d[p[BASE] + k]) * d[p[SCALE] + k] + d[p[SHIFT] + k]
    finish(z, U0, U1, np.uint64(n), p[OUTPUT], -1, d, out, to)


@compiled(**FAST)
def predict_row(row, p, d, words, numbers, bits, out):
    """Predict one row: the numbers, then the codes, in one float64 array. Whether all predictions are finite."""
    left, z = np.empty(len(numbers), words.dtype), np.empty(p[N_OUTPUTS])
    one_row(row, U0, row, np.uint64(p[N_CONTINUOUS]), p, d, words, left, numbers, bits, z, out, U0)
    return all_are_finite(out)


@compiled(**FAST)
def predict_rows(X, codes, n_rows, p, d, words, numbers, bits, out):
    """Predict rows: X holds the continuous columns, codes the nominal ones, row by row in one dimension."""
    left, z = np.empty(len(numbers), words.dtype), np.empty(p[N_OUTPUTS])
    d_c, d_n = np.uint64(p[N_CONTINUOUS]), np.uint64(p[N_NOMINAL])
    n_predictions = U2 if p[OUTPUT] == 1 else np.uint64(p[N_OUTPUTS])
    for r in range(np.uint64(n_rows)):
        one_row(X, r * d_c, codes, r * d_n, p, d, words, left, numbers, bits, z, out, r * n_predictions)
