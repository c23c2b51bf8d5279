"""What the compressors share: the stages of `fit`, and everything that is done with the result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress import teachers as teaching
from compress._random import draw_seed, seed_unset
from compress.compressor._checks import InputChecks
from compress.generators import MUNGE
from compress.report import Report, compare
from compress.schema import Schema, as_schema, stack_tables
from compress.search import compare_sources, search_budget, tune_munge, validation_error
from compress.teachers import check_teacher, is_fitted, teacher_outputs
from compress.transfer import CrossFit, TransferSet

__all__ = ["BaseCompressor"]

LEARNED = (
    "teacher_",
    "generator_",
    "student_",
    "transfer_set_",
    "munge_search_",
    "labels_from_",
    "label_errors_",
    "budget_",
    "seconds_",
)


class BaseCompressor(InputChecks, BaseEstimator):
    """Base of `CompressedClassifier` and `CompressedRegressor`, whose docstrings say what the parameters are.

    A subclass has `_task`, `_student` (class of the default student), `labels`, `_checked_target` (labels
    and number of outputs) and `_true_targets` (labels as targets of a transfer set).
    """

    _parameter_constraints = {
        "size_multiplier": [Interval(Real, 1, None, closed="left")],
        "labels_from": [StrOptions({"teacher", "cross_fit", "auto"})],
        "original_labels": [StrOptions({"teacher", "true", "out_of_fold"})],
        "p": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both"), "array-like", Mapping],
        "s": [Interval(Real, 0, None, closed="neither"), "array-like", Mapping, None],
        "budget_bytes": [Interval(Real, 0, None, closed="neither"), None],
        "budget_us_per_row": [Interval(Real, 0, None, closed="neither"), None],
        "tolerance": [Interval(Real, 0, None, closed="left"), None],
        "shapes": ["array-like", None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "keep_transfer_set": ["boolean"],
        "schema": [Mapping, Schema, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        teacher,
        *,
        generator,
        student,
        size_multiplier,
        labels_from,
        original_labels,
        p,
        s,
        budget_bytes,
        budget_us_per_row,
        tolerance,
        shapes,
        validation_fraction,
        keep_transfer_set,
        schema,
        n_jobs,
        verbose,
        random_state,
    ):
        self.teacher = teacher
        self.generator = generator
        self.student = student
        self.size_multiplier = size_multiplier
        self.labels_from = labels_from
        self.original_labels = original_labels
        self.p = p
        self.s = s
        self.budget_bytes = budget_bytes
        self.budget_us_per_row = budget_us_per_row
        self.tolerance = tolerance
        self.shapes = shapes
        self.validation_fraction = validation_fraction
        self.keep_transfer_set = keep_transfer_set
        self.schema = schema
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fit
    def fit(self, X, y=None, sample_weight=None, *, X_unlabeled=None, X_val=None, y_val=None):
        """Fit the teacher if need be, generate and label the transfer set, teach the student.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
        y : array of shape (n_rows,) or, for several targets, (n_rows, n_outputs)
            May be None with a fitted teacher, whose outputs then stand for the labels in all choices.
        sample_weight : array of shape (n_rows,), optional
            The teacher's; in the transfer set all rows count the same. Rows of weight 0 are left out.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further real rows: the generator learns from them and the teacher labels them. Categories
            that `X` has not count as missing.
        X_val, y_val : optional
            Validation rows and labels, for what is to be chosen. They should be strange to a fitted
            teacher. `y_val` may be None when `y` is. Without them `validation_fraction` of the rows is
            held out for choosing; then all rows are used.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Parameters out of range; rows and labels that do not fit; a teacher of the other task,
            without `predict_proba`, or with classes that are not those of `y`; a budget that nothing
            can meet. All before any long work.
        """
        for name in LEARNED:
            vars(self).pop(name, None)
        self._validate_params()
        if self.teacher is not None:
            check_teacher(self.teacher, self._task, labels="hard" if self.labels == "hard" else "soft")
        rows, real, n_outputs = self._checked_rows(X, y, sample_weight, X_unlabeled)
        held = self._checked_held_out(rows, X_val, y_val, n_outputs)
        rng = check_random_state(self.random_state)
        self._seconds = {}
        teacher, student = self._parts(rows, n_outputs, rng)
        costs = self._costs(student, rows, real, teacher, n_outputs)
        train = rows
        if held is None and self._chooses(teacher):
            train, held = self._split(rows, rng)
        with self._stage("teacher"):
            fitted = self._fit_teacher(teacher, train, held, rng)
        options = self._choose_munge(fitted, train, held, rng)
        crossed = self._choose_source(fitted, teacher, train, held, options, rng)
        if costs is not None:
            with self._stage("budget"):
                data = self._transfer_set(crossed or fitted, train, X_unlabeled, options, rng)
                student = self._choose_shape(fitted, student, data, held, costs)
        if train is not rows and not is_fitted(teacher) and not teaching.selects_on_held_out(fitted):
            with self._stage("teacher, all rows"):
                fitted = self._fit_teacher(teacher, rows, None, rng)
        if crossed and train is not rows:
            crossed = self._cross_fit(teacher, fitted, rows, rng)
        if costs is None or train is not rows or self.original_labels == "out_of_fold":
            data = self._transfer_set(crossed or fitted, rows, X_unlabeled, options, rng)
            if self.original_labels == "out_of_fold" and not crossed:
                own = self._cross_fit(teacher, fitted, rows, rng)
                data.targets[: len(rows.X)] = own.outputs(rows.X, teaching.teacher_kind(self._task, self.labels))
            with self._stage("student"):
                student = clone(student).fit(data)
        self.teacher_, self.student_ = fitted, student
        if self.keep_transfer_set:
            self.transfer_set_ = data
        self.seconds_ = vars(self).pop("_seconds")
        return self

    # ------------------------------------------------------------ stages
    def _fit_teacher(self, teacher, rows, held, rng):
        if is_fitted(teacher):
            return teacher
        held = None if held is None else (held.X, held.y)
        return teaching.fit_teacher(teacher, rows.X, rows.y, rows.weight, held, rng)

    def _munge(self, **options):
        if self.s is not None and not isinstance(self.p, str):
            options = {"s": self.s, **options}
        return MUNGE(schema=self.schema, n_jobs=self.n_jobs, **options)

    def _choose_munge(self, teacher, train, held, rng) -> dict:
        """p and s of the default generator."""
        if not self._tunes:
            return {} if isinstance(self.p, str) else {"p": self.p}
        with self._stage("p and s"):
            self.munge_search_ = tune_munge(
                train.X,
                teacher,
                held.X,
                self._judged_by(teacher, held),
                n_rows=self._n_trial_rows(train),
                munge=self._munge(),
                labels=self.labels,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
                random_state=rng,
            )
        return {"p": self.munge_search_.p, "s": self.munge_search_.s}

    def _n_trial_rows(self, train) -> int:
        """Size of a transfer set that something is chosen by."""
        return min(max(5 * len(train.X), 10_000), self._n_rows(len(train.X)))

    def _choose_source(self, fitted, teacher, train, held, options, rng) -> CrossFit | None:
        """Teachers that have not seen the rows they label, if those are to label; None for the one teacher."""
        self.labels_from_ = self.labels_from
        if self.labels_from == "teacher":
            return None
        crossed = self._cross_fit(teacher, fitted, train, rng)
        if self.labels_from == "auto":
            with self._stage("labels from"):
                self.label_errors_ = compare_sources(
                    {"teacher": fitted, "cross_fit": crossed},
                    train.X,
                    held.X,
                    held.y,
                    generator=self._generator(options),
                    n_rows=self._n_trial_rows(train),
                    labels=self.labels,
                    n_jobs=self.n_jobs,
                    random_state=draw_seed(rng),
                )
            self.labels_from_ = min(self.label_errors_, key=self.label_errors_.get)
        return crossed if self.labels_from_ == "cross_fit" else None

    def _cross_fit(self, teacher, fitted, rows, rng) -> CrossFit:
        source = fitted if teaching.selects_on_held_out(fitted) else teacher
        classes = getattr(fitted, "classes_", None)
        with self._stage("cross-fitting"):
            return CrossFit(source, random_state=rng).fit(rows.X, rows.y, classes=classes, sample_weight=rows.weight)

    def _generator(self, options):
        return self._munge(**options) if self.generator is None else clone(self.generator)

    def _judged_by(self, teacher, held):
        """True labels of the validation rows; the teacher's outputs where there are none."""
        if held.y is not None:
            return held.y
        return teacher_outputs(teacher, held.X, teaching.teacher_kind(self._task, "soft"))

    def _n_rows(self, n_original: int) -> int:
        return max(round(self.size_multiplier * n_original), n_original)

    def _transfer_set(self, source, rows, X_unlabeled, options, rng) -> TransferSet:
        """`source` is the fitted teacher, or a `CrossFit`."""
        unlabeled = None if X_unlabeled is None else self._like(rows.X, X_unlabeled)
        real = rows.X if unlabeled is None else stack_tables(rows.X, unlabeled)
        n_rows = max(self._n_rows(len(rows.X)), len(real))
        generator = self._generator(options)
        seed_unset(generator, rng)
        self.generator_ = None
        with self._stage("generator"):
            if n_rows > len(real):
                self.generator_ = generator.fit(real)
        settings = {
            "X_unlabeled": unlabeled,
            "generator": self.generator_,
            "n_rows": n_rows,
            "labels": self.labels,
            "n_jobs": self.n_jobs,
            "verbose": self.verbose,
        }
        if isinstance(source, CrossFit):
            data = source.transfer_set(rows.X, **settings, random_state=rng)
        else:
            data = TransferSet.from_teacher(source, rows.X, **settings)
        if data.classes is not None and not hasattr(source, "classes_") and rows.y is not None:
            data.classes = np.unique(rows.y)  # as many as the teacher's columns, or the student refuses them
        if data.schema is None:
            data.schema = as_schema(self.schema, real)
        for stage, seconds in data.seconds.items():
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
        if self.original_labels == "true":
            data.targets[: len(rows.X)] = self._true_targets(rows.y, data.classes, data.kind)
        return data

    def _choose_shape(self, teacher, student, data, held, costs):
        y = self._judged_by(teacher, held)
        error = None
        if self.tolerance is not None:
            kind = teaching.teacher_kind(self._task, "hard" if self.labels == "hard" else "soft")
            error = validation_error(teacher_outputs(teacher, held.X, kind), y, data.classes)
        self.budget_ = search_budget(
            data,
            held.X,
            y,
            student=student,
            costs=costs,
            budget_bytes=self.budget_bytes,
            budget_us_per_row=self.budget_us_per_row,
            tolerance=self.tolerance,
            teacher_error=error,
            verbose=self.verbose,
        )
        return self.budget_.student

    @contextmanager
    def _stage(self, name: str):
        started = time.perf_counter()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - started

    # ------------------------------------------------------------ use
    def _fitted_student(self):
        check_is_fitted(self, "student_")
        return self.student_

    def predict(self, X) -> np.ndarray:
        """The student's predictions: labels or values, one per row of `X`."""
        return self._fitted_student().predict(X)

    def predictor(self, dtype=np.float32):
        """The student as a picklable NumPy callable, without checks; see `compress.export.NumpyPredictor`."""
        return self._fitted_student().predictor(dtype)

    def save(self, path) -> None:
        """Write the student alone to one file; `compress.load_student` reads it without unpickling."""
        self._fitted_student().save(path)

    def to_onnx(self, path, *, precision="float32", X=None, check=True):
        """Write the student as an ONNX model with its preprocessing inside; see `compress.export.to_onnx`."""
        return self._fitted_student().to_onnx(path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write the student as a C file and its header; see `compress.export.to_c`."""
        return self._fitted_student().to_c(path, name=name)

    def report(self, X, y=None, *, latency_rows=(1, 10_000)) -> Report:
        """Compare the student with its teacher on rows that neither has seen; see `compress.report.compare`."""
        student = self._fitted_student()
        return compare(self.teacher_, student, X, y, latency_rows=latency_rows)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "student_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        if isinstance(self.teacher, BaseEstimator):
            own = get_tags(self.teacher)
            for name in ("allow_nan", "categorical", "string"):
                setattr(tags.input_tags, name, getattr(own.input_tags, name))
            tags.target_tags.multi_output = tags.target_tags.multi_output and own.target_tags.multi_output
        return tags
