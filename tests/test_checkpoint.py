"""A training that was stopped goes on from its checkpoint as if it had never been."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sklearn.tree import DecisionTreeClassifier

from compress import StudentClassifier, StudentRegressor, TransferSet
from compress.generators import MarginalSampler
from compress.students import PeriodicEncoding
from compress.training import Checkpoint, StopTraining
from compress.training._table import DeviceTable, HostTable, StreamedTable

SETTINGS = {"max_epochs": 4, "random_state": 0, "batch_size": 32, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def rows():
    X = np.random.default_rng(0).normal(size=(300, 3))
    return X, (X[:, 0] > 0).astype(int)


class Killed(Exception):
    pass


def killed_after(n_steps, monkeypatch):
    """Let the process die, as far as `fit` can tell, after so many steps."""
    from compress.training import _eager

    done = []
    decay = _eager.decay

    def dying(*args):
        done.append(1)
        if len(done) > n_steps:
            raise Killed
        decay(*args)

    monkeypatch.setattr(_eager, "decay", dying)
    return lambda: monkeypatch.setattr(_eager, "decay", decay)


def stopped_and_resumed(student, args, n_steps, path, monkeypatch, **more):
    revived = killed_after(n_steps, monkeypatch)
    with pytest.raises(Killed):
        type(student)(**student.get_params()).fit(*args, checkpoint=Checkpoint(path, minutes=0), **more)
    revived()
    return type(student)(**student.get_params()).fit(*args, resume_from=path, **more)


@pytest.mark.parametrize("n_steps", [1, 9, 10, 11, 25, 39])
def test_a_resumed_fit_has_the_weights_of_one_that_was_never_stopped(n_steps, rows, tmp_path, monkeypatch):
    student = StudentClassifier((8,), **SETTINGS)
    resumed = stopped_and_resumed(student, rows, n_steps, tmp_path / "c", monkeypatch)
    whole = student.fit(*rows)
    assert resumed.to_bytes() == whole.to_bytes()
    assert [row["loss"] for row in resumed.history_] == [row["loss"] for row in whole.history_]


@pytest.mark.parametrize(
    "settings",
    [{"dropout": 0.3}, {"encoding": PeriodicEncoding(2)}, {"schedule": "constant"}, {"weight_decay": 0.1}],
    ids=str,
)
def test_dropout_encodings_and_schedules_go_on(settings, rows, tmp_path, monkeypatch):
    student = StudentClassifier((8,), **SETTINGS, **settings)
    resumed = stopped_and_resumed(student, rows, 17, tmp_path / "c", monkeypatch)
    assert resumed.to_bytes() == student.fit(*rows).to_bytes()


def test_early_stopping_goes_on_with_the_best_weights(rows, tmp_path, monkeypatch):
    student = StudentClassifier(
        (8,), **{**SETTINGS, "max_epochs": 12, "learning_rate": 0.3}, early_stopping=True, n_iter_no_change=3
    )
    resumed = stopped_and_resumed(student, rows, 40, tmp_path / "c", monkeypatch)
    whole = student.fit(*rows)
    assert resumed.to_bytes() == whole.to_bytes()
    assert (resumed.best_epoch_, resumed.stopped_) == (whole.best_epoch_, whole.stopped_)


def test_a_fit_on_parts_goes_on_within_an_epoch(rows, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    X, y = rows
    teacher = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    generator = MarginalSampler(random_state=0).fit(X)
    stored = TransferSet.write(tmp_path / "set", teacher, X, generator=generator, n_rows=1_500, shard_rows=300)
    stream = TransferSet.stream(teacher, X, generator=generator, n_rows=900, part_rows=200)
    for k, data in enumerate((stored, stream)):
        student = StudentClassifier((8,), **{**SETTINGS, "max_epochs": 2})
        resumed = stopped_and_resumed(student, (data,), 40, tmp_path / f"c{k}", monkeypatch)
        assert resumed.to_bytes() == student.fit(data).to_bytes()


def test_values_go_on(rows, tmp_path, monkeypatch):
    X, _ = rows
    student = StudentRegressor((8,), **SETTINGS)
    resumed = stopped_and_resumed(student, (X, X[:, 0] * 2), 13, tmp_path / "c", monkeypatch)
    assert resumed.to_bytes() == student.fit(X, X[:, 0] * 2).to_bytes()


@pytest.mark.parametrize("kind", [HostTable, DeviceTable, StreamedTable], ids=lambda kind: kind.__name__)
def test_every_table_goes_back_to_the_order_of_an_epoch(kind):
    """On a GPU rows live in the latter two."""

    def epoch(table):
        return torch.cat([rows for (rows,) in table.batches()]).tolist()

    def fresh():
        return kind((torch.arange(50.0),), 8, 3, torch.device("cpu"))

    table = fresh()
    first, state, second = epoch(table), table.order_state(), epoch(table)
    again = fresh()
    again.seek(1, state)
    assert epoch(again) == second != first


def test_callbacks_are_called_once_for_each_epoch(rows, tmp_path, monkeypatch):
    seen = []
    student = StudentClassifier((8,), **SETTINGS, callbacks=(lambda row: seen.append(row["epoch"]),))
    stopped_and_resumed(student, rows, 25, tmp_path / "c", monkeypatch)
    assert seen == [0, 1, 2, 3]


def test_checkpoints_are_written_when_they_are_due(rows, tmp_path, monkeypatch):
    StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=tmp_path / "c")  # five minutes do not pass
    assert not (tmp_path / "c").exists()
    StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=Checkpoint(tmp_path / "c", minutes=0))
    assert (tmp_path / "c").exists() and [p.name for p in tmp_path.iterdir()] == ["c"]


def test_what_a_killed_writer_left_behind_goes_away(rows, tmp_path):
    for name in (".c.0123456789abcdef", ".c.note", ".other.0123456789abcdef"):
        (tmp_path / name).write_bytes(b"half")
    StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=Checkpoint(tmp_path / "c", minutes=0))
    assert sorted(p.name for p in tmp_path.iterdir()) == [".c.note", ".other.0123456789abcdef", "c"]


def test_a_finished_training_resumed_is_itself(rows, tmp_path):
    path = tmp_path / "c"
    whole = StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=Checkpoint(path, minutes=0))
    assert StudentClassifier((8,), **SETTINGS).fit(*rows, resume_from=path).to_bytes() == whole.to_bytes()


def test_a_clock_that_goes_backwards_does_no_harm(rows, tmp_path, monkeypatch):
    import time

    monkeypatch.setattr(time, "time", lambda: -1e9)
    student = StudentClassifier((8,), **SETTINGS)
    resumed = stopped_and_resumed(student, rows, 17, tmp_path / "c", monkeypatch)
    assert resumed.to_bytes() == student.fit(*rows).to_bytes()


def test_the_file_holds_no_pickle(rows, tmp_path):
    StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=Checkpoint(tmp_path / "c", minutes=0))
    with safe_open(tmp_path / "c", framework="pt") as file:
        assert json.loads(file.metadata()["compress"])["format"] == 1
        assert all(isinstance(file.get_tensor(name), torch.Tensor) for name in file.keys())  # noqa: SIM118


@pytest.mark.parametrize(
    "change, says",
    [
        ({"learning_rate": 0.02}, "learning_rate was 0.01 and is 0.02"),
        ({"random_state": 1}, "the seed was"),
        ({"hidden_layer_sizes": (9,)}, "the shapes of the weights"),
        ({"max_epochs": 5}, "max_epochs was 4 and is 5"),
    ],
)
def test_another_training_is_refused_with_what_differs(change, says, rows, tmp_path):
    path = tmp_path / "c"
    StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=Checkpoint(path, minutes=0))
    with pytest.raises(ValueError, match=says):
        StudentClassifier((8,), **SETTINGS).set_params(**change).fit(*rows, resume_from=path)


def test_other_rows_are_refused(rows, tmp_path):
    path = tmp_path / "c"
    StudentClassifier((8,), **SETTINGS).fit(*rows, checkpoint=Checkpoint(path, minutes=0))
    with pytest.raises(ValueError, match="the rows was"):
        StudentClassifier((8,), **SETTINGS).fit(rows[0] ** 3, rows[1], resume_from=path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_checkpoint_is_refused(content, rows, tmp_path):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(ValueError, match="is no checkpoint of a training, or is damaged"):
        StudentClassifier((8,), **SETTINGS).fit(*rows, resume_from=tmp_path / "c")


def test_missing_files_and_folders_are_known_before_any_work(rows, tmp_path):
    def stop(row):
        raise StopTraining

    with pytest.raises(FileNotFoundError, match="Leave resume_from out to begin anew"):
        StudentClassifier((8,), callbacks=(stop,)).fit(*rows, resume_from=tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        StudentClassifier((8,), callbacks=(stop,)).fit(*rows, checkpoint=tmp_path / "no" / "c")
    with pytest.raises(TypeError, match="checkpoint must be a path or a Checkpoint, got 5"):
        StudentClassifier((8,), callbacks=(stop,)).fit(*rows, checkpoint=5)
    with pytest.raises(ValueError, match="at least 0, got -1"):
        Checkpoint(tmp_path / "c", minutes=-1)
