"""The main job in small: its files, and that no test row is ever learned or chosen from."""

import json

import numpy as np
import pytest

from compress import EnsembleTeacherClassifier, StudentClassifier, TransferSet
from compress.generators import MUNGE
from compress.search import Outcome, Trial
from compress.students import FAMILIES
from experiments import _material, model_compression, model_compression_table
from experiments.model_compression_recipe import control_of
from experiments.model_compression_table import holm

PLOTS = {"rmse.png", "tradeoff.png", "calibration.png"}


class Watch:
    """The row numbers of every table handed to what fits or chooses."""

    def __init__(self, monkeypatch):
        self.rows, self.calls, self.problem = set(), [], None
        load = model_compression.load_problem

        def loaded(*args, **kwargs):
            self.problem = load(*args, **kwargs)
            return self.problem

        monkeypatch.setattr(model_compression, "load_problem", loaded)
        self.watch(monkeypatch, _material, "tune_munge")
        for owner in (EnsembleTeacherClassifier, StudentClassifier, MUNGE):
            self.watch(monkeypatch, owner, "fit")
        self.watch(monkeypatch, model_compression, "recipe")
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
def finished(tmp_path_factory, short_lessons):
    out = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        watch = Watch(monkeypatch)
        model_compression.main(arguments(out))
    return out, watch


def arguments(out):
    where = ["--out", str(out), "--material", str(out / "material")]
    return ["--quick", "--problems", "letter.p2", "--seeds", "3", "--n-jobs", "1", *where]


def test_test_rows_are_never_given_to_what_learns_or_chooses(finished):
    _, watch = finished
    chosen_by = {"tune_munge", "fit_teacher", "best_control", "recipe"}
    assert {"fit", "from_teacher", *chosen_by} <= set(watch.calls)
    assert set(watch.problem.X_train.index) <= watch.rows
    assert not watch.rows & set(watch.problem.X_test.index)


def test_the_summary_has_what_others_read(finished):
    (record,) = json.loads((finished[0] / "summary.json").read_text())
    assert (record["problem"], record["seed"]) == ("letter.p2", 3)
    for metric in ("rmse", "auc"):
        assert set(record[metric]) == {*model_compression_table.MODELS}
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
    assert {"letter.p2/3/report.json", "summary.json", "table.md", "headline.md"} | PLOTS <= names


def test_a_repeated_command_does_nothing_twice(finished, monkeypatch, capsys):
    monkeypatch.setattr(model_compression, "run_one", lambda *args: pytest.fail("the run was done again"))
    model_compression.main(arguments(finished[0]))
    assert "finished before, kept" in capsys.readouterr().out


def test_an_unknown_problem_ends_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(model_compression, "run_one", lambda *args: pytest.fail("work began"))
    with pytest.raises(SystemExit, match="letter.p9"):
        model_compression.main(["--problems", "letter.p2", "letter.p9", "--out", str(tmp_path)])


def test_material_is_made_once_and_used_again(finished, tmp_path, monkeypatch):
    out, _ = finished
    monkeypatch.setattr(model_compression.protocol, "fit_teacher", lambda *a, **k: pytest.fail("T was fitted again"))
    monkeypatch.setitem(model_compression.QUICK, "recipe", None)  # which takes long
    again = [*arguments(tmp_path)[:-1], str(out / "material")]
    model_compression.main(again)
    one, two = (json.loads((path / "summary.json").read_text())[0]["rmse"] for path in (out, tmp_path))
    assert {"T", "S1", "S2"} <= set(two) and two == {name: one[name] for name in two}


def test_holm_raises_each_p_by_the_number_still_to_be_tested():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_calibration_bins_hold_every_test_row(finished):
    (record,) = json.loads((finished[0] / "summary.json").read_text())
    for bins in record["reliability"].values():
        assert sum(b["n"] for b in bins) == 1000
        assert all(0 <= b["p"] <= 1 and 0 <= b["y"] <= 1 for b in bins)


def test_s1_is_tried_on_the_rows_of_both_pairs(finished):
    report = json.loads((finished[0] / "letter.p2/3/report.json").read_text())
    pairs = [(row["p"], row["s"]) for row in report["results"]["tried"]["S1"]]
    assert len(pairs) == 2 * len(model_compression.QUICK["teaching"])
    assert len(set(pairs)) == 2 and (0.2, 1.0) in pairs


class Saying:
    """A net that says the same of every row."""

    classes_ = np.array([0, 1])

    def __init__(self, p):
        self.p = np.asarray(p)

    def predict_proba(self, X):
        return np.stack([1 - self.p, self.p], axis=1)


def test_s1_is_the_best_on_validation_rows_of_all_sets_and_ways(monkeypatch):
    right = {("near", 1): 0.7, ("near", 2): 0.6, ("far", 1): 0.9, ("far", 2): 0.8}
    monkeypatch.setattr(
        model_compression.protocol,
        "fit_student",
        lambda data, *, hidden, seed, epochs: Saying([1 - right[data, epochs], right[data, epochs]]),
    )
    sets = {(0.1, 1.0): "near", (0.2, 1.0): "far"}
    valid = (None, np.array([0, 1]))
    net, pair, tried = model_compression.best_teaching(sets, valid, (8,), [{"epochs": 1}, {"epochs": 2}], 0)
    assert (net.p[1], pair) == (0.9, (0.2, 1.0))
    assert [(row["p"], row["s"], row["epochs"]) for row in tried] == [(p, 1.0, e) for p in (0.1, 0.2) for e in (1, 2)]
    assert [row["rmse"] for row in tried] == pytest.approx([0.3, 0.4, 0.1, 0.2])


def test_the_recipe_is_within_its_bytes_and_names_its_family_and_control(finished):
    results = json.loads((finished[0] / "letter.p2/3/report.json").read_text())["results"]
    assert results["size_bytes"]["recipe"] <= model_compression.QUICK["recipe"]["bytes"]
    assert results["chosen"]["recipe"]["family"] in FAMILIES and results["chosen"]["S2_recipe"]["family"] in FAMILIES
    assert {row["family"] for row in results["tried"]["recipe"]} == set(FAMILIES)


def trial(taught, untaught, n_bytes):
    def outcome(error, is_taught):
        return Outcome(None, None, is_taught, n_bytes, np.full(5, error**2))

    return Trial("net", [outcome(taught, True)], [outcome(untaught, False)])


def test_the_control_of_the_recipe_is_the_best_that_was_not_taught_within_the_bytes():
    trials = [trial(0.1, 0.3, 10), trial(0.2, 0.2, 10), trial(0.2, 0.1, 99)]
    assert control_of(trials, 50) is trials[1].untaught[0]
