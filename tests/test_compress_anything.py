"""The experiments on six tables in small: their files, and that test rows are seen by the report alone."""

import json

import pytest
import torch

from compress.compressor._base import BaseCompressor
from compress.students import BaseStudent
from experiments import compress_anything, numerical_embeddings, original_labels


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


# ------------------------------------------------------------------------- numerical_embeddings
def test_embedded_students_store_no_more_than_the_plain_one():
    rows = torch.randn(50, 6)  # four continuous columns, two flags
    plain, units = numerical_embeddings.small_net(rows, 4, 3, numbers=16 * (6 + 1 + 3), options={})
    assert units == 16
    for options in list(numerical_embeddings.WAYS.values())[1:]:
        net, units = numerical_embeddings.small_net(rows, 4, 3, numbers=16 * (6 + 1 + 3), options=options)
        assert net(rows).shape == (50, 3)
        stored = sum(p.numel() for p in net.parameters()) + (4 + 4 * options["bins"] if "bins" in options else 0)
        assert units < 16 and 0.7 * numbers_of(plain) < stored <= numbers_of(plain)


def numbers_of(net):
    return sum(p.numel() for p in net.parameters())


def test_piecewise_fills_bins_from_the_left():
    x = torch.linspace(0, 4, 101)[:, None]
    embed = numerical_embeddings.Piecewise(x, bins=4)
    shares = embed(torch.tensor([[1.5, 7.0], [-1.0, 8.0], [5.0, 9.0]]))
    assert torch.allclose(shares[:, :4], torch.tensor([[1, 0.5, 0, 0], [-1, 0, 0, 0], [1, 1, 1, 2.0]]), atol=1e-5)
    assert shares[:, 4].tolist() == [7, 8, 9]  # what is not continuous passes


def test_numerical_embeddings_in_small(tmp_path):
    small = ["--quick", "--problems", "casp", "--seeds", "0", "--n-jobs", "1", "--out", str(tmp_path)]
    numerical_embeddings.main(small)
    report = json.loads((tmp_path / "casp" / "0" / "report.json").read_text())
    assert len(report["results"]) == len(numerical_embeddings.WAYS)
    assert all(0 < result["rmse"] < 20 for result in report["results"].values())
