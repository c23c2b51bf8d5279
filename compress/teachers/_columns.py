"""The columns that a teacher was fitted on: their names, wherever it keeps them, and tables in their order."""

from __future__ import annotations

import contextlib
import re

from compress.schema import as_table, columns_taken, has_columns, names_of

__all__ = ["column_names", "in_teachers_order", "matching_columns"]


def column_names(teacher) -> list | None:
    """Return the names of the columns that a fitted teacher knows, in its order; None where it knows none.

    Parameters
    ----------
    teacher : object
        The teacher: an estimator with `feature_names_in_` (scikit-learn) or `feature_names_` (CatBoost), or a booster
        of LightGBM or XGBoost, or what holds one.
    """
    for name in ("feature_names_in_", "feature_names_", "feature_name_", "feature_name", "feature_names"):
        names = _attribute(teacher, name)
        if names is not None and not isinstance(names, str) and len(names):
            return list(names)
    for name in ("booster_", "get_booster", "booster"):
        inner = _attribute(teacher, name)
        if hasattr(inner, "feature_name") or hasattr(inner, "feature_names"):
            return column_names(inner)
    return None


def _attribute(teacher, name: str):
    """Return an attribute, or what a method of this name returns; None where there is none."""
    with contextlib.suppress(Exception):  # not fitted, or a method that takes arguments
        value = getattr(teacher, name)
        return value() if callable(value) else value
    return None


def matching_columns(teacher, columns: list) -> list | None:
    """Return the columns of a table in the order in which a teacher knows them.

    Parameters
    ----------
    teacher : object
        The fitted teacher.
    columns : list of str
        The columns of the table.

    Returns
    -------
    list or None
        The columns in the teacher's order; None where the teacher knows no names, or not all of them are there.
        LightGBM's "mean_radius" is the column "mean radius".
    """
    names = column_names(teacher)
    if names is None:
        return None
    there = set(columns)
    if there.issuperset(names):
        return names
    spelled = {}
    for column in columns:
        spelled.setdefault(re.sub(r"\s", "_", str(column)), column)
    found = [name if name in there else spelled.get(name) for name in names]
    return None if None in found or len(set(found)) < len(found) else found


def in_teachers_order(teacher, X):
    """Return a table whose columns are those of the teacher in another order with the columns in its order.

    Some teachers read columns by position without a look at their names. Any other table is returned as it is.

    Parameters
    ----------
    teacher : object
        The fitted teacher.
    X : table
        The rows for the teacher.
    """
    X = as_table(X)
    if not has_columns(X):
        return X
    columns = names_of(X)
    found = matching_columns(teacher, columns)
    if found is None or len(found) != len(columns) or found == columns:
        return X
    return columns_taken(X, found)
