"""The choice among small models: each is taught, each also learns alone, and held-out rows decide.

All candidates learn from one transfer set, and once more from the original rows without a teacher. Without a
budget the smallest model is taken whose error is within one standard error of the best one's (Breiman et al. 1984,
"Classification and Regression Trees", section 3.4.3; the standard error here is that of the difference, over
paired rows); within a budget, the best.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone, is_classifier
from threadpoolctl import threadpool_limits

from compress.evaluation import latency, progress, squared_errors
from compress.schema import take
from compress.search._candidates import Candidate
from compress.search._choice_figure import draw_choice
from compress.search._limits import Budget
from compress.students import described
from compress.transfer import TransferSet

__all__ = ["TRIAL_SHARE", "StudentSearch", "choice_passes", "choose_student"]

logger = logging.getLogger(__name__)

STAGES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 250, 300)  # rounds of trees that are judged
TRIAL_SHARE = 0.4  # of the passes of a full training
FEWEST_PASSES = 4
TIMED_ROWS = 10_000


@dataclass(frozen=True)
class StudentSearch:
    """What `choose_student` found.

    Attributes
    ----------
    student : estimator
        The chosen model, not fitted.
    taught : bool
        Whether it is to learn from the teacher; False where it was better without one.
    rows : list of dict
        One row per candidate, in order of size: `family`, `model` (in words), `bytes`, `us_per_row` (10,000 rows at a
        time through `predictor()`, one thread), `error` (RMSE on the validation rows), `standard_error`,
        `untaught_error` (of the same candidate fitted on the original rows alone; None without labels), `within` (the
        budget), `frontier` (whether no smaller candidate is as good) and `chosen`.
    teacher_error : float or None
        The RMSE of the teacher on the validation rows.
    """

    student: object = field(repr=False)
    taught: bool
    rows: list = field(repr=False)
    teacher_error: float | None = None

    @property
    def chosen(self) -> str:
        """The choice in words."""
        return next(row["model"] for row in self.rows if row["chosen"]) + ("" if self.taught else ", untaught")

    def to_frame(self):
        """Return the rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_markdown(self) -> str:
        """Return the rows as a Markdown table; the choice is marked."""
        lines = ["| candidate | bytes | µs per row | error | untaught | |", "|---|--:|--:|--:|--:|---|"]
        for row in self.rows:
            plain = "-" if row["untaught_error"] is None else f"{row['untaught_error']:.4f}"
            notes = [] if not row["chosen"] else ["chosen" if self.taught else "chosen, untaught"]
            notes += ["frontier"] if row["frontier"] else []
            notes += [] if row["within"] else ["over budget"]
            lines.append(
                f"| {row['model']} | {row['bytes']:,} | {row['us_per_row']:.3f} "
                f"| {row['error']:.4f} ± {row['standard_error']:.4f} | {plain} | {', '.join(notes)} |"
            )
        if self.teacher_error is not None:
            lines += ["", f"Teacher's error: {self.teacher_error:.4f}."]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.to_markdown()

    _repr_markdown_ = to_markdown

    def plot(self):
        """Draw error against bytes, taught and untaught, with the frontier and the teacher, and return the figure.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        return draw_choice(self)


@dataclass(frozen=True)
class _Tried:
    """A candidate that has learned: the model as it would be made again, its file, and its error on each row."""

    student: object
    fitted: object
    taught: bool
    bytes: int
    errors: np.ndarray

    @property
    def error(self) -> float:
        return float(np.sqrt(self.errors.mean()))

    @property
    def standard_error(self) -> float:
        """That of the RMSE, by linearisation."""
        spread = self.errors.std(ddof=min(1, len(self.errors) - 1)) / np.sqrt(len(self.errors))
        return float(0.5 * spread / max(self.error, 1e-300))


def choose_student(
    candidates: list[Candidate],
    data: TransferSet,
    X_val,
    y_val,
    *,
    original=None,
    budget: Budget | None = None,
    teacher_errors=None,
    share: float = TRIAL_SHARE,
    verbose: int = 0,
) -> StudentSearch:
    """Teach all candidates, let each learn alone too, and choose on validation rows.

    Parameters
    ----------
    candidates : list of Candidate
        The models that compete.
    data : TransferSet
        The transfer set that each learns from; the passes of nets are fewer than in a full training.
    X_val, y_val : table and array
        Validation rows and what they are judged by: labels, values, or a teacher's outputs. Never pass test rows.
    original : (table, labels, weights or None), optional
        The original rows, for the models without a teacher; None leaves them out.
    budget : Budget, optional
        The limits. With a tolerance the smallest model that keeps it is chosen.
    teacher_errors : float array of shape (n_val,), optional
        The squared errors of the teacher on the validation rows; a tolerance needs them.
    share : float, default=TRIAL_SHARE
        The share of the passes of a full training that a net makes.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.

    Returns
    -------
    StudentSearch

    Raises
    ------
    ValueError
        No candidate is within the budget.
    """
    jobs = [(candidate, taught) for candidate in candidates for taught in (True, False) if taught or original]
    tried = {}
    for candidate, taught in progress(jobs, len(jobs), "candidates", "student", verbose):
        limit = None if budget is None else budget.bytes
        found = _tried(candidate.student, data, original, X_val, y_val, taught, limit, share)
        logger.info("%s, %s: %d bytes, error %.4f", candidate.family, taught, found.bytes, found.error)
        tried[id(candidate), taught] = found
    rows = []
    for candidate in candidates:
        own, plain = tried[id(candidate), True], tried.get((id(candidate), False))
        speed = _microseconds(own.fitted, data)
        rows.append(
            {
                "family": candidate.family,
                "model": described(own.fitted),
                "bytes": own.bytes,
                "us_per_row": speed,
                "error": own.error,
                "standard_error": own.standard_error,
                "untaught_error": None if plain is None else plain.error,
                "within": budget is None
                or (own.bytes <= (budget.bytes or np.inf) and speed <= (budget.us_per_row or np.inf)),
                "frontier": False,
                "chosen": False,
                "_tried": [own] + [plain] * (plain is not None),
            }
        )
    rows.sort(key=lambda row: (row["bytes"], row["error"]))
    best = np.inf
    for row in rows:
        if row["error"] < best:
            row["frontier"], best = True, row["error"]
    chosen = _chosen(rows, budget, teacher_errors)
    for row in rows:
        row["chosen"] = any(entry is chosen for entry in row.pop("_tried"))
    error = None if teacher_errors is None else float(np.sqrt(np.mean(teacher_errors)))
    return StudentSearch(chosen.student, chosen.taught, rows, error)


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
    """
    return max(FEWEST_PASSES, round(share * student.steps_for(n_rows).max_epochs))


def _chosen(rows: list[dict], budget: Budget | None, teacher_errors) -> _Tried:
    """Return the model that is taken: the best within a budget, else the smallest of those near the best."""
    entries = [entry for row in rows if row["within"] for entry in row["_tried"]]
    if not entries:
        nearest = min(rows, key=lambda row: row["bytes"])
        raise ValueError(
            f"no student meets {budget!r}: the smallest is {nearest['model']}, {nearest['bytes']:,} bytes and "
            f"{nearest['us_per_row']:.3f} µs per row. Allow that much, or give it fewer columns and categories."
        )
    best = min(entries, key=lambda entry: (entry.error, entry.bytes))
    if budget is not None and budget.tolerance is not None:
        largest = (1 + budget.tolerance) * np.sqrt(np.mean(teacher_errors))
        near = [entry for entry in entries if entry.error <= largest]
        if not near:
            warnings.warn(
                f"no student is within tolerance={budget.tolerance:g} of the teacher's error: the nearest, "
                f"{described(best.fitted)}, has {best.error:.4f} and is kept.",
                UserWarning,
                stacklevel=3,
            )
    elif budget is not None:
        return best
    else:
        near = [entry for entry in entries if _as_good(entry.errors, best.errors)]
    return min(near or [best], key=lambda entry: (entry.bytes, entry.error))


def _as_good(errors: np.ndarray, best: np.ndarray) -> bool:
    """Whether errors are within one standard error of the difference, over paired rows, from those of the best."""
    worse = errors - best
    return bool(worse.mean() <= worse.std(ddof=min(1, len(worse) - 1)) / np.sqrt(len(worse)))


def _tried(student, data: TransferSet, original, X_val, y_val, taught: bool, limit, share) -> _Tried:
    """Let a candidate learn, from the teacher or alone, and judge it."""
    model = clone(student)
    if hasattr(model, "hidden_layer_sizes"):
        if taught:
            model.set_params(max_epochs=choice_passes(model, len(data), share)).fit(data)
        else:
            model.set_params(early_stopping=True).fit(original[0], original[1], original[2])
            student = clone(student).set_params(early_stopping=True)
        return _Tried(student, model, taught, len(model.to_bytes()), _errors(model, X_val, y_val))
    model = model.fit(data) if taught else model.fit(original[0], original[1], original[2])
    best = None
    for n_iter in (n for n in STAGES if n <= model.n_iter_):
        stage = model.truncated(n_iter)
        size = len(stage.to_bytes())
        if limit is not None and size > limit and best is not None:
            break
        judged = _Tried(clone(student).set_params(max_iter=n_iter), stage, taught, size, _errors(stage, X_val, y_val))
        if best is None or judged.error < best.error:
            best = judged
    return best


def _errors(model, X, y) -> np.ndarray:
    """Return the squared error of each row."""
    if is_classifier(model):
        return squared_errors(y, model.predict_proba(X), model.classes_)
    error = model.predict(X)
    return ((error - np.reshape(y, error.shape)) ** 2).reshape(len(error), -1).mean(axis=1)


def _microseconds(model, data: TransferSet) -> float:
    rows = take(data.X, slice(0, min(len(data), TIMED_ROWS)))
    with threadpool_limits(1):
        return latency(model.predictor(), rows, n_rows=TIMED_ROWS, repeats=3).median / TIMED_ROWS * 1e6
