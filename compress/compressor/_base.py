"""The base of the compressors: all stages in one `fit`, and the methods of the fitted model."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from numbers import Real
from os import PathLike

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._random import draw_seed, seed_unset
from compress.compressor._allowance import Allowance, pace_of, plan_of, without_deadline
from compress.compressor._parts import (
    asked_through,
    check_generator,
    checked_teacher,
    costs_of_shapes,
    fitted_teacher,
    handed_down,
    new_student,
    true_targets,
)
from compress.compressor._task import Rows, Task, prepare, split
from compress.evaluation import duration, say
from compress.generators import MUNGE
from compress.report import Report, compare
from compress.schema import Schema, as_schema
from compress.search import Budget, compare_sources, search_budget, tune_munge, validation_error
from compress.teachers import (
    answered_classes,
    check_teacher,
    is_fitted,
    selects_on_held_out,
    tags_of,
    teacher_kind,
    teacher_outputs,
)
from compress.transfer import CrossFit, SingleTeacher, TransferSet

__all__ = ["MOVED", "BaseCompressor"]

MOVED = {
    "p": "generator=MUNGE(p=...); generator=None chooses p and s",
    "s": "generator=MUNGE(s=...)",
    "budget_bytes": "budget=Budget(bytes=...)",
    "budget_us_per_row": "budget=Budget(us_per_row=...)",
    "tolerance": "budget=Budget(tolerance=...)",
    "shapes": "budget=Budget(..., shapes=...)",
}

LEARNED = ("teacher_", "generator_", "student_", "transfer_set_", "munge_search_", "labels_from_", "label_errors_")
LEARNED += ("budget_", "left_out_", "seconds_")


class BaseCompressor(BaseEstimator):
    """Base of `CompressedClassifier` and `CompressedRegressor`, whose docstrings explain the parameters.

    A subclass has `_task` ("classification" or "regression"), `_student` (class of the default student) and `labels`.
    """

    _parameter_constraints = {
        "size_multiplier": [Interval(Real, 1, None, closed="left")],
        "labels_from": [StrOptions({"teacher", "cross_fit", "auto"})],
        "original_labels": [StrOptions({"teacher", "true", "out_of_fold"})],
        "budget": [Budget, None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "keep_transfer_set": ["boolean"],
        "schema": [Mapping, Schema, None],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "cache": [str, PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        teacher=None,
        *,
        generator=None,
        student=None,
        size_multiplier=100,
        labels_from="teacher",
        original_labels="teacher",
        budget=None,
        validation_fraction=0.2,
        keep_transfer_set=False,
        schema=None,
        time_limit=None,
        cache=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.teacher = teacher
        self.generator = generator
        self.student = student
        self.size_multiplier = size_multiplier
        self.labels_from = labels_from
        self.original_labels = original_labels
        self.budget = budget
        self.validation_fraction = validation_fraction
        self.keep_transfer_set = keep_transfer_set
        self.schema = schema
        self.time_limit = time_limit
        self.cache = cache
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, X_unlabeled=None, X_val=None, y_val=None):
        """Fit the teacher if necessary, generate and label the transfer set, and teach the student.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The original rows.
        y : array of shape (n_rows,) or (n_rows, n_outputs), optional
            The labels or values. None needs a fitted teacher, whose outputs then stand for the labels in all choices.
        sample_weight : array of shape (n_rows,), optional
            The weights of the rows for the teacher; in the transfer set all rows count the same. Rows of weight 0 are
            left out.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further real rows: the generator learns from them, and the teacher labels them. Categories that `X` does not
            have count as missing.
        X_val, y_val : table and array, optional
            Validation rows and labels for the choices; a fitted teacher should not have seen them. `y_val` may be None
            when `y` is. Without them `validation_fraction` of the rows is held out for choosing; then all rows are
            used.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            A parameter is out of its range, rows and labels do not fit, the teacher is of the other task, has no
            `predict_proba`, or has classes that are not those of `y`, or nothing can meet the budget. All errors are
            raised before any long work.
        """
        for name in LEARNED:
            vars(self).pop(name, None)
        self._validate_params()
        if self.teacher is not None:
            check_teacher(self.teacher, self._task, labels="hard" if self.labels == "hard" else "soft")
        task = prepare(self, self._task, X, y, sample_weight, X_unlabeled, X_val, y_val)
        rng = check_random_state(self.random_state)
        allowance = Allowance(self.time_limit)
        teacher = checked_teacher(self, task)
        check_generator(self.generator)
        student = new_student(self, task.name, self._student, rng)
        ready = is_fitted(teacher, task.rows.X)
        costs = None if self.budget is None else costs_of_shapes(self, task, teacher, student)
        self._seconds = {}
        rows, train, held = task.rows, task.rows, task.held_out
        if held is None and self._chooses(teacher, ready):
            train, held = split(rows, task.classes, self.validation_fraction, self.schema, rng)
        with self._stage("teacher"):
            fitted = fitted_teacher(teacher, train, held, rng)
        check_teacher(fitted, self._task, labels="hard" if self.labels == "hard" else "soft")  # some methods are new
        refits = train is not rows and not ready and not selects_on_held_out(fitted)
        reserved = self._seconds["teacher"] if refits else 0.0
        asked = asked_through(self.cache, fitted, rows, task)
        timed = self.verbose or self.time_limit is not None
        n_rows, n_trial_rows = self._n_rows(len(rows.X)), self._n_trial_rows(train) if self._tunes else 0
        pace = pace_of(fitted, student, train.X, self._task, self.labels, n_rows) if timed else None
        if self.verbose:
            say(plan_of(pace, student, n_rows, n_trial_rows, 0 if costs is None else len(costs)), self.verbose)
        generator = self._chosen_generator(asked, train, held, rng, allowance, pace)
        source = self._chosen_source(asked, fitted, teacher, generator, train, held, rng)
        n_students = 1 if costs is None else len(costs) + 1
        n_rows, epochs = allowance.rows_and_epochs(pace, student, len(task.real), n_rows, n_students, reserved)
        share, student = n_rows / len(rows.X), allowance.limited(student, epochs)
        if costs is not None:
            known = self.original_labels == "true"
            self.generator_ = self._fitted_generator(generator, train, task, share, rng)
            original = self._original_targets(teacher, fitted, train, task, rng) if known else None
            data = self._transfer_set(source, train, task, share, original, rng)
            with self._stage("budget"):
                student = self._chosen_student(fitted, student, data, held, costs)
        if train is not rows:
            if refits:
                with self._stage("teacher, all rows"):
                    fitted = fitted_teacher(teacher, rows, None, rng)
            again = self.labels_from_ == "cross_fit"
            asked = asked_through(self.cache, fitted, rows, task)
            source = self._cross_fit(teacher, fitted, rows, rng) if again else SingleTeacher(asked)
        if costs is None or train is not rows or self.original_labels == "out_of_fold":
            self.generator_ = self._fitted_generator(generator, rows, task, share, rng)
            original = self._original_targets(teacher, fitted, rows, task, rng)
            data = self._transfer_set(source, rows, task, share, original, rng)
            with self._stage("student"):
                student = clone(student).fit(data)
        self.teacher_, self.student_ = fitted, without_deadline(student)
        self.left_out_ = allowance.left_out
        if told := allowance.told():
            warnings.warn(told, UserWarning, stacklevel=2)
        if self.keep_transfer_set:
            self.transfer_set_ = data
        self.seconds_ = vars(self).pop("_seconds")
        return self

    # -------------------------------------------------------------- stages
    @property
    def _tunes(self) -> bool:
        return self.generator is None and self.size_multiplier > 1

    def _chooses(self, teacher, ready: bool) -> bool:
        """Whether something is chosen on held-out rows."""
        if self.budget is not None and self.budget.tolerance is not None and ready:
            raise ValueError(
                "tolerance compares with the teacher on rows that it has not seen, and a fitted teacher may have "
                "seen all of X: pass X_val and y_val to fit, or an unfitted teacher."
            )
        selects = selects_on_held_out(teacher) and not ready
        return self._tunes or self.budget is not None or self.labels_from == "auto" or selects

    def _chosen_generator(self, teacher, train: Rows, held: Rows | None, rng, allowance: Allowance, pace):
        """Return the generator, not fitted: the given one, or MUNGE with p and s chosen on the held-out rows."""
        if self.generator is not None:
            return handed_down(clone(self.generator), schema=self.schema, n_jobs=self.n_jobs)
        munge = MUNGE(schema=self.schema, n_jobs=self.n_jobs)
        n_rows = allowance.trial_rows(pace, self._n_trial_rows(train)) if self._tunes else 0
        if not n_rows:
            return munge
        with self._stage("p and s") as facts:
            self.munge_search_ = tune_munge(
                train.X,
                teacher,
                held.X,
                self._judged_by(teacher, held),
                n_rows=n_rows,
                munge=munge,
                labels=self.labels,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
                random_state=rng,
            )
            facts.append(f"p={self.munge_search_.p:g}, s={self.munge_search_.s:g}")
        return munge.set_params(p=self.munge_search_.p, s=self.munge_search_.s)

    def _chosen_source(self, asked, fitted, teacher, generator, train: Rows, held, rng) -> SingleTeacher | CrossFit:
        """Return who labels: the teacher, or clones of it that have not seen the rows they label."""
        single = SingleTeacher(asked)
        self.labels_from_ = self.labels_from
        if self.labels_from == "teacher":
            return single
        crossed = self._cross_fit(teacher, fitted, train, rng)
        if self.labels_from == "auto":
            with self._stage("labels from") as facts:
                self.label_errors_ = compare_sources(
                    {"teacher": single, "cross_fit": crossed},
                    train.X,
                    held.X,
                    held.y,
                    generator=generator,
                    n_rows=self._n_trial_rows(train),
                    labels=self.labels,
                    n_jobs=self.n_jobs,
                    random_state=draw_seed(rng),
                )
                self.labels_from_ = min(self.label_errors_, key=self.label_errors_.get)
                facts.append(self.labels_from_)
        return crossed if self.labels_from_ == "cross_fit" else single

    def _cross_fit(self, teacher, fitted, rows: Rows, rng) -> CrossFit:
        source = fitted if selects_on_held_out(fitted) else teacher
        classes = answered_classes(fitted, rows.X)
        with self._stage("cross-fitting"):
            return CrossFit(source, random_state=rng).fit(rows.X, rows.y, classes=classes, sample_weight=rows.weight)

    def _original_targets(self, teacher, fitted, rows: Rows, task: Task, rng) -> np.ndarray | None:
        """Return targets of the original rows; None where they are labelled like the others."""
        if self.original_labels == "out_of_fold" and self.labels_from_ != "cross_fit":
            kind = teacher_kind(self._task, self.labels)
            return self._cross_fit(teacher, fitted, rows, rng).outputs(rows.X, kind)
        return true_targets(fitted, rows, task, self.labels) if self.original_labels == "true" else None

    def _fitted_generator(self, generator, rows: Rows, task: Task, share: float, rng):
        """Return the generator, seeded and fitted on all real rows; None when no row is to be generated."""
        real = task.with_unlabeled(rows.X)
        generator = clone(generator)
        seed_unset(generator, rng)
        with self._stage("generator"):
            return generator.fit(real) if round(share * len(rows.X)) > len(real) else None

    def _transfer_set(self, source, rows: Rows, task: Task, share: float, original, rng) -> TransferSet:
        real = task.with_unlabeled(rows.X)
        schema = getattr(self.generator_, "schema_", None)
        data = source.transfer_set(
            rows.X,
            X_unlabeled=task.unlabeled,
            generator=self.generator_,
            n_rows=max(round(share * len(rows.X)), len(real)),
            labels=self.labels,
            classes=task.classes,
            schema=as_schema(self.schema, real) if schema is None else schema,
            original_targets=original,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            random_state=rng,
        )
        for stage, seconds in data.seconds.items():
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
        made, labelled = (duration(data.seconds[stage]) for stage in ("generate", "label"))
        say(f"rows: {len(data):,}, made in {made}, labelled in {labelled}", self.verbose)
        return data

    def _chosen_student(self, teacher, student, data: TransferSet, held: Rows, costs):
        """Return the student of the best shape within the budget."""
        y = self._judged_by(teacher, held)
        error = None
        if self.budget.tolerance is not None:
            kind = teacher_kind(self._task, "hard" if self.labels == "hard" else "soft")
            error = validation_error(teacher_outputs(teacher, held.X, kind, classes=data.classes), y, data.classes)
        self.budget_ = search_budget(
            data,
            held.X,
            y,
            student=student,
            budget=self.budget,
            costs=costs,
            teacher_error=error,
            verbose=self.verbose,
        )
        return self.budget_.student

    def _judged_by(self, teacher, held: Rows):
        """Return true labels of the validation rows, or the teacher's outputs where there are none."""
        if held.y is not None:
            return held.y
        return teacher_outputs(teacher, held.X, teacher_kind(self._task, "soft"))

    def _n_rows(self, n_original: int) -> int:
        return max(round(self.size_multiplier * n_original), n_original)

    def _n_trial_rows(self, train: Rows) -> int:
        """Return the size of a transfer set with which choices are made."""
        return min(max(5 * len(train.X), 10_000), self._n_rows(len(train.X)))

    @contextmanager
    def _stage(self, name: str):
        started, facts = time.perf_counter(), []
        yield facts
        seconds = time.perf_counter() - started
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
        say(f"{name}: {', '.join([*facts, duration(seconds)])}", self.verbose)

    # -------------------------------------------------------------- use
    def _fitted_student(self):
        check_is_fitted(self, "student_")
        return self.student_

    def predict(self, X) -> np.ndarray:
        """Predict labels or values with the student; see `compress.students.StudentClassifier.predict`."""
        return self._fitted_student().predict(X)

    def predictor(self, dtype=np.float32):
        """Return the student as a picklable NumPy callable without checks; see `compress.export.NumpyPredictor`."""
        return self._fitted_student().predictor(dtype)

    def save(self, path) -> None:
        """Write the student to a file for `compress.load_student`; see `compress.students.StudentClassifier.save`."""
        self._fitted_student().save(path)

    def to_onnx(self, path, *, precision="float32", X=None, check=True):
        """Write the student as an ONNX model with its preprocessing inside; see `compress.export.to_onnx`."""
        return self._fitted_student().to_onnx(path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write the student as a C file and its header; see `compress.export.to_c`."""
        return self._fitted_student().to_c(path, name=name)

    def report(self, X, y=None, *, latency_rows=(1, 10_000)) -> Report:
        """Compare the student with its teacher on rows that neither has seen; see `compress.report.compare`."""
        return compare(self._fitted_student(), self.teacher_, X, y, latency_rows=latency_rows)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "student_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        own = None if self.teacher is None else tags_of(self.teacher)
        if own is not None:
            for name in ("allow_nan", "categorical", "string"):
                setattr(tags.input_tags, name, getattr(own.input_tags, name))
            tags.target_tags.multi_output = tags.target_tags.multi_output and own.target_tags.multi_output
        return tags
