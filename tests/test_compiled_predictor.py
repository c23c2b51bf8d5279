"""Predictors as native code: the numbers of NumPy, for rows of any kind, on threads, pickled, without a C compiler."""

import os
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from export_cases import CASES, HOLES, NUMBERS, STRANGE, fitted, strange
from numpy.testing import assert_allclose, assert_array_equal

from compress import StudentClassifier, StudentRegressor, TreeStudentClassifier, load_predictor
from compress.export import CompiledPredictor, NumpyPredictor
from compress.students import PiecewiseLinearEncoding
from tests.test_load_predictor import BAD, GOOD, rows_of


@pytest.mark.parametrize("name", sorted(CASES))
def test_compiled_code_predicts_what_the_student_does(name):
    student, table, expected, atol = fitted(name)
    predict = student.predictor(compiled=True)
    assert isinstance(predict, CompiledPredictor)
    plain = student.predictor()
    for n in {
        min(n, len(table)) for n in (len(table), 130, 13, 12, 3, 1)
    }:  # blocks, a block and a part of one, and rows one by one
        made = predict(table[:n])
        assert made.shape == plain(table[:n]).shape and made.dtype == plain(table[:n]).dtype
        assert_allclose(made.reshape(n, -1), expected[:n], atol=atol)
    rows = rows_of(table, 5)
    assert_allclose(predict(rows).reshape(5, -1), expected[:5], atol=atol)
    for row, wanted in zip(rows, plain(rows)):
        assert predict(row).shape == np.shape(wanted)
        assert_allclose(predict(row), wanted, atol=atol, rtol=1e-5)
    if name in STRANGE:
        assert_allclose(predict(strange(table)), plain(strange(table)), atol=atol)
    assert predict(table[:0]).shape == plain(table[:0]).shape


@pytest.mark.parametrize("sizes, n_classes", [((100,), 2), ((9, 13), 26), ((3, 7), 7), ((), 3)])
@pytest.mark.parametrize("activation", ["relu", "gelu", "silu"])
def test_nets_of_any_width_and_depth(sizes, n_classes, activation):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 11)), np.arange(300) % n_classes
    options = {"max_epochs": 1, "activation": activation, "random_state": 0}
    if sizes:
        options["bottleneck"] = 2
    student = StudentClassifier(sizes, encoding=PiecewiseLinearEncoding(), **options).fit(X, y)
    predict = student.predictor(compiled=True)
    assert_allclose(predict(X), student.predict_proba(X), atol=2e-6)
    assert_allclose(predict(X[0].tolist()), student.predict_proba(X[:1])[0], atol=2e-6)


@pytest.mark.parametrize("leaves", [8, 40, 70])
def test_trees_of_few_and_of_many_leaves(leaves):
    # 70 leaves do not fit into a word, and are walked
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [np.where(rng.random((2000, 3)) < 0.1, np.nan, rng.normal(size=(2000, 3))), rng.integers(0, 9, 2000)]
    )
    y = np.digitize(np.nan_to_num(X[:, 0]) * np.nan_to_num(X[:, 1]) + (X[:, 3] == 4), [-0.3, 0.4])
    student = TreeStudentClassifier(leaves, max_iter=6, min_samples_leaf=3, schema={3: "nominal"}).fit(X, y)
    for dtype in (np.float32, np.float64):
        predict = student.predictor(dtype, compiled=True)
        assert predict(X).dtype == dtype
        assert_allclose(predict(X), student.predict_proba(X), atol=1e-7 if dtype is np.float32 else 1e-12)
    X[::3, 3] = 77  # never seen
    assert_allclose(predict(X), student.predict_proba(X), atol=1e-12)


def test_more_threads_give_the_same_numbers():
    student, table, _, _ = fitted("numbers")
    X = np.tile(table, (40, 1))
    assert_array_equal(student.predictor(compiled=True, n_threads=3)(X), student.predictor(compiled=True)(X))


def test_threads_of_a_server_do_not_disturb_each_other():
    student, table, expected, atol = fitted("frame")
    predict, rows, wrong = student.predictor(compiled=True), rows_of(table, 40), []

    def serve():
        for _ in range(20):
            made = [predict(row) for row in rows]
            if not np.allclose(made, expected[:40], atol=atol):
                wrong.append(made)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", ["frame", "trees, frame", "cuts, of numbers"])
def test_it_can_be_pickled_and_loaded(name, tmp_path):
    student, table, _, _ = fitted(name)
    predict = student.predictor(compiled=True)
    before = pickle.dumps(predict)
    wanted = predict(table)
    for content in (before, pickle.dumps(predict)):
        assert b"torch" not in content and b"sklearn" not in content
        assert_array_equal(pickle.loads(content)(table), wanted)
    student.save(tmp_path / "s")
    assert_array_equal(load_predictor(tmp_path / "s", compiled=True)(table), wanted)


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused_as_by_numpy(case):
    row, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        fitted("regression")[0].predictor(compiled=True)(row)
    assert np.isfinite(fitted("regression")[0].predictor(compiled=True)(GOOD))


def test_missing_values_and_integers_of_arrays():
    student = StudentRegressor((8,), max_epochs=1, random_state=0).fit(HOLES, NUMBERS[:, 0])
    predict = student.predictor(compiled=True)
    for X in (HOLES, HOLES.astype(np.float32), np.asfortranarray(HOLES), HOLES[::2], HOLES.tolist()):
        assert_allclose(predict(X), student.predictor()(X), atol=1e-5)
    assert_allclose(predict(np.arange(8).reshape(2, 4)), student.predictor()(np.arange(8).reshape(2, 4)), atol=1e-5)


def test_the_input_is_not_changed():
    student, table, _, _ = fitted("missing")
    before = table.copy()
    student.predictor(compiled=True)(table)
    assert_array_equal(table, before)


@pytest.mark.parametrize(
    "options, match",
    [
        ({"compiled": True, "n_threads": 0}, "n_threads must be a positive integer, got 0"),
        ({"compiled": True, "n_threads": 1.5}, "n_threads must be a positive integer"),
        ({"n_threads": 2}, "n_threads=2 needs compiled=True"),
        ({"compiled": True, "dtype": np.float64}, "dtype must be float32 for a compiled net, got float64"),
    ],
)
def test_wrong_options_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        fitted("numbers")[0].predictor(**options)


# -------------------------------------------------------- where it cannot be had
def test_without_numba_numpy_predicts_with_a_note(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "numba", None)
    student, table, expected, atol = fitted("numbers")
    predict = student.predictor(compiled=True)
    assert type(predict) is NumpyPredictor and "needs numba" in caplog.text
    assert_allclose(predict(table), expected, atol=atol)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["frame", "trees, frame"])
def test_a_home_that_cannot_be_written_is_no_reason_to_fail(name, tmp_path):
    student, table, _, _ = fitted(name)
    student.save(tmp_path / "s")
    code = f"""
        from compress import load_predictor
        print(load_predictor({str(tmp_path / "s")!r}, compiled=True)({rows_of(table, 1)[0]!r}).sum())
    """
    (tmp_path / "no folder").write_text("")
    # nor can the folder of the package, beside which numba would keep its code
    nowhere = {
        "NUMBA_CACHE_DIR": str(tmp_path / "no folder"),
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
    }
    environment = {**os.environ, **nowhere}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=environment, check=True
    )
    assert abs(float(done.stdout) - 1) < 1e-6
    assert "cannot use its cache" in done.stderr
