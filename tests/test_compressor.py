"""The compressors: scikit-learn's contract, any teacher, any table, every way to label."""

import pickle
import time

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from compress import (
    MUNGE,
    Budget,
    CompressedClassifier,
    CompressedRegressor,
    StudentClassifier,
    StudentRegressor,
    load_student,
)
from compress.generators import MarginalSampler

QUICK = {"max_epochs": 15, "batch_size": 32, "learning_rate": 0.05}
NET, RNET = StudentClassifier((8,), **QUICK), StudentRegressor((8,), **QUICK)
SMALL = {"size_multiplier": 2, "generator": MUNGE(p=0.2), "random_state": 0}


def expected_failures(estimator):
    reason = "the generator moves rows, and a row of weight 2 is one row to it"
    return {"check_sample_weight_equivalence_on_dense_data": reason}


@parametrize_with_checks(
    [
        CompressedClassifier(DecisionTreeClassifier(max_depth=4), student=NET, **SMALL),
        CompressedRegressor(DecisionTreeRegressor(max_depth=6), student=RNET, **SMALL),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.8, 0.8])]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 200
    X = pd.DataFrame(
        {
            "size": np.where(np.arange(n) % 9, rng.normal(size=n), np.nan),
            "count": rng.integers(0, 9, n),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "flag": rng.random(n) > 0.5,
        }
    )
    return X, np.where((X["colour"] == "red") | X["flag"], "yes", "no")


def compressor(teacher, **changes):
    return CompressedClassifier(teacher, **{"student": NET, **SMALL, **changes})


def column_pipeline(last):
    nominal = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("numbers", SimpleImputer(), ["size", "count"]), ("nominal", nominal, ["colour", "flag"])]
    )
    return make_pipeline(columns, last)


# ---------------------------------------------------------------- teachers
def test_a_fitted_teacher_is_used_as_it_is(blobs):
    X, y = blobs
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    model = compressor(forest).fit(X, y)
    assert model.teacher_ is forest
    assert_array_equal(model.classes_, ["a", "b", "c"])


def test_a_fitted_teacher_needs_no_labels(blobs):
    X, y = blobs
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    model = compressor(forest).fit(X)
    assert_array_equal(model.predict_proba(X), compressor(forest).fit(X, y).predict_proba(X))


def test_an_unfitted_teacher_is_cloned_and_seeded(blobs):
    X, y = blobs
    forest = RandomForestClassifier(5)
    one, two = (compressor(forest).fit(X, y) for _ in range(2))
    assert not hasattr(forest, "classes_")
    assert_array_equal(one.teacher_.predict_proba(X), two.teacher_.predict_proba(X))


def test_the_student_follows_its_teacher(blobs):
    X, y = blobs
    model = compressor(LogisticRegression(), student=StudentClassifier((16,), max_epochs=60), size_multiplier=10)
    model.fit(X, y)
    assert np.abs(model.predict_proba(X) - model.teacher_.predict_proba(X)).max() < 0.1


def test_a_pipeline_with_columns_of_all_kinds(frame):
    X, y = frame
    model = compressor(column_pipeline(RandomForestClassifier(10, random_state=0)), size_multiplier=5).fit(X, y)
    assert model.score(X, y) > 0.9
    assert (model.generator_.sample(3).dtypes == X.dtypes).all()


@pytest.mark.parametrize("package, name", [("lightgbm", "LGBMClassifier"), ("xgboost", "XGBClassifier")])
def test_boosting_libraries_teach(package, name, blobs, frame):
    teacher = getattr(pytest.importorskip(package), name)
    options = {"n_estimators": 5, "n_jobs": 1, **({"verbose": -1} if package == "lightgbm" else {})}
    X, y = blobs
    codes = np.unique(y, return_inverse=True)[1]
    model = compressor(teacher(**options)).fit(X, codes)
    assert model.score(X, codes) > 0.7
    assert set(model.report(X, codes, latency_rows=(1,)).to_frame()["group"]) == {"task", "fidelity", "cost"}
    X, y = frame
    more = {"enable_categorical": True} if package == "xgboost" else {}
    assert compressor(teacher(**options, **more)).fit(X, y == "yes").score(X, y == "yes") > 0.7


@pytest.mark.parametrize("package, name", [("lightgbm", "LGBMRegressor"), ("xgboost", "XGBRegressor")])
def test_boosting_libraries_teach_values(package, name, blobs):
    teacher = getattr(pytest.importorskip(package), name)
    options = {"n_estimators": 20, "n_jobs": 1, **({"verbose": -1} if package == "lightgbm" else {})}
    X = blobs[0]
    model = CompressedRegressor(teacher(**options), student=RNET, **SMALL).fit(X, X[:, 0])
    assert model.score(X, X[:, 0]) > 0.7


def test_an_object_with_predict_proba_alone_is_a_teacher(blobs):
    X, y = blobs

    class Own:
        def predict_proba(self, table):
            p = 1 / (1 + np.exp(-np.asarray(table)[:, :1]))
            return np.hstack([1 - p, p])

    model = compressor(Own()).fit(X)
    assert_array_equal(model.classes_, [0, 1])
    named = compressor(Own()).fit(X, np.where(X[:, 0] > 0, "up", "down"))
    assert_array_equal(named.classes_, ["down", "up"])


def test_the_default_teacher_is_an_ensemble_selected_on_the_held_out_rows(blobs, monkeypatch):
    from compress import EnsembleTeacherClassifier
    from compress.compressor import _parts

    monkeypatch.setattr(
        _parts, "default_teacher", lambda *args: EnsembleTeacherClassifier([LogisticRegression()], random_state=0)
    )
    seen = {}
    fit = EnsembleTeacherClassifier.fit

    def watched(self, X, y, **kwargs):
        seen.update(kwargs, X=X)
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(EnsembleTeacherClassifier, "fit", watched)
    X, y = blobs
    model = compressor(None).fit(X, y)
    assert [type(member) for member in model.teacher_.estimators_] == [LogisticRegression]  # the patch is in force
    assert (len(seen["X"]), len(seen["X_val"])) == (160, 40)


def test_several_targets():
    X = np.random.default_rng(0).normal(size=(120, 3))
    model = CompressedRegressor(LinearRegression(), student=RNET, **SMALL).fit(X, X[:, :2])
    assert model.predict(X).shape == (120, 2)
    assert model.score(X, X[:, :2]) > 0.8


def test_the_default_teacher_takes_several_targets():
    from compress.teachers import default_teacher

    assert type(default_teacher("regression", 2, None, None, 0)).__name__ == "MultiOutputRegressor"


# ---------------------------------------------------------------- transfer set
def test_rows_are_a_multiple_of_the_original_ones_and_are_kept_on_request(blobs):
    X, y = blobs
    model = compressor(DecisionTreeClassifier(), size_multiplier=2.5, keep_transfer_set=True).fit(X, y)
    assert len(model.transfer_set_) == 500
    assert_array_equal(model.transfer_set_.X[:200], X)
    assert not hasattr(compressor(DecisionTreeClassifier()).fit(X, y), "transfer_set_")


def test_one_times_the_rows_generates_none(blobs):
    X, y = blobs
    model = compressor(DecisionTreeClassifier(), size_multiplier=1, keep_transfer_set=True).fit(X, y)
    assert model.generator_ is None
    assert_array_equal(model.transfer_set_.X, X)


def test_own_generator_is_cloned_and_fitted(blobs):
    X, y = blobs
    sampler = MarginalSampler(random_state=3)
    model = compressor(DecisionTreeClassifier(), generator=sampler).fit(X, y)
    assert isinstance(model.generator_, MarginalSampler)
    assert not hasattr(sampler, "schema_")


def test_unlabelled_rows_come_after_the_original_ones_and_teach_the_generator(frame):
    X, y = frame
    own = X.head(30).assign(colour=["violet"] * 30, count=100)  # a category that X has not, and another range
    model = compressor(
        column_pipeline(DecisionTreeClassifier(random_state=0)), keep_transfer_set=True, size_multiplier=3
    ).fit(X, y, X_unlabeled=own)
    data = model.transfer_set_
    assert (len(data), data.n_original) == (600, 200)
    assert data.X["colour"][200:230].isna().all()
    assert (data.X.dtypes == X.dtypes).all()
    assert (data.X["count"][230:] == 100).any()


@pytest.mark.parametrize("labels", ["soft", "logits", "hard"])
def test_each_kind_of_labels(blobs, labels):
    X, y = blobs
    model = compressor(RandomForestClassifier(10, random_state=0), labels=labels, keep_transfer_set=True).fit(X, y)
    expected = {"soft": "probabilities", "logits": "logits", "hard": "probabilities"}[labels]
    assert model.transfer_set_.kind == expected
    assert model.student_.objective == ("logits" if labels == "logits" else "soft_targets")
    assert model.score(X, y) > 0.8


def test_hard_labels_need_no_probabilities(blobs):
    X, y = blobs
    model = compressor(LinearSVC(), labels="hard").fit(X, y)
    assert model.score(X, y) > 0.75
    assert model.report(X, y, latency_rows=()).value("agreement") > 0.75
    assert compressor(LinearSVC(), labels="hard", generator=None).fit(X, y).munge_search_.p > 0


@pytest.mark.parametrize("labels", ["soft", "logits", "hard"])
def test_original_rows_can_carry_their_true_labels(blobs, labels):
    X, y = blobs
    model = compressor(
        DecisionTreeClassifier(max_depth=1), labels=labels, original_labels="true", keep_transfer_set=True
    ).fit(X, y)
    assert_array_equal(model.classes_[model.transfer_set_.targets[:200].argmax(axis=1)], y)
    assert_allclose(model.transfer_set_.probabilities()[:200].max(axis=1), 1, atol=1e-5)


def test_out_of_fold_labels_come_from_teachers_that_did_not_see_the_row():
    # a tree that memorises is right about every row it has seen, and about none of these that it has not
    X, y = np.arange(60.0).reshape(-1, 1), np.arange(60) % 2
    model = compressor(DecisionTreeClassifier(), original_labels="out_of_fold", keep_transfer_set=True).fit(X, y)
    right = model.transfer_set_.targets[:60].argmax(axis=1) == y
    assert model.teacher_.score(X, y) == 1
    assert right.mean() < 0.5


def test_out_of_fold_labels_keep_the_order_of_the_classes(blobs):
    # a class with one row: the teacher that has not seen it gives it probability 0
    X, y = blobs
    y = np.append(y[:-1], "aa")
    model = compressor(LogisticRegression(), original_labels="out_of_fold", keep_transfer_set=True).fit(X, y)
    assert_array_equal(model.classes_, ["a", "aa", "b", "c"])
    assert model.transfer_set_.targets[199, 1] == 0
    assert_allclose(model.transfer_set_.targets.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("original_labels", ["true", "out_of_fold"])
def test_values_can_be_true_or_out_of_fold(original_labels):
    X = np.random.default_rng(0).normal(size=(60, 2))
    forest = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    model = CompressedRegressor(
        forest, student=RNET, original_labels=original_labels, keep_transfer_set=True, **SMALL
    ).fit(X, X[:, 0])
    own = model.transfer_set_.targets[:60]
    if original_labels == "true":
        assert_allclose(own, X[:, 0], rtol=1e-6)
    else:
        assert np.sqrt(np.mean((own - X[:, 0]) ** 2)) > np.sqrt(np.mean((forest.predict(X) - X[:, 0]) ** 2))


def test_weights_reach_the_teacher_even_in_a_pipeline(blobs):
    X, y = blobs
    weight = np.where(y == "a", 50.0, 1.0)
    teacher = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=1, random_state=0))
    plain, weighted = compressor(teacher).fit(X, y), compressor(teacher).fit(X, y, sample_weight=weight)
    assert (weighted.predict(X) == "a").sum() > (plain.predict(X) == "a").sum()


def test_rows_of_weight_zero_are_left_out(blobs):
    X, y = blobs
    weight = (np.arange(200) < 150).astype(float)
    one = compressor(DecisionTreeClassifier()).fit(X, y, sample_weight=weight)
    two = compressor(DecisionTreeClassifier()).fit(X[:150], y[:150], sample_weight=np.ones(150))
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))


# ---------------------------------------------------------------- choices
def test_p_is_chosen_on_rows_held_out_and_then_all_rows_are_used(blobs, monkeypatch):
    import compress.compressor._stages as module

    seen = {}
    tune = module.tune_munge

    def watched(X, teacher, X_val, y_val, **options):
        seen.update(train=X, valid=X_val, seen_by_teacher=teacher.n_rows_seen_)
        return tune(X, teacher, X_val, y_val, **{**options, "pairs": [(0.1, 5.0), (0.3, 1.0)]})

    class Tree(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            self.n_rows_seen_ = len(X)
            return super().fit(X, y, sample_weight)

    monkeypatch.setattr(module, "tune_munge", watched)
    X, y = blobs
    model = compressor(Tree(), generator=None, keep_transfer_set=True).fit(X, y)
    assert (len(seen["train"]), len(seen["valid"]), seen["seen_by_teacher"]) == (160, 40, 160)
    assert not {row.tobytes() for row in seen["train"]} & {row.tobytes() for row in seen["valid"]}
    assert (model.generator_.p, model.generator_.s) == (model.munge_search_.p, model.munge_search_.s)
    assert model.teacher_.n_rows_seen_ == 200
    assert model.transfer_set_.n_original == 200


def test_own_validation_rows_are_used_for_choices_alone(blobs):
    X, y = blobs
    model = compressor(DecisionTreeClassifier(), generator=None, keep_transfer_set=True)
    model.fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    assert model.transfer_set_.n_original == 150


def test_without_labels_p_is_chosen_by_fidelity(blobs):
    X, y = blobs
    model = compressor(LogisticRegression().fit(X, y), generator=None).fit(X)
    assert len(model.munge_search_.scores) > 1
    assert compressor(LogisticRegression().fit(X, y), generator=None).fit(X, X_val=X[:50]).munge_search_.p > 0


def test_p_and_s_are_those_given(blobs):
    X, y = blobs
    model = compressor(DecisionTreeClassifier(), generator=MUNGE(p=0.3, s=2.0)).fit(X, y)
    assert (model.generator_.p, model.generator_.s) == (0.3, 2.0)


# ---------------------------------------------------------------- part of scikit-learn
def test_works_in_pipeline_grid_search_and_cross_validation(blobs):
    X, y = blobs
    model = compressor(DecisionTreeClassifier(max_depth=4, random_state=0))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model), {"compressedclassifier__student__max_epochs": [1, 15]}, cv=2
    )
    assert search.fit(X, y).best_params_ == {"compressedclassifier__student__max_epochs": 15}
    assert cross_val_score(model, X, y, cv=2).mean() > 0.6


def test_clones_fit_the_teacher_anew_unless_it_is_frozen(blobs):
    X, y = blobs
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    assert not hasattr(clone(compressor(forest)).teacher, "classes_")
    assert clone(compressor(FrozenEstimator(forest))).fit(X, y).teacher_.estimator is forest


def test_pickle_save_and_predictor_give_the_same_predictions(frame, tmp_path):
    X, y = frame
    model = compressor(column_pipeline(DecisionTreeClassifier(random_state=0))).fit(X, y)
    p = model.predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), p)
    model.save(tmp_path / "student")
    assert_array_equal(load_student(tmp_path / "student").predict_proba(X), p)
    assert_allclose(model.predictor()(X), p, atol=1e-6)


def test_rows_and_labels_do_not_depend_on_the_number_of_workers(blobs):
    X, y = blobs
    # more than two blocks of labels
    options = {
        "keep_transfer_set": True,
        "size_multiplier": 120,
        "student": StudentClassifier((), max_epochs=1, batch_size=1024),
    }
    one = compressor(RandomForestClassifier(5, random_state=0), **options).fit(X, y).transfer_set_
    with joblib.parallel_config(backend="threading", n_jobs=2):
        two = compressor(RandomForestClassifier(5, random_state=0), **options).fit(X, y).transfer_set_
    assert_array_equal(one.X, two.X)
    assert_array_equal(one.targets, two.targets)


def test_a_second_fit_forgets_the_first(blobs):
    X, y = blobs
    model = compressor(DecisionTreeClassifier(), generator=None, keep_transfer_set=True).fit(X, y)
    model.set_params(generator=MUNGE(p=0.1), keep_transfer_set=False).fit(X, y)
    assert not hasattr(model, "transfer_set_")
    assert not hasattr(model, "munge_search_")


# ---------------------------------------------------------------- bad input
class Untouched(ClassifierMixin, BaseEstimator):
    """A teacher that must not be reached."""

    def fit(self, X, y):
        raise AssertionError("the teacher was fitted before the input was checked")

    def predict_proba(self, X):
        raise NotImplementedError


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"size_multiplier": 0.5}, "'size_multiplier' parameter.*range"),
        ({"labels": "warm"}, "'labels' parameter"),
        ({"original_labels": "all"}, "'original_labels' parameter"),
        ({"budget": 20_000}, "'budget' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        (
            {"budget": Budget(bytes=100)},
            r"no student meets Budget\(bytes=100\): the nearest has hidden_layer_sizes=\(\)",
        ),
        ({"budget": Budget(us_per_row=1e-9)}, r"no student meets Budget\(us_per_row=1e-09\): the nearest has"),
        ({"generator": "munge"}, "generator must have fit and sample"),
        ({"student": StudentRegressor()}, "student must be a StudentClassifier"),
        ({"student": StudentClassifier((8,), bottleneck=2), "budget": Budget(bytes=1e6)}, "needs a hidden layer"),
    ],
)
def test_bad_parameters_end_before_any_work(blobs, parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compressor(Untouched(), **parameters).fit(*blobs)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"y": np.full((200, 2), 0.5)}, "y must be labels.*StudentClassifier"),
        ({"y": np.full(200, "a")}, "at least 2 classes"),
        ({"y": None}, "the target y is None"),
        ({"X_val": np.zeros((3, 4))}, "given together"),
        ({"X_val": np.zeros((3, 4)), "y_val": ["a", "b", "z"]}, "y_val holds 'z', which is none of the classes"),
        ({"X_val": np.zeros((3, 5)), "y_val": ["a", "b", "a"]}, "5 features"),
        ({"X_unlabeled": np.zeros((3, 5))}, "5 features"),
        ({"sample_weight": np.zeros(200)}, "at least one non-zero"),
        ({"sample_weight": np.where(np.arange(200) < 3, -1.0, 1.0)}, "[Nn]egative"),
    ],
)
def test_bad_rows_end_before_any_work(blobs, changes, message):
    arguments = {"X": blobs[0], "y": blobs[1], **changes}
    with pytest.raises(ValueError, match=message):
        compressor(Untouched()).fit(**arguments)


def test_a_teacher_with_other_classes_is_refused(blobs):
    X, y = blobs
    teacher = LogisticRegression().fit(X, np.char.upper(y))
    with pytest.raises(ValueError, match=r"must know every class of y.*\['A', 'B', 'C'\].*y holds 'a'"):
        compressor(teacher).fit(X, y)


def test_a_teacher_may_know_more_classes_than_y_shows(blobs):
    X, y = blobs
    model = compressor(LogisticRegression().fit(X, y)).fit(X[y != "c"], y[y != "c"])
    assert_array_equal(model.classes_, ["a", "b", "c"])


@pytest.mark.parametrize(
    "teacher, message",
    [
        (LinearSVC(), "labels='hard'"),
        (LinearRegression(), "made for regression"),
        (DecisionTreeClassifier, r"pass DecisionTreeClassifier\(\)"),
        (object(), "neither"),
    ],
)
def test_what_cannot_teach_is_refused(blobs, teacher, message):
    with pytest.raises(TypeError, match=message):
        compressor(teacher).fit(*blobs)


def test_weights_for_a_teacher_that_takes_none_are_refused(blobs):
    from sklearn.neighbors import KNeighborsClassifier

    with pytest.raises(ValueError, match="fit of KNeighborsClassifier takes none"):
        compressor(KNeighborsClassifier()).fit(*blobs, sample_weight=np.ones(200))


def test_a_frozen_teacher_has_no_folds(blobs):
    X, y = blobs
    frozen = FrozenEstimator(DecisionTreeClassifier().fit(X, y))
    with pytest.raises(ValueError, match="FrozenEstimator stays as it is"):
        compressor(frozen, original_labels="out_of_fold").fit(X, y)


def test_tolerance_needs_rows_that_a_fitted_teacher_has_not_seen(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="pass X_val and y_val to fit"):
        compressor(DecisionTreeClassifier().fit(X, y), budget=Budget(tolerance=0.1)).fit(X, y)


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.rename(columns={"size": "length"}),
        lambda X: X[["count", "size", "colour", "flag"]],
        lambda X: X.drop(columns="flag"),
        lambda X: X.assign(extra=1),
    ],
    ids=["renamed", "reordered", "missing", "added"],
)
def test_other_columns_at_predict_time_are_refused(frame, change):
    X, y = frame
    model = compressor(column_pipeline(DecisionTreeClassifier())).fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(change(X))


def test_unseen_categories_count_as_missing(frame):
    X, y = frame
    model = compressor(column_pipeline(DecisionTreeClassifier())).fit(X, y)
    strange = X.head(4).assign(colour=["violet"] * 4)
    assert np.isfinite(model.predict_proba(strange)).all()


def test_an_unfitted_model_says_so(blobs):
    model = compressor(DecisionTreeClassifier())
    for call in (model.predict, model.predict_proba, model.report, model.save):
        with pytest.raises(NotFittedError):
            call(blobs[0])


@pytest.mark.parametrize(
    "old, new",
    [
        ({"p": 0.2}, r"generator=MUNGE\(p="),
        ({"s": 2.0}, r"generator=MUNGE\(s="),
        ({"budget_bytes": 100}, r"budget=Budget\(bytes="),
        ({"budget_us_per_row": 1.0}, r"budget=Budget\(us_per_row="),
        ({"tolerance": 0.1}, r"budget=Budget\(tolerance="),
        ({"shapes": [(8,)]}, r"budget=Budget\(\.\.\., shapes="),
    ],
)
@pytest.mark.parametrize("kind", [CompressedClassifier, CompressedRegressor])
def test_a_parameter_that_has_moved_names_its_new_place(kind, old, new):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter .* any more: use {new}"):
        kind(**old)


def test_a_generator_learns_the_schema_of_the_whole_unless_it_has_its_own(blobs):
    X = np.column_stack([np.round(blobs[0][:, 0]), blobs[0]])
    model = compressor(DecisionTreeClassifier(), schema={0: "nominal"}).fit(X, blobs[1])
    assert list(model.generator_.schema_.nominal_) == [0]
    own = compressor(DecisionTreeClassifier(), schema={0: "nominal"}, generator=MUNGE(p=0.2, schema={1: "nominal"}))
    assert list(own.fit(X, blobs[1]).generator_.schema_.nominal_) == [1]


@pytest.mark.parametrize("stage", ["p and s", "budget", "student"])
def test_ctrl_c_leaves_fit_at_every_stage(blobs, stage):
    calls = []

    def interrupt(row):
        calls.append(row)
        raise KeyboardInterrupt

    student = StudentClassifier((4,), max_epochs=2, callbacks=(interrupt,))
    options = {"p and s": {"generator": None}, "budget": {"budget": Budget(bytes=1e6)}, "student": {}}[stage]
    if stage == "p and s":  # its trials have a student of their own
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("compress.search._munge.StudentClassifier", lambda *args, **kwargs: student)
            compressor(DecisionTreeClassifier(), **options).fit(*blobs)
    else:
        with pytest.raises(KeyboardInterrupt):
            compressor(DecisionTreeClassifier(), student=student, **options).fit(*blobs)
    assert len(calls) == 1


# ---------------------------------------------------------------- what fit says, how long it takes, what it remembers
def test_a_plan_comes_first_and_then_a_line_for_each_stage(blobs, capsys):
    compressor(DecisionTreeClassifier(random_state=0), generator=None, verbose=1).fit(*blobs)
    lines = [
        line for line in capsys.readouterr().err.splitlines() if not line.startswith(("student shapes", "library"))
    ]
    starts = ["teacher: ", "plan: p and s by 5 trials of ", "p and s: p=", "teacher, all rows: ", "generator: "]
    assert [line.startswith(start) for line, start in zip(lines, [*starts, "rows: 400, made in", "student: "])] == [
        True
    ] * 7
    assert "400 rows for the teacher to label, about" in lines[1]


class Slow(ClassifierMixin, BaseEstimator):
    """A teacher that takes a millisecond for each row, and counts them."""

    classes_ = np.array(["a", "b", "c"])

    def __init__(self, patience=None):
        self.patience = patience

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        time.sleep(1e-3 * len(X))
        Slow.asked += len(X)
        if self.patience is not None and Slow.asked > self.patience:
            raise KeyboardInterrupt
        return np.eye(3)[np.digitize(X[:, 0], [-0.5, 0.5])] * 0.94 + 0.02


def test_a_time_limit_shrinks_the_work_and_says_what_was_left_out(blobs):
    Slow.asked = 0
    model = compressor(Slow(), generator=None, size_multiplier=100, keep_transfer_set=True, time_limit=3)
    with pytest.warns(
        UserWarning, match="time_limit=3 .*p and s were not chosen.*rows were labelled in place of 20,000"
    ):
        model.fit(*blobs)
    assert len(model.transfer_set_) < 5000
    assert len(model.left_out_) >= 2
    assert len(pickle.dumps(model.student_)) < 10_000 and model.student_.callbacks == ()


def test_a_limit_that_is_far_off_changes_nothing(blobs):
    plain = compressor(DecisionTreeClassifier(random_state=0)).fit(*blobs)
    limited = compressor(DecisionTreeClassifier(random_state=0), time_limit=3600).fit(*blobs)
    assert limited.left_out_ == []
    assert_array_equal(limited.predict_proba(blobs[0]), plain.predict_proba(blobs[0]))


def test_answers_that_are_kept_are_not_asked_for_again(blobs, tmp_path):
    Slow.asked = 0
    options = {"size_multiplier": 5, "cache": tmp_path / "answers"}
    whole = compressor(Slow(), **{**options, "cache": None}).fit(*blobs)
    all_rows, Slow.asked = Slow.asked, 0
    first = compressor(Slow(), **options).fit(*blobs)
    assert Slow.asked == all_rows + 1
    Slow.asked = 0
    again = compressor(Slow(), **options).fit(*blobs)
    assert Slow.asked == 1  # one row, for the shape of the answers
    for model in (first, again):
        assert_array_equal(model.predict_proba(blobs[0]), whole.predict_proba(blobs[0]))
    stored = [path for path in (tmp_path / "answers").iterdir() if path.suffix != ".npy"]
    assert [path.name[:5] for path in stored] == ["rows-"]
    (stored[0] / "shard-000001.parquet").unlink()  # of an interrupted fit: only this is made and asked for
    Slow.asked = 0
    compressor(Slow(), **options).fit(*blobs)
    assert 1 < Slow.asked < all_rows


def test_a_teacher_that_cannot_be_hashed_says_so_before_it_is_asked(blobs, tmp_path):
    Slow.asked = 0
    with (tmp_path / "log").open("w") as log:
        teacher = FrozenEstimator(Slow(log))
        with pytest.raises(TypeError, match="cache= needs a fingerprint, but a FrozenEstimator that"):
            compressor(teacher, cache=tmp_path).fit(*blobs)
    assert Slow.asked == 0


# ------------------------------------------------------------------ values, labels and rows from outside
@pytest.mark.parametrize(
    "options",
    [{}, {"labels_from": "cross_fit"}, {"original_labels": "true"}, {"original_labels": "out_of_fold"}],
    ids=str,
)
def test_values_far_from_0_are_learned(options):
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = 1.7e9 + X[:, 0]
    student = StudentRegressor((16,), max_epochs=30)
    model = CompressedRegressor(LinearRegression(), student=student, **{**SMALL, "size_multiplier": 5}, **options)
    assert model.fit(X, y).score(X, y) > 0.95
    assert 1 - np.mean((model.predictor()(X) - y) ** 2) / np.var(y) > 0.95
    assert model.report(X, y, latency_rows=()).value("r2_to_teacher") > 0.95


def test_validation_values_in_one_column_choose_as_flat_ones_do():
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = X[:, 0] ** 2
    budget = Budget(bytes=20_000, shapes=[(4,), (8,)])
    found = []
    for y_val in (y, y[:, None], pd.DataFrame({"y": y})):
        model = CompressedRegressor(
            DecisionTreeRegressor(max_depth=4, random_state=0), student=RNET, labels_from="auto", budget=budget, **SMALL
        ).fit(X, y, X_val=X, y_val=y_val)
        found.append((model.label_errors_, [row["error"] for row in model.budget_.rows]))
    assert found[0] == found[1] == found[2]
    with pytest.raises(ValueError, match="y_val must have as many outputs as y, 1, got 2"):
        CompressedRegressor(LinearRegression(), **SMALL).fit(X, y, X_val=X, y_val=np.column_stack([y, y]))


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category"])
def test_a_new_category_of_unlabelled_rows_never_reaches_the_teacher(dtype):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"n": rng.normal(size=100), "s": rng.choice(["u", "v"], 100)}).astype({"s": dtype})
    more = X.assign(s=pd.Series(["new", *X["s"][1:]])).astype({"s": dtype})
    seen = set()

    class Watching(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X):
            seen.update(X["s"].dropna().unique())
            assert X["s"].dtype == (dtype if dtype != "category" else X["s"].dtype)
            return np.full((len(X), 2), 0.5)

    model = CompressedClassifier(Watching(), student=NET, **{**SMALL, "size_multiplier": 5})
    model.fit(X, X["n"] > 0, X_unlabeled=more)
    assert seen == {"u", "v"} and "new" not in str(model.generator_.schema_.columns_)


@pytest.mark.parametrize("student", [RandomForestClassifier(), RNET, None])
def test_what_is_no_student_is_refused_with_the_way_to_one(blobs, student):
    with pytest.raises(TypeError, match="(?s)student must be a StudentClassifier.*a model to compress is the teacher"):
        CompressedClassifier(DecisionTreeClassifier(), student=student).fit(*blobs)
