"""Where the rows of shards come from: real rows and a generator, or shards of rows that are there already."""

from __future__ import annotations

import numbers

from compress.generators import RowSlices
from compress.schema import Schema, take
from compress.transfer._fingerprint import IGNORED, fingerprint, learned_by
from compress.transfer._manifest import spans_of

__all__ = ["GeneratedSource", "checked_shard_rows", "class_name"]

SHARD_ROWS = 100_000


class GeneratedSource:
    """Real rows, and generated ones after them.

    Parameters
    ----------
    real : DataFrame, Arrow table or array of shape (n_real, n_columns)
        The rows that come first; they may be none.
    n_original : int
        How many of them have targets of their own, if there are such.
    generator : BaseGenerator or None
        The fitted generator of the others.
    n_generated : int
        The number of the others.
    schema : Schema
        The kinds of the columns.
    """

    def __init__(self, real, n_original: int, generator, n_generated: int, schema: Schema):
        self.n_original = n_original
        self._generator, self._schema = generator, schema
        self.rows = _Rows(real, RowSlices(generator, n_generated) if n_generated else None)
        self._n_rows = len(real) + n_generated

    def spans(self, shard_rows: int | None) -> tuple[list[tuple[int, int]], int]:
        """Return the first row of each shard and the one after its last, and the rows of a shard."""
        slices = self.rows.slices
        block = 1 if slices is None else slices.block_rows
        whole_blocks = min(max(SHARD_ROWS // block, 1) * block, self._n_rows)  # blocks are not made twice then
        shard_rows = checked_shard_rows(shard_rows, self._n_rows, whole_blocks)
        return spans_of(len(self.rows.real), self._n_rows, shard_rows), shard_rows

    def example(self):
        """Return a row."""
        return self.rows(0, 1)

    def described(self) -> dict:
        """Return what decides on the rows, as entries of the manifest."""
        real = self.rows.real
        encoded = tuple(self._schema.encode(real, unseen="missing")) if len(real) else ()
        return {
            "rows": self._n_rows,
            "real_rows": len(real),
            "original_rows": self.n_original,
            "schema": self._schema.to_dict(),
            "generator": None if self._generator is None else _described(self._generator),
            "source": fingerprint(encoded, "X"),
        }


class _Rows:
    """Any stretch of real and generated rows, in any process."""

    def __init__(self, real, slices: RowSlices | None):
        self.real, self.slices = real, slices

    def __call__(self, start: int, stop: int):
        n_real = len(self.real)
        if start < n_real:  # no shard has rows of both
            return take(self.real, slice(start, stop))
        return self.slices.rows(start - n_real, stop - n_real)


def checked_shard_rows(shard_rows, n_rows: int, default: int) -> int:
    """Return the largest number of rows of a shard, or raise an error.

    Parameters
    ----------
    shard_rows : int or None
        What the caller gives; None takes the default.
    n_rows, default : int
        The number of all rows, and the default.
    """
    if shard_rows is None:
        return default
    if not isinstance(shard_rows, numbers.Integral) or isinstance(shard_rows, bool):
        raise TypeError(f"shard_rows must be an integer or None, got {shard_rows!r}.")
    if not 1 <= shard_rows <= n_rows:
        raise ValueError(f"shard_rows must lie between 1 and n_rows, {n_rows}, got {shard_rows}.")
    return int(shard_rows)


def _described(generator) -> dict:
    """Return what decides on the rows of a generator: class, parameters, seed, and what it has learned."""
    parameters = {k: repr(v) for k, v in sorted(generator.get_params(deep=False).items()) if k not in IGNORED}
    return {
        "class": class_name(generator),
        "parameters": parameters,
        "seed": list(generator.entropy_),
        "block_rows": generator.n_rows_,
        "fingerprint": fingerprint(learned_by(generator), "the generator"),
    }


def class_name(thing) -> str:
    """Return the class of an object with its module.

    Parameters
    ----------
    thing : object
        The object.
    """
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
