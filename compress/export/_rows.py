"""Rows as JSON gives them: dicts by column name, or sequences in the order of the columns.

What a value means, here and in every exported form that takes such rows:

    None, NaN                      missing
    a number, true, false          the number, in a column of numbers; the category that equals it, in a nominal one
    a text, in a nominal column    the category of this very spelling; one that was not there in training is missing
    a text, in a column of numbers the decimal number that it spells ("-1.5", "2e3"); any other text is an error
    an infinite number, or an integer too large for a double, in a column of numbers: an error
    anything else                  an error

A row has exactly the columns of the table: a lacking or unknown one is an error that names it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from operator import itemgetter

import numpy as np

__all__ = ["RowReader"]

DECIMAL = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
MOST_NAMES = 8  # in an error message


class RowReader:
    """Reads rows of the table of a schema.

    Parameters
    ----------
    schema : Schema
        The fitted schema of the table.
    codes : list of dict
        The code of each category, for each nominal column.
    """

    def __init__(self, schema, codes: list[dict]):
        self.names, self.codes, self.named = schema.names, codes, schema.is_frame_
        self.continuous, self.nominal = schema.continuous_.tolist(), schema.nominal_.tolist()
        self._numbers_of = _getter([self.names[j] for j in self.continuous])
        self._categories_of = _getter([self.names[j] for j in self.nominal])
        self._numbers_at, self._categories_at = _getter(self.continuous), _getter(self.nominal)

    def one(self, row, where: str = "row") -> tuple[list, list]:
        """Return the numbers, NaN where missing, and the codes, -1 where missing, of one row.

        Parameters
        ----------
        row : mapping of column to value, or sequence of values
            The row.
        where : str, default="row"
            What the row is called in an error message.

        Raises
        ------
        ValueError
            A column is lacking or unknown, or a value has no meaning in its column.
        """
        try:
            if isinstance(row, dict):
                numbers, values = self._numbers_of(row), self._categories_of(row)
            elif isinstance(row, list | tuple):
                numbers, values = self._numbers_at(row), self._categories_at(row)
            else:
                return self._slowly(row, where)
            if len(row) != len(self.names):
                return self._slowly(row, where)
            codes = [known.get(value, -1) for known, value in zip(self.codes, values)]
            total = sum(numbers, 0.0)
            if isinstance(total, float) and total - total == 0:
                return numbers, codes
        except (KeyError, IndexError, TypeError, OverflowError):
            pass
        return self._slowly(row, where)  # a number is missing, or a text, or something is an error

    def many(self, rows) -> tuple[np.ndarray, np.ndarray]:
        """Return the two blocks of `Schema.encode` for several rows, the numbers in float64.

        Parameters
        ----------
        rows : sequence of mappings or sequences
            The rows.
        """
        read = [self.one(row, f"row {i}") for i, row in enumerate(rows)]
        numbers = np.array([numbers for numbers, _ in read], dtype=np.float64)
        codes = np.array([codes for _, codes in read], dtype=np.int32)
        return numbers.reshape(len(rows), len(self.continuous)), codes.reshape(len(rows), len(self.nominal))

    def _slowly(self, row, where: str) -> tuple[list, list]:
        """Return what `one` returns, value by value, or raise an error that explains what is wrong."""
        values = self._values(row, where)
        numbers = [_number(values[j], self.names[j], where) for j in self.continuous]
        codes = []
        for j, known in zip(self.nominal, self.codes):
            try:
                codes.append(known.get(values[j], -1))
            except TypeError:  # a list or an object of JSON
                raise _wrong(where, self.names[j], "a text, a number, true, false or null", values[j]) from None
        return numbers, codes

    def _values(self, row, where: str) -> list:
        """Return the values of a row in the order of the columns."""
        if not isinstance(row, Mapping):
            if isinstance(row, str | bytes) or not hasattr(row, "__len__") or not hasattr(row, "__getitem__"):
                raise ValueError(f"{where} must be a dict or a sequence of values, got a {type(row).__name__}.")
            if len(row) != len(self.names):
                raise ValueError(
                    f"{where} must have {len(self.names)} values, one for each column ({_listed(self.names)}), "
                    f"got {len(row)}."
                )
            return list(row)
        if not all(isinstance(name, str) for name in self.names):
            by_text = {str(name): name for name in self.names}  # JSON has no keys but texts
            by_text |= {} if self.named else {f"x{name}": name for name in self.names}  # as exported forms call them
            by_text |= {name: name for name in self.names}
            row = {by_text.get(key, key): value for key, value in row.items()}
        known = set(self.names)
        lacking, unknown = [n for n in self.names if n not in row], [key for key in row if key not in known]
        if lacking or unknown:
            said = [f"lacks {_listed(lacking)}"] if lacking else []
            said += [f"has the unknown {_listed(unknown)}"] if unknown else []
            raise ValueError(f"{where} must have the columns {_listed(self.names)}; it {' and '.join(said)}.")
        return [row[name] for name in self.names]


def _number(value, name, where: str) -> float:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return math.nan
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        raise _wrong(where, name, "a number, since it is continuous", value)
    if isinstance(value, bytes | bytearray):
        raise _wrong(where, name, "a number, since it is continuous", value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _wrong(where, name, "a number, since it is continuous", value) from None
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise _wrong(where, name, "a finite number, or null (missing)", value)
    return number


def _wrong(where: str, name, rule: str, value) -> ValueError:
    many = isinstance(value, int) and value.bit_length() > 200
    text = f"an integer of {value.bit_length()} bits" if many else repr(value)
    text = text if len(text) <= 60 else f"{text[:60]}..."
    return ValueError(f"{where}: column {name!r} must hold {rule}; got {text}.")


def _listed(names) -> str:
    shown = ", ".join(repr(name) if len(repr(name)) <= 60 else f"{repr(name)[:60]}..." for name in names[:MOST_NAMES])
    return shown + (f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else "")


def _getter(keys: list):
    """Return a function that gets the values of some keys as a tuple."""
    if len(keys) > 1:
        return itemgetter(*keys)
    if not keys:
        return _nothing
    return _Single(keys[0])


def _nothing(row) -> tuple:
    return ()


class _Single:
    """Gets one value, as a tuple."""

    def __init__(self, key):
        self.key = key

    def __call__(self, row) -> tuple:
        return (row[self.key],)
