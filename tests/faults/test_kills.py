"""Killed at random moments, made again: the same bytes as if nothing had happened.

`make faults` runs thirty of each kind (FAULTS=).
"""

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow
N_KILLS = int(os.environ.get("FAULTS", "1"))
SETTING = """
import sys, time
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from compress import MUNGE, TransferSet

folder = sys.argv[1]
X = np.random.default_rng(0).normal(size=(400, 4))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
"""
SCRIPTS = {
    # many cheap rows: most of the time is MUNGE's
    "generation": """
class Cheap:
    classes_ = np.array([0, 1])
    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-X[:, 0]))
        return np.c_[1 - p, p]
TransferSet.write(folder, Cheap(), X, generator=MUNGE(random_state=0).fit(X), n_rows=60_000, shard_rows=2_000)
""",
    "labelling": """
forest = RandomForestClassifier(60, random_state=0).fit(X, y)
TransferSet.write(folder, forest, X, generator=MUNGE(random_state=0).fit(X), n_rows=24_000, shard_rows=1_000)
""",
    "training": """
import os
from compress import StudentClassifier
from compress.training import Checkpoint
path = f"{folder}/checkpoint"
student = StudentClassifier((16,), max_epochs=40, batch_size=32, dropout=0.1, random_state=0)
resume = path if os.path.exists(path) else None
student.fit(X, y, checkpoint=Checkpoint(path, minutes=1e-3), resume_from=resume)
student.save(f"{folder}/student")
""",
}


def started(name, folder, script_folder):
    path = script_folder / f"{name}.py"
    path.write_text(f"{SETTING}print('ready', flush=True)\n{SCRIPTS[name]}")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(path), str(folder)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n", process.stderr.read().decode()
    return process


def content(folder) -> dict:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "checkpoint"}


@pytest.fixture(scope="module", params=SCRIPTS)
def undisturbed(request, tmp_path_factory):
    """What an uninterrupted run writes, and the seconds it takes."""
    folder = tmp_path_factory.mktemp("whole")
    process = started(request.param, folder, tmp_path_factory.mktemp("script"))
    began = time.monotonic()
    assert process.wait() == 0, process.stderr.read().decode()
    return request.param, content(folder), time.monotonic() - began


@pytest.mark.parametrize("number", range(N_KILLS))
def test_a_run_killed_at_a_random_moment_ends_with_the_same_bytes(number, undisturbed, tmp_path):
    name, whole, seconds = undisturbed
    moments = random.Random(f"{name}{number}")
    (tmp_path / "out").mkdir()
    process = started(name, tmp_path / "out", tmp_path)
    moment = moments.uniform(0, seconds)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    killed = process.poll() is None
    process.kill()
    process.wait()
    done = len(list((tmp_path / "out").iterdir()))
    process = started(name, tmp_path / "out", tmp_path)
    assert process.wait() == 0, process.stderr.read().decode()
    assert content(tmp_path / "out") == whole
    print(f"{name}, number {number}: {'killed' if killed else 'done'} after {moment:.2f} s, {done} files there")
