"""`generate`: more rows like those of a table, by MUNGE."""

from __future__ import annotations

from compress.cli._columns import features
from compress.cli._csv import form_of
from compress.cli._munge import munge_of
from compress.cli._numbers import check_text
from compress.cli._options import say
from compress.cli._outputs import check_output, write_stream
from compress.cli._table_files import read_table

__all__ = ["run"]

BATCH_ROWS = 100_000


def run(args) -> None:
    """Generate rows and write them."""
    if args.rows < 1:
        raise ValueError(f"--rows must be at least 1, got {args.rows}.")
    check_output(args.out, overwrite=args.overwrite)
    X, _ = features(read_table(args.table, form_of(args), text=args.nominal), args.table, drop=args.drop)
    check_text(X, args.table, codes=args.nominal)
    munge = munge_of(args, random_state=args.seed).fit(X)
    say(f"making {args.rows:,} rows: p={munge.p}, s={munge.s}, neighbours in the {munge.neighbors_} set")
    write_stream(munge.iter_batches(args.rows, BATCH_ROWS), args.out)
