"""The further experiments of the reproduction in small: the teacher's library, error against hidden units."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from compress import MUNGE, TransferSet
from compress.search import MungeSearch
from experiments import _material, hidden_units, overfitting, recipe, teachers
from experiments._steps import Steps


@pytest.fixture
def quick_material(monkeypatch, tmp_path):
    """T is a tree, D2 its labels for rows that nothing was searched for."""

    def made(problem, seed, config, folder, n_jobs):
        coded = overfitting.coded(problem.X_train, problem.nominal), DecisionTreeClassifier(random_state=seed)
        tree = make_pipeline(*coded).fit(problem.X_train, problem.y_train)
        munge = MUNGE(random_state=seed).fit(problem.X_train)
        data = TransferSet.from_teacher(tree, problem.X_train, generator=munge, n_rows=config["transfer_rows"])
        return _material.Material(
            tree, tree, MungeSearch(0.1, 5.0), data, "current", {}, Steps(tmp_path / problem.name / str(seed), config)
        )

    monkeypatch.setattr(_material, "material", made)


def test_hidden_units_reports_every_width(quick_material, tmp_path):
    out = tmp_path / "hidden_units"
    hidden_units.main(["--quick", "--problems", "letter.p2", "--seeds", "0", "1", "--n-jobs", "1", "--out", str(out)])
    records = json.loads((out / "summary.json").read_text())
    assert [r["seed"] for r in records] == [0, 1]
    for record in records:
        assert set(record["rmse"]) == set(record["bytes"]) == {"2", "8", "32"}
        assert record["bytes"]["32"] > record["bytes"]["2"]
        assert all(0 < error < 1 for error in record["rmse"].values())
    assert (out / "hidden_units.png").is_file()


def test_overfitting_sorts_test_rows_by_the_overconfidence_of_a_tree(quick_material, tmp_path):
    out = tmp_path / "overfitting"
    overfitting.main(["--quick", "--problems", "adult", "--seeds", "0", "--n-jobs", "1", "--out", str(out)])
    (record,) = json.loads((out / "summary.json").read_text())
    assert record["train"]["T"] < record["train"]["T, out of fold"]
    levels = [q["overconfidence"] for q in record["quarters"]]
    assert levels == sorted(levels) and levels[0] < levels[-1]
    assert record["forests"]["1"]["train"] < record["forests"]["10"]["train"], "grown out, a forest fits its rows"
    assert (out / "overfitting.png").is_file()


def test_the_recipe_judges_every_change_on_validation_rows(quick_material, tmp_path):
    out = tmp_path / "recipe"
    recipe.main(["--quick", "--problems", "adult", "--seeds", "0", "--n-jobs", "1", "--out", str(out)])
    (record,) = json.loads((out / "summary.json").read_text())
    errors = record["valid_rmse"]
    assert len(errors) == 24
    assert errors["base"] == pytest.approx(np.mean(record["base"])), "nets that differ in their seed alone"
    assert len(set(errors.values())) > 12, (
        "a change changes something; decay and the best epoch may not, in so few steps"
    )
    assert all(0 < error < 1 for error in errors.values())


def test_other_rows_take_the_place_of_the_last():
    data = TransferSet(np.arange(5.0)[:, None], np.ones((5, 2), dtype=np.float32), "probabilities", np.array([0, 1]), 2)
    mixed = recipe.with_last(data, np.array([[8.0], [9.0]]), np.zeros((2, 2), dtype=np.float32))
    assert mixed.X.ravel().tolist() == [0, 1, 2, 8, 9]
    assert mixed.targets[:, 0].tolist() == [1, 1, 1, 0, 0]
    assert mixed.n_original == 2


def test_softened_targets_have_their_logits_divided():
    p = np.array([[0.1, 0.9], [0.5, 0.5]], dtype=np.float32)
    data = TransferSet(np.zeros((2, 1)), p, "probabilities", np.array([0, 1]))
    q = recipe.softened(data, 2.0).targets
    assert np.allclose(np.log(q[:, 1] / q[:, 0]), np.log(p[:, 1] / p[:, 0]) / 2, atol=1e-5)


def test_the_nearest_row_of_a_row_is_itself():
    problem = _problem()
    assert np.array_equal(overfitting.nearest_rows(problem, problem.iloc[[5, 2]], ("colour",)), [5, 2])


def _problem():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=20), "colour": pd.Categorical(rng.choice(["red", "blue"], 20))})


def test_hidden_units_quotes_the_control_of_the_same_run(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps([{"problem": "letter.p2", "seed": 3, "rmse": {"S2": 0.25}}]))
    report = {"problem": "letter.p2", "seed": 3, "results": {"rmse": {}, "bytes": {}, "T": 0.2, "best_single": 0.3}}
    controls = _material.stored_controls(path)
    assert hidden_units.with_controls([report], controls)[0]["S2"] == 0.25
    assert hidden_units.with_controls([{**report, "seed": 4}], controls)[0]["S2"] is None
    assert _material.stored_controls(tmp_path / "none.json") == {}


@pytest.fixture(scope="module")
def predictions():
    """Three models with noise of their own, and a fourth, the best, that is not of the library."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    return np.stack([y + rng.normal(0, sd, 500) for sd in (0.3, 0.3, 0.6, 0.2)]), y


def test_selection_beats_the_best_single_model_and_the_average(predictions):
    weights, _ = teachers.select(*predictions, 3, {**teachers.QUICK, "bags": 1}, seed=0)
    errors = {way: teachers._error(w, *predictions) for way, w in weights.items()}
    assert errors["T"] < min(errors["best"], errors["uniform"])
    assert errors["more"] < errors["T"]
    assert all(w.sum() == pytest.approx(1) for w in weights.values())


def test_models_beyond_the_library_count_only_where_they_are_asked_for(predictions):
    weights, path = teachers.select(*predictions, 3, teachers.QUICK, seed=0)
    assert all(w[3] == 0 for way, w in weights.items() if way != "more")
    assert all(model < 3 for model, _ in path)


def test_teachers_runs_from_start_to_end(tmp_path):
    out = tmp_path / "teachers"
    teachers.main(["--quick", "--problems", "adult", "--seeds", "0", "--n-jobs", "1", "--out", str(out)])
    (record,) = json.loads((out / "summary.json").read_text())
    assert set(record["rmse"]) == set(teachers.WAYS)
    assert {"svm-C1", "net-16-decay0.01"} <= set(record["models"])
    assert set(record["members"]["T"]) <= set(record["models"])
    assert (out / "teachers.png").is_file()
    assert "average of the library" in (out / "table.md").read_text()
