"""Cross-fitting: every row is labelled by a teacher that has not seen the row it comes from.

A teacher is overconfident near its own training rows, and generated rows lie near them. Here the rows
are split into folds, a clone of the teacher is fitted on all folds but one, and what is generated from
that one fold is labelled by this clone. The labels are those of weaker teachers, fitted on four fifths of the
rows: they help where labels are noisy and harm where they are clean, so validation rows decide.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import check_random_state

from compress._random import draw_seed, seed_unset
from compress.schema import as_labels, as_schema, as_table, class_codes, stack_tables, take, with_known_categories
from compress.teachers import (
    SMALLEST_PROBABILITY,
    fit_teacher,
    is_fitted,
    known_classes,
    selects_on_held_out,
    task_of,
    teacher_outputs,
)
from compress.transfer._originals import n_generated, with_original
from compress.transfer._transfer_set import TransferSet

__all__ = ["CrossFit", "check_can_refit"]

FOLDS = 5


class CrossFit:
    """Clones of a teacher, each fitted on all folds of the rows but one.

    Parameters
    ----------
    teacher : estimator
        The teacher to clone, fitted or not; the clones are fitted. A fitted `EnsembleTeacherClassifier` or
        `EnsembleTeacherRegressor` gives the models that it has selected, with their weights.
    n_folds : int >= 2, default=5
        The number of folds; the number of rows is its upper limit.
    random_state : int, RandomState or None, default=None
        The source of the folds, and of the seed of each `random_state` of the teacher that is None.

    Attributes
    ----------
    teachers_ : list of fitted estimators
        The clones, one for each fold.
    folds_ : list of int arrays
        The rows that each clone has not seen.
    classes_ : array of shape (n_classes,) or None
        The label of each column of outputs and targets; None for regressors.

    Raises
    ------
    ValueError
        In `fit`, when the teacher is frozen and cannot be fitted again, or when there are fewer than 2 rows or folds.

    References
    ----------
    Chernozhukov et al., "Double/debiased machine learning for treatment and structural parameters",
    The Econometrics Journal 2018, for the name and the idea; Wolpert, "Stacked generalization", 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.generators import MarginalSampler
    >>> from compress.transfer import CrossFit
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> source = CrossFit(DecisionTreeClassifier(), n_folds=3, random_state=0).fit(X, y)
    >>> len(source.transfer_set(X, generator=MarginalSampler(random_state=0), n_rows=150))
    150
    """

    def __init__(self, teacher, *, n_folds: int = FOLDS, random_state=None):
        self.teacher = teacher
        self.n_folds = n_folds
        self.random_state = random_state

    def fit(self, X, y, *, classes=None, sample_weight=None) -> CrossFit:
        """Fit the clones.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The training rows.
        y : array of shape (n_rows,) or (n_rows, n_outputs)
            The labels or values of the rows.
        classes : array of shape (n_classes,), optional
            All classes, in any order; by default those of `y`, sorted.
        sample_weight : array of shape (n_rows,), optional
            The weights of the rows.
        """
        check_can_refit(self.teacher)
        X, y = as_table(X), as_labels(y)
        if not self.n_folds >= 2:
            raise ValueError(f"n_folds must be at least 2, got {self.n_folds}.")
        if len(X) < 2:
            raise ValueError(f"cross-fitting needs at least 2 rows, got {len(X)}.")
        rng = check_random_state(self.random_state)
        classifier = task_of(self.teacher) == "classification"
        self.classes_ = None
        if classifier:
            self.classes_ = np.unique(y) if classes is None else np.asarray(classes)
        self.teachers_, self.folds_ = [], []
        for train, fold in _folds(len(X), min(self.n_folds, len(X)), y if classifier else None, rng):
            weight = None if sample_weight is None else sample_weight[train]
            self.teachers_.append(self._clone(take(X, train), y[train], weight, rng))
            self.folds_.append(fold)
        return self

    def _clone(self, X, y, weight, rng):
        if selects_on_held_out(self.teacher) and is_fitted(self.teacher):
            return self.teacher.refitted(X, y, weight)
        return fit_teacher(self.teacher, X, y, weight, rng=rng)

    def outputs(self, X, kind: str) -> np.ndarray:
        """Return out-of-fold outputs for the rows of `fit`, in their order.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The table that `fit` was given.
        kind : {"probabilities", "logits", "labels", "values"}
            As in `teacher_outputs`.

        Returns
        -------
        float32 array of shape (n_rows, n_classes), or float64 array of shape (n_rows,) or (n_rows, n_outputs)
            The outputs. A class that the clone of one fold has not seen gets probability 0 there.
        """
        parts = [
            self._aligned(teacher_outputs(teacher, take(X, fold), kind, classes=self.classes_), teacher, kind)
            for teacher, fold in zip(self.teachers_, self.folds_)
        ]
        result = np.empty((len(X), *parts[0].shape[1:]), dtype=parts[0].dtype)
        result[np.concatenate(self.folds_)] = np.concatenate(parts)
        return result

    def transfer_set(
        self,
        X,
        *,
        generator=None,
        n_rows: int | None = None,
        X_unlabeled=None,
        labels: str = "soft",
        classes=None,
        schema=None,
        original_targets=None,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state=None,
    ) -> TransferSet:
        """Make a transfer set fold by fold, each labelled by the teacher that has not seen the fold.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The original rows, which are the table that `fit` was given.
        generator : generator, optional
            The generator of further rows; its clones are fitted, one on each fold.
        n_rows : int, optional
            The number of rows in all; by default that of the real ones.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further real rows, which are divided among the folds.
        labels
            As in `TransferSet.from_teacher`.
        classes
            It is not used, since `classes_` is known; it is there for the same call as that of `SingleTeacher`.
        schema : Schema, optional
            The kinds of the columns; by default they are learned from the real rows, as the schema of the generator
            says.
        original_targets : float array, optional
            The targets of the original rows in place of the teachers' answers; see `TransferSet.from_teacher`.
        n_jobs, verbose
            As in `TransferSet.from_teacher`.
        random_state : int, RandomState or None, default=None
            The source of the seeds of the generators and of the order of the generated rows.

        Returns
        -------
        TransferSet
            The rows are those of `X` in their order, then `X_unlabeled`, then the generated rows of all folds, mixed.
        """
        rng = check_random_state(random_state)
        X = as_table(X)
        real = X if X_unlabeled is None else stack_tables(X, with_known_categories(X_unlabeled, X, schema))
        missing = n_generated(len(real), n_rows, generator)
        kinds = as_schema(getattr(generator, "schema", None), real)
        ends = np.linspace(0, missing, len(self.folds_) + 1).round().astype(int)
        deals = np.array_split(np.arange(len(X), len(real)), len(self.folds_))
        where, parts = [], []
        for teacher, fold, deal, extra in zip(self.teachers_, self.folds_, deals, np.diff(ends)):
            own = np.concatenate([fold, deal])
            table = take(real, own)
            part = TransferSet.from_teacher(
                teacher,
                table,
                generator=self._fitted(generator, table, kinds, rng) if extra else None,
                n_rows=len(own) + int(extra),
                labels=labels,
                classes=self.classes_,
                n_jobs=n_jobs,
                verbose=verbose,
            )
            parts.append(part)
            where.append(own)
        return self._joined(parts, where, len(X), kinds if schema is None else schema, original_targets, rng)

    def _fitted(self, generator, table, schema, rng):
        generator = clone(generator)
        if "schema" in generator.get_params():  # a fold may not show what kind a column is
            generator.set_params(schema=schema)
        seed_unset(generator, rng)
        return generator.fit(table)

    def _joined(self, parts, where, n_original, schema, original_targets, rng) -> TransferSet:
        table = parts[0].X
        for part in parts[1:]:
            table = stack_tables(table, part.X)
        kind = parts[0].kind
        targets = np.concatenate([self._aligned(p.targets, t, kind) for p, t in zip(parts, self.teachers_)])
        starts = np.cumsum([0, *(len(part) for part in parts)])
        n_real = sum(map(len, where))
        order = np.empty(len(table), dtype=np.int64)
        made = []
        for start, part, own in zip(starts, parts, where):
            order[own] = start + np.arange(len(own))
            made.append(np.arange(start + len(own), start + len(part)))
        order[n_real:] = rng.permutation(np.concatenate(made))
        table = take(table, order)
        if hasattr(table, "iloc"):
            table = table.reset_index(drop=True)
        seconds = {stage: sum(part.seconds[stage] for part in parts) for stage in parts[0].seconds}
        targets = targets[order]
        if original_targets is not None:
            original = np.asarray(original_targets, dtype=targets.dtype)
            targets = with_original(original, targets[n_original:], n_original)
        return TransferSet(table, targets, kind, self.classes_, n_original, schema, seconds=seconds)

    def _aligned(self, output, teacher, kind: str) -> np.ndarray:
        """Return the output with one column for each of `classes_`."""
        columns = known_classes(teacher)
        if self.classes_ is None or columns is None or np.array_equal(columns, self.classes_):
            return output
        fill = np.log(SMALLEST_PROBABILITY) if kind == "logits" else 0.0
        whole = np.full((len(output), len(self.classes_)), fill, dtype=np.float32)
        whole[:, class_codes(columns, self.classes_, "the teacher")] = output
        return whole


def check_can_refit(teacher) -> None:
    """Refuse a teacher whose clones cannot be fitted.

    Parameters
    ----------
    teacher : object
        The teacher.

    Raises
    ------
    ValueError
        The teacher is frozen, or has no `fit`.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.transfer import check_can_refit
    >>> check_can_refit(DecisionTreeClassifier())
    >>> check_can_refit(FrozenEstimator(DecisionTreeClassifier()))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: labels by teachers that have not seen the row need clones of the ...
    """
    if isinstance(teacher, FrozenEstimator) or not hasattr(teacher, "fit"):
        raise ValueError(
            f"labels by teachers that have not seen the row need clones of the teacher, but a {type(teacher).__name__} "
            "stays as it is. Pass the estimator itself, or original_labels='teacher' and labels_from='teacher'."
        )


def _folds(n_rows: int, n_folds: int, strata, rng):
    shuffled = {"shuffle": True, "random_state": draw_seed(rng)}
    if strata is None or min(np.unique(strata, return_counts=True)[1]) < n_folds:
        return KFold(n_folds, **shuffled).split(np.empty(n_rows))
    return StratifiedKFold(n_folds, **shuffled).split(np.empty(n_rows), strata)
