"""experiments.small_models: what it measures, and the page that it makes of records."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

from compress.evaluation import row_errors
from data.load import problem_names
from experiments import small_models
from experiments.small_models_figure import draw
from experiments.small_models_measures import stacked
from experiments.small_models_others import stored_bytes, usual
from experiments.small_models_table import compared, errors_by_table, kept, markdown, ranks

RNG = np.random.default_rng(0)
SMALL = ["auto, 64 kB", "hist, 64 kB", "lightgbm, 64 kB", "linear"]


def record(problem, seed, errors, task="binary"):
    """A record whose models have these errors, T first."""
    names = ["T", *SMALL, "hist, defaults", "lightgbm, defaults", "forest, defaults"]
    models = {
        name: {
            "rmse": error,
            "auc": 1 - error,
            "r2": 1 - error,
            "calibration_error": 0.01,
            "bytes": 1000 * (i + 1),
            "fit_seconds": 2.0 * i,
            "us_per_row": {"1": 5.0, "10000": 1.0},
        }
        for i, (name, error) in enumerate(zip(names, errors))
    }
    chosen = {"auto, 64 kB": {"model": "a net with 8 hidden units", "taught": seed == 0}}
    spent = {"teacher": 40.0, "munge": 10.0, "trials": 100.0, "label": 5.0}
    return {"problem": problem, "seed": seed, "task": task, "models": models, "chosen": chosen, "stage_seconds": spent}


RECORDS = [
    record("one", 0, [0.10, 0.11, 0.12, 0.13, 0.2, 0.11, 0.12, 0.13]),
    record("one", 1, [0.10, 0.09, 0.14, 0.15, 0.2, 0.11, 0.12, 0.13]),
    record("two", 0, [0.20, 0.19, 0.18, 0.17, 0.3, 0.19, 0.22, 0.23], "regression"),
]


def test_there_are_at_least_twenty_tables_of_all_tasks_and_the_papers_among_them():
    tables = small_models.PROBLEMS
    assert len(tables) >= 20 and set(tables) <= set(problem_names())
    assert {"letter.p1", "letter.p2", "adult", "covtype", "magic", "satellite"} <= set(tables)
    for task in ("binary", "multiclass", "regression"):
        assert len(set(tables) & set(problem_names(task))) >= 5


def test_errors_are_means_over_seeds():
    assert errors_by_table(RECORDS, "auto, 64 kB") == {"one": pytest.approx(0.10), "two": 0.19}


def test_a_model_is_compared_with_the_best_of_others_on_each_table():
    found = compared(RECORDS, "auto, 64 kB", ["hist, 64 kB", "lightgbm, 64 kB"])
    assert found == {"one": pytest.approx(0.10 / 0.13 - 1), "two": pytest.approx(0.19 / 0.17 - 1)}


def test_what_is_kept_of_the_teacher_is_the_auc_above_chance_or_r2():
    assert kept(RECORDS[0], "auto, 64 kB") == pytest.approx((0.89 - 0.5) / (0.90 - 0.5))
    assert kept(RECORDS[2], "auto, 64 kB") == pytest.approx(0.81 / 0.80)


def test_ranks_and_the_critical_difference_of_demsar():
    found, critical, n_tables = ranks(RECORDS, SMALL)
    assert found == {"auto, 64 kB": 2.0, "hist, 64 kB": 2.0, "lightgbm, 64 kB": 2.0, "linear": 4.0}
    # table 5 of Demsar 2006: q = 2.569 for four models at 5 %
    assert (n_tables, critical) == (2, pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 2)), rel=1e-3))


def test_the_page_says_what_the_records_say(tmp_path):
    page = markdown(RECORDS)
    assert "+" in page and "lower on 1, at most 1 % higher on 1, at worst +11.8 % (two)" in page
    assert "| one (2) | 0.1000 | **0.1000** |" in page
    assert "Teaching was chosen in 2 of 3 runs" in page
    assert "40 s for the teacher, 10 s for MUNGE's p and s, 100 s for the candidates' trials, 5 s for" in page
    assert [path.name for path in draw(RECORDS, tmp_path)] == ["small_models.png"]


def test_bytes_of_another_library_are_counted_as_tree_students_are_stored():
    X = RNG.normal(size=(300, 3))
    booster = LGBMClassifier(num_leaves=4, n_estimators=5, verbose=-1).fit(X, X[:, 0] > 0)
    text = booster.booster_.trees_to_dataframe()
    leaves, splits = text["left_child"].isna().sum(), text["left_child"].notna().sum()
    thresholds = len(text.dropna(subset="left_child")[["split_feature", "threshold"]].drop_duplicates())
    assert stored_bytes(booster, 5, 100) == 100 + 4 * leaves + 2 * splits + 4 * thresholds


def test_what_one_would_pick_instead_takes_categories_and_missing_values():
    X = pd.DataFrame({"n": RNG.normal(size=200), "c": pd.Categorical(RNG.choice(list("ab"), 200))})
    X.loc[::7, "n"] = np.nan
    X.loc[::9, "c"] = None
    rows = X, np.where(RNG.random(200) < 0.5, "x", "y")
    models = usual(rows, rows, rows, False, 0)
    assert all(model.predict_proba(X).shape == (200, 2) and seconds > 0 for model, seconds in models.values())


def test_parts_are_stacked_with_their_labels():
    X, y = stacked((pd.DataFrame({"a": [1, 2]}), np.array([0, 1])), (pd.DataFrame({"a": [3]}), np.array([1])))
    assert X["a"].tolist() == [1, 2, 3] and y.tolist() == [0, 1, 1]
    np.testing.assert_allclose(row_errors(y, np.array([0.5, 1, 1]), None), [0.25, 0, 0])


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["adult", "letter"])
def test_a_run_in_small(problem, tmp_path):
    small_models.main(["--quick", "--problems", problem, "--seeds", "0", "--n-jobs", "1", "--out", str(tmp_path)])
    assert (tmp_path / "small_models.png").is_file() and "auto, 64 kB" in (tmp_path / "table.md").read_text()
