"""Tables from files, CSV or Parquet, or an error that says what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from compress.cli._columns import closest
from compress.cli._csv import CsvForm, read_csv
from compress.cli._options import say
from compress.cli._outputs import is_parquet, need_packages

__all__ = ["read_table"]


def read_table(path: Path, form: CsvForm, *, text=(), categories: Callable[[list], dict] | None = None) -> pd.DataFrame:
    """Read the table of a file.

    The columns named in `text` are read as strings, whatever they hold. `categories` gives for the names of the columns
    the known categories of some of them; a CSV file is read accordingly (see `read_csv`).
    """
    if not path.is_file():
        hint = " Write what comes from a pipe to a file first, since it is read twice." if path.exists() else ""
        raise FileNotFoundError(f"{path} is not a file.{hint if not path.is_dir() else ''}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty.")
    if is_parquet(path):
        frame = _read_parquet(path)
        for name in set(text) & set(frame.columns):
            frame[name] = frame[name].astype("str").where(frame[name].notna())
    else:
        frame = read_csv(path, form, text, categories)
    if not len(frame):
        raise ValueError(f"{path} has columns but no rows.")
    unknown = sorted(set(text) - set(frame.columns))
    if unknown:
        raise ValueError(f"{path} has no column {unknown[0]!r}{closest(unknown[0], frame.columns)}.")
    say(f"{path}: {len(frame):,} rows, {frame.shape[1]} columns")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    need_packages("Parquet files", "pyarrow")
    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"{path} has the column {twice!r} more than once. Rename one of them.")
    index = [name for name in frame.index.names if name is not None]
    if index:
        say(f"note: {path}: the index {', '.join(map(repr, index))} of the DataFrame is not taken for a column")
    return frame
