"""Tables with multi-valued columns, such as the genres of a film: each of these columns is encoded as a block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compress.schema._containers import as_table, pandas_of
from compress.schema._schema import as_schema
from compress.schema._table import Encoded

__all__ = ["EncodedFields", "FieldEncoder"]


class EncodedFields(NamedTuple):
    """The two blocks of `Encoded`, and a padded matrix of codes for each multi-valued column.

    Parameters
    ----------
    continuous : float array of shape (n_rows, n_continuous)
        The continuous columns, NaN where missing.
    nominal : int32 array of shape (n_rows, n_nominal)
        The codes of the nominal columns, -1 where missing.
    bags : tuple of int64 arrays of shape (n_rows, longest cell), default=()
        The codes of each multi-valued column, padded with the size of its vocabulary.
    """

    continuous: np.ndarray
    nominal: np.ndarray
    bags: tuple = ()

    @property
    def blocks(self) -> tuple[np.ndarray, ...]:
        """All blocks, one after the other."""
        return self.continuous, self.nominal, *self.bags

    @property
    def table(self) -> Encoded:
        """The columns that are not multi-valued."""
        return Encoded(self.continuous, self.nominal)

    @property
    def n_rows(self) -> int:
        """The number of rows of all blocks."""
        return len(self.continuous)

    def take(self, rows) -> EncodedFields:
        """Return the rows named by an index array.

        Parameters
        ----------
        rows : int array
            The positions of the rows.
        """
        return EncodedFields(self.continuous[rows], self.nominal[rows], tuple(bag[rows] for bag in self.bags))


class FieldEncoder:
    """Encode a table to (continuous, nominal, one padded matrix of codes for each multi-valued column).

    Parameters
    ----------
    schema : None, mapping of column to kind, or Schema, default=None
        The kinds of the columns that are not multi-valued; None infers them. See `Schema`.
    multi_valued : sequence of str, default=()
        The columns of a DataFrame whose cells are texts of several values ("Action Comedy"); an empty or missing cell
        has no values.
    separator : str, default=" "
        The text between the values of a cell.

    Attributes
    ----------
    schema_ : Schema
        The schema of the columns that are not multi-valued.
    vocabularies_ : list of dict
        The code of each value, in one dict for each multi-valued column.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.schema import FieldEncoder
    >>> X = pd.DataFrame({"year": [1950.0, 2000.0], "genres": ["Drama War", "Comedy"]})
    >>> encoded = FieldEncoder(multi_valued=["genres"]).fit(X).encode(X)
    >>> encoded.continuous.shape, encoded.bags[0].shape
    ((2, 1), (2, 2))
    """

    def __init__(self, schema=None, multi_valued=(), separator: str = " "):
        self.schema, self.multi_valued, self.separator = schema, tuple(multi_valued), separator

    def fit(self, table) -> FieldEncoder:
        """Learn columns, categories and vocabularies.

        Parameters
        ----------
        table : DataFrame or array of shape (n_rows, n_columns)
            The training rows; multi-valued columns need a DataFrame.

        Returns
        -------
        self
        """
        table = pandas_of(as_table(table))
        if self.multi_valued:
            if not hasattr(table, "columns"):
                raise TypeError("multi_valued names columns, so X must be a DataFrame; got an array.")
            missing = [name for name in self.multi_valued if name not in table.columns]
            if missing:
                raise ValueError(
                    f"multi_valued must name columns of X, got {missing[0]!r}; X has {list(table.columns)}."
                )
            if len(self.multi_valued) == table.shape[1]:
                raise ValueError("multi_valued must leave at least one column of X, got all of them.")
        self.schema_ = as_schema(self.schema, self._single(table))
        self.vocabularies_ = []
        for name in self.multi_valued:
            values = sorted({value for cell in self._cells(table, name) for value in cell})
            self.vocabularies_.append({value: code for code, value in enumerate(values)})
        return self

    def encode(self, table) -> EncodedFields:
        """Encode a table; what was not there in `fit` counts as missing.

        Parameters
        ----------
        table : DataFrame or array of shape (n_rows, n_columns)
            The rows to encode. An unknown value of a multi-valued column is left out of its cell.

        Returns
        -------
        EncodedFields
            Each matrix of codes is int64 of shape (n_rows, longest cell), padded with the size of the vocabulary.
        """
        table = pandas_of(as_table(table, [*self.multi_valued, *self.schema_.names]))
        bags = []
        for name, vocabulary in zip(self.multi_valued, self.vocabularies_):
            cells = [[vocabulary[v] for v in cell if v in vocabulary] for cell in self._cells(table, name)]
            codes = np.full((len(cells), max(1, *map(len, cells))), len(vocabulary), dtype=np.int64)
            for row, cell in zip(codes, cells):
                row[: len(cell)] = cell
            bags.append(codes)
        return EncodedFields(*self.schema_.encode(self._single(table), unseen="missing"), tuple(bags))

    def _single(self, table):
        return table.drop(columns=list(self.multi_valued)) if self.multi_valued else table

    def _cells(self, table, name) -> list[list[str]]:
        texts = ["" if missing else str(cell) for cell, missing in zip(table[name], table[name].isna())]
        known = {text: [v for v in text.split(self.separator) if v] for text in set(texts)}
        return [known[text] for text in texts]
