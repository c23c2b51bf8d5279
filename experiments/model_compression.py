"""Model compression: teacher T, student S1 and the control S2 (Table 2 of the paper)

Question: does a net of 256 hidden units that learns from 400,000 rows labelled by T (4,000 original
ones and 396,000 from MUNGE) beat the best net that the 4,000 labelled rows alone can give, and how
near does it come to T, at what size and speed? (Bucila, Caruana and Niculescu-Mizil, KDD 2006, Table 2.)

Per problem and seed: 4,000 training, 1,000 validation rows, the rest test. The validation rows choose
T's members, S2's width, weight decay and epoch, and MUNGE's p and s. `ratio` is the paper's
(S2 - S1) / (S2 - T) in RMSE: 1 is as good as T, more is better than T.

Cost: about three minutes per run on 2 cores; `--demo` makes smaller searches, in about two.
"""

from __future__ import annotations

from pathlib import Path

from threadpoolctl import threadpool_limits

from compress import MUNGE, StudentClassifier, TransferSet
from compress.evaluation import classification_metrics, fidelity, latency, rmse, size_bytes
from compress.tuning import tune_munge
from data.load import load_problem, problem_names
from experiments import _protocol as protocol
from experiments._runner import check_request, parser, read_reports, run_grid, write_atomically, write_json
from experiments.model_compression_figures import draw, markdown

FULL = {
    "rows": {},
    "transfer_rows": 400_000,
    "hidden": 256,
    "epochs": 20,
    "library": "default",
    "control": {"hidden": [32, 128, 512], "weight_decay": [1e-3, 1e-1, 1.0], "epochs": 100},
    # the first is kept unless another is clearly better on validation rows; of the first three it was the best
    # there in full-size pilots (seed 0)
    "pairs": [[0.1, 5.0], [0.05, 5.0], [0.2, 5.0], [0.2, 1.0], [0.4, 2.0]],
    "timed_rows": 10_000,
}
DEMO = {  # the same job with smaller searches, in about two minutes
    **FULL,
    "epochs": 12,
    "control": {"hidden": [128, 512], "weight_decay": [1e-3, 1e-1], "epochs": 100},
    "same_epochs": 100,
    "pairs": [[0.1, 5.0], [0.2, 5.0]],
}
QUICK = {
    "rows": {"n_train": 400, "n_valid": 200, "n_test": 1000},
    "transfer_rows": 4000,
    "hidden": 32,
    "epochs": 10,
    "library": "small",
    "control": {"hidden": [32], "weight_decay": [1e-2], "epochs": 20},
    "pairs": [[0.1, 5.0], [0.2, 5.0]],
    "timed_rows": 1000,
}


def run_one(name: str, seed: int, config: dict, n_jobs: int) -> dict:
    """One problem and seed: train all models, then look at the test rows once."""
    problem = load_problem(name, seed, **config["rows"])
    train, valid = (problem.X_train, problem.y_train), (problem.X_valid, problem.y_valid)
    clock = protocol.Stopwatch()
    with clock.stage("teacher", "teacher: library of forests and boosting, ensemble selection"):
        teacher = protocol.fit_teacher(*train, *valid, library=config["library"], seed=seed, n_jobs=n_jobs)
    with clock.stage("S2", "S2: width, weight decay and epoch of a net on the original rows"):
        control, controls = protocol.best_control(*train, *valid, **config["control"], seed=seed, n_jobs=n_jobs)
    with clock.stage("tune", "p and s of MUNGE, by small students"):
        search = tune_munge(
            train[0], teacher, *valid, pairs=config["pairs"], n_jobs=n_jobs, verbose=1, random_state=seed
        )
    with clock.stage(
        "munge_and_label", f"{config['transfer_rows']:,} rows: MUNGE (p={search.p:g}, s={search.s:g}), labels"
    ):
        munge = MUNGE(search.p, search.s, n_jobs=n_jobs, random_state=seed).fit(train[0])
        data = TransferSet.from_teacher(
            teacher, train[0], generator=munge, n_rows=config["transfer_rows"], n_jobs=n_jobs, verbose=1
        )
    hidden, epochs = config["hidden"], config["epochs"]
    with clock.stage("S1", f"S1: {hidden} hidden units, {epochs} epochs"):
        student = protocol.fit_student(data, hidden=hidden, epochs=epochs, seed=seed)
    with clock.stage("S2_same", "S2_same: the net of S1 on the original rows"):
        same = StudentClassifier((hidden,), max_epochs=config.get("same_epochs", "auto"), random_state=seed)
        same.fit(*train, X_val=valid[0], y_val=valid[1])
    with clock.stage("test", "test"):
        models = {
            "T": teacher,
            "best_single": teacher.best_single_,
            "S1": student,
            "S2": control,
            "S2_same": same,
        }
        results = _evaluate(models, problem, config["timed_rows"])
    results["chosen"] = {
        "p": search.p,
        "s": search.s,
        "neighbors": munge.neighbors_,
        "S2": min(controls, key=lambda row: row["rmse"]),
        "best_single": teacher.best_single_name_,
        "T": {n: round(float(w), 4) for n, w in zip(teacher.names_, teacher.weights_)},
    }
    results["tried"] = {"munge": search.scores, "S2": controls, "library": teacher.library_scores_}
    results["valid_rmse"] = {n: rmse(valid[1], m.predict_proba(valid[0])) for n, m in models.items()}
    results["stage_seconds"] = {**clock.seconds, **{k: round(v, 2) for k, v in data.seconds.items()}}
    return results


def _evaluate(models: dict, problem, timed_rows: int) -> dict:
    predicted = {name: model.predict_proba(problem.X_test) for name, model in models.items()}
    metrics = {name: classification_metrics(problem.y_test, p) for name, p in predicted.items()}
    by_metric = {m: {name: metrics[name][m] for name in models} for m in ("rmse", "auc", "accuracy", "log_loss")}
    r = by_metric["rmse"]
    calls = {
        "T": (_single_threaded(models["T"]), 3),
        "S1": (models["S1"].predict_proba, 15),
        "S1_bare": (models["S1"].predictor(), 15),  # the NumPy callable for hot paths
    }
    with threadpool_limits(1):  # one thread each, so that the quotient is that of the work
        timed = {
            name: latency(call, problem.X_test, n_rows=timed_rows, repeats=repeats)
            for name, (call, repeats) in calls.items()
        }
    return {
        **by_metric,
        "ratio": (r["S2"] - r["S1"]) / (r["S2"] - r["T"]),
        "fidelity": fidelity(predicted["S1"], predicted["T"]),
        "size_bytes": {name: size_bytes(models[name]) for name in ("T", "S1", "S2")},
        "seconds_per_10k": {name: t.per(10_000) for name, t in timed.items()},
    }


def _single_threaded(model):
    return model.set_params(n_jobs=1).predict_proba if "n_jobs" in model.get_params() else model.predict_proba


def summary(reports: list[dict]) -> list[dict]:
    """One flat record per run, the file that others read."""
    keys = ("rmse", "auc", "accuracy", "ratio", "size_bytes", "seconds_per_10k", "stage_seconds")
    return [
        {
            "problem": report["problem"],
            "seed": report["seed"],
            **{key: report["results"][key] for key in keys},
            "fidelity_rmse": report["results"]["fidelity"]["rmse"],
        }
        for report in reports
    ]


def main(argv=None) -> None:
    """Run the grid, then write table and plots from all reports in the folder."""
    arguments = parser(
        __doc__,
        problems=["letter.p1", "letter.p2"],
        seeds=[0, 1, 2],
        out="experiments/results/model_compression",
    )
    arguments.add_argument("--demo", action="store_true", help="smaller searches and fewer epochs, about two minutes")
    args = arguments.parse_args(argv)
    check_request(args, problem_names("binary"))
    config = QUICK if args.quick else DEMO if args.demo else FULL
    run_grid(args, config, lambda name, seed, c: run_one(name, seed, c, args.n_jobs))
    reports = read_reports(args.out)
    records = summary(reports)
    write_json(args.out / "summary.json", records)
    table = markdown(records)
    write_atomically(args.out / "table.md", table)
    plots = draw(records, args.out)
    print("\n" + table)
    for path in [args.out / "summary.json", args.out / "table.md", *plots]:
        print(f"written: {Path(path)}")


if __name__ == "__main__":
    main()
