"""`label`: a teacher's answers for the rows of a table."""

from __future__ import annotations

from compress.cli._csv import form_of
from compress.cli._for_teacher import read_for_teacher
from compress.cli._numbers import check_text
from compress.cli._outputs import check_output, write_table
from compress.cli._teacher_file import load_teacher
from compress.teachers import known_classes, task_of
from compress.transfer import answers_frame, label_rows

__all__ = ["run"]


def run(args) -> None:
    """Write rows with the teacher's answers."""
    check_output(args.out, overwrite=args.overwrite)
    form = form_of(args)
    teacher = load_teacher(args)
    X, _ = read_for_teacher(args.table, teacher, form, text=args.nominal, drop=args.drop)
    check_text(X, args.table, codes=args.nominal, strict=False)
    targets = label_rows(teacher, X, verbose=1)
    classes = None
    if task_of(teacher) == "classification":
        classes = known_classes(teacher)
        classes = range(targets.shape[1]) if classes is None else classes
    answers = answers_frame(targets, classes)
    answers.index = X.index
    write_table(X.join(answers), args.out)
