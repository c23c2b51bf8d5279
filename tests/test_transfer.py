"""The transfer set: original rows first, generated ones after, all labelled by the teacher."""

import dataclasses

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from compress import MUNGE, StudentClassifier, TransferSet
from compress.transfer import CrossFit, SingleTeacher, label_rows, remembering

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = np.array(["a", "b", "c"])[np.arange(50) % 3]


@pytest.fixture(scope="module")
def teacher():
    return LogisticRegression().fit(X, Y)


@pytest.fixture(scope="module")
def munge():
    return MUNGE(0.5, 1.0, random_state=0).fit(X)


# ---------------------------------------------------------------- rows
def test_original_rows_come_first_and_generated_ones_after(teacher, munge):
    data = TransferSet.from_teacher(teacher, X, generator=munge, n_rows=130)
    assert len(data) == 130
    assert data.n_original == 50
    assert_array_equal(data.X[:50], X)
    assert_array_equal(data.X[50:], munge.sample(80))


def test_unlabelled_rows_stand_between_original_and_generated_ones(teacher, munge):
    own = RNG.normal(size=(20, 3))
    data = TransferSet.from_teacher(teacher, X, X_unlabeled=own, generator=munge, n_rows=100)
    assert data.n_original == 50
    assert_array_equal(data.X[50:70], own)
    assert_array_equal(data.X[70:], munge.sample(30))


def test_without_a_generator_there_are_the_real_rows_alone(teacher):
    assert_array_equal(TransferSet.from_teacher(teacher, X).X, X)


def test_data_frames_stay_data_frames_of_the_same_dtypes():
    frame = pd.DataFrame({"a": X[:, 0], "n": np.arange(50), "c": pd.Categorical(Y)})
    teacher = RandomForestClassifier(3, random_state=0).fit(frame[["a", "n"]].to_numpy(), Y)
    teacher.predict_proba, inner = lambda t: inner(t[["a", "n"]].to_numpy()), teacher.predict_proba
    data = TransferSet.from_teacher(teacher, frame, generator=MUNGE(random_state=0).fit(frame), n_rows=120)
    assert (data.X.dtypes == frame.dtypes).all()
    assert data.schema.n_columns == 3


# ---------------------------------------------------------------- labels
def test_soft_labels_are_the_teachers_probabilities(teacher):
    data = TransferSet.from_teacher(teacher, X)
    assert data.kind == "probabilities"
    assert data.targets.dtype == np.float32
    assert_array_equal(data.classes, ["a", "b", "c"])
    assert_allclose(data.targets, teacher.predict_proba(X), atol=1e-6)


def test_logits_give_the_probabilities_back(teacher):
    data = TransferSet.from_teacher(teacher, X, labels="logits")
    assert data.kind == "logits"
    assert_allclose(data.probabilities(), teacher.predict_proba(X), atol=1e-5)


def test_hard_labels_are_one_hot(teacher):
    data = TransferSet.from_teacher(teacher, X, labels="hard")
    assert_array_equal(data.targets.sum(axis=1), 1)
    assert_array_equal(data.classes[data.targets.argmax(axis=1)], teacher.predict(X))


def test_hard_labels_need_no_probabilities():
    assert TransferSet.from_teacher(LinearSVC().fit(X, Y), X, labels="hard").targets.shape == (50, 3)


def test_a_regressor_teaches_its_values():
    for y, shape in ((X[:, 0], (50,)), (X[:, :2], (50, 2))):
        data = TransferSet.from_teacher(LinearRegression().fit(X, y), X)
        assert data.kind == "values"
        assert data.targets.shape == shape
        assert data.classes is None
        assert_allclose(data.targets, y, atol=1e-5)


def test_another_teacher_gives_another_student(munge):
    # a student that learned from anything but its teacher would not notice
    students = []
    for target in (Y, Y[::-1].copy()):
        data = TransferSet.from_teacher(LogisticRegression().fit(X, target), X, generator=munge, n_rows=200)
        students.append(StudentClassifier((4,), max_epochs=3, random_state=0).fit(data).predict_proba(X))
    assert np.abs(students[0] - students[1]).max() > 0.01


# ---------------------------------------------------------------- blocks
@pytest.mark.parametrize("block_rows", [1, 7, 50, 1000])
def test_labels_do_not_depend_on_the_blocks(teacher, block_rows):
    assert_allclose(label_rows(teacher, X, block_rows=block_rows), label_rows(teacher, X), atol=1e-6)


def test_rows_and_labels_do_not_depend_on_the_number_of_workers():  # processes: see test_compressor_dask.py
    teacher = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    one = TransferSet.from_teacher(teacher, X, generator=MUNGE(random_state=0).fit(X), n_rows=400, block_rows=60)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        two = TransferSet.from_teacher(teacher, X, generator=MUNGE(random_state=0).fit(X), n_rows=400, block_rows=60)
    assert_array_equal(one.X, two.X)
    assert_array_equal(one.targets, two.targets)


# ---------------------------------------------------------------- parts
def test_head_keeps_what_belongs_to_the_first_rows(teacher, munge):
    data = TransferSet.from_teacher(teacher, X, generator=munge, n_rows=100, sample_weight=np.arange(100.0))
    head = data.head(60)
    assert (len(head), head.n_original) == (60, 50)
    assert_array_equal(head.X, data.X[:60])
    assert_array_equal(head.sample_weight, np.arange(60))
    assert data.head(20).n_original == 20
    with pytest.raises(ValueError, match=r"n_rows must lie in \[1, 100\], got 101"):
        data.head(101)


# ---------------------------------------------------------------- bad input
class NoProbabilities:
    classes_ = np.array([0, 1])

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"labels": "warm"}, ValueError, "labels must be one of"),
        ({"n_rows": 10}, ValueError, "must be at least 50, got 10"),
        ({"n_rows": 60}, ValueError, "asks for 10 generated rows: pass a generator"),
        ({"X_unlabeled": np.zeros((4, 2))}, ValueError, "the 3 columns of X"),
    ],
)
def test_bad_arguments_are_named(teacher, arguments, error, message):
    with pytest.raises(error, match=message):
        TransferSet.from_teacher(teacher, X, **arguments)


def test_unlabelled_rows_of_other_columns_are_refused(teacher):
    # pandas would fill the columns that only one of the two has with missing values
    frame = pd.DataFrame(X, columns=list("abc"))
    for other in (frame.rename(columns={"a": "z"}), frame[["b", "a", "c"]], X):
        with pytest.raises(ValueError, match="must have the columns of X"):
            TransferSet.from_teacher(teacher, frame, X_unlabeled=other)


def test_a_teacher_without_probabilities_is_told_the_way_out(teacher, munge):
    class Watched:
        def sample(self, n):
            raise AssertionError("rows were generated before the teacher was looked at")

    with pytest.raises(TypeError, match="labels='hard'"):
        TransferSet.from_teacher(LinearSVC().fit(X, Y), X, generator=Watched(), n_rows=100)


def test_a_teacher_whose_outputs_are_not_finite_is_refused():
    class Broken(LinearRegression):
        def predict(self, X):
            return np.full(len(X), np.nan)

    with pytest.raises(ValueError, match="must be finite"):
        TransferSet.from_teacher(Broken().fit(X, X[:, 0]), X)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((X, np.zeros(50), "opinions"), "kind must be"),
        ((X, np.zeros((49, 2)), "probabilities", [0, 1]), "as many rows, got 50 and 49"),
        ((X, np.zeros((50, 2)), "probabilities", [0, 1, 2]), "one column per class"),
        ((X, np.zeros((50, 2)), "logits"), "one column per class"),
    ],
)
def test_parts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TransferSet(*arguments)


def test_regression_values_are_no_probabilities():
    with pytest.raises(ValueError, match="have no probabilities"):
        TransferSet(X, X[:, 0], "values").probabilities()


# ---------------------------------------------------------------- complete when it is made
def test_a_transfer_set_cannot_be_edited(teacher):
    data = TransferSet.from_teacher(teacher, X)
    for name in ("targets", "classes", "schema", "sample_weight"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(data, name, None)


def test_given_targets_of_the_original_rows_stand_in_front(teacher, munge):
    own = np.tile(np.float32([0.25, 0.25, 0.5]), (len(X), 1))
    plain = TransferSet.from_teacher(teacher, X, generator=munge, n_rows=100)
    data = TransferSet.from_teacher(teacher, X, generator=munge, n_rows=100, original_targets=own)
    assert_array_equal(data.targets[: len(X)], own)
    assert_array_equal(data.targets[len(X) :], plain.targets[len(X) :])
    alone = TransferSet.from_teacher(teacher, X, original_targets=own)
    assert_array_equal(alone.targets, own)
    with pytest.raises(ValueError, match="original_targets must have the shape of the teacher's answers for X"):
        TransferSet.from_teacher(teacher, X, generator=munge, n_rows=100, original_targets=own[:, :1])


def test_one_teacher_and_many_are_asked_in_the_same_way(teacher, munge):
    single = SingleTeacher(teacher).transfer_set(X, generator=munge, n_rows=100, random_state=0)
    assert_array_equal(single.targets, TransferSet.from_teacher(teacher, X, generator=munge, n_rows=100).targets)


def test_weights_are_one_per_row(teacher):
    with pytest.raises(ValueError, match="sample_weight must have one number per row"):
        TransferSet.from_teacher(teacher, X, sample_weight=np.ones(3))


class Interrupted:
    """A teacher that is interrupted after some answers; its state, and so its hash, is that of the model inside."""

    asked = 0

    def __init__(self, model, patience):
        self.model, self.patience = model, patience
        self.classes_ = model.classes_

    def __getstate__(self):
        return self.model

    def predict_proba(self, X):
        Interrupted.asked += 1
        if Interrupted.asked > self.patience:
            raise KeyboardInterrupt
        return self.model.predict_proba(X)


def test_blocks_that_were_labelled_before_an_interrupt_are_kept(teacher, tmp_path):
    Interrupted.asked = 0
    with pytest.raises(KeyboardInterrupt):
        label_rows(remembering(Interrupted(teacher, 3), tmp_path), X, block_rows=10, n_jobs=1)
    Interrupted.asked = 0
    found = label_rows(remembering(Interrupted(teacher, 9), tmp_path), X, block_rows=10, n_jobs=1)
    assert Interrupted.asked == 2  # of five blocks three were there
    assert_array_equal(found, label_rows(teacher, X))


def test_a_damaged_answer_is_asked_for_again(teacher, tmp_path):
    asked = remembering(teacher, tmp_path)
    expected = asked.predict_proba(X)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    assert_array_equal(remembering(teacher, tmp_path).predict_proba(X), expected)


def test_values_stay_float64_until_a_student_centres_them():
    y = 1.7e9 + X[:, 0]
    teacher = LinearRegression().fit(X, y)
    for data in (
        TransferSet.from_teacher(teacher, X),
        TransferSet.from_teacher(teacher, X, original_targets=y),
        SingleTeacher(teacher).transfer_set(X),
        CrossFit(LinearRegression(), random_state=0).fit(X, y).transfer_set(X),
    ):
        assert data.targets.dtype == np.float64
        assert_allclose(data.targets, y, rtol=0, atol=1e-5)
    assert CrossFit(LinearRegression(), random_state=0).fit(X, y).outputs(X, "values").dtype == np.float64


def test_categories_that_the_original_rows_do_not_have_are_missing():
    class Watching:
        classes_ = np.array([0, 1])

        def predict_proba(self, X):
            assert set(X["s"].dropna()) <= {"u", "v"}
            return np.full((len(X), 2), 0.5)

    table = pd.DataFrame({"s": ["u", "v", "u"]}, dtype=object)
    more = pd.DataFrame({"s": ["new", "v"]}, dtype=object)
    data = TransferSet.from_teacher(Watching(), table, X_unlabeled=more)
    assert data.X["s"].isna().tolist() == [False, False, False, True, False]
