"""Tree students as nodes of an ONNX graph: the features of the trees, and one operator for all of them.

The operator compares float32 numbers. A column of single precision is one feature. A column of double precision becomes
the number of its thresholds that lie below it, and a nominal column becomes one feature for each set of categories,
which is 0 within the set and 1 outside. So old runtimes, too, give the student's choice of leaves.
"""

from __future__ import annotations

import numpy as np

from compress.export._feed import MATRIX, MISSING_INTEGER
from compress.export._tree_plan import TreePlan

__all__ = ["asked_columns", "tree_outputs"]


def asked_columns(plan: TreePlan) -> list:
    """Return the nominal inputs that some split asks for."""
    return [c for c in plan.inputs if c.kind == "nominal" and len(plan.trees.tests.sets[c.k])]


def tree_outputs(graph, plan: TreePlan, given: dict, codes: dict) -> str:
    """Add the trees to a graph, and return the outputs before the output activation.

    Parameters
    ----------
    graph : Graph
        The graph.
    plan : TreePlan
        The plan of the student.
    given : dict
        The value of each input, of shape (n_rows, 1), by its name.
    codes : dict
        The codes of the nominal columns that are asked for, of shape (n_rows,), by their positions.

    Returns
    -------
    str
        The outputs; two columns for two classes, whose softmax is taken.
    """
    features, place, threshold = _features(graph, plan, given, codes)
    h = graph.add("TreeEnsembleRegressor", features, domain="ai.onnx.ml", **_attributes(plan, place, threshold))
    if plan.output_activation == "sigmoid":
        h = graph.add("MatMul", h, graph.constant(plan.scale[0] * np.array([[-0.5, 0.5]]), np.float32))
        return graph.add("Add", h, graph.constant(plan.offset[0] * np.array([-0.5, 0.5]), np.float32))
    if plan.shift is not None:
        return graph.add("Mul", graph.cast(h, "double"), graph.constant(plan.scale, np.float64))
    if not (plan.scale == 1).all():
        h = graph.add("Mul", h, graph.constant(plan.scale, np.float32))
    return graph.add("Add", h, graph.constant(plan.offset, np.float32))


def _features(graph, plan: TreePlan, given, codes) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the matrix of features, and for each test its feature and its threshold."""
    tests = plan.trees.tests
    place, threshold = np.zeros(len(tests), dtype=np.int64), np.full(len(tests), 0.5, dtype=np.float32)
    parts, width = [], 0
    for column in plan.inputs:
        if column.kind != "continuous":
            continue
        own = np.flatnonzero(tests.features == column.k)
        if not len(own):
            continue
        place[own] = width
        value = given[column.name]
        if tests.single[column.k]:
            parts.append(_single(graph, plan, column, value))
            threshold[own] = tests.threshold[own]
        else:
            cuts = np.unique(tests.threshold[own])
            parts.append(_counted(graph, plan, column, value, cuts))
            threshold[own] = np.searchsorted(cuts, tests.threshold[own]) + 0.5
        width += 1
    for column in asked_columns(plan):
        own = np.flatnonzero(tests.features == tests.n_continuous + column.k)
        table = graph.cast(graph.constant(~tests.sets[column.k].T, np.uint8), "float")  # once, when a model is loaded
        parts.append(graph.add("Gather", table, codes[column.k], axis=0))
        place[own] = width + np.arange(len(own))
        width += len(own)
    if not parts:  # no tree has a split
        first = given[MATRIX] if plan.matrix is not None else given[plan.inputs[0].name]
        parts = [graph.add("ConstantOfShape", graph.add("Shape", first))]
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0], place, threshold


def _single(graph, plan: TreePlan, column, value: str) -> str:
    """Return a column as float, NaN where missing."""
    kind = plan.matrix or column.type
    if plan.matrix is not None:
        value = _taken(graph, plan, column, value)
    x = value if kind == "float" else graph.cast(value, "float")
    return _with_missing(graph, x, value, np.float32) if kind == "int64" else x


def _counted(graph, plan: TreePlan, column, value: str, cuts: np.ndarray) -> str:
    """Return the number of thresholds below the numbers of a column, NaN where missing."""
    kind = plan.matrix or column.type
    if plan.matrix is not None:
        value = _taken(graph, plan, column, value)
    x = value if kind == "double" else graph.cast(value, "double")
    above = graph.cast(graph.add("Greater", x, graph.constant(cuts[None], np.float64)), "float")
    count = graph.add("ReduceSum", above, graph.constant([1], np.int64), keepdims=1)
    if kind == "int64":
        return _with_missing(graph, count, value, np.float32)
    missing = graph.add("IsNaN", x)
    return graph.add("Where", missing, graph.constant(np.nan, np.float32), count)


def _taken(graph, plan: TreePlan, column, matrix: str) -> str:
    j = plan.inputs.index(column)
    return graph.add("Gather", matrix, graph.constant([j], np.int64), axis=1)


def _with_missing(graph, x: str, integers: str, dtype) -> str:
    absent = graph.add("Equal", integers, graph.constant(MISSING_INTEGER, np.int64))
    return graph.add("Where", absent, graph.constant(np.nan, dtype), x)


def _attributes(plan: TreePlan, place: np.ndarray, threshold: np.ndarray) -> dict:
    """Return the trees as attributes of the operator."""
    trees, tests, shape = plan.trees, plan.trees.tests, plan.trees.shape
    split, n = trees.is_split, len(trees.is_split)
    sizes = np.diff(np.append(shape.root, n))
    tree = np.repeat(np.arange(len(sizes)), sizes)
    number = np.arange(n) - np.repeat(shape.root, sizes)

    def of_splits(values, dtype) -> list:
        full = np.zeros(n, dtype=dtype)
        full[split] = values
        return full.tolist()

    at = np.flatnonzero(split)
    missing = np.zeros(len(tests), dtype=np.int64)
    missing[: len(tests.missing_left)] = tests.missing_left
    leaves = np.flatnonzero(~split)
    return {
        "nodes_treeids": tree.tolist(),
        "nodes_nodeids": number.tolist(),
        "nodes_featureids": of_splits(place[trees.test], np.int64),
        "nodes_modes": ["BRANCH_LEQ" if is_split else "LEAF" for is_split in split.tolist()],
        "nodes_values": of_splits(threshold[trees.test], np.float32),
        "nodes_truenodeids": of_splits(number[at] + 1, np.int64),
        "nodes_falsenodeids": of_splits(number[shape.right[at]], np.int64),
        "nodes_missing_value_tracks_true": of_splits(missing[trees.test], np.int64),
        "target_treeids": tree[leaves].tolist(),
        "target_nodeids": number[leaves].tolist(),
        "target_ids": (tree[leaves] % plan.n_outputs).tolist(),
        "target_weights": trees.leaf.tolist(),
        "n_targets": plan.n_outputs,
        "post_transform": "NONE",
        "aggregate_function": "SUM",
    }
