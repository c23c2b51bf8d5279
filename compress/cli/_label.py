"""`label`: a teacher's answers for the rows of a table, and for further rows like them."""

from __future__ import annotations

from compress.cli._csv import form_of
from compress.cli._for_teacher import read_for_teacher
from compress.cli._munge import munge_of
from compress.cli._numbers import check_text
from compress.cli._options import UsageError, say
from compress.cli._outputs import check_output, is_table, write_table
from compress.cli._shards import check_folder, is_folder, refuse_for_file
from compress.cli._teacher_file import load_teacher
from compress.teachers import known_classes, task_of
from compress.transfer import StoredRows, TransferSet, answers_frame, label_rows

__all__ = ["run"]


def run(args) -> None:
    """Write rows with the teacher's answers, to one table or to shards."""
    shards = args.out is not None and not is_table(args.out)
    if shards:
        check_folder(args)
        if (args.p is not None or args.s is not None) and args.rows is None:
            raise UsageError("--p and --s are for further rows: say with --rows how many there should be in all.")
    else:
        refuse_for_file(args, "rows", "shard_rows", "resume", "p", "s", "n_jobs")
        check_output(args.out, overwrite=args.overwrite)
    form = form_of(args)
    if is_folder(args.table):
        _label_shards(args, shards)
        return
    teacher = load_teacher(args)
    X, _ = read_for_teacher(args.table, teacher, form, text=args.nominal, drop=args.drop)
    check_text(X, args.table, codes=args.nominal, strict=False)
    if shards:
        _write_shards(args, teacher, X)
        return
    targets = label_rows(teacher, X, verbose=1)
    classes = None
    if task_of(teacher) == "classification":
        classes = known_classes(teacher)
        classes = range(targets.shape[1]) if classes is None else classes
    answers = answers_frame(targets, classes)
    answers.index = X.index
    write_table(X.join(answers), args.out)


def _label_shards(args, shards: bool) -> None:
    """Label the rows of a folder, which know their columns."""
    if not shards:
        raise UsageError("the rows of a folder are labelled to a folder: give --out one, such as --out labelled/.")
    if args.drop or args.nominal or args.rows is not None:
        raise UsageError("a folder of shards knows its columns and rows: leave --drop, --nominal and --rows out.")
    rows = StoredRows(args.table)
    say(f"{args.table}: {len(rows):,} rows, {rows.schema.n_columns} columns")
    _write(args, load_teacher(args), rows)


def _write_shards(args, teacher, X) -> None:
    if args.rows is not None and args.rows < len(X):
        raise ValueError(f"--rows counts the rows of the table too and must be at least {len(X)}, got {args.rows}.")
    generator = None
    if args.rows is not None and args.rows > len(X):
        generator = munge_of(args, random_state=args.seed).fit(X)
        say(f"writing {args.rows:,} rows: p={generator.p}, s={generator.s}")
    _write(args, teacher, X, generator=generator, n_rows=args.rows)


def _write(args, teacher, rows, **settings) -> None:
    stored = TransferSet.write(
        args.out,
        teacher,
        rows,
        shard_rows=args.shard_rows,
        resume=not args.overwrite,
        n_jobs=args.n_jobs,
        verbose=1,
        **settings,
    )
    say(f"wrote {args.out}: {len(stored):,} rows in {len(stored.sizes)} shards")
