"""Sample rows with the recorded answers of both models, and counts of classes against predicted classes."""

from __future__ import annotations

import numpy as np

from compress.schema import class_codes, take

__all__ = ["confusion", "sample_rows"]

STRAYING = 2  # sample rows on which student and teacher differ most


def sample_rows(schema, X, y, student, teacher, n_samples: int, rng) -> list[dict]:
    """Return rows spread over the teacher's answers, and a few on which the two models differ most.

    Parameters
    ----------
    schema : Schema
        The fitted schema of the table.
    X : DataFrame or array of shape (n_rows, n_columns)
        The rows.
    y : array of shape (n_rows,) or (n_rows, n_outputs), or None
        The true labels or values.
    student, teacher : float arrays of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        The answers of both models.
    n_samples : int
        The number of rows.
    rng : RandomState
        The source of the choice.

    Returns
    -------
    list of dict
        For each row: `row` (its position), `values` (numbers, or codes of categories, None where missing), `truth`,
        `student` and `teacher` (lists), and `strays`.
    """
    if n_samples <= 0:
        return []
    ours, theirs = (np.asarray(p, dtype=np.float64).reshape(len(p), -1) for p in (student, teacher))
    n_far = min(STRAYING, n_samples - 1)
    far = np.argsort(-np.square(ours - theirs).sum(axis=1), kind="stable")[:n_far]
    order = rng.permutation(np.setdiff1d(np.arange(len(ours)), far))
    order = order[np.argsort(theirs[order, -1], kind="stable")]
    n_spread = min(n_samples - n_far, len(order))
    spread = order[np.round(np.linspace(0, len(order) - 1, n_spread)).astype(int)]
    rows = np.concatenate([rng.permutation(spread), far]).astype(np.intp)
    continuous, nominal = schema.encode(take(X, rows), unseen="missing")
    numbers = [[None if v != v else float(str(v)) for v in row] for row in continuous]  # 0.1, of float32 too
    codes = [[None if code < 0 else int(code) for code in row] for row in nominal]
    truths = [None] * len(rows) if y is None else np.asarray(y)[rows].tolist()
    found = []
    for i, row in enumerate(rows.tolist()):
        values = dict(zip(schema.continuous_, numbers[i])) | dict(zip(schema.nominal_, codes[i]))
        found.append(
            {
                "row": row,
                "values": [values[j] for j in range(schema.n_columns)],
                "truth": truths[i],
                "student": ours[row].tolist(),
                "teacher": theirs[row].tolist(),
                "strays": i >= len(spread),
            }
        )
    return found


def confusion(y, probabilities, classes) -> list[list[int]]:
    """Return how many rows of each class are predicted as each class, most probable ones.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_classes)
        The labels, or soft labels.
    probabilities : float array of shape (n_rows, n_classes)
        The predictions.
    classes : array of shape (n_classes,)
        The label of each column.
    """
    own = np.asarray(y).argmax(axis=1) if np.ndim(y) == 2 else class_codes(y, classes)
    n = len(classes)
    return np.bincount(own * n + probabilities.argmax(axis=1), minlength=n * n).reshape(n, n).tolist()
