"""The task of a compressor: its rows, checked and converted before any long work begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from compress.schema import (
    as_schema,
    as_table,
    check_validation_pair,
    checked_table,
    classification_targets,
    compared_labels,
    compared_values,
    holdout_split,
    regression_targets,
    stack_tables,
    take,
    with_known_categories,
)
from compress.teachers import is_fitted, known_classes

__all__ = ["Rows", "Task", "prepare", "split"]


@dataclass(frozen=True)
class Rows:
    """Rows with their labels (None when they are not known) and weights (None when all rows count the same)."""

    X: object
    y: np.ndarray | None
    weight: np.ndarray | None = None

    def take(self, rows) -> Rows:
        """Return the rows named by an index array."""
        picked = (None if part is None else part[rows] for part in (self.y, self.weight))
        return Rows(take(self.X, rows), *picked)


@dataclass(frozen=True)
class Task:
    """What a compressor works on: the task and its rows.

    Parameters
    ----------
    name : {"classification", "regression"}
        Whether the teacher classifies or predicts values.
    rows : Rows
        The labelled rows of weight above 0.
    unlabeled : table or None
        Further real rows, with the dtypes of `rows.X`.
    held_out : Rows or None
        The validation rows that were given.
    classes : array of shape (n_classes,) or None
        The classes of `y`, sorted; None in regression and without `y`.
    n_outputs : int or None
        The number of targets; None when only the teacher knows it.
    """

    name: str
    rows: Rows
    unlabeled: object
    held_out: Rows | None
    classes: np.ndarray | None
    n_outputs: int | None

    @property
    def real(self):
        """All real rows, the labelled ones first."""
        return self.with_unlabeled(self.rows.X)

    def with_unlabeled(self, X):
        """Return some of the labelled rows, followed by the unlabelled ones."""
        return X if self.unlabeled is None else stack_tables(X, self.unlabeled)


def prepare(compressor, name: str, X, y, sample_weight, X_unlabeled, X_val, y_val) -> Task:
    """Check everything that `fit` was given, and make the task of it.

    Parameters
    ----------
    compressor : CompressedClassifier or CompressedRegressor
        The compressor, which learns the columns (`n_features_in_`, `feature_names_in_`).
    name : {"classification", "regression"}
        The task of the compressor.
    X, y, sample_weight, X_unlabeled, X_val, y_val
        As in `fit`.

    Raises
    ------
    ValueError, TypeError
        Rows, labels and weights do not fit together, or labels are missing that are needed.
    """
    fitted = compressor.teacher is not None and is_fitted(compressor.teacher, as_table(X))
    needs_labels = compressor.original_labels != "teacher" or compressor.labels_from != "teacher"
    if y is None and (not fitted or needs_labels):
        raise ValueError(
            f"{type(compressor).__name__} requires y to be passed, but the target y is None. Only a fitted "
            "teacher with original_labels='teacher' and labels_from='teacher' can do without."
        )
    table, n_outputs, weight = checked_table(compressor, X, reset=True), None, None
    if y is not None:
        y, n_outputs = _checked_target(compressor, name, y, len(table))
    if sample_weight is not None:
        weight = _check_sample_weight(sample_weight, table, ensure_non_negative=True)
    rows = Rows(table, y, weight)
    if weight is not None and not weight.all():
        rows = rows.take(np.flatnonzero(weight))
        if name == "classification":
            _checked_target(compressor, name, rows.y, len(rows.X))  # two classes must be left
    as_schema(compressor.schema, table)
    unlabeled = None
    if X_unlabeled is not None:
        more = checked_table(compressor, X_unlabeled, reset=False)
        unlabeled = with_known_categories(more, rows.X, compressor.schema)
    classes = np.unique(rows.y) if name == "classification" and rows.y is not None else None
    held_out = _checked_held_out(compressor, name, rows, classes, n_outputs, X_val, y_val)
    task = Task(name, rows, unlabeled, held_out, classes, n_outputs)
    _ = task.real  # refuses unlabelled rows with other columns
    return task


def split(rows: Rows, classes, fraction: float, schema, rng) -> tuple[Rows, Rows]:
    """Return rows to learn from and rows to choose on, stratified by class, with identical rows on one side."""
    encoded = as_schema(schema, rows.X).encode(rows.X)
    strata = None
    if rows.y is None:
        target = np.zeros(len(rows.X))
    elif classes is None:
        target = rows.y
    else:
        target = strata = np.unique(rows.y, return_inverse=True)[1]
    train, held = holdout_split(encoded, target, fraction, rng, strata=strata)
    return rows.take(train), rows.take(held)


def _checked_target(compressor, name: str, y, n_rows: int):
    """Return labels or values, and the number of outputs."""
    called = type(compressor).__name__
    if name == "regression":
        values, flat = regression_targets(y, n_rows, called)
        return (values[:, 0] if flat else values), values.shape[1]
    classes, targets, hard = classification_targets(y, n_rows, called)
    if not hard:
        raise ValueError(
            f"{called}: y must be labels of shape (n_rows,), got shape {np.shape(y)}. "
            "Soft labels need no teacher: StudentClassifier().fit(X, soft)."
        )
    return np.asarray(classes)[targets.argmax(axis=1)], 1


def _checked_held_out(compressor, name: str, rows: Rows, classes, n_outputs, X_val, y_val) -> Rows | None:
    check_validation_pair(X_val, y_val, needs_labels=rows.y is not None)
    if X_val is None:
        return None
    table = checked_table(compressor, X_val, reset=False)
    if y_val is None:
        return Rows(table, None)
    if name == "regression":
        return Rows(table, compared_values(y_val, len(table), "y_val", n_outputs))
    if classes is None:  # then the teacher is fitted
        classes = known_classes(compressor.teacher)
    return Rows(table, compared_labels(y_val, len(table), "y_val", classes))
