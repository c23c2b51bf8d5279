"""Sharded transfer sets: deterministic files, whole or not there, resumed, opened with care."""

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from tables import mixed_table

from compress import MUNGE, StudentClassifier, TransferSet
from compress.generators import BaseGenerator, MarginalSampler
from compress.transfer import FolderLocked
from compress.transfer import _lock as lock_module
from compress.transfer._folder import folder_at
from compress.transfer._lock import LOCK, FolderLock

pytest.importorskip("pyarrow")
ROWS, SHARD = 2_500, 400


@pytest.fixture(scope="module")
def rows():
    X = np.random.default_rng(0).normal(size=(300, 3))
    return X, np.where(X[:, 0] > 0, "yes", "no")


@pytest.fixture(scope="module")
def teacher(rows):
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(*rows)


@pytest.fixture(scope="module")
def generator(rows):
    return MarginalSampler(random_state=0).fit(rows[0])


@pytest.fixture(scope="module")
def write(rows, teacher, generator):
    """A function that writes the same transfer set wherever it is told to."""

    def written(folder, **changes):
        settings = {"generator": generator, "n_rows": ROWS, "shard_rows": SHARD, **changes}
        return TransferSet.write(folder, settings.pop("teacher", teacher), rows[0], **settings)

    return written


@pytest.fixture(scope="module")
def whole(write, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    write(folder)
    return folder


@pytest.fixture
def copied(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def content(folder) -> dict:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def changed_manifest(folder, change):
    path = folder / "manifest.json"
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


# ---------------------------------------------------------------- what is written
def test_shards_hold_what_a_transfer_set_in_memory_holds(whole, rows, teacher, generator):
    held = TransferSet.from_teacher(teacher, rows[0], generator=generator, n_rows=ROWS)
    read = TransferSet.open(whole).load()
    np.testing.assert_array_equal(read.X, held.X)
    np.testing.assert_array_equal(read.targets, held.targets)
    assert (read.kind, read.n_original, read.classes.tolist()) == (held.kind, 300, ["no", "yes"])


def test_columns_of_every_kind_come_back(tmp_path):
    X = mixed_table(200)
    teacher = DecisionTreeClassifier(max_depth=2).fit(X[["int64"]], X["float64"] > 0)
    teacher = _OnColumns(teacher, ["int64"])
    generator = MUNGE(random_state=0).fit(X)
    held = TransferSet.from_teacher(teacher, X, generator=generator, n_rows=900)
    read = TransferSet.write(tmp_path, teacher, X, generator=generator, n_rows=900, shard_rows=250).load()
    pd.testing.assert_frame_equal(read.X, held.X)
    assert read.schema == held.schema


class _OnColumns:
    def __init__(self, model, columns):
        self.model, self.columns, self.classes_ = model, columns, model.classes_

    def predict_proba(self, X):
        return self.model.predict_proba(X[self.columns])


@pytest.mark.parametrize("labels", ["soft", "logits", "hard"])
def test_labels_of_each_kind_come_back(labels, write, tmp_path, rows, teacher, generator):
    held = TransferSet.from_teacher(teacher, rows[0], generator=generator, n_rows=ROWS, labels=labels)
    read = write(tmp_path, labels=labels).load()
    np.testing.assert_array_equal(read.targets, held.targets)
    assert read.kind == held.kind


@pytest.mark.parametrize("n_outputs", [0, 1, 2])
def test_values_come_back_in_float64_and_in_their_shape(n_outputs, tmp_path, rows):
    y = rows[0] @ np.arange(6).reshape(3, 2)
    teacher = LinearRegression().fit(rows[0], y[:, 0] if n_outputs == 0 else y[:, :n_outputs])
    held = TransferSet.from_teacher(teacher, rows[0])
    read = TransferSet.write(tmp_path, teacher, rows[0], shard_rows=100).load()
    assert read.targets.dtype == np.float64 and read.targets.shape == held.targets.shape
    np.testing.assert_array_equal(read.targets, held.targets)


def test_given_targets_and_unlabelled_rows_come_as_in_memory(tmp_path, rows, teacher, generator):
    X, y = rows
    more = X[:50] + 1
    settings = {"X_unlabeled": more, "generator": generator, "n_rows": 900}
    settings["original_targets"] = np.eye(2, dtype=np.float32)[(y == "yes").astype(int)]
    held = TransferSet.from_teacher(teacher, X, **settings)
    read = TransferSet.write(tmp_path, teacher, X, shard_rows=130, **settings).load()
    np.testing.assert_array_equal(read.X, held.X)
    np.testing.assert_array_equal(read.targets, held.targets)


def test_without_a_generator_the_rows_are_labelled(tmp_path, rows, teacher):
    read = TransferSet.write(tmp_path, teacher, rows[0], shard_rows=77)
    assert read.sizes == [77, 77, 77, 69]
    np.testing.assert_array_equal(read.load().X, rows[0])


def test_a_shard_is_a_table_as_label_writes_it(whole):
    frame = pd.read_parquet(whole / "shard-000002.parquet")
    assert list(frame) == ["0", "1", "2", "teacher::probability::text::no", "teacher::probability::text::yes"]


def test_the_manifest_says_what_the_shards_are_made_of(whole, generator):
    plain = json.loads((whole / "manifest.json").read_text())
    assert plain["format"] == 1 and plain["complete"] and plain["rows"] == ROWS
    assert plain["generator"]["seed"] == list(generator.entropy_)
    assert plain["generator"]["class"].endswith("MarginalSampler")
    assert [entry["first_row"] for entry in plain["shards"]] == [0, 300, 700, 1100, 1500, 1900, 2300]
    assert sum(entry["rows"] for entry in plain["shards"]) == ROWS


def test_nothing_but_shards_and_manifest_is_left(whole):
    assert sorted(content(whole)) == ["manifest.json", *(f"shard-{i:06d}.parquet" for i in range(7))]


def test_shards_of_whole_blocks_are_the_default(write, tmp_path):
    assert write(tmp_path, shard_rows=None).sizes == [300, 2_200]


# ---------------------------------------------------------------- the same bytes
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_bytes_do_not_depend_on_the_workers(backend, write, whole, tmp_path):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        write(tmp_path)
    assert content(tmp_path) == content(whole)


def test_a_teacher_loaded_from_a_file_gives_the_same_transfer_set(write, copied, teacher, tmp_path):
    joblib.dump(teacher, tmp_path / "teacher.joblib")
    before = content(copied)
    write(copied, teacher=joblib.load(tmp_path / "teacher.joblib"))
    write(copied, teacher=tmp_path / "teacher.joblib", trust_pickle=True)
    assert content(copied) == before


def test_workers_load_a_teacher_from_its_file(write, whole, teacher, tmp_path):
    joblib.dump(teacher, tmp_path / "teacher.joblib")
    write(tmp_path / "out", teacher=str(tmp_path / "teacher.joblib"), trust_pickle=True)
    assert content(tmp_path / "out") == content(whole)
    with pytest.raises(ValueError, match="trust_pickle=True"):
        write(tmp_path / "other", teacher=str(tmp_path / "teacher.joblib"))


def test_dask_workers_write_their_own_shards(write, whole, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        write(tmp_path / "client", client=client)
        with joblib.parallel_config(backend="dask"):
            write(tmp_path / "backend")
    assert content(tmp_path / "client") == content(tmp_path / "backend") == content(whole)


# ---------------------------------------------------------------- going on
def test_whole_shards_stay_and_missing_and_damaged_ones_are_made_again(write, copied, whole):
    kept = copied / "shard-000001.parquet"
    time_kept = kept.stat().st_mtime_ns
    (copied / "shard-000002.parquet").unlink()
    data = bytearray((copied / "shard-000004.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (copied / "shard-000004.parquet").write_bytes(bytes(data))
    (copied / "shard-000005.parquet").write_bytes(b"PAR1")
    write(copied)
    assert content(copied) == content(whole)
    assert kept.stat().st_mtime_ns == time_kept


def test_an_interrupted_call_goes_on_where_it_stopped(write, whole, tmp_path, teacher, monkeypatch):
    asked = []

    class Tired(DecisionTreeClassifier):
        pass

    def predict_proba(self, X, tired=True):
        asked.append(len(X))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return teacher_proba(self, X)

    teacher_proba = DecisionTreeClassifier.predict_proba
    monkeypatch.setattr(DecisionTreeClassifier, "predict_proba", predict_proba)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    there = json.loads((tmp_path / "manifest.json").read_text())
    assert not there["complete"] and 0 < len(there["shards"]) < 7
    asked[:] = [0] * 10
    write(tmp_path)
    assert content(tmp_path) == content(whole)
    assert len(asked) - 10 == 1 + 7 - len(there["shards"])  # one look at the first row


def test_shards_in_another_order_are_put_right(write, copied, whole):
    a, b = copied / "shard-000001.parquet", copied / "shard-000002.parquet"
    a_content, b_content = a.read_bytes(), b.read_bytes()
    a.write_bytes(b_content), b.write_bytes(a_content)
    with pytest.raises(ValueError, match=r"shard-000001.parquet (does not hold what was written|has \d+ bytes)"):
        TransferSet.open(copied)
    write(copied)
    assert content(copied) == content(whole)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"n_rows": 2_600}, "rows is 2500 there and 2600 now"),
        ({"shard_rows": 500}, "shard_rows is 400 there and 500 now"),
        ({"labels": "logits"}, "kind is 'probabilities' there and 'logits' now"),
    ],
)
def test_another_configuration_is_refused_with_what_differs(change, says, write, copied, whole):
    with pytest.raises(ValueError, match=says):
        write(copied, **change)
    assert content(copied) == content(whole)


def test_another_teacher_or_seed_is_another_configuration(write, copied, rows):
    other = DecisionTreeClassifier(max_depth=2, random_state=0).fit(*rows)
    with pytest.raises(ValueError, match="teacher.fingerprint"):
        write(copied, teacher=other)
    with pytest.raises(ValueError, match="generator.seed"):
        write(copied, generator=MarginalSampler(random_state=1).fit(rows[0]))


def test_more_workers_or_words_are_no_other_configuration(write, copied, rows):
    before = content(copied)
    write(copied, generator=MarginalSampler(random_state=0, n_jobs=2).fit(rows[0]), n_jobs=2, verbose=1)
    assert content(copied) == before


def test_without_resume_everything_is_written_anew(write, copied):
    stored = write(copied, resume=False, shard_rows=1_000)
    assert stored.sizes == [300, 1000, 1000, 200]
    assert len(content(copied)) == 5  # old shards are gone


def test_what_killed_writers_left_behind_goes_away(write, copied, whole):
    (copied / ".shard-000003.parquet.0123456789abcdef").write_bytes(b"half")
    write(copied)
    assert content(copied) == content(whole)


# ---------------------------------------------------------------- opening with care
def test_opening_compares_each_shard_with_its_hash(copied):
    path = copied / "shard-000003.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match="shard-000003.parquet does not hold what was written"):
        TransferSet.open(copied)
    opened = TransferSet.open(copied, verify=False)
    opened.encoded(2)
    with pytest.raises(ValueError, match="shard-000003"):  # no shard is read without
        opened.encoded(3)


def test_missing_shards_are_said(copied):
    (copied / "shard-000003.parquet").unlink()
    with pytest.raises(FileNotFoundError, match="lacks shard-000003.parquet"):
        TransferSet.open(copied)


def test_an_incomplete_transfer_set_is_not_opened(copied):
    changed_manifest(copied, lambda plain: plain["shards"].pop())
    with pytest.raises(FileNotFoundError, match="lacks 1 of 7 shards, the first of them shard-000006"):
        TransferSet.open(copied)


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update(format=2),
        lambda plain: plain.update(rows=-1),
        lambda plain: plain.update(rows=10**18),
        lambda plain: plain.update(outputs=3),
        lambda plain: plain.update(kind="secrets"),
        lambda plain: plain.update(shard_rows=0),
        lambda plain: plain.pop("schema"),
        lambda plain: plain["schema"].update(dtype="object"),
        lambda plain: plain["classes"].update(dtype="U1000000000"),
        lambda plain: plain["shards"][0].update(file="../../etc/passwd"),
        lambda plain: plain["shards"][0].update(file="/etc/passwd"),
        lambda plain: plain["shards"][0].update(sha256="0"),
        lambda plain: plain["shards"][1].update(first_row=0),
        lambda plain: plain.update(shards=[1, 2]),
    ],
)
def test_forged_and_damaged_manifests_are_refused(change, copied):
    changed_manifest(copied, change)
    with pytest.raises(ValueError, match="manifest.json"):
        TransferSet.open(copied)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "1"}', "[" * 100_000])
def test_what_is_no_manifest_is_refused(text, copied):
    (copied / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match="manifest.json"):
        TransferSet.open(copied)


def test_a_foreign_shard_with_the_right_hash_is_refused(copied):
    """Who can write the manifest can write hashes; what a shard holds must fit, too."""
    import hashlib

    frame = pd.DataFrame({"a": [1.0]})
    frame.to_parquet(copied / "shard-000001.parquet")
    data = (copied / "shard-000001.parquet").read_bytes()
    known = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    changed_manifest(copied, lambda plain: plain["shards"][1].update(known))
    with pytest.raises(ValueError, match="must have 400 rows and 5 columns, got 1 rows and 1 columns"):
        TransferSet.open(copied).encoded(1)


def test_a_folder_without_a_manifest_is_no_transfer_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no transfer set"):
        TransferSet.open(tmp_path)


# ---------------------------------------------------------------- one writer at a time
def test_a_living_writer_is_not_disturbed(write, copied, monkeypatch):
    monkeypatch.setattr(lock_module, "BEAT", 0.05)
    with FolderLock(folder_at(copied)), pytest.raises(FolderLocked, match=f"another process: {os.getpid()}"):
        write(copied)


def test_a_writer_without_a_heartbeat_is_dead(write, copied, whole, monkeypatch):
    monkeypatch.setattr(lock_module, "STALE", 0.3)
    foreign = {"owner": "0" * 16, "host": "elsewhere", "pid": 1, "started": "1", "beat": 7}
    (copied / LOCK).write_text(json.dumps(foreign))
    write(copied)
    assert content(copied) == content(whole)


def test_a_writer_whose_process_is_gone_is_dead_at_once(write, copied, whole):
    gone = multiprocessing.get_context("spawn").Process(target=time.time)
    gone.start(), gone.join()
    found = {"owner": "0" * 16, "host": lock_module._host(), "pid": gone.pid, "started": "1", "beat": 0}
    (copied / LOCK).write_text(json.dumps(found))
    started = time.monotonic()
    write(copied)
    assert time.monotonic() - started < 5 and content(copied) == content(whole)


def test_a_damaged_lock_is_nobodys(write, copied, whole):
    (copied / LOCK).write_bytes(b"\0\0")
    write(copied)
    assert content(copied) == content(whole)


def test_who_has_lost_the_lock_stops(copied, monkeypatch):
    monkeypatch.setattr(lock_module, "BEAT", 0.05)
    with FolderLock(folder_at(copied)) as mine:
        (copied / LOCK).write_text(json.dumps({"owner": "f" * 16, "host": "h", "pid": 3, "beat": 0}))
        time.sleep(0.5)
        with pytest.raises(FolderLocked, match="3 on h"):
            mine.check()
    assert (copied / LOCK).exists()  # it is the other one's
    (copied / LOCK).unlink()


def test_of_many_who_take_a_dead_ones_lock_one_gets_it(copied, monkeypatch):
    monkeypatch.setattr(lock_module, "BEAT", 0.05)
    monkeypatch.setattr(lock_module, "STALE", 0.3)
    (copied / LOCK).write_text(json.dumps({"owner": "0" * 16, "host": "elsewhere", "pid": 1, "beat": 7}))
    results, all_done = [], threading.Barrier(4)

    def take():
        try:
            with FolderLock(folder_at(copied)):
                results.append(True)
                all_done.wait(10)
        except FolderLocked:
            results.append(False)
            all_done.wait(10)

    threads = [threading.Thread(target=take) for _ in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert results.count(True) == 1


# ---------------------------------------------------------------- elsewhere
def test_an_in_memory_file_system_holds_the_same_bytes(write, whole, monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setattr(lock_module, "SETTLE", 0.01)
    stored = write("memory://bucket/set")
    system = fsspec.filesystem("memory")
    found = {path.rsplit("/", 1)[1]: system.cat_file(path) for path in system.ls("/bucket/set", detail=False)}
    assert found == content(whole)
    system.rm_file("/bucket/set/shard-000001.parquet")
    with pytest.raises(FileNotFoundError, match="memory://bucket/set lacks shard-000001"):
        stored.encoded(1)
    write("memory://bucket/set")
    assert len(TransferSet.open("memory://bucket/set").load()) == ROWS
    system.rm("/bucket", recursive=True)


def test_an_s3_server_holds_the_same_bytes(write, whole, monkeypatch):
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        monkeypatch.setattr(lock_module, "SETTLE", 0.01)
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        system = s3fs.S3FileSystem()
        system.mkdir("bucket")
        stored = write("s3://bucket/set")
        found = {path.rsplit("/", 1)[1]: system.cat_file(path) for path in system.ls("bucket/set", detail=False)}
        assert found == content(whole)
        system.rm_file("bucket/set/shard-000002.parquet")
        write("s3://bucket/set")
        assert len(stored.load()) == ROWS
    finally:
        server.stop()


def test_an_unknown_scheme_is_refused_before_any_work(write):
    with pytest.raises(ValueError, match="nonsense://there is neither a path nor a URL"):
        write("nonsense://there")


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize("shard_rows", [0, -1, ROWS + 1])
def test_shard_rows_must_lie_between_1_and_all_rows(shard_rows, write, tmp_path):
    with pytest.raises(ValueError, match=f"shard_rows must lie between 1 and n_rows, 2500, got {shard_rows}"):
        write(tmp_path, shard_rows=shard_rows)


def test_a_folder_with_other_files_is_left_alone(write, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    for resume in (True, False):
        with pytest.raises(FileExistsError, match="holds no manifest.json, but thesis.doc"):
            write(tmp_path, resume=resume)
    assert list(content(tmp_path)) == ["thesis.doc"]


@pytest.mark.parametrize(
    "change, error, says",
    [
        ({"n_rows": 1e3}, TypeError, "n_rows must be an integer or None, got 1000.0"),
        ({"n_rows": 3}, ValueError, "must be at least 300, got 3"),
        ({"labels": "fuzzy"}, ValueError, "labels must be one of"),
        ({"client": "tcp://here"}, TypeError, "client must be a distributed.Client or None"),
    ],
)
def test_parameters_out_of_range_are_refused_before_any_work(change, error, says, write, tmp_path):
    with pytest.raises(error, match=says):
        write(tmp_path / "out", **change)
    assert not (tmp_path / "out").exists()


def test_classes_that_no_file_can_hold_are_refused_before_any_work(rows, tmp_path):
    class OfDates:
        classes_ = pd.to_datetime(["2020-01-01", "2021-01-01"])

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    with pytest.raises(ValueError, match="a teacher's classes must be texts, numbers or booleans"):
        TransferSet.write(tmp_path / "out", OfDates(), rows[0])
    assert not (tmp_path / "out").exists()


def test_a_file_is_not_taken_for_a_folder_and_home_is_known(write, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is not a folder: give the name of one"):
        write(tmp_path / "file")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write("~/set").folder.path == tmp_path / "set"


def test_others_than_students_say_what_to_pass(whole, rows):
    from compress.distill import DistilledClassifier

    data = TransferSet.open(whole)
    for estimator in (DistilledClassifier(DecisionTreeClassifier().fit(*rows)), DecisionTreeClassifier()):
        with pytest.raises(TypeError, match="got a transfer set in parts. StudentClassifier and TreeStudentClassifier"):
            estimator.fit(data, rows[1])
    with pytest.raises(ValueError, match="n_rows must be an integer of at least 1, got 0"):
        data.sample(0)


def test_a_generator_that_makes_no_parts_is_refused(write, tmp_path):
    class Own:
        def fit(self, X):
            return self

        def sample(self, n):
            return np.zeros((n, 3))

    with pytest.raises(TypeError, match="Subclass BaseGenerator"):
        write(tmp_path, generator=Own())
    assert issubclass(MUNGE, BaseGenerator)


def test_a_teacher_that_cannot_be_taken_apart_is_named(rows, tmp_path):
    class WithFile:
        classes_ = np.array([0, 1])

        def __init__(self):
            self.log = open(os.devnull)  # noqa: SIM115

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    teacher = WithFile()
    with pytest.raises(TypeError, match="the teacher needs a fingerprint, but a WithFile"):
        TransferSet.write(tmp_path, teacher, rows[0])
    teacher.log.close()


def test_missing_pyarrow_says_how_to_install_it(write, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pip install 'tabular-compress\[scale\]'"):
        write(tmp_path)


@pytest.mark.parametrize(
    "answer, error, says",
    [
        (lambda X: np.full((len(X), 2), np.nan), ValueError, "NaN|finite|missing"),
        (lambda X: np.full((len(X), 3), 1 / 3), ValueError, "column|class|shape"),
        (lambda X: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_answers_that_are_none_end_the_call_and_keep_what_is_written(answer, error, says, write, rows, tmp_path):
    class Late:
        classes_ = np.array(["no", "yes"])
        asked = 0

        def predict_proba(self, X):
            type(self).asked += 1
            return np.full((len(X), 2), 0.5) if self.asked < 4 else answer(X)

    with pytest.raises(error, match=says) as caught:
        write(tmp_path, teacher=Late())
    assert any("The shards that are written stay" in note for note in caught.value.__notes__)
    assert json.loads((tmp_path / "manifest.json").read_text())["shards"]


def test_a_teacher_that_hangs_is_left_after_its_time(write, tmp_path):
    class Hanging:
        classes_ = np.array(["no", "yes"])

        def predict_proba(self, X):
            if len(X) > 1:
                time.sleep(3)
            return np.full((len(X), 2), 0.5)

    with pytest.raises(TimeoutError, match="Hanging, has not answered for 300 rows within teacher_timeout=0.2"):
        write(tmp_path, teacher=Hanging(), teacher_timeout=0.2)
    with pytest.raises(ValueError, match="teacher_timeout must be above 0"):
        write(tmp_path, teacher_timeout=0)


def test_a_read_only_folder_is_an_error_before_any_work(write, tmp_path, monkeypatch):
    monkeypatch.setattr("compress.transfer._folder.write_atomically", _refuse)
    with pytest.raises(PermissionError, match="read-only"):
        write(tmp_path)


def _refuse(path, content):
    raise PermissionError(13, "read-only", str(path))


# ---------------------------------------------------------------- fresh rows
def test_a_stream_has_fresh_rows_in_each_epoch_and_the_original_ones(rows, teacher, generator):
    stream = TransferSet.stream(teacher, rows[0], generator=generator, n_rows=1_000, part_rows=300)
    assert stream.sizes == [300, 300, 300, 100] and len(stream) == 1_000
    first, second, again = stream.part(1), stream.part(1, epoch=1), stream.part(1)
    np.testing.assert_array_equal(first.X, again.X)
    assert not np.array_equal(first.X, second.X)
    np.testing.assert_array_equal(stream.part(0, epoch=5).X, rows[0])
    np.testing.assert_allclose(second.targets, teacher.predict_proba(second.X), rtol=1e-6)


def test_a_stream_without_generated_rows_is_refused(rows, teacher, generator):
    with pytest.raises(ValueError, match="leaves no rows to generate"):
        TransferSet.stream(teacher, rows[0], generator=generator, n_rows=300)


def test_a_sample_comes_from_all_parts(whole):
    data = TransferSet.open(whole)
    some = data.sample(500, random_state=3)
    assert len(some) == 500 and len(data.sample(10**6)) == ROWS
    np.testing.assert_array_equal(some.X, data.sample(500, random_state=3).X)
    assert not np.array_equal(some.X, data.sample(500, random_state=4).X)


def test_a_killed_writer_loses_no_shard_and_the_bytes_are_the_same(whole, tmp_path, write):
    """The tests in tests/faults kill at random moments; this one does it once."""
    process = multiprocessing.get_context("fork").Process(target=_write_slowly, args=(write, tmp_path / "out"))
    process.start()
    while not list(tmp_path.glob("out/shard-000002*")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    write(tmp_path / "out")
    assert content(tmp_path / "out") == content(whole)


def _write_slowly(write, folder):
    from compress.transfer import _folder

    real = _folder.LocalFolder.write

    def slow(self, name, data):
        time.sleep(0.05)
        real(self, name, data)

    _folder.LocalFolder.write = slow
    write(folder)


def test_a_student_can_be_a_teacher_after_it_has_answered(rows, tmp_path):
    """What an estimator keeps for its next answer must not change its fingerprint."""
    student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(*rows)
    TransferSet.write(tmp_path, student, rows[0], shard_rows=100)
    student.predict_proba(rows[0])
    TransferSet.write(tmp_path, student, rows[0], shard_rows=100)
