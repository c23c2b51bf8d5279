"""`label`: a teacher's answers for the rows of a table, and for further rows like them."""

from __future__ import annotations

from pathlib import Path

from compress.cli._csv import form_of
from compress.cli._for_teacher import read_for_teacher
from compress.cli._munge import munge_of
from compress.cli._numbers import check_text
from compress.cli._options import UsageError, say
from compress.cli._outputs import check_output, is_table, need_packages, write_table
from compress.cli._teacher_file import load_teacher
from compress.teachers import known_classes, task_of
from compress.transfer import TransferSet, answers_frame, label_rows

__all__ = ["run"]


def run(args) -> None:
    """Write rows with the teacher's answers, to one table or to shards."""
    shards = args.out is not None and not is_table(args.out)
    if shards:
        _check_folder(args)
    else:
        _check_file(args)
    form = form_of(args)
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


def _check_file(args) -> None:
    """Refuse what belongs to shards."""
    given = [name for name in ("rows", "shard_rows", "resume", "p", "s", "n_jobs") if getattr(args, name)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} is for shards: give --out a folder, such as --out labelled/, not a file."
        )
    check_output(args.out, overwrite=args.overwrite)


def _check_folder(args) -> None:
    need_packages("shards", "pyarrow")
    if args.resume and args.overwrite:
        raise UsageError("--resume keeps what is there and --overwrite replaces it: leave one out.")
    if (args.p is not None or args.s is not None) and args.rows is None:
        raise UsageError("--p and --s are for further rows: say with --rows how many there should be in all.")
    if isinstance(args.out, Path) and args.out.is_dir() and any(args.out.iterdir()):
        if not (args.resume or args.overwrite):
            raise FileExistsError(
                f"{args.out} exists: pass --resume to go on where an earlier call was stopped, --overwrite to write "
                "it anew, or choose another name."
            )
    elif isinstance(args.out, Path) and args.out.exists() and not args.out.is_dir():
        raise FileExistsError(f"{args.out} is a file: give --out a folder, or the ending .csv or .parquet.")


def _write_shards(args, teacher, X) -> None:
    if args.rows is not None and args.rows < len(X):
        raise ValueError(f"--rows counts the rows of the table too and must be at least {len(X)}, got {args.rows}.")
    generator = None
    if args.rows is not None and args.rows > len(X):
        generator = munge_of(args, random_state=args.seed).fit(X)
        say(f"writing {args.rows:,} rows: p={generator.p}, s={generator.s}")
    stored = TransferSet.write(
        args.out,
        teacher,
        X,
        generator=generator,
        n_rows=args.rows,
        shard_rows=args.shard_rows,
        resume=not args.overwrite,
        n_jobs=args.n_jobs,
        verbose=1,
    )
    say(f"wrote {args.out}: {len(stored):,} rows in {len(stored.sizes)} shards")
