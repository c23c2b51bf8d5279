"""The measures of a report, by their keys: quality of both models, fidelity of the student, costs.

A key names a number in code, in JSON and in files; a label names it when a report is printed.
"""

from __future__ import annotations

import numpy as np

from compress.evaluation import calibration_error, classification_metrics, fidelity, regression_metrics

__all__ = ["LABELS", "label_of", "measure", "quality_and_fidelity"]

LABELS = {
    "rmse": "RMSE",
    "auc": "AUC",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
    "r2": "R²",
    "agreement": "agreement",
    "rmse_to_teacher": "RMSE to teacher",
    "kl_to_teacher": "KL from teacher",
    "r2_to_teacher": "R² to teacher",
    "parameters": "parameters",
    "bytes": "bytes",
    "us_per_row_single": "µs per row, 1 at a time",
    "us_per_row_batch": "µs per row, 10,000 at a time",
}
FIDELITY = {"agreement": "agreement", "rmse": "rmse_to_teacher", "kl": "kl_to_teacher", "r2": "r2_to_teacher"}
PREDICTOR = "_predictor"  # end of the key of a latency of the NumPy callable


def label_of(key: str) -> str:
    """Return the name of a measure in print."""
    if key.endswith(PREDICTOR):
        return f"{label_of(key.removesuffix(PREDICTOR))}, predictor()"
    if key in LABELS:
        return LABELS[key]
    return f"µs per row, {int(key.removeprefix('us_per_row_')):,} at a time"


def measure(group: str, key: str, student=None, teacher=None, quotient=None, **more) -> dict:
    """Return one row of `Report.measures`."""
    return {"group": group, "measure": key, "student": student, "teacher": teacher, "quotient": quotient, **more}


def quality_and_fidelity(y, student, teacher, classes, untaught=None) -> list[dict]:
    """Return rows of `Report.measures`: how good both are, and how near the student is to its teacher.

    Parameters
    ----------
    y : array of shape (n_rows,) or (n_rows, n_outputs), or None
        The true labels or values; without them quality is left out.
    student, teacher : float arrays of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        The probabilities or values of both; `teacher` may be None, and then fidelity is left out.
    classes : array of shape (n_classes,), or None
        The label of each column; None in regression.
    untaught : float array, optional
        The predictions of the model that is like the student and learned without a teacher.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.report import quality_and_fidelity
    >>> y, student, teacher = np.array([1.0, 3.0]), np.array([1.0, 2.0]), np.array([1.5, 2.5])
    >>> [(row["measure"], round(row["student"], 2)) for row in quality_and_fidelity(y, student, teacher, None)]
    [('rmse', 0.71), ('r2', 0.5), ('rmse_to_teacher', 0.5), ('r2_to_teacher', 0.0)]
    """
    rows = []
    if y is not None:
        ours, theirs, plain = (None if p is None else _quality(y, p, classes) for p in (student, teacher, untaught))
        for key in ours:
            more = {} if plain is None else {"untaught": plain[key]}
            rows.append(measure("task", key, ours[key], None if theirs is None else theirs[key], **more))
    if teacher is not None:
        pair = (student, teacher) if classes is not None else (np.ravel(student), np.ravel(teacher))
        found = fidelity(*pair)
        rows += [measure("fidelity", key, found[name]) for name, key in FIDELITY.items() if name in found]
    return rows


def _quality(y, output, classes) -> dict:
    if classes is None:
        return regression_metrics(y, output)
    return {**classification_metrics(y, output, classes), "calibration_error": calibration_error(y, output, classes)}
