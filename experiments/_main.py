"""The `main` that every experiment shares; a script hands over what is its own.

Command line, check of the request, configuration, runs, and from all stored reports the table, the summary and the
plots. A script's `main(argv)` calls `run`, and `python -m experiments.NAME` takes the same options everywhere.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from experiments._runner import check_request, parser, publish, read_reports, run_grid
from experiments._steps import run_in_steps

__all__ = ["flat", "run"]


def run(
    argv: list[str] | None,
    doc: str,
    run_one: Callable[..., dict],
    *,
    name: str,
    problems: Iterable[str],
    seeds: Iterable[int],
    configs: dict[str, dict],
    table: Callable[[list], str],
    known: Iterable[str] | None = None,
    options: Iterable[Callable] = (),
    configure: Callable[[dict, argparse.Namespace], dict] | None = None,
    choose: Callable[[str, dict, argparse.Namespace], dict] | None = None,
    grid: Callable | None = None,
    one_torch_thread: bool = False,
    records: Callable[[list[dict], Path], list] | None = None,
    summary: bool = True,
    files: Callable[[list, Path], list[Path]] | None = None,
    shown: Callable[[list], str] | None = None,
) -> None:
    """Run an experiment for the problems and seeds asked for, then write its files from all stored reports.

    Parameters
    ----------
    argv : list of str or None
        The command line; None for that of the process.
    doc : str
        The script's docstring, which `--help` prints.
    run_one : callable(problem, seed, config, ...)
        One run; returns JSON-ready results. Of the keywords `n_jobs` (the option), `folder` (of all material, where
        the command line has `--material`) and `steps` (kept on disk, see `experiments._steps`) it is given those
        that its signature names.
    name : str
        The results go to `experiments/results/<name>` unless `--out` says otherwise.
    problems, seeds : iterable
        What is run where the command line names none.
    configs : dict
        Configuration by size of the run: "full", "quick", and any other for which `options` adds a flag.
    table : callable(records)
        The text of `table.md`.
    known : iterable of str, optional
        What `--problems` may name; by default every problem of `data.load`.
    options : iterable of callable(parser)
        Add the arguments that only this experiment has.
    configure : callable(config, args), optional
        The configuration after such arguments; a ValueError becomes an error of the command line.
    choose : callable(problem, config, args), optional
        What is chosen on validation rows before a problem's runs, as further entries of their configuration.
    grid : callable, optional
        In place of `run_grid`.
    one_torch_thread : bool, default=False
        For small nets, which a second thread only slows down.
    records : callable(reports, out), optional
        What tables and plots are made from, instead of the reports.
    summary : bool, default=True
        Whether to keep these records in `summary.json`; reports are not copied there.
    files : callable(records, out), optional
        Write plots and further files; returns their paths.
    shown : callable(records), optional
        What is printed at the end, instead of the table.
    """
    arguments = parser(doc, problems=problems, seeds=seeds, out=f"experiments/results/{name}")
    for add in options:
        add(arguments)
    args = arguments.parse_args(argv)
    check_request(args, known)
    size = next((size for size in configs if getattr(args, size, False)), "full")
    config = configs[size]
    if configure is not None:
        try:
            config = configure(config, args)
        except ValueError as error:
            arguments.error(str(error))
    if one_torch_thread:
        import torch

        torch.set_num_threads(1)

    run_one, in_steps = _bound(run_one, args, size)
    grid = grid or (run_in_steps if in_steps else run_grid)
    if choose is None:
        grid(args, config, run_one)
    else:
        for problem in args.problems:
            one = argparse.Namespace(**{**vars(args), "problems": [problem]})
            grid(one, {**config, **choose(problem, config, args)}, run_one)

    reports = read_reports(args.out, config)
    found = reports if records is None else records(reports, args.out)
    publish(
        args.out,
        table(found),
        records=found if summary and records is not None else None,
        files=files(found, args.out) if files else (),
        shown=shown(found) if shown else None,
    )


def flat(reports: list[dict], out: Path | None = None) -> list[dict]:
    """One flat record per report: problem, seed and results. `out` is not needed."""
    return [{"problem": r["problem"], "seed": r["seed"], **r["results"]} for r in reports]


def _bound(run_one: Callable, args: argparse.Namespace, size: str) -> tuple[Callable, bool]:
    """`run_one` with the keywords it names, and whether it works in steps."""
    offered = {"n_jobs": args.n_jobs}
    if hasattr(args, "material"):
        # a folder for each size of run, since material of another configuration is thrown away
        offered["folder"] = args.material or Path("out/material") / size
    named = inspect.signature(run_one).parameters
    return partial(run_one, **{key: value for key, value in offered.items() if key in named}), "steps" in named
