"""The experiments on distillation run from start to end at their small size, and keep what is finished."""

import importlib
import json

import pytest


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["hinton", "mimic", "fitnets"])
def test_quick_runs_write_report_table_and_plot(name, tmp_path, capsys):
    script = importlib.import_module(f"experiments.{name}")
    request = ["--quick", "--seeds", "0", "--n-jobs", "1", "--out", str(tmp_path)]
    script.main(request)
    report = json.loads((tmp_path / "mnist" / "0" / "report.json").read_text())
    assert all(0 <= row["accuracy"] <= 100 for row in report["results"]["metrics"].values())
    table = (tmp_path / "table.md").read_text()
    assert table.startswith("1 seeds") and len(list(tmp_path.glob("*.png"))) == 1
    script.main(request)
    assert "finished before, kept" in capsys.readouterr().out
    assert (tmp_path / "table.md").read_text() == table
