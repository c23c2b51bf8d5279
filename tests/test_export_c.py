"""C files compile without a warning and give the student's numbers."""

import ctypes
import itertools
import shutil
import subprocess

import numpy as np
import pytest
from export_cases import CASES, FRAME, HOLES, QUICK, expected, fitted, strange
from numpy.testing import assert_allclose

from compress import StudentClassifier
from compress.export._c_text import bytes_literal, field_names, number
from compress.export._plan import Input, plan_of
from compress.schema import is_missing as _is_missing

CC = shutil.which("cc")
needs_compiler = pytest.mark.skipif(CC is None, reason="needs a C compiler")
C_TYPES = {
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "int64": ctypes.c_int64,
    "bool": ctypes.c_int8,
    "string": ctypes.c_char_p,
}
_count = itertools.count()


def compiled(student, folder):
    """The library made of the student's C file by the command that the documentation promises to work."""
    name = f"model{next(_count)}"
    source, header = student.to_c(folder / f"{name}.c")
    assert header == source.with_suffix(".h")
    command = [CC, "-O2", "-Wall", "-Werror", "-std=c99", "-pedantic", "-shared", "-fPIC", source, "-o"]
    subprocess.run([*command, folder / f"{name}.so", "-lm"], check=True)
    return ctypes.CDLL(str(folder / f"{name}.so")), name


def cells(values, kind):
    """One column as ctypes values."""
    missing = _is_missing(values)
    values = np.asarray(values, dtype=object)
    absent = {"float": np.nan, "double": np.nan, "int64": -(2**63), "bool": -1, "string": None}[kind]
    convert = {"string": lambda v: str(v).encode(), "float": float, "double": float}.get(kind, int)
    return [absent if m else convert(v) for v, m in zip(values, missing)]


def run(library, name, student, table):
    """The predictions of the compiled file."""
    plan, n = plan_of(student), len(table)
    take = (lambda j: table.iloc[:, j]) if hasattr(table, "iloc") else (lambda j: table[:, j])
    columns = [cells(take(j), plan.matrix or column.type) for j, column in enumerate(plan.inputs)]
    if plan.matrix is not None:
        rows = (C_TYPES[plan.matrix] * (n * len(columns)))(*itertools.chain.from_iterable(zip(*columns)))
    else:
        fields = [(f"f{j}", C_TYPES[column.type]) for j, column in enumerate(plan.inputs)]
        row = type("Row", (ctypes.Structure,), {"_fields_": fields})
        rows = (row * n)(*(row(*values) for values in zip(*columns)))
    width = expected(student, table.iloc[:1] if hasattr(table, "iloc") else table[:1])[0].shape[1]
    out = np.full((n, width), np.nan, dtype=np.float32)
    function = getattr(library, f"{name}_predict_rows")
    function(rows, ctypes.c_size_t(n), out.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
    return out


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_same_numbers_as_the_student(case, tmp_path):
    student, table, predictions, tolerance = fitted(case)
    library, name = compiled(student, tmp_path)
    assert_allclose(run(library, name, student, table), predictions, atol=tolerance, rtol=1e-5)
    if case in ("frame", "factored", "nominal", "regression", "linear", "empty"):
        rows = strange(table)
        predictions, tolerance = expected(student, rows)
        assert_allclose(run(library, name, student, rows), predictions, atol=tolerance)
    if case == "numbers":  # missing values where training had none
        assert_allclose(run(library, name, student, HOLES), student.predict_proba(HOLES), atol=tolerance)


@needs_compiler
def test_a_program_in_c_that_uses_the_header(tmp_path):
    table = FRAME[["age", "hours-per-week", "colour"]].rename(columns={"age": "int"})
    labels = np.where(np.arange(len(FRAME)) % 2, 'no "way"', "Süd")
    student = StudentClassifier((4,), **QUICK).fit(table, labels)
    student.to_c(tmp_path / "m.c", name="shop")
    (tmp_path / "main.c").write_text(
        '#include "m.h"\n#include <math.h>\n#include <stdio.h>\n'
        'int main(void) {\n    shop_row row = {.int_ = 40, .hours_per_week = NAN, .colour = "red"};\n'
        "    float out[SHOP_N_OUTPUTS];\n    shop_predict(&row, out);\n"
        '    printf("%s %.7f\\n", shop_classes[1], out[1]);\n    return 0;\n}\n'
    )
    command = [CC, "-O2", "-Wall", "-Werror", "main.c", "m.c", "-lm", "-o", "main"]
    subprocess.run(command, check=True, cwd=tmp_path)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout.decode()
    label, value = printed.rsplit(maxsplit=1)
    row = table.head(1).assign(**{"int": 40, "hours-per-week": np.nan, "colour": "red"})
    assert label == student.classes_[1]
    assert abs(float(value) - student.predict_proba(row)[0, 1]) < 1e-5


@pytest.mark.parametrize("name", ["1st", "two words", "a-b", "", "int", "ü", "a;b", "a\n"])
def test_a_name_that_is_no_identifier(name, tmp_path):
    with pytest.raises(ValueError, match="name must be a C identifier .* Choose another one"):
        fitted("numbers")[0].to_c(tmp_path / "m.c", name=name)
    assert not list(tmp_path.iterdir())


def test_a_file_whose_name_is_no_identifier_and_another_ending(tmp_path):
    with pytest.raises(ValueError, match="got 'my-model', from the file's name. Pass name="):
        fitted("numbers")[0].to_c(tmp_path / "my-model.c")
    with pytest.raises(ValueError, match="path must end in .c"):
        fitted("numbers")[0].to_c(tmp_path / "model.cpp")


def test_text_and_numbers_as_c():
    assert bytes_literal('a"b\\c\n*/??=é1') == '"a\\042b\\134c\\012*/\\077\\077=\\303\\2511"'
    assert number(2**40) == "1099511627776LL" and number(-(2**63)) == "(-9223372036854775807LL - 1)"
    assert number(1.0) == "1.0" and number(float("nan")) == "NAN" and number(True) == "1"
    columns = [Input(name, "float", "continuous", 0) for name in ("a b", "a-b", "int", "1x", "_y", "größe")]
    assert field_names(columns, {"int"}) == ["a_b", "a_b_2", "int_", "x1x", "c_y", "gr__e"]
