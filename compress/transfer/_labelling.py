"""Labelling: a teacher's targets for the rows of a table, block by block.

Blocks go through joblib, whatever its backend, and do not depend on the number of workers.
"""

from __future__ import annotations

import contextlib

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from tqdm.auto import tqdm

from compress.schema import as_table, take
from compress.teachers import check_teacher, one_thread, task_of, teacher_kind, teacher_outputs

__all__ = ["BLOCK_ROWS", "LABELS", "check_labels", "label_rows"]

LABELS = ("soft", "logits", "hard")
BLOCK_ROWS = 10_000


def label_rows(
    teacher,
    X,
    *,
    labels: str = "soft",
    classes=None,
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
    labels, classes, block_rows, n_jobs, verbose
        As in `TransferSet.from_teacher`.

    Returns
    -------
    float32 array of shape (n_rows, n_classes), or float64 array of shape (n_rows,) or (n_rows, n_outputs)
        The targets; only those of regressors are float64.
    """
    kind = teacher_kind(check_labels(teacher, labels), labels)
    X = as_table(X)
    blocks = [slice(i, i + block_rows) for i in range(0, len(X), block_rows)]
    alone = effective_n_jobs(n_jobs) == 1
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    done = parallel(delayed(_block)(teacher, take(X, rows), kind, classes, alone) for rows in blocks)
    bar = tqdm(done, total=len(blocks), desc="labelling", unit="block", disable=None if verbose else True)
    return np.concatenate(list(bar))


def _block(teacher, X, kind: str, classes, alone: bool) -> np.ndarray:
    """Label one block; beside others in one thread, since threads of several teachers only slow each other."""
    with contextlib.nullcontext() if alone else one_thread():
        return teacher_outputs(teacher, X, kind, classes=classes)


def check_labels(teacher, labels: str) -> str:
    """Return the task of a teacher; raise TypeError, before any long work, where it cannot give such labels."""
    task = task_of(teacher)
    check_teacher(teacher, task, labels="hard" if labels == "hard" else "soft")
    return task
