"""Students that are alike learn at once what each would learn by itself."""

import numpy as np
import pytest
import torch

from compress import MUNGE, StudentClassifier, StudentRegressor, TransferSet, TreeStudentClassifier
from compress.students import PiecewiseLinearEncoding, fit_together, fits_at_once
from compress.training import train_together

N = 300


def transfer_set(seed, task="classification", n=N, weights=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).astype(np.float32)
    weight = rng.uniform(0.5, 2, n) if weights else None
    if task == "regression":
        return TransferSet(X, 100 + 10 * X[:, :1] * X[:, 1:2], "values", None, sample_weight=weight)
    p = 1 / (1 + np.exp(-3 * X[:, 0] * X[:, 1]))
    targets = np.stack([1 - p, p], axis=1).astype(np.float32)
    return TransferSet(X, targets, "probabilities", np.array([0, 1]), sample_weight=weight)


def answers(student, X):
    return student.predict_proba(X) if hasattr(student, "predict_proba") else student.predict(X)


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr("compress.students._together.AT_ONCE_ON", ("cuda", "cpu"))


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("Student", [StudentClassifier, StudentRegressor])
def test_each_answers_as_if_it_had_learned_alone(Student, weights):
    task = "classification" if Student is StudentClassifier else "regression"
    sets = [transfer_set(seed, task, weights=weights) for seed in range(3)]
    students = [Student((8,), max_epochs=5, batch_size=32, weight_decay=0.1, random_state=7) for _ in sets]
    for student, data in zip(fit_together(students, sets), sets):
        alone = Student(**student.get_params(deep=False)).fit(data)
        np.testing.assert_allclose(answers(student, data.X), answers(alone, data.X), rtol=1e-3, atol=1e-4)
        assert student.n_iter_ == alone.n_iter_ and student.stopped_ == alone.stopped_
        assert student.to_bytes() and len(student.history_) == len(alone.history_)


def test_students_of_several_seeds_differ():
    data = transfer_set(0)
    students = [StudentClassifier((8,), max_epochs=2, random_state=seed) for seed in range(2)]
    one, other = fit_together(students, [data, data])
    assert not np.allclose(one.predict_proba(data.X), other.predict_proba(data.X))


def spied(monkeypatch):
    calls = []

    def spy(modules, *args, **kwargs):
        calls.append(len(modules))
        return train_together(modules, *args, **kwargs)

    monkeypatch.setattr("compress.students._together.train_together", spy)
    return calls


def test_those_that_are_alike_are_trained_at_once(monkeypatch):
    calls = spied(monkeypatch)
    fit_together([StudentClassifier((4,), max_epochs=1) for _ in range(3)], [transfer_set(k) for k in range(3)])
    assert calls == [3]


def test_on_a_cpu_they_are_fitted_one_by_one(monkeypatch):
    calls = spied(monkeypatch)
    monkeypatch.setattr("compress.students._together.AT_ONCE_ON", ("cuda",))
    fit_together([StudentClassifier((4,), max_epochs=1) for _ in range(3)], [transfer_set(k) for k in range(3)])
    assert not calls


def test_trees_are_never_at_once():
    assert fits_at_once(StudentClassifier()) and not fits_at_once(TreeStudentClassifier())


UNLIKE = {
    "widths": [StudentClassifier((4,), max_epochs=1), StudentClassifier((5,), max_epochs=1)],
    "rates": [StudentClassifier((4,), max_epochs=1, learning_rate=rate) for rate in (0.01, 0.02)],
    "early stopping": [StudentClassifier((4,), max_epochs=1, early_stopping=True) for _ in range(2)],
    "callbacks": [StudentClassifier((4,), max_epochs=1, callbacks=[lambda row: None]) for _ in range(2)],
    "numbers of bins": [StudentClassifier((), encoding=PiecewiseLinearEncoding(40), max_epochs=1) for _ in range(2)],
    "one": [StudentClassifier((4,), max_epochs=1)],
}


@pytest.mark.parametrize("case", UNLIKE)
def test_others_are_fitted_one_by_one(monkeypatch, case):
    calls = spied(monkeypatch)
    sets = [transfer_set(k, n=N) for k in range(len(UNLIKE[case]))]
    sets[-1].X[:, 2] = 0 if case == "numbers of bins" else sets[-1].X[:, 2]  # a column that is constant has no bins
    learned = fit_together(UNLIKE[case], sets)
    assert not calls and all(student.predict(sets[0].X[:2]).shape == (2,) for student in learned)


def test_sets_of_several_sizes_are_learned_one_by_one(monkeypatch):
    calls = spied(monkeypatch)
    fit_together([StudentClassifier((4,), max_epochs=1) for _ in range(2)], [transfer_set(0), transfer_set(1, n=200)])
    assert not calls


def test_own_rows_are_those_of_each_candidate():
    net = torch.nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"\(n_rows, n_candidates, ...\).*for 1 candidates"):
        train_together(
            [net],
            (torch.zeros(5, 2), torch.zeros(5, 2)),
            lambda net, batch, clock: net(batch[0]).sum(),
            max_epochs=1,
            batch_size=2,
            learning_rates=0.1,
            own_rows=True,
        )


def test_the_trials_for_p_and_s_learn_at_once(monkeypatch):
    from compress.search import tune_munge

    calls, data = spied(monkeypatch), transfer_set(0)
    y = (data.targets[:, 1] > 0.5).astype(int)
    teacher = StudentClassifier((4,), max_epochs=5).fit(data.X, y)
    found = tune_munge(data.X, teacher, data.X, y, n_rows=400, pairs=[(0.1, 1.0), (0.5, 2.0)], munge=MUNGE())
    assert calls == [2] and len(found.scores) == 2
