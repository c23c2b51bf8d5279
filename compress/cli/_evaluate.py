"""`evaluate`: a saved student on labelled rows, alone or together with its teacher."""

from __future__ import annotations

from compress.cli._options import by_measure, print_json
from compress.cli._table_files import read_for_student
from compress.cli._teacher_file import load_teacher
from compress.report import quality_and_fidelity
from compress.students import load_student
from compress.teachers import teacher_outputs

__all__ = ["run"]


def run(args) -> None:
    """Print measures as JSON, with the keys that `Report.value` takes."""
    student = load_student(args.student)
    teacher = load_teacher(args) if args.teacher else None
    X, y, _ = read_for_student(args.table, student, sep=args.sep, drop=args.drop, target=args.target)
    classes = getattr(student, "classes_", None)
    if classes is not None:
        y = _labels(y, classes, args)
    ours = student.predict(X) if classes is None else student.predict_proba(X)
    kind = "values" if classes is None else "probabilities"
    theirs = None if teacher is None else teacher_outputs(teacher, X, kind)
    print_json({"rows": len(X), **by_measure(quality_and_fidelity(y, ours, theirs, classes))})


def _labels(y, classes, args):
    """Return labels in the type of the classes; a CSV file does not distinguish 1 and "1"."""
    known = {str(c): c for c in classes.tolist()}
    unknown = [v for v in y.astype(str).unique() if v not in known]
    if unknown:
        raise ValueError(
            f"{args.table}: the target {args.target!r} holds {unknown[0]!r}, which is none of the student's classes "
            f"{list(known)[:10]}."
        )
    return [known[v] for v in y.astype(str)]
