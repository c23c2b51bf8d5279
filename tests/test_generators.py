"""The contract of `compress.generators._base`, held against every generator.

A new generator joins by one line in GENERATORS.
"""

import pickle
import time
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from compress.generators import MUNGE, Interpolation, MarginalSampler, NaiveBayesEstimation, _base
from compress.schema import Schema, _memory
from tests.tables import mixed_table

GENERATORS = [
    pytest.param(MarginalSampler(random_state=0), id="MarginalSampler"),
    pytest.param(MUNGE(neighbors="current", random_state=0), id="MUNGE-current"),
    pytest.param(MUNGE(neighbors="original", random_state=0), id="MUNGE-original"),
    pytest.param(NaiveBayesEstimation(random_state=0), id="NaiveBayesEstimation"),
    pytest.param(Interpolation(random_state=0), id="Interpolation"),
]
every_generator = pytest.mark.parametrize("generator", GENERATORS)


def same(a, b):
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b)
    else:
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def joined(batches):
    batches = list(batches)
    if isinstance(batches[0], pd.DataFrame):
        return pd.concat(batches, ignore_index=True)
    return np.concatenate(batches)


# ----------------------------------------------------------- what comes out is like what went in
@every_generator
@pytest.mark.parametrize("n", [1, 59, 60, 61, 200])
def test_sample_has_the_rows_asked_for_and_the_columns_and_dtypes_of_the_table(generator, n):
    X = mixed_table()
    D = clone(generator).fit(X).sample(n)
    assert D.shape == (n, X.shape[1])
    assert list(D.columns) == list(X.columns)
    assert D.dtypes.tolist() == X.dtypes.tolist()  # categories and their order are part of the dtype


@every_generator
def test_categories_are_never_invented(generator):
    X = mixed_table()
    D = clone(generator).fit(X).sample(300)
    for column in ["bool", "boolean", "string", "object", "category", "codes"]:
        assert set(D[column].dropna()) <= set(X[column].dropna())
    for column in ["float64", "int64", "bool", "codes"]:
        assert not D[column].isna().any()  # nor is a missing value


@every_generator
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool, object])
def test_arrays_keep_their_dtype(generator, dtype):
    X = np.random.default_rng(0).integers(0, 2 if dtype is bool else 200, size=(30, 3)).astype(dtype)
    D = clone(generator).fit(X).sample(45)
    assert isinstance(D, np.ndarray)
    assert D.dtype == X.dtype
    assert D.shape == (45, 3)


@every_generator
def test_whole_numbers_stay_in_the_range_of_their_dtype(generator):
    # noise around 0 and 255 must not wrap around
    X = np.random.default_rng(0).choice([0, 1, 254, 255], size=(50, 2)).astype(np.uint8)
    D = clone(generator).fit(X).sample(500)
    assert np.isin(np.minimum(D, 255 - D), range(60)).all()


@every_generator
def test_the_table_is_left_alone(generator):
    X = mixed_table()
    before = X.copy()
    clone(generator).fit(X).sample(100)
    same(X, before)


@every_generator
def test_what_happens_to_the_table_after_fit_does_not_matter(generator):
    X = np.random.default_rng(0).normal(size=(20, 3))
    generator = clone(generator).fit(X)
    before = generator.sample(30)
    X[:] = 0
    same(generator.sample(30), before)


@every_generator
def test_schema_may_be_a_mapping_or_a_schema(generator):
    X = np.random.default_rng(0).integers(0, 3, size=(40, 2)).astype(float)
    by_mapping = clone(generator).set_params(schema={1: "nominal"}).fit(X)
    by_schema = clone(generator).set_params(schema=Schema({1: "nominal"})).fit(X)
    assert [c.kind for c in by_mapping.schema_.columns_] == ["continuous", "nominal"]
    same(by_mapping.sample(50), by_schema.sample(50))


@every_generator
def test_labels_are_never_looked_at(generator):
    X = mixed_table()
    y = np.arange(len(X))
    same(clone(generator).fit(X, y).sample(70), clone(generator).fit(X).sample(70))


@every_generator
def test_feature_names_and_number(generator):
    generator = clone(generator).fit(mixed_table())
    assert generator.n_features_in_ == 13
    assert list(generator.feature_names_in_)[:2] == ["float64", "float32"]
    generator.fit(np.eye(3))
    assert generator.n_features_in_ == 3
    assert not hasattr(generator, "feature_names_in_")


# ------------------------------------------------------------------------------ reproducibility
@every_generator
@pytest.mark.parametrize("batch_size", [1, 7, 60, 61, 1000])
def test_batches_concatenate_to_the_sample(generator, batch_size):
    generator = clone(generator).fit(mixed_table())
    batches = list(generator.iter_batches(150, batch_size))
    assert {len(b) for b in batches[:-1]} <= {batch_size}
    same(joined(batches), generator.sample(150))


@every_generator
def test_batches_can_be_resumed(generator):
    generator = clone(generator).fit(mixed_table())
    batches = list(generator.iter_batches(200, 32))
    for first in (1, 3, len(batches) - 1):
        same(joined(generator.iter_batches(200, 32, first_batch=first)), joined(batches[first:]))


@every_generator
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stream_may_be_left(generator, n_jobs):
    batches = clone(generator).set_params(n_jobs=n_jobs).fit(np.eye(50)).iter_batches(10**9, 7)
    assert next(batches).shape == (7, 50)
    batches.close()


@pytest.mark.parametrize("wave_bytes, most", [(1, 4), (2**26, 16)])  # two large tasks a worker, or eight small ones
def test_a_slow_consumer_does_not_fill_the_memory(wave_bytes, most, monkeypatch):
    made = []
    monkeypatch.setattr(_base, "WAVE_BYTES", wave_bytes)
    monkeypatch.setattr(MarginalSampler, "_block", lambda self, index, rng, shared: made.append(index) or self._table)
    batches = MarginalSampler(n_jobs=2).fit(np.eye(10)).iter_batches(10**7, 10)
    monkeypatch.setattr(_base, "TASK_BYTES", 1)
    next(batches)
    time.sleep(0.2)
    assert len(made) <= most


@every_generator
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stream_needs_little_memory(generator, n_jobs, monkeypatch):
    monkeypatch.setattr(_base, "TASK_BYTES", 2**18)
    generator = clone(generator).set_params(n_jobs=n_jobs).fit(np.random.default_rng(0).random((1000, 8)))
    next(generator.iter_batches(10_000, 1000))  # compiles
    tracemalloc.start()
    for _ in generator.iter_batches(300_000, 1000):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6  # all rows would be 19 MB, and what MUNGE needs beside them is in it


@every_generator
@pytest.mark.parametrize("backend", ["threading", "loky", "dask"])
def test_rows_do_not_depend_on_jobs_or_backend(generator, backend):
    X = mixed_table()
    expected = clone(generator).fit(X).sample(1000)
    parallel = clone(generator).set_params(n_jobs=2).fit(X)
    if backend == "dask":
        distributed = pytest.importorskip("distributed")
        with (
            distributed.Client(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None),
            joblib.parallel_config("dask"),
        ):
            same(parallel.sample(1000), expected)
            same(joined(parallel.iter_batches(1000, 90)), expected)
        return
    with joblib.parallel_config(backend):
        same(parallel.sample(1000), expected)
        same(joined(parallel.iter_batches(1000, 90)), expected)


@every_generator
def test_same_seed_same_rows_and_another_seed_other_rows(generator):
    X = np.random.default_rng(0).normal(size=(50, 4))
    first = clone(generator).set_params(random_state=1).fit(X)
    same(first.sample(80), first.sample(80))
    same(first.sample(80), clone(first).fit(X).sample(80))
    assert not np.array_equal(first.sample(80), clone(generator).set_params(random_state=2).fit(X).sample(80))


@every_generator
def test_random_state_may_be_a_generator_of_either_kind_or_none(generator):
    X = np.random.default_rng(0).normal(size=(50, 4))
    for make in (np.random.RandomState, np.random.default_rng):
        same(
            clone(generator).set_params(random_state=make(0)).fit(X).sample(80),
            clone(generator).set_params(random_state=make(0)).fit(X).sample(80),
        )
    fitted = clone(generator).set_params(random_state=None).fit(X)
    same(fitted.sample(80), fitted.sample(80))


@every_generator
def test_blocks_differ(generator):
    X = np.random.default_rng(0).normal(size=(50, 4))
    D = clone(generator).fit(X).sample(100)
    assert not np.array_equal(D[:50], D[50:])


@every_generator
def test_a_partial_block_represents_all_rows_of_a_sorted_table(generator):
    X = np.arange(1000.0)[:, None]
    D = clone(generator).fit(X).sample(100)
    assert 350 < D.mean() < 650  # the first 100 rows would have mean 50


@every_generator
def test_pickle_and_clone(generator):
    generator = clone(generator).fit(mixed_table())
    same(pickle.loads(pickle.dumps(generator)).sample(70), generator.sample(70))
    assert not hasattr(clone(generator), "schema_")


@parametrize_with_checks([MarginalSampler(), MUNGE(), NaiveBayesEstimation(), Interpolation()])
def test_sklearn_checks(estimator, check):
    check(estimator)


# ------------------------------------------------------------------------------------ bad input
@every_generator
@pytest.mark.parametrize("n", [0, -3])
def test_no_rows_asked_for(generator, n):
    generator = clone(generator).fit(np.eye(4))
    with pytest.raises(ValueError, match=rf"n must be at least 1, got {n}"):
        generator.sample(n)
    with pytest.raises(ValueError, match=rf"n must be at least 1, got {n}"):
        generator.iter_batches(n, 10)
    with pytest.raises(ValueError, match=rf"batch_size must be at least 1, got {n}"):
        generator.iter_batches(10, n)


@every_generator
def test_number_of_rows_must_be_an_integer(generator):
    generator = clone(generator).fit(np.eye(4))
    with pytest.raises(TypeError, match="n must be an integer, got 10.0 of type float"):
        generator.sample(10.0)
    with pytest.raises(ValueError, match=r"first_batch must be an integer from 0 to n // batch_size = 2, got 7"):
        generator.iter_batches(10, 4, first_batch=7)


@every_generator
def test_sampling_before_fit(generator):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        clone(generator).sample(3)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        clone(generator).iter_batches(3, 1)


@every_generator
def test_sparse_input_is_refused_with_advice(generator):
    with pytest.raises(TypeError, match=r"sparse.*toarray"):
        clone(generator).fit(sparse.eye(5, format="csr"))


@every_generator
def test_infinite_values_are_refused(generator):
    X = np.eye(4)
    X[2, 1] = np.inf
    with pytest.raises(ValueError, match="infinity: column 1 must be finite or NaN"):
        clone(generator).fit(X)


@every_generator
def test_dates_are_refused_with_advice(generator):
    with pytest.raises(TypeError, match=r"'day' has dtype datetime.*Turn them into numbers"):
        clone(generator).fit(pd.DataFrame({"day": pd.date_range("2006-01-01", periods=5), "x": range(5)}))


@every_generator
def test_a_request_beyond_memory_says_how_many_bytes_and_offers_batches(generator, monkeypatch):
    generator = clone(generator).fit(np.random.default_rng(0).normal(size=(100, 8)))
    monkeypatch.setattr(_memory, "available_bytes", lambda: 1_000_000)
    with pytest.raises(MemoryError, match=r"needs about 64,000,000 bytes \(61.0 MiB\).*iter_batches"):
        generator.sample(1_000_000)
    assert len(next(generator.iter_batches(1_000_000, 10))) == 10


def test_available_memory_is_a_plausible_number():
    assert 2**20 < _memory.available_bytes() < 2**60
    assert _memory.readable_bytes(1536) == "1.5 KiB"


@every_generator
def test_unknown_schema(generator):
    with pytest.raises(TypeError, match="schema must be None, a mapping"):
        clone(generator).set_params(schema=["nominal"]).fit(np.eye(3))


@every_generator
@pytest.mark.parametrize(
    "X",
    [
        np.full((6, 2), 7.0),
        np.full((6, 2), np.nan),
        np.column_stack([np.arange(6.0), np.full(6, np.nan)]),
        pd.DataFrame({"a": [None] * 6, "b": range(6)}),
        pd.DataFrame({"a": ["x"] * 6}),
        np.arange(6.0)[:, None],
        np.eye(2),
    ],
    ids=["constant", "all missing", "one column missing", "empty object", "one category", "d=1", "n=2"],
)
def test_degenerate_tables_are_defined(generator, X):
    D = clone(generator).fit(X).sample(15)
    assert D.shape == (15, X.shape[1])
    missing, before = pd.DataFrame(D).isna().all(), pd.DataFrame(X).isna().all()
    assert missing.tolist() == before.tolist()


def test_memory_counts_what_is_held():
    # the encoded rows (float64 and int32) and the frame made of them
    generator = MarginalSampler().fit(pd.DataFrame({"a": [0.1, 0.2], "b": pd.Categorical(["u", "v"])}))
    assert _base.BaseGenerator._bytes(generator, 10) == 10 * (8 + 4 + 8 + 4)


@every_generator
def test_batches_beyond_memory_are_refused_before_any_is_made(generator):
    generator = clone(generator).fit(np.random.default_rng(0).normal(size=(100, 8)))
    with pytest.raises(MemoryError, match=r"iter_batches\(\d+, \d+\) needs about .* Ask for smaller batches"):
        generator.iter_batches(10**12, 10**11)
    assert len(next(generator.iter_batches(10**12, 1000))) == 1000
