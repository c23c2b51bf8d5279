"""What the original rows are labelled with: the teacher, the truth, or teachers that have not seen them

Question: a teacher is overconfident on its own training rows. Is the student better when those rows carry the true
labels, or out-of-fold predictions of five clones of the teacher, in place of its outputs?

Setup: a random forest of 200 trees, grown out, is right about nearly all of its training rows. It teaches one hidden
layer of 256 units on 10 times the 4,000 rows (the default is 100 times), with MUNGE(p=0.2, s=5). All three students of
a seed share teacher, rows and seed; they differ in the targets of the first 4,000 of 40,000 rows. The paired
differences are those of the RMSE on *validation* rows, since this decides on a default.

Cost: about half a minute per run on 2 cores.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.preprocessing import OneHotEncoder

from compress import MUNGE, CompressedClassifier, CompressedRegressor, StudentClassifier, StudentRegressor
from compress.search import validation_error
from data.load import load_problem
from experiments._main import flat, run
from experiments._runner import spread

PROBLEMS = ("letter", "adult", "covtype7", "satellite", "magic", "casp")
KINDS = ("teacher", "true", "out_of_fold")
FULL = {"rows": {"n_test": 1000}, "trees": 200, "hidden": 256, "epochs": 20, "size_multiplier": 10}
QUICK = {
    "rows": {"n_train": 200, "n_valid": 100, "n_test": 100},
    "trees": 10,
    "hidden": 16,
    "epochs": 3,
    "size_multiplier": 3,
}


def run_one(name: str, seed: int, config: dict, n_jobs: int) -> dict:
    """Validation RMSE by kind of label, same teacher and rows."""
    problem = load_problem(name, seed, **config["rows"])
    regression = problem.task == "regression"
    Forest = RandomForestRegressor if regression else RandomForestClassifier
    Student = StudentRegressor if regression else StudentClassifier
    Model = CompressedRegressor if regression else CompressedClassifier
    X, X_val = (encoded(table, problem) for table in (problem.X_train, problem.X_valid))
    teacher = Forest(config["trees"], n_jobs=n_jobs, random_state=seed).fit(X, problem.y_train)
    errors = {}
    for kind in KINDS:
        model = Model(
            teacher,
            student=Student((config["hidden"],), max_epochs=config["epochs"]),
            size_multiplier=config["size_multiplier"],
            original_labels=kind,
            generator=MUNGE(p=0.2),
            random_state=seed,
        ).fit(X, problem.y_train)
        output = model.predict(X_val) if regression else model.predict_proba(X_val)
        errors[kind] = validation_error(output, problem.y_valid, None if regression else model.classes_)
        print(f"  {kind:<12} {errors[kind]:.4f}", flush=True)
    return {"valid_rmse": errors}


def encoded(table, problem) -> np.ndarray:
    """Numbers and one-hot columns, missing numbers as -1: what a plain forest takes."""
    nominal = list(problem.nominal)
    numbers = table.drop(columns=nominal).fillna(-1).to_numpy(np.float64)
    if not nominal:
        return numbers
    categories = [problem.X_train[c].cat.categories.to_numpy() for c in nominal]
    hot = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False)
    return np.hstack([numbers, hot.fit_transform(table[nominal].astype(object))])


def markdown(records: list[dict]) -> str:
    """Per table: mean RMSE by kind, and the paired difference to `teacher` in percent, mean ± sd over seeds."""
    groups = defaultdict(list)
    for record in records:
        groups[record["problem"]].append(record["valid_rmse"])
    lines = [
        "| table | seeds | teacher | true | out of fold | true, % | out of fold, % |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for problem, group in groups.items():
        means = [f"{np.mean([errors[kind] for errors in group]):.4f}" for kind in KINDS]
        gaps = [[100 * (errors[kind] / errors["teacher"] - 1) for errors in group] for kind in KINDS[1:]]
        lines.append(f"| {problem} | {len(group)} | " + " | ".join([*means, *(spread(g, 2, "+") for g in gaps)]) + " |")
    return "\n".join(lines) + "\n"


def main(argv=None) -> None:
    """Run the grid, then write the table from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="original_labels",
        problems=PROBLEMS,
        seeds=[0, 1, 2],
        configs={"full": FULL, "quick": QUICK},
        records=flat,
        table=markdown,
    )


if __name__ == "__main__":
    main()
