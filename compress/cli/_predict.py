"""`predict`: a saved student on the rows of a table."""

from __future__ import annotations

from compress.cli._answers import answers_frame
from compress.cli._options import check_output
from compress.cli._table_files import read_for_student, write_table
from compress.students import load_student

__all__ = ["run"]


def run(args) -> None:
    """Write predictions for the rows of a table."""
    check_output(args.out, overwrite=args.overwrite)
    student = load_student(args.student)
    X, _, frame = read_for_student(args.table, student, sep=args.sep, drop=args.drop)
    if hasattr(student, "classes_"):
        p = student.predict_proba(X)
        result = answers_frame(p, student.classes_)
        result.insert(0, "prediction", student.classes_[p.argmax(axis=1)])
    else:
        result = answers_frame(student.predict(X), None)
    if args.join:
        clash = [name for name in result if name in frame.columns]
        if clash:
            raise ValueError(f"{args.table} has a column {clash[0]!r} already: leave out --join.")
        result.index = frame.index
        result = frame.join(result)
    write_table(result, args.out)
