"""Ensemble selection from a library of models: greedy, with replacement, sorted initialisation, bagged.

Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble Selection from Libraries of Models", ICML 2004:

1. *Sorted initialisation.* Order the models by their score on the hill-climb rows and start from the
   average of the N best.
2. *Greedy selection with replacement.* Add, again and again, the model whose addition lowers the score
   of the average most. A model may be added many times; its count over the number of additions is its
   weight. Keep the average of lowest score met on the way.
3. *Bagging.* Do this on random subsets of the library and average the weights, since with many models
   and few rows one greedy path fits the rows' noise.

Everything here is a function of held-out predictions: no model is called.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["Selection", "Step", "check_selection", "ensemble_selection", "model_scores", "prune_weights"]

METRICS = ("rmse", "log_loss")
MOST_INITIAL_MODELS = 25  # section 2.2 of the paper: "typically, 5-25 of the best models are added"
SMALLEST_BAG = 5  # with fewer, the draw would decide more than the scores do
TIE = 1e-10  # scores that differ by less (relative) differ by rounding only
SMALLEST_PROBABILITY = 1e-12
BLOCK_ROWS = 65536


class Step(NamedTuple):
    """One addition to the average of models.

    Parameters
    ----------
    step : int
        The number of additions in the bag up to this one.
    model : int
        The index of the model that is added.
    score : float
        The score of the average after the addition.
    bag : int, default=0
        The number of the bag.

    Examples
    --------
    >>> from compress.teachers import Step
    >>> Step(step=1, model=0, score=0.25).bag
    0
    """

    step: int
    model: int
    score: float
    bag: int = 0


class Selection(NamedTuple):
    """Result of ensemble selection.

    Parameters
    ----------
    weights : float64 array of shape (n_models,)
        The weights of the models, which sum to 1.
    path : list of Step
        The additions in their order.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.teachers import ensemble_selection
    >>> predictions = np.array([[0.9, 0.2], [0.6, 0.4]])
    >>> selection = ensemble_selection(predictions, np.array([1, 0]), n_init=1, n_steps=1, n_bags=1, bag_fraction=1.0)
    >>> selection.weights
    array([1., 0.])
    """

    weights: np.ndarray
    path: list


def ensemble_selection(
    predictions,
    targets,
    *,
    metric: str | Callable = "rmse",
    n_bags: int = 1,
    bag_fraction: float = 0.5,
    n_init: int | str = "auto",
    n_steps: int = 50,
    sample_weight=None,
    random_state=None,
) -> Selection:
    """Select models whose weighted average scores lowest on held-out rows.

    Parameters
    ----------
    predictions : array of shape (n_models, n_rows, n_outputs) or (n_models, n_rows)
        Each model's predictions for rows that it was not fitted on: probabilities, or values.
    targets : array of shape (n_rows, n_outputs) or (n_rows,)
        What is to be predicted: one-hot rows for probabilities, values for regression.
    metric : {"rmse", "log_loss"} or callable, default="rmse"
        What is minimised. "rmse" is the root of the mean over rows and outputs of the squared error; "log_loss" is the
        mean negative log-probability of the classes, which the targets have to show as one-hot rows. A callable is
        given `(targets, average)`, both of shape (n_rows, n_outputs), and returns a float.
    n_bags : int >= 1, default=1
        The number of random subsets of the library to select from. With 1 the whole library is used.
    bag_fraction : float in (0, 1], default=0.5
        The share of the library in a bag, at least 5 models (so 5 models or fewer are never bagged).
    n_init : int >= 0 or "auto", default="auto"
        The number of the best models to start from. "auto" takes the number, up to 25, whose average scores lowest (at
        least one, so that the result is never worse than the best single model of the bag); 0 starts without models.
    n_steps : int >= 0, default=50
        The number of additions after the start. The average with the lowest score on the way is kept, so more steps
        only cost time.
    sample_weight : array of shape (n_rows,), optional
        The weights of the rows in "rmse" and "log_loss".
    random_state : int, RandomState or None, default=None
        The source of the bags.

    Returns
    -------
    Selection
        The weights and the path. Ties go to the model of lowest index.

    Raises
    ------
    ValueError
        The shapes do not fit together, predictions are not finite, or a parameter is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([0.0, 1.0, 2.0, 3.0])
    >>> too_high, too_low, useless = truth + 1, truth - 1, np.zeros(4)
    >>> ensemble_selection([useless, too_high, too_low], truth).weights
    array([0. , 0.5, 0.5])
    """
    predictions, targets = _checked_arrays(predictions, targets)
    n_models = len(predictions)
    check_selection(metric, n_bags, bag_fraction, n_init, n_steps)
    objective = _objective(predictions, targets, metric, sample_weight)
    rng = check_random_state(random_state)
    size = n_models if n_bags == 1 else min(n_models, max(SMALLEST_BAG, round(bag_fraction * n_models)))

    weights, path = np.zeros(n_models), []
    for bag in range(n_bags):
        # sorted, so that the lowest index wins ties inside a bag too
        members = np.arange(n_models) if size == n_models else np.sort(rng.permutation(n_models)[:size])
        counts, steps = _climb(objective, members, n_init, n_steps)
        weights += counts / counts.sum()
        path += [step._replace(bag=bag) for step in steps]
        if size == n_models:  # every further bag is this one
            return Selection(weights / weights.sum(), path)
    return Selection(weights / weights.sum(), path)


def model_scores(predictions, targets, *, metric: str | Callable = "rmse", sample_weight=None) -> np.ndarray:
    """Return the score of each model alone.

    Parameters
    ----------
    predictions, targets, metric, sample_weight
        As in `ensemble_selection`.

    Returns
    -------
    float64 array of shape (n_models,)
        The scores.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.teachers import model_scores
    >>> model_scores(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0]))
    array([0. , 0.5])
    """
    predictions, targets = _checked_arrays(predictions, targets)
    objective = _objective(predictions, targets, metric, sample_weight)
    return objective.scores(np.zeros(len(predictions)), np.arange(len(predictions)))


def prune_weights(weights, min_weight: float) -> np.ndarray:
    """Set small weights to 0 and scale the others to sum 1; the largest weight always stays.

    Parameters
    ----------
    weights : array of shape (n_models,)
        The weights.
    min_weight : float in [0, 1]
        The smallest weight that stays.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.teachers import prune_weights
    >>> prune_weights(np.array([0.6, 0.36, 0.04]), min_weight=0.05)
    array([0.625, 0.375, 0.   ])
    """
    weights = np.asarray(weights, dtype=np.float64)
    kept = np.where(weights >= min(min_weight, weights.max()), weights, 0.0)
    return kept / kept.sum()


def _climb(objective, members, n_init, n_steps):
    """Follow one greedy path over `members` (indices of models): (counts per model, list of steps)."""
    counts = np.zeros(objective.n_models)
    path = []
    alone = objective.scores(counts, members)
    order = members[np.argsort(alone, kind="stable")]
    start = min(len(order), MOST_INITIAL_MODELS if n_init == "auto" else n_init)
    for model in order[:start]:
        path.append(Step(len(path) + 1, int(model), float(objective.scores(counts, [model])[0])))
        counts[model] += 1
    if n_init == "auto":
        start = 1 + _first_lowest([step.score for step in path])
        for step in path[start:]:
            counts[step.model] -= 1
        del path[start:]
    for _ in range(n_steps if start else max(n_steps, 1)):
        scores = objective.scores(counts, members)
        best = _first_lowest(scores)
        counts[members[best]] += 1
        path.append(Step(len(path) + 1, int(members[best]), float(scores[best])))
    # a given n_init is kept whole: only what greedy selection added may be taken back
    first = max(start, 1)
    last = first + _first_lowest([step.score for step in path[first - 1 :]])
    counts = np.bincount([step.model for step in path[:last]], minlength=objective.n_models)
    return counts.astype(np.float64), path[:last]


def _first_lowest(scores) -> int:
    scores = np.asarray(scores)
    lowest = scores.min()
    return int(np.argmax(scores <= lowest + TIE * abs(lowest)))


# ------------------------------------------------------------------ what is minimised
class _SquaredError:
    """RMSE from inner products of the models' errors, so that a step costs O(n_models), not O(rows).

    With errors E_i = P_i - Y and counts c of sum m, the squared error of the average is
    |sum_i c_i E_i|^2 / m^2 = c' G c / m^2 with G_ij = <E_i, E_j>.
    """

    def __init__(self, predictions, targets, row_weight):
        self.n_models = len(predictions)
        self.gram = np.zeros((self.n_models, self.n_models))
        root = np.sqrt(row_weight / row_weight.sum() / targets.shape[1])[:, None]
        for i in range(0, len(targets), BLOCK_ROWS):  # a block at a time: float64 errors of few rows only
            rows = slice(i, i + BLOCK_ROWS)
            errors = (np.asarray(predictions[:, rows], dtype=np.float64) - targets[rows]) * root[rows]
            errors = errors.reshape(self.n_models, -1)
            self.gram += errors @ errors.T

    def scores(self, counts, models):
        """Return the RMSE of the average of `counts` with one more of each of `models`, an array of len(models)."""
        with_each = self.gram[models] @ counts
        squares = counts @ self.gram @ counts + 2 * with_each + np.diagonal(self.gram)[models]
        return np.sqrt(np.maximum(squares, 0.0)) / (counts.sum() + 1)


class _LogLoss:
    """Mean negative log probability, from the running sum of the probabilities of the targets."""

    def __init__(self, predictions, targets, row_weight):
        self.n_models = len(predictions)
        one_hot = np.array_equal(targets, targets.astype(bool)) and np.all(targets.sum(axis=1) == 1)
        if targets.shape[1] < 2 or not one_hot:
            raise ValueError(
                "metric='log_loss' needs probabilities of at least 2 classes and one-hot targets, "
                f"got targets of shape {targets.shape}; use metric='rmse' for values."
            )
        true = targets.argmax(axis=1)
        self.chosen = np.asarray(predictions[:, np.arange(len(true)), true], dtype=np.float64)
        self.row_weight = row_weight / row_weight.sum()

    def scores(self, counts, models):
        average = (counts @ self.chosen + self.chosen[models]) / (counts.sum() + 1)
        return -np.log(np.maximum(average, SMALLEST_PROBABILITY)) @ self.row_weight


class _Callable:
    """Any function of (targets, average); called once for each candidate."""

    def __init__(self, predictions, targets, function):
        self.n_models = len(predictions)
        self.predictions, self.targets, self.function = predictions, targets, function

    def scores(self, counts, models):
        total = np.tensordot(counts, self.predictions, axes=1)
        size = counts.sum() + 1
        scores = np.array([float(self.function(self.targets, (total + self.predictions[m]) / size)) for m in models])
        if np.isnan(scores).any():
            raise ValueError("metric must return a number to minimise, but it returned NaN.")
        return scores


def _objective(predictions, targets, metric, sample_weight):
    if callable(metric):
        return _Callable(predictions, targets, metric)
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS} or a callable, got {metric!r}.")
    row_weight = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if row_weight.shape != (len(targets),) or (row_weight < 0).any() or not row_weight.sum() > 0:
        raise ValueError(
            f"sample_weight must be {len(targets)} numbers >= 0 of positive sum, got shape {row_weight.shape}."
        )
    return (_SquaredError if metric == "rmse" else _LogLoss)(predictions, targets, row_weight)


def _checked_arrays(predictions, targets):
    predictions = np.asarray(predictions)
    targets = np.asarray(targets, dtype=np.float64)
    if predictions.ndim == 2:
        predictions = predictions[:, :, None]
    if targets.ndim == 1:
        targets = targets[:, None]
    if predictions.ndim != 3 or predictions.shape[1:] != targets.shape or 0 in predictions.shape:
        raise ValueError(
            "predictions must have shape (n_models, n_rows, n_outputs) and targets (n_rows, n_outputs), "
            f"none of them empty, got {predictions.shape} and {targets.shape}."
        )
    bad = [m for m, rows in enumerate(predictions) if not np.isfinite(rows).all()]
    if bad:
        raise ValueError(f"predictions must be finite, but those of model(s) {bad} are not.")
    return predictions, targets


def check_selection(metric, n_bags, bag_fraction, n_init, n_steps) -> None:
    """Refuse parameters of `ensemble_selection` that are out of range."""
    if not callable(metric) and metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS} or a callable, got {metric!r}.")
    if not (isinstance(n_bags, Integral) and n_bags >= 1):
        raise ValueError(f"n_bags must be an integer >= 1 (1: the whole library, no bagging), got {n_bags!r}.")
    if not (isinstance(bag_fraction, Real) and 0 < bag_fraction <= 1):
        raise ValueError(f"bag_fraction must lie in (0, 1], got {bag_fraction!r}.")
    if n_init != "auto" and not (isinstance(n_init, Integral) and n_init >= 0):
        raise ValueError(f"n_init must be 'auto' or an integer >= 0, got {n_init!r}.")
    if not (isinstance(n_steps, Integral) and n_steps >= 0):
        raise ValueError(f"n_steps must be an integer >= 0, got {n_steps!r}.")
