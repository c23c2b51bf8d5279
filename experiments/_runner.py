"""Runs on disk: one folder per run, a report when it is finished, nothing done twice.

    <out>/<problem>/<seed>/report.json      the run's configuration, results, versions, machine
    <out>/summary.json, table.md, *.png     computed from the reports alone

A report is written under a temporary name and renamed as the last act of a run: where it stands, the
run is finished, and a repeated command skips it unless its configuration has changed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from data.load import problem_names

__all__ = [
    "by_problem",
    "check_request",
    "machine",
    "parser",
    "publish",
    "read_reports",
    "run_grid",
    "spread",
    "versions",
    "write_atomically",
    "write_json",
]

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "numba", "joblib")


def parser(doc: str, *, problems: Iterable[str], seeds: Iterable[int], out: str) -> argparse.ArgumentParser:
    """The command line that every experiment shares; `doc` is the script's docstring."""
    result = _Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--problems", nargs="+", default=list(problems), metavar="NAME", help="default: %(default)s")
    result.add_argument(
        "--seeds", nargs="+", type=int, default=list(seeds), metavar="SEED", help="default: %(default)s"
    )
    result.add_argument("--out", type=Path, default=Path(out), help="folder of the reports (default: %(default)s)")
    result.add_argument("--n-jobs", type=int, default=-1, help="workers for teachers and labels (default: all cores)")
    result.add_argument("--force", action="store_true", help="redo finished runs")
    result.add_argument(
        "--quick", action="store_true", help="small sizes, seconds: a check that all works; goes to out/quick"
    )
    return result


class _Parser(argparse.ArgumentParser):
    """Keeps quick runs that name no folder out of the place of full runs."""

    def parse_known_args(self, args=None, namespace=None):
        parsed, rest = super().parse_known_args(args, namespace)
        full = self.get_default("out")
        if parsed.quick and parsed.out == full:
            parsed.out = Path("out/quick") / full.name
        return parsed, rest


def check_request(args: argparse.Namespace, known: Iterable[str] | None = None) -> None:
    """Stop with a clear message before any work when problems, seeds or the folder cannot be used.

    `known` are the problems the experiment is about; all of `data.load` by default.
    """
    known = problem_names() if known is None else tuple(known)
    for name in args.problems:
        if name not in known:
            sys.exit(f"error: --problems must be among {', '.join(known)}; got {name!r}.")
    for seed in args.seeds:
        if not 0 <= seed < 2**32:
            sys.exit(f"error: --seeds must lie in [0, 2**32), got {seed}.")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=args.out):
            pass
    except OSError as error:
        sys.exit(f"error: --out must be a folder that can be written to, got {str(args.out)!r}: {error.strerror}.")


def run_grid(
    args: argparse.Namespace,
    config: dict,
    run_one: Callable[[str, int, dict], dict],
    *,
    log: Callable = print,
) -> list[dict]:
    """Run `run_one(problem, seed, config)` for each problem and seed; return all reports of the grid.

    Parameters
    ----------
    args : Namespace
        Of `parser`.
    config : dict
        What the results depend on besides problem and seed; JSON-ready.
    run_one : callable
        Returns the JSON-ready results of one run.
    """
    reports = []
    for problem in args.problems:
        for seed in args.seeds:
            path = args.out / problem / str(seed) / "report.json"
            report = _finished(path, config)
            if report is not None and not args.force:
                log(f"{problem} seed {seed}: finished before, kept ({path})", flush=True)
            else:
                log(f"\n{problem} seed {seed}", flush=True)
                started = time.perf_counter()
                results = run_one(problem, seed, config)
                report = {
                    "problem": problem,
                    "seed": seed,
                    "config": config,
                    "results": results,
                    "seconds": round(time.perf_counter() - started, 1),
                    "versions": versions(),
                    "machine": machine(),
                }
                write_json(path, report)
            reports.append(report)
    return reports


def _finished(path: Path, config: dict) -> dict | None:
    try:
        report = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError):
        return None
    same = isinstance(report, dict) and report.get("config") == json.loads(json.dumps(config))
    return report if same else None


def read_reports(out: Path, config: dict) -> list[dict]:
    """The finished reports below `out` that were made with `config`, ordered by problem and seed.

    Others, as of `--quick` or of an earlier version of the script, cannot share a table. What a run's configuration
    holds besides, as what was chosen for its problem on validation rows, may differ.
    """
    reports = [json.loads(path.read_text()) for path in sorted(out.glob("*/*/report.json"))]
    wanted = json.loads(json.dumps(config)).items()
    fitting = [r for r in reports if all(r["config"].get(key) == value for key, value in wanted)]
    return sorted(fitting, key=lambda r: (r["problem"], r["seed"]))


def by_problem(records: list[dict]) -> dict[str, list[dict]]:
    """The records of each problem, in order."""
    groups = defaultdict(list)
    for record in records:
        groups[record["problem"]].append(record)
    return dict(groups)


def publish(
    out: Path, table: str, *, records: list | None = None, files: Iterable[Path] = (), shown: str | None = None
) -> None:
    """The end of every experiment: `summary.json` (if there are records), `table.md`; print the table and all paths.

    Parameters
    ----------
    out : Path
        The experiment's folder.
    table : str
        Markdown.
    records : list, optional
        JSON-ready, one per run.
    files : iterable of Path
        Plots and others, written before.
    shown : str, optional
        Printed in place of the table.
    """
    written = [out / "table.md", *files]
    if records is not None:
        write_json(out / "summary.json", records)
        written.insert(0, out / "summary.json")
    write_atomically(out / "table.md", table)
    print("\n" + (shown or table))
    for path in written:
        print(f"written: {path}")


def write_json(path: Path, value) -> None:
    """Write JSON atomically; numpy numbers are fine."""
    write_atomically(
        path, json.dumps(value, indent=1, default=lambda v: v.item() if hasattr(v, "item") else str(v)) + "\n"
    )


def write_atomically(path: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it, so that no half file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        partial.write_text(text)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def versions() -> dict:
    """Of Python and the packages that results depend on."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def machine() -> dict:
    """Processor, cores, GPU."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"cpu": _cpu_name(), "cores": os.cpu_count(), "gpu": gpu}


def spread(numbers, digits: int = 2, sign: str = "") -> str:
    """mean ± sd, as all tables have it; `sign="+"` writes the mean with its sign."""
    sd = f" ± {np.std(numbers, ddof=1):.{digits}f}" if len(numbers) > 1 else ""
    return f"{np.mean(numbers):{sign}.{digits}f}{sd}"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
