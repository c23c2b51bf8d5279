"""`generate`: more rows like those of a table, by MUNGE."""

from __future__ import annotations

from compress.cli._columns import features
from compress.cli._csv import form_of
from compress.cli._numbers import check_text
from compress.cli._options import say
from compress.cli._outputs import check_output, write_table
from compress.cli._table_files import read_table
from compress.generators import MUNGE

__all__ = ["run"]


def run(args) -> None:
    """Generate rows and write them."""
    if args.rows < 1:
        raise ValueError(f"--rows must be at least 1, got {args.rows}.")
    check_output(args.out, overwrite=args.overwrite)
    X, _ = features(read_table(args.table, form_of(args), text=args.nominal), args.table, drop=args.drop)
    check_text(X, args.table, codes=args.nominal)
    given = {name: value for name, value in (("p", args.p), ("s", args.s)) if value is not None}
    munge = MUNGE(**given, random_state=args.seed).fit(X)
    say(f"making {args.rows:,} rows: p={munge.p}, s={munge.s}, neighbours in the {munge.neighbors_} set")
    write_table(munge.sample(args.rows), args.out)
