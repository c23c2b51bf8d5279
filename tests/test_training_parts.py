"""Students learn from transfer sets in parts: the same rows, in bounded memory, shuffled across parts."""

import logging
import threading
import time

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from tables import mixed_table

from compress import (
    MUNGE,
    StudentClassifier,
    StudentRegressor,
    TransferSet,
    TreeStudentClassifier,
    TreeStudentRegressor,
)
from compress.generators import MarginalSampler
from compress.students import PiecewiseLinearEncoding
from compress.training import PartedRows, _parts, train

pytest.importorskip("pyarrow")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def problem():
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    teacher = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X, y)
    return X, y, teacher, MarginalSampler(random_state=0).fit(X)


@pytest.fixture(scope="module")
def stored(problem, tmp_path_factory):
    X, _, teacher, generator = problem
    return TransferSet.write(
        tmp_path_factory.mktemp("set"), teacher, X, generator=generator, n_rows=6_000, shard_rows=1_000
    )


def numbers(sizes):
    """Parts of one column that counts all rows."""
    starts = np.cumsum([0, *sizes])
    return PartedRows(sizes, lambda i, epoch: (torch.arange(starts[i], starts[i + 1]) + 10_000 * epoch,))


# ---------------------------------------------------------------- rows in parts
@pytest.mark.parametrize("sizes", [[7], [5, 5, 5], [1, 30, 2, 13]])
def test_an_epoch_has_each_row_once_in_full_batches(sizes):
    batches = [b for (b,) in numbers(sizes).batches(4, 0, 0, CPU)]
    assert sorted(torch.cat(batches).tolist()) == list(range(sum(sizes)))
    assert [len(b) for b in batches[:-1]] == [4] * (len(batches) - 1)


def test_the_order_depends_on_seed_and_epoch_only(monkeypatch):
    def order(seed, epoch):
        return torch.cat([b for (b,) in numbers([50, 50, 50]).batches(8, seed, epoch, CPU)]).tolist()

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(1, 0)
    assert order(0, 0) != [v - 10_000 for v in order(0, 1)]


def test_rows_are_shuffled_across_parts_and_within(monkeypatch):
    monkeypatch.setattr(_parts, "MIXED_ROWS", 100)
    (first, *_) = (b for (b,) in numbers([50] * 6).batches(100, 0, 0, CPU))
    assert len(set((first // 50).tolist())) == 2  # of two parts
    assert first.tolist() != sorted(first.tolist())


def test_no_more_parts_are_in_memory_than_wait(monkeypatch):
    monkeypatch.setattr(_parts, "MIXED_ROWS", 10)
    loaded = []
    rows = PartedRows([10] * 20, lambda i, epoch: (loaded.append(i), torch.zeros(10))[1:])
    batches = rows.batches(10, 0, 0, CPU)
    next(batches)
    time.sleep(0.3)
    assert len(loaded) <= 3  # at the steps, waiting, and in the hands of the thread
    batches.close()


def test_the_next_part_is_fetched_by_another_thread():
    threads = set()
    rows = PartedRows([10, 10], lambda i, epoch: (threads.add(threading.get_ident()), torch.zeros(10))[1:])
    list(rows.batches(5, 0, 0, CPU))
    assert threads and threading.get_ident() not in threads


def test_an_error_of_a_part_reaches_the_training():
    def load(index, epoch):
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(PartedRows([5], load).batches(2, 0, 0, CPU))


def test_no_thread_is_left_when_a_training_ends_early():
    before = threading.active_count()
    batches = numbers([200_000] * 4).batches(10, 0, 0, CPU)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_the_loop_counts_rows_in_parts():
    net = torch.nn.Linear(1, 1)
    rows = PartedRows([10, 15], lambda i, epoch: (torch.ones((10, 15)[i], 1),))
    result = train(net, rows, lambda b, clock: net(b[0]).square().mean(), max_epochs=3, batch_size=4, learning_rate=0.1)
    assert result.n_steps == 3 * 7


# ---------------------------------------------------------------- students
def test_a_student_of_shards_is_as_good_as_one_of_memory(problem, stored):
    X, y, teacher, _ = problem
    settings = {"max_epochs": 10, "random_state": 0}
    from_parts = StudentClassifier((16,), **settings).fit(stored)
    from_memory = StudentClassifier((16,), **settings).fit(stored.load())
    test = np.random.default_rng(1).normal(size=(2_000, 3))
    truth = teacher.predict_proba(test)[:, 1]
    errors = [np.sqrt(np.mean((s.predict_proba(test)[:, 1] - truth) ** 2)) for s in (from_parts, from_memory)]
    assert errors[0] < 1.1 * errors[1]
    assert from_parts.history_[0]["loss"] == pytest.approx(from_memory.history_[0]["loss"], rel=0.1)
    assert from_parts.classes_.tolist() == [0, 1]


def test_a_fit_on_shards_is_reproducible(stored):
    a, b = (StudentClassifier((8,), max_epochs=2, random_state=3).fit(stored) for _ in range(2))
    assert a.to_bytes() == b.to_bytes()


def test_no_more_than_a_sample_is_loaded_at_a_time(stored, monkeypatch):
    from compress.students import _parted

    monkeypatch.setattr(_parted, "MOST_ROWS", 500)
    monkeypatch.setattr(_parts, "MIXED_ROWS", 1_000)
    monkeypatch.setattr(type(stored), "load", lambda self: pytest.fail("the whole set was loaded"))
    sizes = []
    sample = type(stored).sample
    monkeypatch.setattr(type(stored), "sample", lambda self, n, **k: sizes.append(n) or sample(self, n, **k))
    StudentClassifier((4,), max_epochs=1, random_state=0).fit(stored)
    assert sizes == [500]


def test_early_stopping_holds_out_whole_parts(stored):
    student = StudentClassifier((8,), max_epochs=3, early_stopping=True, validation_fraction=0.2, random_state=0)
    student.fit(stored)
    assert all("valid" in row for row in student.history_)


def test_early_stopping_of_one_part_needs_validation_rows(problem, tmp_path):
    X, y, teacher, _ = problem
    one = TransferSet.write(tmp_path, teacher, X)
    with pytest.raises(ValueError, match="which has only one: pass X_val and y_val"):
        StudentClassifier((4,), early_stopping=True).fit(one)
    student = StudentClassifier((4,), max_epochs=2, early_stopping=True, random_state=0).fit(one, X_val=X, y_val=y)
    assert "valid" in student.history_[0]


def test_mixed_tables_encodings_and_embeddings_learn_from_shards(tmp_path):
    X = mixed_table(300)
    teacher = DecisionTreeClassifier(max_depth=3).fit(X[["int64"]], X["float64"] > 0)
    teacher.predict_proba_of = None
    regressor = LinearRegression().fit(X[["int64", "uint8"]], X["float64"])
    wrapped = type("OnColumns", (), {"predict": lambda self, T: regressor.predict(T[["int64", "uint8"]])})()
    data = TransferSet.write(tmp_path, wrapped, X, generator=MUNGE(random_state=0).fit(X), n_rows=2_000, shard_rows=500)
    for settings in ({}, {"max_one_hot": 2}, {"encoding": PiecewiseLinearEncoding(4)}):
        student = StudentRegressor((8,), max_epochs=2, random_state=0, **settings).fit(data)
        assert student.schema_ == data.schema and np.isfinite(student.predict(X)).all()


def test_a_schema_of_the_students_own_counts(stored):
    student = StudentClassifier((4,), max_epochs=1, schema={0: "continuous"}, random_state=0).fit(stored)
    assert len(student.schema_.continuous_) == 3


@pytest.mark.parametrize("labels", ["soft", "logits", "hard"])
def test_labels_of_each_kind_are_learned_from_a_stream(labels, problem):
    X, y, teacher, generator = problem
    stream = TransferSet.stream(teacher, X, generator=generator, n_rows=2_000, labels=labels, part_rows=400)
    objective = "logits" if labels == "logits" else "soft_targets"
    student = StudentClassifier((16,), objective=objective, max_epochs=10, random_state=0).fit(stream)
    assert np.mean(student.predict(X) == teacher.predict(X)) > 0.85


def test_partial_fit_takes_parts_and_whole_sets(stored):
    student = StudentClassifier((8,), random_state=0)
    student.partial_fit(stored.part(0)).partial_fit(stored.part(1))
    student.partial_fit(stored)
    assert student.n_iter_ == 1


def test_weights_and_labels_do_not_go_with_a_transfer_set_in_parts(stored):
    with pytest.raises(ValueError, match="y must be None"):
        StudentClassifier((4,)).fit(stored, np.zeros(len(stored)))
    for student in (StudentClassifier((4,)), TreeStudentClassifier()):
        with pytest.raises(ValueError, match="sample_weight cannot be given for a transfer set in parts"):
            student.fit(stored, sample_weight=np.ones(len(stored)))


def test_a_regressor_refuses_probabilities_in_parts(stored):
    with pytest.raises(ValueError, match="use StudentClassifier"):
        StudentRegressor((4,)).fit(stored)


# ---------------------------------------------------------------- trees
def test_trees_of_shards_are_those_of_memory(stored):
    a = TreeStudentClassifier(max_iter=10, random_state=0).fit(stored)
    b = TreeStudentClassifier(max_iter=10, random_state=0).fit(stored.load())
    X = stored.part(0).X
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=0.02)


def test_trees_of_more_rows_than_fit_learn_from_a_sample_and_say_so(stored, monkeypatch, caplog):
    from compress.students import _tree_student

    monkeypatch.setattr(_tree_student, "MOST_BYTES", 40 * 1_500)
    with caplog.at_level(logging.INFO, logger="compress"):
        TreeStudentClassifier(max_iter=3, random_state=0).fit(stored)
    assert "a sample of 1500 of 6000 rows is used" in caplog.text


def test_trees_learn_values_in_parts(problem, tmp_path):
    X = problem[0]
    data = TransferSet.write(tmp_path, LinearRegression().fit(X, X[:, 0]), X, shard_rows=100)
    assert TreeStudentRegressor(max_iter=5).fit(data).predict(X).shape == (400,)
