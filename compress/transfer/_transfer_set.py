"""The transfer set: generated rows with the teacher's targets, what a student learns from.

D1 (original rows) -> generator -> rows -> teacher -> targets: D2. Rows are generated and labelled block
by block through joblib, in blocks that do not depend on the number of workers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from joblib import Parallel, delayed
from scipy.special import softmax
from tqdm.auto import tqdm

from compress.schema import stack_tables, take
from compress.teachers import check_teacher, task_of, teacher_outputs

__all__ = ["TransferSet", "label_rows"]

LABELS = ("soft", "logits", "hard")
BLOCK_ROWS = 10_000


@dataclass
class TransferSet:
    """Rows and the teacher's targets for them.

    Parameters
    ----------
    X : DataFrame or array of shape (n_rows, n_columns)
        The first `n_original` rows are the original ones.
    targets : float32 array
        `kind="probabilities"` or `"logits"`: shape (n_rows, n_classes);
        `"values"` (regression): (n_rows,) or (n_rows, n_outputs).
    kind : {"probabilities", "logits", "values"}
    classes : array of shape (n_classes,), optional
        Label of each column of `targets`; None for regression.
    n_original : int
    schema : Schema, optional
        Kinds of the columns, handed on to the student.
    sample_weight : array of shape (n_rows,), optional
    seconds : dict
        Seconds spent in `generate` and `label`.
    """

    X: object
    targets: np.ndarray
    kind: str
    classes: np.ndarray | None = None
    n_original: int = 0
    schema: object = None
    sample_weight: np.ndarray | None = None
    seconds: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.kind not in ("probabilities", "logits", "values"):
            raise ValueError(f"kind must be 'probabilities', 'logits' or 'values', got {self.kind!r}.")
        if len(self.X) != len(self.targets):
            raise ValueError(f"X and targets must have as many rows, got {len(self.X)} and {len(self.targets)}.")
        if self.kind != "values" and (self.classes is None or np.shape(self.targets)[1:] != (len(self.classes),)):
            raise ValueError(
                f"{self.kind} must have one column per class, got targets of shape {np.shape(self.targets)} "
                f"and classes={self.classes!r}."
            )

    def __len__(self) -> int:
        return len(self.X)

    def probabilities(self) -> np.ndarray:
        """The targets as class probabilities, float32 of shape (n_rows, n_classes)."""
        if self.kind == "values":
            raise ValueError("the targets of a regression have no probabilities.")
        if self.kind == "probabilities":
            return np.ascontiguousarray(self.targets, dtype=np.float32)
        return softmax(self.targets.astype(np.float32, copy=False), axis=1)

    def head(self, n_rows: int) -> TransferSet:
        """The first `n_rows` rows: a smaller transfer set with the same originals in front."""
        if not 0 < n_rows <= len(self):
            raise ValueError(f"n_rows must lie in [1, {len(self)}], got {n_rows}.")
        X = self.X.iloc[:n_rows] if hasattr(self.X, "iloc") else self.X[:n_rows]
        weight = None if self.sample_weight is None else self.sample_weight[:n_rows]
        return TransferSet(
            X,
            self.targets[:n_rows],
            self.kind,
            self.classes,
            min(self.n_original, n_rows),
            self.schema,
            weight,
        )

    @classmethod
    def from_teacher(
        cls,
        teacher,
        X,
        *,
        X_unlabeled=None,
        generator=None,
        n_rows: int | None = None,
        labels: str = "soft",
        block_rows: int = BLOCK_ROWS,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> TransferSet:
        """Original rows, true unlabelled ones and generated ones, all labelled by the teacher.

        Parameters
        ----------
        teacher : fitted estimator with `predict_proba` (classifier) or `predict` (regressor)
        X : DataFrame or array of shape (n_original, n_columns)
            Original rows; the teacher labels them too.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further real rows, which come after the original ones.
        generator : generator fitted on `X`, optional
            Makes up what is missing to `n_rows`.
        n_rows : int, optional
            Rows in all; by default the original and unlabelled ones.
        labels : {"soft", "logits", "hard"}
            Teacher's probabilities, logits (log-probabilities) or its most probable class. Regression
            knows one kind only, the teacher's values.
        block_rows : int
            Rows labelled per task.
        n_jobs : int, optional
            As in joblib; threads, unless `joblib.parallel_config` says otherwise.
        verbose : int
            1 shows a progress bar on a terminal.

        Raises
        ------
        TypeError
            The teacher cannot give such labels.
        ValueError
            `n_rows` below the number of real rows, or above it without a generator; the teacher's
            outputs are not finite.
        """
        if labels not in LABELS:
            raise ValueError(f"labels must be one of {LABELS}, got {labels!r}.")
        task = _task(teacher, labels)
        real = X if X_unlabeled is None else stack_tables(X, X_unlabeled)
        n_rows = len(real) if n_rows is None else n_rows
        if n_rows < len(real):
            raise ValueError(f"n_rows counts the real rows too and must be at least {len(real)}, got {n_rows}.")
        missing = n_rows - len(real)
        if missing and generator is None:
            raise ValueError(f"n_rows={n_rows} asks for {missing} generated rows: pass a fitted generator.")
        started = time.perf_counter()
        rows = stack_tables(real, generator.sample(missing)) if missing else real
        generated = time.perf_counter()
        targets = label_rows(teacher, rows, labels=labels, block_rows=block_rows, n_jobs=n_jobs, verbose=verbose)
        seconds = {"generate": generated - started, "label": time.perf_counter() - generated}
        kind = "values" if task == "regression" else "logits" if labels == "logits" else "probabilities"
        classes = None
        if task != "regression":  # an object of one's own may have no classes_
            classes = np.asarray(getattr(teacher, "classes_", np.arange(targets.shape[1])))
        schema = getattr(generator, "schema_", None)
        return cls(rows, targets, kind, classes, len(X), schema, seconds=seconds)


def label_rows(
    teacher,
    X,
    *,
    labels: str = "soft",
    block_rows: int = BLOCK_ROWS,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> np.ndarray:
    """The teacher's targets for the rows of `X`, block by block; see `TransferSet.from_teacher`."""
    kind = {"soft": "probabilities", "logits": "logits", "hard": "labels"}[labels]
    if _task(teacher, labels) == "regression":
        kind = "values"
    blocks = [slice(i, i + block_rows) for i in range(0, len(X), block_rows)]
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    done = parallel(delayed(teacher_outputs)(teacher, take(X, rows), kind) for rows in blocks)
    bar = tqdm(done, total=len(blocks), desc="labelling", unit="block", disable=None if verbose else True)
    return np.concatenate(list(bar))


def _task(teacher, labels: str) -> str:
    """What the teacher is made for, checked before any long work."""
    task = task_of(teacher)
    check_teacher(teacher, task, labels="hard" if labels == "hard" else "soft")
    return task
