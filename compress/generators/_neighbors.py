"""Nearest neighbours within a table of continuous and nominal columns, with missing values.

The distance is defined in `_distance_kernels.py`. The exact index compares all pairs of a small
table. Of a large one it embeds the rows into a Euclidean space in which distances are never larger
than the true ones, asks a k-d tree (scikit-learn) for a few candidates, computes their true
distances, and takes the nearest when the farthest candidate proves that no other row can be nearer;
otherwise it asks for more. Identical rows are one row to the index, so that duplicates cost nothing.

The approximate index (faiss, optional) asks an inverted file for the candidates and proves nothing,
but says how often it was right on a sample of rows.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import joblib
import numpy as np

from compress.schema import Encoded, Schema

__all__ = ["Neighbors", "Scaled", "nearest_neighbors", "scale_table"]

logger = logging.getLogger(__name__)

SMALL = 10_000  # up to here comparing all pairs takes about as long as building and asking a tree
CANDIDATES = (4, 16, 64)  # asked for in turn, until proven
PILOT = 200  # rows asked first, to see whether the tree rules anything out
TREE_GAIN = 8  # a distance in the tree costs about as much as this many in the compiled loop
WIDEST = 96  # columns of the embedding; beyond, rare categories share a column
TIE_WORK = 4e9  # attribute comparisons spent on finding the lowest row among many equally near
RECALL_ROWS = 1000
NEAR, PROBES = 8, 16  # approximate index: candidates, and lists read; as costly as choosing the lists


class Neighbors(NamedTuple):
    """The nearest neighbour of each row; `recall` is None when the index is exact."""

    indices: np.ndarray
    recall: float | None = None


class Scaled(NamedTuple):
    """A table as the distance sees it.

    low, factor : float64 arrays of shape (d_c,); scaled = (value - low) * factor
    z : (n, d_c) scaled continuous block; codes : (n, d_n) nominal block
    zt, codes_t : the same, transposed
    missing : bool (d_c,), columns of `z` with NaN
    """

    low: np.ndarray
    factor: np.ndarray
    z: np.ndarray
    codes: np.ndarray
    zt: np.ndarray
    codes_t: np.ndarray
    missing: np.ndarray

    @property
    def n_rows(self) -> int:
        return len(self.z)


def scale_table(encoded: Encoded, schema: Schema) -> Scaled:
    """Scale the continuous columns to [0, 1] on the schema's ranges, and constant columns to 0."""
    from compress.generators._distance_kernels import scale_block

    span = schema.high_ - schema.low_
    with np.errstate(divide="ignore"):
        factor = np.where(span > 0, 1 / span, 0.0)
    factor[~np.isfinite(factor)] = 0.0  # a range below the smallest normal number: constant
    z = scale_block(encoded.continuous, schema.low_, factor) + encoded.continuous.dtype.type(0)  # no -0
    z[np.isnan(z)] = np.nan  # one kind of NaN, since rows are compared as bytes
    codes = np.ascontiguousarray(encoded.nominal)
    return Scaled(
        schema.low_, factor, z, codes, np.ascontiguousarray(z.T), np.ascontiguousarray(codes.T), np.isnan(z).any(axis=0)
    )


def nearest_neighbors(encoded: Encoded, schema: Schema, *, index: str = "exact", n_jobs=None, rng=None) -> Neighbors:
    """Return the nearest other row of each row.

    Parameters
    ----------
    encoded : Encoded
        The table, of at least 2 rows.
    schema : Schema
        The schema that gives the ranges.
    index : {"exact", "approximate"}, default="exact"
        Whether every neighbour found is proven to be the nearest; the approximate index needs faiss.
    n_jobs : int, default=None
        The number of threads (joblib).
    rng : numpy Generator, optional
        The generator that chooses the rows on which recall is measured.

    Returns
    -------
    Neighbors
        The `indices` have shape (n_rows,) and never name the row itself. Of several equally near rows the lowest is
        taken; only when more than the candidates are equally near in a large table, it is the lowest of those.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    table = scale_table(encoded, schema)
    group, firsts = _identical_rows(table)
    indices = np.empty(table.n_rows, dtype=np.intp)
    singles = _pair_up_duplicates(group, firsts, indices)
    if len(singles) == 0:
        return Neighbors(indices, 1.0 if index == "approximate" else None)
    # the index is built on one row of each kind, the lowest, in the order of the table
    kinds = _take(table, firsts)
    asked = np.searchsorted(firsts, singles)
    if index == "approximate":
        found = _approximate(kinds, asked)
        indices[singles] = firsts[found]
        return Neighbors(indices, _recall(kinds, asked, found, rng, n_jobs))
    indices[singles] = firsts[_exact(kinds, asked, rng, n_jobs)]
    return Neighbors(indices)


# ------------------------------------------------------------------- identical rows
def _identical_rows(table: Scaled) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of each row and the lowest row of each kind; kinds are numbered by their lowest row."""
    import pandas as pd

    rows = np.ascontiguousarray(np.hstack([_bytes(table.z), _bytes(table.codes)]))
    words = np.zeros((len(rows), -(-rows.shape[1] // 8) * 8), dtype=np.uint8)
    words[:, : rows.shape[1]] = rows
    words = words.view(np.uint64)
    kind = np.zeros(len(rows), dtype=np.int64)
    for word in words.T:
        # refine the kinds word by word; pandas numbers values by first appearance, by hashing
        codes = pd.factorize(word)[0]
        kind = pd.factorize(kind * (codes.max() + 1) + codes)[0]
        if kind[-1] == len(rows) - 1:  # all different already
            break
    firsts = np.full(kind.max() + 1, len(rows))
    np.minimum.at(firsts, kind, np.arange(len(rows)))
    return kind, firsts


def _bytes(block: np.ndarray) -> np.ndarray:
    block = np.ascontiguousarray(block)
    return block.view(np.uint8).reshape(len(block), block.shape[1] * block.itemsize)


def _pair_up_duplicates(kind, firsts, indices) -> np.ndarray:
    """Give each row with an identical one the lowest of those; return the rows that have none."""
    rows = np.arange(len(kind))
    indices[:] = firsts[kind]
    seconds = np.full(len(firsts), len(kind))
    later = rows[firsts[kind] != rows]
    np.minimum.at(seconds, kind[later], later)
    is_first = firsts[kind] == rows
    indices[is_first] = seconds[kind[is_first]]
    return rows[indices == len(kind)]


def _take(table: Scaled, rows: np.ndarray) -> Scaled:
    if len(rows) == table.n_rows:
        return table
    z, codes = table.z[rows], table.codes[rows]
    return table._replace(z=z, codes=codes, zt=np.ascontiguousarray(z.T), codes_t=np.ascontiguousarray(codes.T))


# ---------------------------------------------------------------------------- exact
def _exact(table: Scaled, asked: np.ndarray, rng, n_jobs) -> np.ndarray:
    if table.n_rows <= SMALL:
        return _compare_all(table, asked, n_jobs)[0]
    points, exact = embed(table)
    tree = _useful_tree(points, rng)
    if tree is None:
        logger.info("comparing all pairs of %d rows: a tree would rule out too few", table.n_rows)
        return _compare_all(table, asked, n_jobs)[0]
    return _ask_tree(tree, points, exact, table, asked, n_jobs)


def _compare_all(table: Scaled, asked: np.ndarray, n_jobs) -> tuple[np.ndarray, np.ndarray]:
    from compress.generators._distance_kernels import nearest_of_all

    found = np.empty(len(asked), dtype=np.int64)
    squared = np.empty(len(asked), dtype=table.z.dtype)

    def work(part):
        nearest_of_all(
            asked[part], table.z, table.codes, table.zt, table.codes_t, table.missing, found[part], squared[part]
        )

    in_threads(work, len(asked), n_jobs)
    return found, squared


def embed(table: Scaled) -> tuple[np.ndarray, bool]:
    """Return points whose Euclidean distances are at most the true ones, and whether they are equal.

    Nominal: one-hot / sqrt(2), so that two categories are at distance 1; when that takes too many
    columns, the rarest categories share one (distance 0 of each other). Continuous with missing
    values: x -> (x, 0), missing -> (1/2, sqrt(3)/2), at a distance of at most 1 from all x in [0, 1].
    """
    exact = True
    columns = []
    for a in range(table.z.shape[1]):
        x = table.z[:, a].astype(np.float64)
        if table.missing[a]:
            exact = False
            absent = np.isnan(x)
            columns += [np.where(absent, 0.5, x), np.where(absent, np.sqrt(0.75), 0.0)]
        else:
            columns.append(x)
    d_n = table.codes.shape[1]
    for a in range(d_n):
        room = max(2, (WIDEST - table.z.shape[1]) // d_n)
        categories, counts = np.unique(table.codes[:, a], return_counts=True)
        if len(categories) > room:
            exact = False
            categories = categories[np.argsort(-counts, kind="stable")[: room - 1]]
        own = [table.codes[:, a] == c for c in categories]
        rest = ~np.any(own, axis=0)
        columns += [hot / np.sqrt(2) for hot in own + ([rest] if rest.any() else [])]
    return np.column_stack(columns), exact


def _useful_tree(points: np.ndarray, rng):
    """Return a k-d tree on the points, or None when it would compare most rows anyway."""
    from sklearn.neighbors import KDTree

    tree = KDTree(points, leaf_size=32)
    tree.reset_n_calls()
    tree.query(points[rng.choice(len(points), PILOT, replace=False)], k=2)
    return tree if tree.get_n_calls() * TREE_GAIN < PILOT * len(points) else None


def _ask_tree(tree, points, exact, table, asked, n_jobs) -> np.ndarray:
    from compress.generators._distance_kernels import nearest_of_candidates

    d = points.shape[1]
    margin = 1 + 8 * (d + 4) * np.finfo(table.z.dtype).eps  # of rounding, in our sums and in the tree's
    # neighbours ask for the same leaves: asked in the tree's order these are still in the cache
    place = np.empty(table.n_rows, dtype=np.intp)
    place[np.asarray(tree.idx_array)] = np.arange(table.n_rows)
    order = np.argsort(place[asked])
    found = np.empty(len(asked), dtype=np.int64)
    squared = np.empty(len(asked), dtype=table.z.dtype)
    proven = np.zeros(len(asked), dtype=bool)
    for k in CANDIDATES:
        open_ = order[~proven[order]]

        def work(part, open_=open_, k=k):
            here = open_[part]
            radii, candidates = tree.query(points[asked[here]], k=k + 1)
            best, nearest = np.empty(len(here), dtype=np.int64), np.empty(len(here), dtype=squared.dtype)
            nearest_of_candidates(asked[here], candidates, table.z, table.codes, best, nearest)
            found[here], squared[here] = best, nearest
            proven[here] = radii[:, -1] ** 2 > nearest.astype(np.float64) * margin

        in_threads(work, len(open_), n_jobs)
        if proven.all():
            return found
    open_ = np.flatnonzero(~proven)
    # with an exact embedding only the choice among equally near rows is open: worth some work only
    if not exact or len(open_) * table.n_rows * d <= TIE_WORK:
        logger.info("comparing %d rows with all %d", len(open_), table.n_rows)
        found[open_] = _compare_all(table, asked[open_], n_jobs)[0]
    return found


def in_threads(work, n: int, n_jobs) -> None:
    """Call `work(slice)` on slices of range(n), in threads: they write to shared arrays."""
    workers = joblib.effective_n_jobs(n_jobs)
    size = max(256, -(-n // (4 * workers)))
    parts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    if workers == 1:
        for part in parts:
            work(part)
    else:
        joblib.Parallel(n_jobs=n_jobs, require="sharedmem")(joblib.delayed(work)(part) for part in parts)


# ---------------------------------------------------------------------- approximate
def _approximate(table: Scaled, asked: np.ndarray) -> np.ndarray:
    """Return the nearest candidates of an inverted file; unlike graphs it gives the same result at each run."""
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            "index='approximate' needs the 'faiss' package: pip install faiss-cpu. Or use index='exact', the default."
        ) from error
    from compress.generators._distance_kernels import nearest_of_candidates

    points = np.ascontiguousarray(embed(table)[0], dtype=np.float32)
    n, d = points.shape
    n_lists = min(int(4 * np.sqrt(n)), n // 40)
    if n_lists < 8:
        inverted = faiss.IndexFlatL2(d)
    else:
        inverted = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, n_lists)
        inverted.nprobe = PROBES
        inverted.cp.niter, inverted.cp.max_points_per_centroid = 10, 64  # faiss's 25 and 256 gain little
        inverted.train(points)
    inverted.add(points)
    found = np.empty(len(asked), dtype=np.int64)
    squared = np.empty(len(asked), dtype=table.z.dtype)
    step = 100_000
    for start in range(0, len(asked), step):
        part = slice(start, start + step)
        candidates = inverted.search(points[asked[part]], min(NEAR, n - 1) + 1)[1]
        nearest_of_candidates(asked[part], candidates, table.z, table.codes, found[part], squared[part])
    found[found < 0] = (asked[found < 0] + 1) % n  # nothing but itself in the lists that were read
    return found


def _recall(table: Scaled, asked, found, rng, n_jobs) -> float:
    """Return the share of a sample of the rows whose neighbour is as near as the nearest."""
    from compress.generators._distance_kernels import distance

    sample = rng.choice(len(asked), min(RECALL_ROWS, len(asked)), replace=False)
    nearest = _compare_all(table, asked[sample], n_jobs)[1]
    got = [distance(table.z, table.codes, i, j) for i, j in zip(asked[sample], found[sample])]
    return float(np.mean(np.asarray(got, dtype=nearest.dtype) <= nearest))
