"""Outputs: checked before any work, written as a whole, and kept in another folder when that fails."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import lzma
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from compress._files import check_writable, is_special, whole_files
from compress._version import install
from compress.cli._csv import MISSING_WORDS
from compress.cli._options import say

__all__ = ["check_output", "is_parquet", "is_table", "need_packages", "write_or_keep", "write_stream", "write_table"]

PARQUET = (".parquet", ".pq")
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
LEAST_BYTES = 2**20
CSV_ROWS = 10_000  # written at a time


def is_parquet(path: Path) -> bool:
    """Whether a file is read and written as Parquet, by its ending."""
    return path.suffix.lower() in PARQUET


def is_table(path: Path | str) -> bool:
    """Whether a name is that of a table, by its ending, and not that of a folder of shards."""
    if not isinstance(path, Path) or path.is_dir():
        return False
    return path.suffix.lower() in (*PARQUET, *COMPRESSIONS, ".csv", ".tsv", ".txt") or is_special(path)


def check_output(*paths: Path | None, overwrite: bool, n_bytes: int = LEAST_BYTES) -> None:
    """Refuse outputs that exist, whose folder cannot be written, or that need a package, before any work is done."""
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder: give the name of a file.")
        if path.exists() and not is_special(path) and not overwrite:
            raise FileExistsError(f"{path} exists: choose another name, or pass --overwrite to replace it.")
        if is_parquet(path) or path.suffix.lower() == ".zst":
            need_packages(f"{path.suffix} files", "pyarrow")
        check_writable(path, n_bytes)


def need_packages(what: str, *packages: str) -> None:
    """Raise ImportError, with the command that installs it, when a package is not there."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ImportError(f"{what} need the package {missing[0]!r}: {install('cli')}")


def write_or_keep(path: Path, write: Callable[[Path], None]) -> None:
    """Call `write(path)`; when the file cannot be written, write it elsewhere and raise an error that says where."""
    try:
        write(path)
    except OSError as error:
        kept = _kept(path.name, write)
        if kept is None:
            raise
        raise OSError(f"{error}. The result is kept in {kept}: move it from there.") from error


def _kept(name: str, write: Callable[[Path], None]) -> Path | None:
    """Write a file into a new folder where there is room, and return its path; None when there is none."""
    for folder in (Path(tempfile.gettempdir()), Path.cwd(), Path.home()):
        try:
            own = Path(tempfile.mkdtemp(prefix="compress-", dir=folder))
        except OSError:
            continue
        try:
            write(own / name)
            return own / name
        except OSError:
            own.rmdir()
    return None


def write_table(frame: pd.DataFrame, path: Path | None) -> None:
    """Write a table to a file, which is either complete or not there, or as CSV to stdout."""
    if path is None:
        write_stream([frame], None)
        return
    write_or_keep(path, lambda place: _write([frame], place))
    say(f"wrote {path}: {len(frame):,} rows")


def write_stream(frames: Iterable[pd.DataFrame], path: Path | None) -> None:
    """Write tables with the same columns one below the other; only one of them is in memory at a time."""
    if path is not None:
        say(f"wrote {path}: {_write(frames, path):,} rows")
        return
    told = set()
    for k, frame in enumerate(frames):
        _say_what_csv_loses(frame, told)
        frame.to_csv(sys.stdout, index=False, header=k == 0)


def _write(frames: Iterable[pd.DataFrame], path: Path) -> int:
    """Write a file, which is either complete or not there, and return its number of rows."""
    n_rows, told = 0, set()
    with whole_files([path]) as (partial,), ExitStack() as stack:
        append = None
        for frame in frames:
            if append is None:
                append = _parquet(partial, frame, stack) if is_parquet(path) else _csv(partial, path.suffix, stack)
            if not is_parquet(path):
                _say_what_csv_loses(frame, told)
            append(frame)
            n_rows += len(frame)
    return n_rows


def _parquet(partial: Path, first: pd.DataFrame, stack: ExitStack):
    """Return a function that appends tables with the columns of the first one to a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.Table.from_pandas(first, preserve_index=False).schema
    writer = stack.enter_context(pyarrow.parquet.ParquetWriter(partial, schema))
    return lambda frame: writer.write_table(pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False))


def _csv(partial: Path, suffix: str, stack: ExitStack):
    """Return a function that appends tables to a CSV file, compressed as the name of the file says."""
    kind = COMPRESSIONS.get(suffix.lower())
    if kind == "zstd":
        import pyarrow

        raw = stack.enter_context(partial.open("wb"))
        file = stack.enter_context(pyarrow.CompressedOutputStream(raw, "zstd"))
    else:
        opened = {None: open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[kind]
        file = stack.enter_context(opened(partial, "wb"))
    header = True

    def append(frame: pd.DataFrame) -> None:
        nonlocal header
        for start in range(0, max(len(frame), 1), CSV_ROWS):
            part = frame.iloc[start : start + CSV_ROWS]
            file.write(part.to_csv(index=False, header=header).encode())
            header = False

    return append


def _say_what_csv_loses(frame: pd.DataFrame, told: set) -> None:
    """Say once of a column that a text such as "NA" in it would be read as a missing value from CSV."""
    for name in frame.columns.difference(list(told), sort=False):
        values = frame[name]
        if not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object or values.dtype == "category"):
            continue
        lost = [value for value in values.dropna().unique() if isinstance(value, str) and value in MISSING_WORDS]
        if lost:
            told.add(name)
            say(
                f"warning: column {str(name)!r} holds the text {lost[0]!r}, which is read as a missing value from CSV; "
                "Parquet keeps it"
            )
