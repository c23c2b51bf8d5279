"""RESULTS.md, the pages of the experiments and README quote the stored runs, and nothing else."""

import importlib
import json
import re
import shutil
from pathlib import Path

import pytest

from experiments import model_compression, report
from experiments._claims import HOLDS, NO, PARTLY, claims, every, most
from experiments._runner import read_reports
from experiments.model_compression_table import headline

NAMES = (*report.ORDER, report.BENCHMARK)
PAGES = {name: report.RESULTS / name / "README.md" for name in NAMES}
DOCUMENTS = [report.ROOT / name for name in ("README.md", "RESULTS.md", "experiments/README.md")]
DOCUMENTS += [report.ROOT / "docs" / f"{name}.md" for name in ("serving", "shipping", "theory", "systems")]
DOCUMENTS += [report.ROOT / "docs" / "systems" / f"{name}.md" for name in report.SYSTEMS]
BARE = re.compile(r"(?<![\w.,*/])\.\d")  # .84 in place of 0.84
NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")
HAND_WRITTEN = {"README.md", "reading.md"}


def without_code(path):
    """A page's text without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", report.documents())
def test_every_document_is_what_the_stored_runs_say(name):
    assert (report.ROOT / name).read_text() == report.documents()[name]


def test_check_names_the_documents_that_are_out_of_date(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "documents", lambda: {"RESULTS.md": "other figures"})
    with pytest.raises(SystemExit, match=r"RESULTS\.md: not what the stored runs say"):
        report.main(["--check"])


def test_the_page_of_the_reproduction_shows_the_stored_run_of_the_demo():
    (record,) = model_compression.summary(read_reports(report.RESULTS / "demo", model_compression.DEMO))
    _, _, shown = (report.ROOT / "docs" / "reproduce.md").read_text().partition("```text\nletter.p2 seed 0\n")
    shown, _, _ = shown.partition("```")
    stages = [seconds for stage, seconds in record["stage_seconds"].items() if stage not in ("generate", "label")]
    assert re.findall(r"^    (.*) s$", shown, re.MULTILINE) == [f"{seconds:.1f}" for seconds in stages]
    assert headline([record]) in shown


# ---------------------------------------------------------------- RESULTS.md
@pytest.mark.parametrize("name", NAMES)
def test_the_site_lists_every_page(name):
    assert f"\n../experiments/results/{name}/README\n" in (report.ROOT / "docs" / "results.md").read_text()


def test_results_is_one_page():
    assert len((report.ROOT / "RESULTS.md").read_text().splitlines()) <= 120


def test_every_experiment_has_a_claim():
    assert {claim.page for family in claims().values() for claim in family} == set(NAMES)


@pytest.mark.parametrize("claim", [c for family in claims().values() for c in family], ids=lambda c: c.judge.__name__)
def test_a_claim_has_a_figure_and_a_verdict(claim):
    figure, verdict = claim.judge()
    assert re.search(r"\d", figure)
    assert verdict in (HOLDS, PARTLY, NO)


def test_a_claim_about_every_case_does_not_hold_when_one_differs():
    assert every(6, 6) == HOLDS
    assert every(5, 6) == NO


def test_a_claim_about_most_cases_holds_partly_from_half_on():
    assert [most(n, 4) for n in range(5)] == [NO, NO, PARTLY, PARTLY, HOLDS]


# ---------------------------------------------------------------- pages
@pytest.mark.parametrize("name", NAMES)
def test_a_reading_has_at_most_150_words(name):
    assert len((report.RESULTS / name / "reading.md").read_text().split()) <= 150


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_reading_stands_in_its_page(name):
    _, _, rest = PAGES[name].read_text().partition("\n## Reading\n")
    reading, _, tables = rest.partition("\n## Tables\n")
    setup = PAGES[name].read_text().partition("\n## Reading\n")[0]
    known = [float(n.replace(",", "")) for n in NUMBER.findall(setup + tables)]
    reading = re.sub(r"^\d\. ", "", reading, flags=re.MULTILINE)  # of a list
    for said in NUMBER.findall(reading):
        value, digits = float(said.replace(",", "")), len(said.partition(".")[2])
        # a number with decimals may be rounded, one without may not
        assert value in known or digits and value in [round(other, digits) for other in known], said


@pytest.mark.parametrize("path", [*PAGES.values(), *DOCUMENTS], ids=lambda path: path.parent.name + "/" + path.name)
def test_numbers_below_one_have_a_zero_before_the_point(path):
    assert not [line for line in without_code(path).splitlines() if BARE.search(line)]


@pytest.mark.parametrize("path", sorted(report.RESULTS.glob("**/*.md")) + DOCUMENTS, ids=lambda path: path.parent.name)
def test_tables_have_at_most_ten_columns(path):
    rows = [line for line in without_code(path).splitlines() if line.startswith("|")]
    assert all(row.count("|") - 1 <= 10 for row in rows)


@pytest.mark.parametrize("path", [*PAGES.values(), *DOCUMENTS], ids=lambda path: path.parent.name + "/" + path.name)
def test_links_of_a_page_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        made = target.removeprefix("../").startswith("gallery/")  # by `make docs`
        assert "://" in target or made or (path.parent / target).exists(), target


# ---------------------------------------------------------------- tables
@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the stored results: some experiments quote others' summaries."""
    return Path(shutil.copytree(report.RESULTS, tmp_path_factory.mktemp("stored") / "results"))


@pytest.mark.parametrize("name", report.ORDER)
def test_every_table_is_computed_from_the_stored_runs(name, copied, monkeypatch):
    experiment = importlib.import_module(f"experiments.{name}")
    monkeypatch.setattr(experiment, "run_one", lambda *args: pytest.fail("a stored run is not of this configuration"))
    folder = copied / name
    first = json.loads(min(folder.glob("*/*/report.json")).read_text())
    tables = {path: path.read_text() for path in folder.glob("*.md") if path.name not in HAND_WRITTEN}
    for path in tables:
        path.unlink()
    request = ["--problems", first["problem"], "--seeds", str(first["seed"]), "--n-jobs", "1"]
    experiment.main([*request, "--out", str(folder)])
    assert {path: path.read_text() for path in tables} == tables
