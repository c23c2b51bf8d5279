"""The documentation site: every public name has a page, examples run, and everything builds without a warning."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("sphinx_gallery")
    run(
        "-m",
        "sphinx",
        "-W",
        "-q",
        "-b",
        "html",
        "-c",
        "docs",
        "-d",
        tmp_path / "doctrees",
        ".",
        tmp_path / "site",
        GALLERY="0",
    )
    assert (tmp_path / "site" / "docs" / "api" / "compress.StudentClassifier.html").exists()
