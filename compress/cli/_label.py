"""`label`: a teacher's answers for the rows of a table."""

from __future__ import annotations

from compress.cli._answers import answers_frame
from compress.cli._options import check_output
from compress.cli._table_files import aligned, features, read_table, write_table
from compress.cli._teacher_file import load_teacher
from compress.teachers import known_classes
from compress.transfer import label_rows

__all__ = ["run"]


def run(args) -> None:
    """Write rows with the teacher's answers."""
    check_output(args.out, overwrite=args.overwrite)
    teacher = load_teacher(args)
    X, _ = features(read_table(args.table, sep=args.sep, text=args.nominal), args.table, drop=args.drop)
    names = list(getattr(teacher, "feature_names_in_", X.columns))
    if not all(str(name).startswith("Column_") for name in names):
        X = aligned(X, names, args.table)
    answers = answers_frame(label_rows(teacher, X, verbose=1), known_classes(teacher))
    clash = [name for name in answers if name in X.columns]
    if clash:
        raise ValueError(f"{args.table} has a column {clash[0]!r} already, as the answers are called. Rename it.")
    answers.index = X.index
    write_table(X.join(answers), args.out)
