"""A time limit: how fast teacher and student are, and how much of the work fits into the seconds that are left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone

from compress.evaluation import duration
from compress.schema import take
from compress.search import PAIRS, TRIAL_EPOCHS, TRIAL_SHARE, choice_passes, long_share, trial_student
from compress.teachers import answered_classes, teacher_kind
from compress.training import StopTraining
from compress.transfer import TransferSet, label_rows

__all__ = ["Allowance", "Pace", "pace_of", "plan_of", "without_deadline"]

TIMED_SECONDS = 0.3  # of the teacher, at least, where there are rows enough
MOST_ANSWERS = 4096  # of the teacher, while it is timed
TIMED_ROWS = 8192  # of the students
TRIALS_SHARE, STUDENT_SHARE = 0.3, 0.6  # of the time that is left: for choosing p and s, then for the student
FEWEST_TRIAL_ROWS = 2000  # trials of fewer rows tell nothing


@dataclass(frozen=True)
class Pace:
    """Rows in a second: that the teacher answers, that the student and the student of a trial learn in one pass."""

    teacher: float
    student: float
    trial: float

    def labels(self, n_rows: int) -> float:
        """Return the seconds that labelling takes."""
        return n_rows / self.teacher

    def training(self, n_rows: int, max_epochs: int) -> float:
        """Return the seconds that the student's training takes."""
        return n_rows * max_epochs / self.student

    def trials(self, n_rows: int) -> float:
        """Return the seconds that the trials for p and s take."""
        return len(PAIRS) * (self.labels(n_rows) + n_rows * TRIAL_EPOCHS / self.trial)

    def choice(self, candidates, n_rows: int, share: float) -> float:
        """Return the seconds in which all candidates learn, with and without the teacher; trees count as nothing."""
        nets = [candidate.student for candidate in candidates if hasattr(candidate.student, "steps_for")]
        passes = 2 * sum(choice_passes(net, n_rows, share) for net in nets)
        passes += max((choice_passes(net, n_rows, long_share(share)) for net in nets), default=0)
        return self.labels(n_rows) + n_rows * passes / self.student


def pace_of(teacher, student, X, task: str, labels: str, n_rows: int) -> Pace:
    """Time them on a few of the rows: the teacher on blocks that grow, the students on two short passes.

    Parameters
    ----------
    teacher : fitted estimator
    student : StudentClassifier or StudentRegressor
    X : table of the original rows
    task : {"classification", "regression"}
    labels : {"soft", "logits", "hard"}
    n_rows : int
        The size of the transfer set that the student will learn from, which decides on its batches.
    """
    n, answered = min(64, len(X)), None
    while answered is None:
        block = take(X, np.resize(np.arange(len(X)), n))
        started = time.perf_counter()
        targets = label_rows(teacher, block, labels=labels)
        seconds = time.perf_counter() - started
        if seconds >= TIMED_SECONDS or n >= MOST_ANSWERS:
            answered = n / max(seconds, 1e-9)
        else:
            n = min(4 * n, MOST_ANSWERS)
    kind = teacher_kind(task, labels)
    classes = None if task == "regression" else answered_classes(teacher, X, np.arange(targets.shape[1]))
    rows = np.resize(np.arange(len(block)), TIMED_ROWS)
    kind = "probabilities" if kind == "labels" else kind
    data = TransferSet(take(block, rows), targets[rows], kind, classes)
    batch_size = student.steps_for(n_rows).batch_size
    learned = _learned_in_a_second(student.__class__, student.get_params(deep=False), data, batch_size)
    small = trial_student(teacher)
    return Pace(answered, learned, _learned_in_a_second(type(small), small.get_params(deep=False), data, "auto"))


def _learned_in_a_second(kind, parameters: dict, data: TransferSet, batch_size) -> float:
    quick = {"max_epochs": 2, "callbacks": (), "verbose": 0, "early_stopping": False, "warm_start": False}
    batch_size = parameters["batch_size"] if batch_size == "auto" else batch_size
    net = kind(**{**parameters, **quick, "batch_size": batch_size, "random_state": 0}).fit(data)
    return len(data) / max(net.history_[-1]["seconds"], 1e-9)  # the first pass has to warm up


def plan_of(
    pace: Pace, student, n_rows: int, n_trial_rows: int, n_shapes: int, candidates=None, n_choice_rows: int = 0
) -> str:
    """Return what is going to be done, with an estimate of its time, as a line; `n_trial_rows` of 0 means no trials."""
    parts = []
    if n_trial_rows:
        about = duration(pace.trials(n_trial_rows))
        parts.append(f"p and s by {len(PAIRS)} trials of {n_trial_rows:,} rows, about {about}")
    parts.append(f"{n_rows:,} rows for the teacher to label, about {duration(pace.labels(n_rows))}")
    if candidates:
        about = duration(pace.choice(candidates, n_choice_rows, TRIAL_SHARE))
        parts.append(f"{len(candidates)} candidates as student on {n_choice_rows:,} rows, about {about}")
    if n_shapes:
        parts.append(f"{n_shapes} shapes of students")
    epochs = student.steps_for(n_rows).max_epochs
    parts.append(f"{epochs} passes of the student over them, about {duration(pace.training(n_rows, epochs))}")
    return f"plan: {'; '.join(parts)}"


@dataclass(frozen=True)
class StopAt:
    """A callback that ends a training after the epoch in which a moment has passed."""

    moment: float

    def __call__(self, row) -> None:
        if time.monotonic() > self.moment:
            raise StopTraining


def without_deadline(student):
    """A fitted student whose callbacks are those of the user again."""
    kept = tuple(callback for callback in getattr(student, "callbacks", ()) if not isinstance(callback, StopAt))
    return student.set_params(callbacks=kept) if len(kept) < len(getattr(student, "callbacks", ())) else student


@dataclass
class Allowance:
    """What is left of a time limit, and what was left out for it.

    Parameters
    ----------
    limit : float or None
        Seconds from now; None does not limit anything.
    """

    limit: float | None
    left_out: list = field(default_factory=list)

    def __post_init__(self):
        self._end = None if self.limit is None else time.monotonic() + self.limit

    def left(self) -> float:
        """Return the seconds that are left, infinite without a limit."""
        return np.inf if self._end is None else max(self._end - time.monotonic(), 0.0)

    def trial_rows(self, pace: Pace | None, n_rows: int) -> int:
        """Return the rows of each trial for p and s; 0 when the time does not suffice for trials."""
        if self._end is None:
            return n_rows
        if not n_rows:
            return 0
        affordable = int(TRIALS_SHARE * self.left() / pace.trials(1))
        if affordable >= n_rows:
            return n_rows
        if affordable < FEWEST_TRIAL_ROWS:
            self.left_out.append("p and s were not chosen: MUNGE's defaults were taken")
            return 0
        self.left_out.append(f"p and s were chosen with {affordable:,} rows a trial in place of {n_rows:,}")
        return affordable

    def choice(self, pace: Pace | None, candidates, n_rows: int) -> tuple[int, float | None]:
        """Return the rows on which candidates compete and their share of the passes; None means no time for it."""
        if self._end is None:
            return n_rows, TRIAL_SHARE
        seconds = TRIALS_SHARE * self.left()
        rows = max(min(n_rows, int(seconds / 3 * pace.teacher)), 1)
        share = min(1.0, seconds / max(pace.choice(candidates, rows, TRIAL_SHARE), 1e-9)) * TRIAL_SHARE
        if rows < min(FEWEST_TRIAL_ROWS, n_rows) or share < TRIAL_SHARE / 10:
            self.left_out.append("the student was not chosen: a net with 256 hidden units was taken")
            return n_rows, None
        if rows < n_rows or share < TRIAL_SHARE:
            self.left_out.append(f"the student was chosen with {rows:,} rows in place of {n_rows:,}, and fewer passes")
        return rows, share

    def rows_and_epochs(self, pace: Pace | None, student, n_real: int, n_rows: int, n_students: int, reserved: float):
        """Return (rows of the transfer set, passes of the student; None: as many as it has by itself)."""
        if self._end is None:
            return n_rows, None
        seconds = max(self.left() - reserved, 1e-3)
        rows = max(min(n_rows, int((1 - STUDENT_SHARE) * seconds * pace.teacher)), n_real)
        if rows < n_rows:
            self.left_out.append(f"{rows:,} rows were labelled in place of {n_rows:,}")
        if not hasattr(student, "steps_for"):  # trees, which are grown in seconds
            return rows, None
        wanted = student.steps_for(rows).max_epochs
        seconds = max(seconds - pace.labels(rows), STUDENT_SHARE * seconds) / n_students
        epochs = int(seconds * pace.student / rows)
        if epochs >= wanted:
            return rows, None
        self.left_out.append(f"the student passed {max(epochs, 1)} times over the rows in place of {wanted}")
        return rows, max(epochs, 1)

    def limited(self, student, max_epochs: int | None):
        """Return a clone of a student that keeps to the limit."""
        if self._end is None or not hasattr(student, "callbacks"):
            return clone(student)
        changes = {} if max_epochs is None else {"max_epochs": max_epochs}
        return clone(student).set_params(callbacks=(*student.callbacks, StopAt(self._end)), **changes)

    def told(self) -> str | None:
        """Return what was left out, as a sentence; None when nothing was."""
        if not self.left_out:
            return None
        return f"time_limit={self.limit:g} ({duration(self.limit)}): {'; '.join(self.left_out)}."
