"""The transfer set: generated rows with the teacher's targets, from which a student learns.

D1 (original rows) -> generator -> rows -> teacher -> targets: D2. A transfer set is complete when it is made, and
does not change afterwards.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from compress.schema import as_table, stack_tables, take, with_known_categories
from compress.teachers import answered_classes
from compress.transfer._kinds import KINDS, as_probabilities, kind_of
from compress.transfer._labelling import BLOCK_ROWS, LABELS, check_labels, label_rows
from compress.transfer._originals import n_generated, with_original
from compress.transfer._stored import StoredTransferSet
from compress.transfer._streamed import StreamedTransferSet
from compress.transfer._writing import write_shards

__all__ = ["TransferSet"]


@dataclass(frozen=True)
class TransferSet:
    """Rows and the teacher's targets for them.

    Parameters
    ----------
    X : DataFrame, Arrow table or array of shape (n_rows, n_columns)
        The rows, in the container of the table; the first `n_original` ones are the original ones.
    targets : float array
        The teacher's targets: float32 of shape (n_rows, n_classes) for probabilities and logits, and float64 of shape
        (n_rows,) or (n_rows, n_outputs) for the values of a regression, which a student centres before they become
        float32.
    kind : {"probabilities", "logits", "values"}
        What the targets are.
    classes : array of shape (n_classes,), optional
        The label of each column of `targets`; None for regression.
    n_original : int, default=0
        The number of original rows.
    schema : Schema, optional
        The kinds of the columns, which are passed on to the student.
    sample_weight : array of shape (n_rows,), optional
        The weights of the rows in the student's loss; with None all rows count the same.
    seconds : dict, default={}
        The seconds spent in the stages `generate` and `label`.

    Raises
    ------
    ValueError
        Rows, targets, classes or weights do not fit together.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from compress import MUNGE, TransferSet
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    >>> munge = MUNGE(random_state=0).fit(X)
    >>> data = TransferSet.from_teacher(forest, X, generator=munge, n_rows=600)
    >>> len(data), data.n_original, data.targets.shape
    (600, 150, (600, 3))
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
        if self.kind not in KINDS:
            raise ValueError(f"kind must be 'probabilities', 'logits' or 'values', got {self.kind!r}.")
        object.__setattr__(self, "X", as_table(self.X))
        if len(self.X) != len(self.targets):
            raise ValueError(f"X and targets must have as many rows, got {len(self.X)} and {len(self.targets)}.")
        if self.kind != "values" and (self.classes is None or np.shape(self.targets)[1:] != (len(self.classes),)):
            raise ValueError(
                f"{self.kind} must have one column per class, got targets of shape {np.shape(self.targets)} "
                f"and classes={self.classes!r}."
            )

        if self.sample_weight is not None and np.shape(self.sample_weight) != (len(self.X),):
            raise ValueError(
                f"sample_weight must have one number per row, {len(self.X)}, got shape {np.shape(self.sample_weight)}."
            )

    def __len__(self) -> int:
        return len(self.X)

    def probabilities(self) -> np.ndarray:
        """Return the targets as class probabilities, float32 of shape (n_rows, n_classes)."""
        return as_probabilities(self.kind, self.targets)

    def head(self, n_rows: int) -> TransferSet:
        """Return the first rows: a smaller transfer set with the same original rows at the start.

        Parameters
        ----------
        n_rows : int
            The number of rows.

        Returns
        -------
        TransferSet
        """
        if not 0 < n_rows <= len(self):
            raise ValueError(f"n_rows must lie in [1, {len(self)}], got {n_rows}.")
        weight = None if self.sample_weight is None else self.sample_weight[:n_rows]
        return TransferSet(
            take(self.X, slice(0, n_rows)),
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
        classes=None,
        schema=None,
        original_targets=None,
        sample_weight=None,
        block_rows: int = BLOCK_ROWS,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> TransferSet:
        """Make a transfer set of original, unlabelled and generated rows, labelled by the teacher.

        Parameters
        ----------
        teacher : fitted estimator
            The teacher: a classifier with `predict_proba`, or a regressor with `predict`.
        X : DataFrame or array of shape (n_original, n_columns)
            The original rows; the teacher labels them too, unless `original_targets` are given.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further real rows, which come after the original ones. Categories that `X` does not have count as missing.
        generator : fitted generator, optional
            The generator, fitted on `X`, that makes the rows that are missing to `n_rows`.
        n_rows : int, optional
            The number of rows in all; by default that of the original and unlabelled ones.
        labels : {"soft", "logits", "hard"}, default="soft"
            Whether the targets are the teacher's probabilities, its logits (log-probabilities) or its most probable
            class. In regression they are always the teacher's values.
        classes : array of shape (n_classes,), optional
            The label of each of the teacher's columns, for a teacher without `classes_`; by default the columns of its
            answers when they are a DataFrame, else 0, 1, ...
        schema : Schema, optional
            The kinds of the columns; by default those of the generator.
        original_targets : float array, optional
            The targets of the original rows in place of the teacher's answers, of the same kind and shape.
        sample_weight : array of shape (n_rows,), optional
            The weights of all rows in the student's loss.
        block_rows : int, default=10000
            The number of rows that are labelled per task.
        n_jobs : int, optional
            The number of parallel joblib workers that label; they are threads unless `joblib.parallel_config` says
            otherwise.
        verbose : int, default=0
            1 shows a progress bar on a terminal; 0 shows nothing.

        Returns
        -------
        TransferSet

        Raises
        ------
        TypeError
            The teacher cannot give such labels.
        ValueError
            `n_rows` is below the number of real rows, or above it without a generator; `original_targets` do not
            have the shape of the teacher's answers; the teacher's outputs are not finite.
        """
        if labels not in LABELS:
            raise ValueError(f"labels must be one of {LABELS}, got {labels!r}.")
        task = check_labels(teacher, labels)
        X = as_table(X)
        real = X if X_unlabeled is None else stack_tables(X, with_known_categories(X_unlabeled, X, schema))
        missing = n_generated(len(real), n_rows, generator)
        if task == "classification":
            classes = answered_classes(teacher, X, classes)
        started = time.perf_counter()
        rows = stack_tables(real, generator.sample(missing)) if missing else real
        generated = time.perf_counter()
        dtype = np.float64 if task == "regression" else np.float32
        targets = None if original_targets is None else np.asarray(original_targets, dtype=dtype)
        own = 0 if targets is None else len(X)
        if own < len(rows):
            answers = label_rows(
                teacher,
                take(rows, slice(own, None)),
                labels=labels,
                classes=classes,
                block_rows=block_rows,
                n_jobs=n_jobs,
                verbose=verbose,
            )
            targets = answers if targets is None else with_original(targets, answers, own)
        if task == "regression":
            classes = None
        elif classes is None:
            classes = np.arange(targets.shape[1])
        return cls(
            rows,
            targets,
            kind_of(task, labels),
            classes,
            len(X),
            getattr(generator, "schema_", None) if schema is None else schema,
            sample_weight,
            {"generate": generated - started, "label": time.perf_counter() - generated},
        )

    @classmethod
    def write(
        cls,
        directory,
        teacher,
        X,
        *,
        X_unlabeled=None,
        generator=None,
        n_rows: int | None = None,
        shard_rows: int | None = None,
        labels: str = "soft",
        classes=None,
        schema=None,
        original_targets=None,
        resume: bool = True,
        teacher_timeout: float | None = None,
        trust_pickle: bool = False,
        client=None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> StoredTransferSet:
        """Write a transfer set to a folder of shards, in bounded memory, and open it.

        A call that was interrupted is made again: shards that are there and whole stay, and the others are made. The
        files are the same bytes as those of a call that was never interrupted, whatever the workers were.

        Parameters
        ----------
        directory : str or path
            The folder, or a URL of fsspec such as s3://bucket/folder.
        teacher : fitted estimator, or path
            The teacher; or, with `trust_pickle=True`, the file of joblib that each worker loads it from.
        X, X_unlabeled, generator, n_rows
            As in `from_teacher`. The generator must be one of `compress.generators`, or a subclass of
            `BaseGenerator`, since its rows are made in parts.
        shard_rows : int, optional
            The largest number of rows of a shard, which a worker holds in memory. None takes about 100,000, in whole
            blocks of the generator: rows of a block that two shards share are made twice.
        labels, classes, schema, original_targets
            As in `from_teacher`.
        resume : bool, default=True
            Whether shards in the folder are kept. False writes all of them anew, also with another configuration.
        teacher_timeout : float, optional
            The seconds within which the teacher must answer for 10,000 rows; None waits for ever.
        trust_pickle : bool, default=False
            Whether a file may be unpickled, which can run any code.
        client : distributed.Client, optional
            The client of a Dask cluster. Its workers write the shards, and reach `directory` under the same name.
        n_jobs : int, optional
            The number of parallel joblib workers that write shards; they are threads unless `joblib.parallel_config`
            says otherwise.
        verbose : int, default=0
            1 shows a progress bar on a terminal; 0 shows nothing.

        Returns
        -------
        StoredTransferSet

        Raises
        ------
        FileExistsError
            The folder holds other files.
        FolderLocked
            Another process writes to the folder.
        ImportError
            pyarrow, or what fsspec needs for the URL, is not installed.
        TimeoutError
            The teacher did not answer in time.
        TypeError
            The teacher cannot give such labels, or cannot be sent to workers; the generator makes no parts.
        ValueError
            The folder holds a transfer set of another configuration, and the message says what differs; a parameter is
            out of its range; the teacher's answers are not finite.
        """
        folder = write_shards(
            directory,
            teacher,
            X,
            X_unlabeled=X_unlabeled,
            generator=generator,
            n_rows=n_rows,
            shard_rows=shard_rows,
            labels=labels,
            classes=classes,
            schema=schema,
            original_targets=original_targets,
            resume=resume,
            teacher_timeout=teacher_timeout,
            trust_pickle=trust_pickle,
            client=client,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        return StoredTransferSet(folder, cls, verify=False)

    @classmethod
    def open(cls, directory, *, verify: bool = True) -> StoredTransferSet:
        """Open a transfer set that `write` has written.

        Parameters
        ----------
        directory : str or path
            The folder, or a URL of fsspec.
        verify : bool, default=True
            Whether the hashes of all shards are compared now. Each shard is compared when it is read in any case.

        Returns
        -------
        StoredTransferSet

        Raises
        ------
        FileNotFoundError
            The folder has no manifest, or shards are missing.
        ValueError
            The manifest or a shard is damaged, or from a later version.
        """
        return StoredTransferSet(directory, cls, verify=verify)

    @classmethod
    def stream(
        cls,
        teacher,
        X,
        *,
        generator,
        n_rows: int,
        labels: str = "soft",
        classes=None,
        schema=None,
        part_rows: int | None = None,
        n_jobs: int | None = None,
    ) -> StreamedTransferSet:
        """Return a transfer set with fresh generated rows in each epoch, labelled beside the training, and not stored.

        Parameters
        ----------
        teacher, X, generator
            As in `from_teacher`; the generator must be one of `compress.generators`, or a subclass of `BaseGenerator`.
        n_rows : int
            The number of rows of an epoch, the original ones among them.
        labels, classes, schema
            As in `from_teacher`.
        part_rows : int, optional
            The number of rows that are made at a time; about 50,000 by default, in whole blocks of the generator.
        n_jobs
            As in `from_teacher`.

        Returns
        -------
        StreamedTransferSet

        Raises
        ------
        TypeError, ValueError
            As in `from_teacher`.
        """
        return StreamedTransferSet(
            teacher,
            X,
            generator,
            n_rows,
            in_memory=cls,
            labels=labels,
            classes=classes,
            schema=schema,
            part_rows=part_rows,
            n_jobs=n_jobs,
        )
