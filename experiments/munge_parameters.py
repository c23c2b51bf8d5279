"""MUNGE's p and s, and where it searches its neighbours: heat maps on validation and on test rows

Question: which p and s are best, and does one pair serve all problems? Do the decisions matter that the paper leaves
open: searching the neighbour among the current rows (as printed) or the original ones, rounding whole numbers,
clipping, more passes?

Setup: one teacher per problem and seed, the histogram boosting model of the default library that is best on the
validation rows; there are 66 sets to label, and T would take a minute for each. For each p, each s and both neighbour
modes, a net of 128 hidden units learns from 100,000 rows, 4,000 original ones and 96,000 of MUNGE, for all epochs. A
cell's excess is its RMSE over the lowest of its run's grid, in percent. Maps average it over problems and seeds on
validation rows, which choose, and apart on test rows, which only report. Variants change one thing at p = 0.2, s = 5,
neighbours among the current rows. More passes are measured there too: 100, 200 and 400 times the original rows for 20,
10 and 5 epochs, which are equally many steps.

The paper: it gives neither p nor s.

Cost: about twenty minutes per run, five hours for 5 problems and 3 seeds. An interrupted run goes on from the last
cell.

Reference: Bucilă, Caruana and Niculescu-Mizil, Model Compression, KDD 2006, Algorithm 1.
"""

from __future__ import annotations

from itertools import product

from compress import MUNGE, EnsembleTeacherClassifier, TransferSet
from compress.evaluation import fidelity, rmse
from compress.teachers import default_library
from data.load import load_problem, problem_names
from experiments import _protocol as protocol
from experiments._main import run
from experiments._steps import Steps
from experiments.munge_parameters_figures import draw, markdown

FULL = {
    "rows": {},
    "p": [0.05, 0.1, 0.2, 0.35, 0.5, 0.8],
    "s": [0.5, 1.0, 2.0, 5.0, 20.0],
    "neighbors": ["current", "original"],
    "transfer_rows": 100_000,
    "passes": {"100": 20, "200": 10, "400": 5},  # rows, as a multiple of the original ones, and epochs: equal steps
    "pair": [0.2, 5.0],
    "hidden": 128,
    "epochs": 20,
    "library": "default",
}
QUICK = {
    **FULL,
    "rows": {"n_train": 300, "n_valid": 200, "n_test": 1000},
    "p": [0.05, 0.2],
    "s": [1.0, 5.0],
    "transfer_rows": 1200,
    "passes": {"4": 4, "8": 2},
    "hidden": 16,
    "epochs": 5,
    "library": "small",
}


def boosting(X, y, X_val, y_val, *, library: str, seed: int):
    """The histogram boosting model of a library that is best on the validation rows."""
    models = default_library("classification", library, random_state=seed)
    models = [(name, model) for name, model in models if name.startswith("hist")]
    return EnsembleTeacherClassifier(models, random_state=seed).fit(X, y, X_val=X_val, y_val=y_val).best_single_


def cell(problem, teacher, munge: MUNGE, n_rows: int, epochs: int, config: dict, n_jobs: int) -> dict:
    """Errors of the student that one setting of MUNGE teaches."""
    generator = munge.set_params(n_jobs=n_jobs, random_state=problem.seed).fit(problem.X_train)
    data = TransferSet.from_teacher(teacher, problem.X_train, generator=generator, n_rows=n_rows, n_jobs=n_jobs)
    student = protocol.fit_student(data, hidden=(config["hidden"],), epochs=epochs, seed=problem.seed, verbose=0)
    valid = student.predict_proba(problem.X_valid)
    return {
        "valid_rmse": rmse(problem.y_valid, valid),
        "valid_fidelity": fidelity(valid, teacher.predict_proba(problem.X_valid))["rmse"],
        "test_rmse": rmse(problem.y_test, student.predict_proba(problem.X_test)),
    }


def run_one(name: str, seed: int, config: dict, n_jobs: int, steps: Steps) -> dict:
    """One problem and seed: the grid, then the variants."""
    problem = load_problem(name, seed, **config["rows"])
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    clock = protocol.Stopwatch()
    with clock.stage("teacher", "teacher"):
        teacher = steps("teacher", lambda: boosting(*train, *valid, library=config["library"], seed=seed))
    n_rows = config["transfer_rows"]
    grid = []
    settings = list(product(config["neighbors"], config["p"], config["s"]))
    with clock.stage("grid", f"{len(settings)} settings of MUNGE, {n_rows:,} rows each"):
        for mode, p, s in settings:
            munge = MUNGE(p, s, neighbors=mode)
            errors = steps(
                f"{mode}-{p:g}-{s:g}",
                lambda munge=munge: cell(problem, teacher, munge, n_rows, config["epochs"], config, n_jobs),
            )
            grid.append({"neighbors": mode, "p": p, "s": s, **errors})
            print(f"    {mode:>8}, p={p:g}, s={s:g}: validation RMSE {errors['valid_rmse']:.4f}", flush=True)
    with clock.stage("variants", "rounding, clipping"):
        variants = _variants(problem, teacher, config, n_jobs, steps)
    with clock.stage("passes", "more passes"):
        passes = _passes(problem, teacher, config, n_jobs, steps)
    lines = {"teacher": rmse(problem.y_test, teacher.predict_proba(problem.X_test))}
    return {"grid": grid, "variants": variants, "passes": passes, "lines": lines, "stage_seconds": clock.seconds}


def _variants(problem, teacher, config: dict, n_jobs: int, steps: Steps) -> dict:
    """One thing changed at the pair that all problems share."""
    n_rows = config["transfer_rows"]

    def with_(**parameters):
        munge = MUNGE(*config["pair"], neighbors="current", **parameters)
        return cell(problem, teacher, munge, n_rows, config["epochs"], config, n_jobs)

    changed = {"as default": {}, "unrounded": {"round_integers": False}, "clipped": {"clip": True}}
    return {
        name: steps(name, lambda parameters=parameters: with_(**parameters)) for name, parameters in changed.items()
    }


def _passes(problem, teacher, config: dict, n_jobs: int, steps: Steps) -> dict:
    """Students of more and more rows, trained for equally many steps."""

    def with_(times: str, epochs: int):
        munge = MUNGE(*config["pair"], neighbors="current")
        return cell(problem, teacher, munge, int(times) * len(problem.X_train), epochs, config, n_jobs)

    return {
        times: steps(f"passes-{times}", lambda times=times, epochs=epochs: with_(times, epochs))
        for times, epochs in config["passes"].items()
    }


def main(argv=None) -> None:
    """Run the grid, then write table and maps from all reports of this configuration in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="munge_parameters",
        problems=["letter.p1", "letter.p2", "adult", "covtype", "magic"],
        seeds=[0, 1, 2],
        known=problem_names("binary"),
        configs={"full": FULL, "quick": QUICK},
        table=markdown,
        files=draw,
    )


if __name__ == "__main__":
    main()
