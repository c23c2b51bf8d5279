"""The columns that a fitted teacher wants: their names and their categories, whatever the attribute that holds them."""

from __future__ import annotations

import re

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

__all__ = ["column_categories", "feature_names", "first_estimator"]


def feature_names(teacher) -> list[str] | None:
    """Return the names of the columns that a fitted teacher was taught on, in its order.

    scikit-learn and XGBoost keep them in `feature_names_in_`, CatBoost in `feature_names_`, boosters in attributes or
    methods of their own. LightGBM writes underscores in place of the spaces in names.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher; pipelines, searches and frozen estimators are asked for what their first estimator knows.

    Returns
    -------
    list of str, or None
        The names; None for a teacher that was taught on an array, or that does not tell.
    """
    for model in (teacher, first_estimator(teacher)):
        for attribute in ("feature_names_in_", "feature_names_", "feature_names", "feature_name"):
            names = getattr(model, attribute, None)
            names = names() if callable(names) else names
            if names is not None and not isinstance(names, str) and len(names):
                names = [str(name) for name in names]
                return None if _made_up(names) else names
    return None


def first_estimator(teacher):
    """Return the estimator within a teacher that sees the table: the first step of a pipeline, the best of a search.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher; one that holds no other estimator is returned as it is.
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


def _made_up(names: list[str]) -> bool:
    """Whether names are those that libraries give to the columns of an array: Column_0 (LightGBM), 0 (CatBoost)."""
    numbers = [name.removeprefix("Column_") for name in names]
    return numbers == [str(j) for j in range(len(names))]
