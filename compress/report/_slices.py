"""Fidelity in parts: class by class, and in slices of the table, one column at a time."""

from __future__ import annotations

import numpy as np

from compress.evaluation import fidelity
from compress.schema import class_codes

__all__ = ["by_class", "by_slice"]

SMALLEST_SLICE = 30  # rows; the fidelity of fewer rows is noise


def by_class(y, student, teacher, classes) -> list[dict]:
    """Return recall of both models, agreement and fidelity for each class.

    Parameters
    ----------
    y : array of shape (n_rows,), or None
        The true labels; with None the rows of a class are those that the teacher assigns to it.
    student, teacher : float arrays of shape (n_rows, n_classes)
        The probabilities of both models.
    classes : array of shape (n_classes,)
        The label of each column.
    """
    best_s, best_t = student.argmax(axis=1), teacher.argmax(axis=1)
    if y is None:
        own = best_t
    else:
        own = y.argmax(axis=1) if np.ndim(y) == 2 else class_codes(y, classes)
    found = []
    for c, name in enumerate(classes):
        rows = own == c
        if rows.any():
            found.append(
                {
                    "class": name.item() if isinstance(name, np.generic) else name,
                    "rows": int(rows.sum()),
                    "student": float(np.mean(best_s[rows] == c)),
                    "teacher": float(np.mean(best_t[rows] == c)),
                    "agreement": float(np.mean(best_t[rows] == best_s[rows])),
                    "rmse": float(np.sqrt(np.mean((teacher[rows, c] - student[rows, c]) ** 2))),
                }
            )
    return found


def by_slice(schema, X, student, teacher, classifier: bool) -> list[dict]:
    """Return the fidelity of every slice that has enough rows, worst first."""
    found = []
    for name, rows in _slices(schema, X):
        n = int(rows.sum())
        if n < SMALLEST_SLICE or n == len(rows):
            continue
        pair = student[rows], teacher[rows]
        measures = fidelity(*pair) if classifier else fidelity(*(part.ravel() for part in pair))
        found.append({"slice": name, "rows": n, **{k: measures[k] for k in ("agreement", "rmse") if k in measures}})
    return sorted(found, key=lambda row: -row["rmse"])


def _slices(schema, X):
    """Yield (name, mask of rows) for categories, quarters between quartiles, and missing values, column by column."""
    continuous, nominal = schema.encode(X, unseen="missing")
    for k, j in enumerate(schema.continuous_):
        values, name = continuous[:, k], _column(schema, j)
        missing = np.isnan(values)
        if missing.any():
            yield f"{name} missing", missing
        edges = np.unique(np.quantile(values[~missing], [0, 0.25, 0.5, 0.75, 1])) if not missing.all() else []
        for low, high, last in zip(edges[:-1], edges[1:], np.arange(len(edges) - 1) == len(edges) - 2):
            inside = (values >= low) & ((values <= high) if last else (values < high))
            yield f"{name} from {low:.4g} to {high:.4g}", inside
    for k, j in enumerate(schema.nominal_):
        name = _column(schema, j)
        for code, category in enumerate(schema.columns_[j].categories):
            yield f"{name} = {category}", nominal[:, k] == code
        yield f"{name} missing or unseen", nominal[:, k] < 0


def _column(schema, j: int) -> str:
    name = schema.columns_[j].name
    return str(name) if schema.is_frame_ else f"column {name}"
