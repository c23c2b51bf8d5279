"""The front door for teachers: anything with predict_proba or predict, fitted or not, in whatever order it answers."""

import threading

import numpy as np
import pandas as pd
import pytest
import sklearn
import threadpoolctl
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor, StackingClassifier, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from compress import (
    MUNGE,
    Budget,
    CompressedClassifier,
    CompressedRegressor,
    EnsembleTeacherClassifier,
    StudentClassifier,
    StudentRegressor,
    TransferSet,
)
from compress.distill import DistilledClassifier, MimicClassifier, RocketClassifier
from compress.recommend import TableScorer
from compress.report import compare
from compress.search import compare_sources, tune_munge
from compress.teachers import check_teacher, column_names, fit_teacher, is_fitted, matching_columns, teacher_outputs
from compress.transfer import CrossFit, SingleTeacher

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5])]
V = X[:, 0] ** 2 + X[:, 1]
FRAME = pd.DataFrame(X, columns=["mean radius", "x", "y", "z"])
QUICK = {"max_epochs": 30, "random_state": 0}
SMALL = {"generator": MUNGE(p=0.2), "size_multiplier": 3, "random_state": 0}


class Turned(ClassifierMixin, BaseEstimator):
    """A forest that names its classes in an order of its own, as CatBoost does with class_names."""

    def fit(self, X, y):
        self.forest_ = RandomForestClassifier(10, random_state=0).fit(X, y)
        self.order_ = np.array([1, 2, 0])
        self.classes_ = self.forest_.classes_[self.order_]
        return self

    def predict_proba(self, X):
        return self.forest_.predict_proba(X)[:, self.order_]

    def predict(self, X):
        return self.forest_.predict(X)


class Framed(Turned):
    """The same, answering with a DataFrame whose columns are the classes in a third order."""

    def predict_proba(self, X):
        return pd.DataFrame(super().predict_proba(X), columns=self.classes_)[["c", "a", "b"]]


class Foreign:
    """A forest in an object that knows nothing of scikit-learn, whose fit returns None and leaves no mark."""

    def fit(self, X, y):
        self.model = RandomForestClassifier(10, random_state=0).fit(X, y)

    def predict_proba(self, X):
        return self.model.predict_proba(X)


class Values:
    """A regressor without fit whose answers have a form of the test's choice."""

    def __init__(self, form):
        self.model, self.form = LinearRegression().fit(X, V), form

    def predict(self, X):
        return self.form(self.model.predict(X))


@pytest.fixture(scope="module")
def turned():
    return Turned().fit(X, Y)


def student(**options):
    return StudentClassifier((16,), **QUICK, **options)


# ------------------------------------------------------------------ the order of classes
def test_a_student_of_unsorted_classes_reads_validation_labels_right(turned):
    data = TransferSet.from_teacher(turned, X)
    assert data.classes.tolist() == ["b", "c", "a"]
    assert student().fit(data, X_val=X, y_val=Y).score(X, Y) > 0.85


def test_a_student_of_unsorted_classes_learns_on_from_labels(turned):
    data = TransferSet.from_teacher(turned, X)
    learner = student(warm_start=True).fit(data)
    assert learner.fit(X, Y).score(X, Y) > 0.9
    for _ in range(5):
        learner.partial_fit(X, Y)
    assert learner.score(X, Y) > 0.9 and learner.classes_.tolist() == ["b", "c", "a"]
    sorted_first = student(warm_start=True).fit(X, Y)
    assert sorted_first.fit(data).score(X, Y) > 0.9 and sorted_first.classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"labels_from": "cross_fit"},
        {"labels_from": "auto"},
        {"original_labels": "true"},
        {"original_labels": "out_of_fold"},
        {"labels": "hard"},
        {"labels": "logits"},
        {"budget": Budget(bytes=20_000, tolerance=1.0, shapes=[(16,)])},
    ],
    ids=str,
)
@pytest.mark.parametrize("Teacher", [Turned, Framed])
def test_compressors_read_classes_in_any_order(Teacher, options):
    model = CompressedClassifier(Teacher(), student=student(), **SMALL, **options).fit(X, Y)
    assert model.score(X, Y) > 0.85
    assert model.report(X, Y, latency_rows=()).value("agreement") > 0.85


def test_cross_fitting_puts_the_columns_into_its_own_order():
    crossed = CrossFit(Turned(), random_state=0).fit(X, Y)
    outputs = crossed.outputs(X, "probabilities")
    assert crossed.classes_.tolist() == ["a", "b", "c"]
    assert np.mean(crossed.classes_[outputs.argmax(axis=1)] == Y) > 0.8


def test_members_of_an_ensemble_answer_in_any_order_and_container():
    teacher = EnsembleTeacherClassifier([("t", Turned()), ("f", Framed())], selection="uniform", random_state=0)
    assert teacher.fit(X, Y, X_val=X, y_val=Y).score(X, Y) > 0.95


def test_distillers_read_classes_in_any_order(turned):
    forest = RandomForestClassifier(10, random_state=0).fit(X, Y)
    for distiller in (
        DistilledClassifier(turned, student()),
        MimicClassifier([turned, forest], student()),
        MimicClassifier([forest, Framed()], student()),
        RocketClassifier((32,), (16,), (32,), teacher=turned, batch_size=20, max_epochs=40, random_state=0),
    ):
        assert distiller.fit(X, Y, X_val=X, y_val=Y).score(X, Y) > 0.8
    with pytest.raises(ValueError, match="same classes"):
        MimicClassifier([turned, RandomForestClassifier().fit(X, np.char.upper(Y))], student()).fit(X)


def test_a_report_compares_class_with_class(turned):
    learner = student().fit(X, Y)
    expected = np.mean(learner.predict(X) == turned.predict(X))
    assert compare(learner, turned, X, Y, latency_rows=()).value("agreement") == pytest.approx(expected)
    assert compare(learner, turned, X, Y, latency_rows=()).value("accuracy", "teacher") > 0.95
    other = RandomForestClassifier(3).fit(X, np.char.upper(Y))
    with pytest.raises(ValueError, match="must have the same classes"):
        compare(learner, other, X, latency_rows=())


def test_the_score_of_a_pair_is_that_of_the_larger_class():
    class Reversed:
        classes_ = np.array([1, 0])

        def predict_proba(self, rows):
            return np.tile([0.9, 0.1], (len(rows), 1))

    table = pd.DataFrame({"user": [0, 1]}), pd.DataFrame({"item": [0]})
    scorer = TableScorer(Reversed(), *table, user_column="user", item_column="item", columns=["user", "item"])
    assert (scorer.score_matrix([0, 1], [0]) > 2).all()


# ------------------------------------------------------------------ answers with names
def test_columns_of_an_answer_are_matched_with_the_classes_by_name(turned):
    framed = Framed().fit(X, Y)
    expected = teacher_outputs(turned, X, "probabilities")
    np.testing.assert_array_equal(teacher_outputs(framed, X, "probabilities"), expected)
    np.testing.assert_array_equal(teacher_outputs(framed, X, "logits"), teacher_outputs(turned, X, "logits"))


def test_columns_that_name_some_of_the_classes_only_are_refused():
    class Odd(Turned):
        def predict_proba(self, X):
            return pd.DataFrame(super().predict_proba(X), columns=["a", "b", "d"])

    with pytest.raises(ValueError, match="must be the classes.*in any order"):
        teacher_outputs(Odd().fit(X, Y), X, "probabilities")


def test_names_that_are_no_classes_and_numbers_by_default_change_nothing(turned):
    class Named(Turned):
        names = None

        def predict_proba(self, X):
            return pd.DataFrame(super().predict_proba(X), columns=self.names)

    for names in (None, ["p1", "p2", "p3"]):
        teacher = Named().fit(X, Y)
        teacher.names = names
        expected = teacher_outputs(turned, X, "probabilities")
        np.testing.assert_array_equal(teacher_outputs(teacher, X, "probabilities"), expected)


def test_the_columns_are_the_classes_of_a_teacher_that_has_no_others():
    class Nameless:
        def __init__(self, forest):
            self.forest = forest

        def predict_proba(self, X):
            return pd.DataFrame(self.forest.predict_proba(X), columns=self.forest.classes_)[["c", "a", "b"]]

    teacher = Nameless(RandomForestClassifier(10, random_state=0).fit(X, Y))
    data = TransferSet.from_teacher(teacher, X)
    assert data.classes.tolist() == ["c", "a", "b"] and student().fit(data).score(X, Y) > 0.85
    for y in (Y, None):
        assert CompressedClassifier(teacher, student=student(), **SMALL).fit(X, y).score(X, Y) > 0.85
    assert MimicClassifier(teacher, student()).fit(X, Y).score(X, Y) > 0.8


def test_polars_answers_have_texts_as_names():
    pl = pytest.importorskip("polars")
    codes = np.unique(Y, return_inverse=True)[1]

    class Polars:
        classes_ = [2, 0, 1]
        forest = RandomForestClassifier(10, random_state=0).fit(X, codes)

        def predict_proba(self, X):
            return pl.DataFrame(self.forest.predict_proba(X), schema=["0", "1", "2"])

    assert CompressedClassifier(Polars(), student=student(), **SMALL).fit(X, codes).score(X, codes) > 0.85


def test_soft_labels_with_named_columns_are_matched_by_name(turned):
    soft = pd.DataFrame(turned.predict_proba(X), columns=turned.classes_)
    learner = student().fit(X, soft, X_val=X, y_val=soft[["a", "b", "c"]])
    assert learner.classes_.tolist() == ["b", "c", "a"] and learner.score(X, Y) > 0.85
    report = compare(learner, turned, X, soft[["c", "b", "a"]], latency_rows=())
    assert report.value("accuracy", "teacher") == 1


@pytest.mark.parametrize(
    "form",
    [
        lambda p: p[:, None],
        lambda p: pd.Series(p, index=range(5, 5 + len(p))),
        lambda p: pd.DataFrame({"p": p}),
        lambda p: pd.array(p, dtype="Float64"),
        lambda p: p.tolist(),
    ],
)
def test_values_of_any_form_are_one_value_for_each_row(form):
    outputs = teacher_outputs(Values(form), X, "values")
    assert outputs.shape == (300,) and outputs.dtype == np.float64
    model = CompressedRegressor(Values(form), student=StudentRegressor((16,), **QUICK), **SMALL).fit(X, V)
    assert model.predict(X).shape == model.predictor()(X).shape == (300,)


def test_values_that_are_no_numbers_are_named():
    with pytest.raises(ValueError, match="predict of Values must return numbers"):
        teacher_outputs(Values(lambda p: np.full(len(p), "many")), X, "values")


# ------------------------------------------------------------------ fitted or not, with tags or without
def test_an_object_that_knows_nothing_of_scikit_learn_is_a_teacher():
    teacher = Foreign()
    teacher.fit(X, Y)
    assert is_fitted(teacher, X) and not is_fitted(Foreign(), X)
    model = CompressedClassifier(teacher, student=student(), **SMALL).fit(X, Y)
    assert model.teacher_ is teacher and model.score(X, Y) > 0.85
    assert model.report(X, Y, latency_rows=(1,)).value("agreement") > 0.85
    assert CompressedClassifier(teacher, student=student(), **SMALL).fit(X).classes_.tolist() == [0, 1, 2]
    assert TransferSet.from_teacher(teacher, X, classes=["a", "b", "c"]).probabilities().shape == (300, 3)
    assert DistilledClassifier(teacher, student()).fit(X, Y).score(X, Y) > 0.8


@pytest.mark.parametrize("options", [{}, {"labels_from": "cross_fit"}, {"original_labels": "out_of_fold"}], ids=str)
def test_such_an_object_is_fitted_where_it_is_not(options):
    model = CompressedClassifier(Foreign(), student=student(), **SMALL, **options)
    assert clone(model).fit(X, Y).score(X, Y) > 0.85
    assert DistilledClassifier(Foreign(), student()).fit(X, Y).score(X, Y) > 0.8


def test_a_frozen_object_stays_as_it_is():
    teacher = Foreign()
    teacher.fit(X, Y)
    model = CompressedClassifier(FrozenEstimator(teacher), student=student(), **SMALL).fit(X, Y)
    assert model.score(X, Y) > 0.85 and model.teacher_.estimator is teacher


@pytest.mark.parametrize("says", [True, False])
def test_an_object_may_say_whether_it_is_fitted(says):
    class Saying(Foreign):
        is_fitted = says

    assert is_fitted(Saying()) is says
    if not says:
        with pytest.raises(NotFittedError, match="call fit on Saying"):
            teacher_outputs(Saying(), X, "probabilities")


def test_an_unfitted_stack_is_a_teacher_although_its_methods_appear_in_fit():
    members = [("forest", RandomForestClassifier(3, random_state=0)), ("line", LogisticRegression())]
    stack = StackingClassifier(members)
    model = CompressedClassifier(stack, student=student(), **SMALL)
    assert model.fit(X, Y).score(X, Y) > 0.8
    assert len(cross_val_score(model, X, Y, cv=2, error_score="raise")) == 2
    assert CompressedClassifier(make_pipeline(StandardScaler(), stack), student=student(), **SMALL).fit(X, Y)
    assert EnsembleTeacherClassifier([stack], random_state=0).fit(X, Y).score(X, Y) > 0.8
    values = StackingRegressor([("forest", RandomForestRegressor(3, random_state=0)), ("line", LinearRegression())])
    regressor = CompressedRegressor(values, student=StudentRegressor((16,), **QUICK), **SMALL)
    assert regressor.fit(X, V).score(X, V) > 0.5


def test_a_method_that_did_not_appear_is_missed_right_after_the_fit():
    stack = StackingClassifier([("line", LogisticRegression())], final_estimator=None)
    stack.final_estimator = LinearSVC()
    hidden = StackingClassifier([("line", LogisticRegression()), ("line2", LogisticRegression())])

    class Without(StackingClassifier):
        def fit(self, X, y, **options):
            self.final_estimator = None
            super().fit(X, y, **options)
            self.final_estimator_ = LinearSVC()
            return self

    with pytest.raises(TypeError, match="must have predict_proba"):
        check_teacher(stack, "classification")
    check_teacher(hidden, "classification")
    with pytest.raises(TypeError, match="must have predict_proba"):
        CompressedClassifier(Without(hidden.estimators), generator=MUNGE()).fit(X, Y)


@pytest.mark.parametrize("teacher", [LinearSVC(), SVC(), StandardScaler()])
def test_what_will_never_have_probabilities_is_refused_before_its_fit(teacher):
    with pytest.raises(TypeError, match="has neither|must have predict_proba"):
        check_teacher(teacher, "classification")


def test_empty_classes_of_a_regressor_say_nothing():
    class WithClasses(LinearRegression):
        classes_ = []

    teacher = WithClasses().fit(X, V)
    model = CompressedRegressor(teacher, student=StudentRegressor((16,), **QUICK), **SMALL).fit(X, V)
    assert model.teacher_ is teacher and model.predict(X).shape == (300,)
    assert CrossFit(WithClasses(), random_state=0).fit(X, V).classes_ is None


@pytest.mark.parametrize("container", [list, tuple, pd.Index, np.array])
def test_classes_may_be_in_any_container(container):
    class Listed:
        classes_ = container(["c", "a", "b"])
        forest = RandomForestClassifier(10, random_state=0).fit(X, Y)

        def predict_proba(self, X):
            return self.forest.predict_proba(X)[:, [2, 0, 1]]

    model = CompressedClassifier(Listed(), student=student(), **SMALL).fit(X, Y, X_val=X, y_val=Y)
    assert model.score(X, Y) > 0.85


# ------------------------------------------------------------------ the boosting libraries
def test_native_boosters_are_refused_with_a_wrapper_that_works():
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    codes = np.unique(Y, return_inverse=True)[1]
    multi = {"num_class": 3}
    boosters = [
        (lightgbm.train({"objective": "multiclass", "verbose": -1, **multi}, lightgbm.Dataset(X, codes), 5), Y),
        (lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(X, codes > 0), 5), codes > 0),
        (xgboost.train({"objective": "multi:softprob", **multi}, xgboost.DMatrix(X, codes), 5), Y),
        (xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, codes > 0), 5), codes > 0),
    ]
    for booster, y in boosters:
        with pytest.raises(TypeError, match="must have predict_proba, but .*Booster has not. Wrap") as error:
            CompressedClassifier(booster).fit(X, y)
        wrapped = made_of(error.value, np=np, xgboost=xgboost)(booster, np.unique(y))
        assert CompressedClassifier(wrapped, student=student(), **SMALL).fit(X, y).score(X, y) > 0.8
    booster = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(X, V), 20)
    regressor = StudentRegressor((16,), **QUICK)
    with pytest.raises(TypeError, match="a predict that takes tables, but xgboost.Booster") as error:
        CompressedRegressor(booster).fit(X, V)
    wrapped = made_of(error.value, np=np, xgboost=xgboost)(booster)
    for teacher in (wrapped, lightgbm.train({"objective": "l2", "verbose": -1}, lightgbm.Dataset(X, V), 20)):
        assert CompressedRegressor(teacher, student=regressor, **SMALL).fit(X, V).score(X, V) > 0.6


def made_of(error, **names):
    """The class of which the message of an error has the code."""
    code = str(error)[str(error).index("class Teacher") :]
    exec("\n".join(line[4:] if line.startswith("    ") else line for line in code.splitlines()), names)
    return names["Teacher"]


def test_names_are_found_wherever_a_teacher_keeps_them():
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    names = list(FRAME.columns)
    light = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1).fit(FRAME, Y)
    codes = np.unique(Y, return_inverse=True)[1]
    for teacher in (light, light.booster_):
        assert column_names(teacher) == ["mean_radius", "x", "y", "z"]
        assert matching_columns(teacher, ["z", "mean radius", "y", "x"]) == names
    boosted = xgboost.XGBClassifier(n_estimators=3).fit(FRAME, codes)
    for teacher in (boosted, boosted.get_booster(), LogisticRegression().fit(FRAME, Y)):
        assert column_names(teacher) == names
    assert column_names(xgboost.XGBClassifier(n_estimators=3).fit(X, codes)) is None
    assert column_names(LogisticRegression()) is None and matching_columns(light, ["x", "y"]) is None
    for unnamed in (lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1).fit(X, Y), Foreign()):
        assert matching_columns(unnamed, names) is None


def test_a_teacher_that_reads_columns_by_position_gets_them_in_its_order():
    """LightGBM does not look at names; CatBoost keeps them in feature_names_."""
    lightgbm = pytest.importorskip("lightgbm")

    class LikeCatBoost:
        def __init__(self):
            self.forest, self.feature_names_ = RandomForestClassifier(10, random_state=0).fit(X, Y), list(FRAME)
            self.classes_ = self.forest.classes_

        def predict_proba(self, rows):
            return self.forest.predict_proba(np.asarray(rows))

    turned = FRAME[["z", "y", "x", "mean radius"]]
    for teacher in (lightgbm.LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1).fit(FRAME, Y), LikeCatBoost()):
        expected = teacher_outputs(teacher, FRAME, "probabilities")
        np.testing.assert_array_equal(teacher_outputs(teacher, turned, "probabilities"), expected)
        model = CompressedClassifier(teacher, student=student(), **SMALL).fit(turned, Y)
        assert model.score(turned, Y) > 0.85


def test_fitted_catboost_models_are_teachers():
    catboost = pytest.importorskip("catboost")
    quiet = {"iterations": 30, "verbose": 0, "allow_writing_files": False}
    two = np.where(X[:, 0] > 0, "hi", "lo")
    classifier = catboost.CatBoostClassifier(class_names=["lo", "hi"], **quiet).fit(FRAME, two)
    data = TransferSet.from_teacher(classifier, FRAME)
    assert data.classes.tolist() == ["lo", "hi"]
    assert student().fit(data, X_val=FRAME, y_val=two).score(FRAME, two) > 0.9
    model = CompressedClassifier(classifier, student=student(), **SMALL).fit(FRAME.iloc[:, ::-1], two)
    assert model.score(FRAME.iloc[:, ::-1], two) > 0.9
    regressor = catboost.CatBoostRegressor(**quiet).fit(X, V)
    assert len(regressor.classes_) == 0
    fitted = CompressedRegressor(regressor, student=StudentRegressor((16,), **QUICK), **SMALL).fit(X, V)
    assert fitted.teacher_ is regressor and fitted.score(X, V) > 0.5


# ------------------------------------------------------------------ weights, threads, messages
@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "teacher",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), LogisticRegression())),
        GridSearchCV(RandomForestClassifier(3, random_state=0), {"max_depth": [2, 3]}, cv=2),
        LogisticRegression(),
    ],
    ids=lambda teacher: type(teacher).__name__,
)
def test_weights_reach_a_teacher_with_metadata_routing_on_or_off(teacher, routing):
    weight = np.where(Y == "a", 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=routing):
        fitted = fit_teacher(teacher, X, Y, weight + 1e-9)
        assert np.mean(fitted.predict(X) == "a") < 0.05
        model = CompressedClassifier(teacher, student=student(), **SMALL).fit(X, Y, sample_weight=np.ones(300))
    assert model.score(X, Y) > 0.8


def test_each_labelling_thread_uses_one_openmp_thread():
    seen = []

    class Counting(Turned):
        def predict_proba(self, X):
            numbers = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "openmp"]
            seen.append((threading.current_thread() is threading.main_thread(), max(numbers, default=1)))
            return super().predict_proba(X)

    teacher = Counting().fit(X, Y)
    TransferSet.from_teacher(teacher, X, block_rows=30, n_jobs=2)
    assert len(seen) == 10 and all(number == 1 for main, number in seen)
    seen.clear()
    with threadpoolctl.threadpool_limits(2, user_api="openmp"):
        TransferSet.from_teacher(teacher, X, block_rows=150)
    assert [number for _, number in seen] == [2, 2] or not threadpoolctl.threadpool_info()


def test_text_for_a_teacher_of_numbers_names_the_column():
    table = FRAME.assign(colour=np.where(X[:, 0] > 0, "red", "blue"))
    message = "takes numbers only.*column 'colour' of X holds text such as '(red|blue)'"
    forest = RandomForestClassifier(3)
    for fit in (
        lambda: CompressedClassifier(forest, generator=MUNGE()).fit(table, Y),
        lambda: DistilledClassifier(forest).fit(table, Y),
        lambda: EnsembleTeacherClassifier([forest]).fit(table, Y),
        lambda: teacher_outputs(RandomForestClassifier(3).fit(X, Y), table.iloc[:, 1:].to_numpy(), "probabilities"),
    ):
        with pytest.raises(ValueError, match=message.replace("'colour'", ".*")):
            fit()


# ------------------------------------------------------------------ labels to compare with
def test_labels_in_one_column_are_compared_like_flat_ones(turned):
    munge = {"pairs": [(0.1, 1.0), (0.5, 5.0)], "n_rows": 600, "random_state": 0}
    forest = RandomForestRegressor(5, random_state=0).fit(X, V)
    small = StudentRegressor((4,), max_epochs=3)
    one, two = (tune_munge(X, forest, X, v, student=small, **munge).scores for v in (V, V[:, None]))
    assert one == two
    sources = {"teacher": SingleTeacher(forest)}
    one, two = (
        compare_sources(sources, X, X, v, generator=MUNGE(), n_rows=600, random_state=0) for v in (V, V[:, None])
    )
    assert one == two
    quick = StudentClassifier((4,), max_epochs=3)
    one, two = (tune_munge(X, turned, X, y, student=quick, **munge).scores for y in (Y, Y[:, None]))
    assert one == two


@pytest.mark.parametrize(
    "y_val, message",
    [
        (np.where(Y == "a", "q", Y), "y_val holds 'q', which is none of the classes"),
        ([None, *Y[1:]], "y_val contains NaN: a label is missing in 1 of 300 rows"),
        (Y[:50], "as many rows, got 300 and 50"),
        (np.ones((300, 2)) / 2, "one column for each of the 3 classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused_before_any_trial(turned, y_val, message):
    with pytest.raises(ValueError, match=message):
        tune_munge(X, turned, X, y_val, n_rows=600)
    with pytest.raises(ValueError, match=message):
        compare_sources({"t": SingleTeacher(turned)}, X, X, y_val, generator=MUNGE(), n_rows=600, random_state=0)
    with pytest.raises(ValueError, match=message):
        CompressedClassifier(turned, **SMALL).fit(X, Y, X_val=X, y_val=y_val)
