"""Which leaf each row ends in, in NumPy.

Each column rules leaves out: a table has for each interval between thresholds (or each category) one word per tree,
whose bits are the leaves that are still possible. The words of all columns are combined by AND, and one bit is left.
This is the idea of QuickScorer, with no loop over trees or nodes: as many vector operations as there are columns. Trees
of more than 64 leaves, and ensembles whose tables would be large, are walked level by level instead.

References
----------
Lucchese et al., "QuickScorer: a Fast Algorithm to Rank Documents with Additive Ensembles of Regression Trees",
SIGIR 2015.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from compress.trees._ensemble import TreeEnsemble

__all__ = ["TreeEvaluator", "single_precision", "with_single_precision"]

CHUNK = 1024  # rows at a time
# by the most leaves of a tree: the type of a word, and one that holds each of its bits alone exactly
SMALL = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}
LARGEST_TABLES = 2**24  # bytes
NEGLIGIBLE = 1e-6  # standard deviations of a column that rounding to float32 may move a number
LARGEST_SINGLE = 1e30


def single_precision(continuous: np.ndarray) -> np.ndarray:
    """Return which columns keep what matters when their numbers are rounded to float32.

    Parameters
    ----------
    continuous : float array of shape (n_rows, n_continuous)
        The continuous block of the training rows.

    Returns
    -------
    bool array of shape (n_continuous,)
        Whether rounding moves the numbers by less than a millionth of their standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.trees import single_precision
    >>> single_precision(np.array([[0.0, 1e9], [1.0, 1e9 + 1]]))
    array([ True, False])
    """
    if continuous.dtype == np.float32:
        return np.ones(continuous.shape[1], dtype=bool)
    single = np.empty(continuous.shape[1], dtype=bool)
    for k, column in enumerate(continuous.T):
        seen = column[~np.isnan(column)]
        largest = float(np.abs(seen).max()) if len(seen) else 0.0
        spread = float(np.std(seen / largest)) if largest > 0 else 0.0
        single[k] = largest < LARGEST_SINGLE and (spread == 0 or NEGLIGIBLE * spread > 2.0**-24)
    return single


def with_single_precision(continuous: np.ndarray, single: np.ndarray) -> np.ndarray:
    """Return the continuous block with the columns of single precision rounded to float32.

    Parameters
    ----------
    continuous : float array of shape (n_rows, n_continuous)
        The continuous block.
    single : bool array of shape (n_continuous,)
        Which columns are rounded.

    Returns
    -------
    float32 or float64 array of shape (n_rows, n_continuous)
        The block, float32 when all columns are of single precision.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.trees import with_single_precision
    >>> with_single_precision(np.array([[0.1], [0.2]]), np.array([True])).dtype
    dtype('float32')
    """
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, and is above all thresholds
        if single.all():
            return continuous.astype(np.float32, copy=False)
        rounded = continuous.astype(np.float64)
        rounded[:, single] = continuous[:, single].astype(np.float32)
    return rounded


class TreeEvaluator:
    """Finds leaves and adds up their values.

    Parameters
    ----------
    ensemble : TreeEnsemble
        The trees.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import TreeStudentRegressor
    >>> from compress.trees import TreeEvaluator
    >>> X = np.arange(60.0)[:, None]
    >>> trees = TreeStudentRegressor(4, max_iter=3).fit(X, X[:, 0]).trees_
    >>> TreeEvaluator(trees).sums(X, None).shape
    (60, 1)
    """

    def __init__(self, ensemble: TreeEnsemble):
        self.ensemble = ensemble
        bounds = ensemble.leaves_of_trees
        self._most = int(np.diff(bounds).max())
        self.by_masks = self._most <= 64 and self._size_of_tables() <= LARGEST_TABLES
        self._leaf = ensemble.leaf.astype(np.float64)
        self._integers = None
        if self.by_masks:
            width = next(n for n in SMALL if n >= self._most)
            self._word, self._number = SMALL[width], np.float64 if width == 64 else np.float32
            self._shift, bias = (23, 127) if self._number is np.float32 else (52, 1023)
            self._view = np.int32 if self._number is np.float32 else np.int64
            self._offset = (bounds[:-1] - bias).astype(self._view)
            self._full = _low_bits(np.diff(bounds)).astype(self._word)
            self._tables = self._made()

    def __getstate__(self):
        return {"ensemble": self.ensemble}

    def __setstate__(self, state):
        self.__init__(state["ensemble"])

    def sums(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """Return the base values plus the sums of the leaf values.

        Parameters
        ----------
        continuous : float array of shape (n_rows, n_continuous)
            The continuous block, NaN where missing.
        nominal : int array of shape (n_rows, n_nominal) or None
            The codes of the nominal columns, -1 where missing; None when there are no such columns.

        Returns
        -------
        float64 array of shape (n_rows, n_outputs)
            The sums.
        """
        n, n_outputs = len(continuous), self.ensemble.n_outputs
        if n == 1:
            values = self._leaf.take(self.leaves(continuous, nominal)).reshape(1, -1, n_outputs)
            return np.add.reduce(values, axis=1) + self.ensemble.base
        out = np.empty((n, n_outputs))
        for start in range(0, n, CHUNK):
            rows = slice(start, start + CHUNK)
            values = self._leaf.take(self.leaves(continuous[rows], None if nominal is None else nominal[rows]))
            if n_outputs == 1:
                np.add.reduce(values, axis=1, out=out[rows, 0])
            else:
                np.add.reduce(values.reshape(len(values), -1, n_outputs), axis=1, out=out[rows])
        out += self.ensemble.base
        return out

    def staged_sums(self, continuous: np.ndarray, nominal: np.ndarray | None):
        """Yield what `sums` returns after each iteration, in one array that the next iteration changes.

        Parameters
        ----------
        continuous, nominal
            As in `sums`.

        Yields
        ------
        float64 array of shape (n_rows, n_outputs)
            The sums so far.
        """
        n_outputs = self.ensemble.n_outputs
        found = np.empty((len(continuous), self.ensemble.n_trees), dtype=np.int32)
        for start in range(0, len(found), CHUNK):
            rows = slice(start, start + CHUNK)
            found[rows] = self.leaves(continuous[rows], None if nominal is None else nominal[rows])
        out = np.tile(self.ensemble.base, (len(continuous), 1))
        for at in range(0, found.shape[1], n_outputs):
            out += self._leaf.take(found[:, at : at + n_outputs])
            yield out

    def leaves(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """Return the position of the leaf in which each row ends, for each tree; int array (n_rows, n_trees).

        Parameters
        ----------
        continuous, nominal
            As in `sums`.
        """
        if len(continuous) == 1 and self.by_masks:
            return self._of_one(continuous[0], None if nominal is None else nominal[0])
        x = with_single_precision(continuous, self.ensemble.tests.single)
        return self._by_masks(x, nominal) if self.by_masks else self._walked(x, nominal)

    def words(self) -> tuple[np.ndarray, np.ndarray, list]:
        """Return the words of all leaves, the first leaf of each tree, and the table of each column that is asked for.

        A table is (position of the column, thresholds or None for categories, words of shape (n_lines, n_trees)); its
        last line is that of a missing value. It is for ensembles with `by_masks` only.
        """
        return self._full, self.ensemble.leaves_of_trees[:-1], self._tables

    # ------------------------------------------------------------ by masks
    def _size_of_tables(self) -> int:
        tests = self.ensemble.tests
        n_rows = len(tests.threshold) + 2 * len(np.unique(tests.feature))
        n_rows += sum(block.shape[1] for block in tests.sets if len(block))
        return n_rows * self.ensemble.n_trees * 8

    def _made(self) -> list:
        """Return for each column that is asked for: its position, its thresholds or None, and its table."""
        ensemble, shape, tests = self.ensemble, self.ensemble.shape, self.ensemble.tests
        nodes = np.flatnonzero(ensemble.is_split)
        tree = np.searchsorted(shape.root, nodes, side="right") - 1
        start = ensemble.leaves_of_trees[tree]
        first, middle, last = (_low_bits(part[nodes] - start) for part in (shape.first, shape.middle, shape.last))
        when_left, when_right = ~(last & ~middle), ~(middle & ~first)  # the leaves that stay possible
        full = _low_bits(np.diff(ensemble.leaves_of_trees))
        feature, tables = tests.features[ensemble.test], []
        for f in np.unique(feature):
            own = np.flatnonzero(feature == f)
            sides = (ensemble.test[own], tree[own], when_left[own], when_right[own])
            if f < tests.n_continuous:
                thresholds, table = self._of_numbers(f, full, *sides)
            else:
                thresholds, table = None, self._of_categories(f, full, *sides)
            tables.append((int(f), thresholds, np.ascontiguousarray(table.astype(self._word))))
        return tables

    def _of_numbers(self, f, full, test, tree, when_left, when_right):
        """Return the thresholds of a column, and the words of the intervals between them and of a missing value."""
        tests = self.ensemble.tests
        thresholds = np.unique(tests.threshold[tests.feature == f])
        place = np.searchsorted(thresholds, tests.threshold[test])
        n = len(thresholds)
        left, right = (np.full((n, len(full)), ~np.uint64(0)) for _ in range(2))
        np.bitwise_and.at(left, (place, tree), when_left)
        np.bitwise_and.at(right, (place, tree), when_right)
        table = np.tile(full, (n + 2, 1))
        table[:n] &= np.bitwise_and.accumulate(left[::-1], axis=0)[::-1]
        table[1 : n + 1] &= np.bitwise_and.accumulate(right, axis=0)
        missing = np.where(tests.missing_left[test], when_left, when_right)
        np.bitwise_and.at(table[n + 1], tree, missing)
        return thresholds.astype(np.float32 if tests.single[f] else np.float64), table

    def _of_categories(self, f, full, test, tree, when_left, when_right):
        """Return the words of each category and of a missing value."""
        sets = self.ensemble.tests.sets[f - self.ensemble.tests.n_continuous]
        first = int(np.searchsorted(self.ensemble.tests.features, f))
        table = np.tile(full, (sets.shape[1], 1))
        for node_test, node_tree, yes, no in zip(test - first, tree, when_left, when_right):
            table[:, node_tree] &= np.where(sets[node_test], yes, no)
        return table

    def _by_masks(self, x: np.ndarray, nominal) -> np.ndarray:
        words = np.empty((len(x), self.ensemble.n_trees), dtype=self._word)
        words[:] = self._full
        more = np.empty_like(words)
        n_continuous = self.ensemble.tests.n_continuous
        for f, thresholds, table in self._tables:
            if thresholds is None:
                place = nominal[:, f - n_continuous]
            else:
                column = np.ascontiguousarray(x[:, f], dtype=thresholds.dtype)
                place = thresholds.searchsorted(column)
                missing = column != column
                if missing.any():
                    place[missing] = len(thresholds) + 1
            np.bitwise_and(words, table.take(place, axis=0, out=more, mode="wrap"), out=words)
        return self._numbers_of(words)

    def _numbers_of(self, words: np.ndarray) -> np.ndarray:
        """Return the leaves of words with one bit: the exponents of the words as floating-point numbers."""
        found = words.astype(self._number).view(self._view)
        found >>= self._shift
        found += self._offset
        return found

    def _of_one(self, row: np.ndarray, codes) -> np.ndarray:
        """Return the leaves of one row: words of all trees as one integer, for which Python is quicker than NumPy."""
        if self._integers is None:
            self._integers = self._as_integers()
        possible, columns = self._integers
        if row.dtype == np.float32:
            values = singles = row.tolist()
        else:
            values = row.tolist()
            with np.errstate(over="ignore"):
                singles = row.astype(np.float32).tolist()
        codes = None if codes is None else codes.tolist()
        for f, thresholds, single, words in columns:
            if thresholds is None:
                possible &= words[codes[f]]
                continue
            value = singles[f] if single else values[f]
            possible &= words[bisect_left(thresholds, value)] if value == value else words[-1]
        content = possible.to_bytes(self._word().itemsize * self.ensemble.n_trees, "little")
        return self._numbers_of(np.frombuffer(content, dtype=self._word))[None]

    def _as_integers(self) -> tuple[int, list]:
        """Return the words of all leaves, and for each column: its place, its thresholds, their type and its words."""
        n_continuous, columns = self.ensemble.tests.n_continuous, []
        for f, thresholds, table in self._tables:
            words = [int.from_bytes(line.tobytes(), "little") for line in table]
            if thresholds is None:
                columns.append((f - n_continuous, None, False, words))
            else:
                columns.append((f, thresholds.tolist(), thresholds.dtype == np.float32, words))
        return int.from_bytes(self._full.tobytes(), "little"), columns

    # ------------------------------------------------------ level by level
    def _walked(self, x: np.ndarray, nominal) -> np.ndarray:
        ensemble, shape, tests = self.ensemble, self.ensemble.shape, self.ensemble.tests
        test_of = np.zeros(len(ensemble.is_split), dtype=np.intp)
        test_of[ensemble.is_split] = ensemble.test
        numbers = len(tests.threshold)
        found = np.empty((len(x), ensemble.n_trees), dtype=np.intp)
        for t, root in enumerate(shape.root):
            node = np.full(len(x), root)
            rows = np.flatnonzero(ensemble.is_split[node])
            while len(rows):
                at = node[rows]
                test = test_of[at]
                left = np.empty(len(rows), dtype=bool)
                plain = test < numbers
                own, which = rows[plain], test[plain]
                values = x[own, tests.feature[which]]
                left[plain] = np.where(np.isnan(values), tests.missing_left[which], values <= tests.threshold[which])
                for other in np.unique(test[~plain]):
                    same = test == other
                    codes = nominal[rows[same], tests.features[other] - tests.n_continuous]
                    left[same] = tests.set_of(other)[codes]
                node[rows] = np.where(left, at + 1, shape.right[at])
                rows = rows[ensemble.is_split[node[rows]]]
            found[:, t] = shape.first[node]
        return found


def _low_bits(n: np.ndarray) -> np.ndarray:
    """Return words whose lowest `n` bits are set, for n from 0 to 64."""
    n = np.asarray(n).astype(np.uint64)
    partial = (np.uint64(1) << np.minimum(n, np.uint64(63))) - np.uint64(1)
    return np.where(n >= 64, ~np.uint64(0), partial)
