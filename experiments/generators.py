"""MUNGE against RANDOM, NBE, Interpolation and true rows (Figures 2 and 4 of the paper)

Question: how much does the student gain from more rows, by where the rows are from? The paper finds that RANDOM gains
slightly at 10,000 rows and hurts from 100,000, that NBE peaks near 20,000 and MUNGE improves throughout, and that true
unlabelled rows are 2 to 8 times as efficient as MUNGE's. (Bucila, Caruana and Niculescu-Mizil, KDD 2006, Figures 2, 4.)

Setup per problem and seed: T as in `experiments.model_compression`; its labels of 4,000 original rows and up to 396,000
more from each source; nets of 128 hidden units on the first 4,000, 10,000, ... of them, RMSE on the test rows. The
1,000 validation rows choose T's members, S2, MUNGE's p and s, and each student's epoch; NBE holds out training rows to
choose its number of components. True rows: covtype's full table without the 40,000 rows that problems are cut from (if
it cannot be fetched, those in no part), and adult's rows in no part, which the smaller test set of 10,000 leaves.

Cost: about 3 hours on 2 cores for 4 problems and 3 seeds. This is an estimate, from stages measured on letter.p2: T
55 s, S2 35 s, p and s 25 s, labels 15 s per 100,000 rows, students 5 to 20 s each. `--sizes` up to 100000 halves it. An
interrupted run goes on from the last student. `--quick` takes about 10 seconds a run.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from compress import MUNGE, StudentClassifier, TransferSet
from compress.evaluation import rmse
from compress.generators import Interpolation, MarginalSampler, NaiveBayesEstimation
from compress.tuning import tune_munge
from data.load import load_problem, load_table, problem_names
from experiments import _protocol as protocol
from experiments._runner import check_request, parser, write_atomically
from experiments._steps import Steps, reports_of, run_in_steps
from experiments.generators_figures import draw, markdown

FULL = {
    "rows": {"adult": {"n_test": 10_000}},
    "sizes": [4000, 10_000, 25_000, 50_000, 100_000, 200_000, 400_000],
    "sources": ["MUNGE", "RANDOM", "NBE", "Interpolation", "TRUE"],
    "true": ["adult", "covtype"],
    "hidden": 128,
    "epochs": "auto",
    "library": "default",
    "control": {"hidden": [32, 128, 512], "weight_decay": [1e-3, 1e-1, 1.0], "epochs": 100},
    "tune": {"pairs": [[0.05, 5.0], [0.1, 5.0], [0.2, 5.0], [0.2, 1.0], [0.4, 2.0]], "n_rows": 20_000},
}
SMALL = {"n_train": 400, "n_valid": 200, "n_test": 1000}
QUICK = {
    **FULL,
    "rows": {name: SMALL for name in problem_names("binary")},
    "sizes": [400, 1000, 2000],
    "hidden": 16,
    "epochs": 5,
    "library": "small",
    "control": {"hidden": [32], "weight_decay": [1e-2], "epochs": 10},
    "tune": {"pairs": [[0.1, 5.0], [0.2, 5.0]], "n_rows": 1000},
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


def transfer_set(source: str, problem, teacher, pair, n_rows: int, n_jobs: int) -> TransferSet:
    """`n_rows` rows labelled by the teacher, the original ones first; fewer when true rows run out."""
    X, seed = problem.X_train, problem.seed
    if source == "TRUE":
        rest = true_rows(problem).iloc[: n_rows - len(X)]
        return TransferSet.from_teacher(teacher, X, X_unlabeled=rest, n_jobs=n_jobs, verbose=1)
    generator = {
        "MUNGE": MUNGE(*pair, n_jobs=n_jobs, random_state=seed),
        "RANDOM": MarginalSampler(n_jobs=n_jobs, random_state=seed),
        "NBE": NaiveBayesEstimation(n_jobs=n_jobs, random_state=seed),
        "Interpolation": Interpolation(n_jobs=n_jobs, random_state=seed),
    }[source].fit(X)
    return TransferSet.from_teacher(teacher, X, generator=generator, n_rows=n_rows, n_jobs=n_jobs, verbose=1)


def taught(data: TransferSet, problem, config: dict) -> dict:
    """A student of `data`, at the epoch that the validation rows like best: its errors."""
    started = time.perf_counter()
    student = StudentClassifier((config["hidden"],), max_epochs=config["epochs"], random_state=problem.seed)
    student.fit(data, X_val=problem.X_valid, y_val=problem.y_valid)
    return {
        "size": len(data),
        "valid_rmse": rmse(problem.y_valid, student.predict_proba(problem.X_valid)),
        "test_rmse": rmse(problem.y_test, student.predict_proba(problem.X_test)),
        "epoch": student.best_epoch_,
        "seconds": round(time.perf_counter() - started, 2),
    }


def run_one(name: str, seed: int, config: dict, n_jobs: int, steps: Steps) -> dict:
    """One problem and seed: every source at every size."""
    problem = load_problem(name, seed, **config["rows"].get(name, {}))
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    clock = protocol.Stopwatch()

    with clock.stage("teacher", "teacher"):
        teacher = steps(
            "teacher",
            lambda: protocol.fit_teacher(*train, *valid, library=config["library"], seed=seed, n_jobs=n_jobs),
        )
    with clock.stage("S2", "S2: width, weight decay and epoch of a net on the original rows"):
        control = steps(
            "S2", lambda: protocol.best_control(*train, *valid, **config["control"], seed=seed, n_jobs=n_jobs)[0]
        )
    with clock.stage("tune", "p and s of MUNGE"):
        search = steps(
            "tune",
            lambda: tune_munge(train[0], teacher, *valid, **config["tune"], n_jobs=n_jobs, random_state=seed),
        )

    first, *more = config["sizes"]
    original = steps(
        "original", lambda: taught(TransferSet.from_teacher(teacher, train[0], n_jobs=n_jobs), problem, config)
    )
    curves = {}
    for source in config["sources"]:
        if source == "TRUE" and name not in config["true"]:
            continue
        with clock.stage(source, f"{source}: students of up to {more[-1]:,} rows"):
            curves[source] = [original, *_curve(source, problem, teacher, (search.p, search.s), config, n_jobs, steps)]

    models = {"T": teacher, "best_single": teacher.best_single_, "S2": control}
    return {
        "curves": curves,
        "lines": {key: rmse(problem.y_test, model.predict_proba(problem.X_test)) for key, model in models.items()},
        "chosen": {"p": search.p, "s": search.s, "best_single": teacher.best_single_name_},
        "stage_seconds": clock.seconds,  # of the last command: what was kept from earlier ones counts as loaded
    }


def _curve(source, problem, teacher, pair, config, n_jobs, steps) -> list[dict]:
    """Students of one source at all sizes but the first; the labels are made once."""
    more = config["sizes"][1:]
    if f"{source}-curve" in steps:
        return steps(f"{source}-curve", list)
    data = steps(f"{source}-rows", lambda: transfer_set(source, problem, teacher, pair, more[-1], n_jobs))
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
    arguments = parser(
        __doc__,
        problems=["letter.p1", "letter.p2", "adult", "covtype"],
        seeds=[0, 1, 2],
        out="experiments/results/generators",
    )
    arguments.add_argument("--sizes", nargs="+", type=int, metavar="ROWS", help="rows of the transfer sets")
    args = arguments.parse_args(argv)
    check_request(args, problem_names("binary"))
    config = dict(QUICK if args.quick else FULL)
    if args.sizes:
        # the first size is that of the original rows alone, whatever it is called
        config["sizes"] = [config["sizes"][0], *sorted(size for size in args.sizes if size > config["sizes"][0])]
        if len(config["sizes"]) == 1:
            arguments.error(f"--sizes must hold one above {config['sizes'][0]}, the original rows; got {args.sizes}.")

    run_in_steps(args, config, run_one)
    reports = reports_of(args.out, config)
    table = markdown(reports)
    write_atomically(args.out / "table.md", table)
    plots = draw(reports, args.out)
    print("\n" + table)
    for path in [args.out / "table.md", *plots]:
        print(f"written: {Path(path)}")


if __name__ == "__main__":
    main()
