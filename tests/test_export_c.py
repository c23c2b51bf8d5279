"""C files compile without a warning and give the student's numbers."""

import copy
import ctypes
import dataclasses
import itertools
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from compiler import CC, needs_compiler
from export_cases import BEYOND, CASES, ENCODED, FRAME, NUMBERS, QUICK, STRANGE, expected, fitted, strange
from numpy.testing import assert_allclose

from compress import StudentClassifier, StudentRegressor
from compress.export._c_body import in_blocks
from compress.export._c_names import field_names
from compress.export._c_text import bytes_literal, number
from compress.export._padding import padded
from compress.export._plan import Input
from compress.export._plans import plan_for
from compress.schema import is_missing as _is_missing

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
    plan, n = plan_for(student), len(table)
    take = (lambda j: table.iloc[:, j]) if hasattr(table, "iloc") else (lambda j: table[:, j])
    columns = [cells(take(j), plan.matrix or column.type) for j, column in enumerate(plan.inputs)]
    if plan.matrix is not None:
        rows = (C_TYPES[plan.matrix] * (n * len(columns)))(*itertools.chain.from_iterable(zip(*columns)))
    else:
        fields = [(f"f{j}", C_TYPES[column.type]) for j, column in enumerate(plan.inputs)]
        row = type("Row", (ctypes.Structure,), {"_fields_": fields})
        rows = (row * n)(*(row(*values) for values in zip(*columns)))
    width = expected(student, table.iloc[:1] if hasattr(table, "iloc") else table[:1])[0].shape[1]
    out = np.full((n, width), np.nan, dtype=np.float32 if plan.shift is None else np.float64)
    function = getattr(library, f"{name}_predict_rows")
    function(rows, ctypes.c_size_t(n), ctypes.c_void_p(out.ctypes.data))
    return out


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_same_numbers_as_the_student(case, tmp_path):
    student, table, predictions, tolerance = fitted(case)
    library, name = compiled(student, tmp_path)
    assert_allclose(run(library, name, student, table), predictions, atol=tolerance, rtol=1e-5)
    if case in STRANGE:
        rows = strange(table)
        predictions, tolerance = expected(student, rows)
        assert_allclose(run(library, name, student, rows), predictions, atol=tolerance)
    if case in ("numbers", "trees, numbers"):  # missing where training had none, and beyond its range
        assert_allclose(run(library, name, student, BEYOND), student.predict_proba(BEYOND), atol=tolerance)


@needs_compiler
@pytest.mark.parametrize("case", ENCODED)
def test_students_with_cuts_agree_to_a_millionth(case, tmp_path):
    student, table, *_ = fitted(case)
    library, name = compiled(student, tmp_path)
    for rows in (table, strange(table)):
        assert_allclose(run(library, name, student, rows), student.predict_proba(rows), rtol=0, atol=1e-6)


@needs_compiler
def test_values_at_and_beyond_the_edges_are_those_of_the_student(tmp_path):
    student, table, _, tolerance = fitted("cuts, of heavy tails")
    library, name = compiled(student, tmp_path)
    edges = student.module_.inputs.pieces.edges_by_column()
    rows = np.array([[place, second] for place in edges[0] for second in (edges[1][0] - 5, edges[1][-1] * 2)])
    assert_allclose(run(library, name, student, rows), student.predict_proba(rows), atol=tolerance)


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
    assert field_names(columns) == ["a_b", "a_b_2", "int_", "x1x", "c_y", "gr__e"]


# ----------------------------------------------------------------- names
HEADERS = ["math.h", "stddef.h", "stdint.h", "stdio.h", "string.h"]
KNOWN = {"NAN", "NULL", "INFINITY", "INT64_MIN", "asm", "linux", "unix", "class", "new", "this", "template", "int8_t"}


def taken_words():
    """Keywords that pass for column names, and macros without arguments after the headers, in C and, if there, C++."""
    includes = "".join(f"#include <{header}>\n" for header in HEADERS)
    words = {*KNOWN, "and", "not", "bool", "float", "interface", "size_t", "errno", "EOF"}
    for language in ("c", "c++") if shutil.which("c++") else ("c",):
        command = [CC, "-x", language, "-dM", "-E", "-"]
        text = subprocess.run(command, input=includes, capture_output=True, text=True, check=True).stdout
        words |= set(re.findall(r"^#define ([A-Za-z]\w*) ", text, re.MULTILINE))
    return sorted(words)


@needs_compiler
def test_columns_called_like_keywords_and_macros_compile_in_c_and_in_cpp(tmp_path):
    words = taken_words()
    assert {"linux", "SEEK_SET", "HUGE_VAL"} <= set(words)
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, len(words))), columns=words)
    student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(table, np.arange(40) % 2)
    student.to_c(tmp_path / "m.c")
    includes = "".join(f"#include <{header}>\n" for header in HEADERS)
    main = '#include "m.h"\nint main(void) { m_row row; float out[M_N_OUTPUTS]; memset(&row, 0, sizeof row);\n'
    (tmp_path / "main.c").write_text(f"{includes}{main}m_predict(&row, out); return out[0] > 2; }}\n")
    shutil.copy(tmp_path / "main.c", tmp_path / "main.cpp")

    def run(*command):
        subprocess.run(command, check=True, cwd=tmp_path)

    run(CC, "-O2", "-Wall", "-Werror", "-c", "m.c")  # README's own command, with the compiler's own dialect
    run(CC, "-O2", "-Wall", "-Werror", "main.c", "m.o", "-lm", "-o", "main")
    run("./main")
    if shutil.which("c++"):
        for standard in ("c++98", "c++11", "gnu++17", "gnu++23"):
            run("c++", f"-std={standard}", "-O2", "-Wall", "-Werror", "main.cpp", "m.o", "-lm", "-o", "main")
        run("./main")
        run("c++", "-O2", "-Wall", "-Werror", "-x", "c++", "-c", "m.c", "-o", "n.o")  # the source is C++, too


# ---------------------------------------------------------------- values
@needs_compiler
@pytest.mark.parametrize(("mean", "spread"), [(1013, 4), (2_460_000.5, 4), (1.7e9, 1), (-300, 1)])
def test_values_whose_mean_is_far_from_0_are_written_as_double(mean, spread, tmp_path):
    y = mean + spread * np.column_stack([NUMBERS[:, 0], 3 * NUMBERS[:, 2] - 1])
    student = StudentRegressor((8,), max_epochs=20, random_state=0).fit(NUMBERS, y)
    library, name = compiled(student, tmp_path)
    assert f"{name}_predict(const {name}_value *row, double *out);" in (tmp_path / f"{name}.h").read_text()
    found = run(library, name, student, NUMBERS)
    assert_allclose(found, student.predict(NUMBERS), rtol=0, atol=1e-5 * spread)


def test_texts_that_c_would_cut_are_refused(tmp_path):
    student = fitted("frame")[0]
    for change in ("name", "category", "class"):
        changed = copy.deepcopy(student)
        columns = changed.schema_.columns_
        if change == "name":
            columns[0] = dataclasses.replace(columns[0], name="a\0b")
        elif change == "category":
            columns[3] = dataclasses.replace(columns[3], categories=("a", "a\0b", "green"))
        else:
            changed.classes_ = np.array(["a", "b\0c", "d"])
        with pytest.raises(ValueError, match="holds a NUL character, which cannot be exported"):
            changed.to_c(tmp_path / "m.c")
        with pytest.raises(ValueError, match="holds a NUL character, which cannot be exported"):
            changed.to_onnx(tmp_path / "m.onnx")
    changed.classes_ = np.array(["a", "\ud800", "d"])
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        changed.to_c(tmp_path / "m.c")
    assert not list(tmp_path.iterdir())


def test_categories_beyond_64_bits_are_refused(tmp_path):
    table = pd.DataFrame({"big": pd.Series([10**30, 5] * 20, dtype=object)})
    student = StudentClassifier((2,), schema={"big": "nominal"}, **QUICK).fit(table, np.arange(40) % 2)
    with pytest.raises(ValueError, match="'big' has categories beyond 64 bits"):
        student.to_c(tmp_path / "m.c")


# ----------------------------------------------------------- rows in blocks
@needs_compiler
@pytest.mark.parametrize("sizes, n_classes", [((100,), 2), ((9, 13), 26), ((3, 70), 7), ((40,), 9)])
def test_rows_in_blocks_are_the_rows_one_by_one(sizes, n_classes, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(203, 11)), np.arange(203) % n_classes
    student = StudentClassifier(sizes, max_epochs=2, activation="logistic", random_state=0).fit(X, y)
    library, name = compiled(student, tmp_path)
    together = run(library, name, student, X)  # 50 blocks of four, and three rows
    assert_allclose(together, student.predict_proba(X), atol=1e-6)
    alone = np.concatenate([run(library, name, student, X[i : i + 1]) for i in range(20)])
    assert_allclose(together[:20], alone, atol=1e-6)


def test_numbers_of_units_are_padded_to_whole_vectors():
    rng = np.random.default_rng(0)
    student = StudentClassifier((9, 13), max_epochs=1).fit(rng.normal(size=(100, 5)), np.arange(100) % 26)
    plan = padded(plan_for(student))
    assert [len(plan.bias), *(len(layer.bias) for layer in plan.layers)] == [16, 16, 32]
    assert plan.layers[0].weight.shape == (16, 16) and not plan.layers[0].weight[9:].any()


def test_nets_that_would_fill_the_stack_are_not_computed_in_blocks(tmp_path):
    student = fitted("numbers")[0]
    plan = plan_for(student)
    wide = dataclasses.replace(plan, bias=np.zeros(2**14))
    assert in_blocks(plan) and not in_blocks(wide)
    assert not in_blocks(plan_for(fitted("linear")[0]))


@needs_compiler
def test_gcc_makes_vectors_of_the_loops_over_units_at_O2(tmp_path):
    version = subprocess.run([CC, "--version"], capture_output=True, text=True).stdout
    major = re.search(r"(\d+)\.\d+\.\d+", version)
    if "Free Software Foundation" not in version or not major or int(major[1]) < 12:
        pytest.skip("GCC vectorises at -O2 from version 12 on")
    rng = np.random.default_rng(0)
    student = StudentClassifier((100, 20), max_epochs=1).fit(rng.normal(size=(60, 10)), np.arange(60) % 2)
    source, _ = student.to_c(tmp_path / "net.c")
    command = [CC, "-O2", "-fopt-info-vec-optimized", "-c", source, "-o", tmp_path / "net.o"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    lines = source.read_text().splitlines()
    loops = {int(at) for at in re.findall(r"net\.c:(\d+):\d+: optimized: loop vectorized", said)}
    sums = {
        i for i, line in enumerate(lines, start=1) if "for (j = 0" in line and "h" in lines[i] and "[j] +=" in lines[i]
    }
    assert len(sums) == 6 and sums <= loops  # of one row and of a block: two sweeps over 10 inputs, one over 104


@pytest.mark.skipif(not (shutil.which("clang") or shutil.which("clang-14")), reason="needs clang")
@pytest.mark.parametrize("case", ["frame", "cuts", "numbers", "trees, frame"])
def test_clang_compiles_it_without_a_warning_to_the_same_numbers(case, tmp_path):
    student, table, predictions, tolerance = fitted(case)
    source, _ = student.to_c(tmp_path / "net.c")
    clang = shutil.which("clang") or shutil.which("clang-14")
    command = [
        clang,
        "-O2",
        "-Wall",
        "-Werror",
        "-std=c99",
        "-shared",
        "-fPIC",
        source,
        "-o",
        tmp_path / "net.so",
        "-lm",
    ]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(tmp_path / "net.so"))
    assert_allclose(run(library, "net", student, table), predictions, atol=tolerance, rtol=1e-5)
