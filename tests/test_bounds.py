"""Nets take a number beyond the range of the training rows for the end of the range, in every form."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from export_cases import unbounded
from numpy.testing import assert_allclose, assert_array_equal

from compress import MUNGE, StudentClassifier, StudentRegressor, TransferSet, load_predictor, load_student
from compress.distill import RocketClassifier
from compress.schema import Schema, bounds_of, margin_of
from compress.students import PeriodicEncoding, PiecewiseLinearEncoding

N = 120
RNG = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "age": RNG.integers(17, 90, N),
        "hours": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(40, 10, N)),
        "job": RNG.choice(["cook", "clerk"], N),
        "still": 3.0,
    }
)
Y = X.age + X.hours.fillna(0)
FAR = pd.DataFrame(
    {"age": [10**6, -(10**6), 91, 50], "hours": [-1e30, 1e9, np.nan, 1e300], "job": "cook", "still": [3, 9, 3, np.nan]}
)
ENDS = FAR.assign(
    age=FAR.age.clip(X.age.min(), X.age.max()), hours=FAR.hours.clip(X.hours.min(), X.hours.max()), still=3.0
)
ENCODINGS = {
    "plain": None,
    "cuts": PiecewiseLinearEncoding(4, min_samples_bin=5),
    "periodic": PeriodicEncoding(2),
}


def taught(encoding=None, hidden=(8,), rows=X, values=Y):
    return StudentRegressor(hidden, encoding=encoding, max_epochs=3, random_state=0).fit(rows, values)


@pytest.mark.parametrize("hidden", [(), (8,)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_beyond_the_range_is_as_at_its_end(encoding, hidden, tmp_path):
    student = taught(ENCODINGS[encoding], hidden)
    expected = student.predict(ENDS)
    assert_array_equal(student.predict(FAR), expected)
    student.save(tmp_path / "s")
    assert_array_equal(load_student(tmp_path / "s").predict(FAR), expected)
    rows = FAR.to_dict("records")
    for predict in (student.predictor(), student.predictor(compiled=True), load_predictor(tmp_path / "s")):
        assert_allclose(predict(FAR), expected, rtol=1e-5)
        assert_allclose([predict(row) for row in rows], expected, rtol=1e-5)
        assert_allclose(predict(pd.concat([FAR] * 100))[:4], expected, rtol=1e-5)
    module = student.module_(*map(torch.from_numpy, student.schema_.encode(FAR)))
    assert_allclose(module.detach().numpy()[:, 0], expected, rtol=1e-5)
    if not hidden:
        assert_allclose(student.contributions(FAR).sum(axis=1) + student.intercept_, expected, rtol=1e-5)


def test_the_rows_of_a_generator_are_learned_as_they_are():
    munge = MUNGE(p=1.0, s=0.1, round_integers=False, random_state=0).fit(X)
    data = TransferSet.from_teacher(taught(), X, generator=munge, n_rows=2000)
    student = StudentRegressor((4,), max_epochs=1, random_state=0).fit(data)
    low, high = student.module_.inputs.low.numpy(), student.module_.inputs.high.numpy()
    beyond = data.X[["age", "hours"]]
    assert beyond.max().max() > X.hours.max() and student.module_.inputs.margin > 0
    assert (beyond.min() >= low[:2]).all() and (beyond.max() <= high[:2]).all()
    assert_array_equal(student.schema_.high_, data.schema.high_)  # what the table held, and not what was generated


def test_the_margin_is_that_of_the_column_that_needs_most():
    schema = Schema().fit(np.array([[0.0, 0.0, 5.0], [10.0, 1.0, 5.0]]))
    rows = np.array([[12.5, 0.5, 9.0], [np.nan, -1.0, 5.0]])
    assert (margin_of(schema, rows), margin_of(schema, rows[:1]), margin_of(schema, rows[:0])) == (1.0, 0.25, 0.0)
    low, high = bounds_of(schema, 0.25)
    assert_array_equal(low, [-2.5, -0.25, -np.inf])
    assert_array_equal(high, [12.5, 1.25, np.inf])
    assert margin_of(schema, 1e9 * rows) is None
    assert_array_equal(bounds_of(schema, None), [[-np.inf] * 3, [np.inf] * 3])


def test_the_bounds_grow_with_the_rows_of_partial_fit():
    rows = np.linspace(0.0, 1.0, 60)[:, None]
    student = StudentRegressor((4,), random_state=0).partial_fit(rows, rows[:, 0])
    assert student.predict([[30.0]]) == student.predict([[1.0]])
    student.partial_fit(50 * rows - 10, rows[:, 0])
    assert (student.module_.inputs.low, student.module_.inputs.high) == (-39, 40)
    assert student.predict([[30.0]]) != student.predict([[1.0]])


def test_students_of_older_versions_have_no_bounds(tmp_path):
    student = unbounded(taught())
    student.save(tmp_path / "s")
    again = load_student(tmp_path / "s")
    assert again.module_.inputs.margin is None
    assert_array_equal(again.predict(FAR[:3]), student.predict(FAR[:3]))
    assert np.abs(student.predict(FAR[:2]) - taught().predict(FAR[:2])).min() > 1
    layer = student.module_.inputs
    del layer._buffers["low"], layer._buffers["high"]  # as in a pickle of the version before
    assert_array_equal(pickle.loads(pickle.dumps(student)).predict(FAR[:3]), student.predict(FAR[:3]))


def test_a_rocket_and_the_student_that_it_becomes_have_bounds(tmp_path):
    rocket = RocketClassifier((8,), (4,), (8,), max_epochs=2, random_state=0).fit(X, Y.median() < Y)
    expected = rocket.predict_proba(ENDS)
    rocket.to_student().save(tmp_path / "s")
    for model in (rocket, rocket.to_student(), load_student(tmp_path / "s")):
        assert_allclose(model.predict_proba(FAR), expected, atol=1e-6)


@pytest.mark.parametrize("margin", [-0.5, True, "wide", 10**400])
def test_a_file_with_an_impossible_margin_is_refused(margin, tmp_path):
    student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(X, Y > 50)
    student.module_.inputs.margin = margin
    student.save(tmp_path / "s")
    with pytest.raises(ValueError, match="inputs.margin must be a number from 0 to"):
        load_student(tmp_path / "s")
