"""Teacher and transfer set of the reproduction: made once per problem and seed, kept for every experiment.

Tables 2 to 4, the curve over hidden units and the questions about T all start from the same T and the same
400,000 labelled rows. They lie under `out/material/<problem>/<seed>/`, which is not committed: whoever
comes first makes them, in some minutes, and a folder of another configuration is thrown away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compress import MUNGE, TransferSet
from compress.search import PAIRS, MungeSearch, tune_munge
from compress.transfer import CrossFit
from experiments import _protocol as protocol
from experiments._steps import Steps

__all__ = [
    "FULL",
    "PROBLEMS",
    "QUICK",
    "Material",
    "add_argument",
    "material",
    "stored_controls",
]

PROBLEMS = ("letter.p1", "letter.p2", "adult", "covtype", "magic", "satellite")

FULL = {
    "rows": {},
    "transfer_rows": 400_000,
    "library": "large",
    # those of `tune_munge`: the first is kept unless another is clearly better on validation rows
    "pairs": [list(pair) for pair in PAIRS],
}
QUICK = {
    "rows": {"n_train": 400, "n_valid": 200, "n_test": 1000},
    "transfer_rows": 4000,
    "library": "small",
    "pairs": [[0.1, 1.0], [0.2, 5.0]],
}


def add_argument(arguments) -> None:
    """Give a parser `--material`, the folder of all material."""
    arguments.add_argument("--material", type=Path, help="folder of teachers and transfer sets (default: out/material)")


@dataclass
class Material:
    """What all experiments of a problem and seed start from.

    Attributes
    ----------
    teacher : EnsembleTeacherClassifier
    best_single : fitted teacher
        The library's best model on the validation rows.
    search : MungeSearch
        MUNGE's p and s, and the validation errors of the pairs tried.
    data : TransferSet
        `transfer_rows` rows, the training rows first.
    neighbors : str
        In which rows MUNGE looked for neighbours.
    seconds : dict
        By stage, from when they were made.
    steps : Steps
        Where they are kept.
    """

    teacher: object
    best_single: object
    search: MungeSearch
    data: TransferSet
    neighbors: str
    seconds: dict
    steps: Steps

    def labelled(self, problem, generator, n_rows: int, n_jobs: int) -> TransferSet:
        """The training rows and those of another generator, which is fitted on them, labelled by T: `n_rows` in all."""
        X = problem.X_train
        return TransferSet.from_teacher(
            self.teacher, X, generator=generator.fit(X), n_rows=n_rows, n_jobs=n_jobs, verbose=1
        )

    def cross_fitted(self, problem, seed: int) -> CrossFit:
        """Clones of T that have not seen the rows they label; what they say of the training rows is kept."""
        X, y = problem.X_train, problem.y_train
        crossed = CrossFit(self.teacher, random_state=seed).fit(X, y)
        self.steps("out_of_fold", lambda: crossed.outputs(X, "probabilities"))
        return crossed

    def out_of_fold(self, problem, seed: int) -> np.ndarray:
        """Probabilities of the training rows by clones of T that have not seen them: (n_train, 2)."""
        if "out_of_fold" not in self.steps:
            self.cross_fitted(problem, seed)
        return self.steps.kept("out_of_fold")


def material(problem, seed: int, config: dict, folder: Path, n_jobs: int) -> Material:
    """T and D2 of a problem and seed, made or loaded.

    Parameters
    ----------
    problem : Problem
        Its training and validation rows alone are used.
    seed : int
    config : dict
        As `FULL`.
    folder : Path
        Of all material.
    n_jobs : int
    """
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    steps = Steps(Path(folder) / problem.name / str(seed), config)

    def fitted():
        clock = protocol.Stopwatch()
        with clock.stage("teacher", "teacher: library of forests and boosting, ensemble selection"):
            teacher = protocol.fit_teacher(*train, *valid, library=config["library"], seed=seed, n_jobs=n_jobs)
        return teacher, teacher.best_single_, clock.seconds

    def transfer_set():
        clock = protocol.Stopwatch()
        with clock.stage("tune", "p and s of MUNGE, by small students"):
            search = tune_munge(
                train[0], teacher, *valid, pairs=config["pairs"], n_jobs=n_jobs, verbose=1, random_state=seed
            )
        said = f"{config['transfer_rows']:,} rows: MUNGE (p={search.p:g}, s={search.s:g}), labels"
        with clock.stage("munge_and_label", said):
            munge = MUNGE(search.p, search.s, n_jobs=n_jobs, random_state=seed).fit(train[0])
            data = TransferSet.from_teacher(
                teacher, train[0], generator=munge, n_rows=config["transfer_rows"], n_jobs=n_jobs, verbose=1
            )
        seconds = {**clock.seconds, **{stage: round(spent, 2) for stage, spent in data.seconds.items()}}
        return search, data, munge.neighbors_, seconds

    teacher, best_single, first = steps("teacher", fitted)
    teacher.set_params(n_jobs=n_jobs)
    search, data, neighbors, second = steps("transfer_set", transfer_set)
    return Material(teacher, best_single, search, data, neighbors, {**first, **second}, steps)


def stored_controls(path: Path) -> dict:
    """RMSE of S2 by problem and seed, from a summary of `experiments.model_compression`."""
    if not path.is_file():
        return {}
    return {(record["problem"], record["seed"]): record["rmse"]["S2"] for record in json.loads(path.read_text())}
