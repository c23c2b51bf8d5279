"""Growing trees: scikit-learn's histogram boosting on soft labels or values.

Two classes: the binomial loss of scikit-learn is the cross-entropy with any target between 0 and 1, so that a row keeps
its soft label. More classes: a row becomes a copy for each class, weighted with the class's probability, whose log loss
is the cross-entropy with the soft label. Values: squared error, an ensemble for each output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from compress.trees._cuts import cuts_of
from compress.trees._ensemble import TreeEnsemble
from compress.trees._evaluate import with_single_precision
from compress.trees._sklearn import MatrixColumn, ensemble_of

__all__ = ["Growth", "grow"]

MOST_COPIES = 1_000_000  # of rows; of more rows a part is drawn, since each iteration goes over them once per class
SMALLEST_COPY = 1e-4  # probability; rarer classes of a row get no copy of it
BLOCK = 50  # iterations between two looks at the validation rows, at least: each look costs as much as some iterations


@dataclass(frozen=True)
class Growth:
    """How trees are grown; the parameters are those of scikit-learn's histogram boosting.

    Parameters
    ----------
    max_iter : int
        The number of iterations.
    max_leaf_nodes : int
        The largest number of leaves of a tree.
    learning_rate : float
        What leaf values are multiplied by.
    min_samples_leaf : int
        The smallest number of rows in a leaf.
    l2_regularization : float
        The penalty on leaf values.
    max_bins : int
        The largest number of intervals of a column, and of categories or groups of categories.
    monotonic : int array of shape (n_continuous,), optional
        1 for columns in which predictions may only rise, -1 where they may only fall, else 0.
    """

    max_iter: int
    max_leaf_nodes: int
    learning_rate: float
    min_samples_leaf: int
    l2_regularization: float
    max_bins: int
    monotonic: np.ndarray | None = None


def grow(
    encoded,
    n_categories: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray | None,
    growth: Growth,
    *,
    single: np.ndarray,
    probabilities: bool,
    seed: int,
    score: Callable | None = None,
    patience: int | None = None,
    n_threads: int = 1,
) -> tuple[TreeEnsemble, np.ndarray | None]:
    """Grow an ensemble.

    Parameters
    ----------
    encoded : compress.schema.Encoded
        The training rows.
    n_categories : int array of shape (n_nominal,)
        The number of categories of each nominal column. Columns with more than `max_bins` get groups of them, by their
        mean targets.
    targets : float array of shape (n_rows, n_columns)
        Probabilities: of the second class, one column, or of more than two classes; or values, one column per output.
    weight : array of shape (n_rows,) or None
        The weights of the rows; rows of weight 0 are left out.
    growth : Growth
        How the trees are grown.
    single : bool array of shape (n_continuous,)
        Which continuous columns are rounded to float32.
    probabilities : bool
        Whether the targets are probabilities.
    seed : int
        The seed by which rows are drawn where there are too many copies for all classes, and of what scikit-learn
        draws, on which the trees do not depend.
    score : callable(TreeEnsemble) -> array of shape (n_iter,), optional
        The error on validation rows after each iteration; the iterations after the best one are left out.
    patience : int, optional
        Growing stops when so many iterations have not improved on the best one; it is looked at every 50 iterations.
    n_threads : int, default=1
        The number of threads, which the result does not depend on.

    Returns
    -------
    TreeEnsemble, array of shape (n_grown,) or None
        The ensemble, and the errors on the validation rows.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.schema import Encoded
    >>> from compress.trees import Growth, grow
    >>> x = np.arange(60.0)[:, None]
    >>> encoded, single = Encoded(x, np.empty((60, 0), dtype=np.int32)), np.array([True])
    >>> growth = Growth(3, 4, learning_rate=0.5, min_samples_leaf=5, l2_regularization=0.0, max_bins=255)
    >>> no_categories = np.empty(0, dtype=int)
    >>> trees, _ = grow(encoded, no_categories, x, None, growth, single=single, probabilities=False, seed=0)
    >>> trees.n_trees
    3
    """
    from threadpoolctl import threadpool_limits

    if weight is not None and not weight.all():
        there = np.flatnonzero(weight)
        encoded, targets, weight = encoded.take(there), targets[there], weight[there]
    multiclass = probabilities and targets.shape[1] > 2
    if multiclass and np.count_nonzero(targets > SMALLEST_COPY) > MOST_COPIES:
        n_rows = max(1, int(len(targets) * MOST_COPIES / np.count_nonzero(targets > SMALLEST_COPY)))
        drawn = np.sort(np.random.default_rng(seed).permutation(len(targets))[:n_rows])
        encoded, targets, weight = encoded.take(drawn), targets[drawn], None if weight is None else weight[drawn]
    encoded = encoded._replace(continuous=with_single_precision(encoded.continuous, single))
    columns = _columns(encoded, n_categories, targets, weight, growth.max_bins, single)
    matrix = _matrix(encoded, columns)
    models = _models(growth, columns, seed, targets.shape[1], probabilities)
    data = _copies(matrix, targets, weight) if multiclass else None
    if multiclass:
        share = len(data[1]) / len(matrix)
        models[0].set_params(min_samples_leaf=max(1, round(growth.min_samples_leaf * share)))
    block = growth.max_iter if score is None or patience is None else max(patience, BLOCK)
    errors, n_iter = None, 0
    while n_iter < growth.max_iter:
        n_iter = min(n_iter + max(block, n_iter // 2), growth.max_iter)
        for k, model in enumerate(models):
            model.set_params(max_iter=n_iter)
            with threadpool_limits(n_threads, user_api="openmp"):
                model.fit(*(data or (matrix, targets[:, k].astype(np.float64), weight)))
        ensemble = ensemble_of(models, columns, n_categories, single)
        if score is not None:
            errors = score(ensemble)
            if patience is not None and len(errors) - 1 - int(np.argmin(errors)) >= patience:
                break
    return ensemble, errors


# ------------------------------------------------------------------ models
def _models(growth: Growth, columns, seed: int, n_outputs: int, probabilities: bool) -> list:
    """Return the unfitted model of all outputs, or a model for each output."""
    # late, as all of scikit-learn here: a program that only evaluates trees does without it
    from sklearn._loss import HalfBinomialLoss
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    nominal = np.array([column.groups is not None for column in columns])
    monotonic = None
    if growth.monotonic is not None and np.any(growth.monotonic):
        monotonic = [int(growth.monotonic[c.number]) if c.cuts is not None and len(c.cuts) else 0 for c in columns]
    options = {
        "max_iter": 1,
        "max_leaf_nodes": growth.max_leaf_nodes,
        "learning_rate": growth.learning_rate,
        "min_samples_leaf": growth.min_samples_leaf,
        "l2_regularization": growth.l2_regularization,
        "max_bins": growth.max_bins,
        "monotonic_cst": monotonic,
        "categorical_features": nominal if nominal.any() else None,
        "early_stopping": False,
        "warm_start": True,
        "random_state": seed,
    }
    if not probabilities:
        return [HistGradientBoostingRegressor(**options) for _ in range(n_outputs)]
    if n_outputs == 1:
        return [HistGradientBoostingRegressor(loss=HalfBinomialLoss(), **options)]
    return [HistGradientBoostingClassifier(**options)]


def _copies(matrix: np.ndarray, targets: np.ndarray, weight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a copy of each row for each class that it may belong to, with class and weight."""
    kept = targets >= SMALLEST_COPY
    kept[targets.argmax(axis=0), np.arange(targets.shape[1])] = True  # each class needs a copy
    row, label = np.nonzero(kept)
    share = np.maximum(targets, SMALLEST_COPY * 1e-3) * kept
    share /= share.sum(axis=1, keepdims=True)
    of_copies = share[row, label].astype(np.float64)
    return matrix[row], label, of_copies if weight is None else of_copies * weight[row]


# ----------------------------------------------------------------- columns
def _columns(encoded, n_categories, targets, weight, max_bins: int, single) -> list[MatrixColumn]:
    """Return the columns of the matrix: nominal ones first, where scikit-learn moves them.

    Columns that never vary are left out, and one of zeros stands for a matrix without columns.
    """
    columns = []
    d_c = encoded.continuous.shape[1]
    for k, codes in enumerate(encoded.nominal.T):
        present = np.unique(codes)
        if len(present) > 1:
            groups = np.full(n_categories[k], -1, dtype=np.intp)
            known = present[present >= 0]
            if len(known) <= max_bins:
                groups[known] = np.arange(len(known))
            else:
                groups[known] = _grouped(codes, known, targets, weight, max_bins)
            columns.append(MatrixColumn(d_c + k, groups=groups))
    for f, column in enumerate(encoded.continuous.T):
        cuts = cuts_of(column, weight, max_bins, single=bool(single[f]))
        missing = np.isnan(column)
        if len(cuts) or (missing.any() and not missing.all()):
            columns.append(MatrixColumn(f, cuts=cuts))
    return columns or [MatrixColumn(-1, cuts=np.empty(0))]


def _grouped(codes, known, targets, weight, n_groups: int) -> np.ndarray:
    """Return the group of each known category: neighbours in the mean target, with about as many rows in each group."""
    there = codes >= 0
    place = np.searchsorted(known, codes[there])
    mass = np.bincount(place, None if weight is None else weight[there], len(known))
    means = np.column_stack(
        [np.bincount(place, t[there] * (1 if weight is None else weight[there]), len(known)) for t in targets.T]
    )
    means = means / mass[:, None] - means.sum(axis=0) / mass.sum()
    _, axes = np.linalg.eigh((means * mass[:, None]).T @ means)  # along which the means differ most
    order = np.argsort(means @ axes[:, -1], kind="stable")
    middle = np.cumsum(mass[order]) - mass[order] / 2
    groups = np.empty(len(known), dtype=np.intp)
    groups[order] = np.minimum((middle / mass.sum() * n_groups).astype(np.intp), n_groups - 1)
    return np.unique(groups, return_inverse=True)[1]


def _matrix(encoded, columns: list[MatrixColumn]) -> np.ndarray:
    """Return the float64 matrix from which the trees are grown: groups of categories, and numbers of intervals."""
    d_c = encoded.continuous.shape[1]
    matrix = np.zeros((encoded.n_rows, len(columns)), order="F")
    for at, column in enumerate(columns):
        if column.groups is not None:
            codes = encoded.nominal[:, column.number - d_c]
            matrix[:, at] = np.append(column.groups.astype(np.float64), np.nan)[codes]
        elif column.number >= 0:
            numbers = encoded.continuous[:, column.number].astype(np.float64)
            matrix[:, at] = np.where(np.isnan(numbers), np.nan, np.searchsorted(column.cuts, numbers))
    return matrix
