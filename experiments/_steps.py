"""Steps of a long run, kept on disk until the run is finished, so that an interrupted one goes on.

A run of hours is one teacher, some transfer sets and many students. Each is a step: computed once, put
under `.steps/` in the run's folder, loaded when the command is repeated. The folder belongs to one
configuration, and goes when the report is written.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import joblib

from experiments._runner import run_grid

__all__ = ["Steps", "run_in_steps"]


def run_in_steps(args, config: dict, run_one: Callable) -> None:
    """`run_grid` with `run_one(problem, seed, config, steps=steps)`; the steps go when all reports stand."""
    finished = []

    def run(name, seed, config):
        steps = Steps(args.out / name / str(seed), config, anew=args.force)
        results = run_one(name, seed, config, steps=steps)
        finished.append(steps)
        return results

    run_grid(args, config, run)
    for steps in finished:
        steps.finish()


class Steps:
    """Results of named steps, in memory or on disk.

    Parameters
    ----------
    run : Path
        The run's folder.
    config : dict
        JSON-ready. Steps that were made under another configuration are thrown away.
    anew : bool, default=False
        Throw all steps away.
    """

    def __init__(self, run: Path, config: dict, *, anew: bool = False):
        self.folder = run / ".steps"
        said = json.dumps(config, sort_keys=True)
        mark = self.folder / "config.json"
        if anew or not mark.is_file() or mark.read_text() != said:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            mark.write_text(said)

    def __contains__(self, name: str) -> bool:
        return self._path(name).is_file()

    def __call__(self, name: str, compute: Callable[[], object]):
        """The result of step `name`: loaded, or else computed and kept."""
        path = self._path(name)
        if path.is_file():
            return joblib.load(path)
        result = compute()
        partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        try:
            joblib.dump(result, partial)
            partial.replace(path)  # a step is there as a whole or not at all
        finally:
            partial.unlink(missing_ok=True)
        return result

    def kept(self, name: str):
        """The result of a step that is there."""
        return joblib.load(self._path(name))

    def drop(self, name: str) -> None:
        """Remove a step that no later one needs; transfer sets are large."""
        self._path(name).unlink(missing_ok=True)

    def finish(self) -> None:
        """Remove all steps."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.joblib"
