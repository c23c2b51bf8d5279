"""CSV files as DataFrames: each row as long as the header, or an error that names the line."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import lzma
import re
import sys
import zlib
from bz2 import BZ2File
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from compress._version import install
from compress.cli._numbers import as_booleans, as_numbers
from compress.cli._options import UsageError, say

__all__ = ["MISSING_WORDS", "CsvForm", "csv_parts", "form_of", "read_csv"]

# what stands for a missing value in a column where it is no known category; the words are those of pandas
MISSING_WORDS = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA")
    + ("NULL", "NaN", "None", "n/a", "nan", "null")
)
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
FOREIGN = {
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"PK\x03\x04": "a zip archive or an Excel workbook: save its table as CSV",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}
SHOWN = 8

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the module's own limit of 131,072 characters is below long texts


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file writes its columns and numbers."""

    sep: str = ","
    decimal: str = "."
    thousands: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as programs write them."""
        return self.decimal == "." and self.thousands is None


def form_of(args) -> CsvForm:
    """Return the form that the arguments ask for, or raise UsageError."""
    sep = {"tab": "\t", "\\t": "\t"}.get(args.sep, args.sep)
    if len(sep) != 1 or not sep.isascii() or sep in '"\r\n\0' or sep.isalnum():
        raise UsageError(f"--sep must be one ASCII character that is no letter, digit or quote, or 'tab', got {sep!r}.")
    if len(args.decimal) != 1 or args.decimal.isalnum() or args.decimal in "+-\"' ":
        raise UsageError(f"--decimal must be one character such as ',', got {args.decimal!r}.")
    thousands = {"space": " "}.get(args.thousands, args.thousands)
    if thousands is not None and (len(thousands) != 1 or thousands.isalnum() or thousands in '+-"'):
        raise UsageError(f"--thousands must be one character such as '.', or 'space', got {thousands!r}.")
    if args.decimal == thousands:
        raise UsageError(f"--decimal and --thousands must be different, got {thousands!r} for both.")
    return CsvForm(sep, args.decimal, thousands)


def read_csv(path: Path, form: CsvForm, text=(), categories: Callable[[list], dict] | None = None) -> pd.DataFrame:
    """Read a CSV file.

    The columns of `text` are read as they are written. `categories` gives for a header the known categories of some
    columns; these are read as text too, and words such as "NA" are no missing values where they are categories.
    """
    (frame,) = csv_parts(path, form, None, text, categories)
    return frame


def csv_parts(path: Path, form: CsvForm, n_rows: int | None, text=(), categories=None) -> Iterator[pd.DataFrame]:
    """Read a CSV file in parts of so many rows, or as a whole; the rest is as in `read_csv`.

    The types of columns are found anew for each part.
    """
    names, n_all = _counted(path, form)
    unnamed = [j for j, name in enumerate(names) if not name]
    names = [name or f"Unnamed: {j}" for j, name in enumerate(names)]
    _refuse_twice(path, names)
    known = {name: set(values) for name, values in (categories(names) if categories else {}).items()}
    as_text = {name: str for name in names if name in known or name in text}
    missing = sorted(MISSING_WORDS)
    if any(MISSING_WORDS & values for values in known.values()):
        missing = {name: sorted(MISSING_WORDS - known.get(name, set())) for name in names}
    n_read = 0
    with _opened(path) as file:
        try:
            parts = pd.read_csv(
                file,
                sep=form.sep,
                header=0,
                names=names,
                index_col=False,
                dtype=as_text if form.is_plain else str,
                keep_default_na=False,
                na_values=missing,
                low_memory=False,
                chunksize=n_rows,
            )
            for frame in [parts] if n_rows is None else parts:
                n_read += len(frame)
                if n_read > n_all or (n_rows is None and n_read != n_all):
                    break
                if not form.is_plain:
                    columns = {name: frame[name] if name in as_text else _read(frame[name], form) for name in names}
                    frame = pd.DataFrame(columns, index=frame.index)
                yield _without_names(frame, path, [names[j] for j in unnamed], say_so=n_read == len(frame))
        except (pd.errors.ParserError, pd.errors.EmptyDataError, OverflowError) as error:
            raise ValueError(f"{path} is not a CSV table: {error}") from error
    if n_read != n_all:
        raise ValueError(f"{path} has quotes that are not closed, or not doubled within a value: write it again.")


def _read(values: pd.Series, form: CsvForm) -> pd.Series:
    """Return a column of text as numbers or booleans where all values are."""
    for read in (as_numbers(form.decimal, form.thousands), as_booleans):
        found = read(values)
        if found is not None:
            return found
    return values


def _refuse_twice(path: Path, names: list[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ValueError(f"{path} has the column {twice[0]!r} more than once. Rename one of them.")


def _without_names(frame: pd.DataFrame, path: Path, unnamed: list[str], *, say_so: bool) -> pd.DataFrame:
    """Leave out columns that have neither name nor value, as trailing delimiters make them, and say so of others."""
    empty = [name for name in unnamed if frame[name].isna().all()]
    for name in unnamed:
        if name not in empty and say_so:
            say(
                f"warning: {path}: a column has no name and is called {name!r}; if it counts the rows, leave it out "
                f"with --drop {name!r}"
            )
    if empty and say_so:
        say(f"note: {path}: {len(empty)} columns without name and values are left out")
    return frame.drop(columns=empty)


# ------------------------------------------------------------------ lines
def _counted(path: Path, form: CsvForm) -> tuple[list[str], int]:
    """Return the header, and the number of rows, each of which has as many values as the header."""
    with _opened(path) as file:
        lines, at, header, n_rows = _checked_lines(file, path), 0, None, 0
        for line in lines:
            first = at = at + 1
            if form.sep not in line and not line.strip(" \t\r\n"):
                continue
            if header is not None and '"' not in line:
                n = line.count(form.sep) + 1
            else:
                reader = csv.reader(chain([line], lines), delimiter=form.sep)
                try:
                    row = next(reader)
                except csv.Error as error:
                    raise ValueError(f"{path}, line {first}: {error}. Is it a CSV file?") from error
                n, at = len(row), at + reader.line_num - 1
                if header is None:
                    header = row
                    _check_delimiter(path, header, form)
                    continue
            n_rows += 1
            if n != len(header):
                raise ValueError(_wrong_length(path, first, at, n, header, n_rows))
    if header is None:
        raise ValueError(f"{path} is empty.")
    return header, n_rows


def _checked_lines(file, path: Path) -> Iterator[str]:
    at = 0
    try:
        for at, line in enumerate(file, start=1):
            if "\0" in line:
                raise ValueError(f"{path}, line {at}: a NUL character, which no text has. Is it a CSV file?")
            yield line
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: {error.reason} after line {at}. Convert it first, for instance with "
            "`iconv -f latin1 -t utf-8`."
        ) from error


def _check_delimiter(path: Path, header: list[str], form: CsvForm) -> None:
    hint = re.fullmatch(r"sep=(.?)", header[0], re.IGNORECASE) if len(header) <= 2 else None
    if hint:
        raise ValueError(f"{path} begins with a line for Excel, {header[0]!r}: remove this line, and pass --sep.")
    others = [mark for mark in ",;\t|" if mark != form.sep and mark in "".join(header)]
    if len(header) == 1 and others:
        better = "tab" if others[0] == "\t" else others[0]
        raise ValueError(
            f"{path} has the one column {header[0]!r} when split at {form.sep!r}. Pass the right delimiter: "
            f"--sep '{better}'."
        )


def _wrong_length(path: Path, first: int, last: int, n: int, header: list[str], n_rows: int) -> str:
    where = f"line {first}" if first == last else f"lines {first} to {last}"
    listed = ", ".join(header[:SHOWN]) + (", ..." if len(header) > SHOWN else "")
    if last > first:
        hint = "Is a quote not closed?"
    elif n < len(header):
        hint = "Was the line cut off, or a line break within a value not quoted?"
    elif n_rows == 1 and n == len(header) + 1:
        hint = (
            "Does each row begin with a row name, as R's write.table writes it? Then give it a column name, or "
            "row.names=FALSE. A decimal comma needs quotes, or another delimiter between the columns."
        )
    else:
        hint = "A value that holds the delimiter, such as a decimal comma, must stand in quotes."
    count = f"{n} value{'s' if n != 1 else ''}"
    return f"{path}, {where}: {count}, but the header names {len(header)} columns ({listed}). {hint}"


# ------------------------------------------------------------------ bytes
@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    """Open a file as text, and uncompress it if its first bytes say that it is compressed."""
    with path.open("rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        foreign = [what for mark, what in FOREIGN.items() if start.startswith(mark)]
        if foreign:
            raise ValueError(f"{path} is not CSV text in UTF-8, but {foreign[0]}.")
        kind = next((kind for mark, kind in COMPRESSED.items() if start.startswith(mark)), None)
        try:
            # utf-8-sig: a byte order mark, as Excel writes it, does not belong to the first name
            with io.TextIOWrapper(_uncompressed(raw, kind), encoding="utf-8-sig", newline="") as file:
                yield file
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            if kind is None:
                raise
            raise ValueError(f"{path} is damaged: it cannot be uncompressed ({kind}: {error}).") from error


def _uncompressed(raw, kind: str | None):
    if kind == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if kind == "bzip2":
        return BZ2File(raw)
    if kind == "xz":
        return lzma.LZMAFile(raw)
    if kind == "zstd":
        if importlib.util.find_spec("pyarrow") is None:
            raise ImportError(f".zst files need the package 'pyarrow': {install('cli')}")
        import pyarrow

        return pyarrow.CompressedInputStream(raw, "zstd")
    return raw
