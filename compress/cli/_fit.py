"""`fit`: from a table, with or without a teacher, to a saved student."""

from __future__ import annotations

import time
from pathlib import Path

from compress.cli._options import (
    UsageError,
    add_command,
    add_munge,
    add_output,
    add_table,
    add_teacher,
    check_output,
    print_json,
    say,
)

__all__ = ["add_to"]


def add_to(commands) -> None:
    """Add the subcommand."""
    command = add_command(
        commands,
        "fit",
        run,
        "compress a teacher, or train the default one first, into a student",
        "python -m compress fit train.csv --target income --teacher forest.skops --out student.safetensors",
    )
    add_table(command, "rows to learn from", nominal=True)
    command.add_argument("--target", metavar="COLUMN", help="the column to predict")
    command.add_argument("--task", choices=["auto", "classification", "regression"], default="auto")
    add_teacher(command)
    command.add_argument(
        "--taught", action="store_true", help="the table comes from `label`: learn its probability_... or prediction"
    )
    add_output(command, "the student's file", required=True)
    add_munge(command)
    command.add_argument("--size-multiplier", type=float, default=100, help="rows to learn per row (default: 100)")
    command.add_argument("--hidden", type=int, nargs="*", default=[256], help="units per hidden layer (default: 256)")
    command.add_argument("--frequencies", type=int, default=0, help="waves per continuous column (default: none)")
    command.add_argument("--epochs", type=int, help="passes over the rows (default: by their number)")
    command.add_argument("--budget-bytes", type=float, help="largest file: the best shape within it is searched")
    command.add_argument("--budget-us", type=float, help="most microseconds per row: likewise")
    command.add_argument("--tolerance", type=float, help="smallest student with at most (1 + TOLERANCE) x the error")
    command.add_argument("--test", type=Path, metavar="TABLE", help="rows to compare teacher and student on")
    command.add_argument("--n-jobs", type=int, help="workers that generate and label")


def run(args) -> None:
    """Fit, save, and print what came out as JSON."""
    check_output(args.out, overwrite=args.overwrite)
    if args.taught == bool(args.target):
        raise UsageError("fit needs --target COLUMN, or else --taught with a table from `label`.")
    if args.taught and (args.teacher or args.test):
        raise UsageError("--taught goes without --teacher and --test: the table has the teacher's answers.")
    started = time.perf_counter()
    result = _taught(args) if args.taught else _compressed(args)
    student = result.pop("model")
    student.save(args.out)
    student = getattr(student, "student_", student)
    print_json(
        {
            "student": str(args.out),
            "bytes": args.out.stat().st_size,
            "parameters": student.n_parameters_,
            "hidden_layer_sizes": list(student.module_.body.hidden_layer_sizes),
            **result,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )


def _compressed(args) -> dict:
    from compress.cli._table_files import aligned, features, kind_of, read_table
    from compress.cli._teacher_file import load_teacher
    from compress.compressor import CompressedClassifier, CompressedRegressor
    from compress.evaluation import size_bytes
    from compress.teachers import task_of

    teacher = load_teacher(args) if args.teacher else None
    frame = read_table(args.table, sep=args.sep, text=args.nominal)
    X, y = features(frame, args.table, drop=args.drop, target=args.target)
    names = list(getattr(teacher, "feature_names_in_", X.columns))
    if not all(str(name).startswith("Column_") for name in names):  # LightGBM's names for an array's columns
        X = aligned(X, names, args.table)
    task = kind_of(y, args.task) if teacher is None else task_of(teacher)
    test = None
    if args.test:
        test = read_table(args.test, sep=args.sep, text=args.nominal)
        drop = [name for name in args.drop if name in test.columns]
        test_X, test_y = features(test, args.test, drop=drop, target=args.target)
        test = aligned(test_X, list(X.columns), args.test), test_y
    kind = CompressedClassifier if task == "classification" else CompressedRegressor
    model = kind(
        teacher,
        student=_student(args, task),
        size_multiplier=args.size_multiplier,
        p="auto" if args.p is None else args.p,
        s=args.s,
        budget_bytes=args.budget_bytes,
        budget_us_per_row=args.budget_us,
        tolerance=args.tolerance,
        n_jobs=args.n_jobs,
        verbose=1,
        random_state=args.seed,
    )
    y = y.to_numpy(dtype=object if y.dtype.kind == "O" or not hasattr(y.dtype, "kind") else None)
    say(f"fitting: {task}, {len(X):,} rows, transfer set of {round(args.size_multiplier * len(X)):,}")
    model.fit(X, y)
    say("; ".join(f"{stage} {seconds:.1f} s" for stage, seconds in model.seconds_.items()))
    result = {"model": model, "task": task, "teacher_bytes": size_bytes(model.teacher_)}
    if test is not None:
        report = model.report(*test, latency_rows=())
        result["test"] = {row["measure"]: _numbers(row) for row in report.measures if row["group"] != "cost"}
    return result


def _numbers(row: dict) -> dict:
    return {who: row[who] for who in ("teacher", "student") if row[who] is not None}


def _taught(args) -> dict:
    from compress.cli._data import split_answers
    from compress.cli._table_files import features, read_table

    frame = read_table(args.table, sep=args.sep, text=args.nominal)
    answers, targets, classes = split_answers(frame, args.table)
    X, _ = features(frame, args.table, drop=[*args.drop, *answers])
    task = "regression" if classes is None else "classification"
    student = _student(args, task)
    say(f"fitting: {task}, {len(X):,} rows with a teacher's answers")
    from compress.transfer import TransferSet

    kind = "values" if classes is None else "probabilities"
    return {"model": student.fit(TransferSet(X, targets, kind, classes, len(X))), "task": task}


def _student(args, task: str):
    from compress.students import StudentClassifier, StudentRegressor

    kind = StudentClassifier if task == "classification" else StudentRegressor
    options = {"max_epochs": args.epochs} if args.epochs else {}
    return kind(tuple(args.hidden), n_frequencies=args.frequencies, verbose=1, random_state=args.seed, **options)
