"""Why the student can beat its teacher: does T overfit, and does S1 leave the overfitting behind?

Question: the paper suspects that a student beats T where T has overfitted. Is T overconfident on its own training rows?
Does S1 gain on T just there? Does a teacher that was regularised on purpose leave less to gain?

Setup: T and its transfer set are those of `experiments.model_compression`, with the p and s of its small trials. S1 has
256 units and learns from 100,000 rows for 20 epochs. T's overconfidence at a training row is the difference between its
output and that of a clone that was fitted without the row (five folds). Each test row takes the overconfidence of the
training row nearest to it (standardised numbers, one-hot categories). The test rows are sorted by it into quarters, and
the RMSEs of T and S1 are compared in each. Besides, two forests of 300 trees teach students of their own on 100,000
rows each: one grown out, one with at least 10 rows in a leaf. Nothing is chosen.

Cost: two minutes per run on one core where T and the transfer set lie in `out/material`, six more where they do not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from compress import MUNGE, TransferSet
from compress.evaluation import rmse
from data.load import load_problem, problem_names
from experiments import _material
from experiments import _protocol as protocol
from experiments._main import flat, run
from experiments._runner import by_problem, spread
from experiments.model_compression_figures import panels, save

FULL = {
    "material": _material.FULL,
    "rows": 100_000,
    "student": {"hidden": [256], "epochs": 20, "learning_rate": 0.01},
    "trees": 300,
    "leaves": [1, 10],
}
QUICK = {**FULL, "material": _material.QUICK, "rows": 2000, "student": {"hidden": [32], "epochs": 10}, "trees": 20}
QUARTERS = 4


def run_one(name: str, seed: int, config: dict, n_jobs: int, folder: Path) -> dict:
    """T's overconfidence, and the errors of T and S1 by it; two forests and their students."""
    problem = load_problem(name, seed, **config["material"]["rows"])
    X, y = problem.X_train, problem.y_train
    made = _material.material(problem, seed, config["material"], folder, n_jobs)
    own, unseen = made.teacher.predict_proba(X), made.out_of_fold(problem, seed)
    student = protocol.fit_student(made.data.head(config["rows"]), **config["student"], seed=seed, verbose=0)
    forests = {str(leaf): forest_and_student(problem, made, leaf, config, seed, n_jobs) for leaf in config["leaves"]}
    test = {model: m.predict_proba(problem.X_test) for model, m in (("T", made.teacher), ("S1", student))}
    overconfidence = np.abs(own - unseen)[:, 1][nearest_rows(X, problem.X_test, problem.nominal)]
    quarter = np.argsort(np.argsort(overconfidence, kind="stable")) * QUARTERS // len(overconfidence)
    return {
        "train": {"T": rmse(y, own), "T, out of fold": rmse(y, unseen), "S1": rmse(y, student.predict_proba(X))},
        "test": {model: rmse(problem.y_test, p) for model, p in test.items()},
        "quarters": [
            {
                "overconfidence": float(overconfidence[quarter == q].mean()),
                **{model: rmse(problem.y_test[quarter == q], p[quarter == q]) for model, p in test.items()},
            }
            for q in range(QUARTERS)
        ],
        "forests": {
            leaf: {
                "train": rmse(y, forest.predict_proba(X)),
                "T": rmse(problem.y_test, forest.predict_proba(problem.X_test)),
                "S1": rmse(problem.y_test, taught.predict_proba(problem.X_test)),
            }
            for leaf, (forest, taught) in forests.items()
        },
    }


def coded(X, nominal):
    """Numbers standardised, categories one-hot: what a plain forest and a search for neighbours take."""
    numbers = [c for c in X.columns if c not in nominal]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(nominal)),
    )


def nearest_rows(X, others, nominal) -> np.ndarray:
    """Number of the row of `X` nearest to each of `others`."""
    code = coded(X, nominal).fit(X)
    found = NearestNeighbors(n_neighbors=1).fit(code.transform(X)).kneighbors(code.transform(others))
    return found[1][:, 0]


def forest_and_student(problem, made, leaf: int, config: dict, seed: int, n_jobs: int):
    """A forest with at least `leaf` rows in a leaf, and a student of it."""
    X = problem.X_train
    forest = make_pipeline(
        coded(X, problem.nominal),
        RandomForestClassifier(config["trees"], min_samples_leaf=leaf, n_jobs=n_jobs, random_state=seed),
    ).fit(X, problem.y_train)
    munge = MUNGE(made.search.p, made.search.s, n_jobs=n_jobs, random_state=seed).fit(X)
    data = TransferSet.from_teacher(forest, X, generator=munge, n_rows=config["rows"])
    return forest, protocol.fit_student(data, **config["student"], seed=seed, verbose=0)


def markdown(records: list[dict]) -> str:
    """T inside and outside its training rows; S1's gain by T's overconfidence; the two forests."""
    groups = by_problem(records)
    lines = [
        "RMSE of T and S1 on training rows, out of fold and on test rows:\n",
        "| problem | seeds | T, training rows | T, out of fold | T, test | S1, training rows | S1, test |",
        "|---|--:|" + "--:|" * 5,
    ]
    for problem, group in groups.items():
        picked = [("train", "T"), ("train", "T, out of fold"), ("test", "T"), ("train", "S1"), ("test", "S1")]
        lines.append(
            f"| {problem} | {len(group)} | "
            + " | ".join(spread([r[part][model] for r in group], 4) for part, model in picked)
            + " |"
        )
    lines += [
        "\nS1 minus T in RMSE, test rows in quarters by T's overconfidence at the nearest training row "
        "(in brackets: the mean overconfidence); below 0 S1 is better:\n",
        "| problem | least | second | third | most |",
        "|---|" + "--:|" * QUARTERS,
    ]
    for problem, group in groups.items():
        cells = []
        for q in range(QUARTERS):
            gap = [r["quarters"][q]["S1"] - r["quarters"][q]["T"] for r in group]
            how = np.mean([r["quarters"][q]["overconfidence"] for r in group])
            cells.append(f"{spread(gap, 4, sign='+')} ({how:.2f})")
        lines.append(f"| {problem} | {' | '.join(cells)} |")
    leaves = list(records[0]["forests"])
    lines += [
        "\nForests by rows in a leaf (training and test RMSE), and what their students gain (S1 - T):\n",
        "| problem | " + " | ".join(f"leaf {n}: training | T | S1 | S1 - T" for n in leaves) + " |",
        "|---|" + "--:|" * 4 * len(leaves),
    ]
    for problem, group in groups.items():
        cells = []
        for leaf in leaves:
            rows = [r["forests"][leaf] for r in group]
            cells += [f"{np.mean([row[key] for row in rows]):.4f}" for key in ("train", "T", "S1")]
            cells.append(spread([row["S1"] - row["T"] for row in rows], 4, sign="+"))
        lines.append(f"| {problem} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(records: list[dict], out: Path) -> Path:
    """A panel per problem: S1 - T by quarter of T's overconfidence, one line per seed."""
    import matplotlib

    matplotlib.use("Agg")
    groups = by_problem(records)
    figure, axes = panels(len(groups))
    for axis, (problem, group) in zip(axes, groups.items()):
        for r in group:
            axis.plot(
                [q["overconfidence"] for q in r["quarters"]],
                [q["S1"] - q["T"] for q in r["quarters"]],
                "o-",
                color="#1f6fb4",
                alpha=0.6,
                markersize=3,
            )
        axis.axhline(0, color="#999999", linewidth=1)
        axis.set_title(problem)
        axis.set_xlabel("T's overconfidence nearby")
        axis.set_ylabel("RMSE, S1 - T")
    said = "Test rows in quarters by T's overconfidence at the nearest training row; one line per seed."
    figure.suptitle(f"{said} Below 0 S1 is better.", fontsize=9)
    return save(figure, out / "overfitting.png")


def main(argv=None) -> None:
    """Run the grid, then write table and plot from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="overfitting",
        problems=_material.PROBLEMS,
        seeds=[1, 2, 3],
        known=problem_names("binary"),
        options=[_material.add_argument],
        configs={"full": FULL, "quick": QUICK},
        records=flat,
        table=markdown,
        files=lambda records, out: [draw(records, out)],
    )


if __name__ == "__main__":
    main()
