"""A Dask worker killed, two writers at once, a full disk: no shard is lost or wrong."""

import errno
import json
import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from compress import MUNGE, TransferSet
from compress.transfer import FolderLocked, _folder

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow


class Slow:
    """A teacher that takes a while, so that something can happen meanwhile."""

    classes_ = np.array([0, 1])

    def __init__(self, seconds=0.0, payload=None):
        self.seconds, self.payload = seconds, payload

    def __reduce__(self):  # the seconds make no other teacher
        return Slow, (0.0, self.payload)

    def predict_proba(self, X):
        time.sleep(self.seconds or float(os.environ.get("SLOW", "0")))
        p = 1 / (1 + np.exp(-X[:, 0]))
        return np.c_[1 - p, p]


@pytest.fixture(scope="module")
def write():
    X = np.random.default_rng(0).normal(size=(500, 4))
    generator = MUNGE(random_state=0).fit(X)

    def written(folder, teacher=None, **more):
        return TransferSet.write(
            folder, teacher or Slow(), X, generator=generator, n_rows=10_000, shard_rows=500, **more
        )

    return written


@pytest.fixture(scope="module")
def whole(write, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    write(folder)
    return content(folder)


def content(folder) -> dict:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def test_a_killed_dask_worker_costs_its_shard_only(write, whole, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("SLOW", "0.1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)]))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = client.run(os.getpid)

        def kill():
            while len(list((tmp_path / "out").glob("shard*"))) < 6:
                time.sleep(0.02)
            os.kill(next(iter(pids.values())), 9)

        killer = threading.Thread(target=kill)
        killer.start()
        write(tmp_path / "out", client=client)
        killer.join()
        assert len({*client.run(os.getpid).values()} & {*pids.values()}) < 2
    assert content(tmp_path / "out") == whole


def test_no_row_passes_the_scheduler(write, tmp_path, monkeypatch):
    """The teacher has 4 MB and a shard 20 kB; what client and scheduler send after the start is a few kB a task."""
    distributed = pytest.importorskip("distributed")
    from distributed.comm.tcp import TCP

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)]))
    sent, began = [], []
    real_write, real_map = TCP.write, distributed.Client.map

    async def counted(self, *args, **options):
        n_bytes = await real_write(self, *args, **options)
        if began:
            sent.append(n_bytes)
        return n_bytes

    monkeypatch.setattr(TCP, "write", counted)
    monkeypatch.setattr(distributed.Client, "map", lambda *a, **k: (began.append(1), real_map(*a, **k))[1])
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        stored = write(tmp_path / "out", Slow(payload=np.zeros(500_000)), client=client)
        began.clear()
    print(f"{len(stored.sizes)} tasks: {sum(sent):,} bytes in {len(sent)} messages, the largest of {max(sent):,}")
    assert max(sent) < 1_000_000 and sum(sent) < 100_000 * len(stored.sizes)


def test_two_writers_do_not_interleave(write, whole, tmp_path):
    context = multiprocessing.get_context("fork")
    outcomes = context.Queue()

    def one():
        try:
            write(tmp_path / "out", Slow(0.02))
            outcomes.put("written")
        except FolderLocked:
            outcomes.put("refused")

    writers = [context.Process(target=one) for _ in range(2)]
    [w.start() for w in writers], [w.join() for w in writers]
    assert sorted(outcomes.get(timeout=5) for _ in writers) in (["refused", "written"], ["written", "written"])
    assert content(tmp_path / "out") == whole


def test_a_full_disk_ends_the_call_and_the_next_one_goes_on(write, whole, tmp_path, monkeypatch):
    real, written = _folder.write_atomically, []

    def full(path, data):
        written.append(path)
        if len(written) > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, data)

    monkeypatch.setattr(_folder, "write_atomically", full)
    with pytest.raises(OSError, match="No space left on device"):
        write(tmp_path)
    monkeypatch.undo()
    kept = {name: path.stat().st_mtime_ns for path in tmp_path.glob("shard*") if (name := path.name)}
    assert kept
    write(tmp_path)
    assert content(tmp_path) == whole


def test_a_read_only_folder_is_refused_before_the_teacher_labels(write, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        write(tmp_path / "out")


def test_a_clock_that_goes_backwards_does_no_harm(write, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda now=[2e9]: now.__setitem__(0, now[0] - 3600) or now[0])
    write(tmp_path)
    assert content(tmp_path) == whole


def test_a_manifest_from_the_future_is_refused(write, tmp_path):
    write(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    for action in (lambda: TransferSet.open(tmp_path), lambda: write(tmp_path)):
        with pytest.raises(ValueError, match="format 99, and this version of compress reads up to 1"):
            action()
