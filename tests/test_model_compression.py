"""The main job in small: its files, and that no test row is ever learned or chosen from."""

import json

import pytest

from compress import EnsembleTeacherClassifier, StudentClassifier, TransferSet
from compress.generators import MUNGE
from experiments import model_compression


class Watch:
    """The row numbers of every table handed to what fits or chooses."""

    def __init__(self, monkeypatch):
        self.rows, self.calls, self.problem = set(), [], None
        load = model_compression.load_problem

        def loaded(*args, **kwargs):
            self.problem = load(*args, **kwargs)
            return self.problem

        monkeypatch.setattr(model_compression, "load_problem", loaded)
        self.watch(monkeypatch, model_compression, "tune_munge")
        for owner in (EnsembleTeacherClassifier, StudentClassifier, MUNGE):
            self.watch(monkeypatch, owner, "fit")
        for name in ("fit_teacher", "best_control", "fit_student"):
            self.watch(monkeypatch, model_compression.protocol, name)
        label = TransferSet.from_teacher.__func__

        def from_teacher(cls, teacher, X, **kwargs):
            self.see("from_teacher", X)
            return label(cls, teacher, X, **kwargs)

        monkeypatch.setattr(TransferSet, "from_teacher", classmethod(from_teacher))

    def watch(self, monkeypatch, owner, name):
        original = getattr(owner, name)

        def watched(*args, **kwargs):
            self.see(name, *args, *kwargs.values())
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    def see(self, name, *values):
        self.calls.append(name)
        for value in values:
            if hasattr(value, "iloc"):  # the index of a problem's table is the row number in the data
                self.rows |= set(value.index)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        watch = Watch(monkeypatch)
        arguments = ["--quick", "--problems", "letter.p2", "--seeds", "3", "--n-jobs", "1", "--out", str(out)]
        model_compression.main(arguments)
    return out, watch


def test_test_rows_are_never_given_to_what_learns_or_chooses(finished):
    _, watch = finished
    assert {"fit", "tune_munge", "fit_teacher", "best_control", "from_teacher"} <= set(watch.calls)
    assert set(watch.problem.X_train.index) <= watch.rows
    assert not watch.rows & set(watch.problem.X_test.index)


def test_the_summary_has_what_others_read(finished):
    (record,) = json.loads((finished[0] / "summary.json").read_text())
    assert (record["problem"], record["seed"]) == ("letter.p2", 3)
    for metric in ("rmse", "auc"):
        assert set(record[metric]) == {"T", "best_single", "S1", "S2", "S2_same"}
        assert all(0 < value < 1 for value in record[metric].values())
    for cost in ("size_bytes", "seconds_per_10k"):
        assert record[cost]["T"] > record[cost]["S1"] > 0
    assert {"ratio", "fidelity_rmse"} <= set(record)
    assert {"teacher", "S1", "S2", "tune", "generate", "label"} <= set(record["stage_seconds"])


def test_the_ratio_is_the_papers(finished):
    (record,) = json.loads((finished[0] / "summary.json").read_text())
    r = record["rmse"]
    assert record["ratio"] == pytest.approx((r["S2"] - r["S1"]) / (r["S2"] - r["T"]))


def test_reports_table_and_plots_are_written(finished):
    names = {path.relative_to(finished[0]).as_posix() for path in finished[0].rglob("*.*")}
    assert {"letter.p2/3/report.json", "summary.json", "table.md", "rmse.png", "tradeoff.png"} <= names


def test_a_repeated_command_does_nothing_twice(finished, monkeypatch, capsys):
    monkeypatch.setattr(model_compression, "run_one", lambda *args: pytest.fail("the run was done again"))
    arguments = ["--quick", "--problems", "letter.p2", "--seeds", "3", "--n-jobs", "1", "--out", str(finished[0])]
    model_compression.main(arguments)
    assert "finished before, kept" in capsys.readouterr().out


def test_an_unknown_problem_ends_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(model_compression, "run_one", lambda *args: pytest.fail("work began"))
    with pytest.raises(SystemExit, match="letter.p9"):
        model_compression.main(["--problems", "letter.p2", "letter.p9", "--out", str(tmp_path)])
