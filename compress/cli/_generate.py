"""`generate`: more rows like those of a table, by MUNGE."""

from __future__ import annotations

from compress.cli._columns import features
from compress.cli._csv import form_of
from compress.cli._munge import munge_of
from compress.cli._numbers import check_text
from compress.cli._options import say
from compress.cli._outputs import check_output, is_table, write_stream
from compress.cli._shards import check_folder, refuse_for_file
from compress.cli._table_files import read_table
from compress.transfer import write_rows

__all__ = ["run"]

BATCH_ROWS = 100_000


def run(args) -> None:
    """Generate rows and write them, to a table or to shards."""
    if args.rows < 1:
        raise ValueError(f"--rows must be at least 1, got {args.rows}.")
    shards = args.out is not None and not is_table(args.out)
    if shards:
        check_folder(args)
    else:
        refuse_for_file(args, "shard_rows", "resume", "n_jobs")
        check_output(args.out, overwrite=args.overwrite)
    X, _ = features(read_table(args.table, form_of(args), text=args.nominal), args.table, drop=args.drop)
    check_text(X, args.table, codes=args.nominal)
    munge = munge_of(args, random_state=args.seed).fit(X)
    say(f"making {args.rows:,} rows: p={munge.p}, s={munge.s}, neighbours in the {munge.neighbors_} set")
    if not shards:
        write_stream(munge.iter_batches(args.rows, BATCH_ROWS), args.out)
        return
    write_rows(
        args.out,
        X,
        generator=munge,
        n_rows=args.rows,
        shard_rows=args.shard_rows,
        resume=not args.overwrite,
        n_jobs=args.n_jobs,
        verbose=1,
    )
    say(f"wrote {args.out}: {args.rows:,} rows in shards")
