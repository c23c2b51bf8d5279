"""Cross-fitting: who labels which row, in which order the rows come, and how the compressor chooses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from compress import MUNGE, CompressedClassifier, CompressedRegressor, StudentClassifier, StudentRegressor
from compress.search import compare_sources
from compress.transfer import CrossFit, SingleTeacher

NET = StudentClassifier((8,), max_epochs=10, batch_size=32, learning_rate=0.05)


@pytest.fixture(scope="module")
def noise():
    """Labels that nothing can be learned from: a tree is right about the rows it has seen, and no others."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 3)), rng.integers(0, 2, 200)


@pytest.fixture(scope="module")
def crossed(noise):
    return CrossFit(DecisionTreeClassifier(random_state=0), random_state=0).fit(*noise)


def test_each_row_is_in_one_fold(crossed):
    assert_array_equal(np.sort(np.concatenate(crossed.folds_)), np.arange(200))


def test_no_teacher_has_seen_the_rows_of_its_fold(noise, crossed):
    X, y = noise
    for teacher, fold in zip(crossed.teachers_, crossed.folds_):
        rest = np.setdiff1d(np.arange(200), fold)
        assert teacher.score(X[rest], y[rest]) == 1
        assert teacher.score(X[fold], y[fold]) < 0.75


def test_outputs_are_those_of_the_teacher_of_the_fold(noise, crossed):
    X, _ = noise
    outputs = crossed.outputs(X, "probabilities")
    for teacher, fold in zip(crossed.teachers_, crossed.folds_):
        assert_array_equal(outputs[fold], teacher.predict_proba(X[fold]))


def test_original_rows_come_first_and_in_order(noise, crossed):
    X, _ = noise
    data = crossed.transfer_set(X, generator=MUNGE(), n_rows=1000, random_state=0)
    assert len(data) == 1000
    assert data.n_original == 200
    assert_array_equal(data.X[:200], X)
    assert_array_equal(data.targets[:200], crossed.outputs(X, "probabilities"))


def test_generated_rows_come_from_one_fold_and_are_labelled_by_its_teacher(noise, crossed):
    X, _ = noise
    # continuous values are not exchanged but drawn near; with s large they are those of rows of the fold
    data = crossed.transfer_set(X, generator=MUNGE(1.0, 1e9), n_rows=1000, random_state=0)
    for row, target in zip(data.X[200:300], data.targets[200:300]):
        owner = [k for k, fold in enumerate(crossed.folds_) if np.abs(X[fold][:, 0] - row[0]).min() < 1e-6]
        assert len(owner) == 1
        assert_array_equal(crossed.teachers_[owner[0]].predict_proba(row[None])[0], target)


def test_any_head_holds_all_folds(noise, crossed):
    X, _ = noise
    data = crossed.transfer_set(X, generator=MUNGE(1.0, 1e9), n_rows=1000, random_state=0)
    nearest = np.abs(data.X[200:400, :1] - X[:, 0]).argmin(axis=1)
    counts = [np.isin(nearest, fold).sum() for fold in crossed.folds_]
    assert min(counts) > 20


def test_unlabelled_rows_follow_the_original_ones(noise, crossed):
    X, _ = noise
    more = np.random.default_rng(1).normal(size=(33, 3))
    data = crossed.transfer_set(X, X_unlabeled=more, generator=MUNGE(), n_rows=400, random_state=0)
    assert_array_equal(data.X[200:233], more)
    assert data.n_original == 200


def test_without_a_generator_the_real_rows_are_the_transfer_set(noise, crossed):
    X, _ = noise
    assert_array_equal(crossed.transfer_set(X).X, X)
    with pytest.raises(ValueError, match="n_rows=300 asks for 100 generated rows"):
        crossed.transfer_set(X, n_rows=300)
    with pytest.raises(ValueError, match="must be at least 200, got 100"):
        crossed.transfer_set(X, n_rows=100)


def test_the_seed_decides_all(noise, crossed):
    X, _ = noise
    one, two, other = (
        crossed.transfer_set(X, generator=MUNGE(), n_rows=500, random_state=seed).X for seed in (0, 0, 1)
    )
    assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("kind", "missing"), [("soft", 0.0), ("logits", np.log(1e-6))])
def test_a_class_that_a_fold_has_not_seen_has_no_chance_there(noise, kind, missing):
    X, y = noise
    y = np.append(np.where(y[:-1], "b", "a"), "rare")
    crossed = CrossFit(DecisionTreeClassifier(random_state=0), random_state=0).fit(X, y)
    data = crossed.transfer_set(X, generator=MUNGE(), n_rows=400, labels=kind, random_state=0)
    assert_array_equal(data.classes, ["a", "b", "rare"])
    assert data.targets.shape == (400, 3)
    assert_allclose(data.targets[199, 2], missing)


def test_tables_keep_their_columns_and_kinds(noise):
    X, y = noise
    frame = pd.DataFrame({"x": X[:, 0], "colour": pd.Categorical(np.where(np.arange(200) % 3, "red", "blue"))})
    coded = ColumnTransformer([("hot", OneHotEncoder(), ["colour"])], remainder="passthrough")
    model = CompressedClassifier(
        student=NET,
        size_multiplier=3,
        generator=MUNGE(p=0.2),
        labels_from="cross_fit",
        keep_transfer_set=True,
        teacher=make_pipeline(coded, DecisionTreeClassifier(random_state=0)),
        random_state=0,
    ).fit(frame, y)
    table = model.transfer_set_.X
    assert table.dtypes.equals(frame.dtypes)
    assert_array_equal(table.index, np.arange(600))
    assert set(table["colour"]) == {"red", "blue"}


# ---------------------------------------------------------------- in the compressor
def compressor(**options):
    return CompressedClassifier(
        **{
            "teacher": DecisionTreeClassifier(random_state=0),
            "student": NET,
            "size_multiplier": 3,
            "generator": MUNGE(p=0.2),
            "keep_transfer_set": True,
            "random_state": 0,
            **options,
        }
    )


def test_cross_fitted_labels_are_not_the_ones_the_teacher_remembers(noise):
    X, y = noise
    plain, cross = (compressor(labels_from=source).fit(X, y) for source in ("teacher", "cross_fit"))
    assert (plain.transfer_set_.targets[:200].argmax(axis=1) == y).all()
    assert (cross.transfer_set_.targets[:200].argmax(axis=1) == y).mean() < 0.75
    assert cross.teacher_.score(X, y) == 1
    assert (plain.labels_from_, cross.labels_from_) == ("teacher", "cross_fit")


def test_true_labels_of_original_rows_go_with_cross_fitting(noise):
    X, y = noise
    model = compressor(labels_from="cross_fit", original_labels="true").fit(X, y)
    assert (model.transfer_set_.targets[:200].argmax(axis=1) == y).all()


def test_auto_takes_the_source_with_the_lower_validation_error(noise):
    # what a tree remembers of pure noise harms; teachers that have not seen the row at least hedge
    X, y = noise
    model = compressor(labels_from="auto").fit(X, y)
    assert set(model.label_errors_) == {"teacher", "cross_fit"}
    assert model.labels_from_ == min(model.label_errors_, key=model.label_errors_.get)
    assert model.transfer_set_.n_original == 200


def test_auto_prefers_the_teacher_where_labels_are_clean():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 6))
    y = (X.sum(axis=1) > 0).astype(int)
    X_val = rng.normal(size=(2000, 6))
    teacher = LogisticRegression(C=100).fit(X, y)
    crossed = CrossFit(LogisticRegression(C=100), random_state=0).fit(X, y)
    errors = compare_sources(
        {"teacher": SingleTeacher(teacher), "cross_fit": crossed},
        X,
        X_val,
        (X_val.sum(axis=1) > 0).astype(int),
        generator=MUNGE(),
        n_rows=3000,
        random_state=0,
    )
    assert errors["teacher"] < errors["cross_fit"]


def test_regressors_cross_fit_their_values():
    X = np.random.default_rng(0).normal(size=(100, 2))
    model = CompressedRegressor(
        DecisionTreeRegressor(random_state=0),
        student=StudentRegressor((8,), max_epochs=5),
        labels_from="cross_fit",
        size_multiplier=2,
        generator=MUNGE(p=0.2),
        keep_transfer_set=True,
        random_state=0,
    ).fit(X, X[:, 0])
    own = model.transfer_set_.targets[:100]
    assert own.shape == (100,)
    assert 0 < np.abs(own - X[:, 0]).max() < 2


@pytest.mark.parametrize("source", ["cross_fit", "auto"])
def test_a_frozen_teacher_cannot_be_cross_fitted(noise, source):
    X, y = noise
    frozen = FrozenEstimator(DecisionTreeClassifier().fit(X, y))
    with pytest.raises(ValueError, match="need clones of the teacher"):
        compressor(teacher=frozen, labels_from=source).fit(X, y)


def test_cross_fitting_needs_labels(noise):
    X, y = noise
    with pytest.raises(ValueError, match="requires y to be passed"):
        compressor(teacher=DecisionTreeClassifier().fit(X, y), labels_from="cross_fit").fit(X)


def test_bad_folds_and_rows_are_refused(noise):
    X, y = noise
    with pytest.raises(ValueError, match="n_folds must be at least 2, got 1"):
        CrossFit(DecisionTreeClassifier(), n_folds=1).fit(X, y)
    with pytest.raises(ValueError, match="at least 2 rows, got 1"):
        CrossFit(DecisionTreeClassifier()).fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="labels_from"):
        compressor(labels_from="nobody").fit(X, y)
