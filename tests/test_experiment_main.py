"""The main that every experiment shares: what a script hands over is used, and nothing else differs."""

import argparse
import json

import pytest

from experiments._main import flat, run


@pytest.fixture
def runs():
    """What `run_one` was called with."""
    return []


@pytest.fixture
def started(tmp_path, runs):
    """Start a small experiment; keywords replace what it declares."""

    def run_one(problem, seed, config, n_jobs):
        runs.append((problem, seed, config, n_jobs))
        return {"error": seed / 10}

    def start(*argv, one=run_one, **changes):
        declared = {
            "name": "some",
            "problems": ["a", "b"],
            "known": ["a", "b", "c"],
            "seeds": [1, 2],
            "configs": {"full": {"rows": 100}, "quick": {"rows": 10}},
            "table": lambda records: f"{len(records)} records\n",
        }
        run([*argv, "--out", str(tmp_path)], "Some experiment.", one, **{**declared, **changes})
        return tmp_path

    return start


def test_all_problems_and_seeds_of_the_declaration_are_run_by_default(started, runs):
    started()
    assert [(problem, seed) for problem, seed, *_ in runs] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_the_configuration_is_that_of_the_size_asked_for(started, runs):
    started("--seeds", "1", "--problems", "a")
    started("--quick", "--seeds", "1", "--problems", "a")
    assert [config for *_, config, _ in runs] == [{"rows": 100}, {"rows": 10}]


def test_a_run_is_given_the_keywords_that_it_names(started, runs):
    started("--n-jobs", "3", "--seeds", "1", "--problems", "a")
    assert runs[0][-1] == 3


def test_a_run_that_names_steps_keeps_them_until_its_report_stands(started):
    kept = []

    def in_steps(problem, seed, config, steps):
        kept.append(steps("one", lambda: seed))
        assert "one" in steps
        return {}

    out = started("--problems", "a", "--seeds", "5", one=in_steps)
    assert kept == [5]
    assert not (out / "a" / "5" / ".steps").exists()


def test_the_summary_has_the_records_and_the_table_is_made_from_them(started):
    out = started(records=flat)
    assert json.loads((out / "summary.json").read_text())[0] == {"problem": "a", "seed": 1, "error": 0.1}
    assert (out / "table.md").read_text() == "4 records\n"


def test_without_records_there_is_no_summary(started):
    assert not (started() / "summary.json").exists()


def test_further_files_are_written_and_named(started, capsys):
    def files(records, out):
        (out / "more.md").write_text("more")
        return [out / "more.md"]

    out = started(files=files)
    assert f"written: {out / 'more.md'}" in capsys.readouterr().out


def test_what_was_chosen_belongs_to_the_configuration_of_the_runs(started, runs):
    out = started("--seeds", "1", choose=lambda problem, config, args: {"chosen": {problem: config["rows"]}})
    assert [config for *_, config, _ in runs] == [{"rows": 100, "chosen": {name: 100}} for name in ("a", "b")]
    assert (out / "table.md").read_text() == "2 records\n"


def test_an_error_of_a_further_option_is_one_of_the_command_line(started, runs, capsys):
    def refuse(config, args):
        raise ValueError(f"--sizes must be positive; got {args.sizes}.")

    def add(arguments: argparse.ArgumentParser):
        arguments.add_argument("--sizes", type=int)

    with pytest.raises(SystemExit):
        started("--sizes", "0", options=[add], configure=refuse)
    assert "--sizes must be positive; got 0." in capsys.readouterr().err
    assert runs == []


def test_a_problem_that_the_experiment_does_not_know_ends_before_any_run(started, runs):
    with pytest.raises(SystemExit, match="--problems must be among a, b, c; got 'd'"):
        started("--problems", "a", "d")
    assert runs == []
