"""RESULTS.md and README quote the stored reports, and nothing else."""

import importlib
import json
import shutil
from pathlib import Path

import pytest

from experiments import report


def test_results_are_what_the_stored_reports_say():
    assert (report.ROOT / "RESULTS.md").read_text() == report.results()


@pytest.mark.parametrize("name", report.tables())
def test_documents_quote_the_stored_table(name):
    text = (report.ROOT / name).read_text()
    assert report.quoting(text, report.tables()[name]) == text


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the stored results: some experiments quote others' summaries."""
    return Path(shutil.copytree(report.RESULTS, tmp_path_factory.mktemp("stored") / "results"))


@pytest.mark.parametrize("name", [n for n in report.ORDER if (report.RESULTS / n / "table.md").is_file()])
def test_every_table_is_computed_from_the_stored_runs(name, copied, monkeypatch):
    experiment = importlib.import_module(f"experiments.{name}")
    monkeypatch.setattr(experiment, "run_one", lambda *args: pytest.fail("a stored run is not of this configuration"))
    folder = copied / name
    first = json.loads(min(folder.glob("*/*/report.json")).read_text())
    tables = {path.name: path.read_text() for path in folder.glob("*.md")}
    for path in folder.glob("*.md"):
        path.unlink()
    request = ["--problems", first["problem"], "--seeds", str(first["seed"]), "--n-jobs", "1"]
    experiment.main([*request, "--out", str(folder)])
    assert {path.name: path.read_text() for path in folder.glob("*.md")} == tables
