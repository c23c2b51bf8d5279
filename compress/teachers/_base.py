"""The ensemble teacher without its target: fit a library, select from it, and average the selected models."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
)

from compress._random import seed_unset
from compress.evaluation import progress
from compress.schema import (
    Encoded,
    as_schema,
    as_table,
    check_columns,
    check_validation_pair,
    has_columns,
    holdout_split,
    take,
)
from compress.teachers._encoding import TreeEncoder
from compress.teachers._library import SIZES, default_library
from compress.teachers._members import (
    RAW,
    check_members,
    fit_alone,
    fit_member,
    member_outputs,
    named,
    one_thread,
    takes_nan,
    tell_categorical,
    view_of,
)
from compress.teachers._selection import check_selection, ensemble_selection, model_scores, prune_weights

__all__ = ["EnsembleTeacher"]

SELECTIONS = ("greedy", "uniform", "best")
BLOCK_ROWS = 8192


class _Rows(NamedTuple):
    """Rows of a table, as passed and as blocks, with their target, as passed and as numbers, and their weights."""

    table: object
    encoded: Encoded
    y: np.ndarray
    codes: np.ndarray
    weight: np.ndarray | None

    def take(self, rows) -> _Rows:
        weight = None if self.weight is None else self.weight[rows]
        return _Rows(take(self.table, rows), self.encoded.take(rows), self.y[rows], self.codes[rows], weight)


class EnsembleTeacher(BaseEstimator):
    """Base of the classifier and the regressor; a subclass says what the target is.

    It defines `_task`, `_method` (what a model must have), `_classes` (None for values),
    `_check_target`, `_learn_target` and `_codes` (targets as numbers: class codes or values) and
    `_targets` (what predictions are compared with).
    """

    def __init__(
        self,
        library="default",
        *,
        selection="greedy",
        n_bags=20,
        bag_fraction=0.5,
        n_init="auto",
        n_steps=50,
        min_weight=0.05,
        metric="rmse",
        validation_fraction=0.2,
        refit=True,
        schema=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.library = library
        self.selection = selection
        self.n_bags = n_bags
        self.bag_fraction = bag_fraction
        self.n_init = n_init
        self.n_steps = n_steps
        self.min_weight = min_weight
        self.metric = metric
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.schema = schema
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fit
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Fit the library on `X`, select on the hill-climb rows, and keep the models of weight > 0.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The training rows. Missing values are allowed when all models of the library take them (the default ones
            do).
        y : array of shape (n_rows,)
            The labels or values to learn.
        sample_weight : array of shape (n_rows,), optional
            The weights of the rows. They are passed to each model's `fit`, and to the metric for held-out rows; rows of
            weight 0 are left out.
        X_val, y_val : table and array, optional
            The hill-climb rows and their targets, which are used to select but never to fit a model. Without them
            `validation_fraction` of the rows is held out, stratified by class, with identical rows on one side.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            A parameter is out of its range, a model cannot teach, or the table and the target do not fit together.
        """
        self._check_parameters()
        check_validation_pair(X_val, y_val)
        rng = check_random_state(self.random_state)
        rows = self._training_rows(X, y, sample_weight)
        members = self._members(rng)
        check_members(members, self._method, weighted=sample_weight is not None)
        if X_val is None:
            strata = None if self._classes is None else rows.codes
            split = holdout_split(rows.encoded, rows.codes, self.validation_fraction, rng, strata=strata)
            train, held = map(rows.take, split)
        else:
            train, held = rows, self._validation_rows(X_val, y_val)
        fitted, predictions = self._fit_members(members, train, held)
        self._select(members, fitted, predictions, held, rng)
        if train is not rows and self.refit:
            self._fit_again(rows)
        return self

    def refitted(self, X, y, sample_weight=None):
        """Return a new teacher of the selected models, with their weights, fitted on other rows.

        Nothing is selected, so no rows are held out; cross-fitting uses it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The training rows.
        y : array of shape (n_rows,)
            The labels or values to learn.
        sample_weight : array of shape (n_rows,), optional
            The weights of the rows, as in `fit`.

        Returns
        -------
        estimator of the same class
            The new teacher; it has no `library_scores_`, `selection_path_` and `best_single_`.
        """
        check_is_fitted(self)
        other = clone(self)
        rows = other._training_rows(X, y, sample_weight)
        other.estimators_, other._best_member = self.estimators_, None
        other.names_, other.weights_, other._views = list(self.names_), self.weights_.copy(), list(self._views)
        other._fit_again(rows)
        return other

    def _fit_again(self, rows: _Rows) -> None:
        """Fit the selected models, and the best single one if there is one, on other rows."""
        self._encoder = TreeEncoder().fit(rows.encoded)
        members = list(zip(self.names_, self.estimators_, self._views))
        best = self._best_member
        if best is not None and not any(best[0] is estimator for estimator in self.estimators_):
            members.append((self.best_single_name_, *best))
        train = {**self._encoder.transform(rows.encoded, {view for *_, view in members}), RAW: rows.table}
        again = [(name, clone(estimator), view) for name, estimator, view in members]
        for _, estimator, view in again:
            if view != RAW:
                tell_categorical(estimator, self._encoder.categorical)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_alone)(name, estimator, train[view], rows.y, rows.weight) for name, estimator, view in again
        )
        if best is not None:
            position = next(i for i, (_, estimator, _) in enumerate(members) if estimator is best[0])
            self._best_member = fitted[position], best[1]
        self.estimators_ = fitted[: len(self.names_)]

    def _training_rows(self, X, y, sample_weight) -> _Rows:
        X = _table(X)
        check_columns(self, X, reset=True)
        y = self._check_target(y, "y")
        self.schema_ = as_schema(self.schema, X)
        encoded = self.schema_.encode(X, unseen="missing")
        check_consistent_length(X, y)
        if sample_weight is None:
            return _Rows(X, encoded, y, self._learn_target(y), None)
        weight = _check_sample_weight(sample_weight, encoded.continuous, ensure_non_negative=True)
        used = np.flatnonzero(weight > 0)
        y = y[used]
        return _Rows(take(X, used), encoded.take(used), y, self._learn_target(y), weight[used])

    def _validation_rows(self, X, y) -> _Rows:
        X = _table(X, self)
        check_columns(self, X, reset=False)
        y = self._check_target(y, "y_val")
        check_consistent_length(X, y)
        return _Rows(X, self.schema_.encode(X, unseen="missing"), y, self._codes(y), None)

    def _fit_members(self, members, rows, held):
        """Fit all members on `rows`; return them and their predictions of `held` as one array (see `_select`)."""
        self._encoder = TreeEncoder().fit(rows.encoded)
        views = {view for _, _, view in members}
        for _, estimator, view in members:
            if view != RAW:
                tell_categorical(estimator, self._encoder.categorical)
        train, test = ({**self._encoder.transform(r.encoded, views), RAW: r.table} for r in (rows, held))
        results = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(fit_member)(name, estimator, train[view], rows.y, rows.weight, test[view], self._classes)
            for name, estimator, view in members
        )
        shown = progress(results, len(members), "library", "model", self.verbose)
        fitted, predictions = zip(*shown, strict=True)
        return fitted, np.stack(predictions)

    def _select(self, members, fitted, predictions, held, rng):
        """Set what is learned from `predictions`, an array of shape (n_models, n_held, n_outputs)."""
        names = [name for name, _, _ in members]
        targets, rows = self._targets(held.codes), {"metric": self.metric, "sample_weight": held.weight}
        scores = model_scores(predictions, targets, **rows)
        best = int(np.argmin(scores))
        self.selection_path_ = []
        if self.selection == "greedy":
            options = {k: getattr(self, k) for k in ("n_bags", "bag_fraction", "n_init", "n_steps")}
            found = ensemble_selection(predictions, targets, random_state=rng, **options, **rows)
            weights = prune_weights(found.weights, self.min_weight)
            self.selection_path_ = [step._replace(model=names[step.model]) for step in found.path]
        elif self.selection == "uniform":
            weights = np.full(len(names), 1 / len(names))
        else:
            weights = np.eye(len(names))[best]
        kept = np.flatnonzero(weights)
        self.names_ = [names[m] for m in kept]
        self.estimators_ = [fitted[m] for m in kept]
        self.weights_ = weights[kept]
        self.library_scores_ = dict(zip(names, scores.tolist(), strict=True))
        self.best_single_name_ = names[best]
        self._views = [members[m][2] for m in kept]
        self._best_member = (fitted[best], members[best][2])

    def _members(self, rng):
        """Return the library as a list of (name, unfitted estimator, view)."""
        if isinstance(self.library, str):
            n_classes = 2 if self._classes is None else len(self._classes)
            models = default_library(self._task, self.library, n_classes=n_classes, random_state=rng)
            return [(name, estimator, view_of(estimator)) for name, estimator in models]
        members = [(name, clone(estimator), RAW) for name, estimator in named(self.library)]
        for _, estimator, _ in members:
            seed_unset(estimator, rng)
        return members

    def _check_parameters(self):
        if self.selection not in SELECTIONS:
            raise ValueError(f"selection must be one of {SELECTIONS}, got {self.selection!r}.")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must lie in (0, 1), got {self.validation_fraction!r}.")
        if not 0 <= self.min_weight <= 1:
            raise ValueError(f"min_weight must lie in [0, 1], got {self.min_weight!r}.")
        check_selection(self.metric, self.n_bags, self.bag_fraction, self.n_init, self.n_steps)
        if self.metric == "log_loss" and self._task == "regression":
            raise ValueError("metric='log_loss' needs probabilities; use 'rmse' or a callable for regression.")
        if isinstance(self.library, str):
            if self.library not in SIZES:
                raise ValueError(f"library must be one of {SIZES} or a list of estimators, got {self.library!r}.")
        else:
            check_members(named(self.library), self._method)

    # -------------------------------------------------------------- predict
    def _average(self, X):
        """Return the weighted mean of the members' outputs, a float64 array of shape (n_rows, n_outputs)."""
        check_is_fitted(self)
        X = _table(X, self)
        check_columns(self, X, reset=False)
        encoded = self.schema_.encode(X, unseen="missing")
        # the blocks do not depend on n_jobs, so that the outputs do not either
        blocks = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(self._average_block)(X, encoded, slice(i, i + BLOCK_ROWS)) for i in range(0, len(X), BLOCK_ROWS)
        )
        return np.concatenate(blocks)

    def _average_block(self, X, encoded, rows):
        matrices = self._encoder.transform(encoded.take(rows), set(self._views))
        matrices[RAW] = take(X, rows)
        total = 0.0
        with one_thread():
            for estimator, view, weight in zip(self.estimators_, self._views, self.weights_, strict=True):
                total = total + weight * member_outputs(estimator, matrices[view], self._classes)
        return total

    # ------------------------------------------------------------- the rest
    @property
    def best_single_(self):
        """The best model of the library on the hill-climb rows, as a fitted teacher over the same columns."""
        check_is_fitted(self)
        if self._best_member is None:
            raise AttributeError(
                f"best_single_ ({self.best_single_name_!r}) was not selected, and a pickled or copied "
                "teacher holds selected members only; pickle best_single_ itself to keep it."
            )
        estimator, view = self._best_member
        single = clone(self)
        vars(single).update({k: v for k, v in vars(self).items() if k not in self.get_params(deep=False)})
        single.names_, single.estimators_, single._views = [self.best_single_name_], [estimator], [view]
        single.weights_ = np.ones(1)
        return single

    def __getstate__(self):
        state = dict(super().__getstate__())
        best = state.get("_best_member")
        if best is not None and not any(best[0] is member for member in state["estimators_"]):
            state["_best_member"] = None
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        default = isinstance(self.library, str)
        tags.input_tags.allow_nan = default or all(takes_nan(estimator) for _, estimator in named(self.library))
        tags.input_tags.categorical = tags.input_tags.string = default
        return tags


def _table(X, fitted=None):
    """Return a DataFrame as it is, and anything else as an array; the schema checks what it holds."""
    X = as_table(X, getattr(fitted, "feature_names_in_", None))
    if has_columns(X):
        return X
    X = np.asarray(X)
    if X.ndim < 2:
        raise ValueError(
            f"Expected 2D array X of shape (n_rows, n_columns), got {X.ndim}D array of shape {X.shape}. "
            "Reshape your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row."
        )
    return X
