"""Teacher against student in one report: quality, fidelity, size, speed, and where the student strays.

`model.report(X, y)` of a compressor, or `compare(teacher, student, X, y)`. A report holds numbers only;
it can be printed, and turned into a DataFrame, Markdown or a figure.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from compress.evaluation import (
    Latency,
    calibration_error,
    classification_metrics,
    fidelity,
    latency,
    regression_metrics,
    size_bytes,
)
from compress.report._figure import draw_report
from compress.report._slices import by_class, by_slice
from compress.teachers import teacher_outputs

__all__ = ["Report", "compare"]

PLOTTED_ROWS = 2000
TIMED_SECONDS = 0.5  # per latency, at least; and at least three calls
THREADS = 1

TASK_NAMES = {"rmse": "RMSE", "auc": "AUC", "log_loss": "log loss", "accuracy": "accuracy", "r2": "R²", "ece": "ECE"}
FIDELITY_NAMES = {"agreement": "agreement", "rmse": "RMSE to teacher", "kl": "KL from teacher", "r2": "R² to teacher"}


@dataclass(frozen=True)
class Report:
    """What `compare` found.

    Attributes
    ----------
    measures : list of dict
        `group` ("task", "fidelity" or "cost"), `measure`, `teacher`, `student`, `quotient` (teacher by
        student, costs only), and for latencies `teacher_low`, `teacher_high`, `student_low`,
        `student_high`. None where there is no such number. Latencies are in microseconds per row.
    classes : list of dict
        Per class: `class`, `rows`, `teacher` and `student` (recall), `agreement`, `rmse` (of the
        probability of the class to the teacher's). Without labels the rows are those the teacher gives
        to the class. Empty for regression.
    slices : list of dict
        Parts of the table, worst fidelity first: `slice`, `rows`, `rmse` to the teacher, and
        `agreement` for classifiers. One column at a time: categories, quarters of the range, missing.
    n_rows, threads : int
        Rows of the report; threads used when latencies were measured.
    points : dict of arrays
        What `plot` draws.
    """

    measures: list
    classes: list
    slices: list
    n_rows: int
    threads: int = THREADS
    points: dict = field(default_factory=dict, repr=False)

    def value(self, measure: str, model: str = "student"):
        """One number of the report, by the name of its measure; `model` may be "quotient" too."""
        for row in self.measures:
            if row["measure"] == measure:
                return row[model]
        raise KeyError(f"measure must be one of {[row['measure'] for row in self.measures]}, got {measure!r}.")

    def to_frame(self):
        """The measures as a pandas DataFrame, indexed by measure."""
        import pandas as pd

        return pd.DataFrame(self.measures).set_index("measure")

    def to_markdown(self) -> str:
        """Measures, classes and the worst slices as Markdown tables."""
        rows = [
            [r["measure"], _number(r, "teacher"), _number(r, "student"), _times(r["quotient"])] for r in self.measures
        ]
        text = _table(["", "teacher", "student", "teacher / student"], rows)
        text += f"\n{self.n_rows:,} rows. Latency: median (fastest-slowest), {self.threads} thread.\n"
        if self.classes:
            worst = sorted(self.classes, key=lambda r: r["agreement"])[:10]
            rows = [
                [r["class"], f"{r['rows']:,}", *(_short(r[k]) for k in ("teacher", "student", "agreement", "rmse"))]
                for r in worst
            ]
            title = "Classes" if len(worst) == len(self.classes) else "The ten classes of least agreement"
            text += f"\n{title}:\n\n" + _table(
                ["class", "rows", "recall, teacher", "recall, student", "agreement", "RMSE to teacher"], rows
            )
        if self.slices:
            keys = [k for k in ("agreement", "rmse") if k in self.slices[0]]
            rows = [[r["slice"], f"{r['rows']:,}", *(_short(r[k]) for k in keys)] for r in self.slices[:5]]
            text += "\nSlices of least fidelity:\n\n" + _table(
                ["slice", "rows", *("RMSE to teacher" if k == "rmse" else k for k in keys)], rows
            )
        return text

    def __str__(self) -> str:
        return self.to_markdown()

    _repr_markdown_ = to_markdown

    def plot(self):
        """Draw predictions of both, calibration (or differences) and the worst slices; returns the figure.

        Raises
        ------
        ImportError
            matplotlib is missing: `pip install compress[plot]`.
        """
        return draw_report(self)


def compare(
    teacher, student, X, y=None, *, latency_rows=(1, 10_000), classes=None, max_slices: int = 20, random_state=0
) -> Report:
    """Compare a student with its teacher on the same rows.

    Parameters
    ----------
    teacher : fitted estimator
    student : fitted StudentClassifier or StudentRegressor
    X : DataFrame or array of shape (n_rows, n_columns)
        Rows that neither has learned from, for numbers that hold elsewhere.
    y : array, optional
        True labels or values; without them there is fidelity only.
    latency_rows : sequence of int
        Batch sizes whose latency is measured; empty for none. All with one thread, `n_jobs=1`.
    classes : array of shape (n_classes,), optional
        Of the teacher's columns; the student's by default.
    max_slices : int
        Slices kept, worst first.
    random_state : int, RandomState or None
        Which rows are drawn in the plot.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        `y` holds a label that is no class, or has another number of rows than `X`.
    """
    if y is not None and len(y) != len(X):
        raise ValueError(f"X and y must have as many rows, got {len(X)} and {len(y)}.")
    classifier = is_classifier(student)
    classes = student.classes_ if classifier and classes is None else classes
    taught, learned = _outputs(teacher, student, X, classifier)
    task = {} if y is None else _task_measures(y, {"teacher": taught, "student": learned}, classes)
    flat = (learned, taught) if classifier else (learned.ravel(), taught.ravel())
    close = fidelity(*flat)
    measures = [_row("task", TASK_NAMES[k], **v) for k, v in task.items()]
    measures += [_row("fidelity", FIDELITY_NAMES[k], student=close[k]) for k in FIDELITY_NAMES if k in close]
    measures += _costs(teacher, student, X, classifier, latency_rows)
    rng = check_random_state(random_state)
    return Report(
        measures,
        by_class(y, taught, learned, classes) if classifier else [],
        by_slice(student.schema_, X, taught, learned, classifier)[:max_slices],
        len(X),
        points=_points(y, taught, learned, classes if classifier else None, rng),
    )


def _outputs(teacher, student, X, classifier: bool):
    if not classifier:
        return teacher_outputs(teacher, X, "values").astype(np.float64), student.predict(X)
    kind = "probabilities" if hasattr(teacher, "predict_proba") else "labels"
    return teacher_outputs(teacher, X, kind).astype(np.float64), student.predict_proba(X)


def _task_measures(y, outputs: dict, classes) -> dict:
    """{metric: {"teacher": value, "student": value}}."""
    found = {}
    for name, output in outputs.items():
        if classes is None:
            values = regression_metrics(y, output)
        else:
            values = {**classification_metrics(y, output, classes), "ece": calibration_error(y, output, classes)}
        for metric, value in values.items():
            found.setdefault(metric, {})[name] = value
    return found


def _row(group: str, measure: str, teacher=None, student=None, quotient=None, **spread) -> dict:
    return {"group": group, "measure": measure, "teacher": teacher, "student": student, "quotient": quotient, **spread}


# ---------------------------------------------------------------- costs
def _costs(teacher, student, X, classifier, latency_rows) -> list[dict]:
    rows = [_row("cost", "parameters", student=student.n_parameters_)]
    size = (size_bytes(teacher), size_bytes(student))
    rows.append(_row("cost", "bytes", *size, size[0] / size[1]))
    method = "predict_proba" if classifier and hasattr(teacher, "predict_proba") else "predict"
    checked, bare = (student.predict_proba if classifier else student.predict), student.predictor()
    with one_thread(teacher):
        for n_rows in latency_rows:
            what = f"µs per row, {n_rows:,} at a time"
            slow = _timed(getattr(teacher, method), X, n_rows)
            rows.append(_latency_row(what, slow, _timed(checked, X, n_rows)))
            rows.append(_latency_row(f"{what}, predictor()", slow, _timed(bare, X, n_rows)))
    return rows


def _timed(predict, X, n_rows: int) -> Latency:
    return latency(predict, X, n_rows=n_rows, repeats=3, seconds=TIMED_SECONDS)


def _latency_row(what: str, slow: Latency, fast: Latency) -> dict:
    micro = 1e6 / slow.n_rows
    return _row(
        "cost",
        what,
        slow.median * micro,
        fast.median * micro,
        slow.median / fast.median,
        teacher_low=slow.low * micro,
        teacher_high=slow.high * micro,
        student_low=fast.low * micro,
        student_high=fast.high * micro,
    )


@contextlib.contextmanager
def one_thread(model):
    """BLAS and OpenMP with one thread, and every `n_jobs` of a scikit-learn estimator 1, inside the block."""
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


# ---------------------------------------------------------------- figure and text
def _points(y, taught, learned, classes, rng) -> dict:
    rows = rng.permutation(len(taught))[:PLOTTED_ROWS]
    if classes is None:
        flat = taught.reshape(len(taught), -1), learned.reshape(len(taught), -1)
        return {"teacher": flat[0][rows, 0], "student": flat[1][rows, 0]}
    column = np.ones(len(taught), dtype=int) if len(classes) == 2 else taught.argmax(axis=1)
    every = np.arange(len(taught))
    points = {"teacher": taught[every, column][rows], "student": learned[every, column][rows]}
    if y is not None:
        codes = np.argmax(np.asarray(y)[:, None] == np.asarray(classes)[None, :], axis=1)
        for name, p in (("teacher", taught), ("student", learned)):
            points[f"{name}_confidence"], points[f"{name}_right"] = p.max(axis=1), p.argmax(axis=1) == codes
    return points


def _table(head, rows) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def _number(row: dict, model: str) -> str:
    value = row[model]
    if value is None:
        return "-"
    if f"{model}_low" in row:
        return f"{value:,.4g} ({row[f'{model}_low']:,.4g}-{row[f'{model}_high']:,.4g})"
    return f"{value:,}" if isinstance(value, int) else _short(value)


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"


def _times(value) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
