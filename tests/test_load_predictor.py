"""A saved student as a function: without torch and scikit-learn, and with rows as JSON gives them."""

import copy
import json
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from export_cases import CASES, FRAME, STRANGE, fitted, strange, unbounded
from numpy.testing import assert_allclose, assert_array_equal

import compress.nets
from compress import StudentClassifier, load_predictor
from compress.export import _description, _functions

ABSENT = ("torch", "sklearn", "scipy", "pandas", "joblib", "narwhals", "numba", "onnx")


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request, tmp_path_factory):
    """(loaded predictor, table, predictions of the student, tolerance)."""
    student, table, expected, atol = fitted(request.param)
    path = tmp_path_factory.mktemp("saved") / "student.safetensors"
    student.save(path)
    return load_predictor(path), table, expected, atol


def rows_of(table, n) -> list:
    """The first rows as plain values: dicts by column name, missing as None."""
    frame = table if hasattr(table, "iloc") else pd.DataFrame(table)
    rows = frame.head(n).astype(object).to_dict("records")
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]


# ----------------------------------------------------------- what it predicts
def test_a_loaded_predictor_predicts_what_the_student_does(case):
    predict, table, expected, atol = case
    assert_allclose(predict(table).reshape(expected.shape), expected, atol=atol)


def test_rows_predict_what_the_table_does(case):
    predict, table, expected, atol = case
    rows = rows_of(table, 9)
    many = predict(rows)
    assert_allclose(many.reshape(9, -1), expected[:9], atol=atol)
    for row, wanted in zip(rows, many):
        for form in (row, list(row.values()), tuple(row.values())):
            one = predict(form)
            assert one.shape == many.shape[1:] and one.dtype == many.dtype
            assert_allclose(one, wanted, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("name", STRANGE)
def test_missing_values_and_unseen_categories_of_rows(name):
    student, table, _, atol = fitted(name)
    predict = student.predictor()
    frame = strange(table)
    for row, wanted in zip(rows_of(frame, 10), predict(frame)):
        assert_allclose(predict(row), wanted, atol=atol)


def test_regression_gives_one_number_for_a_row():
    student, table, _, _ = fitted("regression")
    assert student.predictor()(table).shape == (len(table),)
    assert student.predictor()({"age": 33, "shop": "Nord"}).shape == ()


@pytest.mark.parametrize("container", ["polars", "arrow", "objects"])
@pytest.mark.parametrize("name", ["frame", "trees, frame"])
def test_other_containers(name, container):
    student, table, expected, atol = fitted(name)
    if container == "polars":
        table = pytest.importorskip("polars").from_pandas(table)
    elif container == "arrow":
        table = pytest.importorskip("pyarrow").Table.from_pandas(table)
    else:
        table = table.to_numpy(dtype=object)
    predict = student.predictor()
    assert_allclose(predict(table), expected, atol=atol)
    assert_allclose(predict(table[:3]), expected[:3], atol=atol)


def test_the_classes_come_along(tmp_path):
    student, _, _, _ = fitted("frame")
    student.save(tmp_path / "s")
    assert_array_equal(load_predictor(tmp_path / "s").classes, student.classes_)
    assert student.predictor().names == list(FRAME.columns)


# ---------------------------------------------------------------- what it needs
def fresh(code: str) -> str:
    """What a new interpreter prints."""
    code = textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["frame", "cuts", "trees, frame", "periodic", "regression"])
@pytest.mark.parametrize("form", ["saved", "pickled"])
def test_a_fresh_process_needs_neither_torch_nor_pandas(name, form, tmp_path):
    student, table, expected, atol = fitted(name)
    path = tmp_path / "student"
    if form == "saved":
        student.save(path)
        load = f"from compress import load_predictor; predict = load_predictor({str(path)!r})"
    else:
        path.write_bytes(pickle.dumps(student.predictor()))
        load = f"import pickle; predict = pickle.load(open({str(path)!r}, 'rb'))"
    (tmp_path / "rows.json").write_text(json.dumps(rows_of(table, 3), default=float))
    printed = fresh(
        f"""
        import time
        started = time.perf_counter()
        {load}
        seconds = time.perf_counter() - started
        import json, sys
        rows = json.load(open({str(tmp_path / "rows.json")!r}))
        answers = [predict(rows), [predict(row) for row in rows], predict([list(row.values()) for row in rows])]
        status = open("/proc/self/status").read()  # a fork has the ru_maxrss of its parent
        megabytes = int(status.split("VmHWM:")[1].split()[0]) / 1024
        held = [name for name in {ABSENT} if name in sys.modules]
        print(json.dumps([held, seconds, megabytes, [[list(map(float, a.ravel())) for a in b] for b in answers]]))
        """
    )
    held, seconds, megabytes, answers = json.loads(printed)
    assert held == []
    assert seconds < 5, "0.2 s on a quiet machine; the bound is for a busy one"
    assert megabytes < 120
    for answer in answers:
        assert_allclose(answer, expected[:3], atol=atol)


def test_many_rows_of_objects_need_no_pandas(tmp_path):
    student, _, _, _ = fitted("objects")
    student.save(tmp_path / "s")
    assert (
        fresh(
            f"""
        import sys, numpy as np
        from compress import load_predictor
        rows = np.array([["Nord", 1.5]] * 500, dtype=object)
        assert load_predictor({str(tmp_path / "s")!r})(rows).shape == (500, 3)
        print([name for name in {ABSENT} if name in sys.modules])
        """
        ).strip()
        == "[]"
    )


# ------------------------------------------------------------------- bad input
@pytest.fixture(scope="module")
def predict():
    return fitted("regression")[0].predictor()  # columns age (numbers) and shop (texts)


GOOD = {"age": 33, "shop": "Nord"}
BAD = {
    "lacks a column": ({"age": 33}, "lacks 'shop'"),
    "one too many": ({**GOOD, "zip": 1}, "has the unknown 'zip'"),
    "renamed": ({"Age": 33, "shop": "Nord"}, "lacks 'age' and has the unknown 'Age'"),
    "nothing": ({}, "lacks 'age', 'shop'"),
    "a column of Object.prototype": ({**GOOD, "__proto__": 1}, "unknown '__proto__'"),
    "a number that is a key": ({**GOOD, 1: 2}, "unknown 1"),
    "text for a number": ({**GOOD, "age": "old"}, "column 'age' must hold a number.*got 'old'"),
    "empty text for a number": ({**GOOD, "age": ""}, "column 'age' must hold a number"),
    "text that Python alone reads": ({**GOOD, "age": "1_000"}, "column 'age' must hold a number"),
    "infinity as text": ({**GOOD, "age": "inf"}, "column 'age' must hold a number"),
    "bytes": ({**GOOD, "age": b"33"}, "column 'age' must hold a number"),
    "a list for a number": ({**GOOD, "age": [33]}, "column 'age' must hold a number"),
    "an object for a number": ({**GOOD, "age": {}}, "column 'age' must hold a number"),
    "a list for a category": ({**GOOD, "shop": []}, "column 'shop' must hold a text"),
    "infinity": ({**GOOD, "age": float("inf")}, "column 'age' must hold a finite number"),
    "a huge integer": ({**GOOD, "age": 10**400}, "column 'age' must hold a finite number.*got an integer of 1329 bits"),
    "huge integers that cancel": ([[10**400, "Nord"], [1, "Nord"]], "row 0: column 'age' must hold a finite"),
    "too few values": ([33], "row must have 2 values"),
    "too many values": ((33, "Nord", 1), "row must have 2 values.*got 3"),
    "a list of bad rows": ([GOOD, {"age": 1}], "row 1 must have the columns 'age', 'shop'; it lacks 'shop'"),
    "an empty row among others": ([GOOD, {}], "row 1 .* lacks"),
    "text as a row": ([["Nord", "ab"][:1] * 2, "ab"], "column 'age'|row 1 must be a dict"),
    "a number among rows": ([GOOD, 3], "row 1 must be a dict or a sequence"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused_with_the_name_of_the_column(case, predict):
    row, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        predict(row)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_row_that_a_student_without_bounds_cannot_add_up_is_refused(compiled):
    student = unbounded(copy.deepcopy(fitted("regression")[0]))
    with pytest.raises(ValueError, match="no finite prediction"):
        student.predictor(compiled=compiled)({**GOOD, "age": 1e300})


def test_the_meaning_of_values(predict):
    wanted = predict(GOOD)
    for same in ("33", " 33.0 ", "3.3e1", 33.0, np.float32(33), np.int8(33)):
        assert predict({**GOOD, "age": same}) == wanted
    missing = predict({**GOOD, "age": None})
    assert predict({**GOOD, "age": float("nan")}) == missing == predict({**GOOD, "age": pd.NA})
    unseen = predict({**GOOD, "shop": None})
    assert predict({**GOOD, "shop": "never seen"}) == unseen == predict({**GOOD, "shop": 7})
    assert predict({"shop": "Nord", "age": 33}) == wanted, "in any order"


def test_no_rows_give_no_predictions(predict):
    assert predict([]).shape == (0,)
    assert fitted("frame")[0].predictor()(()).shape == (0, 3)


def test_columns_without_names_are_found_by_their_position_as_text():
    student, table, expected, atol = fitted("numbers")
    row = dict(enumerate(table[0].tolist()))
    for keys in (row, json.loads(json.dumps(row)), {f"x{j}": value for j, value in row.items()}):
        assert_allclose(student.predictor()(keys), expected[0], atol=atol)


@pytest.mark.parametrize("name", ["__proto__", 'quo"te', "</script>", "new\nline", "constructor"])
def test_columns_may_be_called_anything(name):
    X = pd.DataFrame({name: np.arange(40.0), "other": np.arange(40.0) % 3})
    student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(X, np.arange(40) > 20)
    row = json.loads(json.dumps({name: 3, "other": 1}))
    assert_allclose(student.predictor()(row), student.predict_proba(pd.DataFrame([row]))[0], atol=1e-6)


# ------------------------------------------------------------------ functions
def test_functions_of_arrays_are_those_of_scipy():
    special = pytest.importorskip("scipy.special")
    x = np.concatenate([np.linspace(-9, 9, 4001), [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300]])
    assert_allclose(_functions.erf(x), special.erf(x), rtol=1e-15, atol=1e-16)
    assert_allclose(_functions.erf(x.astype(np.float32)), special.erf(x.astype(np.float32)), rtol=1e-6)
    assert_allclose(_functions.expit(x), special.expit(x), rtol=1e-14, atol=1e-300)
    assert_allclose(_functions.expit(np.float32([-200, 200])), [0, 1])


def test_constants_that_stand_twice_are_equal():
    # the room that reads files must not import torch
    assert _description.NARROWEST_BIN == compress.nets.NARROWEST_BIN
    assert set(_description.ACTIVATIONS) == set(compress.nets.ACTIVATIONS)
