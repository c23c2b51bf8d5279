"""The experiments on six tables in small: their files, and that test rows are seen by the report alone."""

import json

import pytest

from compress._compressor import BaseCompressor
from compress._student import BaseStudent
from experiments import compress_anything, original_labels


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    seen = {"fitted": set(), "test": set()}
    with pytest.MonkeyPatch.context() as monkeypatch:
        load = compress_anything.load_problem

        def loaded(*args, **kwargs):
            problem = load(*args, **kwargs)
            seen["test"] |= set(problem.X_test.index)
            return problem

        def watched(fit):
            def inner(self, X, *args, **kwargs):
                for table in (X, kwargs.get("X_val")):
                    if hasattr(table, "iloc"):
                        seen["fitted"] |= set(table.index)  # the row number in the data
                return fit(self, X, *args, **kwargs)

            return inner

        monkeypatch.setattr(compress_anything, "load_problem", loaded)
        for owner in (BaseCompressor, BaseStudent):
            monkeypatch.setattr(owner, "fit", watched(owner.fit))
        arguments = ["--quick", "--problems", "adult", "--seeds", "1", "--n-jobs", "1", "--out", str(out)]
        compress_anything.main(arguments)
    return out, seen


def test_test_rows_are_never_fitted_or_chosen_on(finished):
    _, seen = finished
    assert len(seen["fitted"]) == 450
    assert not seen["fitted"] & seen["test"]


def test_summary_and_table_hold_the_comparison(finished):
    (record,) = json.loads((finished[0] / "summary.json").read_text())
    assert (record["problem"], record["seed"]) == ("adult", 1)
    assert set(record["rmse"]) == {"teacher", "control", "student"}
    assert 0 < record["agreement"] <= 1
    assert record["bytes"]["teacher"] > record["bytes"]["student"]
    assert "of 1 tables" in (finished[0] / "table.md").read_text()


def test_labels_of_original_rows_are_compared_on_validation_rows(tmp_path):
    original_labels.main(["--quick", "--problems", "letter", "--seeds", "0", "--n-jobs", "1", "--out", str(tmp_path)])
    (record,) = json.loads((tmp_path / "summary.json").read_text())
    assert set(record["valid_rmse"]) == {"teacher", "true", "out_of_fold"}
