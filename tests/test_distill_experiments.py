"""The experiments on distillation run from start to end at their small size, and keep what is finished."""

import importlib
import json

import numpy as np
import pytest

from experiments._distillation import climbed, remembered
from experiments.cascade import narrowed


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


def test_a_search_goes_on_beyond_the_edge_where_the_best_is():
    assert list(climbed([1.0, 3.0], lambda v: -abs(v - 20), further=2)) == [1.0, 3.0, 9.0, 27.0]
    assert list(climbed([1.0, 3.0], lambda v: v, further=1)) == [1.0, 3.0, 9.0]
    assert list(climbed([1.0, 3.0, 9.0], lambda v: -abs(v - 3))) == [1.0, 3.0, 9.0]


def test_a_stopped_search_goes_on_and_one_of_another_configuration_begins_anew(tmp_path):
    asked = []

    def judge(**settings):
        asked.append(settings)
        return settings["weight"] / 2

    notes = tmp_path / "notes.json"
    assert remembered(notes, {"epochs": 2}, judge)(weight=3.0) == 1.5
    assert remembered(notes, {"epochs": 2}, judge)(weight=3.0) == 1.5
    assert len(asked) == 1
    assert remembered(notes, {"epochs": 3}, judge)(weight=3.0) == 1.5
    assert len(asked) == 2


def test_what_a_stage_leaves_out_comes_after_all_that_it_keeps():
    scores = np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]])
    kept = np.array([[1, 2], [0, -1]])  # the second user has one film left
    assert np.argsort(-narrowed(scores, kept), axis=1, kind="stable").tolist() == [[2, 1, 0], [0, 1, 2]]
