"""Columns of tables: those to learn from, those that a model knows by name, and the target."""

from __future__ import annotations

import difflib
from pathlib import Path

import pandas as pd

from compress.cli._options import say
from compress.transfer import PREFIX

__all__ = ["aligned", "closest", "counterparts", "features", "kind_of"]

LISTED = 8
COMPARED = 2000  # names among which similar ones are searched


def features(frame: pd.DataFrame, path: Path, *, drop=(), target: str | None = None):
    """Return the columns to learn or predict from, and the target or None."""
    for name in [*drop, *([] if target is None else [target])]:
        if name not in frame.columns:
            raise ValueError(f"{path} has no column {name!r}{closest(name, frame.columns)}.")
    y = None if target is None else frame[target]
    if y is not None and y.isna().any():
        raise ValueError(
            f"{path}: the target {target!r} is missing in {int(y.isna().sum())} rows, the first of them row "
            f"{int(y.isna().to_numpy().argmax()) + 1}. Remove them; if the cells hold a class such as 'NA' or 'None', "
            "which stands for a missing value in CSV, call it something else, or use Parquet."
        )
    X = frame.drop(columns=[*drop, *([] if target is None else [target])])
    if not X.shape[1]:
        raise ValueError(f"{path} has no columns left to learn from.")
    answers = [name for name in X.columns if str(name).startswith(PREFIX)]
    if answers:
        raise ValueError(
            f"{path} has the column {answers[0]!r}, as `label` calls a teacher's answers; no column to learn from may "
            f"be called so. Learn the answers with `fit --taught`, or leave them out: --drop {_shown(answers)}"
        )
    return X, y


def counterparts(columns, names, *, spaces: bool = False) -> dict:
    """Return for each name that is there its column: the same, the same as text, or with spaces for underscores."""
    there = list(columns)
    found = {name: name for name in set(names) & set(there)}
    keys = [str]
    if spaces:
        keys.append(lambda column: "_".join(str(column).split(" ")))
    for key in keys:
        by_text = {}
        for column in there:
            by_text.setdefault(key(column), []).append(column)
        for name in names:
            same = by_text.get(str(name), [])
            if name not in found and len(same) == 1 and same[0] not in found.values():
                found[name] = same[0]
    return found


def aligned(X: pd.DataFrame, names: list, path: Path, *, spaces: bool = False) -> pd.DataFrame:
    """Return the columns of `X` for `names`, in their order and under their own names; others raise an error."""
    found = counterparts(X.columns, names, spaces=spaces)
    missing = [name for name in names if name not in found]
    used = set(found.values())
    extra = [name for name in X.columns if name not in used]
    if missing:
        hint = closest(missing[0], extra)
        more = f" ({len(missing)} columns are missing)" if len(missing) > 1 else ""
        raise ValueError(f"{path} has no column {missing[0]!r}, which the model needs{hint}{more}.")
    if extra:
        raise ValueError(
            f"{path} has {f'{len(extra):,} ' if len(extra) > LISTED else ''}columns that the model does not know: "
            f"leave them out with --drop {_shown(extra)}"
        )
    return X[[found[name] for name in names]]


def kind_of(y: pd.Series, task: str) -> str:
    """Return "classification" or "regression", as asked for or as the target looks."""
    if task != "auto":
        return task
    numeric = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    task = "regression" if numeric and (y.nunique() > 20 or (y % 1 != 0).any()) else "classification"
    say(f"target {y.name!r}: {y.nunique()} different values, taken for {task} (--task says otherwise)")
    return task


def closest(name, names) -> str:
    """Return the part of a message that says which name was meant, or which there are."""
    texts = [str(n) for n in names]
    similar = difflib.get_close_matches(str(name), texts[:COMPARED], n=1, cutoff=0.5)
    if similar:
        return f"; did you mean {similar[0]!r}?"
    listed = [repr(text) for text in texts[:LISTED]]
    return f"; it has {', '.join(listed)}{', ...' if len(texts) > LISTED else ''}" if listed else ""


def _shown(names) -> str:
    """Return the first names as arguments for a command line."""
    texts = [repr(str(name)) if " " in str(name) else str(name) for name in names[:LISTED]]
    return " ".join(texts) + (f" ... (and {len(names) - LISTED:,} more)" if len(names) > LISTED else "")
