"""scikit-learn's contract for the tabular distillers, and what they all share: teachers, transfer sets, pickles."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from compress import MUNGE, StudentClassifier, StudentRegressor, TransferSet, load_student
from compress.distill import DistilledClassifier, FitNetClassifier, MimicClassifier, MimicRegressor
from compress.nets import MLP
from compress.students import NetClassifier
from compress.training import Schedule

CHEAP = {"max_epochs": 15, "batch_size": 32, "learning_rate": 0.05, "random_state": 0}
STUDENT = StudentClassifier((8,), **CHEAP)
# as for the students themselves
XFAIL = {
    "check_sample_weight_equivalence_on_dense_data": "a repeated row may fall into another mini-batch than its copy, "
    "a weighted row cannot; and even in one batch float32 sums round differently"
}


@parametrize_with_checks(
    [
        DistilledClassifier(LogisticRegression(), STUDENT, random_state=0),
        MimicRegressor(LinearRegression(), StudentRegressor((8,), **CHEAP), random_state=0),
        NetClassifier(partial(MLP, hidden_layer_sizes=(8,)), **CHEAP),
    ],
    expected_failed_checks=lambda estimator: XFAIL,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:400], y[:400], X[400:1000], X[1000:], y[1000:]


@pytest.fixture(scope="module")
def forest(digits):
    return RandomForestClassifier(30, random_state=0).fit(*digits[:2])


def small(**options):
    return StudentClassifier((32,), **{"max_epochs": 20, "random_state": 0, **options})


# --------------------------------------------------------------- teachers
@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier])
def test_a_fitted_teacher_is_used_as_it_is_and_an_unfitted_one_cloned(kind, digits, forest):
    X, y = digits[:2]
    assert kind(forest, small()).fit(X, y).teacher_ is forest
    unfitted = RandomForestClassifier(5, random_state=0)
    model = kind(unfitted, small()).fit(X, y)
    assert not hasattr(unfitted, "estimators_") and len(model.teacher_.estimators_) == 5


def test_a_frozen_teacher_survives_clone_and_grid_search(digits, forest):
    X, y = digits[:2]
    model = DistilledClassifier(FrozenEstimator(forest), small(max_epochs=5))
    search = GridSearchCV(model, {"temperature": [1.0, 4.0], "student__hidden_layer_sizes": [(8,)]}, cv=2).fit(X, y)
    assert search.best_estimator_.teacher_.estimator is forest


@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier])
def test_forests_torch_modules_and_lists_of_them_are_teachers(kind, digits, forest):
    X, y, more, X_test, y_test = digits
    net = small().fit(X, y)
    module = nn.Sequential(net.module_.body, nn.Flatten())  # sees standardised rows: any numbers will do here
    for teacher in (forest, net, module, [forest, net]):
        model = kind(teacher, small(max_epochs=5)).fit(X, y)
        assert model.predict_proba(X_test).shape == (len(X_test), 10)
        assert np.array_equal(model.classes_, np.arange(10))


def test_ensembles_are_combined_by_the_mean_that_was_asked_for(digits):
    X, y = digits[:2]
    nets = [_constant([2.0, 0.0]), _constant([-1.0, 1.0])]
    p = torch.stack([torch.tensor([[2.0, 0.0]]), torch.tensor([[-1.0, 1.0]])]).softmax(dim=-1)
    from compress.distill._teachers import Teachers

    arithmetic = torch.from_numpy(Teachers(nets, "arithmetic", 1e-4).logits(X[:3])).softmax(dim=1)
    assert torch.allclose(arithmetic, p.mean(dim=0).expand(3, 2))
    geometric = torch.from_numpy(Teachers(nets, "geometric", 1e-4).logits(X[:3])).softmax(dim=1)
    product = p.prod(dim=0).sqrt()
    assert torch.allclose(geometric, (product / product.sum()).expand(3, 2))
    assert np.allclose(Teachers(nets, "logits", 1e-4).logits(X[:3]), [0.5, 0.5])


def _constant(values):
    net = nn.Linear(64, len(values))
    with torch.no_grad():
        net.weight.zero_()
        net.bias.copy_(torch.tensor(values))
    return net


def test_teachers_are_left_as_they_were(digits):
    X, y = digits[:2]
    teacher = nn.Sequential(nn.Linear(64, 16), nn.Dropout(0.5), nn.Linear(16, 10)).train()
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    a = DistilledClassifier(teacher, small(max_epochs=3)).fit(X, y).predict_proba(X)
    b = DistilledClassifier(teacher, small(max_epochs=3)).fit(X, y).predict_proba(X)
    assert np.array_equal(a, b)  # no dropout while it teaches
    assert teacher.training
    assert all(
        torch.equal(v, before[k]) and teacher.get_parameter(k).grad is None for k, v in teacher.state_dict().items()
    )


# ------------------------------------------------------------ transfer sets
@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier])
def test_unlabelled_rows_help_a_small_labelled_set(kind, digits, forest):
    X, y, more, X_test, y_test = digits
    few = kind(forest, small()).fit(X[:100], y[:100]).score(X_test, y_test)
    many = kind(forest, small()).fit(X[:100], y[:100], X_unlabeled=more)
    assert many.score(X_test, y_test) > few


@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier, MimicRegressor, FitNetClassifier])
def test_the_choice_of_rows_is_the_one_that_fit_is_given(kind):
    with pytest.raises(TypeError, match="has no parameter 'transfer' any more: use fit\\(X, y, X_unlabeled="):
        kind(None, transfer="train+unlabeled")


def test_a_munge_transfer_set_teaches_without_asking_the_teacher_again(digits, forest):
    X, y, _, X_test, y_test = digits
    data = TransferSet.from_teacher(forest, X, generator=MUNGE(0.2, 5.0, random_state=0).fit(X), n_rows=2000)
    student = small(max_epochs=10)
    assert DistilledClassifier(None, student, soft_weight=1.0).fit(data).score(X_test, y_test) > 0.85
    assert DistilledClassifier(None, student).fit(data, y).score(X_test, y_test) > 0.85
    assert MimicClassifier(None, student).fit(data).score(X_test, y_test) > 0.85
    with pytest.raises(ValueError, match="needs y, the labels of the 400 original rows"):
        DistilledClassifier(None, student).fit(data)


def test_regressors_are_mimicked_with_and_without_further_rows():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(600, 3))
    y = np.sin(4 * X[:, 0]) + X[:, 1]
    forest = RandomForestRegressor(20, random_state=0).fit(X[:100], y[:100])
    student = StudentRegressor((16,), max_epochs=60, random_state=0)
    plain = MimicRegressor(forest, student).fit(X[:100])
    more = MimicRegressor(forest, student).fit(X[:100], X_unlabeled=X[100:500])
    taught = forest.predict(X[500:])
    errors = [np.mean((m.predict(X[500:]) - taught) ** 2) for m in (plain, more)]
    assert errors[1] < errors[0]
    two = MimicRegressor([forest, LinearRegression()], student).fit(X[:100], y[:100])
    assert len(two.teacher_) == 2 and two.predict(X[:5]).shape == (5,)
    data = TransferSet.from_teacher(forest, X[:100])
    assert np.array_equal(MimicRegressor(None, student).fit(data).predict(X[:5]), student.fit(data).predict(X[:5]))


def test_tables_with_nominal_and_missing_columns_pass_through():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=200), "b": pd.Categorical(rng.choice(["x", "y"], 200))})
    y = np.where((X["a"] > 0) ^ (X["b"] == "x"), "yes", "no")
    X.loc[::17, "a"] = np.nan
    teacher = StudentClassifier((16,), max_epochs=40, random_state=0).fit(X, y)
    for kind in (DistilledClassifier, MimicClassifier, FitNetClassifier):
        model = kind(teacher, small(max_epochs=40)).fit(X, y)
        assert model.score(X, y) > 0.85 and set(model.predict(X)) == {"yes", "no"}
        assert list(model.feature_names_in_) == ["a", "b"]


# ------------------------------------------------------ students, pickle, saving
@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier, FitNetClassifier])
def test_what_is_left_is_an_ordinary_student_without_its_teacher(kind, digits, tmp_path):
    X, y, _, X_test, _ = digits
    teacher = small(max_epochs=5).fit(X, y)
    model = kind(teacher, small(max_epochs=5)).fit(X, y)
    expected = model.predict_proba(X_test)
    assert np.allclose(pickle.loads(pickle.dumps(model)).predict_proba(X_test), expected)
    model.student_.save(tmp_path / "student")
    assert np.allclose(load_student(tmp_path / "student").predict_proba(X_test), expected, atol=1e-6)
    assert len(pickle.dumps(model.student_)) < 3 * len(pickle.dumps(small(max_epochs=5).fit(X, y)))


def test_a_bottleneck_survives_saving(digits, tmp_path):
    X, y, _, X_test, _ = digits
    student = small(bottleneck=8).fit(X, y)
    assert student.n_parameters_ == 64 * 8 + 8 * 32 + 32 + 32 * 10 + 10
    student.save(tmp_path / "student")
    assert np.allclose(
        load_student(tmp_path / "student").predict_proba(X_test), student.predict_proba(X_test), atol=1e-6
    )
    with pytest.raises(ValueError, match="bottleneck=8 needs a hidden layer"):
        StudentClassifier((), bottleneck=8).fit(X, y)


def test_the_same_seed_gives_the_same_student(digits):
    X, y, _, X_test, _ = digits
    model = DistilledClassifier(RandomForestClassifier(5), StudentClassifier((8,), max_epochs=3), random_state=3)
    a, b = (clone(model).fit(X, y).predict_proba(X_test) for _ in range(2))
    c = clone(model).set_params(random_state=4).fit(X, y).predict_proba(X_test)
    assert np.array_equal(a, b) and not np.array_equal(a, c)


@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier, FitNetClassifier])
def test_validation_rows_choose_the_epoch(kind, digits, forest):
    X, y, _, X_test, y_test = digits
    teacher = small().fit(X, y)
    model = kind(teacher, small()).fit(X, y, X_val=X_test[:200], y_val=y_test[:200])
    valid = [row["valid"] for row in model.history_]
    assert model.student_.best_epoch_ == int(np.argmin(valid))
    held_out = kind(teacher, small(early_stopping=True, n_iter_no_change=3)).fit(X, y)
    assert all("valid" in row for row in held_out.history_)


# ---------------------------------------------------------------- bad input
def test_classes_of_teacher_and_labels_must_fit(digits, forest):
    X, y = digits[:2]
    with pytest.raises(ValueError, match="which is none of the classes"):
        DistilledClassifier(forest, small()).fit(X, y + 1)
    with pytest.raises(ValueError, match="teacher has 7 outputs and y the 10 classes"):
        DistilledClassifier(nn.Linear(64, 7), small()).fit(X, y)
    with pytest.raises(ValueError, match=r"module must return one output per class, shape \(n_rows, 10\)"):
        DistilledClassifier(forest, nn.Linear(64, 7)).fit(X, y)
    other = RandomForestClassifier(5).fit(X[y < 9], y[y < 9])
    with pytest.raises(ValueError, match="teachers must have the same classes"):
        DistilledClassifier([forest, other], small()).fit(X, y)
    with pytest.raises(ValueError, match="teachers must have the same number of classes"):
        DistilledClassifier([nn.Linear(64, 7), nn.Linear(64, 10)], small()).fit(X, y)


def test_an_omitted_class_is_no_error(digits, forest):
    X, y = digits[:2]
    keep = y != 3
    assert 3 in DistilledClassifier(forest, small(max_epochs=2)).fit(X[keep], y[keep]).classes_
    assert len(DistilledClassifier(nn.Linear(64, 10), small(max_epochs=2)).fit(X[keep], y[keep]).classes_) == 10


def test_unusable_teachers_and_students_are_named(digits, forest):
    X, y = digits[:2]
    with pytest.raises(TypeError, match="made for regression"):
        DistilledClassifier(LinearRegression(), small()).fit(X, y)
    with pytest.raises(ValueError, match="teacher must be an estimator, a torch module or a list"):
        DistilledClassifier(None, small()).fit(X, y)
    with pytest.raises(TypeError, match="student must be a StudentClassifier"):
        DistilledClassifier(forest, LogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match="student must be a StudentRegressor"):
        MimicRegressor(LinearRegression(), small()).fit(X, y)
    with pytest.raises(ValueError, match="teacher LogisticRegression is not fitted, so that fit requires y"):
        MimicClassifier(LogisticRegression(), small()).fit(X)
    broken = nn.Linear(64, 10)
    nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(ValueError, match="finite logits"):
        DistilledClassifier(broken, small()).fit(X, y)
    with pytest.raises(ValueError, match="y must hold hard labels"):
        DistilledClassifier(forest, small()).fit(X, forest.predict_proba(X))


@pytest.mark.parametrize("kind", [DistilledClassifier, MimicClassifier])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_weights(kind, digits, forest):
    X, y = digits[:2]

    def explode(row):  # a step that no loss survives, after two whole epochs
        if row["epoch"] == 1:
            raise_scale["value"] = 1e30

    raise_scale = {"value": 1.0}

    def jump(rows):
        return rows * raise_scale["value"] * raise_scale["value"]

    student = NetClassifier(
        nn.Linear(64, 10), augment=jump, learning_rate=0.1, max_epochs=4, callbacks=(explode,), predict_dtype="float64"
    )
    teacher = nn.Linear(64, 10)
    nn.init.normal_(teacher.weight, generator=torch.Generator().manual_seed(0))
    with pytest.warns(
        UserWarning, match=r"the loss is not finite at step \d+ \(epoch 2\); stopped, with the last good"
    ):
        model = kind(teacher, student, random_state=0).fit(X, y)
    assert model.stopped_ == "diverged" and model.n_iter_ == 2
    assert np.isfinite(model.predict_proba(X)).all()
    taught = teacher(torch.from_numpy(X).float()).argmax(dim=1).numpy()
    # after two epochs 0.7 and more; where they start, less than 0.6
    assert np.mean(model.predict(X) == taught) > 0.6
    raise_scale["value"] = 1e30
    with pytest.raises(FloatingPointError, match="not finite at step 0"):
        kind(teacher, student, random_state=0).fit(X, y)


def test_schedules_are_accepted_wherever_numbers_are(digits, forest):
    X, y = digits[:2]
    model = DistilledClassifier(
        forest, small(max_epochs=2), temperature=Schedule(8.0, 1.0, "cosine"), soft_weight=Schedule(1.0, 0.5)
    )
    assert model.fit(X, y).score(X, y) > 0.2


# ------------------------------------------------------------------- teachers that are fitted on the way
def test_weights_reach_a_teacher_inside_a_pipeline(digits):
    X, y = digits[:2]
    weight = np.where(y < 5, 1.0, 1e-6)
    model = DistilledClassifier(make_pipeline(StandardScaler(), LogisticRegression()), small(max_epochs=1))
    taught = model.fit(X, y, sample_weight=weight).teacher_.predict(X)
    assert (taught < 5).mean() > 0.9


def test_a_teacher_without_weights_says_so(digits):
    X, y = digits[:2]
    with pytest.raises(
        ValueError, match="sample_weight is for the teacher, but fit of KNeighborsClassifier takes none"
    ):
        MimicClassifier(KNeighborsClassifier(), small()).fit(X, y, sample_weight=np.ones(len(y)))


def test_seeds_reach_nested_teachers(digits):
    X, y = digits[:2]
    model = DistilledClassifier(make_pipeline(StandardScaler(), RandomForestClassifier(5)), small(max_epochs=1))
    a, b = (clone(model).set_params(random_state=0).fit(X, y).teacher_.predict_proba(X) for _ in range(2))
    assert np.array_equal(a, b)
