"""From a table to the tensors of a net whose fields may be multi-valued."""

from __future__ import annotations

import numpy as np
import torch

from compress.schema._schema import as_schema

__all__ = ["FieldEncoder"]


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

    def encoded(self, table):
        """The schema's two blocks, as arrays; categories that were not there in `fit` count as missing."""
        return self.schema_.encode(self._single(table), unseen="missing")

    def encode(self, table) -> tuple[torch.Tensor, ...]:
        """All blocks as tensors; values that were not there in `fit` are left out of their cell."""
        blocks = [torch.from_numpy(np.ascontiguousarray(block)) for block in self.encoded(table)]
        for name, vocabulary in zip(self.multi_valued, self.vocabularies_):
            cells = [[vocabulary[v] for v in cell if v in vocabulary] for cell in self._cells(table, name)]
            codes = np.full((len(cells), max(1, *map(len, cells))), len(vocabulary), dtype=np.int64)
            for row, cell in zip(codes, cells):
                row[: len(cell)] = cell
            blocks.append(torch.from_numpy(codes))
        return tuple(blocks)

    def _single(self, table):
        return table.drop(columns=list(self.multi_valued)) if self.multi_valued else table

    def _cells(self, table, name) -> list[list[str]]:
        texts = ["" if missing else str(cell) for cell, missing in zip(table[name], table[name].isna())]
        known = {text: [v for v in text.split(self.separator) if v] for text in set(texts)}
        return [known[text] for text in texts]
