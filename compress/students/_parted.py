"""Learning from a transfer set in parts: a sample decides on the net, the parts are what it is trained on."""

from __future__ import annotations

import math

import numpy as np
import torch

from compress._random import draw_seed
from compress.schema import LearningSet
from compress.training import PartedRows
from compress.transfer import PartedTransferSet, TransferSet

__all__ = ["MOST_ROWS", "PartsToLearn", "in_memory"]

MOST_ROWS = 100_000  # of the sample, by which columns are standardised and cut, and of the rows for early stopping


class PartsToLearn:
    """The parts that a student learns from, and those that early stopping looks at.

    Parameters
    ----------
    data : PartedTransferSet
        The transfer set.
    student : BaseStudent
        The student, before it has seen anything.
    sample_weight : None
        Anything else is refused: all rows of a transfer set in parts count the same.
    has_validation : bool
        Whether the caller gives validation rows, so that no part need be held out.
    rng : RandomState
        The generator of the sample and of the parts that are held out.

    Attributes
    ----------
    sample : TransferSet
        Rows of the parts to learn from, in memory.
    n_rows : int
        The number of rows to learn from.

    Raises
    ------
    ValueError
        There are weights; or a part must be held out, and there is only one.
    """

    def __init__(self, data: PartedTransferSet, student, sample_weight, has_validation: bool, rng):
        _refuse_weights(sample_weight)
        self.data = data
        parts = np.arange(len(data.sizes))
        self._held = parts[:0]
        if student.early_stopping is True and not has_validation:
            if len(parts) < 2:
                raise ValueError(
                    "early_stopping=True holds out whole parts of a transfer set in parts, which has only one: "
                    "pass X_val and y_val, or write it with a smaller shard_rows."
                )
            generated = parts[1:]  # the first one has original rows
            n_held = min(max(round(student.validation_fraction * len(parts)), 1), len(generated))
            self._held = np.sort(rng.permutation(generated)[:n_held])
        self._parts = np.setdiff1d(parts, self._held)
        self._seed = draw_seed(rng)
        self.n_rows = sum(data.sizes[i] for i in self._parts)
        self.sample = data.sample(MOST_ROWS, random_state=self._seed, parts=self._parts)

    def held_out(self, student) -> LearningSet | None:
        """Return the rows of the parts that are held out, a sample of them if there are many."""
        if not len(self._held):
            return None
        held = self.data.sample(MOST_ROWS, random_state=self._seed, parts=self._held)
        targets, _ = student._target.of_answers(held, held.targets, getattr(student, "classes_", None))
        return LearningSet(student.schema_.encode(held.X, unseen="missing"), targets)

    def rows(self, student) -> PartedRows:
        """Return the rows to learn from as the tensors that the net of a student is trained on."""

        def load(number: int, epoch: int) -> tuple[torch.Tensor, ...]:
            encoded, answers = self.data.encoded(int(self._parts[number]), epoch)
            if student.schema_ != self.data.schema:
                encoded = student.schema_.encode(self.data.schema.decode(*encoded), unseen="missing")
            targets, _ = student._target.of_answers(self.data, answers, getattr(student, "classes_", None))
            inputs = student.net_inputs(LearningSet(encoded, targets))
            return (*inputs, torch.from_numpy(student.objective_.training_targets(targets)))

        return PartedRows([self.data.sizes[i] for i in self._parts], load)


def in_memory(data: PartedTransferSet, sample_weight, n_bytes: int, seed: int) -> TransferSet:
    """Return a transfer set in parts in memory, or a sample of it that takes so many bytes.

    Parameters
    ----------
    data : PartedTransferSet
        The transfer set.
    sample_weight : None
        Anything else is refused.
    n_bytes : int
        The most that encoded rows and targets may take.
    seed : int
        The seed of the sample.
    """
    _refuse_weights(sample_weight)
    outputs = 1 if data.classes is None else len(data.classes)
    row_bytes = 8 * (data.schema.n_columns + outputs)
    return data.sample(min(len(data), math.floor(n_bytes / row_bytes)), random_state=seed)


def _refuse_weights(sample_weight) -> None:
    if sample_weight is not None:
        raise ValueError(
            "sample_weight cannot be given for a transfer set in parts, whose rows count the same: leave it out, or "
            "take the rows into memory with load()."
        )
