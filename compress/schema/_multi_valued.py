"""Tables with multi-valued columns, such as the genres of a film: encoded as blocks, one more for each such column."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compress.schema._schema import as_schema
from compress.schema._table import Encoded

__all__ = ["EncodedFields", "FieldEncoder"]


class EncodedFields(NamedTuple):
    """The two blocks of `Encoded`, and for each multi-valued column a padded matrix of codes."""

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
        """Number of rows of all blocks."""
        return len(self.continuous)

    def take(self, rows) -> EncodedFields:
        """The rows named by an index array."""
        return EncodedFields(self.continuous[rows], self.nominal[rows], tuple(bag[rows] for bag in self.bags))


class FieldEncoder:
    """Encode a table to (continuous, nominal, one padded matrix of codes per multi-valued column).

    Parameters
    ----------
    schema : None, mapping of column to kind, or Schema
        Of the columns that are not multi-valued.
    multi_valued : sequence of str
        Columns of a DataFrame whose cells are texts of several values ("Action Comedy"); an empty or
        missing cell has none.
    separator : str

    Attributes
    ----------
    schema_ : Schema
    vocabularies_ : list of dict, value to code
    """

    def __init__(self, schema=None, multi_valued=(), separator: str = " "):
        self.schema, self.multi_valued, self.separator = schema, tuple(multi_valued), separator

    def fit(self, table) -> FieldEncoder:
        """Learn columns, categories and vocabularies."""
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
        """All blocks; categories that were not there in `fit` count as missing, such values are left out of their cell.

        Returns
        -------
        EncodedFields
            Each matrix of codes is int64 of shape (n_rows, longest cell), padded with the size of the vocabulary.
        """
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
