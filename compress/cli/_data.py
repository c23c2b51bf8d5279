"""`generate` and `label`: the transfer set as files, to look at or to make elsewhere."""

from __future__ import annotations

import numpy as np

from compress.cli._options import add_command, add_munge, add_output, add_table, add_teacher, check_output, say

__all__ = ["ANSWER", "add_to", "answers_frame", "split_answers"]

ANSWER, VALUE = "probability_", "prediction"  # columns of a teacher's answers


def add_to(commands) -> None:
    """Add the subcommands."""
    command = add_command(
        commands,
        "generate",
        generate,
        "make more rows like those of a table, with MUNGE",
        "python -m compress generate train.csv --drop income --rows 100000 --out rows.parquet",
    )
    add_table(command, "rows to imitate, without the target (--drop)", nominal=True)
    command.add_argument("--rows", type=int, required=True, help="rows to make")
    add_munge(command)
    add_output(command, "the made-up rows")
    command = add_command(
        commands,
        "label",
        label,
        "let a teacher answer the rows of a table",
        "python -m compress label rows.parquet --teacher forest.skops --out labelled.parquet",
    )
    add_table(command, "rows to answer", nominal=True)
    add_teacher(command, required=True)
    add_output(command, "the rows with the answers, which `fit --taught` learns from")


def generate(args) -> None:
    """Write made-up rows."""
    check_output(args.out, overwrite=args.overwrite)
    if args.rows < 1:
        raise ValueError(f"--rows must be at least 1, got {args.rows}.")
    from compress.cli._table_files import features, read_table, write_table
    from compress.generators import MUNGE

    X, _ = features(read_table(args.table, sep=args.sep, text=args.nominal), args.table, drop=args.drop)
    given = {name: value for name, value in (("p", args.p), ("s", args.s)) if value is not None}
    munge = MUNGE(**given, random_state=args.seed).fit(X)
    say(f"making {args.rows:,} rows: p={munge.p}, s={munge.s}, neighbours in the {munge.neighbors_} set")
    write_table(munge.sample(args.rows), args.out)


def label(args) -> None:
    """Write rows with the teacher's answers."""
    check_output(args.out, overwrite=args.overwrite)
    from compress.cli._table_files import aligned, features, read_table, write_table
    from compress.cli._teacher_file import load_teacher
    from compress.transfer import label_rows

    teacher = load_teacher(args)
    X, _ = features(read_table(args.table, sep=args.sep, text=args.nominal), args.table, drop=args.drop)
    names = list(getattr(teacher, "feature_names_in_", X.columns))
    if not all(str(name).startswith("Column_") for name in names):
        X = aligned(X, names, args.table)
    answers = answers_frame(label_rows(teacher, X, verbose=1), getattr(teacher, "classes_", None))
    clash = [name for name in answers if name in X.columns]
    if clash:
        raise ValueError(f"{args.table} has a column {clash[0]!r} already, as the answers are called. Rename it.")
    answers.index = X.index
    write_table(X.join(answers), args.out)


def answers_frame(targets: np.ndarray, classes):
    """Answers as columns: probability_CLASS, or prediction (prediction_0, ... for several)."""
    import pandas as pd

    if classes is not None:
        return pd.DataFrame(targets, columns=[f"{ANSWER}{c}" for c in classes])
    if targets.ndim == 1:
        return pd.DataFrame({VALUE: targets})
    return pd.DataFrame(targets, columns=[f"{VALUE}_{i}" for i in range(targets.shape[1])])


def split_answers(frame, path):
    """(names of the answers' columns, targets, classes or None) of a table that `label` wrote."""
    columns = [name for name in frame.columns if str(name).startswith(ANSWER)]
    if columns:
        names = [name[len(ANSWER) :] for name in columns]
        classes = np.array(names)
        try:
            classes = np.array([int(name) for name in names])
        except ValueError:
            if set(names) == {"False", "True"}:
                classes = classes == "True"
        return columns, frame[columns].to_numpy(dtype=np.float32), classes
    columns = [name for name in frame.columns if name == VALUE or str(name).startswith(f"{VALUE}_")]
    if not columns:
        raise ValueError(
            f"{path} has no column {ANSWER}... or {VALUE}: it is no table with a teacher's answers. "
            "Make one with `python -m compress label`."
        )
    targets = frame[columns].to_numpy(dtype=np.float32)
    return columns, targets[:, 0] if len(columns) == 1 else targets, None
