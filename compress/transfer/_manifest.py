"""The manifest: what a sharded transfer set is made of, and which of its shards are there.

The configuration is all that decides on the bytes of the shards. Two writers with the same one write the same bytes;
another one in the same folder is an error that says what differs. Names of files are not read from the manifest but
follow from the numbers of the shards, so that no manifest leads out of its folder.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import numpy as np

from compress.schema import Schema, check_schema, described_classes
from compress.transfer._kinds import KINDS

__all__ = ["MANIFEST", "ROWS", "Manifest", "ShardEntry", "shard_name", "spans_of"]

MANIFEST = "manifest.json"
FORMAT = 1
ROWS = "rows"  # the kind of shards without labels
MOST_SHARDS = 999_999  # as many as their names have numbers for
LARGEST_MANIFEST = 2**30  # bytes
NUMBERS = ("rows", "real_rows", "original_rows", "shard_rows", "outputs")


def shard_name(index: int) -> str:
    """Return the name of a shard's file.

    Parameters
    ----------
    index : int
        The number of the shard, from 0.
    """
    return f"shard-{index:06d}.parquet"


def spans_of(n_real: int, n_rows: int, shard_rows: int) -> list[tuple[int, int]]:
    """Return the first row of each shard and the one after its last.

    Real and generated rows have shards of their own, so that those of the generator begin with its blocks.

    Parameters
    ----------
    n_real, n_rows, shard_rows : int
        The numbers of real rows, of all rows, and of rows of a shard.
    """
    ends = [(0, n_real), (n_real, n_rows)]
    return [(i, min(i + shard_rows, stop)) for start, stop in ends for i in range(start, stop, shard_rows)]


@dataclass(frozen=True)
class ShardEntry:
    """One shard that is there.

    Parameters
    ----------
    first_row, rows : int
        Its first row and its number of rows.
    bytes : int
        The size of its file.
    sha256 : str
        The hash of its file.
    """

    first_row: int
    rows: int
    bytes: int
    sha256: str


@dataclass
class Manifest:
    """The description of a sharded transfer set.

    Parameters
    ----------
    configuration : dict
        All that decides on the bytes: `rows`, `real_rows` (those that are not generated), `original_rows` (those of
        them whose labels may be known), `shard_rows`, `outputs`, `flat`, `kind`, `labels`, `classes`, `schema`,
        `generator`, `source`, `teacher`, `original_targets`.
    shards : dict of int to ShardEntry
        The shards that are there, by their number.
    """

    configuration: dict
    shards: dict[int, ShardEntry] = field(default_factory=dict)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first row of each shard and the one after its last."""
        c = self.configuration
        return spans_of(c["real_rows"], c["rows"], c["shard_rows"])

    @property
    def classes(self) -> np.ndarray | None:
        """The label of each column of the answers; None for values."""
        plain = self.configuration["classes"]
        return None if plain is None else described_classes(plain)

    @property
    def schema(self) -> Schema:
        """The columns of the rows."""
        return Schema.from_dict(self.configuration["schema"])

    def missing(self) -> list[int]:
        """Return the numbers of the shards that are not there."""
        return [i for i in range(len(self.spans)) if i not in self.shards]

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON."""
        shards = [
            {"file": shard_name(i), **vars(entry)} for i, entry in sorted(self.shards.items(), key=lambda pair: pair[0])
        ]
        whole = {"format": FORMAT, "complete": not self.missing(), **self.configuration, "shards": shards}
        return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def read(cls, folder) -> Manifest:
        """Read and check the manifest of a folder.

        Parameters
        ----------
        folder : LocalFolder or RemoteFolder
            The folder.

        Raises
        ------
        FileNotFoundError
            The folder has no manifest.
        ValueError
            It is damaged, from a later version, or does not say what it must.
        """
        where = f"{folder}: {MANIFEST}"
        try:
            size = folder.size(MANIFEST)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{folder} holds no {MANIFEST}, so it is no transfer set of TransferSet.write or "
                "`python -m compress label --out`."
            ) from None
        if size > LARGEST_MANIFEST:
            raise ValueError(f"{where} has {size} bytes; a manifest has at most {LARGEST_MANIFEST}.")
        try:
            plain = json.loads(folder.read(MANIFEST))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where} is damaged: {error}. Write the transfer set anew, with resume=False.") from error
        _check(plain, where)
        shards = plain.pop("shards")
        plain.pop("format"), plain.pop("complete", None)
        manifest = cls(plain)
        spans = manifest.spans
        numbers = {shard_name(i): i for i in range(len(spans))}
        for entry in shards:
            name = entry.get("file") if isinstance(entry, dict) else None
            index = numbers.get(name) if isinstance(name, str) else None
            if index is None or not _is_entry(entry, *spans[index]):
                raise ValueError(f"{where} is damaged: it lists the shard {str(entry)[:200]}.")
            manifest.shards[index] = ShardEntry(**{key: entry[key] for key in ShardEntry.__annotations__})
        return manifest

    def differences(self, configuration: dict) -> list[str]:
        """Return what another configuration has else, one text for each difference.

        Parameters
        ----------
        configuration : dict
            The other one.
        """
        mine, other = _flat(self.configuration), _flat(json.loads(json.dumps(configuration)))
        keys = [key for key in {**mine, **other} if mine.get(key) != other.get(key)]
        return [f"{key} is {_short(mine.get(key))} there and {_short(other.get(key))} now" for key in keys]


def _check(plain, where: str) -> None:
    if not isinstance(plain, dict) or not isinstance(plain.get("format"), int):
        raise ValueError(f"{where} is not the manifest of a transfer set.")
    if plain["format"] > FORMAT:
        raise ValueError(
            f"{where} has format {plain['format']}, and this version of compress reads up to {FORMAT}: "
            "install a newer one."
        )
    try:
        numbers = [plain[key] for key in NUMBERS]
        fine = all(type(n) is int and n >= 0 for n in numbers) and plain["shard_rows"] > 0
        fine &= (plain["outputs"] == 0) == (plain["kind"] == ROWS)
        fine &= plain["original_rows"] <= plain["real_rows"] <= plain["rows"] and plain["rows"] > 0
        fine &= plain["kind"] in (*KINDS, ROWS)
        fine &= isinstance(plain["shards"], list) and isinstance(plain["flat"], bool)
        fine &= plain["rows"] // plain["shard_rows"] <= MOST_SHARDS
        if plain["kind"] in ("values", ROWS):
            fine &= plain["classes"] is None
        else:
            fine &= len(described_classes(plain["classes"])) == plain["outputs"]
        check_schema(plain["schema"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{where} is damaged: {type(error).__name__}: {error}.") from error
    if not fine:
        raise ValueError(f"{where} is damaged: its numbers do not fit together.")


def _is_entry(entry: dict, start: int, stop: int) -> bool:
    return (
        (entry.get("first_row"), entry.get("rows")) == (start, stop - start)
        and type(entry.get("bytes")) is int
        and entry["bytes"] > 0
        and isinstance(entry.get("sha256"), str)
        and re.fullmatch("[0-9a-f]{64}", entry["sha256"]) is not None
    )


def _flat(plain: dict, prefix: str = "") -> dict:
    found = {}
    for key, value in plain.items():
        if isinstance(value, dict) and key != "schema":
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
