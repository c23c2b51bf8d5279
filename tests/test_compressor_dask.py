"""Generation and labelling on a real Dask cluster of two processes: the same rows and labels as here."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier

from compress import MUNGE, CompressedClassifier, StudentClassifier, TransferSet

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=300), rng.integers(0, 5, 300)])
    return X, np.where(X[:, 0] > 0, "up", "down")


@pytest.mark.parametrize("neighbors", ["current", "original"])
def test_rows_and_labels_are_those_of_one_process(client, table, neighbors):
    X, y = table
    teacher = RandomForestClassifier(10, random_state=0).fit(X, y)
    munge = MUNGE(0.3, 2.0, schema={1: "nominal"}, neighbors=neighbors, random_state=0).fit(X)
    options = {"generator": munge, "n_rows": 3000, "block_rows": 500}
    here = TransferSet.from_teacher(teacher, X, **options)
    with joblib.parallel_config(backend="dask", n_jobs=2):
        there = TransferSet.from_teacher(teacher, X, **options)
    assert len(client.scheduler_info()["workers"]) == 2
    assert_array_equal(here.X, there.X)
    assert_array_equal(here.targets, there.targets)


def test_a_compressor_gives_the_same_student(client, table):
    X, y = table
    teacher = RandomForestClassifier(5, random_state=0).fit(X, y)
    model = CompressedClassifier(
        teacher,
        student=StudentClassifier((4,), max_epochs=1, batch_size=1024),
        size_multiplier=80,
        generator=MUNGE(p=0.2),
        keep_transfer_set=True,
        random_state=0,
    )
    here = model.fit(X, y)
    expected, data = here.predict_proba(X), here.transfer_set_
    with joblib.parallel_config(backend="dask", n_jobs=2):
        there = model.fit(X, y)
    assert_array_equal(there.transfer_set_.X, data.X)
    assert_array_equal(there.transfer_set_.targets, data.targets)
    assert_array_equal(there.predict_proba(X), expected)
