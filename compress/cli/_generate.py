"""`generate`: more rows like those of a table, by MUNGE."""

from __future__ import annotations

from compress.cli._options import check_output, say
from compress.cli._table_files import features, read_table, write_table
from compress.generators import MUNGE

__all__ = ["run"]


def run(args) -> None:
    """Generate rows and write them."""
    check_output(args.out, overwrite=args.overwrite)
    if args.rows < 1:
        raise ValueError(f"--rows must be at least 1, got {args.rows}.")
    X, _ = features(read_table(args.table, sep=args.sep, text=args.nominal), args.table, drop=args.drop)
    given = {name: value for name, value in (("p", args.p), ("s", args.s)) if value is not None}
    munge = MUNGE(**given, random_state=args.seed).fit(X)
    say(f"making {args.rows:,} rows: p={munge.p}, s={munge.s}, neighbours in the {munge.neighbors_} set")
    write_table(munge.sample(args.rows), args.out)
