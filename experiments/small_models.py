"""Small models: what would a user pick instead? (26 public tables)

Question: a table, and room for 4, 16, 64 or 256 kB. Is the student that `student="auto"` chooses as good as the
teacher, and as the small models that one would train directly?

Setup: 26 tables of 1,500 to 50,000 rows, binary, multiclass and regression, with nominal columns and missing values
(`data/README.md`); three fifths of the labelled rows to learn from, one fifth to choose on, the rest test. Tables and
sizes were fixed before any run, nothing is tuned to a table, and the test rows are looked at once.

- T: the default teacher, selected on the validation rows, then fitted on both parts.
- Auto: all candidates of `compress.search` are taught by T on at most 40,000 rows (nets in short lessons, and the best
  one of each budget in a long one), and each is fitted on the labelled rows alone. Within each budget the best on the
  validation rows is taken (by its error and its distance to T, see `compress.search.Outcome`) and learns again, from T
  and at most 100,000 rows, or alone, where that was better.
- Each family alone, at 64 kB, likewise.
- Direct: LightGBM and scikit-learn's histogram boosting with trees of 8 and 31 leaves, as many as fit into the bytes
  and are best on the validation rows. Their bytes are counted in the format of the tree students.
- Logistic (or ridge) regression, and scikit-learn's MLP with early stopping or without, as the validation rows say;
  columns are standardised or one-hot, values standardised. For comparison of T, histogram boosting with early stopping,
  LightGBM's defaults and a forest's defaults.

Errors are RMSEs of probabilities, or of values. Times are those of a processor in one thread; seconds of training are
those of the last fit, after all choices. "T's AUC kept" is (AUC - 0.5) / (AUC of T - 0.5); for regression it is the
share of T's R2. Ranks are over tables, of errors averaged over seeds; two models differ when their mean ranks do by
more than the critical difference (Nemenyi, 5 %; Demšar, JMLR 2006).

Cost: six to ten minutes per run on one core, more with many classes, about nine hours in all; finished runs are kept.
"""

from __future__ import annotations

from functools import partial

from compress import MUNGE, EnsembleTeacherClassifier, EnsembleTeacherRegressor, TransferSet
from compress.evaluation import row_errors
from compress.search import Budget, candidates_of, choose_student, try_candidates, tune_munge
from compress.teachers import teacher_outputs
from data.load import load_problem
from experiments import small_models_others as others
from experiments._main import run
from experiments._protocol import Stopwatch, learned, spent
from experiments.small_models_figure import draw
from experiments.small_models_measures import measured, stacked
from experiments.small_models_table import markdown, summary

PROBLEMS = (
    *("letter.p1", "letter.p2", "adult", "covtype", "magic", "satellite"),
    *("spambase", "phoneme", "ring", "hypothyroid"),
    *("penbased", "segment", "splice", "marketing", "nursery", "krvsk", "pageblocks", "fars"),
    *("casp", "compactiv", "puma32h", "gridstability", "wine", "skillcraft", "abalone", "airfoil"),
)
FULL = {
    "rows": {},
    "library": "default",
    "budgets": [4_000, 16_000, 64_000, 256_000],
    "families_at": 64_000,
    "munge_rows": None,
    "choice_rows": 40_000,
    "rows_taught": 100_000,
    "size_multiplier": 100,
    "share": 0.15,
    "latency_rows": [1, 10_000],
}
QUICK = {
    **FULL,
    "rows": {"n_train": 300, "n_valid": 150, "n_test": 300},
    "library": "small",
    "budgets": [16_000, 64_000],
    "munge_rows": 1000,
    "choice_rows": 1000,
    "rows_taught": 1500,
    "size_multiplier": 5,
    "share": 0.1,
}


def run_one(name: str, seed: int, config: dict, n_jobs: int, steps) -> dict:
    """One table and seed: teacher, trials, choices, and the test rows once."""
    problem = load_problem(name, seed, **config["rows"])
    regression, clock = problem.task == "regression", Stopwatch()
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    both = stacked(train, valid)
    Teacher = EnsembleTeacherRegressor if regression else EnsembleTeacherClassifier

    def taught_teachers():
        selected = Teacher(config["library"], n_jobs=n_jobs, random_state=seed)
        selected.fit(*train, X_val=valid[0], y_val=valid[1])
        return selected, selected.refitted(*both)

    with clock.stage("teacher", "T"):
        (selected, teacher), teacher_seconds = steps("teacher", lambda: spent(taught_teachers))
    with clock.stage("munge", "p and s"):
        trial_rows = {"n_rows": config["munge_rows"], "n_jobs": n_jobs, "random_state": seed}
        search = steps("munge", lambda: tune_munge(train[0], selected, *valid, **trial_rows))
    munge = MUNGE(search.p, search.s, n_jobs=n_jobs, random_state=seed)
    told = teacher_outputs(selected, valid[0], "values" if regression else "probabilities")
    with clock.stage("trials", "candidates, taught and untaught"):
        data = rows_of(selected, train[0], munge, config["choice_rows"], config, n_jobs)
        trials = steps("trials", lambda: tried(problem, data, train, valid, told, config, seed))
    with clock.stage("label", "rows and labels for the students"):
        full = rows_of(teacher, both[0], munge, config["rows_taught"], config, n_jobs)
    of_teacher = row_errors(valid[1], told, None if regression else selected.classes_)
    models, chosen, made = {"T": (teacher, teacher_seconds), "T, selected": (selected, teacher_seconds)}, {}, {}
    with clock.stage("students", "the chosen students"):
        for which, part in parts(trials, config).items():
            found = choose_student(part["trials"], data, budget=Budget(bytes=part["bytes"]), teacher_errors=of_teacher)
            chosen[which] = {"model": found.chosen, "taught": found.taught, "rows": found.rows}
            key = repr(found.student), found.taught
            if key not in made:  # another budget may have chosen the same
                lesson = (full,) if found.taught else both
                made[key] = spent(partial(learned, found.student, lesson, part["bytes"]))
            models[which] = made[key]
    with clock.stage("others", "what one would pick instead"):
        models |= others.direct(train, valid, both, config["budgets"], regression, seed)
        models |= others.usual(train, valid, both, regression, seed)
    with clock.stage("test", "test"):
        large = {"T, selected", *(name for name in models if name.endswith(", defaults"))}
        results = measured(models, problem, config["latency_rows"], timed=set(models) - large)
    return {
        "task": problem.task,
        "n_train": len(both[0]),
        "n_columns": both[0].shape[1],
        "models": results,
        "chosen": chosen,
        "munge": {"p": search.p, "s": search.s},
        "stage_seconds": clock.seconds,
    }


def rows_of(teacher, X, munge, most: int, config: dict, n_jobs: int) -> TransferSet:
    """Original rows and rows of MUNGE, labelled by a teacher."""
    n_rows = max(min(config["size_multiplier"] * len(X), most), len(X))
    return TransferSet.from_teacher(teacher, X, generator=munge.fit(X), n_rows=n_rows, n_jobs=n_jobs)


def tried(problem, data: TransferSet, train, valid, told, config: dict, seed: int) -> list:
    """Trials of the candidates of all budgets."""
    task = "regression" if problem.task == "regression" else "classification"
    known, trials = set(), []
    options = {"teacher_val": told, "original": (*train, None), "share": config["share"], "verbose": 1}
    for limit in config["budgets"]:  # the best net of each budget learns for long
        try:
            found = candidates_of("auto", task, data, Budget(bytes=limit), random_state=seed)
        except ValueError as error:  # many categories need more bytes than that, whatever the student
            print(f"    left out: {error}", flush=True)
            continue
        new = [candidate for candidate in found if repr(candidate.student) not in known]
        known |= {repr(candidate.student) for candidate in new}
        trials += try_candidates(new, data, *valid, **options)
    return trials


def parts(trials: list, config: dict) -> dict:
    """The choices to make: among all candidates within each budget, and in each family within one."""
    made = {}
    for limit in config["budgets"]:
        made[f"auto, {limit // 1000} kB"] = {"bytes": limit, "trials": fitting(trials, limit)}
    limit = config["families_at"]
    for family in dict.fromkeys(trial.family for trial in trials):
        own = fitting([trial for trial in trials if trial.family == family], limit)
        if own:
            made[f"{family}, {limit // 1000} kB"] = {"bytes": limit, "trials": own}
    return {which: part for which, part in made.items() if part["trials"]}


def fitting(trials: list, limit: int) -> list:
    """The trials that came to something within a number of bytes."""
    return [trial for trial in trials if trial.best(taught=True, most_bytes=limit)]


def main(argv=None) -> None:
    """Run the grid, then write page and plots from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="small_models",
        problems=PROBLEMS,
        seeds=[0, 1, 2],
        configs={"full": FULL, "quick": QUICK},
        one_torch_thread=True,
        records=lambda reports, out: summary(reports),
        table=markdown,
        files=draw,
    )


if __name__ == "__main__":
    main()
