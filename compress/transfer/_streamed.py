"""A transfer set that is never stored: each epoch has fresh rows, made and labelled beside the training."""

from __future__ import annotations

import numpy as np

from compress.generators import RowSlices
from compress.schema import Encoded, as_schema, as_table
from compress.teachers import answered_classes
from compress.transfer._kinds import kind_of
from compress.transfer._labelling import LABELS, check_labels, label_rows
from compress.transfer._originals import n_generated
from compress.transfer._parted import PartedTransferSet

__all__ = ["StreamedTransferSet"]

PART_ROWS = 50_000


class StreamedTransferSet(PartedTransferSet):
    """Original rows, and in each epoch other generated rows; `TransferSet.stream` makes it, and explains the rest.

    It has the attributes and methods of `PartedTransferSet`.

    Parameters
    ----------
    teacher, X, generator, n_rows
        As in `TransferSet.stream`.
    in_memory : type
        `TransferSet`, of which parts in memory are made.
    labels, classes, schema, part_rows, n_jobs
        As in `TransferSet.stream`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress import TransferSet
    >>> from compress.generators import MarginalSampler
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> tree = DecisionTreeClassifier().fit(X, X[:, 0] > 0)
    >>> len(TransferSet.stream(tree, X, generator=MarginalSampler(random_state=0).fit(X), n_rows=150))
    150
    """

    changes = True

    def __init__(self, teacher, X, generator, n_rows: int, *, in_memory, labels, classes, schema, part_rows, n_jobs):
        super().__init__(in_memory)
        if labels not in LABELS:
            raise ValueError(f"labels must be one of {LABELS}, got {labels!r}.")
        task = check_labels(teacher, labels)
        X = as_table(X)
        missing = n_generated(len(X), n_rows, generator)
        if not missing:
            raise ValueError(f"n_rows={n_rows} leaves no rows to generate: raise it, or use TransferSet.from_teacher.")
        self._slices = RowSlices(generator)
        block = self._slices.block_rows
        part_rows = max(PART_ROWS // block, 1) * block if part_rows is None else part_rows
        if not part_rows >= 1:
            raise ValueError(f"part_rows must be at least 1, got {part_rows}.")
        self.teacher, self.labels, self.n_jobs = teacher, labels, n_jobs
        self.schema = as_schema(generator.schema_ if schema is None else schema, X)
        self.kind, self.n_original = kind_of(task, labels), len(X)
        self.classes = answered_classes(teacher, X, classes) if task == "classification" else None
        original = self._labelled(X)
        if task == "classification" and self.classes is None:
            self.classes = np.arange(original.shape[1])
        self._original = self.schema.encode(X, unseen="missing"), original
        self._starts = list(range(0, missing, part_rows))
        self._per_epoch = missing
        self.sizes = [len(X), *(min(part_rows, missing - start) for start in self._starts)]

    def encoded(self, index: int, epoch: int = 0) -> tuple[Encoded, np.ndarray]:
        """Make a part; see `PartedTransferSet.encoded`."""
        if index == 0:
            return self._original
        start = epoch * self._per_epoch + self._starts[index - 1]
        X = self._slices.rows(start, start + self.sizes[index])
        return self.schema.encode(X, unseen="missing"), self._labelled(X)

    def _labelled(self, X) -> np.ndarray:
        return label_rows(self.teacher, X, labels=self.labels, classes=self.classes, n_jobs=self.n_jobs)

    def __repr__(self) -> str:
        return f"<StreamedTransferSet: {len(self):,} rows in each epoch, {self._per_epoch:,} of them fresh>"
