"""ES modules give the student's numbers, and bad rows are errors or mean what they mean in Python."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from export_cases import BEYOND, CASES, NUMBERS, QUICK, STRANGE, expected, fitted, strange, unbounded
from javascript import as_rows, needs_node, predicted, run_node
from numpy.testing import assert_allclose
from scipy.special import erf

from compress import CompressedRegressor, StudentClassifier, StudentRegressor, TreeStudentClassifier, load_student
from compress.cli import main
from compress.students import PiecewiseLinearEncoding
from data.load import load_problem

pytestmark = needs_node


@pytest.mark.parametrize("case", CASES)
def test_same_numbers_as_the_student(case, tmp_path):
    student, table, predictions, tolerance = fitted(case)
    path = student.to_js(tmp_path / "model.mjs")
    tolerance *= 0.1  # a millionth, of a standard deviation for values
    assert_allclose(predicted(path, as_rows(table)), predictions, rtol=0, atol=tolerance)
    if case in STRANGE:
        rows = strange(table)
        assert_allclose(predicted(path, as_rows(rows)), expected(student, rows)[0], rtol=0, atol=tolerance)
    if case in ("numbers", "trees, numbers"):  # missing where training had none, and beyond its range
        assert_allclose(predicted(path, as_rows(BEYOND)), student.predict_proba(BEYOND), rtol=0, atol=tolerance)


def test_values_at_and_beyond_the_edges_are_those_of_the_student(tmp_path):
    student = fitted("cuts, of heavy tails")[0]
    edges = student.module_.inputs.pieces.edges_by_column()
    rows = np.array([[place, second] for place in edges[0] for second in (edges[1][0] - 5, edges[1][-1] * 2)])
    found = predicted(student.to_js(tmp_path / "model.mjs"), as_rows(rows))
    assert_allclose(found, student.predict_proba(rows), rtol=0, atol=1e-6)


def test_the_error_function_is_exact_enough(tmp_path):
    fitted("regression")[0].to_js(tmp_path / "model.mjs")
    text = (tmp_path / "model.mjs").read_text()
    source = text[text.index("const ERFC") : text.index("const activation")]
    x = np.linspace(-7, 7, 2001)
    found = run_node(f"{source}\nprint(given.map(erf));", folder=tmp_path, given=x.tolist())
    assert_allclose(found, erf(x), rtol=0, atol=1e-11)


# ------------------------------------------------------------------ what the module exports
def test_columns_and_classes_of_every_type(tmp_path):
    table = pd.DataFrame({"age": NUMBERS[:, 0], "b": np.where(NUMBERS[:, 1] > 3, "x", "y")})
    two = np.arange(len(table)) % 2
    big = np.array([2**53 + 1, 2**53 + 3])
    labels = {"text": np.array(["no", "ja"])[two], "int": two + 3, "float": two * 1.0, "bool": two > 0, "big": big[two]}
    for name, y in labels.items():
        StudentClassifier((2,), **QUICK).fit(table, y).to_js(tmp_path / f"{name}.mjs")
    StudentRegressor((2,), **QUICK).fit(table, NUMBERS[:, 0]).to_js(tmp_path / "values.mjs")
    code = "const found = {};\nfor (const name of given) {\n"
    code += "  const { columns, classes } = await import(`./${name}.mjs`);\n"
    code += "  found[name] = [columns, classes && classes.map((c) => (typeof c === 'bigint' ? String(c) : c))];\n}\n"
    found = run_node(code + "print(found);", folder=tmp_path, given=[*labels, "values"])
    assert {name: part[1] for name, part in found.items()} == {
        "text": ["ja", "no"],
        "int": [3, 4],
        "float": [0, 1],
        "bool": [False, True],
        "big": [str(value) for value in big],
        "values": None,
    }
    assert found["values"][0] == ["age", "b"]


def test_arrays_typed_arrays_and_objects_in_any_order_are_rows(tmp_path):
    student, table, predictions, _ = fitted("numbers")
    student.to_js(tmp_path / "model.mjs")
    code = 'import { predict, columns } from "./model.mjs";\nconst [a, b, c, d] = given;\n'
    code += "const rows = [given, Float64Array.from(given), { x3: d, x1: b, x0: a, x2: c }];\n"
    code += "print([rows.map(predict), columns]);"
    found, columns = run_node(code, folder=tmp_path, given=table[0].tolist())
    assert_allclose(found, np.tile(predictions[0], (3, 1)), rtol=0, atol=1e-12)
    assert columns == ["x0", "x1", "x2", "x3"]


def test_one_value_is_a_number_and_several_are_an_array(tmp_path):
    fitted("regression")[0].to_js(tmp_path / "one.mjs")
    fitted("outputs")[0].to_js(tmp_path / "two.mjs")
    code = 'import * as one from "./one.mjs"; import * as two from "./two.mjs";\n'
    code += 'print([one.predict({ age: 3, shop: "Nord" }), two.predict([1, 2, 3, 4]), two.predictRows([])]);'
    value, values, nothing = run_node(code, folder=tmp_path)
    assert isinstance(value, float) and len(values) == 2 and nothing == []


def test_a_compressor_writes_its_student(tmp_path):
    model = CompressedRegressor(StudentRegressor((3,), **QUICK), student=StudentRegressor((3,), **QUICK))
    model.student_ = fitted("regression")[0]
    assert model.to_js(tmp_path / "a.js").read_text() == model.student_.to_js(tmp_path / "b.mjs").read_text()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.mjs or \.js, got '.*model\.ts'"):
        fitted("numbers")[0].to_js(tmp_path / "model.ts")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ values in rows
RNG = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(17, 90, 80),
        "part": RNG.normal(size=80),
        "job": RNG.choice(["cook", "clerk", ""], 80),
        "flag": RNG.random(80) < 0.4,
        "code": RNG.integers(0, 4, 80),
        "grade": RNG.choice([0.5, 1.0, np.nan], 80),
        "long": RNG.choice([2**60, 2**60 + 1, 2**60 + 3], 80),
    }
)
ROW = {"age": 30, "part": 0.25, "job": "cook", "flag": True, "code": 2, "grade": 0.5, "long": 2**60 + 1}
VALUES = [
    *[{"age": value} for value in (None, "30", " 30 ", "3e1", "+30.", ".5", -5, True, 10**30, "1e5")],
    *[{"age": value} for value in ("", "abc", "3,5", "0x10", [], [30], {}, "1e999", "inf", 10**400)],
    *[{"part": value} for value in (None, "-0.25", 1e30, "zwei", {"a": 1})],
    *[{"job": value} for value in (None, "", "smith", "COOK", 3, True)],
    *[{"flag": value} for value in (None, False, 0, 1, 2, "True", "")],
    *[{"code": value} for value in (None, 2.0, 2.5, "2", True, 10**30, -1)],
    *[{"grade": value} for value in (None, 1, 1.0, "1.0", True)],
    *[{"long": value} for value in (None, float(2**60), "1152921504606846977")],
    *[{"job": value} for value in ([], ["cook"], {})],
]


@pytest.fixture(scope="module", params=["net", "trees"])
def clerk(request, tmp_path_factory):
    """A student of all kinds of columns, and its module."""
    kinds = {"code": "nominal", "grade": "nominal", "long": "nominal"}
    student = (
        StudentClassifier((16,), schema=kinds, max_epochs=20, random_state=0)
        if request.param == "net"
        else TreeStudentClassifier(8, schema=kinds, max_iter=30, min_samples_leaf=3)
    )
    student.fit(TABLE, (TABLE["age"] > 50) ^ TABLE["flag"] ^ (TABLE["code"] > 1) ^ (TABLE["long"] > 2**60))
    return student, student.to_js(tmp_path_factory.mktemp("js") / "model.mjs")


def in_python(predict, row):
    """What Python gives for a row, None for an error."""
    try:
        return predict(row)
    except (ValueError, TypeError, OverflowError):
        return None


def in_javascript(path, rows):
    """What the module gives for each row: numbers, or the message of an error."""
    code = 'import { predict } from "./model.mjs";\n'
    code += 'const whole = (row) => "long" in row && typeof row.long === "object" && row.long !== null\n'
    code += "  ? { ...row, long: BigInt(row.long.big) } : row;\n"
    code += "const told = (row) => { try { return predict(whole(row)); } catch (e) { return e.message; } };\n"
    rows = [{**row, **({"long": {"big": str(row["long"])}} if type(row["long"]) is int else {})} for row in rows]
    return run_node(code + "print(given.map(told));", folder=path.parent, given=rows)


def test_values_mean_what_they_mean_in_python(clerk):
    student, path = clerk
    rows = [{**ROW, **value} for value in VALUES]
    for value, row, found in zip(VALUES, rows, in_javascript(path, rows)):
        wanted = in_python(student.predictor(np.float64), row)
        assert (wanted is None) == (in_python(lambda row: student.predict_proba([row])[0], row) is None), value
        if wanted is None:
            assert isinstance(found, str) and json.dumps(next(iter(value))) in found, (value, found)
        else:
            assert_allclose(found, wanted, rtol=0, atol=1e-6, err_msg=str(value))


def test_lacking_and_surplus_columns_are_named(clerk):
    lacking = {name: value for name, value in ROW.items() if name not in ("age", "job")}
    rows = [lacking, {**ROW, "more": 1}, {**lacking, "Age": 3, "__proto__": 4}, {**lacking, "toString": 1, "job": ""}]
    found = in_javascript(clerk[1], rows)
    start = "a row must have the 7 columns of the model, but it "
    assert found == [
        f'{start}lacks "age", "job"',
        f'{start}has "more" beside them',
        f'{start}lacks "age", "job" and has "Age", "__proto__" beside them',
        f'{start}lacks "age" and has "toString" beside them',
    ]


def test_what_is_no_row_is_refused(clerk):
    code = 'import { predict, predictRows } from "./model.mjs";\n'
    code += "const told = (f, x) => { try { return f(x); } catch (e) { return e.message; } };\n"
    code += 'print([...[null, undefined, 3, "ab", [], [1, 2]].map((row) => told(predict, row)),\n'
    code += "  told(predictRows, given), told(predictRows, [Object.values(given), { ...given, age: Infinity }])]);"
    assert run_node(code, folder=clerk[1].parent, given=ROW) == [
        *[f"a row must be an object or an array, got {what}" for what in ("null", "undefined", "3", '"ab"')],
        "a row must have 7 values, one per column, got 0",
        "a row must have 7 values, one per column, got 2",
        "rows must be an array of rows, got an object",
        'row 1: column "age" must be a finite number, or null if missing, got Infinity',
    ]


def test_a_prediction_that_overflows_is_an_error(tmp_path):
    unbounded(copy.deepcopy(fitted("wild")[0])).to_js(tmp_path / "model.mjs")
    code = 'import { predict } from "./model.mjs";\n'
    code += "try { print(predict([1e300, 0, 0, 0])); } catch (e) { print(e.message); }"
    assert "no finite prediction" in run_node(code, folder=tmp_path)


# ------------------------------------------------------------------ names
ODD = ["__proto__", "constructor", "toString", "</script><script>alert(1)</script>", 'a"b', "a'b", "a\nb", "a\\b", "*/"]
ODD += ["`${x}`", "<!--", "\u2028", "größe 📏", "@param {x}", "length"]


@pytest.mark.parametrize("family", ["net", "trees"])
def test_odd_names_of_columns_categories_and_classes(family, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.choice(ODD, 200) if j % 2 else rng.normal(size=200) for j, name in enumerate(ODD)})
    y = np.array(ODD)[np.arange(200) % len(ODD)]
    student = StudentClassifier((6,), **QUICK) if family == "net" else TreeStudentClassifier(6, max_iter=5)
    path = student.fit(table, y).to_js(tmp_path / "model.mjs")
    assert_allclose(predicted(path, as_rows(table)), student.predict_proba(table), rtol=0, atol=1e-6)
    code = 'import { columns, classes, predict } from "./model.mjs";\nlet told = "";\n'
    code += "try { predict({ ...given, [columns[0]]: undefined }); predict(Object.fromEntries(columns.slice(1)"
    code += ".map((name) => [name, 1]))); } catch (e) { told = e.message; }\nprint([columns, classes, told]);"
    row = {name: value for name, value in as_rows(table)[0].items() if name != "__proto__"}
    columns, classes, told = run_node(code, folder=tmp_path, given=row)
    assert columns == ODD and classes == sorted(ODD) and '"__proto__"' in told
    text = path.read_text(encoding="ascii")  # nothing but ASCII
    assert "</script" not in text and "<!--" not in text and "alert(1)" in text


# ------------------------------------------------------------------ real tables
FAMILIES = {
    "net": lambda: StudentClassifier((256,), max_epochs=2, random_state=0),
    "cuts": lambda: StudentClassifier((64,), encoding=PiecewiseLinearEncoding(), max_epochs=2, random_state=0),
    "additive": lambda: StudentClassifier((), encoding=PiecewiseLinearEncoding(), max_epochs=2, random_state=0),
    "trees": lambda: TreeStudentClassifier(8, max_iter=100),
}


def with_gaps(rows, seed=0):
    """Rows with missing and unknown values in all columns."""
    rng = np.random.default_rng(seed)
    rows = rows.astype({name: object for name in rows.columns})
    for name in rows.columns:
        at = rng.random(len(rows))
        rows.loc[at < 0.05, name] = None
        if isinstance(rows[name].dropna().iloc[0], str):
            rows.loc[at > 0.97, name] = "never seen"
    return rows


def same_on(problem, family, n_rows, folder):
    """Whether the module gives the student's probabilities, on rows with gaps; the student and its module."""
    data = load_problem(problem, seed=0)
    student = FAMILIES[family]().fit(data.X_train, data.y_train)
    path, rows = student.to_js(folder / "model.mjs"), with_gaps(data.X_test.head(n_rows))
    typed = rows.astype({name: "float64" for name in rows.columns if name not in data.nominal})
    assert_allclose(predicted(path, as_rows(rows)), student.predict_proba(typed), rtol=0, atol=1e-6)
    return rows, path


@pytest.mark.parametrize("family", ["cuts", "trees"])
def test_adult_with_gaps(family, tmp_path):
    same_on("adult", family, 200, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("problem", ["adult", "covtype", "covtype7", "letter", "letter.p1", "letter.p2"])
def test_a_thousand_rows_of_every_bundled_table_below_20_us_each(problem, family, tmp_path):
    rows, _ = same_on(problem, family, 1000, tmp_path)
    code = 'import { predict } from "./model.mjs";\nlet best = Infinity;\n'
    code += "for (let round = 0; round < 50; round++) {\n  const start = process.hrtime.bigint();\n"
    code += "  for (const row of given) predict(row);\n"
    code += "  best = Math.min(best, Number(process.hrtime.bigint() - start) / given.length / 1000);\n}\nprint(best);"
    many_trees = family == "trees" and problem in ("covtype7", "letter")  # 700 and 2,600 of them
    assert run_node(code, folder=tmp_path, given=as_rows(rows)) < (100 if many_trees else 20)


# ------------------------------------------------------------------ on the command line
def test_export_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    student, table, *_ = fitted("frame")
    student.save("student.safetensors")
    assert main(["export", "student.safetensors", "--js", "model.mjs"]) == 0
    result = json.loads(capsys.readouterr().out)
    path = tmp_path / "model.mjs"
    assert result == {"js": {"path": "model.mjs", "bytes": path.stat().st_size}}
    assert_allclose(
        predicted(path, as_rows(table)), load_student("student.safetensors").predict_proba(table), rtol=0, atol=1e-6
    )
    assert main(["export", "student.safetensors", "--js", "model.mjs"]) == 1
    assert "model.mjs exists" in capsys.readouterr().err
