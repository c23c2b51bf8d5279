"""What the distillers share: teachers that are fitted or not, the transfer set, the student inside.

A distiller clones its student, whose parameters set the size of the net and the length of the training, and trains it
under an objective of its own. The result is an ordinary student, in `student_`.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted
from torch import nn

from compress._random import seed_unset
from compress.distill._objectives import side_by_side
from compress.distill._teachers import Teachers, as_they_were, fitted_teachers
from compress.schema import (
    check_validation_pair,
    checked_table,
    classification_targets,
    learning_weights,
    pandas_of,
    stack_tables,
    with_known_categories,
)
from compress.students import BaseStudent, NetClassifier, StudentClassifier
from compress.teachers import clipped_logits, tags_of
from compress.transfer import TransferSet

__all__ = ["MOVED", "BaseDistiller", "ClassifierDistiller"]

MOVED = {"transfer": "fit(X, y, X_unlabeled=...): rows that are given are used"}


class BaseDistiller(BaseEstimator):
    """Base of all distillers: teacher, student and transfer set; see the docstrings of the subclasses."""

    _parameter_constraints = {
        "eps": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    }

    def _new_student(self, rng) -> BaseStudent:
        """Return the student, not fitted, with its seed; a torch module becomes a `NetClassifier`."""
        student = self._students[0]() if self.student is None else self.student
        if isinstance(student, nn.Module) and NetClassifier in self._students:
            student = NetClassifier(student)
        if not isinstance(student, self._students):
            raise TypeError(
                f"student must be a {self._students[0].__name__}, or for classifiers a NetClassifier or a torch "
                f"module, got {student!r}."
            )
        student = clone(student)
        seed_unset(student, rng)
        return student

    def _with_unlabeled(self, table, X_unlabeled):
        """Return all rows that the student learns from, unlabelled ones last, and the number of those."""
        if X_unlabeled is None:
            return table, 0
        more = with_known_categories(checked_table(self, X_unlabeled, reset=False), table)
        return stack_tables(table, more), len(more)

    @staticmethod
    def _transfer_weight(sample_weight, table, n_unlabeled: int):
        """Return weights of mean 1 of all rows; an unlabelled row counts as the mean of the others."""
        weight = learning_weights(sample_weight, table)
        return weight if weight is None or not n_unlabeled else np.append(weight, np.ones(n_unlabeled, np.float32))

    def _keep(self, members: list, student: BaseStudent):
        self.teacher_ = members[0] if len(members) == 1 else members
        self.student_ = student
        self.history_, self.n_iter_, self.stopped_ = student.history_, student.n_iter_, student.stopped_
        self.n_parameters_ = student.n_parameters_
        return self

    def _student_input(self, X):
        check_is_fitted(self, "student_")
        X = checked_table(self, X, reset=False)
        # the student could, but a teacher that refuses missing values has taught it nothing about them
        if not get_tags(self).input_tags.allow_nan and np.any(pd.isna(pandas_of(X))):
            raise ValueError(
                "Input X contains NaN, which the teacher or the student cannot take. Impute the values first."
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        teachers = self.teacher if isinstance(self.teacher, list | tuple) else [self.teacher]
        known = [tags_of(part) for part in [self.student, *teachers] if not isinstance(part, nn.Module | None)]
        inputs = [own.input_tags for own in known if own is not None]
        rows = any(isinstance(part, nn.Module) for part in [self.student, *teachers])
        tags.input_tags.allow_nan = not rows and all(i.allow_nan for i in inputs)
        tags.input_tags.categorical = not rows and all(i.categorical for i in inputs)
        tags.input_tags.string = not rows and all(i.string for i in inputs)
        return tags


class ClassifierDistiller(ClassifierMixin, BaseDistiller):
    """Base of the classifiers, which define at least `_objective`."""

    _students = StudentClassifier, NetClassifier  # the first is the default
    _needs_labels = True  # whether the loss has a hard term; else y only fits teachers

    def _fit(self, X, y, sample_weight, X_unlabeled, X_val, y_val, *, mean: str, before=None):
        check_validation_pair(X_val, y_val)
        rng = check_random_state(self.random_state)
        if isinstance(X, TransferSet):
            rows, members, teachers, logits, labels, weight = self._from_transfer_set(X, y, sample_weight)
        else:
            table = checked_table(self, X, reset=True)
            if y is None and self._needs_labels:
                raise ValueError(
                    f"{type(self).__name__} requires y to be passed, but the target y is None, "
                    "and its loss has a term of hard labels. Pass y, or give that term no weight."
                )
            hard = None if y is None else self._checked_labels(y, len(table))
            members = fitted_teachers(self.teacher, table, hard, sample_weight, "classification", rng)
            teachers = Teachers(members, mean, self.eps)
            rows, n_unlabeled = self._with_unlabeled(table, X_unlabeled)
            logits = teachers.logits(rows)
            self.classes_ = _classes(teachers.classes(rows), hard, logits.shape[1])
            labels = np.zeros_like(logits)
            if hard is not None:
                labels[: len(table)] = classification_targets(hard, len(table), type(self).__name__, self.classes_)[1]
            weight = self._transfer_weight(sample_weight, table, n_unlabeled)
        student = self._new_student(rng)
        if isinstance(X, TransferSet) and X.schema is not None and student.schema is None:
            student.schema = X.schema
        augmented = getattr(student, "augment", None) is not None
        if augmented and teachers is None:
            raise ValueError(
                "a student with augment needs a teacher that answers, got the fixed targets of a TransferSet."
            )
        on_the_fly = teachers.batch_logits if augmented else None
        others = self._further_targets(members, rows, augmented)
        with as_they_were(members):
            student.learn(
                rows,
                side_by_side(logits, labels, *others),
                weight,
                lambda targets, w, activation: self._objective(logits, w, activation, on_the_fly),
                classes=self.classes_,
                X_val=X_val,
                y_val=y_val,
                before=before,
            )
        self._release(student)
        return self._keep(members, student)

    def _release(self, student) -> None:
        """Remove what only the training needed."""

    def _further_targets(self, members, rows, augmented: bool) -> tuple:
        return ()

    def _checked_labels(self, y, n_rows: int) -> np.ndarray:
        name = type(self).__name__
        classes, targets, hard = classification_targets(y, n_rows, name)
        if not hard:
            raise ValueError(
                f"{name}: y must hold hard labels of shape (n_rows,), got shape {np.shape(y)}. "
                "Soft labels are the teacher's: pass a TransferSet."
            )
        return classes[targets.argmax(axis=1)]

    def _from_transfer_set(self, data: TransferSet, y, sample_weight):
        if data.kind == "values":
            raise ValueError("the TransferSet holds regression values: use MimicRegressor.")
        if y is None and self._needs_labels:
            raise ValueError(
                f"{type(self).__name__} needs y, the labels of the {data.n_original} original rows, for its hard term, "
                "got None. Pass y, or give that term no weight (soft_weight=1.0)."
            )
        table = checked_table(self, data.X, reset=True)
        self.classes_ = np.asarray(data.classes)
        logits = data.targets if data.kind == "logits" else clipped_logits(data.targets, self.eps)
        labels = np.zeros_like(logits)
        if y is not None:
            name = type(self).__name__
            labels[: data.n_original] = classification_targets(y, data.n_original, name, self.classes_)[1]
        weight = learning_weights(data.sample_weight if sample_weight is None else sample_weight, table)
        return table, [self.teacher], None, logits, labels, weight

    def predict_proba(self, X) -> np.ndarray:
        """Predict class probabilities with the student.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows, n_classes)
            The probabilities, with columns as in `classes_`.
        """
        X = self._student_input(X)
        return self.student_.predict_proba(X)

    def predict(self, X) -> np.ndarray:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        array of shape (n_rows,)
            The classes.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


def _classes(known, hard, n_columns: int) -> np.ndarray:
    """Return the label of each of the teacher's columns."""
    if known is not None:
        if len(known) != n_columns:
            raise ValueError(
                f"teacher must give one column per class, got {n_columns} columns and {len(known)} classes."
            )
        return known
    if hard is None:
        return np.arange(n_columns)
    seen = np.unique(hard)
    if len(seen) == n_columns:
        return seen
    # a bare torch module numbers its classes; rows of some may be missing (an omitted digit)
    if seen.dtype.kind in "iu" and seen[0] >= 0 and seen[-1] < n_columns:
        return np.arange(n_columns)
    raise ValueError(
        f"teacher and student must have the same classes, but the teacher has {n_columns} outputs and y the "
        f"{len(seen)} classes {seen.tolist()[:10]}. Use a teacher for these classes, or number them from 0."
    )
