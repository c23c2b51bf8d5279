"""The distribution: its name in every hint, what it needs and says without, what wheel and sdist
hold, and the wheel in a fresh environment."""

import ast
import configparser
import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import compress
from compress._version import DISTRIBUTION, install

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("compress", "CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md")
BUILT_BY = ("pyproject.toml", "setup.cfg")


def metadata() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read(ROOT / "setup.cfg")
    return parsed


def texts():
    """Every text in which someone might read what to install."""
    folders = [ROOT / name for name in ("compress", "docs", "experiments", "data")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".md", ".rst")]
    return [*files, *ROOT.glob("*.md"), ROOT / "setup.cfg"]


def test_the_name_is_the_one_of_the_metadata():
    assert metadata()["metadata"]["name"] == DISTRIBUTION


def test_every_hint_names_our_distribution_and_an_extra_that_exists():
    extras, ours = metadata()["options.extras_require"], re.compile(rf"{DISTRIBUTION}\[(\w+)\]")
    for path in texts():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<!tabular-)compress\[[a-z]|pip install '?compress\b", text), path
        assert {extra for extra in ours.findall(text)} <= set(extras), path
        assert {extra for extra in re.findall(r"\binstall\(['\"](\w+)['\"]\)", text)} <= set(extras), path
    assert install("onnx") == "pip install 'tabular-compress[onnx]'"


def test_the_torch_that_pages_name_is_the_one_that_is_pinned():
    pinned = re.search(r"^torch==\S+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[0]
    for path in (ROOT / "README.md", ROOT / "docs" / "install.md", ROOT / "Makefile"):
        named = re.findall(r"\btorch==[\d.]+", path.read_text(encoding="utf-8"))
        assert named and set(named) == {pinned}, path


def test_the_extra_all_has_every_extra_for_users():
    extras = metadata()["options.extras_require"]
    for_us = {"all", "bench", "dev", "dist", "docs", "test"}
    assert set(re.findall(r"\[(\w+)\]", extras["all"])) == set(extras) - for_us


def test_citation_and_licence_are_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {compress.__version__}\n" in citation and "license: BSD-3-Clause" in citation
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")


OLD = (3, 10, 4, "final", 0)
NEEDED = "3.11"  # as setup.cfg says, from where pip has it


def test_an_older_python_is_refused_by_the_metadata_and_by_the_import(monkeypatch):
    assert metadata()["options"]["python_requires"] == f">={NEEDED}"
    source = (ROOT / "compress" / "__init__.py").read_text(encoding="utf-8")
    code = compile(ast.parse(source, feature_version=(3, 7)), "compress", "exec")  # an old one can read so far
    monkeypatch.setattr(sys, "version_info", OLD)
    with pytest.raises(ImportError, match=rf"compress needs Python {NEEDED} or later, but .* is Python 3.10. Make an"):
        exec(code, {})


def test_make_refuses_an_older_python_before_it_makes_anything(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("needs make")
    old = tmp_path / "old-python"
    lie = f"import sys; sys.version_info = {OLD[:2]}; exec(sys.argv[1])"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{lie}' \"$2\"\n")
    old.chmod(0o755)
    command = ["make", "-C", str(ROOT), "setup", f"PYTHON={old}", f"VENV={tmp_path / 'env'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and not (tmp_path / "env").exists()
    assert f"Python {NEEDED} or later is needed, but {old} is 3.10. Name another one: make setup PYTHON=" in done.stderr


@pytest.mark.parametrize(
    ("helper", "mark", "says"),
    [
        ("compiler", "needs_compiler", "needs a C compiler: apt-get install gcc"),
        ("browser", "needs_browser", "needs Chromium: `make browser`"),
        ("javascript", "needs_node", "needs Node: `make browser`"),
    ],
)
def test_tests_skip_and_say_so_where_a_program_is_missing(helper, mark, says, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    found = runpy.run_path(str(ROOT / "tests" / f"{helper}.py"))[mark].mark
    assert found.args == (True,) and found.kwargs["reason"].startswith(says)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder with sdist and wheel, built from a copy."""
    pytest.importorskip("build")
    source = tmp_path_factory.mktemp("source")
    for name in (*BUILT_FROM, *BUILT_BY):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    (source / "tests").mkdir()
    (source / "tests" / "test_something.py").touch()  # setuptools would take it along
    call([sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", source], cwd=source)
    return source / "dist"


def call(command, **options) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_and_sdist_hold_the_library_and_nothing_else(built):
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "compress").rglob("*") if path.is_file()}
    ours = {name for name in ours if "__pycache__" not in name}
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
    assert {name for name in files if ".dist-info/" not in name} == ours
    assert {"compress/py.typed", "compress/report/templates/report.html", "compress/export/javascript/net.js"} <= files
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    made = {name for name in names if ".egg-info/" in name} | {"PKG-INFO"}
    assert names - made == ours | {*BUILT_FROM[1:], *BUILT_BY}
    pytest.importorskip("twine")
    call([sys.executable, "-m", "twine", "check", "--strict", wheel, sdist])


def python_blocks(page: str, heading: str) -> list[str]:
    """The Python blocks below a heading."""
    text = (ROOT / page).read_text(encoding="utf-8")
    part = text[text.index(f"\n{heading}\n") :]
    return re.findall(r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL)


LIGHT = """
import sys
from compress import load_predictor
predict = load_predictor("student.safetensors")
print(predict([[0.0] * 64]).shape, "torch" in sys.modules)
"""


def use(python: Path, folder: Path) -> None:
    """What README shows, in an environment and a folder that know nothing of this repository."""
    where = call([python, "-c", "import compress; print(compress.__file__)"], cwd=folder).strip()
    assert Path(where).is_relative_to(python.parents[1])
    called = [f'from importlib.metadata import version; assert version("{DISTRIBUTION}") == "{compress.__version__}"']
    call([python, "-c", *called], cwd=folder)
    (folder / "example.py").write_text(python_blocks("README.md", "## As a library")[0])
    assert "student 0.9" in call([python, "example.py"], cwd=folder)
    assert call([python, "-c", LIGHT], cwd=folder).split() == ["(1,", "10)", "False"]
    rows = "".join(f"{i % 7},{i % 5},{'high' if i % 7 + i % 5 > 5 else 'low'}\n" for i in range(200))
    (folder / "train.csv").write_text("a,b,level\n" + rows)
    command = python.with_name(DISTRIBUTION)
    fast = ["--size-multiplier", "5", "--epochs", "3", "--hidden", "8", "--p", "0.2"]
    call([command, "fit", "train.csv", "--target", "level", *fast, "--out", "s.safetensors"], cwd=folder)
    lines = call([command, "predict", "s.safetensors", "train.csv", "--drop", "level"], cwd=folder).splitlines()
    assert len(lines) == 201 and lines[0].startswith("prediction,")
    call([python, "-m", "compress", "export", "s.safetensors", "--js", "s.mjs", "--c", "s.c"], cwd=folder)
    assert "export" in (folder / "s.mjs").read_text()


def new_environment(folder: Path) -> Path:
    """The Python of a new virtual environment."""
    call([sys.executable, "-m", "venv", folder])
    return folder / "bin" / "python"


@pytest.mark.slow
def test_the_wheel_works_as_readme_says_outside_the_repository(built, tmp_path):
    # what it depends on is borrowed from here, so that this needs no index; our own editable install is not seen
    python = new_environment(tmp_path / "env")
    site = call([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    call([python, "-m", "pip", "install", "--no-deps", "--quiet", *built.glob("*.whl")])
    (tmp_path / "elsewhere").mkdir()
    use(python, tmp_path / "elsewhere")


@pytest.mark.slow
@pytest.mark.network
def test_the_wheel_and_all_that_it_depends_on_install_in_a_fresh_environment(built, tmp_path):
    python = new_environment(tmp_path / "env")
    (wheel,) = built.glob("*.whl")
    call([python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", f"{wheel}[cli]"])
    (tmp_path / "elsewhere").mkdir()
    use(python, tmp_path / "elsewhere")
