"""Piecewise-linear encoding: where columns are cut, what the bins hold, and what has none."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from export_cases import unbounded
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from compress import StudentClassifier, StudentRegressor, TransferSet
from compress.distill import DistilledClassifier, FitNetClassifier, MimicClassifier, MimicRegressor
from compress.nets import PiecewiseLinear, TabularInput
from compress.students import PiecewiseLinearEncoding, _base, _cuts
from compress.students._cuts import column_edges

QUICK = {"max_epochs": 2, "random_state": 0}
RNG = np.random.default_rng(0)
N = 400
X = RNG.normal(size=(N, 3))
STEPS = np.digitize(X[:, 0], [-0.5, 0.0, 1.0]).astype(float)
DEFAULTS = {"n_bins": 16, "cuts": "teacher", "min_samples_bin": 200}


def edges_of(column, target, weight=None, **options):
    """The edges of the bins of one column."""
    target = np.asarray(target, dtype=float).reshape(len(column), -1)
    return column_edges(np.asarray(column, dtype=float)[:, None], target, weight, **{**DEFAULTS, **options})[0]


def bins_of(student):
    """The number of bins of each continuous column of a student; None without an encoding."""
    pieces = student.module_.inputs.pieces
    return None if pieces is None else pieces.n_bins


def cut(encoding=None, hidden=(8,), kind=StudentRegressor, **options):
    return kind(hidden, encoding=encoding or PiecewiseLinearEncoding(), **{**QUICK, **options})


# ------------------------------------------------------------------ what a bin holds
def test_a_bin_holds_the_share_of_it_that_lies_below_the_value():
    layer = PiecewiseLinear([np.array([0.0, 1.0, 3.0]), np.array([]), np.array([-1.0, 0.0, 1.0])])
    x = torch.tensor([[-1.0, 7, -1], [0.25, 7, -0.5], [2.0, 7, 1], [9.0, 7, 9]], dtype=torch.float64)
    expected = [[0, 0, 0, 0], [0.25, 0, 0.5, 0], [1, 0.5, 1, 1], [1, 1, 1, 1]]
    assert_array_equal(layer(x).numpy(), np.array(expected, dtype=np.float32))
    assert layer.n_bins == [2, 0, 2] and layer.n_added == 4


def test_the_column_itself_and_its_flag_stay_beside_the_bins():
    rows = X.copy()
    rows[::9, 1] = np.nan
    plain = StudentRegressor((8,), **QUICK).fit(rows, STEPS).module_.inputs
    inputs = cut().fit(rows, STEPS).module_.inputs
    blocks = torch.from_numpy(rows), torch.zeros((N, 0), dtype=torch.int32)
    assert torch.equal(inputs(*blocks)[:, : plain.n_outputs], plain(*blocks))
    assert inputs.n_outputs == plain.n_outputs + inputs.pieces.n_added


def test_a_missing_value_has_the_bins_of_the_mean():
    student = cut().fit(X, STEPS)
    hole, mean = X[:3].copy(), X[:3].copy()
    hole[:, 0], mean[:, 0] = np.nan, X[:, 0].mean()
    assert_allclose(student.predict(hole), student.predict(mean), rtol=1e-6)


def test_edges_do_not_move_in_training_and_are_no_parameters():
    plain, short, long = (s.fit(X, STEPS) for s in (StudentRegressor((8,), **QUICK), cut(), cut(max_epochs=9)))
    assert torch.equal(short.module_.inputs.pieces.edges, long.module_.inputs.pieces.edges)
    assert short.n_parameters_ == plain.n_parameters_ + 8 * short.module_.inputs.pieces.n_added


# ------------------------------------------------------------------ where the cuts are
def test_cuts_are_the_thresholds_of_a_tree_on_this_column_alone():
    column = RNG.integers(0, 300, N).astype(float)
    target = np.sin(column / 40) + RNG.normal(size=N) / 9
    tree = DecisionTreeRegressor(max_leaf_nodes=6, min_samples_leaf=16).fit(column[:, None], target)
    wanted = np.sort(tree.tree_.threshold[tree.tree_.children_left >= 0])
    found = edges_of(column, target, n_bins=6, min_samples_bin=16)
    assert_allclose(found, [column.min(), *wanted, column.max()])


def test_cuts_are_where_the_targets_step():
    found = edges_of(X[:, 0], STEPS, n_bins=4, min_samples_bin=1)
    assert_allclose(found[1:-1], [-0.5, 0, 1], atol=0.05)
    assert found[0] == X[:, 0].min() and found[-1] == X[:, 0].max()


def test_several_outputs_share_one_tree():
    both = np.column_stack([X[:, 0] > -0.3, X[:, 0] > 0.8])
    assert_allclose(edges_of(X[:, 0], both, n_bins=3, min_samples_bin=1)[1:-1], [-0.3, 0.8], atol=0.05)


def test_a_row_of_weight_2_counts_like_two_rows_and_one_of_weight_0_like_none():
    weight = np.arange(N) % 3
    column, target = np.round(X[:, 0], 1), X[:, 1] + STEPS
    repeated = np.repeat(np.arange(N), weight)
    options = {"n_bins": 5, "min_samples_bin": 10}
    found = edges_of(column, target, weight / weight[weight > 0].mean(), **options)
    share = 10 * len(repeated) / (weight > 0).sum()  # weights of mean 1 count rows
    assert_allclose(found, edges_of(column[repeated], target[repeated], n_bins=5, min_samples_bin=round(share)))


def test_missing_values_are_left_out_of_the_tree():
    column = X[:, 0].copy()
    column[::3] = np.nan
    there = ~np.isnan(column)
    options = {"n_bins": 4, "min_samples_bin": 5}
    assert_array_equal(edges_of(column, STEPS, **options), edges_of(column[there], STEPS[there], **options))


def test_a_classifier_is_cut_where_the_logits_of_its_soft_labels_bend():
    p = np.where(X[:, 0] > 0.7, 0.001, 0.02)  # of the probabilities a column of noise would explain as much
    soft = np.column_stack([1 - p, p])
    encoding = PiecewiseLinearEncoding(2)
    student = cut(encoding, kind=StudentClassifier).fit(X, soft)
    assert student.module_.inputs.pieces.edges_by_column()[0][1] == pytest.approx(0.7, abs=0.05)
    classes = np.array([0, 1])
    of_set = clone(student).fit(TransferSet(X, soft.astype(np.float32), "probabilities", classes))
    assert torch.equal(of_set.module_.inputs.pieces.edges, student.module_.inputs.pieces.edges)


@pytest.mark.parametrize("way", [DistilledClassifier, MimicClassifier, FitNetClassifier])
def test_a_distilled_student_is_cut_where_its_teacher_bends(way):
    labels = (X[:, 0] > 0.7).astype(int)
    student = StudentClassifier((4,), encoding=PiecewiseLinearEncoding(2), **QUICK)
    teacher = (
        LogisticRegression(C=0.01).fit(X, labels) if way is not FitNetClassifier else StudentClassifier((4,), **QUICK)
    )
    made = way(teacher, student, random_state=0).fit(X, labels)
    members = made.teacher_ if isinstance(made.teacher_, list) else [made.teacher_]
    p = members[0].predict_proba(X)
    logits = np.log(p[:, 1]) - np.log(p[:, 0])
    expected = column_edges(X, logits[:, None], None, n_bins=2, cuts="teacher", min_samples_bin=200)
    for found, wanted in zip(made.student_.module_.inputs.pieces.edges_by_column(), expected):
        assert_allclose(found, wanted, atol=1e-6)


def test_a_student_of_values_is_cut_where_its_teacher_bends():
    tree = DecisionTreeRegressor(max_leaf_nodes=3).fit(X, STEPS)
    student = MimicRegressor(tree, cut(PiecewiseLinearEncoding(3))).fit(X).student_
    found = student.module_.inputs.pieces.edges_by_column()[0]
    assert_allclose(found[1:-1], np.sort(tree.tree_.threshold[tree.tree_.feature == 0]), atol=0.02)


def test_quantiles_are_those_of_the_column():
    column = np.arange(101.0)
    assert_array_equal(edges_of(column, column, n_bins=4, cuts="quantile"), [0, 25, 50, 75, 100])
    mostly_0 = np.where(np.arange(100) < 91, 0.0, np.arange(100))
    assert_array_equal(edges_of(mostly_0, column[:100], n_bins=4, cuts="quantile"), [])


def test_the_cuts_of_a_large_table_are_those_of_some_rows_and_the_outer_edges_those_of_all(monkeypatch):
    monkeypatch.setattr(_cuts, "MOST_ROWS", 200)
    column = X[:, 0].copy()
    column[[7, 8]] = -50, 60
    found = edges_of(column, STEPS, n_bins=4, min_samples_bin=1)
    assert found[0] == -50 and found[-1] == 60
    assert_allclose(found[1:-1], [-0.5, 0, 1], atol=0.1)
    assert_array_equal(found, edges_of(column, STEPS, n_bins=4, min_samples_bin=1))
    assert not np.array_equal(found[1:-1], edges_of(X[:200, 0], STEPS[:200], n_bins=4, min_samples_bin=1)[1:-1])


# ------------------------------------------------------------------ columns without bins, and few rows
@pytest.mark.parametrize("values", [[5.0], [0.0, 1.0], [np.nan], [np.nan, 2.0], [-1e308, 0.0, 1e308]], ids=str)
@pytest.mark.parametrize("cuts", ["teacher", "quantile"])
def test_a_column_without_anything_to_cut_has_no_bins(values, cuts):
    column = np.resize(values, N)
    assert len(edges_of(column, STEPS, cuts=cuts)) == 0
    student = cut(PiecewiseLinearEncoding(cuts=cuts)).fit(np.column_stack([X[:, 0], column * 1e-200]), STEPS)
    assert bins_of(student)[0] > 1 and (len(values) == 3 or bins_of(student)[1] == 0)
    assert np.isfinite(student.predict(np.column_stack([X[:, 0], column * 1e-200]))).all()


def test_more_bins_than_values_give_a_bin_for_each_value():
    column = np.arange(N) % 5
    found = edges_of(column, column**2, n_bins=40, min_samples_bin=1)
    assert_array_equal(found, [0, 0.5, 1.5, 2.5, 3.5, 4])


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_a_table_smaller_than_a_bin_has_smaller_bins(n):
    student = cut().fit(X[:n], STEPS[:n])
    assert np.isfinite(student.predict(X)).all()
    assert bins_of(student) is None if n == 2 else max(bins_of(student)) > 1


@pytest.mark.parametrize(("n", "least"), [(100, 6), (6400, 400), (40_000, 400)])
def test_no_bin_has_fewer_rows_than_asked_for_or_a_quarter_of_the_average(n, least):
    column = np.random.default_rng(1).normal(size=n)
    target = np.sign(column) * np.random.default_rng(2).exponential(size=n)
    found = edges_of(column, target, n_bins=4, min_samples_bin=400)
    assert len(found) == 5
    assert np.histogram(column, found)[0].min() >= least


def test_without_any_bins_the_student_is_the_one_without_an_encoding():
    table = pd.DataFrame({"flag": X[:, 0] > 0, "two": np.where(X[:, 1] > 0, 1.0, 2.0)})
    plain = StudentRegressor((8,), **QUICK).fit(table, STEPS)
    student = cut().fit(table, STEPS)
    assert bins_of(student) is None
    assert_array_equal(student.predict(table), plain.predict(table))


def test_infinite_numbers_are_named():
    rows = X.copy()
    rows[3, 2] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        cut().fit(rows, STEPS)


# ------------------------------------------------------------------ numbers of any size
@pytest.mark.parametrize(("shift", "scale"), [(1e9, 1.0), (-5e12, 100.0), (0.0, 1e-30), (0.0, 1e100)])
def test_a_student_is_the_same_wherever_its_columns_are(shift, scale):
    rows = np.round(X * 1024) / 1024  # so that a shift loses nothing
    near, far = (cut(max_epochs=10).fit(table, STEPS) for table in (rows, shift + scale * rows))
    assert bins_of(near) == bins_of(far)
    assert_allclose(far.predict(shift + scale * rows), near.predict(rows), atol=1e-3)
    assert_allclose(far.predictor()(shift + scale * rows), far.predict(shift + scale * rows), atol=1e-5)


def test_bins_are_exact_within_a_range_that_float32_cannot_resolve():
    column = np.concatenate([np.linspace(0, 1, N - 1), [1e12]])
    target = np.floor(4 * np.minimum(column, 0.99))
    student = cut(hidden=(), max_epochs=200, learning_rate=0.05).fit(column[:, None], target)
    plain = StudentRegressor((), max_epochs=200, learning_rate=0.05, random_state=0).fit(column[:, None], target)
    assert student.score(column[:, None], target) > 0.9 > 0.2 > plain.score(column[:, None], target)
    assert_allclose(student.predictor()(column[:, None]), student.predict(column[:, None]), atol=1e-5)


def test_numbers_that_overflow_are_refused_and_give_no_nan():
    student = unbounded(cut().fit(1e-3 * X, STEPS))
    with pytest.raises(ValueError, match="row 1 holds 1.5e\\+308, for which there is no finite prediction"):
        student.predict(np.array([[0.0, 0, 0], [0, 1.5e308, 0]]))
    assert np.isfinite(student.predict(np.array([[1e20, -1e20, 0.0]]))).all()


# ------------------------------------------------------------------ training
def test_a_dense_matrix_too_large_to_keep_is_made_step_by_step(monkeypatch):
    kept = cut().fit(X, STEPS).predict(X)
    monkeypatch.setattr(_base, "LARGEST_ENCODED", 0)
    student = cut().fit(X, STEPS)
    assert len(student.net_inputs(student._learning_set(X, STEPS, None))) == 2
    assert_array_equal(student.predict(X), kept)


def test_a_warm_start_keeps_the_cuts_and_another_encoding_begins_anew():
    student = cut(warm_start=True).fit(X, STEPS)
    edges = student.module_.inputs.pieces.edges
    assert student.fit(X, -X[:, 0]).module_.inputs.pieces.edges is edges
    for other in (PiecewiseLinearEncoding(5), PiecewiseLinearEncoding(cuts="quantile"), None):
        module = student.module_
        assert student.set_params(encoding=other).fit(X, STEPS).module_ is not module
    student.partial_fit(X, STEPS)


def test_a_net_pickled_before_there_were_bins_is_read():
    inputs = StudentRegressor((4,), **QUICK).fit(X, STEPS).module_.inputs
    state = inputs.__dict__.copy()
    del state["pieces"]
    old = TabularInput.__new__(TabularInput)
    old.__setstate__(state)
    assert old.pieces is None
    student = cut().fit(X, STEPS)
    assert_array_equal(pickle.loads(pickle.dumps(student)).predict(X), student.predict(X))


# ------------------------------------------------------------------ bad parameters
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_bins": 1}, "n_bins must be an integer of at least 2, got 1. Leave encoding=None for no bins"),
        ({"n_bins": 2.5}, "n_bins must be an integer of at least 2, got 2.5"),
        ({"n_bins": True}, "n_bins must be an integer of at least 2, got True"),
        ({"cuts": "tree"}, "cuts must be one of .*teacher.*quantile.* got 'tree'"),
        ({"min_samples_bin": 0}, "min_samples_bin must be an integer of at least 1, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused_in_words(parameters, message):
    with pytest.raises(ValueError, match=message):
        PiecewiseLinearEncoding(**parameters)
