"""Labelling: a teacher's targets for the rows of a table, block by block.

Blocks go through joblib, whatever its backend, and do not depend on the number of workers.
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed

from compress.evaluation import progress
from compress.schema import take
from compress.teachers import check_teacher, task_of, teacher_kind, teacher_outputs

__all__ = ["BLOCK_ROWS", "LABELS", "check_labels", "label_rows"]

LABELS = ("soft", "logits", "hard")
BLOCK_ROWS = 10_000


def label_rows(
    teacher,
    X,
    *,
    labels: str = "soft",
    block_rows: int = BLOCK_ROWS,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> np.ndarray:
    """Return the teacher's targets for the rows of a table.

    Parameters
    ----------
    teacher : fitted estimator
        A classifier with `predict_proba`, or a regressor.
    X : DataFrame or array of shape (n_rows, n_columns)
        The rows to label.
    labels, block_rows, n_jobs, verbose
        As in `TransferSet.from_teacher`.

    Returns
    -------
    float32 array of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        The targets; only those of regressors have one of the last two shapes.
    """
    kind = teacher_kind(check_labels(teacher, labels), labels)
    blocks = [slice(i, i + block_rows) for i in range(0, len(X), block_rows)]
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    done = parallel(delayed(teacher_outputs)(teacher, take(X, rows), kind) for rows in blocks)
    return np.concatenate(list(progress(done, len(blocks), "labelling", "block", verbose)))


def check_labels(teacher, labels: str) -> str:
    """Return the task of a teacher; raise TypeError, before any long work, where it cannot give such labels."""
    task = task_of(teacher)
    check_teacher(teacher, task, labels="hard" if labels == "hard" else "soft")
    return task
