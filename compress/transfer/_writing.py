"""Writing a transfer set to shards: what is there and whole is kept, the rest is made, by any number of workers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from pathlib import Path

import joblib
import numpy as np

from compress.evaluation import progress
from compress.schema import as_schema, as_table, stack_tables, take, with_known_categories
from compress.teachers import answered_classes, teacher_kind, teacher_outputs
from compress.transfer._answers import answer_names
from compress.transfer._fingerprint import fingerprint
from compress.transfer._folder import folder_at
from compress.transfer._job import Labeller, ShardJob, shards_written
from compress.transfer._kinds import kind_of
from compress.transfer._labelling import LABELS, check_labels
from compress.transfer._lock import LOCK, FolderLock
from compress.transfer._manifest import MANIFEST, ROWS, Manifest, shard_name
from compress.transfer._originals import n_generated
from compress.transfer._shard import require_pyarrow
from compress.transfer._source import GeneratedSource, class_name
from compress.transfer._stored import StoredRows

__all__ = ["write_rows", "write_shards"]

FLUSH = 5.0  # seconds after which the manifest is written again: what a kill may cost at most


def write_shards(
    directory,
    teacher,
    X,
    *,
    X_unlabeled=None,
    generator=None,
    n_rows=None,
    shard_rows=None,
    labels="soft",
    classes=None,
    schema=None,
    original_targets=None,
    resume=True,
    teacher_timeout=None,
    trust_pickle=False,
    client=None,
    n_jobs=None,
    verbose=0,
):
    """Write what is missing of a transfer set to a folder; see `TransferSet.write`. X may be `StoredRows`, too."""
    require_pyarrow()
    folder = folder_at(directory)
    if client is not None and not hasattr(client, "scatter"):
        raise TypeError(f"client must be a distributed.Client or None, got {client!r}.")
    if labels not in LABELS:
        raise ValueError(f"labels must be one of {LABELS}, got {labels!r}.")
    if teacher_timeout is not None and not teacher_timeout > 0:
        raise ValueError(f"teacher_timeout must be above 0 seconds or None, got {teacher_timeout!r}.")
    given, teacher = teacher, _loaded(teacher, trust_pickle)
    task = check_labels(teacher, labels)
    source = _source(X, X_unlabeled, generator, n_rows, schema)
    spans, shard_rows = source.spans(shard_rows)
    kind, example = kind_of(task, labels), source.example()
    first = teacher_outputs(teacher, example, teacher_kind(task, labels))
    if task == "classification":
        classes = answered_classes(teacher, example, classes)
        classes = np.arange(first.shape[1]) if classes is None else np.asarray(classes)
    else:
        classes = None
    answer_names(kind, classes, first.shape)  # refuses classes that a file cannot hold
    targets = _checked_targets(original_targets, source.n_original, first)
    configuration = {
        **source.described(),
        "shard_rows": shard_rows,
        "kind": kind,
        "labels": labels,
        "outputs": int(np.prod(first.shape[1:])),
        "flat": first.ndim == 1,
        "classes": None if classes is None else {"dtype": str(classes.dtype), "values": classes.tolist()},
        "teacher": {"class": class_name(teacher), "fingerprint": fingerprint(teacher, "the teacher")},
        "original_targets": None if targets is None else fingerprint(targets, "original_targets"),
    }
    sent = given if isinstance(given, (str, Path)) else teacher
    labeller = Labeller(sent, labels, kind, classes, targets, teacher_timeout)
    _write(ShardJob(folder, source.rows, spans, labeller), configuration, resume, client, n_jobs, verbose)
    return folder


def write_rows(
    directory, X, *, generator, n_rows: int, shard_rows=None, resume: bool = True, client=None, n_jobs=None, verbose=0
):
    """Write generated rows without labels to a folder of shards, as `generate` does; return the folder.

    Parameters
    ----------
    directory, X, generator
        As in `TransferSet.write`.
    n_rows : int
        The number of generated rows; those of `X` are not among them.
    shard_rows, resume, client, n_jobs, verbose
        As in `TransferSet.write`.

    Raises
    ------
    FileExistsError, FolderLocked, TypeError, ValueError
        As in `TransferSet.write`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from compress.generators import MarginalSampler
    >>> from compress.transfer import StoredRows, write_rows
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_rows(folder, X, generator=MarginalSampler(random_state=0).fit(X), n_rows=150)
    ...     print(len(StoredRows(folder)))
    ...
    150
    """
    require_pyarrow()
    folder = folder_at(directory)
    source = GeneratedSource(take(as_table(X), slice(0, 0)), 0, generator, n_rows, generator.schema_)
    spans, shard_rows = source.spans(shard_rows)
    configuration = {
        **source.described(),
        "shard_rows": shard_rows,
        "kind": ROWS,
        "labels": None,
        "outputs": 0,
        "flat": False,
        "classes": None,
        "teacher": None,
        "original_targets": None,
    }
    _write(ShardJob(folder, source.rows, spans, None), configuration, resume, client, n_jobs, verbose)
    return folder


def _write(job: ShardJob, configuration: dict, resume: bool, client, n_jobs, verbose: int) -> None:
    """Write the shards that are missing, and keep the manifest up to date."""
    folder = job.folder
    _check_place(folder, configuration, resume)
    folder.create()
    with FolderLock(folder) as lock:
        folder.clean()
        manifest = _kept(folder, configuration, resume)
        todo = manifest.missing()
        if todo or MANIFEST not in folder.names():
            folder.write(MANIFEST, manifest.to_bytes())
        done = shards_written(job, todo, client=client, n_jobs=n_jobs)
        shown = progress(done, len(todo), "writing", "shard", verbose)
        written = time.monotonic()
        try:
            for index, entry in shown:
                lock.check()
                manifest.shards[index] = entry
                if time.monotonic() - written > FLUSH:
                    folder.write(MANIFEST, manifest.to_bytes())
                    written = time.monotonic()
        finally:
            if todo:
                with contextlib.suppress(OSError) if manifest.missing() else contextlib.nullcontext():
                    folder.write(MANIFEST, manifest.to_bytes())


def _source(X, X_unlabeled, generator, n_rows, schema):
    if isinstance(X, StoredRows):
        if any(given is not None for given in (X_unlabeled, generator, n_rows, schema)):
            raise ValueError(
                "stored rows are labelled as they are: leave X_unlabeled, generator, n_rows and schema out."
            )
        return X
    X = as_table(X)
    real = X if X_unlabeled is None else stack_tables(X, with_known_categories(X_unlabeled, X, schema))
    missing = n_generated(len(real), n_rows, generator)
    schema = as_schema(getattr(generator, "schema_", None) if schema is None else schema, real)
    return GeneratedSource(real, len(X), generator if missing else None, missing, schema)


def _loaded(teacher, trust_pickle: bool):
    if not isinstance(teacher, (str, Path)):
        return teacher
    if not trust_pickle:
        raise ValueError(
            f"teacher={str(teacher)!r} is a file that is read by joblib, and a pickle can run any code: pass "
            "trust_pickle=True if you trust it, or the teacher itself."
        )
    return joblib.load(teacher)


def _checked_targets(targets, n_original: int, first: np.ndarray) -> np.ndarray | None:
    if targets is None:
        return None
    targets = np.asarray(targets, dtype=first.dtype)
    if targets.shape != (n_original, *first.shape[1:]):
        raise ValueError(
            f"original_targets must have the shape of the teacher's answers for X, {(n_original, *first.shape[1:])}, "
            f"got {targets.shape}."
        )
    if not np.isfinite(targets).all():
        raise ValueError("original_targets must be finite; remove the rows that have none.")
    return targets


def _check_place(folder, configuration: dict, resume: bool) -> None:
    """Refuse, before any work, a folder that holds something else, or another transfer set."""
    others = [name for name in folder.names() if name != LOCK and not name.startswith(".")]
    if others and MANIFEST not in others:
        raise FileExistsError(
            f"{folder} is not empty and holds no {MANIFEST}, but {', '.join(others[:3])}: choose another folder."
        )
    if others and resume:
        differences = Manifest.read(folder).differences(configuration)
        if differences:
            raise ValueError(
                f"{folder} holds another transfer set: {'; '.join(differences[:4])}"
                f"{f'; and {len(differences) - 4} more' if len(differences) > 4 else ''}. Pass resume=False to write "
                "it anew, or choose another folder."
            )


def _kept(folder, configuration: dict, resume: bool) -> Manifest:
    """Return the manifest with those shards that are there and whole; the others are removed."""
    manifest = Manifest(json.loads(json.dumps(configuration)))
    names = set(folder.names())
    if resume and MANIFEST in names:
        for index, entry in Manifest.read(folder).shards.items():
            name = shard_name(index)
            with contextlib.suppress(OSError):
                whole = name in names and folder.size(name) == entry.bytes
                if whole and hashlib.sha256(folder.read(name)).hexdigest() == entry.sha256:
                    manifest.shards[index] = entry
    kept = {shard_name(i) for i in manifest.shards}
    for name in names:
        if re.fullmatch(r"shard-\d{6}\.parquet", name) and name not in kept:
            folder.remove(name)
    return manifest
