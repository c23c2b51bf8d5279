"""The experiments on generators: their measures, their resumption, and that test rows stay unseen."""

import json

import numpy as np
import pytest

from data.load import load_problem
from experiments import density_2d, generators, munge_parameters
from experiments._steps import Steps
from experiments.generators_figures import equivalent_size
from experiments.munge_parameters_figures import best_pair, excess


# --------------------------------------------------------------------------------------- steps
def test_a_step_is_computed_once_and_outlives_the_command(tmp_path):
    assert Steps(tmp_path, {"rows": 10})("square", lambda: 4) == 4
    again = Steps(tmp_path, {"rows": 10})
    assert "square" in again
    assert again("square", lambda: pytest.fail("computed again")) == 4


def test_steps_of_another_configuration_or_on_demand_are_thrown_away(tmp_path):
    Steps(tmp_path, {"rows": 10})("square", lambda: 4)
    assert "square" not in Steps(tmp_path, {"rows": 20})
    Steps(tmp_path, {"rows": 20})("square", lambda: 4)
    assert "square" not in Steps(tmp_path, {"rows": 20}, anew=True)


def test_a_step_that_fails_leaves_nothing(tmp_path):
    steps = Steps(tmp_path, {})
    with pytest.raises(KeyboardInterrupt):
        steps("square", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert "square" not in steps


def test_finished_runs_keep_no_steps(tmp_path):
    steps = Steps(tmp_path, {})
    steps("square", lambda: 4)
    steps.finish()
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------- density
def test_the_manifold_is_evenly_covered_by_its_points():
    points = density_2d.manifold(5000)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert np.median(steps) == pytest.approx(steps[steps < 0.1].mean(), rel=0.05)
    assert (steps > 0.1).sum() == 3  # the jumps between four curves


def test_measures_by_hand():
    X = density_2d.manifold(200)
    off = X + [0.0, 5.0]
    D = np.concatenate([X[:50], off[:50]])
    measured = density_2d.measure(D, X, radius=0.02)
    assert measured["copies"] == 0.5
    assert 2 < measured["distance"] < 2.6  # half of the rows are some 5 away
    assert 0.2 < measured["coverage"] < 0.3  # a quarter of the curve
    assert density_2d.measure(density_2d.manifold(2000), X, radius=0.02)["coverage"] == 1


def test_the_picture_in_small(tmp_path):
    density_2d.main(["--quick", "--seeds", "0", "1", "--out", str(tmp_path)])
    numbers = json.loads((tmp_path / "curves" / "1" / "report.json").read_text())["results"]
    assert numbers["MUNGE"]["distance"] < min(numbers["NBE"]["distance"], numbers["RANDOM"]["distance"])
    assert numbers["RANDOM"]["copies"] < 0.05
    assert "± " in (tmp_path / "table.md").read_text()
    assert (tmp_path / "density_2d.png").stat().st_size > 10_000


# ------------------------------------------------------------------------------------- figures
def test_equivalent_size_is_log_linear_between_points():
    sizes, errors = [1000, 10_000, 100_000], [0.3, 0.2, 0.1]
    assert equivalent_size(sizes, errors, 0.2) == pytest.approx(10_000)
    assert equivalent_size(sizes, errors, 0.15) == pytest.approx(10**4.5)
    assert equivalent_size(sizes, errors, 0.05) is None
    assert equivalent_size(sizes, errors, 0.4) is None


def grid_report(problem, valid, test):
    grid = [
        {"neighbors": mode, "p": p, "s": s, "valid_rmse": valid[i][j], "test_rmse": test[i][j]}
        for mode in ("current", "original")
        for i, p in enumerate((0.1, 0.2))
        for j, s in enumerate((1.0, 5.0))
    ]
    config = {"neighbors": ["current", "original"], "p": [0.1, 0.2], "s": [1.0, 5.0]}
    return {"problem": problem, "seed": 0, "config": config, "results": {"grid": grid}}


def test_the_best_pair_is_chosen_on_validation_rows_with_problems_alike():
    # problem b has errors ten times as large: in absolute numbers it would decide alone
    a = grid_report("a", [[0.10, 0.12], [0.12, 0.12]], [[0.5, 0.1], [0.5, 0.5]])
    b = grid_report("b", [[1.01, 1.00], [1.05, 1.05]], [[0.5, 0.1], [0.5, 0.5]])
    best = best_pair([a, b])
    assert (best["p"], best["s"]) == (0.1, 1.0)
    assert best["valid"] == pytest.approx(0.5)
    assert best["test"] == pytest.approx(400)  # the test rows would have chosen otherwise
    assert excess([a, b, b], "valid_rmse")[0, 0, 0] == pytest.approx(0.5)  # more seeds of b weigh no more


# ------------------------------------------------------------------------- no row of the test part
def test_true_rows_are_in_no_part():
    problem = load_problem("adult", 1)
    rest = generators.true_rows(problem)
    assert len(rest) == 18_842
    for part in (problem.X_train, problem.X_valid, problem.X_test):
        assert not set(rest.index) & set(part.index)


def test_without_the_full_table_covtypes_true_rows_are_those_in_no_part(monkeypatch, capsys):
    def unavailable(name):
        raise RuntimeError("no network")

    monkeypatch.setattr(generators, "load_table", unavailable)
    problem = load_problem("covtype", 0)
    assert generators.true_rows(problem) is problem.X_rest
    assert "no network" in capsys.readouterr().out


def test_true_rows_from_the_full_table_are_none_of_the_problems(monkeypatch):
    table = generators.load_table("covtype")
    strange = table.iloc[:30].copy()
    strange["Elevation"] += 10_000
    full = generators.pd.concat([table, strange], ignore_index=True)
    monkeypatch.setattr(generators, "load_table", lambda name: full if name == "covtype_full" else table)
    rest = generators.true_rows(load_problem("covtype", 0))
    assert sorted(rest.index) == list(range(40_000, 40_030))


def test_a_full_table_that_lacks_rows_of_the_problem_is_refused(monkeypatch):
    # for instance of another dtype: no row would be known again, and test rows would be labelled
    table = generators.load_table("covtype")
    full = table.astype({"Elevation": "float64"})
    monkeypatch.setattr(generators, "load_table", lambda name: full if name == "covtype_full" else table)
    with pytest.raises(RuntimeError, match="must hold every row of covtype"):
        generators.true_rows(load_problem("covtype", 0))


# ---------------------------------------------------------------------------------- whole scripts
def test_generators_in_small(tmp_path, monkeypatch):
    monkeypatch.setattr(generators, "QUICK", {**generators.QUICK, "sizes": [400, 600]})
    arguments = ["--quick", "--problems", "adult", "--seeds", "0", "--n-jobs", "1", "--out", str(tmp_path)]
    arguments += ["--material", str(tmp_path / "material")]
    generators.main(arguments)
    report = json.loads((tmp_path / "adult" / "0" / "report.json").read_text())
    curves = report["results"]["curves"]
    assert set(curves) == {"MUNGE", "RANDOM", "NBE", "Interpolation", "TRUE"}
    for points in curves.values():
        assert [point["size"] for point in points] == [400, 600]
        assert points[0] == curves["MUNGE"][0]  # the original rows alone: the same student for all
    assert not (tmp_path / "adult" / "0" / ".steps").exists()
    assert (tmp_path / "generators.png").exists()


def test_munge_parameters_in_small(tmp_path, monkeypatch):
    small = {"p": [0.2], "s": [1.0, 5.0], "transfer_rows": 600, "passes": {"2": 2, "4": 1}, "epochs": 2}
    monkeypatch.setattr(munge_parameters, "QUICK", {**munge_parameters.QUICK, **small})
    arguments = ["--quick", "--problems", "letter.p2", "--seeds", "0", "--n-jobs", "1", "--out", str(tmp_path)]
    munge_parameters.main(arguments)
    results = json.loads((tmp_path / "letter.p2" / "0" / "report.json").read_text())["results"]
    assert len(results["grid"]) == 4
    assert list(results["variants"]) == ["as default", "unrounded", "clipped"]
    assert list(results["passes"]) == ["2", "4"]
    current = next(row for row in results["grid"] if row["neighbors"] == "current" and row["s"] == 5.0)
    assert current["test_rmse"] == results["variants"]["as default"]["test_rmse"]  # the variants' base is that cell
    assert "Best on average" in (tmp_path / "table.md").read_text()
    for part in ("validation", "test"):
        assert (tmp_path / f"munge_parameters.{part}.png").exists()
