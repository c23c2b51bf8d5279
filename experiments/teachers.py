"""The teacher: a library of 42 models, and what ensemble selection makes of it

Question: how much better than the best single model, and than the average of the library, is the ensemble that greedy
selection finds on 1,000 validation rows? What does a library of trees alone lose against one that also has support
vector machines and nets, as the paper's has?

Setup: the large library of `EnsembleTeacherClassifier` on the training rows of each problem. T is selected as in that
class: sorted initialization, selection with replacement, 20 bags of half the library, weights below 0.05 dropped. It is
compared with the same without dropping weights, with one path without bags, with the plain average of the library, and
with selection from the library, four support vector machines (RBF kernel, C from 1 to 1,000) and four nets of 128 and
512 units. Everything is selected on validation rows; the test rows are predicted at the end.

Cost: about three minutes per run on one core, an hour for six problems and three seeds.

Reference: Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble Selection from Libraries of Models, ICML 2004.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from compress import EnsembleTeacherClassifier, StudentClassifier
from compress.teachers import ensemble_selection, prune_weights
from compress.teachers._members import member_outputs
from data.load import load_problem, problem_names
from experiments._cells import markdown_table
from experiments._main import flat, run
from experiments._material import PROBLEMS
from experiments._protocol import Stopwatch
from experiments._runner import by_problem, spread
from experiments.model_compression_figures import panels, save
from experiments.overfitting import coded

FULL = {
    "rows": {},
    "library": "large",
    "svm": [1, 10, 100, 1000],
    "nets": [[128, 1e-2], [128, 1e-1], [512, 1e-2], [512, 1e-1]],
    "bags": 20,
    "min_weight": 0.05,
}
QUICK = {
    "rows": {"n_train": 300, "n_valid": 200, "n_test": 500},
    "library": "small",
    "svm": [1],
    "nets": [[16, 1e-2]],
    "bags": 5,
    "min_weight": 0.05,
}
WAYS = {
    "best": "best single model",
    "uniform": "average of the library",
    "path": "one path, no bags",
    "unpruned": "20 bags",
    "T": "20 bags, small weights dropped: T",
    "more": "the same with SVMs and nets",
}


def run_one(name: str, seed: int, config: dict, n_jobs: int) -> dict:
    """Fit the library and the further models, select on validation rows, then look at the test rows once."""
    problem = load_problem(name, seed, **config["rows"])
    train, y_valid = (problem.X_train, problem.y_train), problem.y_valid
    clock = Stopwatch()
    with clock.stage("library", "library"):
        library = EnsembleTeacherClassifier(
            config["library"], selection="uniform", min_weight=0.0, n_jobs=n_jobs, verbose=1, random_state=seed
        ).fit(*train, X_val=problem.X_valid, y_val=y_valid)
    with clock.stage("further", "support vector machines and nets"):
        further = Parallel(n_jobs=n_jobs)(delayed(_fit)(model, *train) for _, model in _further(problem, config, seed))
    with clock.stage("select", "selection"):
        valid = np.concatenate([outputs(library, problem.X_valid), _all_outputs(further, problem.X_valid)])
        weights, path = select(valid, y_valid, len(library.names_), config, seed)
    with clock.stage("test", "test"):
        test = np.concatenate([outputs(library, problem.X_test), _all_outputs(further, problem.X_test)])
    names = [*library.names_, *(label for label, _ in _further(problem, config, seed))]
    every = {part: _errors(p, y) for part, p, y in (("valid", valid, y_valid), ("test", test, problem.y_test))}
    return {
        "models": {n: {part: float(every[part][i]) for part in every} for i, n in enumerate(names)},
        "rmse": {way: _error(w, test, problem.y_test) for way, w in weights.items()},
        "valid_rmse": {way: _error(w, valid, y_valid) for way, w in weights.items()},
        "members": {way: {names[i]: float(w[i]) for i in np.flatnonzero(w)} for way, w in weights.items()},
        "path": [
            {"model": names[m], "valid": _error(w, valid, y_valid), "test": _error(w, test, problem.y_test)}
            for m, w in path
        ],
        "stage_seconds": clock.seconds,
    }


def select(valid: np.ndarray, y, n_library: int, config: dict, seed: int):
    """Weights by way of combining, and the unbagged path as (model, weights so far); from validation rows alone.

    Parameters
    ----------
    valid : array of shape (n_models, n_rows)
        P(y=1) of every model, the library's first.
    y : array of shape (n_rows,)
    n_library : int
    config : dict
    seed : int
    """

    def found(n_models, n_bags):
        return ensemble_selection(valid[:n_models], y.astype(float), n_bags=n_bags, random_state=seed)

    def padded(part):
        return np.pad(part, (0, len(valid) - len(part)))

    bagged, one = found(n_library, config["bags"]).weights, found(n_library, 1)
    weights = {
        "best": np.eye(len(valid))[_errors(valid[:n_library], y).argmin()],
        "uniform": padded(np.full(n_library, 1 / n_library)),
        "path": padded(one.weights),
        "unpruned": padded(bagged),
        "T": padded(prune_weights(bagged, config["min_weight"])),
        "more": prune_weights(found(len(valid), config["bags"]).weights, config["min_weight"]),
    }
    counts, path = np.zeros(len(valid)), []
    for step in one.path:
        counts[step.model] += 1
        path.append((step.model, counts / counts.sum()))
    return weights, path


def outputs(library, X) -> np.ndarray:
    """P(y=1) of each member of an `EnsembleTeacherClassifier`, array of shape (n_models, n_rows)."""
    encoded = library.schema_.encode(X, unseen="missing")
    matrices = library._encoder.transform(encoded, set(library._views))
    return np.stack(
        [
            member_outputs(estimator, matrices[view], library.classes_)[:, 1]
            for estimator, view in zip(library.estimators_, library._views)
        ]
    )


def _all_outputs(models, X) -> np.ndarray:
    return np.stack([model.predict_proba(X)[:, 1] for model in models])


def _further(problem, config: dict, seed: int) -> list:
    """Support vector machines and nets, unfitted, by name."""
    machines = [
        (
            f"svm-C{c:g}",
            make_pipeline(coded(problem.X_train, problem.nominal), CalibratedClassifierCV(SVC(C=c), ensemble=False)),
        )
        for c in config["svm"]
    ]
    nets = [
        (f"net-{units}-decay{decay:g}", StudentClassifier((units,), weight_decay=decay, random_state=seed))
        for units, decay in config["nets"]
    ]
    return machines + nets


def _fit(model, X, y):
    return model.fit(X, y)


def _errors(p: np.ndarray, y) -> np.ndarray:
    return np.sqrt(np.square(p - np.asarray(y)).mean(axis=1))


def _error(weights: np.ndarray, p: np.ndarray, y) -> float:
    return float(np.sqrt(np.square(weights @ p - np.asarray(y)).mean()))


def markdown(records: list[dict]) -> str:
    """Test RMSE by way of combining, and what was selected most."""
    lines = [
        "| problem | seeds | " + " | ".join(WAYS.values()) + " | models in T |",
        "|---|--:|" + "--:|" * (len(WAYS) + 1),
    ]
    for problem, group in by_problem(records).items():
        cells = [spread([r["rmse"][way] for r in group], 4) for way in WAYS]
        members = np.mean([len(r["members"]["T"]) for r in group])
        lines.append(f"| {problem} | {len(group)} | {' | '.join(cells)} | {members:.1f} |")
    kinds = {"support vector machines": "svm", "nets": "net"}
    rows = []
    for problem, group in by_problem(records).items():
        weights = [
            np.mean([sum(w for n, w in r["members"]["more"].items() if n.startswith(kind)) for r in group])
            for kind in kinds.values()
        ]
        rows.append([problem, *(f"{w:.2f}" for w in weights)])
    lines += ["", "Weight of each kind in the last ensemble, mean over seeds:", ""]
    lines += [markdown_table(["problem", *kinds], rows), "Largest weights, mean over seeds:", ""]
    for problem, group in by_problem(records).items():
        for way, said in (("T", "T"), ("more", "with SVMs and nets")):
            lines.append(f"- {problem}, {said}: " + ", ".join(f"`{n}` {w:.2f}" for n, w in _largest(group, way)))
    return "\n".join(lines) + "\n"


def _largest(group: list, way: str, most: int = 4) -> list:
    names = {n for r in group for n in r["members"][way]}
    weights = {n: np.mean([r["members"][way].get(n, 0.0) for r in group]) for n in names}
    return sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:most]


def draw(records: list[dict], out: Path) -> Path:
    """A panel per problem: the selection path of the first seed, and the models of the library alone."""
    import matplotlib

    matplotlib.use("Agg")
    groups = by_problem(records)
    figure, axes = panels(len(groups))
    for axis, (problem, group) in zip(axes, groups.items()):
        first = group[0]
        for part, colour in (("valid", "#e69f00"), ("test", "#1f6fb4")):
            axis.plot([step[part] for step in first["path"]], color=colour, label=f"{part} rows")
            axis.plot([-3] * len(first["models"]), [m[part] for m in first["models"].values()], "_", color=colour)
        axis.axhline(first["rmse"]["best"], color="#999999", linestyle="--", linewidth=1, label="best single, test")
        axis.axhline(first["rmse"]["uniform"], color="#999999", linestyle=":", linewidth=1, label="average, test")
        low = min(step[part] for step in first["path"] for part in ("valid", "test"))
        axis.set_ylim(0.97 * low, 1.25 * first["rmse"]["best"])
        axis.set_title(f"{problem}, seed {first['seed']}")
        axis.set_xlabel("additions (left: the models alone)")
        axis.set_ylabel("RMSE of P(y=1)")
        axis.legend(fontsize=7)
    figure.suptitle("Greedy selection, one path without bags. The axes do not start at 0.", fontsize=9)
    return save(figure, out / "teachers.png")


def main(argv=None) -> None:
    """Run the grid, then write table and plot from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="teachers",
        problems=PROBLEMS,
        seeds=[0, 1, 2],
        known=problem_names("binary"),
        configs={"full": FULL, "quick": QUICK},
        records=flat,
        table=markdown,
        files=lambda records, out: [draw(records, out)],
    )


if __name__ == "__main__":
    main()
