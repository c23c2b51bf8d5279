"""Tables into `predict`: a prediction for each row, or ValueError or TypeError."""

import datetime
import decimal

import numpy as np
import pandas as pd
from fuzz_students import FRAME, students, tables_of
from fuzzing import fuzz, tried
from hypothesis import given
from hypothesis import strategies as st

CELLS = st.one_of(
    st.sampled_from(
        [
            None,
            np.nan,
            pd.NA,
            pd.NaT,
            np.inf,
            -np.inf,
            True,
            False,
            0,
            1,
            -1,
            2**53,
            2**64,
            10**400,
            1e308,
            -0.0,
            5e-324,
        ]
        + ["", "red", "t1", "NA", "1,5", "a\0b", "\ud800", b"red", decimal.Decimal("1.5"), decimal.Decimal("NaN"), 1j]
        + [np.float32(1.5), np.int8(3), np.bool_(True), np.str_("red"), pd.Timestamp("2006-08-20"), pd.Interval(0, 1)]
        + [datetime.date(2006, 8, 20), datetime.timedelta(1), [1], (1,), {"a": 1}, object, frozenset(), range(3)]
    ),
    st.floats(),
    st.integers(),
    st.text(max_size=4),
)
DTYPES = [None, "object", "float32", "float64", "int64", "Int64", "Float64", "boolean", "string", "category", "bool"]


def column(data, n: int):
    """A column of odd cells, in a dtype if it can be had."""
    cells = data.draw(st.lists(CELLS, min_size=n, max_size=n))
    dtype = data.draw(st.sampled_from(DTYPES))
    made = pd.Series(cells, dtype=object)
    try:
        return made if dtype is None else made.astype(dtype)
    except Exception:
        return made


def check(student, table, n: int, *, bare: bool = True) -> None:
    """Predict, by all ways; the bare predictor takes tables only, and does not look for infinity."""
    for predict in (student.predict, getattr(student, "predict_proba", student.predict)):
        with tried(ValueError, TypeError):
            found = predict(table)
            assert len(found) == n
            assert np.asarray(found).dtype.kind != "f" or np.isfinite(found).all()
    if not bare:
        return
    with tried(ValueError, TypeError), np.errstate(all="ignore"):
        assert len(student.predictor()(table)) == n


@fuzz
@given(st.data())
def test_frames_with_odd_cells(data):
    student = data.draw(st.sampled_from([s for s in students() if s.schema_.is_frame_]))
    n = data.draw(st.integers(1, 4))
    table = tables_of(student, n).reset_index(drop=True)
    for name in data.draw(st.lists(st.sampled_from(list(table.columns)), min_size=1, max_size=3)):
        table[name] = column(data, n)
    check(student, table, n)


@fuzz
@given(st.data())
def test_frames_with_other_columns(data):
    student = data.draw(st.sampled_from([s for s in students() if s.schema_.is_frame_]))
    table = tables_of(student, 3)
    how = data.draw(st.sampled_from(["order", "drop", "rename", "more", "twice", "numbers", "levels", "none", "index"]))
    if how == "order":
        table = table[data.draw(st.permutations(list(table.columns)))]
    elif how == "drop":
        table = table.drop(columns=data.draw(st.lists(st.sampled_from(list(table.columns)), min_size=1, unique=True)))
    elif how == "rename":
        table = table.rename(
            columns={data.draw(st.sampled_from(list(table.columns))): data.draw(CELLS.filter(_can_be_a_name))}
        )
    elif how == "more":
        table = table.assign(more=1)
    elif how == "twice":
        table = pd.concat([table, table.iloc[:, :1]], axis=1)
    elif how == "numbers":
        table = table.set_axis(range(table.shape[1]), axis=1)
    elif how == "levels":
        table = table.set_axis(pd.MultiIndex.from_product([["a"], table.columns]), axis=1)
    elif how == "none":
        table = table.head(0)
    else:
        table.index = [7, 7, 7]
    check(student, table, len(table))


def _can_be_a_name(value) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return not (isinstance(value, str) and value == "\ud800")  # pandas has no such names


@fuzz
@given(st.data())
def test_containers_of_other_kinds(data):
    student = data.draw(st.sampled_from(students()))
    width = data.draw(st.sampled_from([student.n_features_in_, student.n_features_in_, 0, 1, 9]))
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=3))
    how = data.draw(st.sampled_from(["list", "objects", "numbers", "texts", "flat", "deep", "frame", "dict", "ragged"]))
    table = rows
    if how == "objects":
        table = np.empty((len(rows), width), dtype=object)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                table[i, j] = cell
    elif how == "numbers":
        table = np.array(data.draw(st.lists(st.floats(), min_size=3 * width, max_size=3 * width))).reshape(3, width)
    elif how == "texts":
        table = np.array([[str(cell) for cell in row] for row in rows])
    elif how == "flat":
        table = np.arange(float(width))
    elif how == "deep":
        table = np.zeros((2, width, 2))
    elif how == "frame":
        table = pd.DataFrame({j: pd.Series([row[j] for row in rows], dtype=object) for j in range(width)})
    elif how == "dict":
        table = {"a": 1}
    elif how == "ragged":
        table = [*rows, [1.0]]
    check(student, table, len(table), bare=False)


@fuzz
@given(st.deferred(lambda: st.sampled_from(students())), st.data())
def test_single_rows_and_many_rows_agree(student, data):
    n = data.draw(st.integers(1, 90))
    table = tables_of(student, len(FRAME))
    rows = np.array(data.draw(st.lists(st.integers(0, len(table) - 1), min_size=n, max_size=n)))
    take = (lambda part: part.iloc) if hasattr(table, "iloc") else (lambda part: part)
    predict = getattr(student, "predict_proba", student.predict)
    with tried():
        at = data.draw(st.integers(0, n - 1))
        together = predict(take(table)[rows])
        np.testing.assert_allclose(predict(take(table)[rows[at : at + 1]])[0], together[at], rtol=1e-9)
