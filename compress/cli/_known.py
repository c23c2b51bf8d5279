"""Columns of text or numbers in the types of categories that a model knows."""

from __future__ import annotations

import pandas as pd

__all__ = ["as_known", "read_as_text"]

LARGEST = 2**53  # above it float64 skips integers
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def read_as_text(categories) -> bool:
    """Whether a CSV column of these categories is read as text, since numbers would lose their spelling or digits."""
    return bool(len(categories)) and not any(isinstance(value, bool | float) for value in categories)


def as_known(values: pd.Series, categories) -> pd.Series:
    """Return values as the categories that they stand for; those that stand for none are returned as they are.

    A value stands for the category that it equals, else for the one that is written alike ("7" for 7), else for the
    number that it says ("7.0" for 7).
    """
    kinds = {type(value) for value in categories}
    if kinds == {str} and (values.isna() | values.isin(categories)).all():
        return values
    same = {value: value for value in categories}
    by_text = {str(value): value for value in categories}
    numbers = {float(value): value for value in categories if isinstance(value, int | float) and abs(value) <= LARGEST}

    def known(value):
        if kinds == {bool}:
            return BOOLEANS.get(str(value).lower(), value)
        if isinstance(value, str | int | float) and value in same and type(value) is type(same[value]):
            return value
        if str(value) in by_text:
            return by_text[str(value)]
        try:
            return numbers.get(float(value), value)
        except (TypeError, ValueError, OverflowError):
            return value

    table = {value: known(value) for value in values.dropna().unique()}
    found = [None if absent else table[value] for value, absent in zip(values, values.isna())]
    return pd.Series(found, index=values.index, name=values.name, dtype=object)  # pandas would make floats of integers
