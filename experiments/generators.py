"""MUNGE against RANDOM, NBE, Interpolation and true rows (Figures 2 and 4 of the paper)

Question: how much does the student gain from more rows, and how does that depend on where the rows are from?

Setup: T and MUNGE's labelled rows are those of `experiments.model_compression`, with the p and s of its small trials. T
labels up to 396,000 further rows from each other source. Nets of 128 hidden units learn from the 4,000 original rows
and the first further ones, in sets of 4,000, 10,000, ... rows; RMSE is that on the test rows. The 1,000 validation rows
choose T's members, p and s, and each student's epoch; NBE holds out training rows to choose its number of components.
True rows are in no part of the problem: for COVTYPE they come from the full table without the 40,000 rows that problems
are cut from, for ADULT they are the 18,842 rows left over. S2, the best net on the original rows, is quoted from the
stored runs of `experiments.model_compression` with the same seeds.

The paper: RANDOM gains slightly at 10,000 rows and hurts from 100,000; NBE peaks near 20,000; MUNGE improves
throughout; true unlabelled rows are 2 to 8 times as efficient as MUNGE's.

Cost: about nine minutes per run on one core where T and the transfer set lie in `out/material`, four more where they do
not. An interrupted run goes on from the last student.

Reference: Bucilă, Caruana and Niculescu-Mizil, Model Compression, KDD 2006.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from compress import StudentClassifier, TransferSet
from compress.evaluation import rmse
from compress.generators import Interpolation, MarginalSampler, NaiveBayesEstimation
from data.load import load_problem, load_table, problem_names
from experiments import _material
from experiments import _protocol as protocol
from experiments._main import run
from experiments._steps import Steps
from experiments.generators_figures import draw, markdown

FULL = {
    "material": _material.FULL,
    "sizes": [4000, 10_000, 25_000, 50_000, 100_000, 200_000, 400_000],
    "sources": ["MUNGE", "RANDOM", "NBE", "Interpolation", "TRUE"],
    "true": ["adult", "covtype"],
    "hidden": 128,
    "learning_rate": 0.01,
    "epochs": {"of_100k": 40, "least": 20, "most": 100},  # about 4,000 steps whatever the size
}
QUICK = {
    **FULL,
    "material": {**_material.QUICK, "transfer_rows": 2000},
    "sizes": [400, 1000, 2000],
    "hidden": 16,
    "epochs": {"of_100k": 1, "least": 5, "most": 5},
}


def true_rows(problem) -> pd.DataFrame:
    """Real rows that are in no part of the problem, in random order."""
    if problem.name != "covtype":
        return problem.X_rest
    try:
        full = load_table("covtype_full").drop(columns="target")
    except (OSError, RuntimeError, LookupError) as error:
        print(
            f"  covtype_full cannot be had ({error}); true rows are the {len(problem.X_rest):,} in no part", flush=True
        )
        return problem.X_rest
    columns = problem.X_train.columns
    known, full = load_table("covtype")[columns], full[columns]
    for column in problem.nominal:  # the few rows of soils that the 40,000 rows lack become missing, and go
        full[column] = full[column].cat.set_categories(known[column].cat.categories)
    full = full.dropna()
    keys, ours = _keys(full), _keys(known)
    if not ours.isin(keys).all():
        raise RuntimeError("covtype_full must hold every row of covtype, else test rows may be among the true ones.")
    apart = ~keys.isin(ours)  # validation and test rows are among ours
    order = np.random.default_rng([problem.seed, 4]).permutation(int(apart.sum()))
    return full[apart].iloc[order]


def _keys(rows: pd.DataFrame) -> pd.Series:
    return pd.util.hash_pandas_object(rows, index=False)


def transfer_set(source: str, problem, made, n_rows: int, n_jobs: int) -> TransferSet:
    """`n_rows` rows labelled by T, the original ones first; fewer when true rows run out."""
    X = problem.X_train
    if source == "MUNGE":
        return made.data.head(n_rows)
    if source == "TRUE":
        rest = true_rows(problem).iloc[: n_rows - len(X)]
        return TransferSet.from_teacher(made.teacher, X, X_unlabeled=rest, n_jobs=n_jobs, verbose=1)
    Generator = {"RANDOM": MarginalSampler, "NBE": NaiveBayesEstimation, "Interpolation": Interpolation}[source]
    return made.labelled(problem, Generator(n_jobs=n_jobs, random_state=problem.seed), n_rows, n_jobs)


def taught(data: TransferSet, problem, config: dict) -> dict:
    """A student of `data`, at the epoch that the validation rows like best: its errors."""
    started = time.perf_counter()
    n = config["epochs"]
    epochs = int(np.clip(n["of_100k"] * 100_000 / len(data), n["least"], n["most"]))
    how = {"learning_rate": config["learning_rate"], "random_state": problem.seed}
    student = StudentClassifier((config["hidden"],), max_epochs=epochs, **how)
    student.fit(data, X_val=problem.X_valid, y_val=problem.y_valid)
    return {
        "size": len(data),
        "valid_rmse": rmse(problem.y_valid, student.predict_proba(problem.X_valid)),
        "test_rmse": rmse(problem.y_test, student.predict_proba(problem.X_test)),
        "epoch": student.best_epoch_,
        "seconds": round(time.perf_counter() - started, 2),
    }


def run_one(name: str, seed: int, config: dict, n_jobs: int, steps: Steps, folder: Path) -> dict:
    """One problem and seed: every source at every size."""
    problem = load_problem(name, seed, **config["material"]["rows"])
    made = _material.material(problem, seed, config["material"], folder, n_jobs)
    clock = protocol.Stopwatch()
    more = config["sizes"][1:]
    # the original rows alone, whatever the first size is called
    original = steps("original", lambda: taught(made.data.head(made.data.n_original), problem, config))
    curves = {}
    for source in config["sources"]:
        if source == "TRUE" and name not in config["true"]:
            continue
        with clock.stage(source, f"{source}: students of up to {more[-1]:,} rows"):
            curves[source] = [original, *_curve(source, problem, made, config, n_jobs, steps)]
    lines = {"T": made.teacher, "best_single": made.best_single}
    return {
        "curves": curves,
        "lines": {key: rmse(problem.y_test, model.predict_proba(problem.X_test)) for key, model in lines.items()},
        "chosen": {"p": made.search.p, "s": made.search.s, "best_single": made.teacher.best_single_name_},
        "stage_seconds": clock.seconds,  # of the last command: what was kept from earlier ones counts as loaded
    }


def _curve(source, problem, made, config, n_jobs, steps) -> list[dict]:
    """Students of one source at all sizes but the first; the labels are made once."""
    more = config["sizes"][1:]
    if f"{source}-curve" in steps:
        return steps(f"{source}-curve", list)
    data = steps(f"{source}-rows", lambda: transfer_set(source, problem, made, more[-1], n_jobs))
    sizes = [size for size in more if size <= len(data)]
    if len(data) not in sizes:
        sizes.append(len(data))  # true rows end somewhere: the last point takes them all
    points = []
    for size in sizes:
        points.append(steps(f"{source}-{size}", lambda size=size: taught(data.head(size), problem, config)))
        print(f"    {size:>7,} rows: test RMSE {points[-1]['test_rmse']:.4f}", flush=True)
    steps(f"{source}-curve", lambda: points)
    steps.drop(f"{source}-rows")
    return points


def main(argv=None) -> None:
    """Run the grid, then write table and plots from all reports of this configuration in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="generators",
        problems=["letter.p1", "letter.p2", "adult", "covtype"],
        seeds=[1, 2, 3],
        known=problem_names("binary"),
        options=[_material.add_argument, add_sizes],
        configs={"full": FULL, "quick": QUICK},
        configure=with_sizes,
        records=with_controls,
        summary=False,
        table=markdown,
        files=draw,
    )


def add_sizes(arguments) -> None:
    """Give a parser `--sizes`."""
    arguments.add_argument("--sizes", nargs="+", type=int, metavar="ROWS", help="rows of the transfer sets")


def with_sizes(config: dict, args) -> dict:
    """The configuration with the sizes asked for; the original rows alone are always the first."""
    if not args.sizes:
        return config
    least, most = config["sizes"][0], config["material"]["transfer_rows"]
    if not all(least < size <= most for size in args.sizes):
        raise ValueError(f"--sizes must lie in ({least:,}, {most:,}], original rows and T's; got {args.sizes}.")
    return {**config, "sizes": [least, *sorted(set(args.sizes))]}


def with_controls(reports: list[dict], out: Path) -> list[dict]:
    """The reports with S2 from `model_compression`, where the same run is stored."""
    controls = _material.stored_controls(out.parent / "model_compression/summary.json")
    for report in reports:
        report["results"]["lines"]["S2"] = controls.get((report["problem"], report["seed"]))
    return reports


if __name__ == "__main__":
    main()
