"""A transfer set in a folder of shards, opened: its parts are read when they are needed."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from compress.schema import Encoded, check_fits
from compress.transfer._folder import folder_at
from compress.transfer._manifest import ROWS, Manifest, shard_name, spans_of
from compress.transfer._parted import PartedTransferSet
from compress.transfer._shard import read_shard, require_pyarrow
from compress.transfer._source import checked_shard_rows

__all__ = ["StoredRows", "StoredTransferSet"]


class _Shards:
    """The shards of a folder, each compared with the manifest before it is read.

    Parameters
    ----------
    directory : str, path, LocalFolder or RemoteFolder
        The folder.
    verify : bool
        Whether all shards are compared now, and not only each one when it is read.
    """

    def __init__(self, directory, *, verify: bool):
        require_pyarrow()
        self.folder = folder_at(directory)
        self.manifest = manifest = Manifest.read(self.folder)
        if missing := manifest.missing():
            raise FileNotFoundError(
                f"{self.folder} lacks {len(missing)} of {len(manifest.spans)} shards, the first of them "
                f"{shard_name(missing[0])}: write it again, which goes on where it stopped."
            )
        self.schema = manifest.schema
        self.n_outputs = manifest.configuration["outputs"]
        self.kind = manifest.configuration["kind"]
        self.spans = manifest.spans
        if verify:
            for index in range(len(self.spans)):
                self._content(index)

    def read(self, index: int) -> tuple[Encoded, np.ndarray]:
        """Return the rows and the answers of a shard."""
        start, stop = self.spans[index]
        name = f"{self.folder}: {shard_name(index)}"
        return read_shard(self._content(index), name, self.schema, stop - start, self.n_outputs, self.kind)

    def _content(self, index: int) -> bytes:
        """Return the bytes of a shard after comparing them with the manifest."""
        name, entry = shard_name(index), self.manifest.shards[index]
        again = "Write the transfer set again, which makes only what is missing or damaged."
        try:
            size = self.folder.size(name)
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.folder} lacks {name}. {again}") from None
        if size != entry.bytes:
            raise ValueError(f"{self.folder}: {name} has {size} bytes, and the manifest says {entry.bytes}. {again}")
        content = self.folder.read(name)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise ValueError(f"{self.folder}: {name} does not hold what was written: its hash differs. {again}")
        return content

    def told(self, name: str) -> str:
        """Return a line about them."""
        size, n_rows = sum(entry.bytes for entry in self.manifest.shards.values()), self.spans[-1][1]
        unit = min(int(math.log(max(size, 1), 1000)), 4)
        return (
            f"<{name} {self.folder}: {n_rows:,} rows in {len(self.spans)} shards, "
            f"{size / 1000**unit:.3g} {['B', 'kB', 'MB', 'GB', 'TB'][unit]}>"
        )


class StoredTransferSet(PartedTransferSet):
    """A transfer set that `TransferSet.write` has written; `TransferSet.open` makes it.

    Every shard is compared with its size and its hash before it is read. It has the attributes and methods of
    `PartedTransferSet`.

    Parameters
    ----------
    directory : str, path, LocalFolder or RemoteFolder
        The folder.
    in_memory : type
        `TransferSet`, of which parts in memory are made.
    verify : bool, default=True
        Whether all shards are compared now, and not only each one when it is read.

    Attributes
    ----------
    folder : LocalFolder or RemoteFolder
        The folder.
    manifest : Manifest
        What it holds.

    Raises
    ------
    FileNotFoundError
        The folder has no manifest, or shards are missing.
    ValueError
        The manifest or a shard is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress import TransferSet
    >>> from compress.generators import MarginalSampler
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> tree = DecisionTreeClassifier().fit(X, X[:, 0] > 0)
    >>> generator = MarginalSampler(random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored = TransferSet.write(folder, tree, X, generator=generator, n_rows=150, shard_rows=60)
    ...     print(len(stored), stored.kind)
    ...
    150 probabilities
    """

    def __init__(self, directory, in_memory: type, *, verify: bool = True):
        super().__init__(in_memory)
        self._shards = shards = _Shards(directory, verify=verify)
        self.folder, self.manifest = shards.folder, shards.manifest
        self.kind, self.schema, self.classes = shards.kind, shards.schema, shards.manifest.classes
        if self.kind == ROWS:
            raise ValueError(
                f"{self.folder} holds rows without labels: let a teacher label them with `python -m compress label`."
            )
        self.n_original = self.manifest.configuration["original_rows"]
        self.sizes = [stop - start for start, stop in shards.spans]
        self._flat = self.manifest.configuration["flat"]

    def encoded(self, index: int, epoch: int = 0) -> tuple[Encoded, np.ndarray]:
        """Read a part; see `PartedTransferSet.encoded`."""
        encoded, targets = self._shards.read(index)
        return encoded, targets[:, 0] if self._flat else targets

    def load(self):
        """Return the whole transfer set in memory.

        Returns
        -------
        TransferSet
            The rows in their order, as a DataFrame, or as an array where the original rows were one.

        Raises
        ------
        MemoryError
            It does not fit into memory.
        """
        n_bytes = len(self) * (8 * self.schema.n_columns * 2 + 8 * self._shards.n_outputs)
        check_fits(n_bytes, f"all {len(self)} rows of {self.folder}", "Let a student learn from the shards: fit(data).")
        parts = [self.encoded(index) for index in range(len(self.sizes))]
        encoded = Encoded(*(np.concatenate(blocks) for blocks in zip(*(rows for rows, _ in parts))))
        return self._held(encoded, np.concatenate([targets for _, targets in parts]), self.n_original)

    def __repr__(self) -> str:
        return self._shards.told("StoredTransferSet")


class StoredRows:
    """Rows without labels in a folder of shards, which a teacher may label.

    Parameters
    ----------
    directory : str, path, LocalFolder or RemoteFolder
        The folder, of `python -m compress generate`; of a transfer set the rows are taken.

    Attributes
    ----------
    schema : Schema
        The kinds of the columns.
    n_original : int
        The number of rows that are not generated.
    """

    def __init__(self, directory):
        self._shards = _Shards(directory, verify=True)
        self.schema = self._shards.schema
        self.n_original = self._shards.manifest.configuration["original_rows"]

    def __len__(self) -> int:
        return self._shards.spans[-1][1]

    def rows(self, start: int, stop: int):
        """Return the rows from `start` up to `stop`, which is left out.

        Parameters
        ----------
        start, stop : int
            The stretch.
        """
        pieces = []
        for index, (first, last) in enumerate(self._shards.spans):
            if first < stop and last > start:
                encoded, _ = self._shards.read(index)
                pieces.append(encoded.take(slice(max(start - first, 0), stop - first)))
        return self.schema.decode(*(np.concatenate(blocks) for blocks in zip(*pieces)))

    def spans(self, shard_rows: int | None) -> tuple[list[tuple[int, int]], int]:
        """Return the first row of each new shard and the one after its last, and the rows of a shard.

        Parameters
        ----------
        shard_rows : int or None
            The largest number of rows of a new shard; None takes that of the old ones.
        """
        own = self._shards.manifest.configuration["shard_rows"]
        shard_rows = checked_shard_rows(shard_rows, len(self), own)
        n_real = self._shards.manifest.configuration["real_rows"]
        return spans_of(n_real, len(self), shard_rows), shard_rows

    def example(self):
        """Return a row."""
        return self.rows(0, 1)

    def described(self) -> dict:
        """Return what decides on the rows, as entries of the manifest."""
        known = self._shards.manifest.configuration
        names = ("rows", "real_rows", "original_rows", "schema", "generator", "source")
        return {name: known[name] for name in names}

    def __repr__(self) -> str:
        return self._shards.told("StoredRows")
