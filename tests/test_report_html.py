"""The page of a report: what it says, that it runs nothing of the table's, and what a browser makes of it."""

import html
import json
import pickle
import re
import sys

import numpy as np
import pandas as pd
import pytest
from browser import browser, needs_browser  # noqa: F401
from export_cases import fitted
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from compress import StudentClassifier, StudentRegressor, TreeStudentClassifier
from compress.cli import main
from compress.report import compare

EVIL = "</script><script>document.title='ran'</script>"
ODD = [
    EVIL,
    "<img src=x onerror=alert(1)>",
    '"quoted"',
    "it's",
    "a\nb",
    "{{ 7*7 }}",
    "${1+1}",
    "<!--",
    "-->",
    "&amp;",
    "größe",
]
RNG = np.random.default_rng(0)
N = 300
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(17, 91, N),
        "hours": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(40, 10, N).round(1)),
        "job": RNG.choice(["cook", "clerk", "smith"], N),
        "flag": RNG.random(N) < 0.5,
        "zone": RNG.integers(1, 5, N),
    }
)
LABELS = np.where((TABLE["age"] > 50) ^ (TABLE["job"] == "cook"), "high", "low")


def pipeline(model):
    return make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), model)


def report_of(table, y, student, teacher, **options):
    teacher = pipeline(teacher).fit(table, y)
    return compare(student.fit(table, y), teacher, table, y, **{"latency_rows": (), **options})


def small_forest(kind=RandomForestClassifier):
    return kind(20, max_depth=4, random_state=0)


@pytest.fixture(scope="module")
def report():
    student = StudentClassifier((8,), max_epochs=10, schema={"zone": "nominal"}, random_state=0)
    return report_of(TABLE, LABELS, student, small_forest(), latency_rows=(1, 100), untaught=None)


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    return report.to_html(tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def values_page(tmp_path_factory):
    y = TABLE["age"] * 2.0 + 30 * TABLE["flag"]
    made = report_of(
        TABLE, y, StudentRegressor((8,), max_epochs=20, random_state=0), small_forest(RandomForestRegressor)
    )
    return made, made.to_html(tmp_path_factory.mktemp("page") / "values.html")


@pytest.fixture(scope="module")
def odd_page(tmp_path_factory):
    """The report of a table whose names, categories and classes are markup and code."""
    table = pd.DataFrame({name: RNG.choice(ODD, N) if j % 2 else RNG.normal(size=N) for j, name in enumerate(ODD)})
    table["__proto__"] = RNG.normal(size=N)
    made = report_of(table, RNG.choice(ODD, N), TreeStudentClassifier(4, max_iter=3), small_forest())
    return made, table, made.to_html(tmp_path_factory.mktemp("page") / "odd.html")


# ------------------------------------------------------------------ the file
def test_the_page_says_what_the_report_says(report, page):
    text = html.unescape(re.sub(r"<[^>]*>", " ", page.read_text()))
    text = re.sub(r"\s+", " ", text)
    assert report.verdict.split(". ", 1)[1][:-1] in text
    for row in report.measures[:6]:
        assert f"{row['student']:.4f}" in text
    for word in ("calibration", "Where the student strays", report.slices[0]["slice"], "job", "Size and speed"):
        assert word in text


def test_the_page_is_one_file_that_loads_nothing(page):
    text = page.read_text()
    assert re.findall(r"""(?:src|href)\s*=\s*["']([^"'#][^"']*)""", text) == ["data:,"]
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text and "unsafe-eval" not in text


def test_what_a_table_holds_is_text(odd_page):
    text = odd_page[2].read_text()
    assert len(re.findall("<script", text)) == 2 and "<img" not in text and "<!--" not in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert [column["name"] for column in data["columns"]] == [*ODD, "__proto__"] and data["classes"] == sorted(ODD)


def test_another_ending_and_no_jinja2(report, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"path must end in \.html, got '.*report\.pdf'"):
        report.to_html(tmp_path / "report.pdf")
    from compress.report import _html

    monkeypatch.setitem(sys.modules, "jinja2", None)
    _html._environment.cache_clear()
    try:
        with pytest.raises(ImportError, match=r"pip install 'tabular-compress\[report\]'"):
            report.to_html(tmp_path / "report.html")
        assert report._repr_html_() is None and not list(tmp_path.iterdir())
    finally:
        _html._environment.cache_clear()


def test_notebooks_get_a_short_form(report):
    text = report._repr_html_()
    assert "<script" not in text and len(text) < 6000 and html.escape(report.verdict) in text.replace("&#39;", "&#x27;")


def test_sample_rows_hold_the_answers_of_both(report):
    samples = report.samples
    assert len(samples) == 8 and sum(sample["strays"] for sample in samples) == 2
    rows = [sample["row"] for sample in samples]
    assert len(set(rows)) == 8
    assert_allclose([s["student"] for s in samples], report.model.predict_proba(TABLE.iloc[rows]), rtol=0, atol=1e-12)
    assert [s["truth"] for s in samples] == LABELS[rows].tolist()
    encoded = report.model.schema_.encode(TABLE.iloc[rows])
    assert [s["values"][2] for s in samples] == encoded.nominal[:, 0].tolist()


@pytest.mark.parametrize("dtype", [object, "category", "string", "int"])
def test_labels_of_any_dtype_are_shown(dtype, tmp_path):
    y = pd.Series((LABELS == "high") + 1) if dtype == "int" else pd.Series(LABELS, dtype=dtype)
    student = StudentClassifier((4,), max_epochs=1, random_state=0)
    made = report_of(TABLE, y, student, small_forest())
    text = made.to_html(tmp_path / "report.html").read_text()
    assert f'"truth": "{made.samples[0]["truth"]}"' in text and made.samples[0]["truth"] in y.tolist()


def test_a_report_without_sample_rows_holds_no_row(tmp_path):
    student = StudentClassifier((4,), max_epochs=1, random_state=0)
    made = report_of(TABLE, LABELS, student, small_forest(), n_samples=0)
    text = made.to_html(tmp_path / "report.html").read_text()
    assert made.samples == [] and '"samples": []' in text and "Start from a sample row" not in text


def test_confusion_counts_all_rows(report):
    for counts in report.confusion.values():
        assert np.sum(counts) == N and np.sum(counts, axis=1).tolist() == [np.sum(c == LABELS) for c in ("high", "low")]
    right = np.trace(report.confusion["student"]) / N
    assert right == pytest.approx(report.value("accuracy"))


def test_a_report_without_labels_and_one_that_was_pickled(tmp_path):
    student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(TABLE, LABELS)
    made = compare(student, pipeline(small_forest()).fit(TABLE, LABELS), TABLE, latency_rows=())
    again = pickle.loads(pickle.dumps(made))
    assert again.to_html(tmp_path / "b.html").read_text() == made.to_html(tmp_path / "a.html").read_text()
    assert "teacher says" in (tmp_path / "a.html").read_text()


def test_a_student_that_cannot_be_exported_has_a_page_without_a_form(report, tmp_path):
    from dataclasses import replace

    text = replace(report, model=None, confusion={}).to_html(tmp_path / "report.html").read_text()
    assert "<form" not in text and "<script" not in text and "Where the student strays" in text


# ------------------------------------------------------------------ in a browser
def answer(browser):  # noqa: F811
    return json.loads(browser.run("document.getElementById('answer').dataset.answer"))


def fill(browser, values):  # noqa: F811
    """Type into the fields, one after the other."""
    for j, value in values.items():
        code = f"const f = document.getElementById('f{j}'); f.value = {json.dumps(value)};"
        browser.run(f"{{ {code} f.dispatchEvent(new Event('input', {{ bubbles: true }})); }}")


@needs_browser
def test_the_form_answers_as_predict_proba_does(report, page, browser):  # noqa: F811
    browser.open(page)
    for i, sample in enumerate(report.samples):
        browser.run(
            f"{{ const s = document.getElementById('sample'); s.value = '{i}';"
            " s.dispatchEvent(new Event('change', { bubbles: true })); }"
        )
        assert_allclose(answer(browser), sample["student"], rtol=0, atol=1e-6)
        assert "Teacher:" in browser.run("document.getElementById('answer').innerText")
    fill(browser, {0: "33", 1: "", 2: "1", 3: "", 4: "0"})
    row = pd.DataFrame({"age": [33], "hours": [np.nan], "job": ["cook"], "flag": [None], "zone": [1]})
    row["flag"] = row["flag"].astype(object)
    assert_allclose(answer(browser), report.model.predict_proba(row)[0], rtol=0, atol=1e-6)
    fill(browser, {0: "200"})
    assert "outside of what the student has seen" in browser.run("document.getElementById('h0').innerText")
    assert "changed; the student said" in browser.run("document.getElementById('answer').textContent")
    browser.run("document.getElementById('back').click()")
    assert_allclose(answer(browser), report.samples[-1]["student"], rtol=0, atol=1e-6)
    assert browser.errors == [] and browser.requests == [page.resolve().as_uri()]


@needs_browser
def test_the_form_answers_as_predict_does(values_page, browser):  # noqa: F811
    made, page = values_page
    browser.open(page)
    assert_allclose(answer(browser), made.samples[0]["student"], rtol=0, atol=1e-4)
    fill(browser, {0: "60"})
    values = {**TABLE.iloc[made.samples[0]["row"]].to_dict(), "age": 60}
    assert_allclose(answer(browser), made.model.predict(pd.DataFrame([values])), rtol=0, atol=1e-4)
    assert browser.errors == []


@needs_browser
def test_markup_and_code_in_a_table_are_shown_and_do_not_run(odd_page, browser):  # noqa: F811
    made, table, page = odd_page
    browser.open(page)
    assert browser.errors == [] and "ran" not in browser.run("document.title").split()
    assert browser.run("document.images.length + document.querySelectorAll('main script').length") == 0
    labels = browser.run("[...document.querySelectorAll('.one > label')].map((label) => label.textContent)")
    assert labels == [*ODD, "__proto__"]
    options = browser.run("[...document.querySelectorAll('#f1 option')].map((option) => option.textContent)")
    assert options == [*sorted(ODD), "(missing)"]
    assert_allclose(answer(browser), made.samples[0]["student"], rtol=0, atol=1e-6)
    assert EVIL in browser.run("document.body.innerText")


@needs_browser
@pytest.mark.parametrize("width", [1280, 768, 360])
def test_nothing_is_wider_than_the_window(page, values_page, odd_page, width, browser):  # noqa: F811
    for path in (page, values_page[1], odd_page[2]):
        browser.open(path, width=width)
        assert browser.run("document.documentElement.scrollWidth") <= width


@needs_browser
def test_a_wide_table_hides_most_fields_and_several_values_are_shown(tmp_path, browser):  # noqa: F811
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 200))).add_prefix("pixel ")
    table["town"] = [f"t{i}" for i in rng.integers(0, 40, 60)]
    y = table.iloc[:, :2].to_numpy() * 1e4 + 1e6
    student = StudentRegressor((4,), max_epochs=2, random_state=0).fit(table, y)
    made = compare(student, pipeline(small_forest(RandomForestRegressor)).fit(table, y), table, y, latency_rows=())
    page = made.to_html(tmp_path / "report.html")
    browser.open(page, width=390)
    assert browser.run("document.querySelector('details').open") is False
    assert "177 more columns" in browser.run("document.querySelector('summary').textContent")
    assert_allclose(answer(browser), made.samples[0]["student"], rtol=1e-6)
    fill(browser, {150: "1.5", 200: "3"})
    row = table.iloc[[made.samples[0]["row"]]].copy()
    row["pixel 150"], row["town"] = 1.5, student.schema_.columns_[200].categories[3]
    assert_allclose(answer(browser), student.predict(row)[0], rtol=1e-6)
    assert browser.errors == [] and browser.run("document.documentElement.scrollWidth") <= 390


CONTRASTS = """
(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { const own = rgba(getComputedStyle(e).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, e.parentElement ? behind(e.parentElement) : [255, 255, 255]); };
  const bad = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest("script, noscript, [disabled], .hidden, .skip") || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const below = behind(e);
    const ink = rgba(e instanceof SVGElement ? style.fill : style.color);
    ink[3] *= Number(style.opacity);
    const [a, b] = [light(over(ink, below)), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${e.tagName} ${e.textContent.trim().slice(0, 20)} ${ratio}`);
  }
  return bad;
})()
"""


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_wcag_aa_asks_for(page, values_page, dark, browser):  # noqa: F811
    for path in (page, values_page[1]):
        browser.open(path, dark=dark)
        fill(browser, {0: "500"})  # a warning, and a mark of what has changed
        assert browser.run(CONTRASTS) == []


@needs_browser
def test_every_control_has_a_name_and_the_keyboard_reaches_it(report, page, browser):  # noqa: F811
    browser.open(page)
    code = "[...document.querySelectorAll('input, select, button')].filter((e) => !e.labels?.length"
    assert browser.run(f"{code} && !e.getAttribute('aria-label') && !e.textContent.trim()).map((e) => e.id)") == []
    assert browser.run(
        "[...document.querySelectorAll('svg[role=img]')].every((e) => e.getAttribute('aria-labelledby')"
        ".split(' ').every((id) => document.getElementById(id)))"
    )
    reached = []
    for _ in range(40):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.id || document.activeElement.textContent.slice(0, 30)"))
        if reached[-1] == "sample" and reached.count("sample") == 1:  # after the last control comes the first one
            browser.press("ArrowDown")
            assert_allclose(answer(browser), report.samples[1]["student"], rtol=0, atol=1e-6)
    assert reached[0] == "Skip to the report" and {"sample", "f0", "s0", "f1", "f2", "f3", "f4"} <= set(reached)
    assert browser.run("document.getElementById('live').getAttribute('role')") == "status"


@needs_browser
def test_the_printed_page_has_all_but_the_form(page, tmp_path, browser):  # noqa: F811
    browser.open(page, media="print", width=700)
    text = browser.run("document.body.innerText")
    assert "Undo my changes" not in text and "The sample rows" in text and "Size and speed" in text
    assert browser.printed(tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


# ------------------------------------------------------------------ on the command line
def test_evaluate_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    student = StudentClassifier((4,), max_epochs=2, random_state=0).fit(TABLE, LABELS)
    student.save("student.safetensors")
    pd.to_pickle(pipeline(small_forest()).fit(TABLE, LABELS), "teacher.pkl")
    TABLE.assign(income=LABELS).to_csv("test.csv", index=False)
    line = ["evaluate", "student.safetensors", "test.csv", "--target", "income"]
    teacher = ["--teacher", "teacher.pkl", "--trust-pickle"]
    assert main([*line, *teacher]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main([*line, *teacher, "--html", "report.html"]) == 0
    done = capsys.readouterr()
    assert json.loads(done.out) == plain and "wrote report.html" in done.err
    assert "Where the student strays" in (tmp_path / "report.html").read_text()
    assert main([*line, *teacher, "--html", "report.html"]) == 1
    assert "report.html exists" in capsys.readouterr().err
    assert main([*line, *teacher, "--html", "report.html", "--overwrite"]) == 0
    capsys.readouterr()
    assert main([*line, "--html", "other.html"]) == 2
    assert "--html compares the student with its teacher: give --teacher FILE" in capsys.readouterr().err


def test_a_student_of_an_array_has_a_page(tmp_path):
    student, table, *_ = fitted("missing")
    teacher = make_pipeline(RandomForestClassifier(5, random_state=0)).fit(
        table, np.array(["a", "bc", "d"])[np.arange(len(table)) % 3]
    )
    made = compare(student, teacher, table, latency_rows=())
    assert "column 0" in made.to_html(tmp_path / "report.html").read_text()
