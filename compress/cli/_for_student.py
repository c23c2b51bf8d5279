"""Tables as a saved student needs them: its columns by their names, in the types that they had in training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from compress.cli._columns import aligned, counterparts, features
from compress.cli._csv import CsvForm
from compress.cli._known import as_known, read_as_text
from compress.cli._numbers import looks_like
from compress.cli._options import say
from compress.cli._table_files import read_table, table_parts

__all__ = ["numbers", "parts_for_student", "read_for_student"]


def read_for_student(path: Path, student, form: CsvForm, *, drop=(), target=None):
    """Return a table as the student needs it, the target or None, and the frame that was read."""
    frame = read_table(path, form, categories=_categories(student, drop, target))
    return *_for_student(frame, path, student, drop, target, set()), frame


def parts_for_student(path: Path, student, form: CsvForm, *, n_rows: int, drop=()) -> Iterator[tuple]:
    """Yield parts of a table as the student needs them, each with the frame that was read."""
    noted = set()
    for frame in table_parts(path, form, n_rows=n_rows, categories=_categories(student, drop, None)):
        yield _for_student(frame, path, student, drop, None, noted)[0], frame


def _categories(student, drop, target):
    """Return a function that gives the known categories by the columns of a header."""
    columns = student.schema_.columns_
    named, names = student.schema_.is_frame_, student.schema_.names
    classes = getattr(student, "classes_", None)

    def categories(header: list) -> dict:
        given = [name for name in header if name != target and name not in drop]
        place = counterparts(given, names) if named else dict(zip(names, given))  # an array's columns by position
        known = {place[c.name]: c.categories for c in columns if c.name in place and read_as_text(c.categories)}
        if target in header and classes is not None and read_as_text(classes.tolist()):
            known[target] = [str(c) for c in classes.tolist()]
        return {name: [str(value) for value in values] for name, values in known.items()}

    return categories


def _for_student(frame: pd.DataFrame, path: Path, student, drop, target, noted: set):
    """Return rows in the types that they had in training, and the target or None."""
    columns = student.schema_.columns_
    named, names = student.schema_.is_frame_, student.schema_.names
    X, y = features(frame, path, drop=drop, target=target)
    if named:
        X = aligned(X, names, path)
    elif X.shape[1] != len(columns):
        raise ValueError(f"{path} has {X.shape[1]} columns, but the model was fitted on an array of {len(columns)}.")
    found = [_converted(X.iloc[:, j], column, path, noted) for j, column in enumerate(columns)]
    X = pd.DataFrame(dict(enumerate(found)), index=X.index)
    if not named:
        return X.to_numpy(), y
    X.columns = pd.Index(names, tupleize_cols=isinstance(names[0], tuple)) if names else []
    return X, y


def numbers(values: pd.Series, path: Path) -> pd.Series:
    """Return a column as numbers, or raise an error that names the first value that is none."""
    found = pd.to_numeric(values, errors="coerce")
    wrong = found.isna() & values.notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        before = getattr(values.index, "start", 0)  # rows of earlier parts of the file
        what = looks_like([value.strip() for value in values[wrong].unique()[:1000] if isinstance(value, str)])
        raise ValueError(
            f"{path}: column {str(values.name)!r} must hold numbers, got {values.iloc[row]!r} in row {before + row + 1}"
            f"{f' and {int(wrong.sum()) - 1} more' if wrong.sum() > 1 else ''}."
            f"{f' It looks like {what}.' if what else ''}"
        )
    return found


def _converted(values: pd.Series, column, path: Path, noted: set) -> pd.Series:
    """Return a column in the type that it had in training, if its values allow it."""
    if column.kind == "continuous":
        return numbers(values, path)
    values = as_known(values, column.categories)
    known = values.isna() | values.isin(column.categories)
    if not known.all() and column.name not in noted:
        noted.add(column.name)
        some = ", ".join(repr(v) for v in values[~known].unique()[:3])
        say(
            f"note: column {str(column.name)!r} holds {int((~known).sum())} values that were not there in training "
            f"({some}); they count as missing"
        )
    return values
