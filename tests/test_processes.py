"""Several processes under torchrun make the steps of one with larger batches."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from compress import StudentClassifier, TransferSet, load_student
from compress.generators import MarginalSampler

pytest.importorskip("pyarrow")
SETTINGS = {"max_epochs": 3, "random_state": 0, "learning_rate": 0.01}
SCRIPT = """
import os, sys
import numpy as np
from compress import StudentClassifier, TransferSet
from compress.training import Checkpoint

folder, rank = sys.argv[1], os.environ["RANK"]
settings = {"max_epochs": 3, "random_state": 0, "learning_rate": 0.01}
X, y = np.load(f"{folder}/X.npy"), np.load(f"{folder}/y.npy")
memory = StudentClassifier((8,), batch_size=32, **settings).fit(X, y)
memory.save(f"{folder}/memory-{rank}")
data = TransferSet.open(f"{folder}/set")
reads = []
encoded = data.encoded
data.encoded = lambda index, epoch=0: (reads.append(index), encoded(index, epoch))[1]
sample = data.sample(10**9)
data.sample = lambda *_, **__: sample
reads.clear()
parts = StudentClassifier((8,), batch_size=32, **settings)
parts.fit(data, checkpoint=Checkpoint(f"{folder}/checkpoint-{rank}", minutes=0))
parts.save(f"{folder}/parts-{rank}")
np.save(f"{folder}/reads-{rank}.npy", sorted(set(reads)))
np.save(f"{folder}/loss-{rank}.npy", [row["loss"] for row in memory.history_])
try:
    StudentClassifier((8,), max_epochs=1, random_state=int(rank)).fit(X, y)
except ValueError as error:
    open(f"{folder}/seeds-{rank}", "w").write(str(error))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    X = np.random.default_rng(0).normal(size=(500, 3))
    y = (X[:, 0] > 0).astype(int)
    np.save(folder / "X.npy", X), np.save(folder / "y.npy", y)
    teacher = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    generator = MarginalSampler(random_state=0).fit(X)
    TransferSet.write(folder / "set", teacher, X, generator=generator, n_rows=2_100, shard_rows=400)
    (folder / "train.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    import os

    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [*command, str(folder / "train.py"), str(folder)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return folder, X, y


def weights(student) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in student.module_.parameters()])


def test_two_processes_make_the_steps_of_one_with_twice_the_batch(done):
    folder, X, y = done
    alone = StudentClassifier((8,), batch_size=64, **SETTINGS).fit(X, y)
    together = load_student(folder / "memory-0")
    np.testing.assert_allclose(weights(together), weights(alone), atol=1e-5)
    losses = [row["loss"] for row in alone.history_]
    np.testing.assert_allclose(np.load(folder / "loss-0.npy"), losses, rtol=1e-5)


@pytest.mark.parametrize("name", ["memory", "parts"])
def test_all_processes_end_with_the_same_weights(name, done):
    folder, *_ = done
    assert (folder / f"{name}-0").read_bytes() == (folder / f"{name}-1").read_bytes()


def test_each_process_reads_shards_of_its_own(done):
    folder, *_ = done
    first, second = (set(np.load(folder / f"reads-{rank}.npy").tolist()) for rank in (0, 1))
    assert first | second == set(range(6))
    assert (first & second) <= {0}  # the first one is looked at for its columns


def test_a_student_of_two_processes_learns(done):
    folder, X, y = done
    assert np.mean(load_student(folder / "parts-0").predict(X) == y) > 0.8


def test_only_the_first_process_writes_checkpoints(done):
    folder, *_ = done
    assert (folder / "checkpoint-0").exists() and not (folder / "checkpoint-1").exists()


def test_processes_with_different_seeds_are_refused(done):
    folder, *_ = done
    for rank in (0, 1):
        assert "must have the same random_state" in (folder / f"seeds-{rank}").read_text()
