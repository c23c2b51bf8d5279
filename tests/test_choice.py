"""student="auto": which models compete, who wins, and what is said of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.frozen import FrozenEstimator

from compress import MUNGE, CompressedClassifier, CompressedRegressor, StudentClassifier, TransferSet
from compress.compressor import _stages
from compress.search import (
    Budget,
    Candidate,
    Outcome,
    Trial,
    candidates_of,
    choice_passes,
    choose_student,
    try_candidates,
)
from compress.search._candidates import _priced, net_student
from compress.students import FAMILIES, TreeStudentClassifier, family_of

pytestmark = pytest.mark.usefixtures("short_lessons")
RNG = np.random.default_rng(0)
FAST = {"generator": MUNGE(p=0.2), "size_multiplier": 4, "random_state": 0}


def table(n, seed=0):
    """Numbers with holes, a nominal column, and labels that depend on both."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"size": rng.normal(size=n), "age": rng.integers(0, 80, n), "colour": rng.choice(list("rgb"), n)})
    y = np.where(X["size"] + (X["colour"] == "r") + 0.5 * rng.normal(size=n) > 0.5, "yes", "no")
    X.loc[rng.random(n) < 0.1, "size"] = np.nan
    return X, y


X, Y = table(300)
DATA = TransferSet(X, np.full((300, 2), 0.5), "probabilities", np.array(["no", "yes"]))


@pytest.fixture(scope="module")
def model(short_lessons):
    teacher = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    wide = X.assign(colour=X["colour"].astype("category"))
    return CompressedClassifier(teacher, **FAST).fit(wide, Y), wide


# Who competes


def test_all_families_compete_in_about_seven_models():
    found = candidates_of("auto", "classification", DATA)
    assert {candidate.family for candidate in found} == set(FAMILIES)
    assert 6 <= len(found) <= 8


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_may_be_named(family):
    assert {candidate.family for candidate in candidates_of(family, "regression", DATA_OF_VALUES)} == {family}


DATA_OF_VALUES = TransferSet(X, np.zeros(300), "values")


@pytest.mark.parametrize("limit", [4_000, 20_000])
def test_nets_are_as_large_as_a_budget_allows(limit):
    found = [c for c in candidates_of("auto", "classification", DATA, Budget(bytes=limit)) if c.family != "trees"]
    assert found and all(candidate.bytes <= limit for candidate in found)
    largest = max(found, key=lambda candidate: candidate.bytes)
    assert largest.bytes > limit / 4


@pytest.mark.parametrize(("limit", "leaves"), [(4_000, {8, 31}), (64_000, {8, 31}), (128_000, {8, 31, 127})])
def test_a_large_budget_has_larger_trees_too(limit, leaves):
    found = candidates_of("trees", "classification", DATA, Budget(bytes=limit))
    assert {candidate.student.max_leaf_nodes for candidate in found} == leaves


@pytest.mark.parametrize("shape", [(), (16,), (128, 64)])
def test_the_price_of_a_net_with_cuts_is_never_below_its_file(shape):
    family = "net-cuts" if shape else "additive"
    student = net_student("classification", family, shape).set_params(max_epochs=1)
    targets = np.column_stack([RNG.random(300)] * 2) / 2
    targets[:, 0] = 1 - targets[:, 1]
    data = TransferSet(X, targets, "probabilities", np.array(["no", "yes"]))
    assert len(student.fit(data).to_bytes()) <= _priced(student, DATA).bytes


def test_a_budget_that_nothing_can_meet_ends_before_any_work_and_names_the_smallest():
    with pytest.raises(ValueError, match=r"no student meets Budget\(bytes=100\): the smallest, .* has [\d,]+ bytes"):
        CompressedClassifier(DummyClassifier(), budget=Budget(bytes=100), **FAST).fit(X, Y)


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="student must be an estimator or one of .*'net-cuts', .*got 'forest'"):
        CompressedClassifier(DummyClassifier(), student="forest", **FAST).fit(X, Y)


# Who wins


def outcome(error, n_bytes, taught=True, noise=0.0, n=400):
    """An outcome of a given mean squared error, whose rows differ from those of others by noise."""
    rng = np.random.default_rng(n_bytes)
    net = StudentClassifier((4,), max_epochs=1, random_state=0).fit(X, Y)
    errors = np.abs(error + noise * rng.normal(size=n))
    return Outcome(net, net, taught, n_bytes, errors)


def chosen(*trials, budget=None, teacher=None):
    search = choose_student(list(trials), DATA, budget=budget, teacher_errors=teacher)
    return next(row for row in search.rows if row["chosen"]), search


def test_without_a_budget_the_smallest_of_those_within_one_standard_error_of_the_best_wins():
    large, near, far = outcome(0.10, 9000, noise=0.02), outcome(0.1005, 2000, noise=0.02), outcome(0.13, 500)
    row, _ = chosen(*(Trial("net", [o], []) for o in (large, near, far)))
    assert row["bytes"] == 2000


def test_within_a_budget_the_best_wins():
    large, near = outcome(0.10, 9000), outcome(0.1005, 2000)
    row, _ = chosen(Trial("net", [large], []), Trial("net", [near], []), budget=Budget(bytes=10_000))
    assert row["bytes"] == 9000
    row, search = chosen(Trial("net", [large], []), Trial("net", [near], []), budget=Budget(bytes=5_000))
    assert row["bytes"] == 2000 and not search.rows[-1]["within"]


def test_with_a_tolerance_the_smallest_that_keeps_it_wins():
    trials = [Trial("net", [outcome(error, size)], []) for error, size in ((0.1, 9000), (0.104, 3000), (0.2, 100))]
    row, _ = chosen(*trials, budget=Budget(tolerance=0.05), teacher=np.full(400, 0.1))
    assert row["bytes"] == 3000
    with pytest.warns(UserWarning, match="no student is within tolerance=0.05"):
        row, _ = chosen(*trials, budget=Budget(tolerance=0.05), teacher=np.full(400, 0.01))
    assert row["bytes"] == 9000


def test_trees_are_judged_at_the_rounds_that_a_budget_allows():
    stages = [outcome(0.2, 1000), outcome(0.1, 4000), outcome(0.05, 16_000)]
    row, _ = chosen(Trial("trees", stages, []), budget=Budget(bytes=5000))
    assert (row["bytes"], row["within"]) == (4000, True)


def pair(errors, distances, n_bytes=(1000, 2000), taught=(True, True)):
    """Two outcomes whose squared errors and distances on the validation rows are given."""
    return [
        replace(outcome(0.1, size, said), errors=np.array(e, dtype=float), distances=np.array(d, dtype=float))
        for e, d, size, said in zip(errors, distances, n_bytes, taught)
    ]


def test_labels_and_teacher_are_averaged_by_what_the_noise_explains_of_their_disagreement():
    # differences of errors 0.3, 0.1, 0.2, 0.2 (mean 0.2), of distances 0.1, 0.1, -0.1, 0.3 (mean 0.1)
    first, second = pair([[0.3, 0.1, 0.2, 0.2], [0, 0, 0, 0]], [[0.2, 0.2, 0.0, 0.4], [0.1] * 4])
    # the gap -0.2, 0, -0.3, 0.1 has the mean -0.1, whose sampling variance is 1 / 120: 5 / 6 of its square
    assert first.excess_over(second) == pytest.approx(0.2 - 5 / 6 * 0.1)
    assert second.excess_over(first) == pytest.approx(-0.2 + 5 / 6 * 0.1)


def test_a_teacher_that_the_labels_contradict_is_not_believed():
    knows, imitates = pair([[0.1, 0.12] * 200, [0.2, 0.21] * 200], [[0.3, 0.32] * 200, [0.0, 0.01] * 200])
    assert imitates.excess_over(knows) == pytest.approx(0.095, abs=1e-3)


def lucky_and_near(taught=(False, True)):
    """By a few of 400 noisy labels the first is better; by the teacher the second, by far."""
    rng = np.random.default_rng(0)
    noise = 0.5 * rng.normal(size=400)
    noise -= noise.mean()
    return pair([0.50 + noise, np.full(400, 0.51)], [np.full(400, 0.06), np.full(400, 0.01)], taught=taught)


def test_within_a_budget_the_teacher_decides_where_the_labels_cannot():
    lucky, near = lucky_and_near()
    bad = pair([[0.9] * 400] * 2, [[0.0] * 400] * 2)[0]
    row, search = chosen(Trial("net", [bad], [lucky]), Trial("trees", [near], []), budget=Budget(bytes=5000))
    assert row["family"] == "trees" and search.taught


def test_it_decides_on_the_number_of_trees_too():
    many, few = lucky_and_near(taught=(True, True))
    assert Trial("trees", [few, many], []).best(taught=True) is few


def test_a_model_is_taken_untaught_where_that_is_better():
    row, search = chosen(Trial("net", [outcome(0.2, 1000)], [outcome(0.1, 1000, taught=False)]))
    assert not search.taught and search.chosen.endswith(", untaught")
    assert row["untaught_error"] == pytest.approx(np.sqrt(0.1))
    assert "| chosen, untaught, frontier |" in str(search)


def test_the_frontier_is_what_no_smaller_candidate_beats():
    trials = [Trial("net", [outcome(error, size)], []) for error, size in ((0.3, 1), (0.4, 2), (0.2, 3), (0.25, 4))]
    _, search = chosen(*trials)
    assert [row["frontier"] for row in search.rows] == [True, False, True, False]


def test_one_set_of_trials_serves_several_budgets():
    candidates = [Candidate(TreeStudentClassifier(max_leaf_nodes=4, max_iter=30, early_stopping=False, random_state=0))]
    soft = np.eye(2)[(Y == "yes").astype(int)]
    data = TransferSet(X, soft, "probabilities", np.array(["no", "yes"]))
    (trial,) = try_candidates(candidates, data, X, Y)
    sizes = [o.bytes for o in trial.taught]
    assert sizes == sorted(sizes) and trial.untaught == []
    few, many = (trial.best(taught=True, most_bytes=limit) for limit in (sizes[2], sizes[-1]))
    assert few.bytes <= sizes[2] < many.bytes and many.error < few.error
    assert len(few.student.fit(data).to_bytes()) == few.bytes  # made again it is the same


def test_the_best_net_learns_as_long_as_after_the_choice_and_the_others_a_part_of_that():
    data = TransferSet(
        X[["size", "age"]], np.eye(2)[(Y == "yes").astype(int)], "probabilities", np.array(["no", "yes"])
    )
    nets = [Candidate(StudentClassifier((units,), max_epochs=40, random_state=0)) for units in (1, 16)]
    trials = try_candidates(nets, data, X[["size", "age"]], Y, original=(X[["size", "age"]], Y, None))
    passes = [len(trial.taught[0].fitted.history_) for trial in trials]
    assert sorted(passes) == [10, 40]
    assert all(trial.taught[0].student.max_epochs == 40 and len(trial.untaught) == 1 for trial in trials)


def test_a_net_never_passes_more_often_than_it_is_to():
    assert choice_passes(StudentClassifier(max_epochs=4), n_rows=1000) == 4


# In a compressor


def test_the_default_compressor_chooses(model):
    fitted, wide = model
    search = fitted.candidates_
    assert sum(row["chosen"] for row in search.rows) == 1
    assert family_of(fitted.student_) == next(row["family"] for row in search.rows if row["chosen"])
    assert fitted.score(wide, Y) > 0.7
    assert {"family", "model", "bytes", "us_per_row", "error", "standard_error", "untaught_error"} <= search.rows[
        0
    ].keys()
    assert len(search.to_frame()) == len(search.rows) and search.teacher_error > 0


def test_the_report_compares_with_the_same_model_without_teaching(model):
    fitted, wide = model
    verdict = fitted.report(wide, Y, latency_rows=()).verdict
    alone = "It learned from the labelled rows alone" in verdict
    assert alone != ("The same model without teaching has" in verdict)
    assert alone != fitted.candidates_.taught


def test_a_teacher_that_may_have_seen_the_rows_is_not_compared_on_them(model):
    fitted, wide = model[0].teacher_, model[1]
    seen = CompressedClassifier(fitted, student="trees", **FAST).fit(wide, Y)
    assert seen.candidates_.teacher_error is None and "Teacher's error" not in str(seen.candidates_)
    X_val, y_val = table(100, seed=1)
    X_val = X_val.assign(colour=X_val["colour"].astype(wide["colour"].dtype))
    apart = CompressedClassifier(fitted, student="trees", **FAST).fit(wide, Y, X_val=X_val, y_val=y_val)
    assert apart.candidates_.teacher_error > 0


def test_a_choice_is_drawn(model):
    figure = model[0].candidates_.plot()
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert {"chosen", "teacher", "trees", "additive model"} <= set(labels)


def test_a_teacher_that_knows_nothing_is_not_listened_to():
    model = CompressedClassifier(DummyClassifier(), student="trees", **FAST).fit(X, Y)
    assert not model.candidates_.taught and model.untaught_ is model.student_
    assert model.score(X, Y) > 0.75
    assert "learned from the labelled rows alone" in model.report(X, Y, latency_rows=()).verdict


def test_a_teacher_that_knows_more_than_the_labels_say_is_listened_to():
    class Oracle:
        classes_ = np.array(["no", "yes"])

        def predict_proba(self, rows):
            p = 1 / (1 + np.exp(-4 * (np.nan_to_num(rows["size"].to_numpy()) + (rows["colour"] == "r") - 0.5)))
            return np.column_stack([1 - p, p])

    few, labels = table(120, seed=3)
    model = CompressedClassifier(FrozenEstimator(Oracle()), student="additive", **{**FAST, "size_multiplier": 100})
    held, judged = table(2000, seed=5)
    model.fit(few, labels, X_val=held, y_val=judged)
    assert model.candidates_.taught
    rows, truth = table(4000, seed=4)
    found = model.report(rows, truth, latency_rows=())
    assert found.differences["untaught"].high < 0 and "teaching paid" in found.verdict


def test_trees_are_cut_to_the_bytes_after_the_last_training_too():
    model = CompressedClassifier(
        HistGradientBoostingClassifier(categorical_features="from_dtype"),
        student="trees",
        budget=Budget(bytes=3000),
        **FAST,
    ).fit(X.assign(colour=X["colour"].astype("category")), Y)
    assert len(model.student_.to_bytes()) <= 3000


def test_values_are_chosen_for_too():
    y = np.nan_to_num(X["size"]) + X["age"] / 40
    model = CompressedRegressor(HistGradientBoostingRegressor(), **FAST).fit(X.drop(columns="colour"), y)
    assert model.candidates_.rows and model.score(X.drop(columns="colour"), y) > 0.5


def test_without_labels_candidates_are_judged_by_the_teacher_and_none_is_untaught():
    teacher = HistGradientBoostingClassifier(random_state=0).fit(X.drop(columns="colour"), Y)
    model = CompressedClassifier(teacher, student="trees", **FAST).fit(X.drop(columns="colour"))
    assert model.candidates_.taught and model.untaught_ is None
    assert all(row["untaught_error"] is None for row in model.candidates_.rows)


def test_equal_seeds_choose_and_predict_equally():
    kept = X.drop(columns="colour")
    one, two = (
        CompressedClassifier(HistGradientBoostingClassifier(random_state=0), student="trees", **FAST).fit(kept, Y)
        for _ in range(2)
    )
    assert one.candidates_.chosen == two.candidates_.chosen
    assert np.array_equal(one.predict_proba(kept), two.predict_proba(kept))


def test_trials_do_not_grow_with_the_table_for_ever(monkeypatch):
    monkeypatch.setattr(_stages, "MOST_ORIGINALS", 100)
    seen = []
    real = _stages.Stages.transfer_set

    def watched(self, source, generator, rows, n_rows, original):
        seen.append(len(rows.X))
        return real(self, source, generator, rows, n_rows, original)

    monkeypatch.setattr(_stages.Stages, "transfer_set", watched)
    kept = X.drop(columns="colour")
    CompressedClassifier(HistGradientBoostingClassifier(random_state=0), student="trees", **FAST).fit(kept, Y)
    assert seen[0] == 100  # of 240 that are not held out


def test_with_little_time_the_choice_is_left_out_and_said():
    class Slow(HistGradientBoostingClassifier):
        def predict_proba(self, rows):
            import time

            time.sleep(0.0005 * len(rows))
            return super().predict_proba(rows)

    kept = X.drop(columns="colour")
    with pytest.warns(UserWarning, match="the student was not chosen"):
        model = CompressedClassifier(Slow(random_state=0), time_limit=0.3, **FAST).fit(kept, Y)
    assert not hasattr(model, "candidates_") and model.student_.hidden_layer_sizes == (256,)
