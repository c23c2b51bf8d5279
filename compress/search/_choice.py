"""The choice among small models that were tried on held-out rows.

Without a budget the smallest model is taken whose error is within one standard error of the best one's (Breiman et al.
1984, "Classification and Regression Trees", section 3.4.3; the standard error here is that of the difference, over
paired rows); within a budget, the best by labels and teacher together, see `Outcome.excess_over`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from compress.search._choice_figure import draw_choice
from compress.search._limits import Budget
from compress.search._trials import Outcome, Trial, best_outcome, microseconds
from compress.students import described
from compress.transfer import TransferSet

__all__ = ["StudentSearch", "choose_student"]


@dataclass(frozen=True)
class StudentSearch:
    """What `choose_student` found.

    Attributes
    ----------
    student : estimator
        The chosen model, not fitted.
    chosen : str
        The chosen model in words.
    taught : bool
        Whether it is to learn from the teacher; False where it was better without one.
    rows : list of dict
        One row per candidate, in order of size: `family`, `model` (in words), `bytes`, `us_per_row` (10,000 rows at a
        time through `predictor()`, one thread), `error` (RMSE on the validation rows), `standard_error`,
        `untaught_error` (of the same candidate fitted on the original rows alone; None without labels), `within` (the
        budget), `frontier` (whether no smaller candidate is as good) and `chosen`.
    teacher_error : float or None
        The RMSE of the teacher on the validation rows; None where it may have learned from them.
    """

    student: object = field(repr=False)
    chosen: str
    taught: bool
    rows: list = field(repr=False)
    teacher_error: float | None = None

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


def choose_student(
    trials: list[Trial], data: TransferSet, *, budget: Budget | None = None, teacher_errors=None
) -> StudentSearch:
    """Choose among the models of some trials.

    Parameters
    ----------
    trials : list of Trial
        The result of `try_candidates`.
    data : TransferSet
        Rows by which the models are timed.
    budget : Budget, optional
        The limits, within which the best model is chosen. With a tolerance it is the smallest that keeps it.
    teacher_errors : float array of shape (n_val,), optional
        The squared errors of the teacher on the validation rows; a tolerance needs them.

    Returns
    -------
    StudentSearch

    Raises
    ------
    ValueError
        No model is within the budget.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier, TransferSet
    >>> from compress.search import Candidate, choose_student, try_candidates
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> data = TransferSet(X[:60], np.eye(2)[y[:60]], "probabilities", classes=np.array([0, 1]))
    >>> small = [Candidate(StudentClassifier((units,), max_epochs=5, random_state=0)) for units in (4, 8)]
    >>> search = choose_student(try_candidates(small, data, X[60:], y[60:]), data)
    >>> type(search.student).__name__, len(search.rows)
    ('StudentClassifier', 2)
    """
    most = None if budget is None else budget.bytes
    rows = []
    for trial in trials:
        own, plain = (trial.best(taught=taught, most_bytes=most, economical=budget is None) for taught in (True, False))
        own = own or trial.taught[0]
        speed = microseconds(own.fitted, data)
        slow = budget is not None and budget.us_per_row is not None and speed > budget.us_per_row
        rows.append(
            {
                "family": trial.family,
                "model": described(own.fitted),
                "bytes": own.bytes,
                "us_per_row": speed,
                "error": own.error,
                "standard_error": own.standard_error,
                "untaught_error": None if plain is None else plain.error,
                "within": not slow and (most is None or own.bytes <= most),
                "frontier": False,
                "chosen": False,
                "outcomes": [own] + [plain] * (plain is not None),
            }
        )
    rows.sort(key=lambda row: (row["bytes"], row["error"]))
    least = np.inf
    for row in rows:
        if row["error"] < least:
            row["frontier"], least = True, row["error"]
    chosen = _chosen(rows, budget, teacher_errors)
    for row in rows:
        row["chosen"] = any(outcome is chosen for outcome in row.pop("outcomes"))
    error = None if teacher_errors is None else float(np.sqrt(np.mean(teacher_errors)))
    words = described(chosen.fitted) + ("" if chosen.taught else ", untaught")
    return StudentSearch(chosen.student, words, chosen.taught, rows, error)


def _chosen(rows: list[dict], budget: Budget | None, teacher_errors) -> Outcome:
    """Return the model that is taken: the best within a budget, else the smallest of those near the best."""
    outcomes = [outcome for row in rows if row["within"] for outcome in row["outcomes"]]
    if not outcomes:
        least = min(rows, key=lambda row: row["bytes"])
        raise ValueError(
            f"no student meets {budget!r}: the smallest is {least['model']}, {least['bytes']:,} bytes and "
            f"{least['us_per_row']:.3f} µs per row. Allow that much, or give it fewer columns and categories."
        )
    best = min(outcomes, key=lambda outcome: (outcome.error, outcome.bytes))
    if budget is None:
        near = [outcome for outcome in outcomes if outcome.as_good_as(best)]
    elif budget.tolerance is None:
        return best_outcome(outcomes)
    else:
        largest = (1 + budget.tolerance) * np.sqrt(np.mean(teacher_errors))
        near = [outcome for outcome in outcomes if outcome.error <= largest]
        if not near:
            warnings.warn(
                f"no student is within tolerance={budget.tolerance:g} of the teacher's error: the nearest, "
                f"{described(best.fitted)}, has {best.error:.4f} and is kept.",
                UserWarning,
                stacklevel=3,
            )
    smallest = min(near or [best], key=lambda outcome: (outcome.bytes, outcome.error))
    # taught or untaught, a candidate has about as many bytes: the better of the two
    (row,) = [row for row in rows if any(outcome is smallest for outcome in row["outcomes"])]
    return best_outcome([o for o in row["outcomes"] if o in near] or [smallest])
