"""The benchmark of scale measures what it says, small, and keeps what it has measured."""

import json

import pytest

from experiments.benchmarks import scale, scale_tasks

pytest.importorskip("pyarrow")


def test_each_task_measures(tmp_path):
    written = scale_tasks.write(str(tmp_path / "set"), 30_000)
    assert written["rows"] == 30_000 and written["bytes"] > 0 and written["shards"] == 2
    learned = scale_tasks.train(str(tmp_path / "set"))
    assert learned["rows"] == 30_000 and 0 < learned["rmse_to_teacher"] < 0.5


def test_what_is_measured_is_kept_and_shown(tmp_path, monkeypatch, capsys):
    calls = []
    numbers = {"rows": 1000, "seconds": 2.0, "bytes": 10**6, "shards": 3, "peak_mib": 400.0, "child_peak_mib": 0.0}
    answers = {"stages": {"generate": 0.2, "peak_mib": 1.0}, "fit": {**numbers, "family": "TreeStudentClassifier"}}
    answers["train"] = {**numbers, "rmse_to_teacher": 0.05}

    def measured(task, **settings):
        calls.append(task)
        return answers.get(task, numbers)

    monkeypatch.setattr(scale, "measured", measured)
    arguments = ["--small", "--out", str(tmp_path), "--scratch", str(tmp_path / "scratch")]
    scale.main(arguments)
    n_calls = len(calls)
    scale.main(arguments)
    assert len(calls) == n_calls
    found = json.loads((tmp_path / "scale.json").read_text())["found"]
    assert {name.split("/")[0] for name in found} == {"stages", "memory", "ensemble", "workers", "student", "originals"}
    table = (tmp_path / "scale.md").read_text()
    assert "| 1,000 | 3 | 1 | 2 | 500 | 400 |" in table and "two Dask workers" in table
    assert (tmp_path / "scale.png").stat().st_size > 0 and not (tmp_path / "scratch").exists()
