"""What all passes of MUNGE with neighbours searched in T' share: T scaled, and lists of neighbours in T."""

from __future__ import annotations

import numpy as np

from compress.generators._neighbors import in_threads, scale_table
from compress.schema import Encoded, Schema

__all__ = ["Search"]

# The lists cost about as much as 4 passes without them, and make a pass several times faster.
FEWEST_PASSES = 5
LONGEST = 512
LISTS_BYTES = 2**29
STRIP = 64  # rows whose distances to all others are held at a time


class Search:
    """Passes over one table; see `_current_kernels.py` for the method.

    Parameters
    ----------
    encoded : Encoded
        The table.
    schema : Schema
        The schema that the table is encoded with.
    n_passes : int
        The number of passes to come, which decides whether lists of neighbours in T are made. They change the time of a
        pass, not its result.
    n_jobs : int or None, default=None
        The number of threads (joblib) that make the lists.
    """

    def __init__(self, encoded: Encoded, schema: Schema, *, n_passes: int, n_jobs=None):
        self.table = table = scale_table(encoded, schema)
        n = table.n_rows
        pair_bytes = 4 + table.z.itemsize
        length = min(LONGEST, n // 8, LISTS_BYTES // (pair_bytes * n)) if n_passes >= FEWEST_PASSES else 0
        self.rows = np.empty((n, length), dtype=np.int32)
        self.radii = np.empty((n, length), dtype=table.z.dtype)
        if length:
            in_threads(self._make_lists, n, n_jobs)

    def _make_lists(self, part: slice) -> None:
        from compress.generators._current_kernels import distances_of

        table, length = self.table, self.rows.shape[1]
        squared = np.empty((STRIP, table.n_rows), dtype=self.radii.dtype)
        for first in range(part.start, part.stop, STRIP):
            strip = squared[: min(STRIP, part.stop - first)]
            distances_of(first, table.z, table.codes, table.zt, table.codes_t, table.missing, strip)
            nearest = np.argpartition(strip, length, axis=1)[:, :length]
            radii = np.take_along_axis(strip, nearest, axis=1)
            order = np.argsort(radii, axis=1)
            self.rows[first : first + len(strip)] = np.take_along_axis(nearest, order, axis=1)
            self.radii[first : first + len(strip)] = np.sqrt(np.take_along_axis(radii, order, axis=1))

    def munge(self, continuous: np.ndarray, nominal: np.ndarray, *draws) -> None:
        """Make one pass in place over a copy of the table."""
        from compress.generators._current_kernels import munge_current

        table = self.table
        munge_current(
            continuous, nominal, table.z, table.codes, table.low, table.factor, table.missing,
            self.rows, self.radii, *draws,
        )  # fmt: skip
