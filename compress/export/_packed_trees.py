"""A tree student as arrays, as its compiled functions take it; see `compress.export._tree_kernels`."""

from __future__ import annotations

import numpy as np

from compress.export._packed import OUTPUTS
from compress.trees import TreeEvaluator

__all__ = ["HEADER", "packed_trees"]

# the first numbers of `p`
HEADER = (
    "n_continuous",
    "n_nominal",
    "n_trees",
    "n_outputs",
    "output",
    "n_columns",
    "columns_at",
    "offsets_at",
    "leaves_at",
    "base_at",
    "scale_at",
    "shift_at",
    "nodes_at",
    "roots_at",
    "sets_at",
    "mantissa",
)


def packed_trees(evaluator: TreeEvaluator, output_activation: str, scale, shift):
    """Return the arrays `p`, `d` and `words` of trees.

    Parameters
    ----------
    evaluator : TreeEvaluator
        The trees with their words, where they have some.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions.
    scale, shift : float64 arrays of shape (n_outputs,)
        The unit of the outputs.
    """
    trees = evaluator.ensemble
    doubles, numbers = [], []

    def double(values) -> int:
        at = sum(map(len, doubles))
        doubles.append(np.asarray(values, dtype=np.float64))
        return at

    def number(values) -> int:
        at = len(HEADER) + len(numbers)
        numbers.extend(map(int, values))
        return at

    first = {
        "n_continuous": trees.tests.n_continuous,
        "n_nominal": len(trees.tests.sets),
        "n_trees": trees.n_trees,
        "n_outputs": trees.n_outputs,
        "output": OUTPUTS.index(output_activation),
        "leaves_at": double(trees.leaf),
        "base_at": double(trees.base),
        "scale_at": double(scale),
        "shift_at": double(shift),
    }
    rest = dict.fromkeys(HEADER, 0)
    if evaluator.by_masks:
        found, words = _by_words(evaluator, double, number)
    else:
        found, words = _by_steps(evaluator, double, number), np.zeros(0, dtype=np.uint32)
    numbered = {**rest, **first, **found}
    p = np.array([numbered[name] for name in HEADER] + numbers, dtype=np.int64)
    return p, np.concatenate(doubles), words


def _by_words(evaluator: TreeEvaluator, double, number):
    """Return the entries of the header and the words of all columns, one after the other."""
    full, offsets, columns = evaluator.words()
    wide = full.dtype.itemsize > 4
    kind = np.uint64 if wide else np.uint32
    parts, size, described = [full.astype(kind)], len(full), []
    n_continuous = evaluator.ensemble.tests.n_continuous
    for f, thresholds, table in columns:
        if thresholds is None:
            described += [f - n_continuous, 2, len(table) - 1, 0, size]
        else:
            described += [f, thresholds.dtype == np.float32, len(thresholds), double(thresholds), size]
        parts.append(table.astype(kind).ravel())
        size += parts[-1].size
    bias, mantissa = (1023, 52) if wide else (127, 23)
    found = {
        "n_columns": len(columns),
        "columns_at": number(described),
        "offsets_at": number(offsets - bias),
        "mantissa": mantissa,
    }
    return found, np.concatenate(parts)


def _by_steps(evaluator: TreeEvaluator, double, number) -> dict:
    """Return the entries of the header for trees that are walked."""
    trees, tests = evaluator.ensemble, evaluator.ensemble.tests
    thresholds, sets, place = double(tests.threshold), [], {}
    for k, block in enumerate(tests.sets):
        first = len(tests.threshold) + sum(map(len, tests.sets[:k]))
        for s, left in enumerate(block):
            place[first + s] = len(sets) // 2
            sets += [number(left), len(left) - 1]
    nodes, test = [], iter(trees.test.tolist())
    features = tests.features.tolist()
    for i, split in enumerate(trees.is_split.tolist()):
        if not split:
            nodes += [-1, 0, 0, 0, 0, trees.shape.first[i]]
            continue
        t = next(test)
        f, right = features[t], trees.shape.right[i]
        if f < tests.n_continuous:
            nodes += [tests.single[f], f, thresholds + t, tests.missing_left[t], right, 0]
        else:
            nodes += [2, f - tests.n_continuous, place[t], 0, right, 0]
    return {"nodes_at": number(nodes), "roots_at": number(trees.shape.root), "sets_at": number(sets)}
