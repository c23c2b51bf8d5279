"""Reading trees out of scikit-learn's histogram boosting.

What is read is private to scikit-learn: the arrays of nodes, the sets of categories, the baseline. Their layout is that
of version 1.9, and is checked before anything is taken from it.
"""

from __future__ import annotations

import numpy as np
import sklearn

from compress.trees._ensemble import Tests, TreeEnsemble

__all__ = ["ensemble_of"]

FIELDS = {"value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf", "is_categorical"}


def ensemble_of(models: list, columns: list, n_categories: np.ndarray, single: np.ndarray) -> TreeEnsemble:
    """Return the trees of fitted models.

    Parameters
    ----------
    models : list of HistGradientBoostingClassifier or HistGradientBoostingRegressor
        A model of all outputs, or a model for each output.
    columns : list of (int, int array or None)
        For each column of the matrix that the models were fitted on: its number, and for nominal columns the group of
        each category, -1 where there was none.
    n_categories : int array of shape (n_nominal,)
        The number of categories of each nominal column.
    single : bool array of shape (n_continuous,)
        Which continuous columns are compared in float32.

    Returns
    -------
    TreeEnsemble
        The ensemble; its choice of leaves is that of the models to the last bit.

    Raises
    ------
    RuntimeError
        The installed version of scikit-learn keeps its trees in another way.
    """
    predictors = [tree for iteration in zip(*(m._predictors for m in models)) for trees in iteration for tree in trees]
    nodes = np.concatenate([tree.nodes for tree in predictors])
    _check_layout(nodes)
    sizes = np.array([len(tree.nodes) for tree in predictors])
    offset = np.repeat(np.cumsum(sizes) - sizes, sizes)
    is_split = nodes["is_leaf"] == 0
    tests, test = _tests(
        predictors, nodes[is_split], np.repeat(np.arange(len(sizes)), sizes)[is_split], columns, n_categories, single
    )
    base = np.concatenate([np.ravel(model._baseline_prediction) for model in models]).astype(np.float64)
    leaf = nodes["value"][~is_split].astype(np.float32)
    ensemble = TreeEnsemble(base, is_split, test, leaf, tests)
    places = np.flatnonzero(is_split)
    same = ensemble.n_trees == len(sizes) and np.array_equal(nodes["left"][is_split] + offset[is_split], places + 1)
    if not same or not np.array_equal(nodes["right"][is_split] + offset[is_split], ensemble.shape.right[is_split]):
        raise _unknown("its nodes are not in preorder")
    return ensemble


def _check_layout(nodes: np.ndarray) -> None:
    names = set(nodes.dtype.names or ())
    if not FIELDS | {"bitset_idx"} <= names:
        raise _unknown(f"its nodes have no {sorted((FIELDS | {'bitset_idx'}) - names)}")


def _unknown(what: str) -> RuntimeError:
    return RuntimeError(
        f"scikit-learn {sklearn.__version__} keeps its trees in a way that this version of compress does not know "
        f"({what}). Install scikit-learn 1.9, or a newer compress."
    )


def _tests(predictors, splits, tree, columns, n_categories, single) -> tuple[Tests, np.ndarray]:
    """Return the different tests, and the position of the test of each split."""
    number = np.array([f for f, _ in columns])
    feature = number[splits["feature_idx"]]
    nominal = splits["is_categorical"] != 0
    missing_left = splits["missing_go_to_left"] != 0
    threshold = _rounded_down(splits["num_threshold"][~nominal], single[feature[~nominal]])
    rows = np.column_stack([feature[~nominal], threshold, missing_left[~nominal]])
    found, which = np.unique(rows, axis=0, return_inverse=True)
    test = np.empty(len(splits), dtype=np.intp)
    test[~nominal] = which.ravel()
    groups_of = {f: groups for f, groups in columns if groups is not None}
    sets = [{} for _ in n_categories]
    owner = np.flatnonzero(nominal)
    at = []
    for i in owner:
        bits = np.unpackbits(
            predictors[tree[i]].raw_left_cat_bitsets[splits["bitset_idx"][i]].astype("<u4").view(np.uint8),
            bitorder="little",
        )
        groups, k = groups_of[feature[i]], feature[i] - len(single)
        left = np.full(len(groups) + 1, missing_left[i])
        left[:-1][groups >= 0] = bits[groups[groups >= 0]]
        at.append((k, sets[k].setdefault(left.tobytes(), len(sets[k]))))
    blocks = tuple(
        np.frombuffer(b"".join(block), dtype=bool).reshape(len(block), n + 1) for block, n in zip(sets, n_categories)
    )
    first = len(found) + np.cumsum([0, *map(len, blocks)])
    test[owner] = [first[k] + place for k, place in at]
    tests = Tests(single, found[:, 0].astype(np.intp), found[:, 1].copy(), found[:, 2] != 0, blocks)
    return tests, test


def _rounded_down(threshold: np.ndarray, single: np.ndarray) -> np.ndarray:
    """Return thresholds that ask the same of float32 numbers; infinity becomes the largest number."""
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
        near = np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
    largest = np.where(single, np.finfo(np.float32).max, np.finfo(np.float64).max)
    return np.minimum(np.where(single, near, threshold), largest)
