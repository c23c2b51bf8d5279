"""Teachers: scikit-learn's contract, what selection promises, real tables, outputs of any teacher."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from compress import EnsembleTeacherClassifier, EnsembleTeacherRegressor
from compress.schema import Encoded, Schema, holdout_split
from compress.teachers import check_teacher, default_library, is_fitted, teacher_outputs
from compress.teachers._encoding import TreeEncoder

TREES = [DecisionTreeClassifier(max_depth=5), ExtraTreesClassifier(10)]
REGRESSION_TREES = [DecisionTreeRegressor(max_depth=5), ExtraTreesRegressor(10)]


def known_exceptions(estimator):
    # forests and boosting draw rows, so weights are not repetitions: scikit-learn excepts its own
    # RandomForest* and HistGradientBoosting* from this check, and the library is made of them
    if estimator.library != "small":
        return {}
    return {"check_sample_weight_equivalence_on_dense_data": "members draw rows at random"}


@parametrize_with_checks(
    [
        EnsembleTeacherClassifier(library=TREES, random_state=0),
        EnsembleTeacherRegressor(library=REGRESSION_TREES, random_state=0),
        EnsembleTeacherClassifier(library="small", random_state=0),
    ],
    expected_failed_checks=known_exceptions,
)
def test_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def rows():
    """(X, y) to fit on and (X, y) to select on, three classes."""
    X, y = make_classification(600, 8, n_informative=5, n_classes=3, random_state=0)
    return X[:400], y[:400], X[400:], y[400:]


@pytest.fixture(scope="module")
def teacher(rows):
    X, y, X_val, y_val = rows
    return EnsembleTeacherClassifier("small", min_weight=0, random_state=0).fit(X, y, X_val=X_val, y_val=y_val)


def mixed(n=300, seed=0):
    """A table as they are: numbers with gaps, nominal columns with gaps, an empty column; string classes."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(17, 90, n).astype(float),
            "income": rng.lognormal(10, 1, n),
            "empty": np.full(n, np.nan),
            "job": pd.Categorical(rng.choice(["nurse", "clerk", "cook"], n)),
            "town": rng.choice(["Ulm", "Bonn", "Jena", None], n),
        }
    )
    y = np.where((frame["age"] > 50) ^ (frame["job"] == "cook").to_numpy(), "yes", "no")
    frame.loc[rng.random(n) < 0.2, "age"] = np.nan
    frame.loc[rng.random(n) < 0.1, "job"] = np.nan
    return frame, y


# --------------------------------------------------------------------- selection
def test_predictions_are_the_weighted_mean_of_the_members(rows):
    X, y, X_val, y_val = rows
    teacher = EnsembleTeacherClassifier(TREES, random_state=0).fit(X, y, X_val=X_val, y_val=y_val)
    expected = sum(w * e.predict_proba(X_val) for w, e in zip(teacher.weights_, teacher.estimators_))
    np.testing.assert_allclose(teacher.predict_proba(X_val), expected)
    assert teacher.weights_.sum() == pytest.approx(1)
    assert (teacher.weights_ > 0).all()


def test_never_worse_than_the_best_single_model_on_the_hill_climb_rows(rows, teacher):
    X_val, y_val = rows[2:]
    error = np.sqrt(np.mean((teacher.predict_proba(X_val) - np.eye(3)[y_val]) ** 2))
    assert error <= min(teacher.library_scores_.values()) + 1e-9


def test_best_single_is_the_model_of_the_lowest_score(rows, teacher):
    X_val, y_val = rows[2:]
    single = teacher.best_single_
    error = np.sqrt(np.mean((single.predict_proba(X_val) - np.eye(3)[y_val]) ** 2))
    assert error == pytest.approx(teacher.library_scores_[teacher.best_single_name_])
    assert error == pytest.approx(min(teacher.library_scores_.values()))
    assert single.names_ == [teacher.best_single_name_]


def test_selection_path_names_the_models(teacher):
    steps = teacher.selection_path_
    assert [s.step for s in steps] == list(range(1, len(steps) + 1))
    assert {s.model for s in steps} == set(teacher.names_)


def test_uniform_selection_is_the_plain_mean(rows):
    X, y, X_val, y_val = rows
    teacher = EnsembleTeacherClassifier("small", selection="uniform", random_state=0).fit(X, y)
    np.testing.assert_array_equal(teacher.weights_, np.full(4, 0.25))


def test_best_selection_keeps_one_model(rows):
    X, y, X_val, y_val = rows
    teacher = EnsembleTeacherClassifier("small", selection="best", random_state=0)
    teacher.fit(X, y, X_val=X_val, y_val=y_val)
    assert teacher.names_ == [teacher.best_single_name_]
    np.testing.assert_array_equal(teacher.predict_proba(X), teacher.best_single_.predict_proba(X))


def test_small_weights_are_dropped_and_the_rest_scaled_up(rows):
    X, y, X_val, y_val = rows
    fit = {"X": X, "y": y, "X_val": X_val, "y_val": y_val}
    whole = EnsembleTeacherClassifier("small", min_weight=0, random_state=0).fit(**fit)
    threshold = float(np.sort(whole.weights_)[-1])
    pruned = EnsembleTeacherClassifier("small", min_weight=threshold, random_state=0).fit(**fit)
    assert len(pruned.estimators_) == 1 < len(whole.estimators_)
    np.testing.assert_array_equal(pruned.weights_, [1])


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers the rows it was fitted on."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.X_, self.weight_ = X, sample_weight
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_hill_climb_rows_are_never_fitted_on(rows):
    X, y, X_val, y_val = rows
    given = EnsembleTeacherClassifier([Recorder()]).fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(given.estimators_[0].X_, X)
    held_out = EnsembleTeacherClassifier([Recorder()], refit=False, random_state=0).fit(X, y)
    assert len(held_out.estimators_[0].X_) == 0.8 * len(X)


def test_after_the_selection_the_selected_models_learn_from_all_rows(rows):
    X, y, X_val, y_val = rows
    teacher = EnsembleTeacherClassifier([Recorder()], random_state=0).fit(X, y)
    np.testing.assert_array_equal(teacher.estimators_[0].X_, X)
    assert len(teacher.best_single_.estimators_[0].X_) == len(X)


def test_refitting_changes_neither_the_selection_nor_its_weights(rows):
    X, y, *_ = rows
    once, again = (EnsembleTeacherClassifier("small", refit=refit, random_state=0).fit(X, y) for refit in (False, True))
    assert once.names_ == again.names_ and once.library_scores_ == again.library_scores_
    np.testing.assert_array_equal(once.weights_, again.weights_)
    np.testing.assert_allclose(once.refitted(X, y).predict_proba(X), again.predict_proba(X))


def test_weights_reach_the_members_and_rows_of_weight_zero_do_not(rows):
    X, y, X_val, y_val = rows
    weight = np.arange(len(X)) % 3
    member = EnsembleTeacherClassifier([Recorder()]).fit(X, y, weight, X_val=X_val, y_val=y_val).estimators_[0]
    np.testing.assert_array_equal(member.X_, X[weight > 0])
    np.testing.assert_array_equal(member.weight_, weight[weight > 0])


def test_metric_may_be_a_function(rows):
    X, y, X_val, y_val = rows

    def absolute(targets, average):
        return np.abs(targets - average).mean()

    teacher = EnsembleTeacherClassifier(TREES, metric=absolute, random_state=0)
    teacher.fit(X, y, X_val=X_val, y_val=y_val)
    expected = absolute(np.eye(3)[y_val], teacher.best_single_.predict_proba(X_val))
    assert teacher.library_scores_[teacher.best_single_name_] == pytest.approx(expected)


# ------------------------------------------------------------- held-out rows
def test_identical_rows_stay_on_one_side():
    X, y = make_classification(60, random_state=0)
    encoded = Encoded(np.repeat(X, 4, axis=0), np.zeros((240, 0), dtype=np.int32))
    train, held = holdout_split(encoded, np.repeat(y, 4), 0.25, np.random.RandomState(0))
    assert len(held) == 60
    assert not set(train // 4) & set(held // 4)


def test_each_class_is_held_out_in_proportion_and_keeps_a_row():
    y = np.repeat([0, 1, 2], [80, 19, 1])
    encoded = Encoded(np.arange(100.0)[:, None], np.zeros((100, 0), dtype=np.int32))
    train, held = holdout_split(encoded, y, 0.2, np.random.RandomState(0), strata=y)
    np.testing.assert_array_equal(np.bincount(y[held], minlength=3), [16, 4, 0])
    np.testing.assert_array_equal(np.sort(np.append(train, held)), np.arange(100))


def test_nothing_to_hold_out_is_an_error():
    encoded = Encoded(np.arange(2.0)[:, None], np.zeros((2, 0), dtype=np.int32))
    with pytest.raises(ValueError, match="leaves no row to hold out"):
        holdout_split(encoded, np.arange(2), 0.2, np.random.RandomState(0), strata=np.arange(2))


# -------------------------------------------------------------------- tables
def test_missing_values_and_nominal_columns():
    X, y = mixed()
    teacher = EnsembleTeacherClassifier("small", random_state=0).fit(X[:200], y[:200])
    assert list(teacher.feature_names_in_) == list(X.columns)
    assert (teacher.predict(X[200:]) == y[200:]).mean() > 0.7
    regressor = EnsembleTeacherRegressor("small", random_state=0).fit(X[:200], (y == "yes")[:200])
    assert np.isfinite(regressor.predict(X)).all()


def test_unseen_category_counts_as_missing():
    X, y = mixed()
    teacher = EnsembleTeacherClassifier("small", random_state=0).fit(X, y)
    strange, missing = X.copy(), X.copy()
    strange["town"], missing["town"] = "Oslo", None
    np.testing.assert_array_equal(teacher.predict_proba(strange), teacher.predict_proba(missing))


def test_declared_kinds_are_used():
    X, y, *_ = np.random.default_rng(0).integers(0, 5, (80, 3)), np.arange(80) % 2
    teacher = EnsembleTeacherClassifier("small", schema={1: "nominal"}, random_state=0).fit(X, y)
    assert teacher.schema_.nominal_.tolist() == [1]


def test_encoder_views():
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", "y", None], "none": [np.nan] * 3})
    blocks = Schema({"none": "continuous"}).fit(X).encode(X)
    encoder = TreeEncoder().fit(blocks)
    made = encoder.transform(blocks, {"codes", "filled"})
    nan = np.nan
    np.testing.assert_array_equal(made["codes"], [[1, 0], [nan, 1], [3, nan]])
    # median, one-hot, indicator of the gap
    np.testing.assert_array_equal(made["filled"], [[1, 1, 0, 0], [2, 0, 1, 1], [3, 0, 0, 0]])
    assert encoder.categorical.tolist() == [False, True]


def test_beyond_255_categories_the_rarest_share_a_code():
    column = np.concatenate([np.arange(300), np.arange(254)])[:, None].astype(np.int32)
    blocks = Encoded(np.zeros((554, 0)), column)
    codes = TreeEncoder().fit(blocks).transform(blocks, {"codes"})["codes"]
    assert len(np.unique(codes[:254])) == 254
    assert len(np.unique(codes[254:300])) == 1
    X, y = pd.DataFrame({"c": column[:, 0].astype(str)}), column[:, 0] % 2
    assert EnsembleTeacherClassifier("small", random_state=0).fit(X, y).predict(X).shape == (554,)


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([False, True]), np.array([-3, 8])])
def test_labels_of_any_type_come_back(labels):
    X, y = make_classification(80, random_state=0)
    teacher = EnsembleTeacherClassifier("small", random_state=0).fit(X, labels[y])
    np.testing.assert_array_equal(teacher.classes_, labels)
    assert teacher.predict(X).dtype == labels.dtype


# -------------------------------------------------- own estimators in the library
def test_own_estimators_get_the_table_as_passed():
    X, y = mixed()
    X = X.drop(columns=["age", "empty"])
    by_name = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job", "town"])),
        LogisticRegression(),
    )
    teacher = EnsembleTeacherClassifier([("linear", by_name)], random_state=0).fit(X, y)
    np.testing.assert_allclose(teacher.predict_proba(X), teacher.estimators_[0].predict_proba(X))
    assert teacher.names_ == ["linear"]


def test_unnamed_estimators_are_named_by_their_class(rows):
    library = [KNeighborsClassifier(3), DecisionTreeClassifier(), KNeighborsClassifier(30)]
    teacher = EnsembleTeacherClassifier(library, random_state=0).fit(*rows[:2])
    expected = ["kneighborsclassifier-1", "decisiontreeclassifier", "kneighborsclassifier-2"]
    assert list(teacher.library_scores_) == expected


def test_a_fitted_model_joins_when_frozen(rows):
    X, y, X_val, y_val = rows
    fitted = RandomForestClassifier(10, random_state=0).fit(X, y)
    teacher = EnsembleTeacherClassifier([FrozenEstimator(fitted)]).fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(teacher.predict_proba(X), fitted.predict_proba(X))


def test_own_estimators_are_cloned_and_their_seeds_kept(rows):
    model = ExtraTreesClassifier(5, random_state=7)
    teacher = EnsembleTeacherClassifier([model], random_state=0).fit(*rows[:2])
    assert not is_fitted(model)
    assert teacher.estimators_[0].random_state == 7


def test_class_that_a_member_never_saw_has_probability_zero(rows):
    X, y, X_val, y_val = rows
    two = FrozenEstimator(LogisticRegression().fit(X[y != 1], y[y != 1]))
    teacher = EnsembleTeacherClassifier([two]).fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(teacher.predict_proba(X)[:, 1], 0)


# ------------------------------------------------------- seeds, parallel, pickle
def test_same_outputs_whatever_the_number_of_jobs(rows):
    X, y, X_val, _ = rows
    with parallel_config("threading"):  # processes take seconds to start, and compute the same
        one, two = (EnsembleTeacherClassifier("small", n_jobs=n, random_state=0).fit(X, y) for n in (1, 2))
    many = np.concatenate([X_val] * 50)  # several blocks
    np.testing.assert_array_equal(one.predict_proba(many), two.predict_proba(many))
    assert one.library_scores_ == two.library_scores_


def test_seed_decides(rows):
    X, y, X_val, _ = rows
    first, again, other = (EnsembleTeacherClassifier("small", random_state=s).fit(X, y) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.predict_proba(X_val), again.predict_proba(X_val))
    assert not np.array_equal(first.predict_proba(X_val), other.predict_proba(X_val))


def test_members_of_the_library_have_seeds_of_their_own():
    seeds = [model.random_state for _, model in default_library("classification", "large", random_state=0)]
    assert len(set(seeds)) == len(seeds)


def test_pickle_holds_the_selected_members_only(rows):
    X, y, X_val, y_val = rows
    library = [("weak", DecisionTreeClassifier(max_depth=1)), ("big", RandomForestClassifier(50))]
    teacher = EnsembleTeacherClassifier(library, selection="best", random_state=0)
    teacher.fit(X, y, X_val=X_val, y_val=y_val)
    assert teacher.names_ == ["big"]
    alone = pickle.dumps(teacher.estimators_[0])
    assert len(pickle.dumps(teacher)) < len(alone) + 10_000
    loaded = pickle.loads(pickle.dumps(teacher))
    np.testing.assert_array_equal(loaded.predict_proba(X_val), teacher.predict_proba(X_val))
    assert loaded.best_single_.names_ == ["big"]


def test_pickle_drops_a_best_single_that_was_not_selected(rows, teacher):
    state = {**vars(teacher), "estimators_": teacher.estimators_[:0]}
    other = clone(teacher)
    vars(other).update(state)
    with pytest.raises(AttributeError, match="pickle best_single_ itself"):
        pickle.loads(pickle.dumps(other)).best_single_  # noqa: B018


def test_grid_search(rows):
    X, y, *_ = rows
    search = GridSearchCV(EnsembleTeacherClassifier(TREES, random_state=0), {"selection": ["uniform", "best"]}, cv=2)
    assert search.fit(X, y).best_params_["selection"] in ("uniform", "best")


# ------------------------------------------------------------------- library
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(("size", "at_least"), [("default", 10), ("large", 40), ("small", 3)])
def test_library_sizes_and_names(task, size, at_least):
    library = default_library(task, size, random_state=0)
    names = [name for name, _ in library]
    assert len(set(names)) == len(names) >= at_least


def test_boosting_takes_fewer_rounds_with_more_classes():
    # it grows a tree for each class and round
    def rounds(n_classes):
        models = default_library("classification", n_classes=n_classes)
        return sum(m.get_params().get("max_iter", 0) for _, m in models)

    assert rounds(26) * 4 < rounds(2)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_model_of_the_largest_library_can_be_fitted(task):
    X, y = make_classification(60, 6, random_state=0)
    for name, model in default_library(task, "large", random_state=0):
        few = {"n_estimators": 2, "max_iter": 2}
        model.set_params(**{k: v for k, v in few.items() if k in model.get_params()}).fit(X, y)
        assert model.get_params().get("n_jobs") is None, name


def test_regression_averages_values():
    X, y = make_regression(300, 6, noise=1, random_state=0)
    teacher = EnsembleTeacherRegressor([("trees", ExtraTreesRegressor(20)), ("line", Ridge())], random_state=0)
    teacher.fit(X, y)
    expected = sum(w * e.predict(X) for w, e in zip(teacher.weights_, teacher.estimators_))
    np.testing.assert_allclose(teacher.predict(X), expected)
    # the data are a line: the line should carry the weight
    assert teacher.best_single_name_ == "line"


# -------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"library": "huge"}, r"library must be one of .* or a list of estimators, got 'huge'"),
        ({"library": []}, "library must be a string or a list of at least one estimator"),
        ({"library": [("a", TREES[0]), ("a", TREES[1])]}, "library must have unique names"),
        ({"selection": "random"}, r"selection must be one of .*, got 'random'"),
        ({"validation_fraction": 1.0}, r"validation_fraction must lie in \(0, 1\), got 1.0"),
        ({"min_weight": 2}, r"min_weight must lie in \[0, 1\], got 2"),
        ({"metric": "auc"}, "metric must be one of"),
        ({"n_bags": 0}, "n_bags must be an integer >= 1"),
    ],
)
def test_parameters_are_checked_before_any_fitting(rows, parameters, message):
    with pytest.raises(ValueError, match=message):
        EnsembleTeacherClassifier(**{"library": [Recorder()], **parameters}).fit(*rows[:2])


def test_models_that_cannot_teach(rows):
    X, y, *_ = rows
    with pytest.raises(TypeError, match=r"must have predict_proba, but 'linearsvc' .*CalibratedClassifierCV"):
        EnsembleTeacherClassifier([LinearSVC()]).fit(X, y)
    with pytest.raises(TypeError, match="must hold estimators .* got <class"):
        EnsembleTeacherClassifier([DecisionTreeClassifier]).fit(X, y)
    with pytest.raises(TypeError, match="fit of 'kneighborsclassifier' .* does not take it"):
        EnsembleTeacherClassifier([KNeighborsClassifier()]).fit(X, y, np.ones(len(y)))


def test_an_error_in_a_member_names_it(rows):
    X, y, *_ = rows
    with pytest.raises(ValueError, match="n_estimators") as error:
        EnsembleTeacherClassifier([("wood", ExtraTreesClassifier(-1))]).fit(X, y)
    assert "'wood'" in error.value.__notes__[0]


def test_validation_rows_that_do_not_fit(rows):
    X, y, X_val, y_val = rows
    teacher = EnsembleTeacherClassifier(TREES)
    with pytest.raises(ValueError, match="given together, but y_val is None"):
        teacher.fit(X, y, X_val=X_val)
    with pytest.raises(ValueError, match=r"y_val holds 7, which is none of the classes \[0, 1, 2\]"):
        teacher.fit(X, y, X_val=X_val, y_val=y_val * 0 + 7)
    with pytest.raises(ValueError, match="X has 2 features, but"):
        teacher.fit(X, y, X_val=X_val[:, :2], y_val=y_val)


def test_one_class_is_refused(rows):
    with pytest.raises(ValueError, match="at least 2 classes"):
        EnsembleTeacherClassifier(TREES).fit(rows[0], np.zeros(len(rows[0])))


def test_log_loss_of_values_is_refused():
    X, y = make_regression(30, 2, random_state=0)
    with pytest.raises(ValueError, match="metric='log_loss' needs probabilities"):
        EnsembleTeacherRegressor(REGRESSION_TREES, metric="log_loss").fit(X, y)


def test_other_columns_at_predict_time_are_refused():
    X, y = mixed(100)
    teacher = EnsembleTeacherClassifier("small", random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        teacher.predict(X.rename(columns={"age": "years"}))


# -------------------------------------------------- outputs of any fitted estimator
def test_outputs_of_a_classifier(rows, teacher):
    X = rows[2]
    probabilities = teacher_outputs(teacher, X, "probabilities")
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, teacher.predict_proba(X), atol=1e-6)
    labels = teacher_outputs(teacher, X, "labels")
    np.testing.assert_array_equal(teacher.classes_[labels.argmax(axis=1)], teacher.predict(X))
    assert set(np.unique(labels)) == {0, 1}


def test_softmax_of_logits_gives_the_probabilities_back(rows):
    X, y, X_val, _ = rows
    forest = ExtraTreesClassifier(10, random_state=0).fit(X, y)
    logits = teacher_outputs(forest, X_val, "logits", eps=1e-6)
    assert np.isfinite(logits).all()  # although the forest has probabilities of 0
    assert logits.min() == pytest.approx(np.log(1e-6))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax, forest.predict_proba(X_val), atol=1e-5)


def test_outputs_of_a_regressor():
    X, y = make_regression(50, 3, n_targets=2, random_state=0)
    assert teacher_outputs(Ridge().fit(X, y[:, 0]), X, "values").shape == (50,)
    assert teacher_outputs(Ridge().fit(X, y), X, "values").shape == (50, 2)


def test_an_object_without_fit_is_a_teacher(rows):
    class Rule:
        def predict_proba(self, X):
            return np.tile([0.25, 0.75], (len(X), 1))

    assert is_fitted(Rule())
    check_teacher(Rule(), "classification")
    np.testing.assert_array_equal(teacher_outputs(Rule(), rows[0], "probabilities")[0], [0.25, 0.75])


def test_fitted_is_detected(rows):
    X, y, *_ = rows
    tree = DecisionTreeClassifier()
    assert not is_fitted(tree)
    with pytest.raises(NotFittedError, match="call fit on DecisionTreeClassifier first"):
        teacher_outputs(tree, X, "probabilities")
    assert is_fitted(make_pipeline(tree).fit(X, y))


@pytest.mark.parametrize(
    ("teacher", "task", "message"),
    [
        (
            LinearSVC(),
            "classification",
            "LinearSVC has not. Wrap it in .*CalibratedClassifierCV.* labels='hard'",
        ),
        (
            Ridge(),
            "classification",
            "fit the task, which is classification, but Ridge is made for regression",
        ),
        (DecisionTreeClassifier(), "regression", "DecisionTreeClassifier is made for classification"),
        (DecisionTreeClassifier, "classification", r"got the class DecisionTreeClassifier; pass Decision"),
        (object(), "classification", "object has neither"),
    ],
)
def test_what_cannot_teach(teacher, task, message):
    with pytest.raises(TypeError, match=message):
        check_teacher(teacher, task)


def test_what_can_teach():
    check_teacher(LinearSVC(), "classification", labels="hard")
    check_teacher(CalibratedClassifierCV(LinearSVC()), "classification")
    check_teacher(Ridge(), "regression")


class Broken:
    """Returns what it is told to."""

    classes_ = np.array([0, 1])

    def __init__(self, returned):
        self.returned = returned

    def predict_proba(self, X):
        return self.returned

    predict = predict_proba


@pytest.mark.parametrize(
    ("returned", "kind", "error", "message"),
    [
        (
            np.array([[np.nan, 1], [0, 1], [1, 0]]),
            "probabilities",
            ValueError,
            "NaN or infinite in 1 of 3 rows",
        ),
        (
            np.array([[2.0, 1], [0, 1], [1, 0]]),
            "logits",
            ValueError,
            "sum to 1 in each row, but 1 of 3 rows do not",
        ),
        (np.full(3, 0.5), "probabilities", ValueError, r"must have shape \(n_rows, 2\).* got \(3,\)"),
        (np.full((2, 2), 0.5), "probabilities", ValueError, "must return one row for each of 3"),
        ([np.full((3, 2), 0.5)] * 2, "probabilities", TypeError, "returns a list of 2"),
        (np.array([0, 1, 5]), "labels", ValueError, "must return members of its classes_, but 1 of 3"),
        (np.array([0, np.inf, 1]), "values", ValueError, "NaN or infinite in 1 of 3 rows"),
    ],
)
def test_outputs_that_are_not_what_they_claim(returned, kind, error, message):
    with pytest.raises(error, match=message):
        teacher_outputs(Broken(returned), np.zeros((3, 1)), kind)


def test_unknown_kind_of_output(rows, teacher):
    with pytest.raises(ValueError, match="kind must be one of"):
        teacher_outputs(teacher, rows[0], "scores")


# ---------------------------------------------------------------- the selected models on other rows
@pytest.mark.parametrize("library", ["small", [("tree", DecisionTreeClassifier(random_state=0))]])
def test_refitted_keeps_the_selection_and_learns_other_rows(library):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.where(X[:, 0] > 0, "b", "a")
    teacher = EnsembleTeacherClassifier(library, random_state=0).fit(X, y)
    other = teacher.refitted(X, np.where(X[:, 1] > 0, "b", "a"))
    assert other.names_ == teacher.names_
    assert_array_equal(other.weights_, teacher.weights_)
    assert np.mean(teacher.predict(X) == y) > 0.9
    assert np.mean(other.predict(X) == np.where(X[:, 1] > 0, "b", "a")) > 0.9
    assert np.mean(teacher.predict(X) == y) > 0.9, "the teacher itself is as before"


def test_refitted_on_the_same_rows_is_the_same_teacher():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = (X[:, 0] > 0).astype(int)
    teacher = EnsembleTeacherClassifier("small", random_state=0).fit(X, y, X_val=X[:50], y_val=y[:50])
    assert_allclose(teacher.refitted(X, y).predict_proba(X), teacher.predict_proba(X))
