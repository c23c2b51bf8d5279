"""Checkpoints: all that a training needs to go on from a step as if it had never stopped.

A checkpoint is a safetensors file without pickle, replaced when the next one is complete: weights, the state of the
optimiser, the streams of random numbers, the place in the epoch, and the history.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from compress._files import check_writable, remove_partials, write_atomically

__all__ = ["Checkpoint", "Position", "Saver", "checked_saving", "digest_of", "read_checkpoint"]

FORMAT = 1
MINUTES = 5.0


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a training writes what it needs to go on.

    Parameters
    ----------
    path : str or path
        The file; an existing one is replaced.
    minutes : float, default=5.0
        The minutes between two checkpoints, at least 0, which writes one after every step.

    Raises
    ------
    ValueError
        `minutes` is below 0.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.training import Checkpoint
    >>> student = StudentClassifier((4,), max_epochs=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     every_minute = Checkpoint(Path(folder) / "student.checkpoint", minutes=1)
    ...     student = student.fit(np.eye(4), [0, 0, 1, 1], checkpoint=every_minute)
    ...
    >>> student.stopped_
    'finished'
    """

    path: object
    minutes: float = MINUTES

    def __post_init__(self):
        if not isinstance(self.minutes, Real) or not self.minutes >= 0:
            raise ValueError(f"the minutes between checkpoints must be at least 0, got {self.minutes!r}.")


def checked_saving(checkpoint, resume_from) -> dict:
    """Return what users pass as `checkpoint=` and `resume_from=` as arguments of `train`, checked before any work.

    Parameters
    ----------
    checkpoint : path, Checkpoint or None
        Where to write.
    resume_from : path or None
        Where to go on from.

    Raises
    ------
    FileNotFoundError
        The file `resume_from` does not exist.
    OSError
        No file can be written there.
    """
    for name, given in (("checkpoint", checkpoint), ("resume_from", resume_from)):
        if not isinstance(given, str | os.PathLike | Checkpoint | None):
            raise TypeError(f"{name} must be a path{' or a Checkpoint' * (name == 'checkpoint')}, got {given!r}.")
    if checkpoint is not None:
        checkpoint = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(os.fspath(checkpoint))
        check_writable(checkpoint.path)
    if resume_from is not None and not os.path.exists(os.fspath(resume_from)):
        raise FileNotFoundError(
            f"resume_from: there is no checkpoint {os.fspath(resume_from)}. Leave resume_from out to begin anew."
        )
    return {"checkpoint": checkpoint, "resume_from": resume_from}


@dataclass
class Position:
    """Where a training stands.

    Attributes
    ----------
    epoch : int
        The epoch that is under way.
    batches : int
        The batches of it that are done.
    total : float
        The sum of their losses, times rows.
    n_done : int
        The steps of all epochs.
    best : float
        The best validation score.
    stale : int
        The epochs without a better one.
    best_epoch : int or None
        The epoch of the best one.
    history : list of dict
        The rows of the complete epochs.
    """

    epoch: int = 0
    batches: int = 0
    total: float = 0.0
    n_done: int = 0
    best: float = math.inf
    stale: int = 0
    best_epoch: int | None = None
    history: list = field(default_factory=list)


class Saver:
    """Writes checkpoints when they are due.

    Parameters
    ----------
    checkpoint : Checkpoint
        Where and how often.
    facts : dict
        What must be the same in the training that goes on.
    """

    def __init__(self, checkpoint: Checkpoint, facts: dict):
        self.checkpoint, self.facts = checkpoint, facts
        remove_partials(checkpoint.path)
        self._last = time.monotonic()

    def due(self) -> bool:
        """Return whether it is time for one."""
        return time.monotonic() - self._last >= 60 * self.checkpoint.minutes

    def save(self, position: Position, tensors: dict[str, torch.Tensor]) -> None:
        """Write one."""
        facts = {"format": FORMAT, "facts": self.facts, "position": vars(position)}
        plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
        write_atomically(Path(self.checkpoint.path), save(plain, {"compress": json.dumps(facts)}))
        self._last = time.monotonic()


def read_checkpoint(path, facts: dict) -> tuple[Position, dict[str, torch.Tensor]]:
    """Read a checkpoint and compare it with the training that is to go on.

    Parameters
    ----------
    path : str or path
        The file.
    facts : dict
        Those of the training; see `Saver`.

    Returns
    -------
    position : Position
        Where it stood.
    tensors : dict of str to tensor
        What `Saver.save` got.

    Raises
    ------
    ValueError
        It is not a checkpoint, or one of another training; the message says what differs.
    """
    path = os.fspath(path)
    try:
        with safe_open(path, framework="pt") as file:
            plain = json.loads((file.metadata() or {})["compress"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        version, there, position = plain["format"], plain["facts"], Position(**plain["position"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"resume_from: {path} is no checkpoint of a training, or is damaged: {error}.") from error
    if version != FORMAT:
        raise ValueError(f"resume_from: {path} has format {version}, and this version of compress reads {FORMAT}.")
    now = json.loads(json.dumps(facts))
    different = [key for key in {**there, **now} if there.get(key) != now.get(key)]
    if different:
        told = ", ".join(f"{key} was {there.get(key)!r} and is {now.get(key)!r}" for key in different[:3])
        raise ValueError(
            f"resume_from: {path} belongs to another training: {told}. A training goes on with the same rows, "
            "parameters and random_state (an int)."
        )
    return position, tensors


def digest_of(tensors) -> str:
    """Return a hash of the first rows of a training."""
    whole = hashlib.sha256()
    for tensor in tensors:
        rows = tensor[:1024].detach().cpu().contiguous()
        whole.update(repr((rows.dtype, tuple(tensor.shape[1:]))).encode())
        whole.update(rows.view(torch.uint8).numpy().tobytes() if rows.numel() else b"")
    return whole.hexdigest()[:16]
