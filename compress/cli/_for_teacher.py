"""Tables as a teacher from a file needs them: its columns by their names, with the categories that it knows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from compress.cli._columns import aligned, counterparts, features
from compress.cli._csv import CsvForm
from compress.cli._known import as_known, read_as_text
from compress.cli._options import say
from compress.cli._outputs import is_parquet
from compress.cli._table_files import read_table
from compress.teachers import (
    check_teacher,
    column_categories,
    column_names,
    first_estimator,
    task_of,
    teacher_kind,
    teacher_outputs,
)

__all__ = ["for_teacher", "read_for_teacher"]

TRIED_ROWS = 2


def read_for_teacher(path: Path, teacher, form: CsvForm, *, text=(), drop=(), target=None):
    """Return a table as the teacher needs it, and the target or None; `text` is as in `read_table`."""
    names, known, spaces = _wanted(teacher)

    def categories(header: list) -> dict:
        given = [name for name in header if name != target and name not in drop]
        place = dict(enumerate(given))
        if names is not None:
            found = counterparts(given, names, spaces=spaces)
            place = {j: found.get(name) for j, name in enumerate(names)}
        texts = {place.get(j): [str(value) for value in values] for j, values in known.items() if read_as_text(values)}
        return {name: values for name, values in texts.items() if name is not None}

    frame = read_table(path, form, text=text, categories=categories)
    X, y = features(frame, path, drop=drop, target=target)
    return for_teacher(X, teacher, path), y


def for_teacher(X: pd.DataFrame, teacher, path: Path) -> pd.DataFrame:
    """Return the columns of a table in the order of the teacher, with the categories that it knows.

    They keep the names of the table, which may have spaces where LightGBM has underscores.
    """
    names, known, spaces = _wanted(teacher)
    if names is not None:
        X = aligned(X, names, path, spaces=spaces)
    elif sorted(map(str, X.columns)) == sorted(map(str, range(X.shape[1]))):
        X = X[sorted(X.columns, key=lambda name: int(str(name)))]  # those of an array, in whatever order
    X = X.copy()
    for j, values in known.items():
        if j < X.shape[1]:
            X[X.columns[j]] = _categorical(X.iloc[:, j], values)
    _try(teacher, X, path)
    return X


def _wanted(teacher) -> tuple[list[str] | None, dict[int, list], bool]:
    """Return a teacher's names of columns, its categories, and whether it has underscores for the spaces of names."""
    inner = first_estimator(getattr(teacher, "estimator", teacher))
    spaces = any(kind.__module__.startswith("lightgbm.") for kind in type(inner).__mro__)
    return column_names(teacher), column_categories(inner), spaces


def _categorical(values: pd.Series, categories: list) -> pd.Series:
    """Return a column as the categorical that the teacher was taught on; other values become missing."""
    found = as_known(values, categories)
    unknown = found.notna() & ~found.isin(categories)
    if unknown.any():
        some = ", ".join(repr(value) for value in found[unknown].unique()[:3])
        say(
            f"note: column {str(values.name)!r} holds {int(unknown.sum())} values that the teacher does not know "
            f"({some}); they count as missing"
        )
    return pd.Series(pd.Categorical(found.where(~unknown), categories=categories), index=values.index, name=values.name)


def _try(teacher, X: pd.DataFrame, path: Path) -> None:
    """Let the teacher answer a few rows, so that one that cannot read the table says so before any work."""
    task = task_of(teacher)
    check_teacher(teacher, task)
    try:
        teacher_outputs(teacher, X.head(TRIED_ROWS), teacher_kind(task, "soft"))
    except Exception as error:
        texts = any(pd.api.types.is_string_dtype(dtype) for dtype in X.dtypes)
        hint = ""
        if texts and not is_parquet(path):
            hint = (
                " If it was taught on pandas categoricals, or on texts such as 'NA', CSV does not keep them: write the "
                "table as Parquet."
            )
        raise ValueError(f"the teacher cannot answer the rows of {path}: {error}{hint}") from error
