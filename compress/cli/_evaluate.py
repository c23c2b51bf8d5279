"""`evaluate`: a saved student on labelled rows, alone or together with its teacher."""

from __future__ import annotations

import pandas as pd

from compress.cli._columns import features
from compress.cli._csv import form_of
from compress.cli._for_student import numbers, read_for_student
from compress.cli._for_teacher import for_teacher
from compress.cli._known import as_known
from compress.cli._options import UsageError, by_measure, print_json, say
from compress.cli._outputs import check_output, need_packages, write_or_keep
from compress.cli._teacher_file import load_teacher
from compress.report import compare, quality_and_fidelity
from compress.students import load_student
from compress.teachers import teacher_outputs

__all__ = ["run"]


def run(args) -> None:
    """Print measures as JSON, with the keys that `Report.value` takes, and write the report as a page."""
    if args.html is not None:
        if args.teacher is None:
            raise UsageError("--html compares the student with its teacher: give --teacher FILE, too.")
        need_packages("reports as HTML", "jinja2")
        check_output(args.html, overwrite=args.overwrite)
    form = form_of(args)
    student = load_student(args.student)
    teacher = load_teacher(args) if args.teacher else None
    X, y, frame = read_for_student(args.table, student, form, drop=args.drop, target=args.target)
    classes = getattr(student, "classes_", None)
    y = numbers(y, args.table) if classes is None else _labels(y, classes, args)
    ours = student.predict(X) if classes is None else student.predict_proba(X)
    theirs = rows = None
    if teacher is not None:
        named = X if isinstance(X, pd.DataFrame) else features(frame, args.table, drop=args.drop, target=args.target)[0]
        rows = for_teacher(named, teacher, args.table)
        theirs = teacher_outputs(teacher, rows, "values" if classes is None else "probabilities")
        theirs = theirs if classes is None else _in_order(theirs, teacher, classes, args)
    if args.html is not None:
        report = compare(student, teacher, X, y, teacher_rows=rows)
        write_or_keep(args.html, report.to_html)
        say(report.verdict)
        say(f"wrote {args.html}")
    print_json({"rows": len(X), **by_measure(quality_and_fidelity(y, ours, theirs, classes))})


def _labels(y, classes, args) -> list:
    """Return labels in the type of the classes; a CSV file does not distinguish 1 and "1"."""
    known = classes.tolist()
    labels = as_known(y, known)
    unknown = labels[~labels.isin(known)]
    if len(unknown):
        raise ValueError(
            f"{args.table}: the target {args.target!r} holds {unknown.iloc[0]!r}, which is none of the student's "
            f"classes {known[:10]}."
        )
    return labels.tolist()


def _in_order(probabilities, teacher, classes, args):
    """Return a teacher's probabilities in the order of the student's classes."""
    theirs = list(map(str, getattr(teacher, "classes_", classes)))
    wanted = list(map(str, classes.tolist()))
    if sorted(theirs) != sorted(wanted):
        raise ValueError(
            f"{args.teacher} holds a teacher of other classes than the student's: {theirs[:10]}, and {wanted[:10]}."
        )
    return probabilities[:, [theirs.index(c) for c in wanted]]
