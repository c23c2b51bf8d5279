"""The columns that a teacher was fitted on: names and categories, wherever it keeps them, and tables in their order."""

from __future__ import annotations

import contextlib
import re

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from compress.schema import as_table, columns_taken, has_columns, names_of

__all__ = ["column_categories", "column_names", "first_estimator", "in_teachers_order", "matching_columns"]


def column_names(teacher) -> list[str] | None:
    """Return the names of the columns that a fitted teacher was taught on, in its order.

    scikit-learn and XGBoost keep them in `feature_names_in_`, CatBoost in `feature_names_`, boosters in attributes or
    methods of their own. LightGBM writes underscores in place of the spaces in names.

    Parameters
    ----------
    teacher : object
        The teacher. Pipelines, searches and frozen estimators are asked for what their first estimator knows, and what
        holds a booster of LightGBM or XGBoost for what that one knows.

    Returns
    -------
    list of str, or None
        The names; None for a teacher that was taught on an array, or that does not tell.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import column_names
    >>> X = pd.DataFrame({"age": [20, 60], "hours": [40, 20]})
    >>> column_names(DecisionTreeClassifier().fit(X, [0, 1]))
    ['age', 'hours']
    """
    for model in (teacher, first_estimator(teacher)):
        for name in ("feature_names_in_", "feature_names_", "feature_name_", "feature_name", "feature_names"):
            names = _attribute(model, name)
            if names is not None and not isinstance(names, str) and len(names):
                names = [str(name) for name in names]
                return None if _made_up(names) else names
        for name in ("booster_", "get_booster", "booster"):
            inner = _attribute(model, name)
            if hasattr(inner, "feature_name") or hasattr(inner, "feature_names"):
                return column_names(inner)
    return None


def first_estimator(teacher):
    """Return the estimator within a teacher that sees the table: the first step of a pipeline, the best of a search.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher; one that holds no other estimator is returned as it is.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from compress.teachers import first_estimator
    >>> pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    >>> first_estimator(pipeline)
    StandardScaler()
    """
    while True:
        if isinstance(teacher, Pipeline):
            steps = [step for _, step in teacher.steps if step is not None and not isinstance(step, str)]
            inner = steps[0] if steps else None
        else:
            inner = (
                teacher.estimator if isinstance(teacher, FrozenEstimator) else getattr(teacher, "best_estimator_", None)
            )
        if inner is None or inner is teacher:
            return teacher
        teacher = inner


def _made_up(names: list[str]) -> bool:
    """Whether names are those that libraries give to the columns of an array: Column_0 (LightGBM), 0 (CatBoost)."""
    numbers = [name.removeprefix("Column_") for name in names]
    return numbers == [str(j) for j in range(len(names))]


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

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import matching_columns
    >>> tree = DecisionTreeClassifier().fit(pd.DataFrame({"age": [20, 60], "hours": [40, 20]}), [0, 1])
    >>> matching_columns(tree, ["hours", "age"])
    ['age', 'hours']
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

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import in_teachers_order
    >>> X = pd.DataFrame({"age": [20, 60], "hours": [40, 20]})
    >>> tree = DecisionTreeClassifier().fit(X, [0, 1])
    >>> list(in_teachers_order(tree, X[["hours", "age"]]).columns)
    ['age', 'hours']
    """
    X = as_table(X)
    if not has_columns(X):
        return X
    columns = names_of(X)
    found = matching_columns(teacher, columns)
    if found is None or len(found) != len(columns) or found == columns:
        return X
    return columns_taken(X, found)


def column_categories(teacher) -> dict[int, list]:
    """Return the categories of the pandas categoricals that a fitted LightGBM or XGBoost teacher was taught on.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher.

    Returns
    -------
    dict
        The categories by the position of their column; empty for other teachers, and for those that do not tell which
        columns they are of.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.teachers import column_categories
    >>> column_categories(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))  # no categoricals
    {}
    """
    model = first_estimator(teacher)
    booster = getattr(model, "booster_", model)
    lists = getattr(booster, "pandas_categorical", None)
    if lists:
        said = re.search(r"\[categorical_feature: ([\d,]+)\]", booster.model_to_string(num_iteration=1))
        positions = [int(position) for position in said[1].split(",")] if said else []
        return dict(zip(positions, lists)) if len(positions) == len(lists) else {}
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    if hasattr(booster, "get_categories"):
        try:
            held = booster.get_categories(export_to_arrow=True).to_arrow()
        except (AttributeError, ImportError, TypeError, ValueError):  # a booster without any, or without pyarrow
            return {}
        return {j: list(known.to_pylist()) for j, (_, known) in enumerate(held) if known is not None}
    return {}
