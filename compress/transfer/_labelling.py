"""Labelling: a teacher's targets for the rows of a table, block by block.

Blocks go through joblib, whatever its backend, and do not depend on the number of workers.
"""

from __future__ import annotations

import contextlib
import threading

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from compress.evaluation import progress
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
    timeout: float | None = None,
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
    labels, classes, block_rows
        As in `TransferSet.from_teacher`.
    timeout : float, optional
        The seconds within which the teacher must answer for a block; None waits for ever.
    n_jobs, verbose
        As in `TransferSet.from_teacher`.

    Returns
    -------
    float32 array of shape (n_rows, n_classes), or float64 array of shape (n_rows,) or (n_rows, n_outputs)
        The targets; only those of regressors are float64.

    Raises
    ------
    TimeoutError
        The teacher took longer than `timeout` for a block.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.transfer import label_rows
    >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    >>> label_rows(tree, [[0.1], [0.9]])
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    kind = teacher_kind(check_labels(teacher, labels), labels)
    X = as_table(X)
    blocks = [slice(i, i + block_rows) for i in range(0, len(X), block_rows)]
    alone = effective_n_jobs(n_jobs) == 1
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    done = parallel(delayed(_block)(teacher, take(X, rows), kind, classes, alone, timeout) for rows in blocks)
    return np.concatenate(list(progress(done, len(blocks), "labelling", "block", verbose)))


def _block(teacher, X, kind: str, classes, alone: bool, timeout: float | None) -> np.ndarray:
    """Label one block; beside others in one thread, since threads of several teachers only slow each other."""
    with contextlib.nullcontext() if alone else one_thread():
        if timeout is None:
            return teacher_outputs(teacher, X, kind, classes=classes)
        return _within(timeout, teacher, X, kind, classes)


def _within(timeout: float, teacher, X, kind: str, classes) -> np.ndarray:
    """Return the answers of a teacher who may hang: its thread is left behind then, and ends with the process."""
    answers = []

    def ask():
        try:
            answers.append((teacher_outputs(teacher, X, kind, classes=classes), None))
        except BaseException as error:
            answers.append((None, error))

    asking = threading.Thread(target=ask, name="teacher", daemon=True)
    asking.start()
    asking.join(timeout)
    if not answers:
        raise TimeoutError(
            f"the teacher, {type(teacher).__name__}, has not answered for {len(X)} rows within teacher_timeout="
            f"{timeout:g} seconds. Ask it for fewer rows at a time, or raise the limit."
        )
    output, error = answers[0]
    if error is not None:
        raise error
    return output


def check_labels(teacher, labels: str) -> str:
    """Return the task of a teacher; raise TypeError, before any long work, where it cannot give such labels."""
    task = task_of(teacher)
    check_teacher(teacher, task, labels="hard" if labels == "hard" else "soft")
    return task
