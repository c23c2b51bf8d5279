"""One measurement of `experiments.benchmarks.scale`, in a process of its own: it prints a line of JSON.

python -m experiments.benchmarks.scale_tasks write '{"folder": "out/scale/set", "rows": 1000000}'
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time

import joblib
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from compress import MUNGE, CompressedClassifier, EnsembleTeacherClassifier, StudentClassifier, TransferSet
from compress.schema import take
from compress.teachers import teacher_outputs
from compress.transfer._shard import shard_bytes  # the stage alone, which has no door of its own

COLUMNS = 16
STAGE_ROWS = 200_000


def table(n_rows: int, seed: int = 0):
    """Rows of 16 numbers near a curved surface, and two classes."""
    rng = np.random.default_rng(seed)
    latent = rng.uniform(-2, 2, size=(n_rows, 4))
    X = np.sin(latent @ np.random.default_rng(1).normal(size=(4, COLUMNS))) + 0.05 * rng.normal(size=(n_rows, COLUMNS))
    y = (latent[:, 0] * latent[:, 1] + 0.3 * rng.normal(size=n_rows) > 0).astype(int)
    return X.astype(np.float32), y


def setting(n_original: int = 10_000, teacher: str = "boosting"):
    """Original rows, a teacher and a generator, the same in every process."""
    X, y = table(n_original)
    if teacher == "ensemble":
        fitted = EnsembleTeacherClassifier(random_state=0).fit(X[:2_000], y[:2_000], X_val=X[2_000:], y_val=y[2_000:])
    else:
        fitted = HistGradientBoostingClassifier(max_iter=50, early_stopping=False, random_state=0).fit(X, y)
    return X, fitted, MUNGE(p=0.2, random_state=0).fit(X)


def write(folder: str, rows: int, backend: str = "threading", workers: int = 1, teacher: str = "boosting") -> dict:
    """Write a transfer set; seconds and bytes."""
    X, teacher, munge = setting(teacher=teacher)
    TransferSet.write(f"{folder}-warm", teacher, X, generator=munge, n_rows=40_000, n_jobs=1)
    shutil.rmtree(f"{folder}-warm")
    settings = {"generator": munge, "n_rows": int(rows)}
    if backend == "dask":
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            client.run(setting, 100)  # imports
            began = time.perf_counter()
            stored = TransferSet.write(folder, teacher, X, client=client, **settings)
            seconds = time.perf_counter() - began
    else:
        with joblib.parallel_config(backend=backend, n_jobs=workers):
            began = time.perf_counter()
            stored = TransferSet.write(folder, teacher, X, **settings)
            seconds = time.perf_counter() - began
    n_bytes = sum(entry.bytes for entry in stored.manifest.shards.values())
    return {"rows": len(stored), "seconds": seconds, "bytes": n_bytes, "shards": len(stored.sizes)}


def stages() -> dict:
    """Microseconds per row of each stage, one thread."""
    X, teacher, munge = setting()
    munge.sample(20_000)
    seconds = {}
    with threadpool_limits(1):
        began = time.perf_counter()
        rows = munge.sample(STAGE_ROWS)
        seconds["generate"] = time.perf_counter() - began
        began = time.perf_counter()
        targets = teacher_outputs(teacher, rows, "probabilities")
        seconds["label"] = time.perf_counter() - began
        began = time.perf_counter()
        content = [
            shard_bytes(take(rows, slice(i, i + 100_000)), targets[i : i + 100_000], ["teacher::0", "teacher::1"])
            for i in range(0, STAGE_ROWS, 100_000)
        ]
        seconds["encode"] = time.perf_counter() - began
    assert content
    return {name: 1e6 * spent / STAGE_ROWS for name, spent in seconds.items()}


def train(folder: str, epochs: int = 1) -> dict:
    """Train a student from shards; its error on rows that neither has seen."""
    data = TransferSet.open(folder, verify=False)
    student = StudentClassifier((64,), max_epochs=epochs, random_state=0)
    began = time.perf_counter()
    student.fit(data)
    seconds = time.perf_counter() - began
    X, teacher, _ = setting()
    test, _ = table(20_000, seed=5)
    difference = student.predict_proba(test) - teacher.predict_proba(test)
    return {"rows": len(data), "seconds": seconds, "rmse_to_teacher": float(np.sqrt(np.mean(difference[:, 1] ** 2)))}


def fit(rows: int, multiplier: float = 2.0) -> dict:
    """Compress on many original rows."""
    X, y = table(int(rows))
    teacher = HistGradientBoostingClassifier(max_iter=50, early_stopping=False, random_state=0)
    model = CompressedClassifier(
        teacher, generator=MUNGE(p=0.2, index="approximate"), size_multiplier=multiplier, random_state=0
    )
    began = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - began
    return {"rows": int(rows), "seconds": seconds, "stages": model.seconds_, "family": type(model.student_).__name__}


TASKS = {function.__name__: function for function in (write, stages, train, fit)}

if __name__ == "__main__":
    found = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({**found, "peak_mib": own / 1024, "child_peak_mib": children / 1024}))
