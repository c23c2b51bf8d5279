"""The one front door for CSV: the length of rows, numbers of other countries, compressed files, words for missing."""

import bz2
import gzip
import json
import lzma
import os

import numpy as np
import pandas as pd
import pytest

from compress import StudentClassifier, StudentRegressor, load_student
from compress.cli import main
from compress.cli._csv import CsvForm, read_csv

TAUGHT = ["--taught", "--epochs", "1", "--hidden", "4"]
VALUE = "teacher::value"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command in a fresh folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main([part for argument in arguments for part in argument.split()])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def learn(run, table, *options):
    """Learn `table`, which has the target `teacher::value`, from CSV; gives the student, and stderr."""
    code, _, err = run("fit", table, *TAUGHT, "--out s --overwrite", *options)
    return (load_student("s") if code == 0 else None), err


# ------------------------------------------------------------------ rows
def test_rows_longer_than_the_header_are_an_error_and_not_shifted(run, tmp_path):
    (tmp_path / "r.csv").write_text(f'"a","b","{VALUE}"\n"1",10,20,1\n"2",11,21,2\n')  # R's write.table(sep=",")
    student, err = learn(run, "r.csv")
    assert student is None
    assert "r.csv, line 2: 4 values, but the header names 3 columns (a, b, teacher::value)" in err
    assert "row name, as R's write.table" in err
    (tmp_path / "r.csv").write_text("a,b\n1,2\n\n3,4\n1,25,2\n")  # an unquoted decimal comma
    assert "line 5: 3 values" in run("generate r.csv --rows 2")[2]


def test_rows_shorter_than_the_header_are_an_error_and_not_missing(run, tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n1,"two\nlines"\n2,x\n3\n')
    code, out, err = run("generate t.csv --rows 2")
    assert (code, out) == (1, "")
    assert "t.csv, line 5: 1 value, but the header names 2 columns (a, b). Was the line cut off" in err


def test_a_quote_that_is_not_closed_names_its_lines(run, tmp_path):
    (tmp_path / "t.csv").write_text('a,b,c\n1,x,1\n2,"y,2\n3,z,3\n4,w,4\n')
    err = run("generate t.csv --rows 2")[2]
    assert "t.csv, lines 3 to 5: 2 values, but the header names 3 columns (a, b, c). Is a quote not closed?" in err


def test_blank_lines_and_every_line_end_are_read(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "t.csv").write_bytes(f"a,b{end}1,2{end}{end}3,4{end}   {end}".encode())
        assert read_csv(tmp_path / "t.csv", CsvForm()).to_numpy().tolist() == [[1, 2], [3, 4]]
    (tmp_path / "t.csv").write_text('a\n1\n""\n\n3\n')
    np.testing.assert_array_equal(read_csv(tmp_path / "t.csv", CsvForm())["a"], [1, np.nan, 3])


def test_a_nul_character_names_its_line(run, tmp_path):
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n3,\x00\n")
    assert "t.csv, line 3: a NUL character" in run("generate t.csv --rows 2")[2]


def test_a_column_without_a_name_is_said(run, tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    frame.to_csv(tmp_path / "t.csv")  # with the index
    code, out, err = run("generate t.csv --rows 2")
    assert code == 0 and "a column has no name and is called 'Unnamed: 0'" in err and "--drop 'Unnamed: 0'" in err
    (tmp_path / "t.csv").write_text("a,b,\n1,2,\n3,4,\n")  # trailing delimiters
    code, out, err = run("generate t.csv --rows 2")
    assert code == 0 and out.startswith("a,b\n") and "1 columns without name and values are left out" in err


def test_the_line_that_excel_puts_first_is_named(run, tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\na;b\n1;2\n")
    assert "begins with a line for Excel, 'sep=;': remove this line" in run("generate t.csv --rows 2")[2]


# --------------------------------------------------------------- numbers
EUROPEAN = "price;area;code;flag;{}\n1.234,5;1,25;7;True;1,5\n-2,25;3;12;False;2,5\n;1e3;3;True;0,5\n"


def test_decimal_commas_and_thousands_separators_are_read_as_asked(run, tmp_path):
    (tmp_path / "eu.csv").write_text(EUROPEAN.format(VALUE))
    frame = read_csv(tmp_path / "eu.csv", CsvForm(";", ",", "."))
    np.testing.assert_array_equal(frame["price"], [1234.5, -2.25, np.nan])
    np.testing.assert_array_equal(frame["area"], [1.25, 3, 1000])
    assert frame["code"].dtype == np.int64 and frame["flag"].dtype == bool
    student, err = learn(run, "eu.csv", "--sep ; --decimal , --thousands .")
    assert [column.kind for column in student.schema_.columns_] == ["continuous"] * 3 + ["nominal"]
    assert "warning" not in err
    code, out, _ = run("predict s eu.csv --sep ; --decimal , --thousands . --drop", VALUE)
    assert code == 0 and len(out.splitlines()) == 4


def test_a_thousands_separator_must_stand_between_three_digits(tmp_path):
    (tmp_path / "t.csv").write_text('a\n"1,234.5"\n"1,2,3"\n')
    assert read_csv(tmp_path / "t.csv", CsvForm(thousands=","))["a"].tolist() == ["1,234.5", "1,2,3"]
    (tmp_path / "t.csv").write_text('a\n"1,234.5"\n"1,234,567"\n12\n')
    assert read_csv(tmp_path / "t.csv", CsvForm(thousands=","))["a"].tolist() == [1234.5, 1234567, 12]
    (tmp_path / "t.csv").write_text("a\n1 234\n12\n")
    assert read_csv(tmp_path / "t.csv", CsvForm(thousands=" "))["a"].tolist() == [1234, 12]


LOOKS = {
    "decimal comma": (["1,25", "2,5", "17", "-3,75"], "numbers, such as '1,25': pass --decimal ','"),
    "thousands": (["1,234.5", "2,000.0", "12"], "numbers, such as '1,234.5': pass --thousands ','"),
    "either": (["1,234", "2,500"], "(or --decimal ',' if '1,234' is less than a thousand)"),
    "both": (["1.234,5", "2,5"], "such as '1.234,5': pass --decimal ',' --thousands '.'"),
    "spaces": (["1 234", "12 500"], "pass --thousands 'space'"),
    "apostrophes": (["1'234.50", "2'000.10"], "pass --thousands '''"),
    "dates": (["2024-01-31", "2024-02-01"], "dates or times, such as '2024-01-31'"),
    "american dates": (["1/31/2024", "12/1/2023 10:30 PM"], "dates or times"),
    "times": (["10:30", "23:59:59.5"], "dates or times"),
    "money": (["$12.50", "$ 1,000"], "numbers with a sign beside them, such as '$12.50'"),
    "percent": (["12%", "3.5 %"], "numbers with a sign beside them"),
    "a word among numbers": (["1.5", "2", "?", "4"], "numbers, but for values such as '?'"),
}


@pytest.mark.parametrize("case", LOOKS)
def test_text_that_looks_like_numbers_or_dates_is_said(case, run, tmp_path):
    values, message = LOOKS[case]
    table = pd.DataFrame({"a": [values[i % len(values)] for i in range(60)], "b": np.arange(60)})
    table.to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run("generate t.csv --rows 5 --out g.csv")
    assert code == 0 and "warning: t.csv: column 'a' is text that looks like " in err and message in err
    code, _, err = run("generate t.csv --rows 5 --out g.csv --overwrite --nominal a")
    assert code == 0 and "looks like" not in err


def test_text_that_is_no_number_is_not_warned_of(run, tmp_path):
    words = {"a": ["red", "b2", "3.1.4"], "b": ["007", "08", "x9"], "c": ["1-2", "3-4", "10+"], "d": ["v1,2", "w", "u"]}
    pd.DataFrame({name: values * 20 for name, values in words.items()}).to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run("generate t.csv --rows 5 --out g.csv")
    assert code == 0 and "looks like" not in err.replace("column 'b' is text that looks like numbers, but", "")


def test_numbers_as_text_that_would_be_a_category_per_row_are_an_error(run, tmp_path):
    table = pd.DataFrame({"x": [f"{i},25" for i in range(150)], VALUE: 1.0})
    table.to_csv(tmp_path / "eu.csv", index=False, sep=";")
    student, err = learn(run, "eu.csv", "--sep ;")
    assert student is None
    assert "column 'x' is text that looks like numbers, such as '0,25': pass --decimal ','" in err
    assert "150 categories in 150 rows. If that is meant, declare it: --nominal 'x'" in err
    assert learn(run, "eu.csv", "--sep ; --decimal ,")[0].schema_.columns_[0].kind == "continuous"
    code, _, err = run("predict s eu.csv --sep ; --drop", VALUE)
    assert code == 1 and "'x' must hold numbers, got '0,25' in row 1" in err and "--decimal ','" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--sep ab", "--sep must be one ASCII character"),
        ("--sep §", "--sep must be one ASCII character"),
        ("--decimal 5", "--decimal must be one character such as ','"),
        ("--decimal , --thousands ,", "--decimal and --thousands must be different"),
        ("--thousands .,", "--thousands must be one character"),
    ],
)
def test_marks_that_cannot_be_are_wrong_arguments(options, message, run, tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    code, _, err = run("generate t.csv --rows 2", options)
    assert code == 2 and message in err


# ------------------------------------------------------------ compressed
def zstd(content: bytes) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.compress(content, codec="zstd", asbytes=True)


def test_compressed_files_are_read_and_written(run, tmp_path):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"a": np.arange(50.0), "b": list("xy") * 25})
    table.to_csv(tmp_path / "t.csv", index=False)
    plain = run("generate t.csv --rows 20")[1]
    for ending in ("csv.gz", "csv.zst", "csv.bz2", "csv.xz"):
        assert run(f"generate t.csv --rows 20 --out g.{ending}")[0] == 0
        assert read_csv(tmp_path / f"g.{ending}", CsvForm()).to_csv(index=False) == plain
        assert b"a,b" not in (tmp_path / f"g.{ending}").read_bytes()
    (tmp_path / "misnamed.csv").write_bytes(gzip.compress(plain.encode()))  # the bytes decide, not the name
    assert read_csv(tmp_path / "misnamed.csv", CsvForm()).to_csv(index=False) == plain


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_compressed_file_that_is_cut_off_is_an_error(pack, run, tmp_path):
    whole = pack(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5000)))
    for content in (whole[: len(whole) // 2], whole[:12] + b"\x00" * 20 + whole[32:]):
        (tmp_path / "t.csv").write_bytes(content)
        code, out, err = run("generate t.csv --rows 2")
        assert (code, out) == (1, "") and "is damaged: it cannot be uncompressed" in err, err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 more", "a zip archive or an Excel workbook"),
        (b"PAR1 more", "give it the ending .parquet"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16 text"),
    ],
)
def test_files_of_another_kind_are_named(content, message, run, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    assert message in run("generate t.csv --rows 2")[2]


# --------------------------------------------------------------- missing
COUNTRIES = ["NA", "DE", "null", "FR", "None", "nan"]


def test_words_for_missing_are_categories_where_the_student_knows_them(run, tmp_path):
    pytest.importorskip("pyarrow")
    n = 240
    country = np.array(COUNTRIES)[np.arange(n) % 6]
    label = np.isin(country, ["NA", "None", "DE"])
    X = pd.DataFrame({"country": country, "size": np.where(np.arange(n) % 4, np.arange(n) % 7, np.nan)})
    StudentClassifier((16,), max_epochs=60, random_state=0).fit(X, label).save(tmp_path / "s")
    table = X.assign(label=label)
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    accuracy = [
        json.loads(run(f"evaluate s t.{kind} --target label")[1])["accuracy"]["student"] for kind in ("csv", "parquet")
    ]
    assert accuracy == [1.0, 1.0]
    assert "note" not in run("predict s t.csv --drop label")[2]


def test_words_for_missing_are_classes_where_the_student_knows_them(run, tmp_path):
    classes = np.array(["None", "Mild", "007"])[np.arange(90) % 3]
    X = pd.DataFrame({"a": np.arange(90.0) % 3})
    StudentClassifier((16,), max_epochs=60, random_state=0).fit(X, classes).save(tmp_path / "s")
    X.assign(y=classes).to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run("evaluate s t.csv --target y")
    assert code == 0 and json.loads(out)["rows"] == 90, err


def test_a_text_that_csv_would_lose_is_said_when_it_is_written(run, tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"country": COUNTRIES * 5, "x": np.arange(30.0)}).to_parquet(tmp_path / "t.parquet")
    code, _, err = run("generate t.parquet --rows 40 --out g.csv")
    assert code == 0 and "'country' holds the text" in err and "Parquet keeps it" in err
    assert "Parquet keeps it" not in run("generate t.parquet --rows 40 --out g.parquet")[2]


# ----------------------------------------------------------------- names
def test_students_of_numbered_columns_are_used_from_csv(run, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 12)))  # columns 0, 1, 2, ...
    student = StudentRegressor((4,), max_epochs=3, random_state=0).fit(X, X[0] - X[11])
    student.save(tmp_path / "s")
    shuffled = X[rng.permutation(12)].assign(y=X[0])
    shuffled.to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run("predict s t.csv --drop y")
    assert code == 0, err
    np.testing.assert_allclose([float(line) for line in out.splitlines()[1:]], student.predict(X), rtol=1e-6)
    assert json.loads(run("evaluate s t.csv --target y")[1])["rows"] == 60


def test_integer_codes_keep_their_digits_beside_missing_cells(run, tmp_path):
    codes = np.array([10**17 + 1, 10**17 + 2, 3])[np.arange(60) % 3]
    X = pd.DataFrame({"code": codes, "x": np.arange(60.0)})
    student = StudentRegressor((4,), max_epochs=2, schema={"code": "nominal"}, random_state=0).fit(X, codes == 3)
    student.save(tmp_path / "s")
    X["code"] = X["code"].astype("Int64").where(np.arange(60) > 0)  # pandas reads such a column of CSV as floats
    X.to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run("predict s t.csv")
    assert code == 0 and "not there in training" not in err
    np.testing.assert_allclose([float(v) for v in out.split()[2:]], student.predict(X)[1:], rtol=1e-6)


def test_surplus_columns_are_counted_and_not_all_listed(run, tmp_path):
    X = pd.DataFrame({"a": np.arange(20.0)})
    StudentRegressor((2,), max_epochs=1).fit(X, X["a"]).save(tmp_path / "s")
    wide = pd.DataFrame(np.zeros((1, 3_000)), columns=[f"column {i}" for i in range(3_000)]).assign(a=1.0)
    wide.to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run("predict s t.csv")
    line = err.splitlines()[-1]
    assert code == 1 and len(line) < 300
    assert "3,000 columns that the model does not know" in line and "(and 2,992 more)" in line


def test_a_second_header_among_the_rows_is_named(run, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\na,b\n5,6\n7,8\n")
    code, _, err = run("generate t.csv --rows 2")
    assert code == 1 and "one value is the name of the column, 'a': take out the second header" in err


def test_the_index_of_a_parquet_file_is_said_to_be_left_out(run, tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"id": range(9), "a": np.arange(9.0)}).set_index("id").to_parquet(tmp_path / "t.parquet")
    code, out, err = run("generate t.parquet --rows 2")
    assert code == 0 and out.startswith("a\n") and "the index 'id' of the DataFrame is not taken for a column" in err


def test_a_pipe_as_input_is_refused_with_a_word(run, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    code, _, err = run("generate pipe --rows 2")
    assert code == 1 and "pipe is not a file. Write what comes from a pipe to a file first" in err
