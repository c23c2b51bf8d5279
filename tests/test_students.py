"""Students: scikit-learn's contract, what they accept, how they learn, what they refuse."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from export_cases import unbounded
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from compress import StudentClassifier, StudentRegressor, TransferSet, load_student
from compress.students import PeriodicEncoding, PiecewiseLinearEncoding
from compress.training import TrainingResult

QUICK = {"max_epochs": 15, "batch_size": 32, "learning_rate": 0.05, "random_state": 0}


def expected_failures(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": (
            "a repeated row may fall into another mini-batch than its copy, a weighted row cannot; and even in one "
            "batch float32 sums round differently"
        )
    }


@parametrize_with_checks(
    [
        StudentClassifier((8,), **QUICK),
        StudentRegressor((8,), **QUICK),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 240
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "count": rng.integers(0, 9, n),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "flag": rng.random(n) > 0.5,
        }
    )
    frame.loc[::7, "size"] = np.nan
    frame.loc[3::11, "colour"] = np.nan
    y = np.where((frame["colour"] == "red") ^ frame["flag"], "yes", "no")
    return frame, y


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    return X, X @ [1.0, -2.0, 0.5, 0.0], np.digitize(X[:, 0] + X[:, 1], [-0.8, 0.8])


# ---------------------------------------------------------------- what is learned
def test_mixed_table_with_missing_values_is_learned(table):
    X, y = table
    student = StudentClassifier((32,), max_epochs=60, batch_size=32, learning_rate=0.01, random_state=0).fit(X, y)
    # the label is a function of the two nominal columns, but where the colour is missing
    assert student.score(X, y) > 0.95
    assert list(student.classes_) == ["no", "yes"]
    assert student.predict(X).dtype.kind == "U"


def test_columns_without_a_pattern_give_the_class_frequencies():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 1)), rng.random(2000) < 0.2
    p = StudentClassifier((), **QUICK).fit(X, y).predict_proba(X)
    assert abs(p[:, 1].mean() - y.mean()) < 0.02


@pytest.mark.parametrize("objective", ["soft_targets", "probabilities", "logits"])
def test_each_objective_brings_the_student_to_the_soft_labels(blobs, objective):
    X = blobs[0]
    p = 1 / (1 + np.exp(-X[:, :1]))
    soft = np.hstack([1 - p, p])
    student = StudentClassifier(
        (16,), objective=objective, max_epochs=40, batch_size=32, learning_rate=0.01, random_state=0
    ).fit(X, soft)
    assert np.abs(student.predict_proba(X) - soft).max() < 0.1
    assert_array_equal(student.classes_, [0, 1])


def test_several_outputs(blobs):
    X, y, _ = blobs
    Y = np.column_stack([y, 1000 - 3 * y])
    student = StudentRegressor((16,), max_epochs=40, random_state=0).fit(X, Y)
    assert student.predict(X).shape == Y.shape
    assert student.score(X, Y) > 0.95


def test_a_small_spread_around_a_large_mean_is_learned(blobs):
    # time stamps: float32 alone cannot tell one second from the next two minutes
    X, y, _ = blobs
    far = 1.7e9 + y
    student = StudentRegressor((16,), max_epochs=40, random_state=0).fit(X, far)
    assert student.score(X, far) > 0.9


def test_a_transfer_set_brings_its_schema_and_classes(blobs):
    X, _, y = blobs
    data = TransferSet(X, np.eye(3, dtype=np.float32)[y], "probabilities", np.array(["a", "b", "c"]))
    student = StudentClassifier((8,), **QUICK).fit(data)
    assert student.score(X, np.array(["a", "b", "c"])[y]) > 0.8


def test_transfer_set_of_logits_equals_its_probabilities(blobs):
    X, _, y = blobs
    p = np.full((len(y), 3), 0.1, dtype=np.float32)
    p[np.arange(len(y)), y] = 0.8
    fit = StudentClassifier((8,), **QUICK).fit
    one = fit(TransferSet(X, p, "probabilities", np.arange(3))).predict_proba(X)
    other = fit(TransferSet(X, np.log(p) + 7, "logits", np.arange(3))).predict_proba(X)
    assert_allclose(one, other, atol=1e-5)


def test_heavier_rows_count_more():
    X = np.zeros((100, 1))
    y = np.arange(100) % 2
    student = StudentClassifier((), **{**QUICK, "max_epochs": 60})
    p = student.fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0)).predict_proba(X)[0, 1]
    assert abs(p - 0.75) < 0.02


def test_class_weight_equals_its_sample_weights(blobs):
    X, _, y = blobs
    weight = {0: 1.0, 1: 2.0, 2: 5.0}
    by_class = StudentClassifier((8,), class_weight=weight, **QUICK).fit(X, y)
    by_row = StudentClassifier((8,), **QUICK).fit(X, y, sample_weight=[weight[c] for c in y])
    assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))


def test_balanced_class_weight_gives_rare_classes_their_share():
    X, y = np.zeros((200, 1)), np.arange(200) < 20
    balanced = StudentClassifier((), class_weight="balanced", **{**QUICK, "max_epochs": 60}).fit(X, y)
    assert abs(balanced.predict_proba(X)[0, 1] - 0.5) < 0.03


def test_many_categories_get_an_embedding_few_get_one_hot_columns():
    X = pd.DataFrame({"few": list("abcd") * 25, "many": [f"v{i % 20}" for i in range(100)]})
    y = np.arange(100) % 2
    student = StudentClassifier((4,), max_one_hot=10, embedding_size=3, **QUICK).fit(X, y)
    assert student.module_.inputs.n_outputs == 4 + 3
    assert len(student.module_.inputs.embeddings) == 1


def test_integer_codes_are_nominal_where_the_schema_says_so(blobs):
    X = np.column_stack([blobs[0][:, 0], np.arange(300) % 5])
    student = StudentClassifier((4,), schema={1: "nominal"}, **QUICK).fit(X, blobs[2])
    assert student.module_.inputs.n_outputs == 1 + 5


# ---------------------------------------------------------------- predict
def test_few_units_with_frequencies_learn_a_wave_that_they_cannot_bend_to():
    x = np.random.default_rng(0).uniform(-1, 1, size=(1000, 1))
    y = np.sin(20 * x[:, 0])
    options = {"max_epochs": 60, "learning_rate": 0.02, "random_state": 0}
    plain = StudentRegressor((8,), **options).fit(x, y)
    periodic = StudentRegressor((4,), encoding=PeriodicEncoding(4, scale=1.0), **options).fit(x, y)
    assert periodic.score(x, y) > 0.98 > plain.score(x, y) + 0.3


def test_frequencies_are_of_continuous_columns_and_beside_them(table):
    X, y = table
    plain = StudentClassifier((8,), max_epochs=1, random_state=0).fit(X, y)
    periodic = StudentClassifier((8,), encoding=PeriodicEncoding(3), max_epochs=1, random_state=0).fit(X, y)
    d = len(periodic.schema_.continuous_)
    assert periodic.n_parameters_ == plain.n_parameters_ + 2 * 3 * d * 8 + 3 * d


def test_unseen_categories_count_as_missing(table):
    X, y = table
    student = StudentClassifier((8,), **QUICK).fit(X, y)
    strange, missing = X.head(5).copy(), X.head(5).copy()
    strange["colour"] = pd.Categorical(["violet"] * 5)
    missing["colour"] = pd.Categorical([None] * 5, categories=["red"])
    assert_array_equal(student.predict_proba(strange), student.predict_proba(missing))


def test_a_value_first_missing_at_predict_time_is_the_mean(blobs):
    X, y, _ = blobs
    student = StudentRegressor((8,), **QUICK).fit(X, y)
    hole, mean = X[:3].copy(), X[:3].copy()
    hole[:, 2], mean[:, 2] = np.nan, X[:, 2].mean()
    assert_allclose(student.predict(hole), student.predict(mean), rtol=1e-6)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda X: X.rename(columns={"size": "length"}), "feature names"),
        (lambda X: X[["count", "size", "colour", "flag"]], "same order"),
        (lambda X: X.drop(columns="flag"), "feature names"),
        (lambda X: X.assign(extra=1), "feature names"),
    ],
    ids=["renamed", "reordered", "missing", "added"],
)
def test_other_columns_at_predict_time_are_refused(table, change, message):
    X, y = table
    student = StudentClassifier((4,), **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=message):
        student.predict(change(X))


def test_infinite_values_are_refused(blobs):
    X, y, _ = blobs
    student = StudentRegressor((4,), **QUICK).fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        student.predict(np.full((1, 4), np.inf))


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize("row", [[0.5, 0.6], [1.5, -0.5]], ids=["sum", "sign"])
def test_soft_labels_that_are_no_probabilities_are_refused(row):
    soft = np.full((20, 2), 0.5)
    soft[7] = row
    with pytest.raises(ValueError, match=r"non-negative and summing to 1.*Divide each row"):
        StudentClassifier((4,)).fit(np.zeros((20, 1)), soft)


@pytest.mark.parametrize("names", [("X_val",), ("y_val",)])
def test_validation_rows_and_labels_come_together(blobs, names):
    X, _, y = blobs
    given = {name: {"X_val": X, "y_val": y}[name] for name in names}
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        StudentClassifier((4,), **QUICK).fit(X, y, **given)


@pytest.mark.parametrize("device", ["cuda:99", "no such device", "mps"])
def test_a_device_that_is_not_there_is_refused_before_any_work(blobs, device):
    student = StudentClassifier((4,), device=device)
    with pytest.raises(ValueError, match="device must be 'auto' or a device torch can use here"):
        student.fit(blobs[0], blobs[2])
    assert not hasattr(student, "schema_")


@pytest.mark.parametrize("sizes", [(0,), (8, -1), (2.5,), ("a",), ((8, 8), (4, 4))])
def test_hidden_layers_need_whole_positive_sizes(blobs, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be positive integers"):
        StudentClassifier(sizes, **QUICK).fit(blobs[0], blobs[2])


def test_logits_are_no_objective_for_hard_labels(blobs):
    with pytest.raises(ValueError, match="needs soft targets.*Use objective='soft_targets'"):
        StudentClassifier((4,), objective="logits").fit(blobs[0], blobs[2])


def test_class_weight_is_no_weight_for_soft_labels():
    with pytest.raises(ValueError, match="class_weight needs hard labels"):
        StudentClassifier((4,), class_weight="balanced").fit(np.zeros((4, 1)), np.full((4, 2), 0.5))


def test_task_of_transfer_set_and_student_must_agree(blobs):
    X, y, c = blobs
    with pytest.raises(ValueError, match="use StudentRegressor"):
        StudentClassifier((4,)).fit(TransferSet(X, y.astype(np.float32), "values"))
    probabilities = TransferSet(X, np.eye(3, dtype=np.float32)[c], "probabilities", np.arange(3))
    with pytest.raises(ValueError, match="use StudentClassifier"):
        StudentRegressor((4,)).fit(probabilities)
    with pytest.raises(ValueError, match="y must be None"):
        StudentClassifier((4,)).fit(probabilities, c)


def test_y_val_must_have_classes_and_outputs_of_y(blobs):
    X, y, c = blobs
    with pytest.raises(ValueError, match="none of the classes"):
        StudentClassifier((4,), **QUICK).fit(X, c, X_val=X[:2], y_val=[0, 9])
    with pytest.raises(ValueError, match="as many outputs as y, 1, got 2"):
        StudentRegressor((4,), **QUICK).fit(X, y, X_val=X[:2], y_val=np.zeros((2, 2)))


def test_a_loss_that_is_never_finite_leaves_no_half_fitted_student(blobs):
    X, y, _ = blobs
    student = StudentRegressor((4,), learning_rate=1e30, max_epochs=3, batch_size=8, random_state=0)
    with pytest.raises(FloatingPointError, match="smaller learning_rate"):
        student.fit(X, y)
    with pytest.raises(NotFittedError):
        student.predict(X)


# ---------------------------------------------------------------- early stopping, going on
def test_validation_rows_choose_the_epoch(blobs):
    X, _, y = blobs
    student = StudentClassifier((8,), **QUICK).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    scores = [row["valid"] for row in student.history_]
    assert student.best_epoch_ == int(np.argmin(scores))


def test_hard_validation_labels_serve_a_student_of_logits(blobs):
    # validation labels are true ones, whatever the student learns from
    X, _, y = blobs
    data = TransferSet(X, np.eye(3, dtype=np.float32)[y] * 0.9 + 1 / 30, "probabilities", np.arange(3))
    student = StudentClassifier((8,), objective="logits", **QUICK).fit(data, X_val=X[:50], y_val=y[:50])
    assert student.best_epoch_ is not None


def test_early_stopping_can_be_switched_off_and_can_hold_rows_out(blobs):
    X, _, y = blobs
    off = StudentClassifier((8,), early_stopping=False, **QUICK).fit(X, y, X_val=X, y_val=y)
    own = StudentClassifier((8,), early_stopping=True, n_iter_no_change=2, **QUICK).fit(X, y)
    assert "valid" not in off.history_[0]
    assert "valid" in own.history_[0]


def test_warm_start_goes_on_and_another_shape_starts_anew(blobs):
    X, _, y = blobs
    student = StudentClassifier((8,), warm_start=True, schedule="constant", **QUICK).fit(X, y)
    first = student.history_[0]["loss"]
    assert student.fit(X, y).history_[0]["loss"] < first / 2  # begins where it left off
    student.set_params(hidden_layer_sizes=(5,)).fit(X, y)
    assert student.module_.body.hidden_layer_sizes == (5,)


def test_warm_start_keeps_the_classes(blobs):
    X, _, y = blobs
    student = StudentClassifier((8,), warm_start=True, **QUICK).fit(X, y)
    assert student.fit(X[y > 0], y[y > 0]).predict_proba(X).shape[1] == 3
    with pytest.raises(ValueError, match="none of the classes"):
        student.fit(X, y + 1)


def test_partial_fit_learns_from_pieces_as_they_come(blobs):
    X, _, y = blobs
    student = StudentClassifier((16,), learning_rate=0.01, random_state=0)
    student.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2])  # the other classes have yet to come
    for _ in range(30):
        for rows in np.array_split(np.arange(300), 3):
            student.partial_fit(X[rows], y[rows])
    assert student.score(X, y) > 0.85


def test_partial_fit_refuses_new_classes_and_other_outputs(blobs):
    X, y, c = blobs
    student = StudentClassifier((4,), **QUICK).partial_fit(X, c)
    with pytest.raises(ValueError, match="none of the classes"):
        student.partial_fit(X, c + 1)
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        student.partial_fit(X, c, classes=[0, 1])
    with pytest.raises(ValueError, match="as many outputs as the net"):
        StudentRegressor((4,), **QUICK).partial_fit(X, y).partial_fit(X, np.column_stack([y, y]))


# ---------------------------------------------------------------- reproducible, portable
def test_same_seed_same_student_and_the_seed_matters(blobs):
    X, y, _ = blobs
    one, two = (StudentRegressor((8,), **QUICK).fit(X, y).predict(X) for _ in range(2))
    other = StudentRegressor((8,), **{**QUICK, "random_state": 1}).fit(X, y).predict(X)
    assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_fitted_net_lives_on_the_cpu_whatever_it_was_trained_on(blobs, monkeypatch):
    # so that a student trained on a GPU unpickles on a machine without one. Here the training loop is
    # replaced by one that only records where the net is sent afterwards.
    moved = []

    def train(module, *args, **kwargs):
        monkeypatch.setattr(module, "to", lambda device: (moved.append(device), module)[1])
        return TrainingResult()

    monkeypatch.setattr("compress.students._teach.train", train)
    StudentClassifier((4,), **QUICK).fit(blobs[0], blobs[2])
    assert moved == ["cpu"]


def test_pickle_holds_the_weights_once(blobs):
    X, _, y = blobs
    student = StudentClassifier((512,), **{**QUICK, "max_epochs": 1}).fit(X, y)
    stored = pickle.dumps(student)
    assert len(stored) < 1.5 * 4 * student.n_parameters_ + 8000
    assert_array_equal(pickle.loads(stored).predict_proba(X), student.predict_proba(X))


def test_works_in_pipeline_grid_search_and_cross_validation(blobs):
    X, _, y = blobs
    student = StudentClassifier((8,), **QUICK)
    search = GridSearchCV(make_pipeline(StandardScaler(), student), {"studentclassifier__max_epochs": [1, 15]}, cv=2)
    assert search.fit(X, y).best_params_ == {"studentclassifier__max_epochs": 15}
    assert cross_val_score(student, X, y, cv=2).mean() > 0.7
    named = make_pipeline(FunctionTransformer(feature_names_out="one-to-one"), student).set_output(transform="pandas")
    assert named.fit(pd.DataFrame(X, columns=list("abcd")), y)[-1].feature_names_in_.tolist() == list("abcd")


def test_callbacks_see_each_epoch(blobs):
    rows = []
    student = StudentClassifier((4,), callbacks=[rows.append], **QUICK).fit(blobs[0], blobs[2])
    assert rows == student.history_
    assert [row["epoch"] for row in rows] == list(range(student.n_iter_))


def test_training_leaves_the_callers_torch_alone(blobs):
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    StudentClassifier((4,), dropout=0.5, **QUICK).fit(blobs[0], blobs[2])
    assert torch.equal(torch.rand(2), expected)
    assert torch.get_num_threads() == threads


def test_early_stopping_stops_early_when_it_is_asked_for(blobs):
    X, _, y = blobs
    options = {**QUICK, "max_epochs": 300, "learning_rate": 0.1}
    asked = StudentClassifier((32,), early_stopping=True, **options).fit(X, y)
    assert asked.stopped_ == "early_stopping" and asked.n_iter_ < 300
    assert asked.n_iter_ == asked.best_epoch_ + 1 + 10  # ten epochs without improvement
    given = StudentClassifier((32,), **{**options, "max_epochs": 30}).fit(
        X[:200], y[:200], X_val=X[200:], y_val=y[200:]
    )
    assert given.n_iter_ == 30  # "auto" keeps the best epoch of all


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_frequencies": 0}, "n_frequencies must be an integer of at least 1, got 0"),
        ({"n_frequencies": 1.5}, "n_frequencies must be an integer of at least 1, got 1.5"),
        ({"scale": 0}, "scale must be a positive number, got 0"),
        ({"scale": "wide"}, "scale must be a positive number, got 'wide'"),
    ],
)
def test_an_encoding_out_of_range_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        PeriodicEncoding(**parameters)


def test_parameters_of_encodings_are_the_encodings():
    with pytest.raises(TypeError, match="no parameter 'n_frequencies' any more: use encoding=PeriodicEncoding"):
        StudentClassifier(n_frequencies=4)
    with pytest.raises(TypeError, match="no parameter 'frequency_scale' any more: use encoding=PeriodicEncoding"):
        StudentRegressor(frequency_scale=0.2)


def test_ctrl_c_leaves_fit_and_no_half_trained_student_behind(blobs):
    def interrupt(row):
        raise KeyboardInterrupt

    student = StudentClassifier((4,), callbacks=(interrupt,), **QUICK)
    with pytest.raises(KeyboardInterrupt):
        student.fit(blobs[0], blobs[2])
    with pytest.raises(NotFittedError):
        student.predict(blobs[0])


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_numbers_that_overflow_the_net_are_refused_and_give_no_nan(rows):
    X = np.random.default_rng(0).normal(size=(60, 2))
    student = StudentClassifier((4,), encoding=PeriodicEncoding(1), max_epochs=1, random_state=0)
    student = unbounded(student.fit(1e-3 * X, X[:, 0] > 0))
    new = np.zeros((rows, 2))
    new[-1, 1] = 1.5e308
    with pytest.raises(ValueError, match=rf"row {rows - 1} holds 1.5e\+308, for which there is no finite prediction"):
        student.predict_proba(new)
    assert np.isfinite(student.predict_proba(new * 1e-300)).all()


# ------------------------------------------------------------------ what was never seen has no say
CONSTANT = {
    "number": 5.0,
    "far": 1.7e9 + 0.1,
    "gaps": np.where(np.arange(240) % 3, 5.0, np.nan),
    "empty": np.full(240, np.nan),
    "category": pd.Categorical(["x"] * 240, ["x", "y", "z"]),
    "text": "x",
}
OTHERS = {
    "number": [9.0, -1e6],
    "far": [0.0, 2e9],
    "gaps": [7.0],
    "empty": [3.0],
    "category": ["y", None],
    "text": ["y"],
}


@pytest.mark.parametrize("column", CONSTANT)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"bottleneck": 3},
        {"encoding": PeriodicEncoding(3, scale=0.5)},
        {"encoding": PiecewiseLinearEncoding(5)},
        {"encoding": PiecewiseLinearEncoding(5), "bottleneck": 3},
        {"max_one_hot": 0},
        {"early_stopping": True},
    ],
    ids=str,
)
def test_a_column_that_never_varied_has_no_say(table, column, options):
    X, y = table
    X = X.assign(**{column: CONSTANT[column]})
    student = StudentClassifier(**{"hidden_layer_sizes": (8,), **options}, **QUICK).fit(X, y)
    rows = X[X[column].notna()] if column == "gaps" else X
    expected = student.predict_proba(rows)
    dtype = X[column].dtype if column == "category" else None
    for value in OTHERS[column]:
        other = rows.assign(**{column: pd.Series([value] * len(rows), index=rows.index, dtype=dtype)})
        assert_allclose(student.predict_proba(other), expected, atol=1e-12)
        assert_allclose(student.predictor()(other), expected, atol=1e-5)
    assert student.module_.inputs.seen is None  # nothing of the training rows is kept


def test_its_weights_are_0_and_what_it_contributed_is_in_the_bias(table):
    X, y = table
    student = StudentClassifier((8,), **QUICK).fit(X.assign(number=5.0, text="x"), y)
    weight = student.module_.body.layers[0][0].weight
    silent = (weight == 0).all(dim=0)
    assert silent.tolist() == [False, False, True, *[False] * (weight.shape[1] - 4), True]  # number and text


def test_categories_and_missing_values_that_never_occurred_have_no_say(table):
    X, y = table
    X = X.assign(kind=pd.Categorical(np.where(y == "yes", "a", "b"), ["a", "b", "never"]))
    hot = StudentClassifier((8,), **QUICK).fit(X, y)
    embedded = StudentClassifier((8,), max_one_hot=0, **QUICK).fit(X, y)
    for value in ("never", None):
        unknown = X.assign(kind=pd.Categorical([value] * 240, X["kind"].dtype.categories))
        assert_allclose(hot.predict_proba(unknown), hot.predict_proba(X.assign(kind="new")), atol=1e-12)
        assert_allclose(embedded.predict_proba(unknown), embedded.predict_proba(X.assign(kind="new")), atol=1e-12)
    assert not embedded.module_.inputs.embeddings["2"].weight[2:].any()


def test_a_column_that_varies_later_is_learned_later(table):
    X, y = table
    X = X[["count"]]
    student = StudentClassifier((8,), batch_size=32, learning_rate=0.05, random_state=0)
    student.partial_fit(X.assign(late=5.0), y, classes=["no", "yes"])
    assert_array_equal(student.predict_proba(X.assign(late=9.0)), student.predict_proba(X.assign(late=5.0)))
    late = X.assign(late=5.0 + (y == "yes"))
    for _ in range(20):
        student.partial_fit(late, y)
    assert student.score(late, y) > 0.95
    student.partial_fit(X.assign(late=5.0), y)  # constant again, but learned
    assert (student.predict_proba(X.assign(late=6.0)) != student.predict_proba(X.assign(late=5.0))).any()


# ------------------------------------------------------------------ values far from 0, and very large ones
@pytest.mark.parametrize("shift, scale", [(1.7e9, 1.0), (-5e12, 100.0), (0.0, 1e200), (1e5, 1e-3)])
def test_values_keep_their_spread_wherever_they_are(shift, scale, tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = X[:, 0]
    student = StudentRegressor((16,), max_epochs=30, random_state=0).fit(X, shift + scale * y)

    def error(predictions):
        return np.sqrt(np.mean(((predictions - shift) / scale - y) ** 2))

    expected = error(student.predict(X))
    assert expected < 0.15
    student.save(tmp_path / "student")
    for predict in (student.predictor(), student.predictor(np.float64), load_student(tmp_path / "student").predict):
        assert error(predict(X)) == pytest.approx(expected, rel=1e-3)
    data = TransferSet(X, shift + scale * y, "values")
    assert_array_equal(student.fit(data).predict(X), student.fit(X, shift + scale * y).predict(X))


def test_targets_of_a_transfer_set_in_one_column_are_flat():
    X = np.random.default_rng(0).normal(size=(60, 2))
    student = StudentRegressor((4,), max_epochs=1).fit(TransferSet(X, X[:, :1], "values"))
    assert student.predict(X).shape == student.predictor()(X).shape == (60,)


# ------------------------------------------------------------------ what is too large
@pytest.mark.parametrize(
    "options",
    [
        {"hidden_layer_sizes": (10**9,)},
        {"hidden_layer_sizes": (10**30,)},
        {"bottleneck": 10**10},
        {"encoding": PeriodicEncoding(10**10)},
        {"embedding_size": 10**10, "max_one_hot": 0},
    ],
    ids=str,
)
def test_a_net_beyond_memory_is_refused_before_anything_is_allocated(table, options):
    with pytest.raises(MemoryError, match=r"makes a net of [\d,]+ parameters, .* are available. Take fewer units"):
        StudentClassifier(**options).fit(*table)


@pytest.mark.parametrize("y, message", [([None, "a"] * 120, "contains NaN"), (np.ones((240, 3)), "several targets")])
def test_labels_that_are_none_are_refused_in_words(table, y, message):
    with pytest.raises(ValueError, match=message):
        StudentClassifier().fit(table[0], y)
