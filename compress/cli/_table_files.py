"""Tables from files, CSV or Parquet, or an error that says what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from compress.cli._columns import closest
from compress.cli._csv import CsvForm, csv_parts, read_csv
from compress.cli._options import say
from compress.cli._outputs import is_parquet, need_packages

__all__ = ["read_table", "table_parts"]


def read_table(path: Path, form: CsvForm, *, text=(), categories: Callable[[list], dict] | None = None) -> pd.DataFrame:
    """Read the table of a file.

    The columns named in `text` are read as strings, whatever they hold. `categories` gives for the names of the columns
    the known categories of some of them; a CSV file is read accordingly (see `read_csv`).
    """
    _check_file(path)
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


def table_parts(path: Path, form: CsvForm, *, n_rows: int, categories=None) -> Iterator[pd.DataFrame]:
    """Read the table of a file in parts of so many rows; the rest is as in `read_table`."""
    _check_file(path)
    parts = _parquet_parts(path, n_rows) if is_parquet(path) else csv_parts(path, form, n_rows, (), categories)
    n_all, n_columns = 0, 0
    for frame in parts:
        n_all, n_columns = n_all + len(frame), frame.shape[1]
        if len(frame):
            yield frame
    if not n_all:
        raise ValueError(f"{path} has columns but no rows.")
    say(f"{path}: {n_all:,} rows, {n_columns} columns")


def _parquet_parts(path: Path, n_rows: int) -> Iterator[pd.DataFrame]:
    need_packages("Parquet files", "pyarrow")
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_columns(file.schema_arrow.names, path)
            start = 0
            for batch in file.iter_batches(n_rows):
                frame = pyarrow.Table.from_batches([batch]).to_pandas()
                _say_index(frame, path, first=start == 0)
                frame.index = pd.RangeIndex(start, start + len(frame))
                start += len(frame)
                yield frame
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        hint = " Write what comes from a pipe to a file first, since it is read twice." if path.exists() else ""
        raise FileNotFoundError(f"{path} is not a file.{hint if not path.is_dir() else ''}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty.")


def _check_columns(names: list, path: Path) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ValueError(f"{path} has the column {twice[0]!r} more than once. Rename one of them.")


def _say_index(frame: pd.DataFrame, path: Path, *, first: bool) -> None:
    index = [name for name in frame.index.names if name is not None]
    if index and first:
        say(f"note: {path}: the index {', '.join(map(repr, index))} of the DataFrame is not taken for a column")


def _read_parquet(path: Path) -> pd.DataFrame:
    need_packages("Parquet files", "pyarrow")
    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    _check_columns(list(frame.columns), path)
    _say_index(frame, path, first=True)
    return frame
