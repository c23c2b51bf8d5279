"""Small tree ensembles as plain arrays: they are those of scikit-learn, to the last choice of a leaf."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier

from compress.schema import Encoded
from compress.trees import (
    Growth,
    TreeEnsemble,
    TreeEvaluator,
    ensemble_from_bytes,
    ensemble_to_bytes,
    grow,
    single_precision,
    with_single_precision,
)
from compress.trees import Tests as TreeTests
from compress.trees import _grow as growing
from compress.trees import _sklearn as reading
from compress.trees._cuts import cuts_of

N = 1200
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(N, 4)) * [1, 1e-3, 30, 1] + [0, 0, 5, 1e9]
NUMBERS[RNG.random(NUMBERS.shape) < 0.1] = np.nan
NUMBERS[:, 2] = np.rint(NUMBERS[:, 2])
CODES = np.column_stack([RNG.integers(-1, 5, N), RNG.integers(0, 400, N), RNG.integers(-1, 40, N), np.full(N, -1)])
ROWS = Encoded(NUMBERS, CODES.astype(np.int32))
N_CATEGORIES = np.array([6, 400, 40, 0])  # of the first column one category is not there
SCORE = np.nan_to_num(NUMBERS[:, 0]) + (CODES[:, 0] == 2) + np.sin(CODES[:, 1]) + np.isnan(NUMBERS[:, 2])
P = 1 / (1 + np.exp(-SCORE))
TARGETS = {
    "two classes": (P[:, None], True),
    "three classes": (np.column_stack([P, 0.3 * (1 - P), 0.7 * (1 - P)]), True),
    "values": (SCORE[:, None], False),
    "two outputs": (np.column_stack([SCORE, np.nan_to_num(NUMBERS[:, 1] * 1e3)]), False),
}
GROWTH = Growth(10, 8, 0.2, 5, 0.0, 255)
every_target = pytest.mark.parametrize("target", TARGETS)


def grown(target="two classes", rows=ROWS, weight=None, **options):
    targets, probabilities = TARGETS[target]
    growth = Growth(**{**vars(GROWTH), **options})
    single = single_precision(rows.continuous)
    return grow(rows, N_CATEGORIES, targets, weight, growth, single=single, probabilities=probabilities, seed=0)[0]


@pytest.fixture
def models(monkeypatch):
    """The models of scikit-learn and the matrix that they are fitted on, as the library makes them."""
    seen = {}
    make, arrange = growing._models, growing._matrix

    def made(*arguments):
        seen["models"] = make(*arguments)
        return seen["models"]

    def arranged(*arguments):
        seen["matrix"] = arrange(*arguments)
        return seen["matrix"]

    monkeypatch.setattr(growing, "_models", made)
    monkeypatch.setattr(growing, "_matrix", arranged)
    return seen


# ------------------------------------------------------------------------------------ those of the grower
@every_target
@pytest.mark.parametrize("max_leaf_nodes", [2, 8, 16, 31, 64, 150])
def test_every_row_ends_in_the_leaf_in_which_the_grower_puts_it(target, max_leaf_nodes, models):
    trees = grown(target, max_leaf_nodes=max_leaf_nodes)
    leaves = TreeEvaluator(trees).leaves(*ROWS)
    ours = trees.leaf[leaves]
    for k in range(trees.n_outputs):
        model = models["models"][min(k, len(models["models"]) - 1)]
        columns = [trees[k if len(models["models"]) == 1 else 0] for trees in model._predictors]
        known, places = model._bin_mapper.make_known_categories_bitsets()
        theirs = np.column_stack([tree.predict(models["matrix"], known, places, 1) for tree in columns])
        assert_array_equal(ours[:, k :: trees.n_outputs], theirs.astype(np.float32))


@every_target
def test_sums_are_the_raw_predictions_of_the_grower(target, models):
    trees = grown(target)
    theirs = np.column_stack([np.atleast_2d(m._raw_predict(models["matrix"])) for m in models["models"]])
    assert_allclose(TreeEvaluator(trees).sums(*ROWS), theirs, atol=1e-6)


def test_categories_of_no_training_row_go_where_missing_ones_go():
    trees = grown()
    codes = np.full((2, 4), -1, dtype=np.int32)
    codes[1, 0] = 5  # known to the schema, but in no row
    found = TreeEvaluator(trees).leaves(np.zeros((2, 4)), codes)
    assert_array_equal(found[0], found[1])


def test_two_classes_learn_the_same_from_soft_labels_as_from_weighted_copies():
    rows = Encoded(np.nan_to_num(NUMBERS[:, :3]), np.empty((N, 0), dtype=np.int32))
    options = {"max_iter": 10, "max_leaf_nodes": 8, "learning_rate": 0.2, "min_samples_leaf": 1}
    growth = Growth(**options, l2_regularization=0.0, max_bins=255)
    trees = grow(rows, np.array([]), P[:, None], None, growth, single=np.ones(3, bool), probabilities=True, seed=0)[0]
    cut = [np.append(cuts_of(column, None, 255, single=True), np.inf) for column in rows.continuous.T]
    matrix = np.column_stack([np.searchsorted(cuts, column) for cuts, column in zip(cut, rows.continuous.T)])
    model = HistGradientBoostingClassifier(**options, early_stopping=False)
    model.fit(np.vstack([matrix, matrix]), np.repeat([1, 0], N), np.concatenate([P, 1 - P]))
    ours = 1 / (1 + np.exp(-TreeEvaluator(trees).sums(*rows)[:, 0]))
    assert_allclose(ours, model.predict_proba(matrix)[:, 1], atol=1e-5)


def test_of_too_many_copies_a_seeded_part_is_drawn(monkeypatch):
    all_rows = grown("three classes")
    monkeypatch.setattr(growing, "MOST_COPIES", N)
    part, again = grown("three classes"), grown("three classes")
    assert_array_equal(part.leaf, again.leaf)
    assert len(part.leaf) != len(all_rows.leaf) or not np.array_equal(part.leaf, all_rows.leaf)


def test_a_version_that_keeps_its_trees_in_another_way_is_refused(models):
    grown()
    model = models["models"][0]
    columns = growing._columns(ROWS, N_CATEGORIES, P[:, None], None, 255, np.ones(4, bool))
    tree = model._predictors[0][0]
    tree.nodes = tree.nodes[[name for name in tree.nodes.dtype.names if name != "num_threshold"]]
    for iteration in model._predictors[1:]:
        iteration[0].nodes = iteration[0].nodes[list(tree.nodes.dtype.names)]
    with pytest.raises(RuntimeError, match="keeps its trees in a way .* Install scikit-learn"):
        reading.ensemble_of([model], columns, N_CATEGORIES, np.ones(4, bool))


# ------------------------------------------------------------------------------------------ evaluation
@every_target
@pytest.mark.parametrize("max_leaf_nodes", [8, 16, 31, 64])
def test_masks_find_the_leaves_that_a_walk_finds(target, max_leaf_nodes):
    evaluator = TreeEvaluator(grown(target, max_leaf_nodes=max_leaf_nodes))
    assert evaluator.by_masks
    x = with_single_precision(NUMBERS, evaluator.ensemble.tests.single)
    assert_array_equal(evaluator.leaves(*ROWS), evaluator._walked(x, ROWS.nominal))


def test_one_row_has_the_leaves_that_it_has_among_others():
    evaluator = TreeEvaluator(grown("three classes"))
    together = evaluator.leaves(*ROWS)
    alone = [evaluator.leaves(NUMBERS[i : i + 1], ROWS.nominal[i : i + 1])[0] for i in range(100)]
    assert_array_equal(alone, together[:100])


def test_numbers_on_a_threshold_go_left_and_the_next_float_goes_right():
    tests = TreeTests(
        np.array([True, False]), np.array([0, 1]), np.array([0.5, 1e9 + 0.1]), np.array([True, False]), ()
    )
    trees = TreeEnsemble(
        np.zeros(1), np.array([1, 0, 0, 1, 0, 0], bool), np.array([0, 1]), np.array([1, 2, 10, 20], np.float32), tests
    )
    x = np.array([[0.5, 1e9 + 0.1], [np.nextafter(np.float32(0.5), 1), np.nextafter(1e9 + 0.1, 2e9)], [np.nan, np.nan]])
    assert_array_equal(TreeEvaluator(trees).sums(x, None)[:, 0], [11, 22, 21])
    assert_array_equal([TreeEvaluator(trees).sums(row[None], None)[0, 0] for row in x], [11, 22, 21])


def test_numbers_beyond_float32_are_above_all_thresholds():
    trees = grown()
    x = np.zeros((2, 4))
    x[:, 0] = 1e300, 1e30
    for rows in (slice(None), slice(0, 1)):
        found = TreeEvaluator(trees).sums(x[rows], np.zeros((2, 4), dtype=np.int32)[rows])
        assert_array_equal(found, TreeEvaluator(trees).sums(x[1:], np.zeros((1, 4), dtype=np.int32))[[0] * len(found)])


def test_columns_whose_spread_float32_would_lose_are_compared_in_float64():
    assert_array_equal(single_precision(NUMBERS), [True, True, True, False])
    assert single_precision(NUMBERS.astype(np.float32)).all()
    assert_array_equal(single_precision(np.array([[1e200, np.nan, 3.3], [1, np.nan, 3.3]])), [False, True, True])


@every_target
def test_stages_are_the_sums_of_the_first_iterations(target):
    trees = grown(target)
    stages = [sums.copy() for sums in TreeEvaluator(trees).staged_sums(*ROWS)]
    assert len(stages) == trees.n_iter == 10
    for n_iter in (1, 4, 10):
        assert_allclose(stages[n_iter - 1], TreeEvaluator(trees.truncated(n_iter)).sums(*ROWS), atol=1e-12)


# -------------------------------------------------------------------------------------------- growing
def test_rows_of_weight_0_are_no_rows():
    weight = (np.arange(N) % 3 > 0).astype(np.float32)
    kept = np.flatnonzero(weight)
    targets, _ = TARGETS["two classes"]
    growth, single = GROWTH, single_precision(NUMBERS)
    options = {"single": single, "probabilities": True, "seed": 0}
    part = grow(ROWS.take(kept), N_CATEGORIES, targets[kept], weight[kept], growth, **options)[0]
    assert ensemble_to_bytes(grown(weight=weight)) == ensemble_to_bytes(part)


def test_growth_in_blocks_is_growth_at_once():
    targets, _ = TARGETS["two classes"]
    options = {"single": single_precision(NUMBERS), "probabilities": True, "seed": 0}
    growth = Growth(**{**vars(GROWTH), "max_iter": 25})
    errors = np.linspace(1, 0, 25)
    blocks, _ = grow(
        ROWS, N_CATEGORIES, targets, None, growth, score=lambda e: errors[: e.n_iter], patience=3, **options
    )
    assert_array_equal(blocks.leaf, grown(max_iter=25).leaf)


def test_more_categories_than_the_grower_takes_are_grouped_by_their_mean_target():
    trees = grown(max_bins=16)
    assert len(trees.tests.sets[1]) > 0
    truth = np.sin(np.arange(400))
    left = trees.tests.sets[1][0][:-1]
    assert abs(truth[left].mean() - truth[~left].mean()) > 0.5


@pytest.mark.parametrize("sign", [1, -1])
def test_monotone_columns_only_rise_or_fall(sign):
    trees = grown(monotonic=np.array([sign, 0, 0, 0]), max_leaf_nodes=31)
    grid = np.zeros((200, 4))
    grid[:, 0] = np.linspace(-4, 4, 200)
    steps = np.diff(TreeEvaluator(trees).sums(grid, np.zeros((200, 4), dtype=np.int32))[:, 0]) * sign
    assert (steps >= 0).all()


def test_a_value_of_most_rows_leaves_the_other_intervals_to_the_others():
    rng = np.random.default_rng(0)
    column = np.where(rng.random(10_000) < 0.9, 0.0, rng.lognormal(size=10_000))
    cuts = cuts_of(column, None, 255, single=True)
    assert 200 < len(cuts) < 255
    assert np.diff(np.histogram(column[column > 0], cuts)[0]).max() < 20
    assert_array_equal(cuts, cuts.astype(np.float32))


@pytest.mark.parametrize("max_bins", [2, 3, 7, 255])
@pytest.mark.parametrize("values", ["equal", "heavy", "few", "neighbours"])
def test_cuts_lie_between_numbers_and_are_fewer_than_the_intervals(values, max_bins):
    rng = np.random.default_rng(1)
    column = {
        "equal": rng.normal(size=3000),
        "heavy": np.repeat(rng.normal(size=600), rng.integers(1, 60, 600)),
        "few": rng.integers(0, 4, 100),
        "neighbours": np.nextafter(np.float32(1), 2, dtype=np.float32) ** rng.integers(0, 2, 50),
    }[values].astype(np.float32)
    cuts = cuts_of(column, None, max_bins, single=True)
    assert 0 < len(cuts) < max_bins and (np.diff(cuts) > 0).all()
    assert len(np.unique(np.searchsorted(cuts, column))) == len(cuts) + 1


@pytest.mark.parametrize("continuous", [np.full((N, 1), 3.0), np.full((N, 2), np.nan), np.empty((N, 0))])
def test_columns_that_never_vary_make_trees_of_one_leaf(continuous):
    rows = Encoded(continuous, np.empty((N, 0), dtype=np.int32))
    single = single_precision(continuous)
    trees = grow(rows, np.array([]), P[:, None], None, GROWTH, single=single, probabilities=True, seed=0)[0]
    assert not trees.is_split.any()
    sums = TreeEvaluator(trees).sums(continuous[:5], None)
    assert_allclose(1 / (1 + np.exp(-sums)), P.mean(), atol=1e-6)


# ---------------------------------------------------------------------------------------------- bytes
@every_target
@pytest.mark.parametrize("max_leaf_nodes", [8, 40])
def test_bytes_and_back(target, max_leaf_nodes):
    trees = grown(target, max_leaf_nodes=max_leaf_nodes)
    described, content = ensemble_to_bytes(trees)
    again = ensemble_from_bytes(described, content, N_CATEGORIES)
    assert ensemble_to_bytes(again) == (described, content)
    assert_array_equal(TreeEvaluator(again).sums(*ROWS), TreeEvaluator(trees).sums(*ROWS))


def test_a_split_takes_less_than_12_bytes_and_a_leaf_4():
    plain = Encoded(NUMBERS[:, :3], np.empty((N, 0), dtype=np.int32))
    single = single_precision(plain.continuous)
    trees = grow(plain, np.array([]), P[:, None], None, GROWTH, single=single, probabilities=True, seed=0)[0]
    content = ensemble_to_bytes(trees)[1]
    assert len(content) < 8 * len(trees.test) + 4 * len(trees.leaf)


def test_categories_that_no_split_tells_apart_share_a_group():
    codes = RNG.integers(0, 5000, size=(N, 1)).astype(np.int32)
    rows, n_categories = Encoded(np.empty((N, 0)), codes), np.array([5000])
    growth = Growth(40, 8, 0.2, 5, 0.0, 60)
    trees = grow(
        rows, n_categories, np.sin(codes), None, growth, single=np.empty(0, bool), probabilities=False, seed=0
    )[0]
    described, content = ensemble_to_bytes(trees)
    assert 8 <= described["n_groups"][0] <= 61 and len(content) < 5001 + 40 * 100
    assert_array_equal(ensemble_from_bytes(described, content, n_categories).tests.sets[0], trees.tests.sets[0])


def test_a_truncated_ensemble_has_only_the_tests_that_it_needs():
    trees = grown(max_leaf_nodes=31)
    small = trees.truncated(1)
    assert_array_equal(np.unique(small.test), np.arange(len(small.tests)))
    assert len(ensemble_to_bytes(small)[1]) < len(ensemble_to_bytes(trees)[1]) / 5


FORGERIES = {
    "no base": lambda d: d.update(base=[]),
    "base that is no number": lambda d: d.update(base=["0"]),
    "negative count": lambda d: d.update(n_leaves=-1),
    "more splits than leaves": lambda d: d.update(n_splits=d["n_leaves"]),
    "huge counts": lambda d: d.update(n_leaves=2**39, n_splits=2**38),
    "too many tests": lambda d: d["n_tests"].__setitem__(0, 10**9),
    "columns of tests": lambda d: d.update(n_tests=[1]),
    "double of no column": lambda d: d.update(double=[99]),
    "groups of no column": lambda d: d.update(n_groups=[0]),
    "too many groups": lambda d: d["n_groups"].__setitem__(0, 2**17),
    "entry left out": lambda d: d.pop("double"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_description_that_does_not_fit_is_refused(forgery):
    described, content = ensemble_to_bytes(grown())
    FORGERIES[forgery](described)
    with pytest.raises(ValueError, match="trees must be"):
        ensemble_from_bytes(described, content, N_CATEGORIES)


def test_no_bytes_crash_or_hang():
    described, content = ensemble_to_bytes(grown())
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for at in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        try:
            trees = ensemble_from_bytes(described, bytes(damaged), N_CATEGORIES)
        except ValueError:
            refused += 1
            continue
        assert np.isfinite(TreeEvaluator(trees).sums(NUMBERS[:3], ROWS.nominal[:3])).all()
    assert refused > 30
