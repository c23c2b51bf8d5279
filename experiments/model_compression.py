"""Model compression: teacher T, student S1 and the control S2 (Tables 2, 3 and 4 of the paper)

Question: does a net of 256 hidden units that learns from 400,000 rows labelled by T beat the best net that the 4,000
labelled rows alone can give? How near does it come to T, at what size and speed?

Setup: 4,000 training rows (SATELLITE 3,000), 1,000 validation rows and at most 25,000 test rows per problem and seed.
Everything is chosen on the validation rows; the test rows are looked at once.

- T: an ensemble selected from a library of 42 forests and boosting models.
- S2: a net on the training rows. Its width, weight decay, learning rate and epoch are chosen.
- S1: a net of 256 units, taught by T on the training rows and 396,000 rows of MUNGE. Six ways to teach it are tried: p
  and s of MUNGE are those of trials with 20,000 rows, or p = 0.2 and s = 1; and with either pair it learns for 20
  epochs at a rate of 0.003 with a weight decay of 1e-4 or 0.1, or for 40 epochs at 0.01 with 1e-4.
- The recipe, which is ours: the small model that `student="auto"` takes within 128 kB. About seven nets and trees of
  all families learn from 100,000 of S1's rows (nets in short lessons, and the best of them in a long one), and from
  the training rows alone; the best on the validation rows learns from all 400,000, or stays untaught, where that was
  better. What is judged there is the error and, where it tells little, the distance to T (`compress.search.Outcome`).
- "S2, of the recipe": the best of the same models on the training rows alone. "S2, net of S1": S1's net on these.

`ratio` is the paper's (S2 - S1) / (S2 - T), of RMSEs averaged over seeds: 1 is as good as T, more is better. p is of
paired t-tests over seeds, Holm-corrected for the number of problems; over problems it is Wilcoxon's, of the mean
differences (Demšar, JMLR 2006). Times are seconds of a processor, in one thread; those of T and S1 in the stored runs,
to which the recipe was added later, are seconds that passed. The paper's HS, MEDIS, MG and SLAC are not public; MAGIC
and SATELLITE stand in. COVTYPE is class 1 against the rest, whose share of 36 % is the one that the paper gives.

Cost: about fourteen minutes per run on one core, seven hours in all; `--demo` makes smaller searches, in three minutes.

Reference: Bucilă, Caruana and Niculescu-Mizil, Model Compression, KDD 2006.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from compress import MUNGE, StudentClassifier
from compress.evaluation import rmse
from compress.search import TRIAL_SHARE
from data.load import load_problem, problem_names
from experiments import _material
from experiments import _protocol as protocol
from experiments._main import run
from experiments._runner import write_atomically
from experiments.model_compression_figures import draw
from experiments.model_compression_measures import evaluate
from experiments.model_compression_recipe import recipe
from experiments.model_compression_table import headline, markdown

FULL = {
    "material": _material.FULL,
    "hidden": 256,
    "larger_p": [0.2, 1.0],
    "teaching": [
        {"epochs": 20, "learning_rate": 0.003},
        {"epochs": 40, "learning_rate": 0.01},
        {"epochs": 20, "learning_rate": 0.003, "weight_decay": 0.1},
    ],
    "control": {
        "hidden": [128, 512],
        "weight_decay": [1e-3, 0.1, 0.3, 1.0],
        "options": [{"learning_rate": 0.003}, {"learning_rate": 0.01}],
        "epochs": 100,
    },
    "recipe": {
        "bytes": 128_000,
        "choice_rows": 100_000,
        "share": TRIAL_SHARE,
    },
    "timed_rows": 10_000,
}
DEMO = {  # the same job with smaller searches, in about three minutes
    **FULL,
    "material": {**_material.FULL, "library": "default", "pairs": [[0.1, 1.0], [0.2, 5.0]]},
    "recipe": None,
    "larger_p": None,
    "teaching": [{"epochs": 12, "learning_rate": 0.01}],
    "control": {
        "hidden": [128, 512],
        "weight_decay": [1e-3, 1e-1],
        "options": [{"learning_rate": 0.01}],
        "epochs": 100,
    },
    "same_epochs": 100,
}
QUICK = {
    "material": _material.QUICK,
    "hidden": 32,
    "larger_p": [0.2, 1.0],
    "teaching": [{"epochs": 10, "learning_rate": 0.003}, {"epochs": 10, "learning_rate": 0.01}],
    "recipe": {
        "bytes": 16_000,
        "choice_rows": 1000,
        "share": 0.1,
    },
    "control": {"hidden": [32], "weight_decay": [1e-2], "options": [{"learning_rate": 0.003}], "epochs": 20},
    "same_epochs": 20,
    "timed_rows": 1000,
}


def run_one(name: str, seed: int, config: dict, n_jobs: int, folder: Path) -> dict:
    """One problem and seed: train all models, then look at the test rows once."""
    problem = load_problem(name, seed, **config["material"]["rows"])
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    made = _material.material(problem, seed, config["material"], folder, n_jobs)
    clock = protocol.Stopwatch()
    with clock.stage("S2", "S2: width, weight decay and epoch of a net on the original rows"):
        control, controls = protocol.best_control(*train, *valid, **config["control"], seed=seed, n_jobs=n_jobs)
    hidden = config["hidden"]
    sets = {(made.search.p, made.search.s): made.data}
    if config["larger_p"] and (larger := tuple(config["larger_p"])) not in sets:
        with clock.stage("larger_p", "rows of MUNGE (p={:g}, s={:g}), labels".format(*larger)):
            munge = MUNGE(*larger, n_jobs=n_jobs, random_state=seed)
            sets[larger] = made.labelled(problem, munge, len(made.data), n_jobs)
    with clock.stage("S1", f"S1: {hidden} hidden units"):
        student, pair, taught = best_teaching(sets, valid, (hidden,), config["teaching"], seed)
    way = {"learning_rate": student.learning_rate, "weight_decay": student.weight_decay}
    with clock.stage("S2_same", "S2_same: the net of S1 on the original rows"):
        same = StudentClassifier((hidden,), max_epochs=config.get("same_epochs", "auto"), random_state=seed, **way)
        same.fit(*train, X_val=valid[0], y_val=valid[1])
    models = {"T": made.teacher, "best_single": made.best_single, "S2": control, "S2_same": same, "S1": student}
    tried = {"munge": made.search.scores, "S1": taught, "S2": controls, "library": made.teacher.library_scores_}
    if config["recipe"]:
        with clock.stage("recipe", "small models of all families, taught and untaught"):
            further, tries = recipe(made.teacher, sets[pair], train, valid, config["recipe"], seed)
        models |= further
    with clock.stage("test", "test"):
        results = evaluate(models, problem, config["timed_rows"])
    teacher = made.teacher
    results["chosen"] = {
        "neighbors": made.neighbors,
        "S2": min(controls, key=lambda row: row["rmse"]),
        "S1": min(taught, key=lambda row: row["rmse"]),
        "best_single": teacher.best_single_name_,
        "T": {n: round(float(w), 4) for n, w in zip(teacher.names_, teacher.weights_)},
    }
    if config["recipe"]:
        tried["recipe"] = tries.pop("tried")
        results["chosen"] |= tries
    results["tried"] = tried
    results["valid_rmse"] = {n: rmse(valid[1], m.predict_proba(valid[0])) for n, m in models.items()}
    results["stage_seconds"] = {**made.seconds, **clock.seconds}
    return results


def best_teaching(sets: dict, valid, hidden: tuple, ways: list[dict], seed: int):
    """The student that is best on the validation rows, of several transfer sets and ways to teach.

    `sets` are transfer sets by p and s of MUNGE.

    Returns
    -------
    (StudentClassifier, (p, s), list of dict)
        The net, the pair it was taught with, and the validation error of all tried.
    """
    trials = list(product(sets, ways))
    students = [protocol.fit_student(sets[pair], hidden=hidden, seed=seed, **way) for pair, way in trials]
    tried = [
        {"p": p, "s": s, **way, "rmse": rmse(valid[1], net.predict_proba(valid[0]))}
        for ((p, s), way), net in zip(trials, students)
    ]
    best = min(range(len(trials)), key=lambda i: tried[i]["rmse"])
    return students[best], trials[best][0], tried


def summary(reports: list[dict]) -> list[dict]:
    """One flat record per run, the file that others read."""
    keys = ("rmse", "auc", "accuracy", "ratio", "size_bytes", "converted", "seconds_per_10k", "seconds_one_row")
    return [
        {
            "problem": report["problem"],
            "seed": report["seed"],
            **{key: report["results"][key] for key in keys},
            "fidelity_rmse": report["results"]["fidelity"]["rmse"],
            "chosen": {key: report["results"]["chosen"].get(key) for key in ("S1", "S2", "recipe", "S2_recipe")},
            "S1_by_pair": by_pair(report["results"]["tried"]["S1"]),
            "n_members": len(report["results"]["chosen"]["T"]),
            "reliability": report["results"]["reliability"],
            "stage_seconds": report["results"]["stage_seconds"],
        }
        for report in reports
    ]


def by_pair(tried: list[dict]) -> list[dict]:
    """The lowest validation error with each pair p and s, in the order tried."""
    best = {}
    for row in tried:
        pair = row["p"], row["s"]
        best[pair] = min(row["rmse"], best.get(pair, np.inf))
    return [{"p": p, "s": s, "rmse": error} for (p, s), error in best.items()]


def add_demo(arguments) -> None:
    """Give a parser `--demo`."""
    arguments.add_argument("--demo", action="store_true", help="smaller searches and fewer epochs, about three minutes")


def further_files(records: list[dict], out: Path) -> list[Path]:
    """Write README's table and the plots."""
    write_atomically(out / "headline.md", headline(records))
    return [out / "headline.md", *draw(records, out)]


def main(argv=None) -> None:
    """Run the grid, then write tables and plots from all reports in the folder."""
    said = "RMSE of P(y=1) on test rows, bytes and time of S1 against T:\n\n"
    run(
        argv,
        __doc__,
        run_one,
        name="model_compression",
        problems=_material.PROBLEMS,
        seeds=range(5),
        known=problem_names("binary"),
        options=[add_demo, _material.add_argument],
        configs={"quick": QUICK, "demo": DEMO, "full": FULL},
        records=lambda reports, out: summary(reports),
        table=markdown,
        files=further_files,
        shown=lambda records: said + headline(records),
    )


if __name__ == "__main__":
    main()
