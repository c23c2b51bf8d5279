"""Reading trees out of scikit-learn's histogram boosting.

What is read is private to scikit-learn: the arrays of nodes, the sets of categories, the baseline. Their layout is that
of version 1.9, and is checked before anything is taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.trees._ensemble import Tests, TreeEnsemble

__all__ = ["MatrixColumn", "ensemble_of"]

FIELDS = {"value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf", "is_categorical"}


@dataclass(frozen=True)
class MatrixColumn:
    """What a column of the matrix is from which trees are grown.

    Parameters
    ----------
    number : int
        The number of the column in the two blocks: continuous columns, then nominal ones.
    cuts : float64 array, optional
        The thresholds of a continuous column; the matrix holds how many of them are below a number.
    groups : int array of shape (n_categories,), optional
        The group of each category of a nominal column, -1 where there was none; the matrix holds these groups.
    """

    number: int
    cuts: np.ndarray | None = None
    groups: np.ndarray | None = None


def ensemble_of(models: list, columns: list, n_categories: np.ndarray, single: np.ndarray) -> TreeEnsemble:
    """Return the trees of fitted models.

    Parameters
    ----------
    models : list of HistGradientBoostingClassifier or HistGradientBoostingRegressor
        A model of all outputs, or a model for each output.
    columns : list of MatrixColumn
        The columns of the matrix that the models were fitted on.
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
    import sklearn

    return RuntimeError(
        f"scikit-learn {sklearn.__version__} keeps its trees in a way that this version of compress does not know "
        f"({what}). Install scikit-learn 1.9, or a newer compress."
    )


def _tests(predictors, splits, tree, columns, n_categories, single) -> tuple[Tests, np.ndarray]:
    """Return the different tests, and the position of the test of each split."""
    number = np.array([column.number for column in columns])
    feature = number[splits["feature_idx"]]
    nominal = splits["is_categorical"] != 0
    missing_left = splits["missing_go_to_left"] != 0
    threshold = _thresholds(splits[~nominal], columns, single)
    rows = np.column_stack([feature[~nominal], threshold, missing_left[~nominal]])
    found, which = np.unique(rows, axis=0, return_inverse=True)
    test = np.empty(len(splits), dtype=np.intp)
    test[~nominal] = which.ravel()
    groups_of = {column.number: column.groups for column in columns if column.groups is not None}
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


def _thresholds(splits, columns, single: np.ndarray) -> np.ndarray:
    """Return the thresholds of splits of continuous columns.

    The matrix holds numbers of intervals, and a split lies half-way between two of them. It is infinite where missing
    values are split from all others, for which the largest number stands.
    """
    largest = np.where(single, np.finfo(np.float32).max, np.finfo(np.float64).max)
    threshold = np.empty(len(splits))
    for at in np.unique(splits["feature_idx"]):
        own, column = splits["feature_idx"] == at, columns[at]
        cuts = np.append(column.cuts, largest[column.number])
        threshold[own] = cuts[np.minimum(splits["num_threshold"][own], len(cuts) - 1).astype(np.intp)]
    return threshold
