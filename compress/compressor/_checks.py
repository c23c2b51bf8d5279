"""What the compressors check and prepare before any long work begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from compress import teachers as teaching
from compress._random import seed_unset
from compress.schema import as_schema, checked_table, holdout_split, stack_tables, take
from compress.search import SHAPES, check_budget, shape_costs
from compress.teachers import is_fitted, teacher_outputs
from compress.transfer import TransferSet, check_can_refit

__all__ = ["InputChecks", "Rows"]


class Rows(NamedTuple):
    """Rows with their labels (None: not known) and weights (None: all the same)."""

    X: object
    y: np.ndarray | None
    weight: np.ndarray | None = None

    def take(self, rows) -> Rows:
        picked = (None if part is None else part[rows] for part in (self.y, self.weight))
        return Rows(take(self.X, rows), *picked)


class InputChecks:
    """The part of `BaseCompressor` that looks at parameters and rows; nothing here trains."""

    def _checked_rows(self, X, y, sample_weight, X_unlabeled):
        """Rows to learn from, all real rows, and the number of outputs (None: not known yet)."""
        fitted = self.teacher is not None and is_fitted(self.teacher)
        if y is None and (not fitted or self._needs_labels):
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None. Only a fitted "
                "teacher with original_labels='teacher' and labels_from='teacher' can do without."
            )
        table, n_outputs, weight = checked_table(self, X, reset=True), None, None
        if y is not None:
            y, n_outputs = self._checked_target(y, len(table))
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, table, ensure_non_negative=True)
        rows = Rows(table, y, weight)
        if weight is not None and not weight.all():
            rows = rows.take(np.flatnonzero(weight))
            if self._task == "classification":
                self._checked_target(rows.y, len(rows.X))  # two classes must be left
        as_schema(self.schema, table)
        return rows, self._real_rows(rows.X, X_unlabeled), n_outputs

    def _real_rows(self, X, X_unlabeled):
        if X_unlabeled is None:
            return X
        return stack_tables(X, self._like(X, X_unlabeled))

    def _like(self, X, other):
        """`other` with the categories of `X`, so that both stack to the same dtypes."""
        other = checked_table(self, other, reset=False)
        if hasattr(X, "iloc") and hasattr(other, "iloc"):
            kinds = {c: t for c, t in X.dtypes.items() if hasattr(t, "categories") and c in other.columns}
            known = {c: other[c].astype(object).where(other[c].isin(t.categories)) for c, t in kinds.items()}
            return other.assign(**{c: values.astype(kinds[c]) for c, values in known.items()})
        return other

    def _checked_held_out(self, rows, X_val, y_val, n_outputs):
        if X_val is None and y_val is None:
            return None
        if X_val is None or (y_val is None and rows.y is not None):
            raise ValueError("X_val and y_val must be given together, got only one of them.")
        table = checked_table(self, X_val, reset=False)
        if y_val is None:
            return Rows(table, None)
        y_val = np.asarray(y_val)
        check_consistent_length(table, y_val)
        if self._task == "classification" and rows.y is not None:
            unknown = np.setdiff1d(y_val, rows.y)
            if len(unknown):
                raise ValueError(f"y_val must hold classes of y, {np.unique(rows.y).tolist()}; got {unknown[0]!r} too.")
        return Rows(table, y_val)

    def _parts(self, rows, n_outputs, rng):
        """Teacher and student, checked, still to be fitted, their seeds set."""
        teacher = self.teacher
        if teacher is None:
            teacher = teaching.default_teacher(self._task, n_outputs, self.schema, self.n_jobs, self.verbose)
        if is_fitted(teacher):
            teaching.check_classes(teacher, rows.y)
        if self.original_labels == "out_of_fold" or self.labels_from != "teacher":
            check_can_refit(teacher)
        if self.generator is not None and not (hasattr(self.generator, "fit") and hasattr(self.generator, "sample")):
            raise TypeError(
                f"generator must have fit and sample, as those of compress.generators, got {self.generator!r}."
            )
        made_for = is_classifier if self._task == "classification" else is_regressor
        if self.student is not None and not made_for(self.student):
            raise TypeError(f"student must be a {self._student.__name__}, got {self.student!r}.")
        student = self._student(verbose=self.verbose, schema=self.schema) if self.student is None else self.student
        student = clone(student)
        if self.labels == "logits":
            student.set_params(objective="logits")
        seed_unset(student, rng)
        return teacher, student

    @property
    def _needs_labels(self) -> bool:
        return self.original_labels != "teacher" or self.labels_from != "teacher"

    @property
    def _budgeted(self) -> bool:
        return any(b is not None for b in (self.budget_bytes, self.budget_us_per_row, self.tolerance))

    @property
    def _tunes(self) -> bool:
        return isinstance(self.p, str) and self.generator is None and self.size_multiplier > 1

    def _chooses(self, teacher) -> bool:
        if self.tolerance is not None and is_fitted(teacher):
            raise ValueError(
                "tolerance compares with the teacher on rows that it has not seen, and a fitted teacher may have "
                "seen all of X: pass X_val and y_val to fit, or an unfitted teacher."
            )
        selects = teaching.selects_on_held_out(teacher) and not is_fitted(teacher)
        return self._tunes or self._budgeted or self.labels_from == "auto" or selects

    def _costs(self, student, rows, real, teacher, n_outputs):
        """What each shape costs, known before any training; None without a budget."""
        if not self._budgeted:
            return None
        classes = None
        if self._task == "classification":
            known = getattr(teacher, "classes_", None) if is_fitted(teacher) else None
            classes = np.unique(rows.y) if known is None else np.asarray(known)
            n_outputs = len(classes)
        elif n_outputs is None:
            n_outputs = np.size(teacher_outputs(teacher, take(rows.X, slice(0, 1)), "values"))
        shape = len(real) if classes is None and n_outputs == 1 else (len(real), n_outputs)
        kind = "values" if classes is None else "probabilities"
        targets = np.zeros(shape, dtype=np.float32) if classes is None else np.full(shape, 1 / n_outputs, np.float32)
        data = TransferSet(real, targets, kind, classes, schema=as_schema(self.schema, real))
        costs = shape_costs(student, data, SHAPES if self.shapes is None else self.shapes)
        check_budget(costs, self.budget_bytes, self.budget_us_per_row)
        return costs

    def _split(self, rows, rng):
        encoded = as_schema(self.schema, rows.X).encode(rows.X)
        if rows.y is None:
            target, strata = np.zeros(len(rows.X)), None
        elif self._task == "classification":
            target = strata = np.unique(rows.y, return_inverse=True)[1]
        else:
            target, strata = rows.y, None
        train, held = holdout_split(encoded, target, self.validation_fraction, rng, strata=strata)
        return rows.take(train), rows.take(held)
