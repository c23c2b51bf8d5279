"""RESULTS.md and README quote the stored reports, and nothing else."""

import importlib
import json
import re
import shutil
from pathlib import Path

import pytest

from experiments import model_compression, report
from experiments._runner import read_reports
from experiments.model_compression_table import headline


def test_results_are_what_the_stored_reports_say():
    assert (report.ROOT / "RESULTS.md").read_text() == report.results()


@pytest.mark.parametrize("name", report.tables())
def test_documents_quote_the_stored_table(name):
    text = (report.ROOT / name).read_text()
    assert report.quoting(text, report.tables()[name]) == text


def test_readme_shows_the_stored_run_of_the_demo():
    (record,) = model_compression.summary(read_reports(report.RESULTS / "demo", model_compression.DEMO))
    _, _, shown = (report.ROOT / "README.md").read_text().partition("```text\nletter.p2 seed 0\n")
    shown, _, _ = shown.partition("```")
    stages = [seconds for stage, seconds in record["stage_seconds"].items() if stage not in ("generate", "label")]
    assert re.findall(r"^    (.*) s$", shown, re.MULTILINE) == [f"{seconds:.1f}" for seconds in stages]
    assert headline([record]) in shown


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
