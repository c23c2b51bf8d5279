"""`fit`: from a table, with or without a teacher, to a saved student."""

from __future__ import annotations

import time

from compress.cli._chosen import chosen_student, shape_of, taught_student
from compress.cli._columns import aligned, features, kind_of
from compress.cli._csv import form_of
from compress.cli._for_teacher import read_for_teacher
from compress.cli._munge import munge_of
from compress.cli._numbers import check_text
from compress.cli._options import UsageError, by_measure, print_json, say
from compress.cli._outputs import check_output, write_or_keep
from compress.cli._shards import is_folder
from compress.cli._table_files import read_table
from compress.cli._teacher_file import load_teacher
from compress.compressor import CompressedClassifier, CompressedRegressor
from compress.evaluation import size_bytes
from compress.generators import MUNGE
from compress.search import Budget
from compress.teachers import task_of
from compress.transfer import TransferSet, split_answers

__all__ = ["run"]


def run(args) -> None:
    """Fit and save a student, and print the result as JSON."""
    check_output(args.out, overwrite=args.overwrite)
    if args.taught == bool(args.target):
        raise UsageError("fit needs --target COLUMN, or else --taught with a table from `label`.")
    if args.taught and (args.teacher or args.test):
        raise UsageError("--taught goes without --teacher and --test: the table has the teacher's answers.")
    if not args.taught and is_folder(args.table):
        raise UsageError("a folder of shards has a teacher's answers: pass --taught, and leave --target out.")
    started = time.perf_counter()
    result = _taught(args) if args.taught else _compressed(args)
    student = result.pop("model")
    write_or_keep(args.out, student.save)
    student = getattr(student, "student_", student)
    print_json(
        {
            "student": str(args.out),
            "bytes": args.out.stat().st_size,
            **shape_of(student),
            **result,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )


def _compressed(args) -> dict:
    teacher = load_teacher(args) if args.teacher else None
    X, y = _read(args, args.table, teacher)
    check_text(X, args.table, codes=args.nominal)
    task = kind_of(y, args.task) if teacher is None else task_of(teacher)
    test = None
    if args.test:
        test_X, test_y = _read(args, args.test, teacher)
        test = aligned(test_X, list(X.columns), args.test), test_y
    kind = CompressedClassifier if task == "classification" else CompressedRegressor
    model = kind(
        teacher,
        student=chosen_student(args, task),
        generator=_generator(args),
        size_multiplier=args.size_multiplier,
        budget=_budget(args),
        n_jobs=args.n_jobs,
        verbose=1,
        random_state=args.seed,
    )
    y = y.to_numpy(dtype=object if y.dtype.kind == "O" or not hasattr(y.dtype, "kind") else None)
    say(f"fitting: {task}, {len(X):,} rows, transfer set of {round(args.size_multiplier * len(X)):,}")
    model.fit(X, y)
    say("; ".join(f"{stage} {seconds:.1f} s" for stage, seconds in model.seconds_.items()))
    result = {"model": model, "task": task, "teacher_bytes": size_bytes(model.teacher_)}
    if hasattr(model, "candidates_"):
        say(f"candidates on held-out rows:\n\n{model.candidates_}")
        result["candidates"] = model.candidates_.rows
    if test is not None:
        report = model.report(*test, latency_rows=(10_000,))
        say(report.verdict)
        result["verdict"] = report.verdict
        result["test"] = by_measure([row for row in report.measures if row["group"] != "cost"])
    return result


def _read(args, path, teacher):
    """Return the columns to learn from, as the teacher needs them, and the target."""
    form, options = form_of(args), {"text": args.nominal}
    if teacher is not None:
        return read_for_teacher(path, teacher, form, drop=args.drop, target=args.target, **options)
    return features(read_table(path, form, **options), path, drop=args.drop, target=args.target)


def _generator(args) -> MUNGE | None:
    """Return MUNGE with the p that was given; without one return None, which chooses p and s."""
    if args.p is None:
        if args.s is not None:
            raise UsageError("--s needs --p: without it the pair p and s is chosen on held-out rows.")
        return None
    return munge_of(args)


def _budget(args) -> Budget | None:
    limits = {"bytes": args.budget_bytes, "us_per_row": args.budget_us, "tolerance": args.tolerance}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return Budget(**given) if given else None


def _taught(args) -> dict:
    if is_folder(args.table):
        return _taught_by_shards(args)
    frame = read_table(args.table, form_of(args), text=args.nominal)
    answers, targets, classes = split_answers(frame, args.table)
    X, _ = features(frame, args.table, drop=[*args.drop, *answers])
    check_text(X, args.table, codes=args.nominal)
    task = "regression" if classes is None else "classification"
    say(f"fitting: {task}, {len(X):,} rows with a teacher's answers")
    kind = "values" if classes is None else "probabilities"
    data = TransferSet(X, targets, kind, classes, len(X))
    return {"model": taught_student(args, task, data), "task": task}


def _taught_by_shards(args) -> dict:
    if args.drop or args.nominal:
        raise UsageError("a folder of shards knows its columns: leave --drop and --nominal out, or give them to label.")
    data = TransferSet.open(args.table)
    task = "regression" if data.classes is None else "classification"
    say(f"fitting: {task}, {data!r}")
    return {"model": taught_student(args, task, data), "task": task}
