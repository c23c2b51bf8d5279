"""The benchmark of a GPU runs without one, small, and loses nothing when a part fails."""

import json
from pathlib import Path

import pytest
import torch

from experiments.benchmarks import gpu, gpu_cases, gpu_checks, gpu_table


@pytest.mark.skipif(torch.cuda.is_available(), reason="small runs are for machines without a GPU")
def test_all_parts_run_small_and_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu_checks, "CASES", {name: gpu_cases.CASES[name] for name in gpu_checks.PICKLED})
    assert gpu.main(["--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert list(report["parts"]) == list(gpu.PARTS)
    assert not any("failed" in part or "left_out" in part for part in report["parts"].values())
    table = (tmp_path / "gpu.md").read_text()
    assert "no GPU" in table and all(f"### {name}" in table for name in gpu.PARTS)
    assert set(report["parts"]["cases"]["read_back"].values()) == {0.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", gpu_cases.CASES)
def test_every_case_can_be_fitted(name):
    assert gpu_checks.compare(name, [0], "cpu")["agrees"]


def test_a_part_that_fails_is_told_and_the_next_ones_run(tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("no such card")

    monkeypatch.setitem(gpu.PARTS, "cases", (broken, 0))
    assert gpu.main(["--out", str(tmp_path), "--small", "--parts", "cases", "labelling"]) == 1
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert "no such card" in parts["cases"]["failed"]
    assert parts["labelling"]["device"] > 0


def test_an_estimator_that_fails_does_not_stop_the_others(monkeypatch, capsys):
    def broken(seed, device):
        raise ValueError("not on this device")

    monkeypatch.setattr(gpu_checks, "CASES", {"bad": broken, "MimicRegressor": gpu_cases.CASES["MimicRegressor"]})
    monkeypatch.setattr(gpu_checks, "read_back", lambda device: {})
    found = gpu.cases(torch.device("cpu"), gpu.SMALL, lambda: 1000)["cases"]
    assert ["failed" in row for row in found] == [True, False]


def test_the_page_shows_what_is_stored_or_says_that_nothing_is():
    root = Path(gpu_table.__file__).parents[2]
    page = (root / gpu.PAGE).read_text()
    assert page == gpu_table.in_page(page, gpu.stored(root / gpu.OUT))


def test_small_runs_are_no_measurement_of_a_card():
    page = f"before {gpu_table.BEGIN} old {gpu_table.END} after"
    report = {"machine": {"gpu": "Card A", "cpu": "", "cores": 2}, "setting": {"small": True}, "parts": {}}
    report["versions"] = {"torch": "2"}
    assert gpu_table.NOT_RUN in gpu_table.in_page(page, report)
    report["setting"]["small"] = False
    measured = gpu_table.in_page(page, report)
    assert "Measured on: Card A" in measured and "old" not in measured and measured.endswith("after")
