"""The bytes of an ensemble: about two for a split and four for a leaf.

In this order, without gaps:

    1 bit per node        whether it is a split, padded to whole bytes
    1, 2 or 4 bytes/split the position of its test: as many as the number of tests asks for
    4 bytes per leaf      its value, float32
    4 or 8 bytes per test of a continuous column: its threshold, float32 or float64
    1 bit per such test   whether a missing value goes left, padded
    for each nominal column, 1 bit per category, and one for missing values, for each of its sets, padded; where it is
    shorter, 1 or 2 bytes per category for its group and 1 bit per group for each set: no split tells the categories of
    a group apart

All numbers are little-endian. How many there are is not among the bytes, but in the description beside them.
"""

from __future__ import annotations

import numpy as np

from compress.schema import is_number
from compress.trees._ensemble import Tests, TreeEnsemble

__all__ = ["MOST_LEAVES", "ensemble_from_bytes", "ensemble_to_bytes"]

EXPANDED, EXPANDED_TIMES = 2**26, 64  # categories of sets that may be made of groups: so many, or times the bytes
MOST_LEAVES = 4096  # of a tree; a deep tree of a stranger would take long to walk


def ensemble_to_bytes(ensemble: TreeEnsemble) -> tuple[dict, bytes]:
    """Return the description of an ensemble, which JSON can hold, and its bytes.

    Parameters
    ----------
    ensemble : TreeEnsemble
        The trees.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import TreeStudentRegressor
    >>> from compress.trees import ensemble_from_bytes, ensemble_to_bytes
    >>> X = np.arange(60.0)[:, None]
    >>> trees = TreeStudentRegressor(4, max_iter=3).fit(X, X[:, 0]).trees_
    >>> described, content = ensemble_to_bytes(trees)
    >>> bool((ensemble_from_bytes(described, content, n_categories=[]).leaf == trees.leaf).all())
    True
    """
    tests = ensemble.tests
    n_features = tests.n_continuous + len(tests.sets)
    described = {
        "base": ensemble.base.tolist(),
        "n_leaves": len(ensemble.leaf),
        "n_splits": len(ensemble.test),
        "n_tests": np.bincount(tests.features, minlength=n_features).tolist(),
        "double": np.flatnonzero(~tests.single).tolist(),
    }
    single = tests.single[tests.feature]
    sets = [_written_sets(block) for block in tests.sets]
    described["n_groups"] = [n_groups for n_groups, _ in sets]
    parts = [
        np.packbits(ensemble.is_split),
        ensemble.test.astype(_code(len(tests))),
        ensemble.leaf.astype("<f4"),
        tests.threshold[single].astype("<f4"),
        tests.threshold[~single].astype("<f8"),
        np.packbits(tests.missing_left),
    ]
    return described, b"".join([*(part.tobytes() for part in parts), *(content for _, content in sets)])


def _written_sets(block: np.ndarray) -> tuple[int, bytes]:
    """Return the number of groups, 0 where categories have bits of their own, and the bytes of the sets of a column."""
    plain = np.packbits(block).tobytes()
    if not len(block):
        return 0, plain
    of_groups, group = np.unique(block, axis=1, return_inverse=True)
    n_groups = of_groups.shape[1]
    if n_groups > 2**16:
        return 0, plain
    grouped = group.ravel().astype(_code(n_groups)).tobytes() + np.packbits(of_groups).tobytes()
    return (n_groups, grouped) if len(grouped) < len(plain) else (0, plain)


def ensemble_from_bytes(described: dict, content: bytes, n_categories) -> TreeEnsemble:
    """Return the ensemble of a description and its bytes, which a stranger may have written.

    Parameters
    ----------
    described : dict
        The description, as `ensemble_to_bytes` gives it.
    content : bytes
        The bytes.
    n_categories : sequence of int
        The number of categories of each nominal column.

    Raises
    ------
    ValueError
        The description is not one, or does not fit the bytes; nothing larger than the bytes has been allocated.
    """
    d_n = len(n_categories)
    keys = {"base", "n_leaves", "n_splits", "n_tests", "double", "n_groups"}
    _must(isinstance(described, dict) and described.keys() == keys, "of six entries")
    base, n_tests, double = described["base"], described["n_tests"], described["double"]
    n_leaves, n_splits = described["n_leaves"], described["n_splits"]
    _must(isinstance(base, list) and len(base) > 0 and all(_is_number(b) for b in base), "with finite numbers as base")
    _must(_is_count(n_leaves) and _is_count(n_splits) and n_splits < n_leaves, "with more leaves than splits")
    _must((n_leaves - n_splits) % len(base) == 0, "with a tree for each output in each iteration")
    _must(isinstance(n_tests, list) and all(map(_is_count, n_tests)) and len(n_tests) >= d_n, "with counts of tests")
    d_c = len(n_tests) - d_n
    right = isinstance(double, list) and all(_is_count(k) and k < d_c for k in double)
    _must(right and sorted(set(double)) == double, "with ascending columns of double precision")
    single = np.ones(d_c, dtype=bool)
    single[double] = False
    total, n_nodes = sum(n_tests), n_leaves + n_splits
    n_numbers = sum(n_tests[:d_c])
    n_double = sum(n_tests[k] for k in double)
    code = _code(total)
    sizes = [-(-n_nodes // 8), n_splits * code.itemsize, 4 * n_leaves, 4 * (n_numbers - n_double), 8 * n_double]
    n_groups = described["n_groups"]
    right = isinstance(n_groups, list) and len(n_groups) == d_n and all(map(_is_count, n_groups))
    _must(right and all(g <= 2**16 for g in n_groups), "with a number of groups for each nominal column")
    columns = list(zip(n_tests[d_c:], n_categories, n_groups))
    sizes += [-(-n_numbers // 8), *(_size_of_sets(*column) for column in columns)]
    _must(sum(sizes) == len(content), f"of {len(content)} bytes")
    parts = np.split(np.frombuffer(content, dtype=np.uint8), np.cumsum(sizes)[:-1])
    is_split, test = _bits(parts[0], n_nodes), parts[1].view(code).astype(np.intp)
    feature = np.repeat(np.arange(d_c), n_tests[:d_c])
    threshold = np.empty(n_numbers)
    threshold[single[feature]], threshold[~single[feature]] = parts[3].view("<f4"), parts[4].view("<f8")
    expanded = sum(n * (c + 1) for n, c, _ in columns)
    _must(expanded <= max(EXPANDED, EXPANDED_TIMES * len(content)), f"in proportion to {len(content)} bytes")
    sets = tuple(_read_sets(part, *column) for part, column in zip(parts[6:], columns))
    leaf = parts[2].view("<f4").astype(np.float32)
    _must(int(is_split.sum()) == n_splits, f"of {n_splits} splits")
    _must(not n_splits or int(test.max()) < total, "with tests that are there")
    _must(bool(np.isfinite(leaf).all() and np.isfinite(threshold).all()), "of finite numbers")
    steps = np.diff(threshold)[np.diff(feature) == 0]
    _must(bool((steps >= 0).all()), "with ascending thresholds")
    tests = Tests(single, feature, threshold, _bits(parts[5], n_numbers), sets)
    ensemble = TreeEnsemble(np.array(base, dtype=np.float64), is_split, test, leaf, tests)
    _must(len(ensemble.shape.root) == n_leaves - n_splits, "of whole trees")
    _must(int(np.diff(ensemble.leaves_of_trees).max()) <= MOST_LEAVES, f"of at most {MOST_LEAVES} leaves")
    return ensemble


def _size_of_sets(n: int, n_categories: int, n_groups: int) -> int:
    """Return the bytes of the sets of a column."""
    if not n_groups:
        return -(-n * (n_categories + 1) // 8)
    return (n_categories + 1) * _code(n_groups).itemsize - (-n * n_groups // 8)


def _read_sets(part: np.ndarray, n: int, n_categories: int, n_groups: int) -> np.ndarray:
    """Return the sets of a column, bool of shape (n, n_categories + 1)."""
    if not n_groups:
        return _bits(part, n * (n_categories + 1)).reshape(n, n_categories + 1)
    code = _code(n_groups)
    at = (n_categories + 1) * code.itemsize
    group = part[:at].view(code)
    _must(int(group.max()) < n_groups, "with groups that are there")
    return _bits(part[at:], n * n_groups).reshape(n, n_groups)[:, group]


def _must(condition: bool, rule: str) -> None:
    if not condition:
        raise ValueError(f"trees must be {rule}")


def _code(n_tests: int) -> np.dtype:
    return np.dtype("u1" if n_tests <= 2**8 else "<u2" if n_tests <= 2**16 else "<u4")


def _bits(part: np.ndarray, n: int) -> np.ndarray:
    return np.unpackbits(part, count=n).astype(bool)


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def _is_number(value) -> bool:
    return is_number(value) and abs(value) < 1e300
