"""CSV text, Parquet files and answers: what is read is what was written, or the error is ValueError."""

import csv
import gzip
import io
import string

import numpy as np
import pandas as pd
import pytest
from fuzz_students import FRAME, students
from fuzzing import fuzz, slow_fuzz, tried
from hypothesis import assume, given
from hypothesis import strategies as st

from compress.cli._columns import features
from compress.cli._csv import MISSING_WORDS, CsvForm, read_csv
from compress.cli._for_student import read_for_student
from compress.cli._numbers import check_text
from compress.cli._table_files import read_table
from compress.transfer import PREFIX, answers_frame, split_answers

FORMS = st.sampled_from([CsvForm(), CsvForm(";"), CsvForm("\t"), CsvForm(";", ",", "."), CsvForm(",", ".", " ")])
PIECES = st.sampled_from(
    [
        ",",
        ";",
        "\t",
        '"',
        '""',
        "\n",
        "\r\n",
        "\r",
        " ",
        "a",
        "b",
        "0",
        "1",
        "-1",
        "1.5",
        "1,5",
        "1.234,5",
        "NA",
        "null",
    ]
    + [
        "t1",
        "red",
        "True",
        "2024-01-31",
        "ü",
        "\u2028",
        "\x0b",
        "'",
        "#",
        "\\",
        "e",
        "inf",
        "nan",
        "1e5",
        "0x1",
        "\ufeff",
    ]
)
TEXTS = st.text(st.sampled_from(string.ascii_letters + string.digits + " ,;\"\n\t.-'ü"), max_size=6)


@fuzz
@given(st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=60)), FORMS)
def test_text_of_any_kind(tmp_path_factory, text, form):
    path = tmp_path_factory.getbasetemp() / "t.csv"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with tried(ValueError):
        frame = read_csv(path, form)
        check_text(frame, path)
        assert frame.columns.is_unique and frame.shape[1] >= 0


@fuzz
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(gzip.compress)), st.integers(0, 80))
def test_bytes_of_any_kind(tmp_path_factory, content, cut):
    path = tmp_path_factory.getbasetemp() / "t.csv"
    for part in (content, content[:cut]):
        path.write_bytes(part)
        with tried(ValueError):
            read_csv(path, CsvForm())


@slow_fuzz
@given(
    st.lists(TEXTS, min_size=1, max_size=4, unique=True),
    st.data(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, names, data, sep, quoting, end):
    assume(all(names) and len(set(names)) == len(names) and not (len(names) == 1 and not names[0].strip()))
    row = st.lists(TEXTS.filter(lambda text: text.strip(" \t")), min_size=len(names), max_size=len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    text = io.StringIO()
    csv.writer(text, delimiter=sep, quoting=quoting, lineterminator=end).writerows([names, *rows])
    path = tmp_path_factory.getbasetemp() / "t.csv"
    path.write_bytes(text.getvalue().encode())
    assume(not (len(names) == 1 and any(mark in names[0] for mark in ",;\t|")))  # taken for a wrong delimiter
    assume(not names[0].lower().startswith("sep="))
    with tried():
        frame = read_csv(path, CsvForm(sep), text=names)
        assert list(frame.columns) == names
        expected = [[None if cell in MISSING_WORDS else cell for cell in row] for row in rows]
        assert frame.astype(object).where(frame.notna(), None).to_numpy().tolist() == expected


@fuzz
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=6),
    st.sampled_from([(",", "."), (",", " "), (".", ","), (".", "'"), (",", None), (".", None)]),
)
def test_numbers_of_every_country_are_read_back(tmp_path_factory, numbers, marks):
    decimal, thousands = marks
    texts = [
        f"{number:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands or "") for number in numbers
    ]
    path = tmp_path_factory.getbasetemp() / "t.csv"
    pd.DataFrame({"x": texts, "y": 1}).to_csv(path, index=False, sep=";")
    with tried():
        frame = read_csv(path, CsvForm(";", decimal, thousands))
        np.testing.assert_allclose(frame["x"].to_numpy(dtype=float), [float(number) for number in numbers])


# ------------------------------------------------------------- for students
CELLS = st.one_of(
    st.sampled_from(
        ["", "NA", "None", "red", "t1", "1,5", "0", "1", "1.0", "True", "inf", "-inf", "1e999", "x", "007"]
    ),
    st.floats().map(str),
    st.integers().map(str),
    TEXTS,
)


@slow_fuzz
@given(st.data())
def test_tables_for_students(tmp_path_factory, data):
    student = data.draw(st.sampled_from(students()))
    names = list(map(str, student.schema_.names))
    shown = data.draw(st.permutations(names)) if student.schema_.is_frame_ else names
    n = data.draw(st.integers(0, 3))
    rows = [[data.draw(CELLS) for _ in names] for _ in range(n)]
    path = tmp_path_factory.getbasetemp() / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([shown, *rows])
    with tried(ValueError):
        X, _, _ = read_for_student(path, student, CsvForm())
        found = student.predict(X)
        assert len(found) == len(X)


# ----------------------------------------------------------------- Parquet
def parquet_types():
    pyarrow = pytest.importorskip("pyarrow")
    integers = st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=2, max_size=2)
    kinds = [
        *(getattr(pyarrow, name)() for name in ("int8", "uint64", "float16", "float32", "float64", "date32", "bool_")),
        *(pyarrow.timestamp("ns", "UTC"), pyarrow.duration("s"), pyarrow.time32("s"), pyarrow.decimal128(9, 2)),
        *(pyarrow.list_(pyarrow.int8()), pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), pyarrow.null()),
        *(pyarrow.string(), pyarrow.large_string(), pyarrow.binary(), pyarrow.struct([("a", pyarrow.int8())])),
    ]
    return pyarrow, kinds, integers


@slow_fuzz
@given(st.data())
def test_parquet_of_every_type(tmp_path_factory, data):
    pyarrow, kinds, integers = parquet_types()
    student = data.draw(st.sampled_from(students()[:2]))
    columns = {}
    for name in student.schema_.names:
        kind = data.draw(st.sampled_from(kinds))
        values = data.draw(integers)
        try:
            columns[name] = pyarrow.array(values, type=pyarrow.int64()).cast(kind)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
            columns[name] = pyarrow.nulls(2, kind)
    path = tmp_path_factory.getbasetemp() / "t.parquet"
    import pyarrow.parquet as pq

    pq.write_table(pyarrow.table(columns), path)
    with tried(ValueError, TypeError):
        X, _, _ = read_for_student(path, student, CsvForm())
        assert len(student.predict(X)) == 2


@fuzz
@given(st.data())
def test_parquet_files_that_are_changed(tmp_path_factory, data):
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.getbasetemp()
    if not (folder / "good.parquet").exists():
        FRAME.to_parquet(folder / "good.parquet")
    content = bytearray((folder / "good.parquet").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del content[at : at + data.draw(st.integers(1, 500))]
        content = content or bytearray(b"\0")
    (folder / "bad.parquet").write_bytes(content)
    with tried(ValueError):
        features(read_table(folder / "bad.parquet", CsvForm()), folder / "bad.parquet")


# ----------------------------------------------------------------- answers
@fuzz
@given(st.data())
def test_answers_of_any_kind(data):
    names = st.sampled_from(["probability::text::a", "probability::int::7", "value", "value::0", "", "probability::"])
    columns = data.draw(st.lists(st.one_of(names, st.text(max_size=5)).map(PREFIX.__add__), max_size=3, unique=True))
    cells = st.lists(st.one_of(st.floats(), st.none(), st.text(max_size=2)), min_size=2, max_size=2)
    frame = pd.DataFrame({name: data.draw(cells) for name in ["x", *columns]})
    with tried(ValueError):
        split_answers(frame, "t.csv")


@fuzz
@given(st.lists(st.one_of(st.text(max_size=6), st.integers(), st.booleans()), min_size=2, max_size=4, unique_by=repr))
def test_classes_of_any_kind_come_back(tmp_path_factory, classes):
    assume(len(set(classes)) == len(classes))
    assume(all("\0" not in str(c) and str(c).isprintable() for c in classes))
    array = np.empty(len(classes), dtype=object)
    array[:] = classes
    answers = answers_frame(np.eye(len(classes), dtype=np.float32), array)
    path = tmp_path_factory.getbasetemp() / "t.csv"
    answers.assign(x=1.0).to_csv(path, index=False)
    with tried():
        _, targets, found = split_answers(read_csv(path, CsvForm()), path)
        assert found.tolist() == classes and list(map(type, found.tolist())) == list(map(type, classes))
        np.testing.assert_array_equal(targets, np.eye(len(classes)))
