"""What student and teacher cost: parameters, bytes, microseconds per row with one thread."""

from __future__ import annotations

import contextlib
import pickle

from sklearn.frozen import FrozenEstimator
from threadpoolctl import threadpool_limits

from compress.evaluation import Latency, latency, size_bytes
from compress.report._measures import PREDICTOR, measure
from compress.teachers import in_teachers_order

__all__ = ["THREADS", "costs", "one_thread"]

TIMED_SECONDS = 0.5  # for each latency at least, in at least three calls
THREADS = 1
NAMED = {1: "single", 10_000: "batch"}  # batch sizes that have a word in the key


def costs(student, teacher, X, teacher_rows, classifier: bool, latency_rows) -> list[dict]:
    """Return rows of `Report.measures`; the quotient is the teacher's cost divided by the student's.

    `X` has the rows for the student, `teacher_rows` the same ones for the teacher.
    """
    rows = [measure("cost", "parameters", student.n_parameters_)]
    ours, theirs = size_bytes(student), _bytes_if_any(teacher)
    rows.append(measure("cost", "bytes", ours, theirs, None if theirs is None else theirs / ours))
    method = "predict_proba" if classifier and hasattr(teacher, "predict_proba") else "predict"
    checked, bare = (student.predict_proba if classifier else student.predict), student.predictor()
    with one_thread(teacher):
        for n_rows in latency_rows:
            key = f"us_per_row_{NAMED.get(n_rows, n_rows)}"
            slow = _timed(getattr(teacher, method), in_teachers_order(teacher, teacher_rows), n_rows)
            rows.append(_latency_row(key, _timed(checked, X, n_rows), slow))
            rows.append(_latency_row(key + PREDICTOR, _timed(bare, X, n_rows), slow))
    return rows


def _bytes_if_any(teacher) -> int | None:
    """Return the bytes of a teacher; None for an object that cannot be pickled, such as one of a local class."""
    try:
        return size_bytes(teacher)
    except (AttributeError, TypeError, pickle.PicklingError):
        return None


def _timed(predict, X, n_rows: int) -> Latency:
    return latency(predict, X, n_rows=n_rows, repeats=3, seconds=TIMED_SECONDS)


def _latency_row(key: str, fast: Latency, slow: Latency) -> dict:
    micro = 1e6 / slow.n_rows
    return measure(
        "cost",
        key,
        fast.median * micro,
        slow.median * micro,
        slow.median / fast.median,
        student_low=fast.low * micro,
        student_high=fast.high * micro,
        teacher_low=slow.low * micro,
        teacher_high=slow.high * micro,
    )


@contextlib.contextmanager
def one_thread(model):
    """Use one thread in BLAS and OpenMP, and `n_jobs=1` everywhere in a scikit-learn estimator, inside the block.

    Parameters
    ----------
    model : object
        The estimator, whose `n_jobs` are set back after the block.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from compress.report import one_thread
    >>> forest = RandomForestClassifier(n_jobs=2)
    >>> with one_thread(forest):
    ...     print(forest.n_jobs)
    ...
    1
    >>> forest.n_jobs
    2
    """
    while isinstance(model, FrozenEstimator):  # its parameters cannot be set from outside
        model = model.estimator
    parameters = model.get_params() if hasattr(model, "get_params") else {}
    jobs = {k: v for k, v in parameters.items() if k == "n_jobs" or k.endswith("__n_jobs")}
    with threadpool_limits(THREADS):
        if jobs:
            model.set_params(**dict.fromkeys(jobs, 1))
        try:
            yield
        finally:
            if jobs:
                model.set_params(**jobs)
