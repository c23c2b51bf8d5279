"""Student speed: `StudentRegressor` against scikit-learn's `MLPRegressor`, same rows, shape and epochs

Question: how long does it take from `fit` to a student on 400,000 x 16 transfer rows, and is the student as good?

Setup: both learn P(y=1) of a forest on letter.p2 from the same 400,000 float32 rows (4,000 original ones, the rest
MUNGE), with one hidden layer of 256 units, the same number of epochs, one thread, in one process. MLPRegressor runs
with its own batch size (200) and with 1024, early stopping off, each with the better of two learning rates: the one
with the lower mean squared error on 20,000 validation rows. The student may choose among learning rates and batch
sizes: it takes the fastest setting whose validation loss is not above that of MLPRegressor with its own batch size.
Losses are those on 20,000 further rows, all labelled by the same forest. Each model is fitted on 1,000 rows first,
since torch's first optimiser of a process imports for two seconds. Seconds are those of the chosen fit.

Cost: about three minutes.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from compress import MUNGE, StudentRegressor
from data.load import load_problem
from experiments._runner import machine, versions, write_atomically, write_json

OUT = Path("experiments/results/benchmarks/student_speed.json")
HIDDEN, FURTHER_ROWS = 256, 20_000  # as many for choosing as for the loss


def transfer_rows(n_rows: int):
    """(X, targets) to learn from, to choose on and to judge by, all float32."""
    problem = load_problem("letter.p2", 0)
    X, y = problem.X_train.to_numpy(np.float32), problem.y_train
    forest = RandomForestClassifier(100, random_state=0, n_jobs=-1).fit(X, y)
    made = MUNGE(0.1, 5.0, neighbors="original", random_state=0).fit(X).sample(n_rows - len(X) + 2 * FURTHER_ROWS)
    rows = np.concatenate([X, made])
    targets = forest.predict_proba(rows)[:, 1].astype(np.float32)
    ends = [n_rows, n_rows + FURTHER_ROWS]
    return list(zip(np.split(rows, ends), np.split(targets, ends)))


def candidates(epochs: int) -> dict:
    """Settings to choose from, unfitted, by name."""
    theirs = {
        "hidden_layer_sizes": (HIDDEN,),
        "max_iter": epochs,
        "n_iter_no_change": epochs + 1,  # all epochs, as the student
        "tol": 0.0,
        "random_state": 0,
    }

    def student(rate, batch):
        return StudentRegressor(
            (HIDDEN,), max_epochs=epochs, learning_rate=rate, batch_size=batch, random_state=0, device="cpu"
        )

    def mlp(rate, batch):
        return make_pipeline(StandardScaler(), MLPRegressor(**theirs, learning_rate_init=rate, batch_size=batch))

    return {
        "MLPRegressor, batch 200": {s: mlp(*s) for s in ((1e-3, 200), (3e-3, 200))},
        "MLPRegressor, batch 1024": {s: mlp(*s) for s in ((1e-3, 1024), (3e-3, 1024))},
        "StudentRegressor": {s: student(*s) for s in ((3e-3, 1024), (1e-2, 1024), (2e-2, 2048))},
    }


def measure(n_rows: int, epochs: int) -> list[dict]:
    """Seconds of `fit` and loss of each model, with the setting that the validation rows chose."""
    train, valid, test = transfer_rows(n_rows)
    rows = []
    for name, settings in candidates(epochs).items():
        tried = []
        for (rate, batch), model in settings.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is meant
                model.fit(train[0][:1000], train[1][:1000])
                started = time.perf_counter(), time.process_time()
                model.fit(*train)
            wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
            tried.append(
                {
                    "learning_rate": rate,
                    "batch_size": batch,
                    "seconds": round(wall, 2),
                    "cpu_seconds": round(cpu, 2),
                    "valid_mse": mse(model, *valid),
                    "mse": mse(model, *test),
                }
            )
            print(f"  {name}: {tried[-1]}", flush=True)
        best = min(tried, key=lambda row: row["valid_mse"])
        if name == "StudentRegressor":
            enough = [row for row in tried if row["valid_mse"] <= rows[0]["valid_mse"]]
            best = min(enough or [best], key=lambda row: row["cpu_seconds"])
        rows.append({"model": name, **best, "tried": tried})
        print(f"{name:<26} {best['cpu_seconds']:7.1f} s of CPU   MSE {best['mse']:.5f}", flush=True)
    return rows


def markdown(rows: list[dict]) -> str:
    """What each model's chosen setting took and reached."""
    lines = [
        "| model | rate | batch | CPU seconds of `fit` | MSE | student is faster by | loss over the student's |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        against = f"{row['times']:.1f} | {row['loss_quotient']:.2f}" if "times" in row else "|"
        lines.append(
            f"| {row['model']} | {row['learning_rate']:g} | {row['batch_size']} | {row['cpu_seconds']:.1f} "
            f"| {row['mse']:.5f} | {against} |"
        )
    return "\n".join(lines) + "\n"


def mse(model, X, y) -> float:
    """Mean squared error."""
    return float(np.mean((model.predict(X) - y) ** 2))


def main(argv=None) -> None:
    """Measure, print, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        rows = measure(args.rows, args.epochs)
    *theirs, ours = rows
    for row in theirs:
        row["times"] = round(row["cpu_seconds"] / ours["cpu_seconds"], 2)
        row["loss_quotient"] = round(row["mse"] / ours["mse"], 3)
        print(
            f"StudentRegressor is {row['times']:.1f} times as fast as {row['model']}, "
            f"whose loss is {row['loss_quotient']:.2f} times the student's (CPU seconds)"
        )
    setting = {"rows": args.rows, "columns": 16, "hidden": HIDDEN, "epochs": args.epochs, "threads": 1}
    write_json(args.out, {"setting": setting, "results": rows, "versions": versions(), "machine": machine()})
    table = args.out.with_suffix(".md")
    write_atomically(table, markdown(rows))
    print(f"written: {args.out}, {table}")


if __name__ == "__main__":
    main()
