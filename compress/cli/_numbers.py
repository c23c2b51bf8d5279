"""Text as numbers: numbers with decimal commas and thousands separators, and text that only looks like numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from compress.cli._options import say

__all__ = ["as_booleans", "as_numbers", "check_text", "looks_like"]

WORDS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
LOOKED_AT = 1000  # different values of a column
MOST = 0.9  # share of them that makes a column look like something
LISTED = 5
# what else people write; the first that fits is named
OTHER_FORMS = [
    (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (".", "\u2019"), (".", "\u00a0"), (",", "\u00a0"),
    (".", "\u202f"), (",", "\u202f"), (".", "_"),
]  # fmt: skip
DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4})"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2}|[AaPp][Mm])?)?|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
)
WITH_A_SIGN = re.compile(r"[$\u20ac\u00a3\u00a5]\s*[-+]?[\d.,]*\d|[-+]?\d[\d.,]*\s*[%$\u20ac\u00a3\u00a5]")


def as_numbers(decimal: str, thousands: str | None) -> Callable[[pd.Series], pd.Series | None]:
    """Return a function that turns a column of text into numbers, or into None where a value is none."""
    pattern = _number(decimal, thousands)

    def read(values: pd.Series) -> pd.Series | None:
        texts = values.dropna().str.strip()
        if not texts.map(lambda text: pattern.fullmatch(text) is not None).all():
            return None
        if thousands is not None:
            texts = texts.str.replace(thousands, "", regex=False)
        numbers = pd.to_numeric(texts.str.replace(decimal, ".", regex=False))
        return numbers.reindex(values.index) if len(texts) else values.astype("float64")

    return read


def as_booleans(values: pd.Series) -> pd.Series | None:
    """Return a column of "True" and "False" as booleans, None where there are other values."""
    texts = values.dropna()
    if not len(texts) or not texts.isin(list(WORDS)).all():
        return None
    read = values.map(WORDS)
    return read.astype(bool) if len(texts) == len(values) else read.astype(object)


def check_text(X: pd.DataFrame, path: Path, *, codes: Iterable[str] = (), strict: bool = True) -> None:
    """Warn of columns of text that look like numbers or dates.

    With `strict` a column that would be taken for nearly as many categories as rows is an error; `codes` are the
    columns that the user has declared.
    """
    found = []
    for name in X.columns:
        if name in codes or not _is_text(X[name]):
            continue
        texts = X[name].dropna()
        texts = texts[texts.map(lambda value: isinstance(value, str))]
        different = texts.unique()
        what = looks_like([text.strip() for text in different[:LOOKED_AT]])
        if what is not None and str(name) in different:
            what = f"numbers, but one value is the name of the column, {str(name)!r}: take out the second header"
        if what is None:
            continue
        message = f"{path}: column {str(name)!r} is text that looks like {what}"
        if strict and len(different) > len(X) / 2:
            raise ValueError(
                f"{message}. As it is, it would have {len(different):,} categories in {len(X):,} rows. "
                f"If that is meant, declare it: --nominal {str(name)!r}."
            )
        found.append(message)
    for message in found[:LISTED]:
        say(f"warning: {message}")
    if len(found) > LISTED:
        say(f"warning: and {len(found) - LISTED} columns more of such text")


def _is_text(values: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(values.dtype) or values.dtype == object


def _number(decimal: str, thousands: str | None) -> re.Pattern:
    point = re.escape(decimal)
    whole = r"\d+" if thousands is None else rf"(\d{{1,3}}({re.escape(thousands)}\d{{3}})+|\d+)"
    return re.compile(rf"[-+]?({whole}({point}\d*)?|{point}\d+)([eE][-+]?\d+)?|[-+]?[Ii]nf(inity)?")


FORMS = [(decimal, thousands, _number(decimal, thousands)) for decimal, thousands in OTHER_FORMS]
PLAIN = _number(".", None)


def looks_like(texts: list[str]) -> str | None:
    """Return what texts look like, an example, and what to do; None for texts that are words."""
    if not texts:
        return None
    plain = [text for text in texts if PLAIN.fullmatch(text)]
    enough = MOST * len(texts)
    for decimal, thousands, pattern in FORMS:
        fitting = [text for text in texts if pattern.fullmatch(text)]
        special = [text for text in fitting if not PLAIN.fullmatch(text)]
        if len(fitting) >= enough and special and len(plain) < enough:
            return _of_form(decimal, thousands, special)
    for pattern, what in (
        (DATE, "dates or times, such as {!r}: turn them into numbers, for instance days since a date, or --drop them"),
        (WITH_A_SIGN, "numbers with a sign beside them, such as {!r}: take the signs out"),
    ):
        fitting = [text for text in texts if pattern.fullmatch(text)]
        if len(fitting) >= enough and len(plain) < enough:
            return what.format(fitting[0])
    if len(plain) > len(texts) / 2:
        word = next(text for text in texts if not PLAIN.fullmatch(text)) if len(plain) < len(texts) else None
        if word is not None:
            return f"numbers, but for values such as {word!r}: leave these cells empty if they are missing"
    return None


def _of_form(decimal: str, thousands: str, special: list[str]) -> str:
    with_decimal = [text for text in special if decimal != "." and decimal in text]
    grouped = [text for text in special if thousands in text]
    example = (with_decimal or grouped)[0]
    shown = {" ": "space", "\u00a0": "\u00a0", "\u202f": "\u202f"}.get(thousands, thousands)
    options = [f"--decimal '{decimal}'"] if with_decimal else []
    options += [f"--thousands '{shown}'"] if grouped else []
    meant = " ".join(options)
    if decimal == "." and thousands == "," and not any("." in text for text in special):
        meant += f" (or --decimal ',' if {example!r} is less than a thousand)"
    return f"numbers, such as {example!r}: pass {meant}"
