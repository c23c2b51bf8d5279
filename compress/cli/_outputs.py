"""Outputs: checked before any work, written as a whole, and kept in another folder when that fails."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from compress._files import check_writable, is_special, whole_files
from compress.cli._csv import MISSING_WORDS
from compress.cli._options import say

__all__ = ["check_output", "is_parquet", "need_packages", "write_or_keep", "write_table"]

PARQUET = (".parquet", ".pq")
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
LEAST_BYTES = 2**20


def is_parquet(path: Path) -> bool:
    """Whether a file is read and written as Parquet, by its ending."""
    return path.suffix.lower() in PARQUET


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
        raise ImportError(f"{what} need the package {missing[0]!r}: pip install 'compress[cli]'")


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
    if path is None or not is_parquet(path):
        _say_what_csv_loses(frame)
    if path is None:
        frame.to_csv(sys.stdout, index=False)
        return
    write_or_keep(path, lambda place: _write(frame, place))
    say(f"wrote {path}: {len(frame):,} rows")


def _write(frame: pd.DataFrame, path: Path) -> None:
    with whole_files([path]) as (partial,):
        if is_parquet(path):
            frame.to_parquet(partial, index=False)
            return
        kind = COMPRESSIONS.get(path.suffix.lower())
        if kind != "zstd":
            frame.to_csv(partial, index=False, compression=kind, encoding="utf-8")
            return
        import pyarrow

        with partial.open("wb") as raw, pyarrow.CompressedOutputStream(raw, "zstd") as file:
            for start in range(0, max(len(frame), 1), 10_000):
                part = frame.iloc[start : start + 10_000]
                file.write(part.to_csv(index=False, header=start == 0).encode())


def _say_what_csv_loses(frame: pd.DataFrame) -> None:
    """Say that a text such as "NA" of a table would be read as a missing value from CSV."""
    for name in frame.columns:
        values = frame[name]
        if not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object or values.dtype == "category"):
            continue
        lost = [value for value in values.dropna().unique() if isinstance(value, str) and value in MISSING_WORDS]
        if lost:
            say(
                f"warning: column {str(name)!r} holds the text {lost[0]!r}, which is read as a missing value from CSV; "
                "Parquet keeps it"
            )
