"""Student speed: `StudentRegressor` against scikit-learn's `MLPRegressor`, same rows, shape and epochs

Question: how long from `fit` to a student on 400,000 x 16 transfer rows, and is the student as good?

Both learn P(y=1) of a forest on letter.p2 from the same 400,000 float32 rows (4,000 original ones, the
rest MUNGE), one hidden layer of 256 units, the same number of epochs, one thread, in one process.
MLPRegressor runs with its own batch size (200) and with the student's (1024); all else is its default,
early stopping off. Losses are mean squared errors on 20,000 further rows labelled by the same forest.
Each model is fitted on 1,000 rows first, since torch's first optimiser of a process imports for two seconds.

    python -m experiments.benchmarks.student_speed

Cost: about two minutes.
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
from experiments._runner import machine, versions, write_json

OUT = Path("experiments/results/benchmarks/student_speed.json")
HIDDEN, TEST_ROWS = 256, 20_000


def transfer_rows(n_rows: int):
    """(X, targets, X_test, targets_test), all float32."""
    problem = load_problem("letter.p2", 0)
    X, y = problem.X_train.to_numpy(np.float32), problem.y_train
    forest = RandomForestClassifier(100, random_state=0, n_jobs=-1).fit(X, y)
    made = MUNGE(0.1, 5.0, neighbors="original", random_state=0).fit(X).sample(n_rows - len(X) + TEST_ROWS)
    rows = np.concatenate([X, made])
    targets = forest.predict_proba(rows)[:, 1].astype(np.float32)
    return rows[:n_rows], targets[:n_rows], rows[n_rows:], targets[n_rows:]


def candidates(epochs: int) -> dict:
    """The models by name, unfitted."""
    theirs = {
        "hidden_layer_sizes": (HIDDEN,),
        "max_iter": epochs,
        "n_iter_no_change": epochs + 1,  # all epochs, as the student
        "tol": 0.0,
        "random_state": 0,
    }
    return {
        "StudentRegressor": StudentRegressor((HIDDEN,), max_epochs=epochs, random_state=0),
        "MLPRegressor, batch 200": make_pipeline(StandardScaler(), MLPRegressor(**theirs)),
        "MLPRegressor, batch 1024": make_pipeline(StandardScaler(), MLPRegressor(**theirs, batch_size=1024)),
    }


def measure(n_rows: int, epochs: int) -> list[dict]:
    """Seconds of `fit` and test loss of each model."""
    X, y, X_test, y_test = transfer_rows(n_rows)
    rows = []
    for name, model in candidates(epochs).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is meant
            model.fit(X[:1000], y[:1000])
            started = time.perf_counter(), time.process_time()
            model.fit(X, y)
        wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
        loss = float(np.mean((model.predict(X_test) - y_test) ** 2))
        rows.append({"model": name, "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "mse": loss})
        print(f"{name:<26} {wall:7.1f} s ({cpu:.1f} s of CPU)   MSE {loss:.5f}", flush=True)
    return rows


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
    ours, *theirs = rows
    for row in theirs:
        row["times"] = round(row["cpu_seconds"] / ours["cpu_seconds"], 2)
        row["loss_quotient"] = round(row["mse"] / ours["mse"], 3)
        print(
            f"StudentRegressor is {row['times']:.1f} times as fast as {row['model']}, "
            f"whose loss is {row['loss_quotient']:.2f} times the student's (CPU seconds)"
        )
    setting = {"rows": args.rows, "columns": 16, "hidden": HIDDEN, "epochs": args.epochs, "threads": 1}
    write_json(args.out, {"setting": setting, "results": rows, "versions": versions(), "machine": machine()})
    print(f"written: {args.out}")


if __name__ == "__main__":
    main()
