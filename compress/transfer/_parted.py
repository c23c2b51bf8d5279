"""Transfer sets in parts: what students need to know of one that is not in memory as a whole."""

from __future__ import annotations

import logging
import numbers

import numpy as np

from compress.schema import Encoded, Schema

__all__ = ["PartedTransferSet"]

logger = logging.getLogger(__name__)


class PartedTransferSet:
    """A transfer set whose parts are read or made when they are needed.

    Students learn from it with `fit(data)`, as from a `TransferSet`.

    Parameters
    ----------
    in_memory : type
        `TransferSet`, of which parts in memory are made.

    Attributes
    ----------
    kind : {"probabilities", "logits", "values"}
        What the targets are.
    classes : array of shape (n_classes,) or None
        The label of each column of the targets.
    schema : Schema
        The kinds of the columns.
    n_original : int
        The number of original rows, which come first.
    sizes : list of int
        The number of rows of each part.
    sample_weight : None
        All rows count the same.
    changes : bool
        Whether a part has other rows in each epoch.
    """

    kind: str
    classes: np.ndarray | None
    schema: Schema
    n_original: int
    sizes: list[int]
    sample_weight = None
    changes = False

    def __init__(self, in_memory: type):
        self._in_memory = in_memory

    def __len__(self) -> int:
        return sum(self.sizes)

    def __array__(self, *_, **__):
        student = "StudentRegressor" if self.kind == "values" else "StudentClassifier"
        raise TypeError(
            f"X must be a table, got a transfer set in parts. {student} and Tree{student} learn from it with "
            "fit(data); to others pass what fits into memory: data.sample(100_000), or data.load() of shards."
        )

    def encoded(self, index: int, epoch: int = 0) -> tuple[Encoded, np.ndarray]:
        """Return a part as the schema encodes it, and its targets.

        Parameters
        ----------
        index : int
            The number of the part.
        epoch : int, default=0
            The number of the epoch, which matters only where `changes` is True.

        Returns
        -------
        encoded : Encoded
            The rows.
        targets : array of shape (n_rows,) or (n_rows, n_outputs)
            The targets.
        """
        raise NotImplementedError

    def part(self, index: int, epoch: int = 0):
        """Return a part as a transfer set in memory.

        Parameters
        ----------
        index, epoch
            As in `encoded`.

        Returns
        -------
        TransferSet
            The rows are a DataFrame, or an array where the original rows were one.
        """
        encoded, targets = self.encoded(index, epoch)
        before = sum(self.sizes[:index])
        return self._held(encoded, targets, min(max(self.n_original - before, 0), len(targets)))

    def sample(self, n_rows: int, *, random_state: int = 0, parts=None):
        """Return rows drawn from all parts, in the order of the parts; all rows where these are not more than `n_rows`.

        Parameters
        ----------
        n_rows : int
            The largest number of rows.
        random_state : int, default=0
            The seed of the draw.
        parts : sequence of int, optional
            The parts to draw from; all by default.

        Returns
        -------
        TransferSet
        """
        if not isinstance(n_rows, numbers.Integral) or n_rows < 1:
            raise ValueError(f"n_rows must be an integer of at least 1, got {n_rows!r}.")
        parts = range(len(self.sizes)) if parts is None else sorted(parts)
        sizes = np.array([self.sizes[i] for i in parts])
        total = int(sizes.sum())
        rng = np.random.default_rng([random_state, total])
        wanted = sizes if total <= n_rows else rng.multivariate_hypergeometric(sizes, n_rows, method="marginals")
        pieces = []
        for index, count in zip(parts, wanted):
            if count:
                encoded, targets = self.encoded(index)
                if count < len(targets):
                    rows = np.sort(rng.choice(len(targets), count, replace=False))
                    encoded, targets = encoded.take(rows), targets[rows]
                pieces.append((encoded, targets))
        if total > n_rows:
            logger.info("a sample of %d of %d rows is used, drawn from %d parts", n_rows, total, len(sizes))
        blocks = Encoded(*(np.concatenate(block) for block in zip(*(encoded for encoded, _ in pieces))))
        return self._held(blocks, np.concatenate([targets for _, targets in pieces]), 0)

    def _held(self, encoded: Encoded, targets: np.ndarray, n_original: int):
        return self._in_memory(self.schema.decode(*encoded), targets, self.kind, self.classes, n_original, self.schema)
