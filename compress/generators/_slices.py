"""Any stretch of a generator's rows, made alone: what shards and streams are cut from."""

from __future__ import annotations

import threading

import numpy as np
from sklearn.utils.validation import check_is_fitted

from compress.generators._base import FOR_SUBSET, BaseGenerator, _join

__all__ = ["RowSlices"]


class RowSlices:
    """The rows of `generator.sample(n)`, of which any stretch can be made without the others.

    What the blocks share, such as neighbours, is prepared once in each process.

    Parameters
    ----------
    generator : BaseGenerator
        The fitted generator.
    n_rows : int, optional
        The number of rows of the whole sample, on which the choice of rows of its last block depends; None for rows
        without an end.

    Raises
    ------
    TypeError
        The generator does not make its rows block by block.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.generators import MarginalSampler, RowSlices
    >>> generator = MarginalSampler(random_state=0).fit(np.arange(6.0).reshape(3, 2))
    >>> part = RowSlices(generator, n_rows=7).rows(4, 6)
    >>> bool((part == generator.sample(7)[4:6]).all())
    True
    """

    def __init__(self, generator, n_rows: int | None = None):
        if not isinstance(generator, BaseGenerator):
            raise TypeError(
                "rows can be made in parts by the generators of compress.generators and their subclasses only, got "
                f"{generator!r}. Subclass BaseGenerator, or make a TransferSet in memory with TransferSet.from_teacher."
            )
        check_is_fitted(generator)
        self.generator, self.n_rows = generator, n_rows
        self._lock, self._shared = threading.Lock(), None

    def __getstate__(self):
        return {"generator": self.generator, "n_rows": self.n_rows}

    def __setstate__(self, state):
        self.__init__(**state)

    @property
    def block_rows(self) -> int:
        """The number of rows of a block: stretches of whole blocks cost least."""
        return self.generator.n_rows_

    def rows(self, start: int, stop: int):
        """Return the rows from `start` up to `stop`, which is left out.

        Parameters
        ----------
        start, stop : int
            The stretch, with 0 <= start < stop <= n_rows.

        Returns
        -------
        DataFrame, Arrow table or ndarray of shape (stop - start, n_columns)
            `generator.sample(n_rows)[start:stop]`.
        """
        generator, size = self.generator, self.block_rows
        first, last = start // size, -(-stop // size)
        with self._lock:
            if self._shared is None:
                n_blocks = last if self.n_rows is None else -(-self.n_rows // size)
                self._shared = (generator._prepare(n_blocks),)
        pieces = []
        for index in range(first, last):
            block = generator._seeded_block(index, self._shared[0])
            if self.n_rows is not None and (wanted := self.n_rows - index * size) < size:
                block = block.take(np.sort(generator._rng(FOR_SUBSET, index).permutation(size)[:wanted]))
            here = slice(max(start - index * size, 0), stop - index * size)
            pieces.append(block.take(here))
        return generator._decode(_join(pieces))
