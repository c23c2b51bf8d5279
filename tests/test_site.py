"""The documentation site: every public name has a page, examples run, and everything builds without a warning."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import browser, needs_browser  # noqa: F401

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
api_pages = importlib.import_module("api_pages")


def run(*command, **variables):
    """Run Python in the root of the repository; its output is shown where it fails."""
    environment = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_has_every_room():
    rooms = {f"compress.{path.parent.name}" for path in (ROOT / "compress").glob("*/__init__.py")}
    assert set(api_pages.ROOMS) == rooms | {"compress"}


@pytest.mark.parametrize("room", api_pages.ROOMS)
def test_every_public_name_has_a_page_or_is_a_constant_of_its_room(room):
    pages = api_pages.pages()
    for name in api_pages.names_of(room):
        if api_pages.is_constant(room, name):
            assert f"``{name}`` : " in pages[f"{room}.rst"]
        else:
            assert f"{api_pages.home_of(room, name)}.rst" in pages


def test_the_page_of_a_class_has_the_methods_that_are_ours():
    methods = api_pages.methods_of(importlib.import_module("compress").StudentClassifier)
    assert {"fit", "predict_proba", "save", "to_c"} <= set(methods)
    assert not {"get_params", "set_output"} & set(methods)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_a_title_and_says_what_it_shows(path):
    title, line, *rest = ast.get_docstring(ast.parse(path.read_text())).splitlines()
    assert line == "=" * len(title) and len(" ".join(rest).split()) > 20


def test_a_figure_of_an_example_is_shown_once():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figures = importlib.import_module("figures")
    from matplotlib.figure import Figure

    ours, theirs, made = Figure(), pyplot.figure(), []
    ours.savefig = lambda path, dpi: made.append(path)
    known = {"ours": ours, "theirs": theirs}
    block = {"example_globals": known, "image_path_iterator": iter(["1.png", "2.png", "3.png"])}
    for _ in range(2):  # pyplot's own are closed after their block, and still have a name
        figures.scraper(None, block, {"src_dir": "."})
        pyplot.close("all")
    assert [str(path) for path in made] == ["1.png"]


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path):
    run(path)


def cells_of(path):
    """The code of a notebook, cell by cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_is_stored_without_outputs():
    cells = json.loads((ROOT / "docs" / "quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    script = tmp_path / "notebook.py"
    script.write_text("\n".join(cells_of(ROOT / "docs" / "quickstart.ipynb")))
    run(script)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built without running the gallery; a warning is an error."""
    pytest.importorskip("sphinx_gallery")
    folder = tmp_path_factory.mktemp("site")
    options = ("-W", "-q", "-b", "html", "-c", "docs", "-d", folder / "doctrees")
    run("-m", "sphinx", *options, ".", folder / "html", GALLERY="0")
    return folder / "html"


@pytest.mark.slow
def test_the_site_builds_without_a_warning(site):
    assert (site / "docs" / "api" / "compress.StudentClassifier.html").exists()


# what sticks out of the window where nothing around it scrolls
TOO_WIDE = """[...document.querySelectorAll("article *, .prev-next-area *")].filter((element) => {
    const wide = (e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
    const moves = (e) => /auto|scroll/.test(getComputedStyle(e).overflowX);
    const scrolls = (e) => e && (moves(e) ? !wide(e) : scrolls(e.parentElement));
    return wide(element) && getComputedStyle(element).visibility !== "hidden" && !scrolls(element.parentElement);
}).map((element) => element.outerHTML.slice(0, 80))"""
# a table of figures, formulas, a long signature, code, a picture, results
LOOKED_AT = ("docs/index", "docs/systems/dual_dnn", "docs/theory", "docs/students", "docs/gallery/plot_9_recommender")
LOOKED_AT += ("docs/api/compress.StudentClassifier", "docs/api/compress.losses.pairwise_rank_loss", "RESULTS", "README")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_a_phone_and_a_window_and_ask_nothing_of_a_network(site, width, browser):  # noqa: F811
    for name in LOOKED_AT:
        browser.open(site / f"{name}.html", width=width)
        assert browser.run("document.documentElement.scrollWidth") <= width, name
        assert browser.run(TOO_WIDE) == [], name
        assert browser.errors == [], name
        assert all(address.startswith("file:") for address in browser.requests), name


def test_ci_has_a_job_for_the_slow_tests_which_its_weekly_run_starts():
    slow, weekly = ((ROOT / ".ci" / name).read_text() for name in ("slow", "weekly"))
    assert "\nmake test-slow\n" in slow and "\n.ci/slow\n" in weekly
    assert "`.ci/slow`" in (ROOT / "CONTRIBUTING.md").read_text()
    assert all(os.access(ROOT / ".ci" / name, os.X_OK) for name in ("run", "slow", "weekly"))
