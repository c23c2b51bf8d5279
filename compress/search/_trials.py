"""Trials of small models: each candidate is taught, each also learns alone, and held-out rows judge them.

All candidates learn from one transfer set, and once more from the original rows without a teacher. Trees are
judged at several numbers of rounds of one fit, so that they can be cut to any budget. Taught nets make a part of their
passes only; the best of them then learns as long as it will after the choice, since trees have learned all they can.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone, is_classifier
from threadpoolctl import threadpool_limits

from compress.evaluation import latency, progress, row_errors
from compress.schema import take
from compress.search._candidates import Candidate
from compress.students import described
from compress.transfer import TransferSet

__all__ = ["TRIAL_SHARE", "Outcome", "Trial", "best_outcome", "choice_passes", "long_share", "try_candidates"]

logger = logging.getLogger(__name__)

STAGES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 250, 300)  # rounds of trees that are judged
TRIAL_SHARE = 0.15  # of the passes of a full training
FEWEST_PASSES = 10
TIMED_ROWS = 10_000
MOST_COPIES = 200_000  # of rows for trees of more than two classes, which learn from a copy of each row for each class


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a model came to.

    Parameters
    ----------
    student : estimator
        The model, not fitted, as it is to be made again.
    fitted : estimator
        The model that was judged.
    taught : bool
        Whether it learned from the teacher.
    bytes : int
        The size of its file.
    errors : float64 array of shape (n_val,)
        Its squared error on each validation row.
    distances : float64 array of shape (n_val,), optional
        The squared distance of its answer to that of the teacher on each validation row; None where these are not
        known.
    """

    student: object = field(repr=False)
    fitted: object = field(repr=False)
    taught: bool
    bytes: int
    errors: np.ndarray = field(repr=False)
    distances: np.ndarray | None = field(default=None, repr=False)

    @property
    def error(self) -> float:
        """The RMSE on the validation rows."""
        return float(np.sqrt(self.errors.mean()))

    @property
    def standard_error(self) -> float:
        """The standard error of the RMSE, by linearisation."""
        spread = self.errors.std(ddof=min(1, len(self.errors) - 1)) / np.sqrt(len(self.errors))
        return float(0.5 * spread / self.error) if self.error > 0 else 0.0

    def excess_over(self, other: Outcome) -> float:
        """Return by how much its mean squared error is larger than that of another, by the labels and the teacher.

        Labels are drawn at random, and a few hundred do not tell good models apart. A teacher's answers are
        probabilities: the difference of two models' distances to it has less noise, but is biased where one of the
        models knows better than the teacher. The two differences are averaged; the teacher's weighs as much as the
        sampling variance of the gap between them explains of the gap's square, and 1 where it explains all of it.

        Parameters
        ----------
        other : Outcome
            The outcome of another model on the same rows.
        """
        by_labels = self.errors - other.errors
        if self.distances is None or other.distances is None:
            return float(by_labels.mean())
        gap = self.distances - other.distances - by_labels
        noise, squared_gap = gap.var(ddof=min(1, len(gap) - 1)) / len(gap), gap.mean() ** 2
        return float(by_labels.mean() + (noise / max(noise, squared_gap) if noise > 0 else 0.0) * gap.mean())

    def as_good_as(self, other: Outcome) -> bool:
        """Whether the error is within one standard error of the difference, over paired rows, from that of another.

        Parameters
        ----------
        other : Outcome
            The outcome of another model on the same rows.
        """
        worse = self.errors - other.errors
        return bool(worse.mean() <= worse.std(ddof=min(1, len(worse) - 1)) / np.sqrt(len(worse)))


@dataclass(frozen=True)
class Trial:
    """A candidate with all that it came to.

    Parameters
    ----------
    family : str
        The family of the candidate.
    taught, untaught : list of Outcome
        What it came to with and without the teacher: one outcome of a net, several of trees, in order of their bytes.
        Without labels `untaught` is empty.
    """

    family: str
    taught: list
    untaught: list

    def best(self, *, taught: bool, most_bytes: float | None = None, economical: bool = False) -> Outcome | None:
        """Return the best outcome within a number of bytes, or None.

        It is the one of least error; if it was taught, that of `best_outcome`.

        Parameters
        ----------
        taught : bool
            Whether it learned from the teacher.
        most_bytes : float, optional
            The largest size of the file.
        economical : bool, default=False
            Whether the smallest outcome that is as good as the best one is returned instead.
        """
        outcomes = self.taught if taught else self.untaught
        fitting = [outcome for outcome in outcomes if most_bytes is None or outcome.bytes <= most_bytes]
        best = min(fitting, key=lambda outcome: (outcome.error, outcome.bytes), default=None)
        if best is None:
            return None
        if not economical:
            return best_outcome(fitting) if taught else best
        return min((o for o in fitting if o.as_good_as(best)), key=lambda outcome: (outcome.bytes, outcome.error))


def best_outcome(outcomes: list[Outcome]) -> Outcome:
    """Return the best of some outcomes: of least excess over the one of least error, see `Outcome.excess_over`.

    Parameters
    ----------
    outcomes : list of Outcome
        The outcomes, of which there is at least one.
    """
    first = min(outcomes, key=lambda outcome: (outcome.error, outcome.bytes))
    return min(outcomes, key=lambda outcome: (outcome.excess_over(first), outcome.bytes))


def try_candidates(
    candidates: list[Candidate],
    data: TransferSet,
    X_val,
    y_val,
    *,
    teacher_val=None,
    original=None,
    share: float = TRIAL_SHARE,
    verbose: int = 0,
) -> list[Trial]:
    """Teach all candidates, let each learn alone too, and judge them on validation rows.

    Parameters
    ----------
    candidates : list of Candidate
        The models that compete.
    data : TransferSet
        The transfer set that each learns from.
    X_val, y_val : table and array
        Validation rows and what they are judged by: labels, values, or a teacher's outputs. Never pass test rows.
    teacher_val : float array, optional
        The teacher's probabilities or values for `X_val`, in the form of `compress.teachers.teacher_outputs`. They
        count beside the labels, see `Outcome.excess_over`.
    original : (table, labels, weights or None), optional
        The original rows, for the models without a teacher; None leaves them out.
    share : float, default=TRIAL_SHARE
        The share of the passes of a full training that a net makes when it is taught; the best net then makes them
        all, or the same part of them where the share is below the default. Without a teacher a net makes all, and
        stops early on rows of its own.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.

    Returns
    -------
    list of Trial

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier, TransferSet
    >>> from compress.search import Candidate, try_candidates
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> data = TransferSet(X[:60], np.eye(2)[y[:60]], "probabilities", classes=np.array([0, 1]))
    >>> small = [Candidate(StudentClassifier((units,), max_epochs=5, random_state=0)) for units in (4, 8)]
    >>> trials = try_candidates(small, data, X[60:], y[60:])
    >>> [(trial.family, len(trial.taught), len(trial.untaught)) for trial in trials]
    [('net', 1, 0), ('net', 1, 0)]
    """
    outcomes, nets = {}, [candidate for candidate in candidates if hasattr(candidate.student, "hidden_layer_sizes")]

    def lessons():
        for candidate in candidates:
            yield candidate, True, share
            if original:
                yield candidate, False, None
        if nets:
            yield _best_net(nets, outcomes), True, long_share(share)

    n_lessons = len(candidates) * (1 + bool(original)) + bool(nets)
    for candidate, taught, passes in progress(lessons(), n_lessons, "candidates", "student", verbose):
        rows = (data,) if taught else original
        found = _outcomes(candidate.student, rows, X_val, y_val, teacher_val, passes)
        logger.info("%s: error %.4f", described(found[-1].fitted), found[-1].error)
        outcomes[id(candidate), taught] = found
    return [
        Trial(candidate.family, outcomes[id(candidate), True], outcomes.get((id(candidate), False), []))
        for candidate in candidates
    ]


def _best_net(nets: list[Candidate], outcomes: dict) -> Candidate:
    """Return the net that was the best when taught."""
    best = best_outcome([outcomes[id(net), True][0] for net in nets])
    return next(net for net in nets if outcomes[id(net), True][0] is best)


def long_share(share: float) -> float:
    """Return the share of the passes of a full training that the best net makes, by the one that all nets make.

    Parameters
    ----------
    share : float
        The share of all nets, as of `try_candidates`.

    Examples
    --------
    >>> from compress.search import TRIAL_SHARE, long_share
    >>> long_share(TRIAL_SHARE), long_share(TRIAL_SHARE / 2)
    (1.0, 0.5)
    """
    return min(1.0, share / TRIAL_SHARE)


def choice_passes(student, n_rows: int, share: float = TRIAL_SHARE) -> int:
    """Return how often a net that competes passes over its rows.

    Parameters
    ----------
    student : StudentClassifier or StudentRegressor
        The net.
    n_rows : int
        The number of rows of the transfer set.
    share : float, default=TRIAL_SHARE
        The share of the passes of a full training.

    Examples
    --------
    >>> from compress import StudentClassifier
    >>> from compress.search import choice_passes
    >>> choice_passes(StudentClassifier(max_epochs=200), n_rows=50_000)
    30
    """
    most = student.steps_for(n_rows).max_epochs
    return min(most, max(FEWEST_PASSES, round(share * most)))


def microseconds(model, data: TransferSet) -> float:
    """Return the time per row of a fitted model, 10,000 rows at a time in one thread."""
    rows = take(data.X, slice(0, min(len(data), TIMED_ROWS)))
    with threadpool_limits(1):
        return latency(model.predictor(), rows, n_rows=TIMED_ROWS, repeats=3).median / TIMED_ROWS * 1e6


def _outcomes(student, rows, X_val, y_val, teacher_val, share: float | None) -> list[Outcome]:
    """Let a candidate learn, with the teacher when `share` is given, and judge it."""
    taught = share is not None
    if not hasattr(student, "hidden_layer_sizes"):
        if taught and rows[0].kind == "probabilities" and len(rows[0].classes) > 2:
            rows = (rows[0].head(min(len(rows[0]), MOST_COPIES // len(rows[0].classes))),)
        grown = clone(student).fit(*rows)
        stages = [n for n in STAGES if n < grown.n_iter_] + [grown.n_iter_]
        kept = [(clone(student).set_params(max_iter=n), grown.truncated(n)) for n in stages]
    elif taught:
        passes = choice_passes(student, len(rows[0]), share)
        kept = [(student, clone(student).set_params(max_epochs=passes).fit(*rows))]
    else:  # it would overfit without that
        student = clone(student).set_params(early_stopping=True)
        kept = [(student, clone(student).fit(*rows))]
    outcomes = []
    for unfitted, model in kept:
        output = model.predict_proba(X_val) if is_classifier(model) else model.predict(X_val)
        classes = getattr(model, "classes_", None)
        errors, distances = (
            None if wanted is None else row_errors(wanted, output, classes).reshape(len(output), -1).mean(axis=1)
            for wanted in (y_val, teacher_val)
        )
        outcomes.append(Outcome(unfitted, model, taught, len(model.to_bytes()), errors, distances))
    return outcomes
