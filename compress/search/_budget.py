"""Budget search: the best student that fits, or the smallest that is good enough.

A net's bytes and microseconds are known before it is trained, so shapes that are too large are never
trained, and a budget that no shape can meet ends the search before it begins. The other shapes are trained in
order of size and compared on validation rows.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone, is_classifier
from threadpoolctl import threadpool_limits

from compress.evaluation import latency, progress, regression_metrics, rmse
from compress.schema import as_table, compared_labels, compared_values
from compress.search._figure import draw_budget
from compress.search._limits import SHAPES, Budget
from compress.transfer import TransferSet

__all__ = ["BudgetSearch", "check_budget", "search_budget", "shape_costs", "validation_error"]

logger = logging.getLogger(__name__)

TIMED_ROWS = 10_000  # rows per timed call


@dataclass(frozen=True)
class BudgetSearch:
    """What `search_budget` found.

    Attributes
    ----------
    hidden_layer_sizes : tuple of int
        The chosen shape.
    met : bool
        Whether the student stays within `tolerance`; the other budgets are always met.
    rows : list of dict
        One row per shape, in order of size, with `hidden_layer_sizes`, `n_parameters`, `bytes`, `us_per_row` (10,000
        rows at a time through `predictor()`, one thread), `within` (both budgets), `error` on the validation rows (None
        when the shape was not trained) and `frontier` (whether no other trained shape is both smaller and better).
    budget : Budget
        The limits of the search.
    teacher_error, largest_error : float or None
        The teacher's error on the validation rows, and the largest error that is tolerated.
    student : fitted estimator
        The fitted student of the chosen shape.
    """

    hidden_layer_sizes: tuple
    met: bool
    rows: list
    budget: Budget
    teacher_error: float | None = None
    largest_error: float | None = None
    student: object = field(default=None, repr=False)

    def to_frame(self):
        """Return the rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_markdown(self) -> str:
        """Return the rows as a Markdown table; the choice is marked, and shapes that were not trained have no error."""
        lines = [
            "| hidden units | parameters | bytes | µs per row | error | |",
            "|---|--:|--:|--:|--:|---|",
        ]
        for row in self.rows:
            shape = " x ".join(map(str, row["hidden_layer_sizes"])) or "none (linear)"
            error = "-" if row["error"] is None else f"{row['error']:.4f}"
            notes = ["chosen"] if row["hidden_layer_sizes"] == self.hidden_layer_sizes else []
            notes += ["frontier"] if row["frontier"] else []
            notes += [] if row["within"] else ["over budget"]
            lines.append(
                f"| {shape} | {row['n_parameters']:,} | {row['bytes']:,} | {row['us_per_row']:.3f} | {error} "
                f"| {', '.join(notes)} |"
            )
        if self.teacher_error is not None:
            lines += ["", f"Teacher's error: {self.teacher_error:.4f}; tolerated: {self.largest_error:.4f}."]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.to_markdown()

    def plot(self):
        """Draw error against bytes and microseconds, with frontier and budgets, and return the figure.

        Raises
        ------
        ImportError
            matplotlib is not installed: `pip install 'tabular-compress[plot]'`.
        """
        return draw_budget(self)


def shape_costs(student, data: TransferSet, shapes: Sequence[tuple] = SHAPES) -> list[dict]:
    """Measure parameters, bytes and microseconds per row of untrained nets, in order of size.

    Parameters
    ----------
    student : StudentClassifier or StudentRegressor
        A student with the other parameters; it is cloned.
    data : TransferSet
        Rows of the table, which decide on the inputs; the targets may be anything of the right shape.
    shapes : sequence of tuples of int, default=SHAPES
        The `hidden_layer_sizes` to measure.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier, TransferSet
    >>> from compress.search import shape_costs
    >>> data = TransferSet(np.eye(4), np.eye(2)[[0, 0, 1, 1]], "probabilities", classes=np.array([0, 1]))
    >>> [row["n_parameters"] for row in shape_costs(StudentClassifier(), data, shapes=[(4,), (8,)])]
    [25, 49]
    """
    costs = []
    for shape in shapes:
        net = clone(student).set_params(hidden_layer_sizes=shape).untrained(data)
        with threadpool_limits(1):
            seconds = latency(net.predictor(), data.X, n_rows=TIMED_ROWS, repeats=7)
        costs.append(
            {
                "hidden_layer_sizes": shape,
                "n_parameters": net.n_parameters_,
                "bytes": len(net.to_bytes()),
                "us_per_row": seconds.median / TIMED_ROWS * 1e6,
            }
        )
    return sorted(costs, key=lambda row: row["bytes"])


def check_budget(costs: list[dict], budget: Budget) -> list[bool]:
    """Return which shapes are within the bytes and the time of a budget.

    Parameters
    ----------
    costs : list of dict
        The result of `shape_costs`.
    budget : Budget
        The limits.

    Returns
    -------
    list of bool
        Whether each shape is within both limits.

    Raises
    ------
    ValueError
        No shape is within the limits; the message names the nearest one.

    Examples
    --------
    >>> from compress import Budget
    >>> from compress.search import check_budget
    >>> costs = [{"hidden_layer_sizes": (4,), "bytes": 900, "us_per_row": 0.1}]
    >>> costs.append({"hidden_layer_sizes": (512,), "bytes": 9000, "us_per_row": 1.0})
    >>> check_budget(costs, Budget(bytes=2000))
    [True, False]
    """
    limits = {"bytes": budget.bytes, "us_per_row": budget.us_per_row}
    limits = {key: limit for key, limit in limits.items() if limit is not None}

    def excess(row):
        return max([row[key] / limit for key, limit in limits.items()], default=0.0)

    within = [excess(row) <= 1 for row in costs]
    if not any(within):
        nearest = min(costs, key=excess)
        asked = " and ".join(f"{key}={limit:g}" for key, limit in limits.items())
        raise ValueError(
            f"no student meets Budget({asked}): the nearest has hidden_layer_sizes={nearest['hidden_layer_sizes']}, "
            f"{nearest['bytes']:,} bytes and {nearest['us_per_row']:.3f} µs per row. "
            "Allow that much, or give it fewer columns and categories (max_one_hot)."
        )
    return within


def validation_error(output, y, classes=None) -> float:
    """Return the RMSE by which shapes are compared: of probabilities (classifiers) or values.

    Parameters
    ----------
    output : array of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        The predictions.
    y : array of shape (n_rows,) or (n_rows, n_outputs)
        The true labels or values.
    classes : array of shape (n_classes,), optional
        The label of each column; None for values.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.search import validation_error
    >>> float(validation_error(np.array([1.0, 3.0]), np.array([3.0, 1.0])))
    2.0
    """
    return regression_metrics(y, output)["rmse"] if classes is None else rmse(y, output, classes)


def search_budget(
    data: TransferSet,
    X_val,
    y_val,
    *,
    student,
    budget: Budget,
    costs: list[dict] | None = None,
    teacher_error: float | None = None,
    verbose: int = 0,
) -> BudgetSearch:
    """Find the best student within the budgets, or with `tolerance` the smallest that is good enough.

    Parameters
    ----------
    data : TransferSet
        The transfer set that every shape learns from.
    X_val, y_val : table and array
        Validation rows and their labels, which decide; never pass test rows.
    student : StudentClassifier or StudentRegressor
        A student with the other parameters; it is cloned.
    budget : Budget
        The limits. With a tolerance the search stops at the first shape, in order of size, that keeps it; when no shape
        keeps it, the best one is chosen, with a warning.
    costs : list of dict, optional
        The result of `shape_costs`; it is measured when it is not given.
    teacher_error : float, optional
        The RMSE of the teacher on the validation rows, which `tolerance` needs.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.

    Returns
    -------
    BudgetSearch

    Raises
    ------
    ValueError
        No shape is within the budgets, `tolerance` is given without `teacher_error`, or `y_val` does not fit the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import Budget, StudentClassifier, TransferSet
    >>> from compress.search import search_budget
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> data = TransferSet(X[:60], np.eye(2)[y[:60]], "probabilities", classes=np.array([0, 1]))
    >>> student = StudentClassifier(max_epochs=5, random_state=0)
    >>> search = search_budget(data, X[60:], y[60:], student=student, budget=Budget(bytes=2000, shapes=[(4,), (512,)]))
    >>> search.hidden_layer_sizes, [row["within"] for row in search.rows]
    ((4,), [True, False])
    """
    tolerance = budget.tolerance
    if tolerance is not None and teacher_error is None:
        raise ValueError("tolerance compares with the teacher: pass teacher_error, its RMSE on the validation rows.")
    X_val = as_table(X_val)
    if data.classes is None:
        y_val = compared_values(y_val, len(X_val), "y_val", np.size(data.targets) // len(data))
    else:
        y_val = compared_labels(y_val, len(X_val), "y_val", data.classes)
    costs = shape_costs(student, data, budget.shapes) if costs is None else costs
    within = check_budget(costs, budget)
    largest = None if tolerance is None else (1 + tolerance) * teacher_error
    rows = [{**row, "within": ok, "error": None, "frontier": False} for row, ok in zip(costs, within)]
    best, best_student = None, None
    affordable = [row for row in rows if row["within"]]
    for row in progress(affordable, len(affordable), "student shapes", "shape", verbose):
        net = clone(student).set_params(hidden_layer_sizes=row["hidden_layer_sizes"]).fit(data)
        classes = net.classes_ if is_classifier(net) else None
        output = net.predict(X_val) if classes is None else net.predict_proba(X_val)
        row["error"] = validation_error(output, y_val, classes)
        logger.info("%s: %d bytes, error %.4f", row["hidden_layer_sizes"], row["bytes"], row["error"])
        if best is None or row["error"] < best["error"]:
            best, best_student = row, net
        if largest is not None and row["error"] <= largest:
            break
    _mark_frontier(rows)
    met = largest is None or best["error"] <= largest
    if not met:
        warnings.warn(
            f"no student is within tolerance={tolerance:g} of the teacher's error {teacher_error:.4f}: the nearest, "
            f"hidden_layer_sizes={best['hidden_layer_sizes']}, has {best['error']:.4f} and is kept. "
            f"tolerance={best['error'] / teacher_error - 1:.3f} would do; or give more transfer rows or epochs.",
            UserWarning,
            stacklevel=2,
        )
    return BudgetSearch(best["hidden_layer_sizes"], met, rows, budget, teacher_error, largest, best_student)


def _mark_frontier(rows: list[dict]) -> None:
    """Rows come in order of bytes: one is on the frontier when it is better than all before it."""
    best = np.inf
    for row in rows:
        if row["error"] is not None and row["error"] < best:
            row["frontier"], best = True, row["error"]
