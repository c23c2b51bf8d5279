"""The contract of everything that leaves a small student behind: students, distillers, joint nets, compressors.

A new estimator joins by one line in MEMBERS. scikit-learn's own battery runs once per family, in the files of the
families; what is here runs on every member and every variant.
"""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags

from compress import (
    MUNGE,
    CompressedClassifier,
    CompressedRegressor,
    StudentClassifier,
    StudentRegressor,
    TreeStudentClassifier,
    TreeStudentRegressor,
)
from compress.distill import (
    DistilledClassifier,
    DualDNNClassifier,
    FitNetClassifier,
    MimicClassifier,
    MimicRegressor,
    RocketClassifier,
)
from compress.nets import MLP
from compress.students import NetClassifier, PeriodicEncoding, PiecewiseLinearEncoding

FAST = {"max_epochs": 3, "batch_size": 32, "learning_rate": 0.02}
NET, RNET = StudentClassifier((8,), **FAST), StudentRegressor((8,), **FAST)
CUT = StudentClassifier((8,), encoding=PiecewiseLinearEncoding(4), **FAST)
FORM = {"generator": MUNGE(p=0.2), "size_multiplier": 2, "random_state": 0}
SEEDED = {**FAST, "random_state": 0}
MEMBERS = {
    "StudentClassifier": StudentClassifier((8,), **SEEDED),
    "StudentClassifier, periodic": StudentClassifier((8,), encoding=PeriodicEncoding(2), **SEEDED),
    "StudentClassifier, cuts": StudentClassifier((8,), encoding=PiecewiseLinearEncoding(4), **SEEDED),
    "StudentClassifier, additive": StudentClassifier((), encoding=PiecewiseLinearEncoding(4), **SEEDED),
    "StudentClassifier, bottleneck": StudentClassifier((8,), bottleneck=2, **SEEDED),
    "StudentClassifier, linear": StudentClassifier((), **SEEDED),
    "StudentRegressor": StudentRegressor((8,), **SEEDED),
    "StudentRegressor, periodic": StudentRegressor((8,), encoding=PeriodicEncoding(2), **SEEDED),
    "StudentRegressor, cuts": StudentRegressor((8,), encoding=PiecewiseLinearEncoding(4), **SEEDED),
    "TreeStudentClassifier": TreeStudentClassifier(8, max_iter=20, min_samples_leaf=5, random_state=0),
    "TreeStudentRegressor": TreeStudentRegressor(8, max_iter=20, min_samples_leaf=5, random_state=0),
    "NetClassifier": NetClassifier(partial(MLP, hidden_layer_sizes=(8,)), **SEEDED),
    "DistilledClassifier": DistilledClassifier(LogisticRegression(), NET, random_state=0),
    "MimicClassifier": MimicClassifier(LogisticRegression(), NET, random_state=0),
    "DistilledClassifier, cuts": DistilledClassifier(LogisticRegression(), CUT, random_state=0),
    "MimicClassifier, cuts": MimicClassifier(LogisticRegression(), CUT, random_state=0),
    "FitNetClassifier, cuts": FitNetClassifier(NET, CUT, hint_epochs=2, random_state=0),
    "MimicRegressor": MimicRegressor(LinearRegression(), RNET, random_state=0),
    "FitNetClassifier, two stages": FitNetClassifier(NET, NET, hint_epochs=2, random_state=0),
    "FitNetClassifier, one stage": FitNetClassifier(NET, NET, stages="single", random_state=0),
    "RocketClassifier, bottom": RocketClassifier((8,), (4,), (16,), **SEEDED),
    "RocketClassifier, interval": RocketClassifier(sharing="interval", group_sizes=(8,), booster_blocks=2, **SEEDED),
    "DualDNNClassifier": DualDNNClassifier((8,), **SEEDED),
    "CompressedClassifier": CompressedClassifier(LogisticRegression(), student=NET, **FORM),
    "CompressedClassifier, cuts": CompressedClassifier(LogisticRegression(), student=CUT, **FORM),
    "CompressedRegressor": CompressedRegressor(LinearRegression(), student=RNET, **FORM),
}
every_member = pytest.mark.parametrize("member", [pytest.param(m, id=name) for name, m in MEMBERS.items()])
every_net = pytest.mark.parametrize(
    "member", [pytest.param(m, id=name) for name, m in MEMBERS.items() if not name.startswith("Tree")]
)
every_classifier = pytest.mark.parametrize(
    "member", [pytest.param(m, id=name) for name, m in MEMBERS.items() if is_classifier(m)]
)
X = np.random.default_rng(0).normal(size=(120, 4))
NUMBERS, CODES = X[:, 0] + X[:, 1] ** 2, np.digitize(X[:, 0], [-0.5, 0.5])
NAMES = np.array(["a", "b", "c"])[CODES]
FRAME = pd.DataFrame(X, columns=["w", "x", "y", "z"])


def target(member):
    return NAMES if is_classifier(member) else NUMBERS


def fitted(member, table=X, **options):
    return clone(member).fit(table, target(member), **options)


def outputs(model, table=X):
    return model.predict_proba(table) if is_classifier(model) else model.predict(table)


# ----------------------------------------------------------------------------------- what comes out
@every_classifier
def test_probabilities_have_a_column_per_class_and_rows_that_sum_to_1(member):
    model = fitted(member)
    p = model.predict_proba(X)
    assert_array_equal(model.classes_, ["a", "b", "c"])
    assert p.shape == (120, 3) and p.dtype == np.float64
    assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert (p >= 0).all()


@every_classifier
def test_the_label_predicted_is_the_class_of_the_largest_probability(member):
    model = fitted(member)
    assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])
    assert model.predict(X).dtype.kind == "U"


@every_classifier
def test_two_classes_of_any_type_come_back_as_they_were(member):
    for y in (X[:, 0] > 0, np.where(X[:, 0] > 0, 7, -3), np.where(X[:, 0] > 0, "yes", "no").astype(object)):
        model = clone(member).fit(X, y)
        assert set(model.predict(X).tolist()) <= set(y.tolist())
        assert model.predict_proba(X).shape == (120, 2)


@every_member
def test_the_prediction_of_a_row_does_not_depend_on_the_rows_beside_it(member):
    model = fitted(member)
    assert_allclose(outputs(model, X[:7]), outputs(model)[:7], rtol=1e-6, atol=1e-7)
    assert_allclose(outputs(model, X[::-1]), outputs(model)[::-1], rtol=1e-6, atol=1e-7)


@every_member
def test_columns_of_a_table_are_held_to_their_names(member):
    model = fitted(member, FRAME)
    assert list(model.feature_names_in_) == list(FRAME.columns) and model.n_features_in_ == 4
    with pytest.raises(ValueError, match="(?i)feature names|columns"):
        model.predict(FRAME[["x", "w", "y", "z"]])
    with pytest.raises(ValueError, match="(?i)feature"):
        model.predict(FRAME[["w", "x"]])


# ------------------------------------------------------------------------------- repeatable, and alone
@every_net
def test_the_same_seed_gives_the_same_net_and_another_seed_another(member):
    student = "student" in member.get_params()
    other = {"student__random_state": 1} if student and getattr(member, "student", None) is not None else {}
    first, again = outputs(fitted(member)), outputs(fitted(member))
    assert_array_equal(first, again)
    model = clone(member).set_params(random_state=1, **other).fit(X, target(member))
    assert not np.array_equal(outputs(model), first)


@every_member
def test_a_second_fit_forgets_the_first(member):
    model = fitted(member)
    half = clone(member).fit(X[:60], target(member)[:60])
    assert_array_equal(outputs(model.fit(X[:60], target(member)[:60])), outputs(half))


@every_member
def test_fit_leaves_the_callers_rows_and_parameters_alone(member):
    model, rows, y = clone(member), X.copy(), target(member).copy()
    before = {name: repr(value) for name, value in model.get_params().items()}
    model.fit(rows, y)
    assert_array_equal(rows, X)
    assert_array_equal(y, target(member))
    assert {name: repr(value) for name, value in model.get_params().items()} == before


@every_member
def test_a_pickled_model_predicts_the_same(member):
    model = fitted(member)
    assert_array_equal(outputs(pickle.loads(pickle.dumps(model))), outputs(model))


@every_member
def test_a_clone_is_not_fitted_and_says_so(member):
    model = clone(fitted(member))
    assert {k: repr(v) for k, v in model.get_params().items()} == {k: repr(v) for k, v in member.get_params().items()}
    with pytest.raises(NotFittedError):
        model.predict(X)


@every_member
def test_parameters_can_be_searched(member):
    search = GridSearchCV(member, {"random_state": [0, 1]}, cv=2).fit(X, target(member))
    assert search.predict(X).shape == (120,)


# --------------------------------------------------------------------------------------- training
@every_member
def test_weights_of_one_are_no_weights(member):
    if isinstance(member, CompressedClassifier | CompressedRegressor):
        pytest.skip("the weights are the teacher's")
    weighted, plain = fitted(member, sample_weight=np.ones(120)), fitted(member)
    assert_allclose(outputs(weighted), outputs(plain), rtol=1e-3, atol=1e-4)  # another way to the same sums


@every_net
def test_the_history_has_a_row_for_each_epoch(member):
    model = fitted(member)
    history = getattr(model, "student_", model).history_ if not hasattr(model, "history_") else model.history_
    assert len(history) >= 3
    assert all({"epoch", "loss", "learning_rate", "seconds"} <= set(row) for row in history)
    assert np.isfinite([row["loss"] for row in history]).all()


@every_member
def test_validation_rows_choose_the_epoch(member):
    if isinstance(member, CompressedClassifier | CompressedRegressor):
        pytest.skip("its validation rows choose the generator, the labels and the shape")
    y = target(member)
    model = clone(member).fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    history = [row for row in model.history_ if "valid" in row]
    names = "best_epoch_", "best_iteration_"  # of nets, and of trees
    best = next(vars(m)[name] for m in (model, getattr(model, "student_", None)) for name in names if name in vars(m))
    assert best == int(np.argmin([row["valid"] for row in history]))


@every_net
def test_the_number_of_parameters_is_that_of_the_net_that_predicts(member):
    model = fitted(member)
    while hasattr(model, "student_"):
        model = model.student_
    model = getattr(model, "light_", model)
    assert model.n_parameters_ == sum(p.numel() for p in model.module_.parameters()) > 0


# -------------------------------------------------------------------------------- tables of all kinds
@every_member
def test_nominal_and_missing_columns_are_taken_by_those_who_say_so(member):
    tags = get_tags(member).input_tags
    holes = FRAME.assign(x=FRAME["x"].where(np.arange(120) % 7 > 0), colour=np.where(X[:, 1] > 0, "red", "blue"))
    table = holes if tags.string else holes.drop(columns="colour")
    if tags.allow_nan:
        assert np.isfinite(outputs(fitted(member, table), table)).all()
    else:
        with pytest.raises(ValueError, match="NaN"):
            fitted(member, table)


# ------------------------------------------------------------------------------------------ bad input
@every_member
def test_validation_rows_and_labels_come_together(member):
    for half in ({"X_val": X[:5]}, {"y_val": target(member)[:5]}):
        with pytest.raises(ValueError, match="X_val and y_val must be given together"):
            fitted(member, **half)


@every_member
def test_labels_must_be_as_many_as_rows(member):
    with pytest.raises(ValueError, match="inconsistent|as many|rows"):
        clone(member).fit(X, target(member)[:50])


@every_member
def test_infinite_numbers_are_named(member):
    rows = X.copy()
    rows[3, 2] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        fitted(member, rows)
