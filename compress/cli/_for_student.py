"""Tables as a saved student needs them: its columns by their names, in the types that they had in training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from compress.cli._columns import aligned, counterparts, features
from compress.cli._csv import CsvForm
from compress.cli._known import as_known, read_as_text
from compress.cli._numbers import looks_like
from compress.cli._options import say
from compress.cli._table_files import read_table

__all__ = ["numbers", "read_for_student"]


def read_for_student(path: Path, student, form: CsvForm, *, drop=(), target=None):
    """Return a table as the student needs it, the target or None, and the frame that was read."""
    columns = student.schema_.columns_
    named, names = student.schema_.is_frame_, student.schema_.names
    classes = getattr(student, "classes_", None)

    def categories(header: list) -> dict:
        """Return the known categories by the columns of a header; an array's columns are those not left out."""
        given = [name for name in header if name != target and name not in drop]
        place = counterparts(given, names) if named else dict(zip(names, given))
        known = {place[c.name]: c.categories for c in columns if c.name in place and read_as_text(c.categories)}
        if target in header and classes is not None and read_as_text(classes.tolist()):
            known[target] = [str(c) for c in classes.tolist()]
        return {name: [str(value) for value in values] for name, values in known.items()}

    frame = read_table(path, form, categories=categories)
    X, y = features(frame, path, drop=drop, target=target)
    if named:
        X = aligned(X, names, path)
    elif X.shape[1] != len(columns):
        raise ValueError(f"{path} has {X.shape[1]} columns, but the model was fitted on an array of {len(columns)}.")
    found = [_converted(X.iloc[:, j], column, path) for j, column in enumerate(columns)]
    X = pd.DataFrame(dict(enumerate(found)), index=X.index)
    if not named:
        return X.to_numpy(), y, frame
    X.columns = pd.Index(names, tupleize_cols=isinstance(names[0], tuple)) if names else []
    return X, y, frame


def numbers(values: pd.Series, path: Path) -> pd.Series:
    """Return a column as numbers, or raise an error that names the first value that is none."""
    found = pd.to_numeric(values, errors="coerce")
    wrong = found.isna() & values.notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        what = looks_like([value.strip() for value in values[wrong].unique()[:1000] if isinstance(value, str)])
        raise ValueError(
            f"{path}: column {str(values.name)!r} must hold numbers, got {values.iloc[row]!r} in row {row + 1}"
            f"{f' and {int(wrong.sum()) - 1} more' if wrong.sum() > 1 else ''}."
            f"{f' It looks like {what}.' if what else ''}"
        )
    return found


def _converted(values: pd.Series, column, path: Path) -> pd.Series:
    """Return a column in the type that it had in training, if its values allow it."""
    if column.kind == "continuous":
        return numbers(values, path)
    values = as_known(values, column.categories)
    known = values.isna() | values.isin(column.categories)
    if not known.all():
        some = ", ".join(repr(v) for v in values[~known].unique()[:3])
        say(
            f"note: column {str(column.name)!r} holds {int((~known).sum())} values that were not there in training "
            f"({some}); they count as missing"
        )
    return values
