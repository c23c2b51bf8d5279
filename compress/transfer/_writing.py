"""Writing a transfer set to shards: what is there and whole is kept, the rest is made, by any number of workers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import numbers
import re
import time
from pathlib import Path

import joblib
import numpy as np

from compress.evaluation import progress
from compress.generators import RowSlices
from compress.schema import as_schema, as_table, stack_tables, take, with_known_categories
from compress.teachers import answered_classes, teacher_outputs
from compress.transfer._fingerprint import IGNORED, fingerprint, learned_by
from compress.transfer._folder import folder_at
from compress.transfer._job import ShardJob, shards_written
from compress.transfer._labelling import LABELS, check_labels
from compress.transfer._lock import LOCK, FolderLock
from compress.transfer._manifest import MANIFEST, Manifest, shard_name, spans_of
from compress.transfer._originals import n_generated
from compress.transfer._shard import require_pyarrow

__all__ = ["write_shards"]

SHARD_ROWS = 100_000
FLUSH = 5.0  # seconds after which the manifest is written again: what a kill may cost at most


def write_shards(
    directory,
    teacher,
    X,
    *,
    X_unlabeled,
    generator,
    n_rows,
    shard_rows,
    labels,
    classes,
    schema,
    original_targets,
    resume,
    teacher_timeout,
    trust_pickle,
    client,
    n_jobs,
    verbose,
):
    """Write what is missing of a transfer set to a folder; see `TransferSet.write`."""
    require_pyarrow()
    folder = folder_at(directory)
    if labels not in LABELS:
        raise ValueError(f"labels must be one of {LABELS}, got {labels!r}.")
    if teacher_timeout is not None and not teacher_timeout > 0:
        raise ValueError(f"teacher_timeout must be above 0 seconds or None, got {teacher_timeout!r}.")
    given, teacher = teacher, _loaded(teacher, trust_pickle)
    task = check_labels(teacher, labels)
    X = as_table(X)
    real = X if X_unlabeled is None else stack_tables(X, with_known_categories(X_unlabeled, X, schema))
    missing = n_generated(len(real), n_rows, generator)
    slices = RowSlices(generator, missing) if missing else None
    shard_rows = _shard_rows(shard_rows, len(real) + missing, slices)
    schema = as_schema(getattr(generator, "schema_", None) if schema is None else schema, real)
    kind = "values" if task == "regression" else "logits" if labels == "logits" else "probabilities"
    asked = "labels" if kind != "values" and labels == "hard" else kind
    first = teacher_outputs(teacher, take(real, slice(0, 1)), asked)
    if task == "classification":
        classes = answered_classes(teacher, X, classes)
        classes = np.arange(first.shape[1]) if classes is None else np.asarray(classes)
    else:
        classes = None
    targets = _checked_targets(original_targets, len(X), first)
    configuration = {
        "rows": len(real) + missing,
        "real_rows": len(real),
        "original_rows": len(X),
        "shard_rows": shard_rows,
        "kind": kind,
        "labels": labels,
        "outputs": int(np.prod(first.shape[1:])),
        "flat": first.ndim == 1,
        "classes": None if classes is None else {"dtype": str(classes.dtype), "values": classes.tolist()},
        "schema": schema.to_dict(),
        "generator": None if slices is None else _described(generator),
        "teacher": {"class": _name(teacher), "fingerprint": fingerprint(teacher, "the teacher")},
        "original": {
            "rows": fingerprint(tuple(schema.encode(real, unseen="missing")), "X"),
            "targets": None if targets is None else fingerprint(targets, "original_targets"),
        },
    }
    spans = spans_of(len(real), len(real) + missing, shard_rows)
    job = ShardJob(
        folder,
        given if isinstance(given, (str, Path)) else teacher,
        real,
        slices,
        spans,
        labels,
        kind,
        classes,
        targets,
        teacher_timeout,
    )
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
    return folder


def _loaded(teacher, trust_pickle: bool):
    if not isinstance(teacher, (str, Path)):
        return teacher
    if not trust_pickle:
        raise ValueError(
            f"teacher={str(teacher)!r} is a file that is read by joblib, and a pickle can run any code: pass "
            "trust_pickle=True if you trust it, or the teacher itself."
        )
    return joblib.load(teacher)


def _shard_rows(shard_rows, n_rows: int, slices: RowSlices | None) -> int:
    if shard_rows is None:
        block = 1 if slices is None else slices.block_rows
        return min(max(SHARD_ROWS // block, 1) * block, n_rows)  # whole blocks, which are not made twice
    if not isinstance(shard_rows, numbers.Integral) or isinstance(shard_rows, bool):
        raise TypeError(f"shard_rows must be an integer or None, got {shard_rows!r}.")
    if not 1 <= shard_rows <= n_rows:
        raise ValueError(f"shard_rows must lie between 1 and n_rows, {n_rows}, got {shard_rows}.")
    return int(shard_rows)


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


def _described(generator) -> dict:
    """Return what decides on the rows of a generator: class, parameters, seed, and what it has learned."""
    parameters = {k: repr(v) for k, v in sorted(generator.get_params(deep=False).items()) if k not in IGNORED}
    return {
        "class": _name(generator),
        "parameters": parameters,
        "seed": list(generator.entropy_),
        "block_rows": generator.n_rows_,
        "fingerprint": fingerprint(learned_by(generator), "the generator"),
    }


def _name(thing) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


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
