"""The work of one shard: its rows, their labels, its file. Any process can do it, with the same bytes."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import secrets
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np

from compress.schema import take
from compress.transfer._answers import answer_names
from compress.transfer._labelling import label_rows
from compress.transfer._manifest import ShardEntry, shard_name
from compress.transfer._shard import shard_bytes

__all__ = ["Labeller", "ShardJob", "shards_written"]

RETRIES = 3  # of a shard whose worker was lost


@dataclass
class Labeller:
    """Who labels rows, and how.

    Parameters
    ----------
    teacher : fitted estimator, or path
        The teacher, or the file of joblib that each worker loads it from.
    labels, kind, classes, original_targets, timeout
        As in `TransferSet.write`.
    """

    teacher: object
    labels: str
    kind: str
    classes: np.ndarray | None
    original_targets: np.ndarray | None = None
    timeout: float | None = None
    _loaded: object = field(default=None, repr=False)

    def targets(self, X, start: int) -> np.ndarray:
        """Return the targets of the rows from `start` on: those that are known, else the teacher's answers."""
        known = self.original_targets
        if known is None or start >= len(known):
            return self._answers(X)
        own = known[start : start + len(X)]
        if len(own) == len(X):
            return own
        rest = self._answers(take(X, slice(len(own), None)))
        return np.concatenate([own, rest.astype(own.dtype, copy=False)])

    def _answers(self, X) -> np.ndarray:
        if self._loaded is None:
            given = self.teacher
            self._loaded = joblib.load(given) if isinstance(given, (str, Path)) else given
        settings = {"labels": self.labels, "classes": self.classes, "timeout": self.timeout}
        return label_rows(self._loaded, X, **settings, n_jobs=1)

    def __getstate__(self):
        return {**self.__dict__, "_loaded": None}


@dataclass
class ShardJob:
    """What a worker needs to write any shard.

    Parameters
    ----------
    folder : LocalFolder or RemoteFolder
        Where the shards go.
    rows : callable(start, stop) -> table
        A function that gives any stretch of rows.
    spans : list of (int, int)
        The first row of each shard and the one after its last.
    labeller : Labeller or None
        Who labels them; None for rows without labels.
    """

    folder: object
    rows: Callable
    spans: list
    labeller: Labeller | None

    def write(self, index: int) -> tuple[int, ShardEntry]:
        """Write one shard and return its number and what the manifest says of it."""
        start, stop = self.spans[index]
        try:
            X, targets, names = self.rows(start, stop), None, []
            if self.labeller is not None:
                targets = self.labeller.targets(X, start)
                names = answer_names(self.labeller.kind, self.labeller.classes, targets.shape)
            content = shard_bytes(X, targets, names)
        except Exception as error:
            error.add_note(
                f"This was shard {index} of {len(self.spans)}, rows {start} to {stop - 1}. The shards that are written "
                "stay, and the same call goes on with the others."
            )
            raise
        self.folder.write(shard_name(index), content)
        return index, ShardEntry(start, stop - start, len(content), hashlib.sha256(content).hexdigest())

    @property
    def teacher(self):
        """Who labels, for messages."""
        return None if self.labeller is None else self.labeller.teacher


def shards_written(job: ShardJob, missing: list[int], *, client=None, n_jobs: int | None = None):
    """Write shards through joblib, or through a Dask client, and yield what is done as it comes.

    Parameters
    ----------
    job : ShardJob
        The work.
    missing : list of int
        The numbers of the shards to write.
    client : distributed.Client, optional
        The client of a Dask cluster whose workers write the shards.
    n_jobs : int, optional
        The number of joblib's workers.

    Yields
    ------
    (int, ShardEntry)

    Raises
    ------
    TypeError
        The workers are other processes, and the teacher cannot be pickled.
    """
    backend, _ = joblib.parallel.get_active_backend(prefer="threads")
    client = getattr(backend, "client", None) if client is None else client
    if client is not None:
        yield from _by_dask(client, job, missing)
        return
    with contextlib.ExitStack() as stack:
        shared = job
        if not getattr(backend, "supports_sharedmem", False) and joblib.effective_n_jobs(n_jobs) > 1:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="compress-"))
            shared = _Handed.through(job, Path(folder))
        parallel = joblib.Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator_unordered")
        yield from parallel(joblib.delayed(_write)(shared, index) for index in missing)


def _write(job, index: int):
    return (job.job if isinstance(job, _Handed) else job).write(index)


def _by_dask(client, job: ShardJob, missing: list[int]):
    """Hand the job to each worker once; a task is a number, and its result a few words."""
    from distributed import as_completed

    try:
        there = client.scatter(job, broadcast=True, hash=False)
    except Exception as error:
        if _pickled(job.teacher) is None:
            raise _cannot_travel(job.teacher, error) from error
        raise
    futures = client.map(_write, [there] * len(missing), missing, pure=False, retries=RETRIES)
    try:
        for _, result in as_completed(futures, with_results=True):
            yield result
    finally:
        client.cancel(futures)


class _Handed:
    """A job that travels to other processes as the name of a file, which each process reads once."""

    _known: dict = {}
    _lock = threading.Lock()

    def __init__(self, path: str):
        self.path = path

    @classmethod
    def through(cls, job: ShardJob, folder: Path) -> _Handed:
        content = _pickled(job)
        if content is None:
            raise _cannot_travel(job.teacher, None)
        path = folder / secrets.token_hex(8)
        path.write_bytes(content)
        return cls(str(path))

    @property
    def job(self) -> ShardJob:
        with self._lock:
            if self.path not in self._known:
                self._known.clear()
                self._known[self.path] = pickle.loads(Path(self.path).read_bytes())
            return self._known[self.path]


def _pickled(thing) -> bytes | None:
    try:  # with functions of __main__, as joblib's own tasks have them
        return pickle.dumps(joblib.wrap_non_picklable_objects(thing, keep_wrapper=False))
    except Exception:
        return None


def _cannot_travel(teacher, error) -> TypeError:
    return TypeError(
        f"workers are other processes, to which the teacher, a {type(teacher).__name__}, cannot be sent: pickle cannot "
        f"save it{'' if error is None else f' ({error})'}. Use joblib.parallel_config(backend='threading'), or a "
        "teacher that can be pickled."
    )
