"""Comparing a student with its teacher on the same rows."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state

from compress.report._costs import costs
from compress.report._measures import quality_and_fidelity
from compress.report._report import Report
from compress.report._samples import confusion, sample_rows
from compress.report._slices import by_class, by_slice
from compress.report._verdict import differences
from compress.schema import as_table, class_codes, compared_labels, compared_values, same_classes
from compress.students import described
from compress.teachers import answered_classes, teacher_outputs

__all__ = ["compare"]

PLOTTED_ROWS = 2000


def compare(
    student,
    teacher,
    X,
    y=None,
    *,
    untaught=None,
    latency_rows=(1, 10_000),
    classes=None,
    max_slices: int = 20,
    teacher_rows=None,
    n_samples: int = 8,
    random_state=0,
) -> Report:
    """Compare a student with its teacher.

    Parameters
    ----------
    student : fitted StudentClassifier or StudentRegressor
        The student.
    teacher : fitted estimator
        The teacher with which it is compared.
    X : DataFrame or array of shape (n_rows, n_columns)
        The rows; numbers are valid for other rows when neither model has learned from these.
    y : array, optional
        The true labels or values; without them the report has fidelity but no quality.
    untaught : fitted student, optional
        The model that is like the student and learned from the original rows alone, without a teacher; the verdict then
        says whether teaching paid. The student itself says that it had no teacher.
    latency_rows : sequence of int, default=(1, 10000)
        The batch sizes at which latency is measured, in one thread and with `n_jobs=1`; an empty sequence measures
        none.
    classes : array of shape (n_classes,), optional
        The label of each of the teacher's columns, for a teacher without `classes_`; by default those of the student.
    max_slices : int, default=20
        The number of slices that are kept, those of least fidelity first.
    teacher_rows : DataFrame or array, optional
        The same rows as the teacher needs them, where that is another table; by default `X`.
    n_samples : int, default=8
        The number of rows that the report keeps with the answers of both, for `Report.to_html`; 0 keeps none.
    random_state : int, RandomState or None, default=0
        The source of the choice of the rows in the plot and of the sample rows.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        `y` holds an unknown label, or has another number of rows than `X`, or the two models have other classes.
    TypeError
        `student` is not a student of this library.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress import StudentClassifier
    >>> from compress.report import compare
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> tree = DecisionTreeClassifier(max_depth=2).fit(X, X[:, 0] > 0)
    >>> student = StudentClassifier((4,), max_epochs=60, random_state=0).fit(X, tree.predict_proba(X))
    >>> report = compare(student, tree, X, X[:, 0] > 0, latency_rows=())
    >>> report.value("rmse", "teacher"), report.value("agreement") > 0.9
    (0.0, True)
    """
    if not isinstance(student, BaseEstimator) or not hasattr(student, "predictor"):
        raise TypeError(
            f"student must be a fitted StudentClassifier or StudentRegressor, got {student!r}. "
            "A compressor's own student is in student_."
        )
    X = as_table(X)
    rows = X if teacher_rows is None else as_table(teacher_rows)
    classifier = is_classifier(student)
    if not classifier:
        ours, theirs, classes = student.predict(X), teacher_outputs(teacher, rows, "values"), None
        y = None if y is None else compared_values(y, len(X), n_outputs=ours.size // len(X))
    else:
        ours, theirs = student.predict_proba(X), _in_order_of(student, teacher, rows, classes)
        classes = student.classes_
        y = None if y is None else compared_labels(y, len(X), classes=classes)
    alone = untaught is student
    plain = None if untaught is None or alone else _predictions(untaught, X, classes)
    measures = quality_and_fidelity(y, ours, theirs, classes, plain)
    measures += costs(student, teacher, X, rows, classifier, latency_rows)
    rng = check_random_state(random_state)
    return Report(
        measures,
        by_class(y, ours, theirs, classes) if classifier else [],
        by_slice(student.schema_, X, ours, theirs, classifier)[:max_slices],
        len(X),
        student=described(student),
        taught=not alone,
        differences=differences(y, ours, classes, teacher=theirs, untaught=plain),
        points=_points(y, ours, theirs, classes if classifier else None, rng),
        confusion=_confusion(y, ours, theirs, classes) if classifier else {},
        samples=sample_rows(student.schema_, X, y, ours, theirs, n_samples, rng),
        model=student,
    )


def _predictions(student, X, classes) -> np.ndarray:
    """Return values, or probabilities with columns in the order of the classes."""
    if classes is None:
        return student.predict(X)
    return student.predict_proba(X)[:, class_codes(classes, student.classes_)]


def _in_order_of(student, teacher, X, classes) -> np.ndarray:
    """Return the teacher's probabilities, or one-hot labels, with columns in the order of the student's classes."""
    known = answered_classes(teacher, X)
    known = classes if known is None else known
    known = student.classes_ if known is None else np.asarray(known)
    if not same_classes(known, student.classes_):
        raise ValueError(
            f"student and teacher must have the same classes, got {student.classes_.tolist()} and {known.tolist()}."
        )
    kind = "probabilities" if hasattr(teacher, "predict_proba") else "labels"
    outputs = teacher_outputs(teacher, X, kind, classes=known).astype(np.float64)
    return outputs[:, class_codes(student.classes_, known)]


def _confusion(y, student, teacher, classes) -> dict:
    """Return the counts of both models; without labels those of the student, against the teacher's classes."""
    if y is None:
        return {"student": confusion(classes[teacher.argmax(axis=1)], student, classes)}
    return {name: confusion(y, p, classes) for name, p in (("student", student), ("teacher", teacher))}


def _points(y, student, teacher, classes, rng) -> dict:
    rows = rng.permutation(len(teacher))[:PLOTTED_ROWS]
    if classes is None:
        given = {"student": student, "teacher": teacher} | ({} if y is None else {"truth": y})
        return {name: p.reshape(len(p), -1)[rows, 0] for name, p in given.items()}
    column = np.ones(len(teacher), dtype=int) if len(classes) == 2 else teacher.argmax(axis=1)
    every = np.arange(len(teacher))
    points = {"student": student[every, column][rows], "teacher": teacher[every, column][rows]}
    if y is not None:
        codes = y.argmax(axis=1) if y.ndim == 2 else class_codes(y, classes)
        for name, p in (("student", student), ("teacher", teacher)):
            points[f"{name}_confidence"], points[f"{name}_right"] = p.max(axis=1), p.argmax(axis=1) == codes
    return points
