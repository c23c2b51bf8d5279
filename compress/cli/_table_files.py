"""CSV and Parquet files as DataFrames with the columns that are needed, or an error that says what is wrong."""

from __future__ import annotations

import csv
import difflib
import os
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from compress.cli._options import say

__all__ = ["aligned", "features", "kind_of", "read_for_student", "read_table", "write_table"]

PARQUET = (".parquet", ".pq")


def read_table(path: Path, *, sep: str = ",", text=()) -> pd.DataFrame:
    """Read the table of a file; the columns named in `text` are read as strings, whatever they hold."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty.")
    if path.suffix.lower() in PARQUET:
        frame = _read_parquet(path)
        for name in set(text) & set(frame.columns):
            frame[name] = frame[name].astype("str").where(frame[name].notna())
    else:
        frame = _read_csv(path, "\t" if sep == "tab" else sep, text)
    if not len(frame):
        raise ValueError(f"{path} has columns but no rows.")
    unknown = sorted(set(text) - set(frame.columns))
    if unknown:
        raise ValueError(f"{path} has no column {unknown[0]!r}{_closest(unknown[0], frame.columns)}.")
    say(f"{path}: {len(frame):,} rows, {frame.shape[1]} columns")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise ImportError("Parquet files need the package 'pyarrow': pip install 'compress[scale]'") from error
    except Exception as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error


def _read_csv(path: Path, sep: str, text) -> pd.DataFrame:
    if len(sep) != 1:
        raise ValueError(f"--sep must be one character, or 'tab', got {sep!r}.")
    # utf-8-sig: a byte order mark, as Excel writes it, does not belong to the first name
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=sep), [])
        twice = [name for name, n in Counter(header).items() if n > 1]
        if twice:
            raise ValueError(f"{path} has the column {twice[0]!r} more than once.")
        others = [mark for mark in ",;\t|" if mark != sep and mark in "".join(header)]
        if len(header) == 1 and others:
            better = "tab" if others[0] == "\t" else others[0]
            raise ValueError(
                f"{path} has the one column {header[0]!r} when split at {sep!r}. Pass the right delimiter: "
                f"--sep '{better}'."
            )
        known = {name: str for name in text if name in header}
        # index_col=False: a surplus value in each row is an error, not row labels
        return pd.read_csv(path, sep=sep, encoding="utf-8-sig", dtype=known, index_col=False, low_memory=False)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}. Convert it first."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV table: {error}") from error


def write_table(frame: pd.DataFrame, path: Path | None) -> None:
    """Write a table to a file, which is either complete or not there, or as CSV to stdout."""
    if path is None:
        frame.to_csv(sys.stdout, index=False)
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.suffix.lower() in PARQUET:
            frame.to_parquet(partial, index=False)
        else:
            frame.to_csv(partial, index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    say(f"wrote {path}: {len(frame):,} rows")


# ---------------------------------------------------------------- columns
def features(frame: pd.DataFrame, path: Path, *, drop=(), target: str | None = None):
    """Return the columns to learn or predict from, and the target or None."""
    for name in [*drop, *([] if target is None else [target])]:
        if name not in frame.columns:
            raise ValueError(f"{path} has no column {name!r}{_closest(name, frame.columns)}.")
    y = None if target is None else frame[target]
    if y is not None and y.isna().any():
        raise ValueError(f"{path}: the target {target!r} is missing in {int(y.isna().sum())} rows. Remove them.")
    X = frame.drop(columns=[*drop, *([] if target is None else [target])])
    if not X.shape[1]:
        raise ValueError(f"{path} has no columns left to learn from.")
    return X, y


def aligned(X: pd.DataFrame, names: list, path: Path) -> pd.DataFrame:
    """Return the columns `names` of `X` in their order; other columns raise an error."""
    missing = [name for name in names if name not in X.columns]
    extra = [name for name in X.columns if name not in names]
    if missing:
        hint = _closest(missing[0], extra)
        more = f" ({len(missing)} columns are missing)" if len(missing) > 1 else ""
        raise ValueError(f"{path} has no column {missing[0]!r}, which the model needs{hint}{more}.")
    if extra:
        listed = " ".join(repr(name) if " " in str(name) else str(name) for name in extra)
        raise ValueError(f"{path} has columns that the model does not know: leave them out with --drop {listed}")
    return X[names]


def read_for_student(path: Path, student, *, sep: str, drop=(), target=None, keep=()):
    """Return a table as the student needs it, the target or None, and the frame that was read.

    `keep` names columns that are not features, such as the answers of a teacher.
    """
    columns = student.schema_.columns_
    text = [c.name for c in columns if c.kind == "nominal" and c.categories and _all(c.categories, str)]
    frame = read_table(path, sep=sep)
    present = [name for name in text if name in frame.columns]
    if present and path.suffix.lower() not in PARQUET:
        # once more, now with the columns of text as text: "007" is not a number
        frame = _read_csv(path, "\t" if sep == "tab" else sep, present)
    X, y = features(frame, path, drop=[*drop, *keep], target=target)
    named = student.schema_.is_frame_
    if named:
        X = aligned(X, student.schema_.names, path)
    elif X.shape[1] != len(columns):
        raise ValueError(f"{path} has {X.shape[1]} columns, but the model was fitted on an array of {len(columns)}.")
    converted = {name: _converted(X[name], column, path) for name, column in zip(X.columns, columns)}
    X = pd.DataFrame(converted, index=X.index)
    return (X if named else X.to_numpy()), y, frame


def _converted(values: pd.Series, column, path: Path) -> pd.Series:
    """Return a column in the type that it had in training, if its values allow it."""
    if column.kind == "continuous":
        numbers = pd.to_numeric(values, errors="coerce")
        wrong = numbers.isna() & values.notna()
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise ValueError(
                f"{path}: column {column.name!r} must hold numbers, got {values.iloc[row]!r} in row {row + 1}"
                f"{f' and {int(wrong.sum()) - 1} more' if wrong.sum() > 1 else ''}."
            )
        return numbers
    if column.categories and _all(column.categories, bool) and values.dtype != bool:
        words = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
        values = values.map(lambda v: words.get(str(v).lower(), v), na_action="ignore").astype(object)
    known = values.isna() | values.isin(column.categories)
    if not known.all():
        some = ", ".join(repr(v) for v in values[~known].unique()[:3])
        say(
            f"note: column {column.name!r} holds {int((~known).sum())} values that were not there in training "
            f"({some}); they count as missing"
        )
    return values


def _all(values, kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def kind_of(y: pd.Series, task: str) -> str:
    """Return "classification" or "regression", as asked for or as the target looks."""
    if task != "auto":
        return task
    numeric = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    task = "regression" if numeric and (y.nunique() > 20 or (y % 1 != 0).any()) else "classification"
    say(f"target {y.name!r}: {y.nunique()} different values, taken for {task} (--task says otherwise)")
    return task


def _closest(name, names) -> str:
    similar = difflib.get_close_matches(str(name), [str(n) for n in names], n=1, cutoff=0.5)
    if similar:
        return f"; did you mean {similar[0]!r}?"
    listed = [repr(str(n)) for n in names]
    return f"; it has {', '.join(listed[:8])}{', ...' if len(listed) > 8 else ''}" if listed else ""
