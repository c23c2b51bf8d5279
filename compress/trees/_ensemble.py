"""A tree ensemble as plain arrays.

All trees stand one after the other, iteration by iteration and within an iteration output by output, each as its nodes
in *preorder*: a node, the nodes of its left branch, those of its right branch. Which nodes are splits and which are
leaves says everything about the shape of the trees, so that there are no indices of children to keep, or to check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["Shape", "Tests", "TreeEnsemble"]


@dataclass(frozen=True)
class Tests:
    """The different tests of an ensemble: those of the continuous columns by column and threshold, then the sets.

    Parameters
    ----------
    single : bool array of shape (n_continuous,)
        Whether the numbers of a column are rounded to float32 before they are compared; else they are float64.
    feature : int array of shape (n_thresholds,)
        The continuous column of each threshold, ascending.
    threshold : float64 array of shape (n_thresholds,)
        Numbers up to the threshold go left; in columns of single precision all thresholds are float32 numbers.
    missing_left : bool array of shape (n_thresholds,)
        Whether a missing value goes left.
    sets : tuple of bool arrays of shape (n_sets, n_categories + 1)
        For each nominal column the categories that go left, set by set; the last place is that of a missing value.
    """

    single: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    sets: tuple

    @property
    def n_continuous(self) -> int:
        """The number of continuous columns."""
        return len(self.single)

    @cached_property
    def features(self) -> np.ndarray:
        """The column of each test; int array of shape (n_tests,)."""
        of_sets = np.repeat(np.arange(len(self.sets)), [len(block) for block in self.sets]) + self.n_continuous
        return np.concatenate([self.feature, of_sets]).astype(np.intp)

    def __len__(self) -> int:
        return len(self.features)

    def set_of(self, test: int) -> np.ndarray:
        """Return the categories that go left at a test of a nominal column.

        Parameters
        ----------
        test : int
            The position of the test.
        """
        first = int(np.searchsorted(self.features, self.features[test]))
        return self.sets[self.features[test] - self.n_continuous][test - first]

    def subset(self, used: np.ndarray) -> Tests:
        """Return the tests of a mask, in their order.

        Parameters
        ----------
        used : bool array of shape (n_tests,)
            Whether each test is kept.
        """
        numbers, at, sets = used[: len(self.feature)], len(self.feature), []
        for block in self.sets:
            sets.append(block[used[at : at + len(block)]])
            at += len(block)
        parts = (self.feature[numbers], self.threshold[numbers], self.missing_left[numbers])
        return Tests(self.single, *parts, tuple(sets))


class Shape(NamedTuple):
    """Where the branches of each node are.

    Parameters
    ----------
    root : int array of shape (n_trees,)
        The first node of each tree.
    right : int array of shape (n_nodes,)
        The first node of the right branch, and 0 for leaves; the left branch begins at the next node.
    first, middle, last : int arrays of shape (n_nodes,)
        The leaves below a node: those from `first` up to `middle` are in the left branch, those up to `last` in the
        right one. For a leaf `first` is its own number.
    """

    root: np.ndarray
    right: np.ndarray
    first: np.ndarray
    middle: np.ndarray
    last: np.ndarray


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees whose leaf values are added up for each output; see the docstring of the module.

    Parameters
    ----------
    base : float64 array of shape (n_outputs,)
        What the sums of the leaf values are added to.
    is_split : bool array of shape (n_nodes,)
        Whether each node is a split; else it is a leaf.
    test : int array of shape (n_splits,)
        The position of the test of each split.
    leaf : float32 array of shape (n_leaves,)
        The value of each leaf.
    tests : Tests
        The tests that the splits share.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import TreeStudentRegressor
    >>> X = np.arange(60.0)[:, None]
    >>> trees = TreeStudentRegressor(4, max_iter=3).fit(X, X[:, 0]).trees_
    >>> len(trees.leaf), trees.tests.feature
    (6, array([0, 0, 0]))
    """

    base: np.ndarray
    is_split: np.ndarray
    test: np.ndarray
    leaf: np.ndarray
    tests: Tests

    @property
    def n_outputs(self) -> int:
        """The number of outputs, which is the number of trees per iteration."""
        return len(self.base)

    @property
    def n_iter(self) -> int:
        """The number of iterations."""
        return self.n_trees // self.n_outputs

    @property
    def n_trees(self) -> int:
        """The number of trees, which is the number of leaves without that of splits."""
        return len(self.leaf) - len(self.test)

    @cached_property
    def shape(self) -> Shape:
        """Where the branches of each node are; ValueError where the nodes are not those of whole trees."""
        return _shape(self.is_split)

    @cached_property
    def leaves_of_trees(self) -> np.ndarray:
        """The position of the first leaf of each tree, and the number of leaves at the end; (n_trees + 1,)."""
        return np.append(self.shape.first[self.shape.root], len(self.leaf))

    def truncated(self, n_iter: int) -> TreeEnsemble:
        """Return the ensemble of the first iterations, with the tests that they need.

        Parameters
        ----------
        n_iter : int
            The number of iterations.
        """
        n_trees = n_iter * self.n_outputs
        n_nodes = int(self.shape.root[n_trees]) if n_trees < self.n_trees else len(self.is_split)
        is_split = self.is_split[:n_nodes]
        test = self.test[: int(is_split.sum())]
        used = np.zeros(len(self.tests), dtype=bool)
        used[test] = True
        number = np.cumsum(used) - 1
        parts = {"is_split": is_split, "test": number[test].astype(np.intp), "leaf": self.leaf[: n_nodes - len(test)]}
        return replace(self, **parts, tests=self.tests.subset(used))


def _shape(is_split: np.ndarray) -> Shape:
    n = len(is_split)
    right, first, middle, last = (np.zeros(n, dtype=np.intp) for _ in range(4))
    roots, open_nodes, n_leaves, new = [], [], 0, True
    for i, split in enumerate(is_split.tolist()):
        if new:
            roots.append(i)
            new = False
        first[i] = n_leaves
        if split:
            open_nodes.append(i)
            continue
        middle[i] = last[i] = n_leaves = n_leaves + 1
        while open_nodes:
            node = open_nodes[-1]
            if not right[node]:
                right[node], middle[node] = i + 1, n_leaves
                break
            last[node] = n_leaves
            open_nodes.pop()
        new = not open_nodes
    if not new or not n:
        raise ValueError("the nodes of the trees must be those of whole trees, but the last one has open branches")
    return Shape(np.array(roots, dtype=np.intp), right, first, middle, last)
