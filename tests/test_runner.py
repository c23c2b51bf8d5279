"""Runs on disk: nothing finished is done twice, nothing unfinished is trusted, bad requests end at once."""

import json
import os
from argparse import Namespace

import numpy as np
import pytest

from experiments._runner import check_request, parser, publish, read_reports, run_grid, write_atomically, write_json


@pytest.fixture
def request_(tmp_path):
    arguments = parser("An experiment.", problems=["letter.p2"], seeds=[0, 1], out=str(tmp_path / "runs"))
    return arguments.parse_args([])


class Experiment:
    """Counts its runs."""

    def __init__(self):
        self.done = []

    def __call__(self, problem, seed, config):
        self.done.append((problem, seed))
        return {"rmse": np.float64(0.25), "seed": np.int64(seed)}


def quiet(*args, **kwargs):
    pass


def run(request_, config=None, **changes):
    experiment = Experiment()
    reports = run_grid(Namespace(**{**vars(request_), **changes}), config or {"rows": 10}, experiment, log=quiet)
    return experiment.done, reports


def test_every_problem_and_seed_is_run_and_reported(request_):
    done, reports = run(request_)
    assert done == [("letter.p2", 0), ("letter.p2", 1)]
    assert read_reports(request_.out, {"rows": 10}) == json.loads(json.dumps(reports, default=float))
    assert reports[0]["config"] == {"rows": 10}
    assert {"versions", "machine", "seconds"} <= set(reports[0])


def test_a_finished_run_is_skipped_and_reported_again(request_):
    _, first = run(request_)
    done, again = run(request_)
    assert done == []
    assert again == json.loads(json.dumps(first, default=float))


def test_an_interrupted_run_is_redone_and_the_ones_before_it_kept(request_):
    def interrupted(problem, seed, config):
        if seed == 1:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        run_grid(request_, {"rows": 10}, interrupted, log=quiet)
    assert run(request_)[0] == [("letter.p2", 1)]


@pytest.mark.parametrize("content", ["", '{"config": {"rows": 10', "[]"], ids=["empty", "half", "foreign"])
def test_half_a_report_is_no_report(request_, content):
    run(request_)
    (request_.out / "letter.p2" / "0" / "report.json").write_text(content)
    assert run(request_)[0] == [("letter.p2", 0)]


def test_force_redoes_all(request_):
    run(request_)
    assert len(run(request_, force=True)[0]) == 2


def test_a_changed_configuration_is_run_anew(request_):
    run(request_)
    assert len(run(request_, {"rows": 20})[0]) == 2
    assert run(request_, {"rows": 20})[0] == []


def test_only_runs_of_the_configuration_share_a_table(request_):
    run(request_, {"rows": 10}, seeds=[0])
    run(request_, {"rows": 20}, seeds=[1])
    run(request_, {"rows": 20, "chosen": 0.5}, seeds=[2])
    assert [r["seed"] for r in read_reports(request_.out, {"rows": 20})] == [1, 2]
    assert [r["seed"] for r in read_reports(request_.out, {"rows": 20, "chosen": 0.5})] == [2]


def test_a_configuration_with_tuples_equals_its_json(request_):
    run(request_, {"pairs": ((0.1, 5.0),)})
    assert run(request_, {"pairs": ((0.1, 5.0),)})[0] == []


def test_the_old_file_stays_whole_until_the_new_one_is_complete(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_json(path, {"a": 1})
    monkeypatch.setattr(os, "replace", lambda *args: (_ for _ in ()).throw(OSError("no")))
    monkeypatch.setattr(type(path), "replace", lambda *args: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        write_atomically(path, "half")
    assert json.loads(path.read_text()) == {"a": 1}


# ---------------------------------------------------------------- bad requests
@pytest.mark.parametrize(
    "change, message",
    [
        ({"problems": ["letter.p9"]}, r"--problems must be among .*letter\.p1.*got 'letter\.p9'"),
        ({"seeds": [-1]}, r"--seeds must lie in \[0, 2\*\*32\), got -1"),
        ({"seeds": [2**32]}, r"--seeds must lie in \[0, 2\*\*32\), got 4294967296"),
    ],
)
def test_bad_requests_are_named(request_, change, message):
    with pytest.raises(SystemExit, match=message):
        check_request(Namespace(**{**vars(request_), **change}))


def test_a_folder_that_cannot_be_written_to_is_named(request_, tmp_path):
    file = tmp_path / "a file"
    file.write_text("")
    with pytest.raises(SystemExit, match="--out must be a folder that can be written to, got .*a file"):
        check_request(Namespace(**{**vars(request_), "out": file / "runs"}))


def test_a_seed_that_is_no_number_is_refused_by_the_command_line(capsys):
    with pytest.raises(SystemExit):
        parser("", problems=[], seeds=[], out="out").parse_args(["--seeds", "one"])
    assert "--seeds" in capsys.readouterr().err


def test_a_quick_run_that_names_no_folder_leaves_full_runs_alone():
    arguments = parser("", problems=["letter.p2"], seeds=[0], out="experiments/results/some")
    assert arguments.parse_args([]).out.as_posix() == "experiments/results/some"
    assert arguments.parse_args(["--quick"]).out.as_posix() == "out/quick/some"
    assert arguments.parse_args(["--quick", "--out", "elsewhere"]).out.as_posix() == "elsewhere"


def test_publish_writes_and_names_summary_table_and_plots(tmp_path, capsys):
    publish(tmp_path, "| a |\n", records=[{"seed": 1}], files=[tmp_path / "a.png"])
    assert json.loads((tmp_path / "summary.json").read_text()) == [{"seed": 1}]
    assert (tmp_path / "table.md").read_text() == "| a |\n"
    said = capsys.readouterr().out
    assert all(f"written: {tmp_path / name}" in said for name in ("summary.json", "table.md", "a.png"))
