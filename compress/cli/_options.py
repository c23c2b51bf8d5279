"""Arguments that several subcommands share, and the output of all."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

__all__ = [
    "UsageError",
    "add_command",
    "add_csv",
    "add_munge",
    "add_output",
    "add_overwrite",
    "add_table",
    "add_teacher",
    "by_measure",
    "place",
    "print_json",
    "say",
]


WIDTH = 120  # of a line of JSON


class UsageError(Exception):
    """Error of arguments that do not fit together."""


def add_command(commands, name: str, module: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Add a subcommand that calls `run(args)` of a module, which is imported only then."""
    command = commands.add_parser(
        name,
        help=description,
        description=description[0].upper() + description[1:] + ".",
        epilog=f"example:\n  {examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(module=module)
    return command


def place(text: str) -> Path | str:
    """Return a path, or a URL as it is."""
    return text if "://" in text else Path(text)


def add_table(command, what: str, *, nominal: bool = False, folder: bool = False) -> None:
    """Add the table to read, and how to read it."""
    files = "a .csv (.csv.gz, .csv.zst) or .parquet file"
    command.add_argument(
        "table",
        type=place if folder else Path,
        metavar="TABLE",
        help=f"{what}: {files}{', or a folder of shards' if folder else ''}",
    )
    add_csv(command)
    command.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
    if nominal:
        command.add_argument(
            "--nominal", nargs="+", default=[], metavar="COLUMN", help="columns of codes, not of numbers: read as text"
        )


def add_csv(command) -> None:
    """Add how CSV files are written."""
    command.add_argument("--sep", default=",", help="delimiter of CSV files (default: comma; 'tab' for tabs)")
    command.add_argument("--decimal", default=".", metavar="MARK", help="decimal mark of CSV files (default: point)")
    command.add_argument("--thousands", metavar="MARK", help="thousands separator of CSV files ('space' for spaces)")


def add_output(command, what: str, *, required: bool = False, folder: bool = False) -> None:
    """Add the file to write."""
    where = "" if required else " (default: CSV on stdout)"
    kind = place if folder else Path
    command.add_argument("--out", type=kind, metavar="FILE", required=required, help=f"{what}{where}")
    add_overwrite(command)


def add_overwrite(command) -> None:
    """Add the permission to replace files."""
    command.add_argument("--overwrite", action="store_true", help="replace output files that exist")


def add_teacher(command, *, required: bool = False) -> None:
    """Add the teacher's file and the permissions to load it."""
    command.add_argument(
        "--teacher", type=Path, metavar="FILE", required=required, help="fitted estimator: .skops, or .joblib or .pkl"
    )
    command.add_argument(
        "--trust-pickle",
        action="store_true",
        help="allow joblib and pickle files, which can run any code when loaded: only for files of your own",
    )
    command.add_argument(
        "--trust", nargs="+", default=[], metavar="TYPE", help="further types that a .skops file may contain"
    )


def add_munge(command) -> None:
    """Add the parameters of MUNGE."""
    command.add_argument("--p", type=float, help="swap probability of MUNGE, in [0, 1]")
    command.add_argument("--s", type=float, help="local variance parameter of MUNGE, above 0; larger is less noise")
    command.add_argument("--seed", type=int, default=0, help="of all random numbers (default: %(default)s)")


def by_measure(rows: list[dict]) -> dict:
    """Return rows of `Report.measures` as `{key: {"student": ..., "teacher": ...}}`, without missing numbers."""
    models = ("student", "teacher", "untaught")
    return {row["measure"]: {who: row[who] for who in models if row.get(who) is not None} for row in rows}


def say(message: str) -> None:
    """Print progress to stderr."""
    print(message, file=sys.stderr, flush=True)


def print_json(value) -> None:
    """Print a result to stdout."""
    print(_json(value, ""))


def _json(value, indent: str) -> str:
    """Return JSON in which everything that fits into a line is on one line."""
    line = json.dumps(value, default=lambda v: v.item() if hasattr(v, "item") else str(v))
    if not isinstance(value, dict | list) or not value or len(indent) + len(line) <= WIDTH:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(str(key))}: {_json(part, deeper)}" for key, part in value.items()]
    else:
        parts = [_json(part, deeper) for part in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{end}"
