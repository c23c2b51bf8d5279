"""Choosing MUNGE's p and s for a data set, on validation rows, at small cost.

For each pair a small transfer set is generated from the training rows and labelled by the teacher, and a
student learns from it. The pair whose student is best on the validation rows is chosen if it is
better than the default pair by more than chance.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import norm
from sklearn.base import clone
from sklearn.utils import check_random_state

from compress._random import draw_seed
from compress.evaluation import progress, squared_errors
from compress.generators import MUNGE
from compress.schema import as_table, compared_labels, compared_values
from compress.students import StudentClassifier, StudentRegressor, fit_together, fits_at_once
from compress.teachers import known_classes, task_of
from compress.transfer import TransferSet

__all__ = ["PAIRS", "TRIAL_EPOCHS", "MungeSearch", "judged_by", "trial_errors", "trial_student", "tune_munge"]

logger = logging.getLogger(__name__)

# A coarse cover of what was best in experiments.munge_parameters: little exchange on LETTER, much on ADULT,
# noise on COVTYPE.
# The first, MUNGE's default, is kept when none is better by more than chance.
PAIRS = ((0.1, 1.0), (0.1, 5.0), (0.2, 5.0), (0.2, 1.0), (0.5, 2.0))
TRIAL_EPOCHS = 25  # of the student of a trial
LEVEL = 0.05  # of the one-sided test that another pair must pass, all pairs together


@dataclass(frozen=True)
class MungeSearch:
    """What `tune_munge` found.

    Attributes
    ----------
    p, s : float
        The chosen pair.
    scores : list of dict, default=[]
        The values `p`, `s` and `rmse` on the validation rows for each pair, in the order tried; the squared errors of
        several repeats are averaged.
    """

    p: float
    s: float
    scores: list = field(default_factory=list)


def tune_munge(
    X,
    teacher,
    X_val,
    y_val,
    *,
    pairs: Sequence[tuple[float, float]] = PAIRS,
    n_rows: int | None = None,
    munge: MUNGE | None = None,
    student=None,
    labels: str = "soft",
    repeats: int = 1,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state=None,
) -> MungeSearch:
    """Choose p and s of MUNGE by the validation error of students taught with them.

    Parameters
    ----------
    X : DataFrame or array of shape (n_train, n_columns)
        The training rows, from which MUNGE starts; never pass test rows.
    teacher : fitted estimator
        The teacher, which labels the generated rows.
    X_val, y_val : table and array
        Validation rows and their true labels; neither teacher nor generator was fitted on them.
    pairs : sequence of (p, s), default=PAIRS
        The pairs to try. The first is kept unless the best of the others has a validation error that is lower by more
        than chance allows for (one-sided, 5 % over all pairs: 2.24 standard errors of the difference for four others),
        since a thousand rows do not show small differences reliably.
    n_rows : int, optional
        The size of each trial's transfer set, original rows included; by default 5 times that of `X` and at least
        10,000. Rows of a larger p differ more from each other, which may help only when there are many: pass the size
        of the final set where time allows.
    munge : MUNGE, optional
        A MUNGE with the other parameters (neighbors, clip, schema, ...).
    student : estimator, optional
        A `StudentClassifier` or `StudentRegressor`; by default it has 128 hidden units and 25 epochs in batches of 128,
        since a student that has not learned its targets cannot tell the pairs apart.
    labels : {"soft", "logits", "hard"}, default="soft"
        The labels of the trials' transfer sets; see `TransferSet.from_teacher`.
    repeats : int, default=1
        The number of trials per pair, with different seeds; their errors are averaged.
    n_jobs : int, optional
        The number of parallel trials, as in joblib. The choice does not depend on it.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the seeds of the trials.

    Returns
    -------
    MungeSearch

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress import StudentClassifier
    >>> from compress.search import tune_munge
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = X[:, 0] > 0
    >>> tree = DecisionTreeClassifier(max_depth=2).fit(X[:60], y[:60])
    >>> quick = {"n_rows": 120, "student": StudentClassifier((4,), max_epochs=2), "random_state": 0}
    >>> search = tune_munge(X[:60], tree, X[60:], y[60:], pairs=[(0.1, 1.0), (0.5, 2.0)], **quick)
    >>> (search.p, search.s) in [(0.1, 1.0), (0.5, 2.0)], len(search.scores)
    (True, 2)
    """
    if not pairs:
        raise ValueError("pairs must hold at least one (p, s), got none.")
    X, X_val = as_table(X), as_table(X_val)
    y_val = judged_by(teacher, X_val, y_val)
    n_rows = max(5 * len(X), 10_000) if n_rows is None else n_rows
    rng = check_random_state(random_state)
    munge = MUNGE() if munge is None else munge
    student = trial_student(teacher) if student is None else student
    seeds = [draw_seed(rng) for _ in range(repeats)]
    trials = [  # the same seeds for all pairs: they differ in p and s only
        (clone(munge).set_params(p=p, s=s, random_state=seed), clone(student).set_params(random_state=seed))
        for p, s in pairs
        for seed in seeds
    ]
    made, judged = (teacher, X, n_rows, labels), (X_val, y_val)
    at_once = fits_at_once(student)
    done = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_labelled)(generator, *made) if at_once else delayed(_trial)(generator, learner, *made, *judged)
        for generator, learner in trials
    )
    found = list(progress(done, len(trials), "choosing p and s", "trial", verbose))
    if at_once:
        learned = fit_together([learner for _, learner in trials], found, n_jobs=n_jobs)
        found = [trial_errors(learner, data, *judged) for learner, data in zip(learned, found)]
    errors = np.stack(found).reshape(len(pairs), repeats, -1).mean(axis=1)
    scores = [{"p": p, "s": s, "rmse": float(np.sqrt(e.mean()))} for (p, s), e in zip(pairs, errors)]
    logger.info("validation RMSE by p and s: %s", scores)
    best = min(range(len(scores)), key=lambda i: scores[i]["rmse"])
    chosen = scores[best if _clearly_better(errors[best], errors[0], len(pairs) - 1) else 0]
    return MungeSearch(chosen["p"], chosen["s"], scores)


def _labelled(generator, teacher, X, n_rows: int, labels: str) -> TransferSet:
    """Return the transfer set of a trial."""
    return TransferSet.from_teacher(teacher, X, generator=generator.fit(X), n_rows=n_rows, labels=labels)


def _trial(generator, student, teacher, X, n_rows: int, labels: str, X_val, y_val) -> np.ndarray:
    """Return the squared error of each validation row, by a student of a transfer set of its own."""
    data = _labelled(generator, teacher, X, n_rows, labels)
    return trial_errors(student.fit(data), data, X_val, y_val)


def trial_student(teacher):
    """Return the student with which settings are compared: small, but trained until it has learned its targets.

    Parameters
    ----------
    teacher : estimator
        The teacher, whose task decides on the class of the student.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from compress.search import trial_student
    >>> trial_student(DecisionTreeRegressor()).hidden_layer_sizes
    (128,)
    """
    Student = StudentClassifier if task_of(teacher) == "classification" else StudentRegressor
    return Student((128,), max_epochs=TRIAL_EPOCHS, batch_size=128)


def trial_errors(student, data: TransferSet, X_val, y_val) -> np.ndarray:
    """Return a student's squared error for each validation row.

    Parameters
    ----------
    student : StudentClassifier or StudentRegressor
        The fitted student.
    data : TransferSet
        What the student has learned from.
    X_val, y_val : table and array
        The validation rows and their labels or values.

    Returns
    -------
    float64 array of shape (n_val,)
        The errors.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier, TransferSet
    >>> from compress.search import trial_errors
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> data = TransferSet(X[:60], np.eye(2)[y[:60]], "probabilities", classes=np.array([0, 1]))
    >>> student = StudentClassifier((4,), max_epochs=2, random_state=0).fit(data)
    >>> trial_errors(student, data, X[60:], y[60:]).shape
    (20,)
    """
    if data.kind != "values":
        return squared_errors(compared_labels(y_val, len(X_val), "y_val"), student.predict_proba(X_val), data.classes)
    predicted = student.predict(X_val)
    return np.square(compared_values(y_val, len(X_val), "y_val", predicted[0].size) - predicted)


def judged_by(teacher, X_val, y_val) -> np.ndarray:
    """Return the labels or values of validation rows, checked before any long work."""
    if task_of(teacher) == "regression":
        return compared_values(y_val, len(X_val), "y_val")
    return compared_labels(y_val, len(X_val), "y_val", known_classes(teacher))


def _clearly_better(errors: np.ndarray, reference: np.ndarray, n_others: int) -> bool:
    """Whether the best of `n_others` has a mean squared error that is lower than the reference by more than chance."""
    gain = reference - errors
    needed = norm.isf(LEVEL / max(n_others, 1))  # Bonferroni's correction
    return bool(gain.mean() > needed * gain.std() / np.sqrt(len(gain)))
