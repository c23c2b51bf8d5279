"""Nearest neighbours of mixed rows: the same as by comparing all pairs, ties and duplicates included."""

import sys

import numpy as np
import pytest

from compress.generators import MUNGE, _neighbors
from compress.generators._neighbors import embed, nearest_neighbors, scale_table
from compress.schema import Schema
from experiments.benchmarks.reference_munge import distances_from


def table(kind, n=400, seed=0):
    """(X, kinds of columns)."""
    rng = np.random.default_rng(seed)
    kinds = {}
    if kind == "continuous":
        X = rng.normal(size=(n, 3))
    elif kind == "float32":
        X = rng.normal(size=(n, 3)).astype(np.float32)
    elif kind == "ties":
        X = rng.integers(0, 12, size=(n, 3)).astype(float)
    elif kind == "duplicates":
        X = np.repeat(rng.normal(size=(n // 4, 3)), 4, axis=0)[rng.permutation(n // 4 * 4)]
    elif kind == "nominal":
        X, kinds = rng.integers(0, 9, size=(n, 4)).astype(float), dict.fromkeys(range(4), "nominal")
    elif kind == "mixed":
        X, kinds = np.column_stack([rng.normal(size=(n, 2)), rng.integers(0, 4, n)]), {2: "nominal"}
    elif kind == "missing":
        X = rng.normal(size=(n, 3))
        X[rng.random(X.shape) < 0.2] = np.nan
    elif kind == "many categories":
        X, kinds = np.column_stack([rng.random(n), rng.integers(0, n, n)]), {1: "nominal"}
    elif kind == "all of it":
        X = np.column_stack([rng.integers(0, 5, size=(n, 2)), rng.integers(0, 90, n)]).astype(float)
        kinds = {2: "nominal"}
        X[rng.random(X.shape) < 0.1] = np.nan
    elif kind == "constant":
        X = np.column_stack([rng.normal(size=n), np.full(n, 3.0)])
    elif kind == "identical":
        X = np.ones((n, 2))
    return X, kinds


KINDS = [
    "continuous", "float32", "ties", "duplicates", "nominal", "mixed", "missing", "many categories", "all of it",
    "constant", "identical",
]  # fmt: skip


def all_pairs(encoded, schema):
    scaled = scale_table(encoded, schema)
    squared = np.array([distances_from(i, scaled.z, scaled.codes) for i in range(encoded.n_rows)])
    return np.argmin(squared, axis=1)  # the lowest of several


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["all pairs", "tree"])
def test_exact_index_finds_the_nearest_and_the_lowest_of_several(kind, way, monkeypatch):
    if way == "tree":
        monkeypatch.setattr(_neighbors, "SMALL", 0)
        monkeypatch.setattr(_neighbors, "PILOT", 1)
        monkeypatch.setattr(_neighbors, "TREE_GAIN", 0)  # whatever it costs
        monkeypatch.setattr(_neighbors, "CANDIDATES", (2, 3))  # few, so that some have to be enlarged
    X, kinds = table(kind)
    schema = Schema(kinds).fit(X)
    encoded = schema.encode(X)
    np.testing.assert_array_equal(nearest_neighbors(encoded, schema).indices, all_pairs(encoded, schema))


@pytest.mark.parametrize("kind", KINDS)
def test_embedded_distances_are_never_larger_than_the_true_ones(kind):
    X, kinds = table(kind, n=60)
    schema = Schema(kinds).fit(X)
    scaled = scale_table(schema.encode(X), schema)
    points, exact = embed(scaled)
    embedded = ((points[:, None] - points) ** 2).sum(axis=2)
    true = np.array([distances_from(i, scaled.z, scaled.codes) for i in range(60)]).astype(float)
    np.fill_diagonal(true, 0)
    assert (embedded <= true + 1e-6).all()
    if exact:
        np.testing.assert_allclose(embedded, true, atol=1e-6)


def test_the_tree_is_used_when_it_rules_rows_out_and_not_otherwise():
    rng = np.random.default_rng(0)
    assert _neighbors._useful_tree(rng.random((20_000, 3)), rng) is not None
    assert _neighbors._useful_tree(rng.random((20_000, 40)), rng) is None


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_large_tables_through_the_tree_and_all_pairs_agree(n_jobs, monkeypatch):
    X = np.random.default_rng(0).normal(size=(12_000, 3)).round(1)
    schema = Schema().fit(X)
    encoded = schema.encode(X)
    by_tree = nearest_neighbors(encoded, schema, n_jobs=n_jobs).indices
    monkeypatch.setattr(_neighbors, "SMALL", 20_000)
    np.testing.assert_array_equal(by_tree, nearest_neighbors(encoded, schema, n_jobs=n_jobs).indices)


def test_hub_and_duplicates_do_not_compare_all_pairs(monkeypatch):
    """Half of the rows identical, and thousands of rows around one: still far from quadratic."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(15_000, 4))
    sphere = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    X = np.vstack([np.zeros((1, 4)), sphere * 10, np.repeat(sphere[:10], 1_500, axis=0) * 20])
    schema = Schema().fit(X)

    def refuse(*args):
        raise AssertionError("compared all pairs")

    monkeypatch.setattr(_neighbors, "_compare_all", refuse)
    indices = nearest_neighbors(schema.encode(X), schema).indices
    assert (indices != np.arange(len(X))).all()
    assert (X[indices[15_001:]] == X[15_001:]).all()


# ---------------------------------------------------------------------------------- approximate
def test_approximate_index_reports_its_recall():
    pytest.importorskip("faiss")
    X = np.random.default_rng(0).normal(size=(5_000, 4))
    exact = MUNGE(neighbors="original", random_state=0).fit(X)
    assert not hasattr(exact, "neighbor_recall_")
    generator = MUNGE(neighbors="original", index="approximate", random_state=0).fit(X)
    found = np.mean(generator.neighbor_indices_ == exact.neighbor_indices_)
    assert generator.neighbor_recall_ == pytest.approx(found, abs=0.05)
    assert generator.neighbor_recall_ > 0.8
    again = MUNGE(neighbors="original", index="approximate", random_state=0).fit(X)
    np.testing.assert_array_equal(generator.neighbor_indices_, again.neighbor_indices_)
    assert (generator.neighbor_indices_ != np.arange(5_000)).all()


def test_approximate_index_of_few_and_of_identical_rows():
    pytest.importorskip("faiss")
    for X in (np.eye(2), np.ones((5, 2)), np.random.default_rng(0).normal(size=(30, 2))):
        generator = MUNGE(neighbors="original", index="approximate", random_state=0).fit(X)
        assert generator.neighbor_recall_ == 1
        np.testing.assert_array_equal(generator.neighbor_indices_, MUNGE(neighbors="original").fit(X).neighbor_indices_)


def test_approximate_index_without_faiss_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match="needs the 'faiss' package: pip install faiss-cpu"):
        MUNGE(neighbors="original", index="approximate").fit(np.random.default_rng(0).normal(size=(30, 2)))
