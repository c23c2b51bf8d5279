"""What long work says of itself, where there is no terminal."""

import logging

import numpy as np
import pytest

from compress import StudentRegressor
from compress.evaluation import Progress, duration, progress, say


@pytest.fixture
def every_update(monkeypatch):
    monkeypatch.setattr("compress.evaluation._progress.SECONDS_BETWEEN_LINES", 0)


def test_lines_go_to_stderr_where_nobody_has_set_logging_up(capsys):
    logging.getLogger("compress").setLevel(logging.NOTSET)
    say("a line", verbose=1)
    assert capsys.readouterr() == ("", "a line\n")


def test_lines_go_to_the_logger_where_logging_is_set_up(caplog, capsys):
    with caplog.at_level(logging.INFO, logger="compress"):
        say("a line", verbose=1)
    assert caplog.messages == ["a line"]
    assert capsys.readouterr().err == ""


def test_who_wants_less_reads_less(capsys):
    say("for all", verbose=0)
    say("for the curious", verbose=1, level=2)
    assert capsys.readouterr().err == ""


def test_progress_is_told_with_what_is_left(capsys, every_update):
    assert list(progress("abc", 3, "labelling", "block", 1)) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[0].startswith("labelling: 1 of 3 blocks, about ")  # the end goes without saying
    assert lines[0].endswith(" left")


def test_silence_is_silent(capsys, every_update):
    list(progress("abc", 3, "labelling", "block", 0))
    assert capsys.readouterr() == ("", "")


def test_facts_stand_beside_the_count(capsys, every_update):
    with Progress(10, "student", "step", 1) as shown:
        shown.update(5, loss="0.31")
    assert "student: 5 of 10 steps, loss 0.31, about" in capsys.readouterr().err


@pytest.mark.parametrize("seconds, said", [(0.42, "0.4 s"), (12.3, "12 s"), (200, "3 min"), (9000, "2.5 h")])
def test_times_are_for_people(seconds, said):
    assert duration(seconds) == said


def test_verbose_2_tells_each_epoch(capsys):
    X = np.linspace(0, 1, 64).reshape(-1, 1)
    StudentRegressor((2,), max_epochs=3, verbose=2, random_state=0).fit(X, X[:, 0])
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"student: epoch {k} of 3" for k in (1, 2, 3)]
