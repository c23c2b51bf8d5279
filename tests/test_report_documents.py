"""RESULTS.md and README quote the stored reports, and nothing else."""

import pytest

from experiments import report


def test_results_are_what_the_stored_reports_say():
    assert (report.ROOT / "RESULTS.md").read_text() == report.results()


@pytest.mark.parametrize("name", report.tables())
def test_documents_quote_the_stored_table(name):
    text = (report.ROOT / name).read_text()
    assert report.quoting(text, report.tables()[name]) == text


def test_the_stored_table_is_computed_from_the_stored_runs(tmp_path):
    from experiments._runner import read_reports
    from experiments.model_compression import summary
    from experiments.model_compression_table import headline, markdown

    folder = report.RESULTS / "model_compression"
    records = summary(read_reports(folder))
    assert markdown(records) == (folder / "table.md").read_text()
    assert headline(records) == (folder / "headline.md").read_text()
