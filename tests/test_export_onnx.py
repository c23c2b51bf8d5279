"""ONNX models give the student's numbers, from raw columns."""

import sys

import numpy as np
import pytest
from export_cases import BEYOND, CASES, ENCODED, FRAME, NUMBERS, QUICK, STRANGE, expected, fitted, strange
from numpy.testing import assert_allclose, assert_array_equal

from compress import StudentClassifier, StudentRegressor
from compress.export import onnx_inputs, to_onnx
from compress.nets import MLP
from data.load import load_problem

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("case", CASES)
def test_same_numbers_and_labels_as_the_student(case, tmp_path):
    student, table, predictions, tolerance = fitted(case)
    exported = student.to_onnx(tmp_path / "m.onnx", X=table)
    assert exported.bytes == (tmp_path / "m.onnx").stat().st_size
    assert exported.n_rows == len(table)
    assert exported.max_difference <= tolerance
    model = session(tmp_path / "m.onnx")
    for rows in (slice(0, 1), slice(None)):  # the number of rows is free
        part = table.iloc[rows] if hasattr(table, "iloc") else table[rows]
        outputs = model.run(None, onnx_inputs(student, part))
        assert_allclose(outputs[-1].reshape(len(part), -1), predictions[rows], atol=tolerance, rtol=1e-5)
        if hasattr(student, "classes_"):
            assert_array_equal(outputs[0].astype(student.classes_.dtype), student.predict(part))
        else:
            assert outputs[0].shape == student.predict(part).shape


@pytest.mark.parametrize("case", CASES)
def test_made_up_rows_are_checked_when_none_are_given(case, tmp_path):
    exported = fitted(case)[0].to_onnx(tmp_path / "m.onnx")
    assert exported.n_rows == 1000


@pytest.mark.parametrize("case", STRANGE)
def test_missing_values_and_unseen_categories(case, tmp_path):
    student, table, *_ = fitted(case)
    student.to_onnx(tmp_path / "m.onnx")
    rows = strange(table)
    predictions, tolerance = expected(student, rows)
    found = session(tmp_path / "m.onnx").run(None, onnx_inputs(student, rows))[-1]
    assert np.isfinite(found).all()
    assert_allclose(found.reshape(len(rows), -1), predictions, atol=tolerance)


@pytest.mark.parametrize("case", ENCODED)
def test_students_with_cuts_agree_to_a_millionth_in_onnx_and_numpy(case, tmp_path):
    student, table, *_ = fitted(case)
    student.to_onnx(tmp_path / "m.onnx")
    for rows in (table, strange(table)):
        found = session(tmp_path / "m.onnx").run(None, onnx_inputs(student, rows))[-1]
        assert_allclose(found, student.predict_proba(rows), rtol=0, atol=1e-6)
        assert_allclose(student.predictor()(rows), student.predict_proba(rows), rtol=0, atol=1e-6)


def test_rows_of_adult(tmp_path):
    """Real strings, integers and missing values, and categories that were not there in training."""
    problem = load_problem("adult", n_train=400)
    student = StudentClassifier((16,), **QUICK).fit(problem.X_train, problem.y_train)
    rows = problem.X_test.head(2000)
    assert student.to_onnx(tmp_path / "m.onnx", X=rows).max_difference < 1e-5
    texts = [column.name for column in student.schema_.columns_ if column.kind == "nominal"]
    rows = rows.astype({name: object for name in texts})
    rows.loc[rows.index[::3], texts[::2]] = "never seen"
    rows.loc[rows.index[::4], texts[1::2]] = None
    found = session(tmp_path / "m.onnx").run(["probabilities"], onnx_inputs(student, rows))[0]
    assert_allclose(found, student.predict_proba(rows), atol=1e-5)


def test_an_array_with_missing_values_and_others_beyond_the_training_range(tmp_path):
    student = fitted("numbers")[0]
    student.to_onnx(tmp_path / "m.onnx")
    found = session(tmp_path / "m.onnx").run(None, {"X": BEYOND.astype(np.float32)})[1]
    assert_allclose(found, student.predict_proba(BEYOND), atol=1e-5)


def test_one_named_and_typed_input_per_column(tmp_path):
    student = fitted("frame")[0]
    student.to_onnx(tmp_path / "m.onnx")
    inputs = {i.name: i.type for i in session(tmp_path / "m.onnx").get_inputs()}
    assert list(inputs) == list(FRAME.columns)
    assert inputs["age"] == inputs["code"] == "tensor(int64)"
    assert inputs["hours-per-week"] == "tensor(float)"
    assert inputs["far away"] == "tensor(double)"
    assert inputs["colour"] == inputs["shop"] == "tensor(string)"
    assert inputs["flag"] == "tensor(bool)"
    # the frame's own columns fit in, with no help
    table = FRAME[["age", "colour"]].fillna("none")
    student = StudentClassifier((4,), **QUICK).fit(table, FRAME["flag"])
    student.to_onnx(tmp_path / "m.onnx")
    (found,) = session(tmp_path / "m.onnx").run(["label"], {name: table[[name]].to_numpy() for name in table})
    assert_array_equal(found, student.predict(table))


@pytest.mark.parametrize("case", ["numbers", "factored", "frame"])
def test_smaller_weights_lose_a_little_and_say_how_much(case, tmp_path):
    student, table, predictions, _ = fitted(case)
    full, half, quarter = (
        student.to_onnx(tmp_path / f"{precision}.onnx", precision=precision, X=table)
        for precision in ("float32", "float16", "int8")
    )
    if case == "factored":
        assert quarter.bytes < half.bytes < full.bytes
    assert full.max_difference <= half.max_difference <= quarter.max_difference
    assert half.max_difference < 5e-3 and quarter.max_difference < 0.1
    found = session(quarter.path).run(None, onnx_inputs(student, table))[1]
    assert_allclose(np.abs(found - predictions).max(), quarter.max_difference, rtol=1e-3)
    assert quarter.agreement > 0.9


def test_batch_norm_is_folded_in(tmp_path):
    import torch

    student = StudentRegressor((6,), **QUICK).fit(NUMBERS, NUMBERS[:, 0])
    torch.manual_seed(0)
    body = MLP(4, (6,), 1, batch_norm=True)
    body.layers[0][1].running_mean.uniform_(-1, 1)
    body.layers[0][1].running_var.uniform_(0.5, 2)
    student.module_.body = body.eval()
    student._predictor = student.predictor(np.float64)
    assert student.to_onnx(tmp_path / "m.onnx", X=NUMBERS).max_difference < 1e-5


def test_a_column_may_have_the_name_of_an_output(tmp_path):
    table = FRAME[["age", "colour"]].rename(columns={"age": "label", "colour": "probabilities"})
    student = StudentClassifier((4,), **QUICK).fit(table, FRAME["flag"])
    student.to_onnx(tmp_path / "m.onnx", X=table)
    assert [o.name for o in session(tmp_path / "m.onnx").get_outputs()] == ["label_", "probabilities_"]


def test_columns_that_read_the_same_are_refused(tmp_path):
    table = FRAME[["age", "small"]].set_axis(["1", ""], axis=1)
    student = StudentClassifier((4,), **QUICK).fit(table, FRAME["flag"])
    with pytest.raises(ValueError, match="column names must be different and not empty"):
        student.to_onnx(tmp_path / "m.onnx")


def test_mixed_categories_are_refused(tmp_path):
    table = FRAME[["age"]].assign(mixed=np.array(["a", 1], dtype=object)[np.arange(len(FRAME)) % 2])
    student = StudentClassifier((4,), **QUICK).fit(table, FRAME["flag"])
    with pytest.raises(TypeError, match="'mixed' has categories of several types .int, str."):
        student.to_onnx(tmp_path / "m.onnx")


def test_a_missing_value_in_a_column_of_booleans(tmp_path):
    student = fitted("frame")[0]
    rows = FRAME.head(3).astype({"flag": object})
    rows.loc[1, "flag"] = None
    with pytest.raises(ValueError, match="'flag' must have no missing value"):
        onnx_inputs(student, rows)


@pytest.mark.parametrize(("mean", "spread"), [(1013, 4), (300, 1), (2_460_000.5, 4), (1.7e9, 1), (-1e5, 1)])
def test_values_whose_mean_is_far_from_0_for_their_spread_are_exported_as_double(mean, spread, tmp_path):
    y = mean + spread * np.column_stack([NUMBERS[:, 0], 3 * NUMBERS[:, 2] - 1])
    for targets in (y, y[:, 0]):
        student = StudentRegressor((8,), max_epochs=20, random_state=0).fit(NUMBERS, targets)
        assert student.to_onnx(tmp_path / "m.onnx", X=NUMBERS).max_difference < 1e-5 * spread * 3
        model = session(tmp_path / "m.onnx")
        (found,) = model.run(None, onnx_inputs(student, NUMBERS))
        assert model.get_outputs()[0].type == "tensor(double)" and found.dtype == np.float64
        assert_allclose(found, student.predict(NUMBERS), rtol=0, atol=1e-5 * spread * 3)
        assert found.shape == targets.shape


def test_values_near_0_are_float(tmp_path):
    student = StudentRegressor((8,), **QUICK).fit(NUMBERS, 20 + NUMBERS[:, 0])
    student.to_onnx(tmp_path / "m.onnx", X=NUMBERS)
    assert session(tmp_path / "m.onnx").get_outputs()[0].type == "tensor(float)"


def test_each_output_is_held_to_its_own_spread(tmp_path, monkeypatch):
    student = StudentRegressor((8,), **QUICK).fit(NUMBERS, NUMBERS[:, :2] * [1e6, 1])
    predict = type(student).predict
    monkeypatch.setattr(type(student), "predict", lambda self, X: predict(self, X) + [0, 1e-3])
    with pytest.raises(ArithmeticError, match="differs by 0.001.* of 240 rows"):
        student.to_onnx(tmp_path / "m.onnx", X=NUMBERS)


def test_an_unknown_precision(tmp_path):
    with pytest.raises(ValueError, match="precision must be one of .* got 'int4'"):
        fitted("numbers")[0].to_onnx(tmp_path / "m.onnx", precision="int4")


def test_a_model_that_differs_is_not_written(tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_bytes(b"old")
    student, table, *_ = fitted("numbers")
    monkeypatch.setattr(type(student), "predict_proba", lambda self, X: np.zeros((len(X), 2)))
    with pytest.raises(ArithmeticError, match="must give the student's predictions to 1e-05, but differs by"):
        student.to_onnx(tmp_path / "m.onnx", X=table)
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == b"old"


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages_the_error_says_what_to_install(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "compress.export._graph", raising=False)
    with pytest.raises(ImportError, match=rf"needs the package '{package}': pip install 'tabular-compress\[onnx\]'"):
        to_onnx(fitted("numbers")[0], tmp_path / "m.onnx")


def test_a_column_that_never_varied_has_no_say_in_a_file(tmp_path):
    table = FRAME[["age", "shop"]].assign(constant=5.0)
    student = StudentClassifier((8,), max_epochs=4, random_state=0).fit(table, FRAME["flag"])
    student.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    for rows in (table, table.assign(constant=-1e6)):
        found = session.run(None, onnx_inputs(student, rows))[1]
        assert_allclose(found, student.predict_proba(table), atol=1e-5)
