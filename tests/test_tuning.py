"""The choice of p and s: by validation error, from training rows, reproducible."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from compress import MUNGE, StudentClassifier, StudentRegressor
from compress.search import tune_munge
from compress.search._munge import _clearly_better

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
Y = (X[:, 0] > 0).astype(int)
TEACHER = LogisticRegression().fit(X, Y)
QUICK = {
    "n_rows": 200,
    "pairs": [(0.1, 5.0), (0.5, 1.0)],
    "student": StudentClassifier((4,), max_epochs=2),
    "random_state": 0,
}


def test_a_pair_that_is_clearly_better_is_chosen():
    rows = X[:, 0] * X[:, 1]  # noise of s = 0.001 leaves nothing of the columns
    teacher = LinearRegression().fit(X, rows)
    pairs = [(1.0, 1e-3), (0.1, 5.0)]
    student = StudentRegressor((8,), max_epochs=30)
    found = tune_munge(X, teacher, X[:30], teacher.predict(X[:30]), **{**QUICK, "pairs": pairs, "student": student})
    assert [(row["p"], row["s"]) for row in found.scores] == pairs
    assert found.scores[1]["rmse"] < found.scores[0]["rmse"]
    assert (found.p, found.s) == (0.1, 5.0)


def test_the_first_pair_is_kept_when_the_others_are_better_by_chance_only():
    errors = np.array([0.1, 0.3, 0.2, 0.4])
    assert not _clearly_better(errors - [0.02, -0.02, 0.03, -0.02], errors, 1)
    assert _clearly_better(errors - 0.01, errors, 4)


def test_same_seed_same_scores():
    one, two = (tune_munge(X, TEACHER, X[:30], Y[:30], **QUICK) for _ in range(2))
    assert one == two


def test_repeats_are_averaged():
    trials = [tune_munge(X, TEACHER, X[:30], Y[:30], **{**QUICK, "repeats": n}) for n in (1, 3)]
    assert trials[0].scores[0]["rmse"] != trials[1].scores[0]["rmse"]


def test_values_are_tuned_by_their_rmse():
    teacher = LinearRegression().fit(X, X[:, 0])
    student = StudentRegressor((4,), max_epochs=2)
    found = tune_munge(X, teacher, X[:30], X[:30, 0], **{**QUICK, "student": student})
    assert all(np.isfinite(row["rmse"]) for row in found.scores)


def test_rows_are_generated_from_the_training_rows_alone(monkeypatch):
    seen = []
    fit = MUNGE.fit
    monkeypatch.setattr(MUNGE, "fit", lambda self, table, y=None: (seen.append(table), fit(self, table))[1])
    tune_munge(X, TEACHER, X[:30] + 100, Y[:30], **QUICK)
    assert all(table is X for table in seen)
    assert len(seen) == 2


def test_other_parameters_of_munge_are_kept_and_the_callers_objects_unchanged(monkeypatch):
    seen = []
    fit = MUNGE.fit
    monkeypatch.setattr(MUNGE, "fit", lambda self, table, y=None: (seen.append(self), fit(self, table))[1])
    munge = MUNGE(clip=True)
    tune_munge(X, TEACHER, X[:30], Y[:30], munge=munge, **QUICK)
    assert all(m.clip and m is not munge for m in seen)
    assert not hasattr(munge, "schema_")
    assert not hasattr(QUICK["student"], "module_")


@pytest.mark.parametrize(
    "change, message",
    [({"pairs": []}, "at least one"), ({"y_val": Y[:29]}, "as many rows, got 30 and 29")],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"y_val": Y[:30], **QUICK, **change}
    with pytest.raises(ValueError, match=message):
        tune_munge(X, TEACHER, X[:30], **arguments)
