"""A transfer set in a folder of shards, opened: its parts are read when they are needed."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from compress.schema import Encoded, check_fits
from compress.transfer._folder import folder_at
from compress.transfer._manifest import Manifest, shard_name
from compress.transfer._parted import PartedTransferSet
from compress.transfer._shard import read_shard, require_pyarrow

__all__ = ["StoredTransferSet"]


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
    """

    def __init__(self, directory, in_memory: type, *, verify: bool = True):
        super().__init__(in_memory)
        require_pyarrow()
        self.folder = folder_at(directory)
        self.manifest = manifest = Manifest.read(self.folder)
        if missing := manifest.missing():
            raise FileNotFoundError(
                f"{self.folder} lacks {len(missing)} of {len(manifest.spans)} shards, the first of them "
                f"{shard_name(missing[0])}: write it again, which goes on where it stopped."
            )
        self.kind = manifest.configuration["kind"]
        self.classes, self.schema = manifest.classes, manifest.schema
        self.n_original = manifest.configuration["original_rows"]
        self.sizes = [stop - start for start, stop in manifest.spans]
        self._outputs, self._flat = manifest.configuration["outputs"], manifest.configuration["flat"]
        if verify:
            for index in range(len(self.sizes)):
                self._content(index)

    def encoded(self, index: int, epoch: int = 0) -> tuple[Encoded, np.ndarray]:
        """Read a part; see `PartedTransferSet.encoded`."""
        name, values = f"{self.folder}: {shard_name(index)}", self.kind == "values"
        content = self._content(index)
        encoded, targets = read_shard(content, name, self.schema, self.sizes[index], self._outputs, values)
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
        n_bytes = len(self) * (8 * self.schema.n_columns * 2 + 8 * self._outputs)
        check_fits(n_bytes, f"all {len(self)} rows of {self.folder}", "Let a student learn from the shards: fit(data).")
        parts = [self.encoded(index) for index in range(len(self.sizes))]
        encoded = Encoded(*(np.concatenate(blocks) for blocks in zip(*(rows for rows, _ in parts))))
        return self._held(encoded, np.concatenate([targets for _, targets in parts]), self.n_original)

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

    def __repr__(self) -> str:
        size = sum(entry.bytes for entry in self.manifest.shards.values())
        unit = min(int(math.log(max(size, 1), 1000)), 4)
        return (
            f"<StoredTransferSet {self.folder}: {len(self):,} rows in {len(self.sizes)} shards, "
            f"{size / 1000**unit:.3g} {['B', 'kB', 'MB', 'GB', 'TB'][unit]}>"
        )
