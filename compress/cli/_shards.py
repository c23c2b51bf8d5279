"""Folders of shards as outputs and inputs of commands."""

from __future__ import annotations

from pathlib import Path

from compress.cli._options import UsageError
from compress.cli._outputs import need_packages

__all__ = ["check_folder", "is_folder", "refuse_for_file"]


def is_folder(table: Path | str) -> bool:
    """Whether an input is a folder of shards, or the URL of one, and not a file."""
    return isinstance(table, str) or table.is_dir()


def refuse_for_file(args, *names: str) -> None:
    """Refuse options that belong to shards where a file is written."""
    given = [name for name in names if getattr(args, name)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} is for shards: give --out a folder, such as --out labelled/, not a file."
        )


def check_folder(args) -> None:
    """Refuse, before any work, a folder that may not be written."""
    need_packages("shards", "pyarrow")
    if args.resume and args.overwrite:
        raise UsageError("--resume keeps what is there and --overwrite replaces it: leave one out.")
    if not isinstance(args.out, Path):
        return
    if args.out.is_dir() and any(args.out.iterdir()):
        if not (args.resume or args.overwrite):
            raise FileExistsError(
                f"{args.out} exists: pass --resume to go on where an earlier call was stopped, --overwrite to write "
                "it anew, or choose another name."
            )
    elif args.out.exists() and not args.out.is_dir():
        raise FileExistsError(f"{args.out} is a file: give --out a folder, or the ending .csv or .parquet.")
