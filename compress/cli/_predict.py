"""`predict`: a saved student on the rows of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from compress.cli._csv import form_of
from compress.cli._for_student import parts_for_student
from compress.cli._outputs import check_output, write_stream
from compress.students import load_student

__all__ = ["run"]

PART_ROWS = 50_000  # in memory at a time


def run(args) -> None:
    """Write predictions for the rows of a table, which is read in parts."""
    check_output(args.out, overwrite=args.overwrite)
    student = load_student(args.student)
    parts = parts_for_student(args.table, student, form_of(args), n_rows=PART_ROWS, drop=args.drop)
    write_stream((_predicted(student, X, frame, args) for X, frame in parts), args.out)


def _predicted(student, X, frame: pd.DataFrame, args) -> pd.DataFrame:
    if hasattr(student, "classes_"):
        p = student.predict_proba(X)
        result = predictions_frame(p, student.classes_)
        result.insert(0, "prediction", student.classes_[p.argmax(axis=1)])
    else:
        result = predictions_frame(student.predict(X), None)
    if not args.join:
        return result
    clash = [name for name in result if name in frame.columns]
    if clash:
        raise ValueError(f"{args.table} has a column {clash[0]!r} already: leave out --join.")
    result.index = frame.index
    return frame.join(result)


def predictions_frame(predictions: np.ndarray, classes) -> pd.DataFrame:
    """Return a student's predictions as columns: probability_CLASS, or prediction (prediction_0, ... for several)."""
    if classes is not None:
        return pd.DataFrame(predictions, columns=[f"probability_{c}" for c in classes])
    if predictions.ndim == 1:
        return pd.DataFrame({"prediction": predictions})
    return pd.DataFrame(predictions, columns=[f"prediction_{i}" for i in range(predictions.shape[1])])
