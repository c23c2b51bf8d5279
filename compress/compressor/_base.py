"""The base of the compressors: all stages in one `fit`, and the methods of the fitted model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Real
from os import PathLike

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress.compressor._allowance import Allowance, pace_of, plan_of, without_deadline
from compress.compressor._parts import (
    asked_through,
    check_generator,
    checked_teacher,
    competing_students,
    costs_of_shapes,
    fitted_again,
    fitted_teacher,
    judged_by,
    new_student,
    untaught,
)
from compress.compressor._stages import MOST_ORIGINALS, Stages
from compress.compressor._task import Rows, prepare, split
from compress.evaluation import row_errors, say
from compress.report import Report, compare
from compress.schema import Schema
from compress.search import Budget, choose_student, search_budget, try_candidates, validation_error, within
from compress.teachers import (
    check_teacher,
    is_fitted,
    selects_on_held_out,
    tags_of,
    teacher_kind,
    teacher_outputs,
)
from compress.transfer import SingleTeacher, TransferSet

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
LEARNED += ("budget_", "candidates_", "untaught_", "left_out_", "seconds_")
MOST_CHOICE_ROWS = 100_000  # of the transfer set from which all candidates learn


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
        student="auto",
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
        allowance, stages = Allowance(self.time_limit), Stages(self, task, rng)
        teacher = checked_teacher(self, task)
        check_generator(self.generator)
        student = new_student(self, task.name, self._student, rng)
        ready = is_fitted(teacher, task.rows.X)
        candidates, costs = None, None
        if isinstance(self.student, str):
            candidates = competing_students(self, task, teacher, rng)
        elif self.budget is not None:
            costs = costs_of_shapes(self, task, teacher, student)
        rows, train, held = task.rows, task.rows, task.held_out
        if held is None and self._chooses(teacher, ready):
            train, held = split(rows, task.classes, self.validation_fraction, self.schema, rng)
        with stages.timed("teacher"):
            fitted = fitted_teacher(teacher, train, held, rng)
        check_teacher(fitted, self._task, labels="hard" if self.labels == "hard" else "soft")  # some methods are new
        refits = train is not rows and not ready
        reserved = stages.seconds["teacher"] if refits else 0.0
        asked = asked_through(self.cache, fitted, rows, task)
        timed = self.verbose or self.time_limit is not None
        n_rows, n_trial_rows = self._n_rows(len(rows.X)), self._n_trial_rows(len(train.X)) if self._tunes else 0
        n_choice_rows = self._n_choice_rows(len(train.X)) if candidates else 0
        pace = pace_of(fitted, student, train.X, self._task, self.labels, n_rows) if timed else None
        if self.verbose:
            n_shapes = 0 if costs is None else len(costs)
            say(plan_of(pace, student, n_rows, n_trial_rows, n_shapes, candidates, n_choice_rows), self.verbose)

        generator, trial = stages.given_generator(), stages.trial_rows(train)
        if n_trial_rows := allowance.trial_rows(pace, n_trial_rows):
            generator, self.munge_search_ = stages.tuned_munge(asked, trial, held, n_trial_rows)
        source, self.labels_from_ = SingleTeacher(fitted, self.cache), self.labels_from
        if self.labels_from != "teacher":
            crossed = stages.cross_fit(teacher, fitted, train)
            if self.labels_from == "auto":
                n_compared = self._n_trial_rows(len(train.X))
                self.labels_from_, self.label_errors_ = stages.better_source(
                    source, crossed, train, held, generator, n_compared
                )
            source = crossed if self.labels_from_ == "cross_fit" else source
        taught, share = True, None
        if candidates:
            n_choice_rows, share = allowance.choice(pace, candidates, n_choice_rows)
        if share:
            base = train if self.labels_from_ == "cross_fit" else trial  # each clone labels what stems from its fold
            made = stages.fitted_generator(generator, base, n_choice_rows)
            data = stages.transfer_set(source, made, base, n_choice_rows, None)
            with stages.timed("choice of the student") as facts:
                seen = ready and task.held_out is None  # who was fitted before may have learned from these rows
                self.candidates_ = self._compared(fitted, candidates, data, trial, held, share, seen=seen)
                facts.append(self.candidates_.chosen)
            student, taught = self.candidates_.student, self.candidates_.taught
        n_students = 1 if costs is None else len(costs) + 1
        n_rows, epochs = allowance.rows_and_epochs(pace, student, len(task.real), n_rows, n_students, reserved)
        student = allowance.limited(student, epochs)
        if costs is not None:
            part = round(n_rows / len(rows.X) * len(train.X))
            self.generator_ = stages.fitted_generator(generator, train, part)
            known = self.original_labels == "true"
            original = stages.original_targets(teacher, fitted, train, self.labels_from_) if known else None
            data = stages.transfer_set(source, self.generator_, train, part, original)
            with stages.timed("budget"):
                student = self._chosen_student(fitted, student, data, held, costs)
        if train is not rows:
            if refits:
                with stages.timed("teacher, all rows"):
                    fitted = fitted_again(teacher, fitted, rows, rng)
            again = self.labels_from_ == "cross_fit"
            source = stages.cross_fit(teacher, fitted, rows) if again else SingleTeacher(fitted, self.cache)
        if costs is None or train is not rows or self.original_labels == "out_of_fold":
            self.generator_ = stages.fitted_generator(generator, rows, n_rows)
            if taught or self.keep_transfer_set:
                original = stages.original_targets(teacher, fitted, rows, self.labels_from_)
                data = stages.transfer_set(source, self.generator_, rows, n_rows, original)
            with stages.timed("student"):
                student = clone(student).fit(*((data,) if taught else (rows.X, rows.y, rows.weight)))
        if share:
            student = within(student, self.budget)
            with stages.timed("student, untaught"):
                self.untaught_ = untaught(student, rows, self.budget) if taught else student
        self.teacher_, self.student_ = fitted, without_deadline(student)
        self.left_out_ = allowance.left_out
        if told := allowance.told():
            warnings.warn(told, UserWarning, stacklevel=2)
        if self.keep_transfer_set:
            self.transfer_set_ = data
        self.seconds_ = stages.seconds
        return self

    # -------------------------------------------------------------- choices
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
        chooses = isinstance(self.student, str) or self.budget is not None
        return self._tunes or chooses or self.labels_from == "auto" or selects

    def _chosen_student(self, teacher, student, data: TransferSet, held: Rows, costs):
        """Return the student of the best shape within the budget."""
        y = judged_by(teacher, held, self._task)
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

    def _compared(self, teacher, candidates, data: TransferSet, train: Rows, held: Rows, share: float, *, seen: bool):
        """Return the search among the candidates, each taught and untaught."""
        y = judged_by(teacher, held, self._task)
        kind = teacher_kind(self._task, "hard" if self.labels == "hard" else "soft")
        output = teacher_outputs(teacher, held.X, kind, classes=data.classes)
        original = None if train.y is None else (train.X, train.y, train.weight)
        trials = try_candidates(
            candidates,
            data,
            held.X,
            y,
            teacher_val=output,
            original=original,
            share=share,
            verbose=self.verbose,
        )
        errors = None if seen else row_errors(y, output, data.classes)
        return choose_student(trials, data, budget=self.budget, teacher_errors=errors)

    def _n_rows(self, n_original: int) -> int:
        return max(round(self.size_multiplier * n_original), n_original)

    def _n_trial_rows(self, n_train: int) -> int:
        """Return the size of a transfer set with which p and s, and the source of the labels, are chosen."""
        return min(max(5 * min(n_train, MOST_ORIGINALS), 10_000), self._n_rows(n_train))

    def _n_choice_rows(self, n_train: int) -> int:
        """Return the size of the transfer set from which all candidates learn."""
        return min(max(25 * n_train, 20_000), MOST_CHOICE_ROWS, self._n_rows(n_train))

    # -------------------------------------------------------------- use
    def _fitted_student(self):
        check_is_fitted(self, "student_")
        return self.student_

    def predict(self, X) -> np.ndarray:
        """Predict labels or values with the student; see `compress.students.StudentClassifier.predict`."""
        return self._fitted_student().predict(X)

    def predictor(self, dtype=np.float32, *, compiled: bool = False, n_threads: int = 1):
        """Return the student as a picklable function; see `compress.students.StudentClassifier.predictor`."""
        return self._fitted_student().predictor(dtype, compiled=compiled, n_threads=n_threads)

    def save(self, path) -> None:
        """Write the student to a file for `compress.load_student`; see `compress.students.StudentClassifier.save`."""
        self._fitted_student().save(path)

    def to_onnx(self, path, *, precision="float32", X=None, check=True):
        """Write the student as an ONNX model with its preprocessing inside; see `compress.export.to_onnx`."""
        return self._fitted_student().to_onnx(path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write the student as a C file and its header; see `compress.export.to_c`."""
        return self._fitted_student().to_c(path, name=name)

    def to_js(self, path):
        """Write the student as an ES module for browsers and Node; see `compress.export.to_js`."""
        return self._fitted_student().to_js(path)

    def report(self, X, y=None, *, latency_rows=(1, 10_000)) -> Report:
        """Compare the student with its teacher on rows that neither has seen; see `compress.report.compare`."""
        untaught = getattr(self, "untaught_", None)
        return compare(self._fitted_student(), self.teacher_, X, y, untaught=untaught, latency_rows=latency_rows)

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
