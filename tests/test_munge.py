"""MUNGE: the properties of Algorithm 1, equality with its plain transcription, and its errors."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compress.generators import MUNGE, munge
from compress.generators._base import FOR_BLOCK
from compress.generators._current import FEWEST_PASSES
from compress.generators._munge import LARGEST_CURRENT
from experiments.benchmarks.reference_munge import munge_pass

MODES = ["current", "original"]
both_modes = pytest.mark.parametrize("neighbors", MODES)
few = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tables(draw):
    """Mixed tables with duplicates, ties, constant columns and missing values."""
    n = draw(st.integers(2, 40))
    d_c, d_n = draw(st.sampled_from([(1, 0), (0, 1), (3, 0), (0, 3), (2, 2), (4, 1)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    missing = draw(st.sampled_from([0.0, 0.2]))
    columns = {}
    for a in range(d_c):
        kind = draw(st.sampled_from(["normal", "grid", "constant", "float32", "outlier"]))
        values = {
            "normal": rng.normal(size=n),
            "grid": rng.integers(0, 3, n).astype(float),
            "constant": np.full(n, 2.5),
            "float32": rng.normal(size=n).astype(np.float32),
            "outlier": np.where(rng.random(n) < 0.1, 1e9, rng.random(n)),
        }[kind]
        columns[f"c{a}"] = np.where(rng.random(n) < missing, np.nan, values).astype(values.dtype)
    for a in range(d_n):
        codes = rng.integers(0, draw(st.integers(1, 4)), n)
        codes[rng.random(n) < missing] = -1
        columns[f"n{a}"] = pd.Categorical.from_codes(codes, categories=list("abcd"))
    X = pd.DataFrame(columns)
    duplicated = rng.integers(0, n, n // 3)
    return pd.concat([X.iloc[: n - len(duplicated)], X.iloc[duplicated]], ignore_index=True)


settings_of_munge = st.fixed_dictionaries(
    {
        "neighbors": st.sampled_from(MODES),
        "p": st.sampled_from([0.05, 0.2, 0.7, 1.0]),
        "s": st.sampled_from([0.3, 5.0, float("inf")]),
        "clip": st.booleans(),
        "random_state": st.integers(0, 1000),
    }
)


def by_the_book(generator, index):
    """Pass `index` of a fitted generator by the plain transcription, from the same random numbers."""
    continuous, nominal = generator._table
    rng = generator._rng(FOR_BLOCK, index)
    coins_c = rng.random(continuous.shape, dtype=np.float32)
    coins_n = rng.random(nominal.shape, dtype=np.float32)
    p_c, p_n, s = generator._p_c, generator._p_n, generator._s
    normals = rng.standard_normal(2 * np.count_nonzero(coins_c < p_c), dtype=continuous.dtype)
    continuous, nominal = munge_pass(
        continuous, nominal, coins_c, coins_n, normals, p_c, p_n, s, generator._low, generator._high,
        clip=generator.clip, neighbors=getattr(generator, "neighbor_indices_", None),
    )  # fmt: skip
    integer = generator.schema_.integer_ & generator.round_integers
    continuous[:, integer] = np.rint(continuous[:, integer])
    return continuous, nominal


def assert_passes_by_the_book(generator, n_passes):
    encoded = list(generator._blocks(n_passes * generator.n_rows_))
    for index, (continuous, nominal) in enumerate(encoded):
        expected_continuous, expected_nominal = by_the_book(generator, index)
        np.testing.assert_array_equal(continuous, expected_continuous, strict=True)
        np.testing.assert_array_equal(nominal, expected_nominal, strict=True)


# ---------------------------------------------------------------------- equal to the transcription
@few
@given(tables(), settings_of_munge)
def test_passes_equal_the_plain_transcription_bit_by_bit(X, parameters):
    generator = MUNGE(**parameters).fit(X)
    assert_passes_by_the_book(generator, FEWEST_PASSES)  # with lists of neighbours
    assert_passes_by_the_book(generator, 1)  # and without


@pytest.mark.parametrize(
    "kind", ["clusters", "grid with ties", "all distances alike", "mixed with missing", "much noise", "hub"]
)
def test_pruned_search_equals_the_plain_transcription_on_larger_tables(kind):
    """Enough rows for each part of the pruning: lists that end too soon, far rows, giving up on lists."""
    rng = np.random.default_rng(0)
    n, s, schema = 800, 5.0, None
    if kind == "clusters":
        X = np.repeat(rng.normal(size=(40, 5)), n // 40, axis=0) + 0.05 * rng.normal(size=(n, 5))
    elif kind == "grid with ties":
        X = rng.integers(0, 5, size=(n, 4)).astype(np.float32)
    elif kind == "all distances alike":
        X = rng.random(size=(n, 60)).astype(np.float32)
    elif kind == "mixed with missing":
        X = rng.integers(0, 6, size=(n, 6)).astype(float)
        X[rng.random(X.shape) < 0.1] = np.nan
        schema = {0: "nominal", 3: "nominal"}
    elif kind == "much noise":
        X, s = rng.normal(size=(n, 4)), 0.5
    else:
        X = np.vstack([np.zeros((1, 3)), rng.choice([-1, 1], size=(n, 3)) * (1 + 0.1 * rng.random((n, 3)))])
    generator = MUNGE(p=0.3, s=s, neighbors="current", schema=schema, random_state=0).fit(X)
    blocks = list(generator._blocks(FEWEST_PASSES * len(X)))
    for index in (0, FEWEST_PASSES - 1):
        for got, expected in zip(blocks[index], by_the_book(generator, index)):
            np.testing.assert_array_equal(got, expected, strict=True)


def test_one_pair_by_hand():
    """Two rows, p = 1: each becomes the other plus noise, and meets it again from the other side."""
    X = np.array([[0.0, 10.0], [1.0, 30.0]])
    D = MUNGE(p=1, s=np.inf, random_state=0).fit(X).sample(2)
    np.testing.assert_array_equal(D, X)  # exchanged twice
    X = np.array([[0.0], [1.0], [10.0]])
    D = MUNGE(p=1, s=np.inf, neighbors="original", random_state=0).fit(X).sample(3)
    # row 0 <-> row 1: (1, 0, 10); row 1 <-> row 0: (0, 1, 10); row 2 <-> row 1: (0, 10, 1)
    np.testing.assert_array_equal(D.ravel(), [0, 10, 1])
    D = MUNGE(p=1, s=np.inf, neighbors="current", random_state=0).fit(X).sample(3)
    # the same until row 2, whose nearest in T' is the one that holds 1, row 1
    np.testing.assert_array_equal(D.ravel(), [0, 10, 1])


@both_modes
def test_noise_has_the_standard_deviation_of_the_paper(neighbors):
    """sd = |e_a - e'_a| / s for both rows, around the other's old value."""
    s, gap, p = 8.0, 8.0, 0.2
    X = np.array([[0.0], [gap]])
    D = MUNGE(p=p, s=s, neighbors=neighbors, round_integers=False, random_state=0).fit(X).sample(20_000)
    first, second = D[0::2, 0], D[1::2, 0]
    moved = (first != 0) | (second != gap)
    assert moved.mean() == pytest.approx(1 - (1 - p) ** 2, abs=0.015)
    once = first > gap / 2  # one of the two visits exchanged; after both, or none, it is near 0
    assert once.mean() == pytest.approx(2 * p * (1 - p), abs=0.015)
    assert first[once].mean() == pytest.approx(gap, abs=0.1)
    assert first[once].std() == pytest.approx(gap / s, rel=0.05)
    assert second[once].mean() == pytest.approx(0, abs=0.1)
    assert second[once].std() == pytest.approx(gap / s, rel=0.05)
    assert abs(np.corrcoef(first[once], second[once])[0, 1]) < 0.05


@both_modes
def test_each_attribute_has_a_coin_of_its_own(neighbors):
    X = np.array([[0.0, 0.0], [1.0, 1.0]])
    D = MUNGE(p=0.5, s=np.inf, neighbors=neighbors, random_state=0).fit(X).sample(10_000)
    exchanged = D[0::2] != 0
    # two visits with probability 1/2 each: exchanged when exactly one of them does it
    assert exchanged.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.03)
    assert abs(np.corrcoef(exchanged.T)[0, 1]) < 0.05


# -------------------------------------------------------------------------------------- properties
@few
@given(tables(), settings_of_munge)
def test_zero_p_returns_the_data(X, parameters):
    D = MUNGE(**{**parameters, "p": 0}).fit(X).sample(2 * len(X))
    pd.testing.assert_frame_equal(D, pd.concat([X, X], ignore_index=True))


@few
@given(tables(), settings_of_munge)
def test_every_pass_keeps_what_a_swap_keeps(X, parameters):
    """The nominal columns as multisets, and how many values are missing; with s = inf all columns."""
    n = len(X)
    D = MUNGE(**parameters).fit(X).sample(3 * n)
    assert D.dtypes.tolist() == X.dtypes.tolist()
    for start in range(0, 3 * n, n):
        T = D.iloc[start : start + n]
        pd.testing.assert_series_equal(T.isna().sum(), X.isna().sum())
        for column in X:
            if parameters["s"] == float("inf") or column.startswith("n"):
                values, before = T[column], X[column]
                if column.startswith("n"):
                    values, before = values.cat.codes, before.cat.codes
                np.testing.assert_array_equal(np.sort(values), np.sort(before))


@few
@given(tables(), settings_of_munge)
def test_clip_keeps_values_in_the_training_range(X, parameters):
    D = MUNGE(**{**parameters, "clip": True, "s": 0.3}).fit(X).sample(3 * len(X))
    for column in X.columns[X.dtypes != "category"]:
        assert D[column].dropna().between(X[column].min(), X[column].max()).all()


@both_modes
def test_without_clip_some_values_leave_the_training_range(neighbors):
    X = np.random.default_rng(0).random((50, 2))
    D = MUNGE(p=0.5, s=1, neighbors=neighbors, random_state=0).fit(X).sample(1000)
    assert D.min() < X.min() and D.max() > X.max()


@both_modes
def test_whole_numbers_are_rounded_unless_told_otherwise(neighbors):
    X = np.random.default_rng(0).integers(0, 9, size=(50, 3)).astype(float)
    X[:, 1] += 0.5
    D = MUNGE(p=0.5, s=1, neighbors=neighbors, random_state=0).fit(X).sample(100)
    assert (D[:, [0, 2]] == np.rint(D[:, [0, 2]])).all()
    assert (D[:, 1] != np.rint(D[:, 1])).any()
    whole = MUNGE(p=0.5, s=1, neighbors=neighbors, round_integers=False, random_state=0).fit(X.astype(int)).sample(100)
    assert whole.dtype == float
    assert (whole != np.rint(whole)).any()


@both_modes
def test_p_and_s_by_column(neighbors):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
    D = MUNGE(p=[0, 1, 0.5], s={"b": np.inf}, neighbors=neighbors, random_state=0).fit(X).sample(40)
    pd.testing.assert_series_equal(D["a"], X["a"])  # p = 0
    np.testing.assert_array_equal(np.sort(D["b"]), np.sort(X["b"]))  # s = inf
    assert not np.isin(D["c"], X["c"]).all()  # noise
    rest = MUNGE().s  # columns that a mapping leaves out
    by_name = MUNGE(p={"c": 0.5, "b": 1, "a": 0}, s=[rest, np.inf, rest], neighbors=neighbors, random_state=0).fit(X)
    pd.testing.assert_frame_equal(by_name.sample(40), D)


@both_modes
def test_noise_that_runs_away_stays_finite(neighbors):
    """With s < 1 a hub's values grow with each visit; they may not become infinite or missing."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(400, 6))
    X = np.vstack([np.zeros(6), directions / np.linalg.norm(directions, axis=1, keepdims=True)]).astype(np.float32)
    D = MUNGE(p=1, s=0.01, neighbors=neighbors, random_state=0).fit(X).sample(1203)
    assert np.isfinite(D).all()


@both_modes
def test_all_missing_rows_are_each_others_neighbours(neighbors):
    X = np.array([[0.0, 1.0], [0.1, 0.9], [np.nan, np.nan], [np.nan, np.nan]])
    D = MUNGE(p=1, s=5, neighbors=neighbors, random_state=0).fit(X).sample(4)
    np.testing.assert_array_equal(np.isnan(D), np.isnan(X))


# ---------------------------------------------------------------------- the function, auto, golden
def test_function_is_k_passes():
    X = np.random.default_rng(0).normal(size=(30, 2))
    D = munge(X, 4, p=0.3, s=2, random_state=0)
    assert D.shape == (120, 2)
    np.testing.assert_array_equal(D, MUNGE(p=0.3, s=2, random_state=0).fit(X).sample(120))


def test_auto_takes_the_current_set_while_it_is_cheap():
    rng = np.random.default_rng(0)
    small, large = rng.random((50, 2)), rng.random((int(np.sqrt(LARGEST_CURRENT / 500)) + 1, 500), dtype=np.float32)
    assert MUNGE().fit(small).neighbors_ == "current"
    assert not hasattr(MUNGE().fit(small), "neighbor_indices_")
    generator = MUNGE().fit(large)
    assert generator.neighbors_ == "original"
    assert generator.neighbor_indices_.shape == (len(large),)
    assert MUNGE(neighbors="original").fit(small).neighbors_ == "original"


@both_modes
def test_golden_values(neighbors):
    """The same rows for one seed from version to version: change these only on purpose."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 16, size=(64, 4)), rng.integers(0, 3, 64)]).astype(np.float32)
    D = MUNGE(p=0.2, s=5, neighbors=neighbors, schema={4: "nominal"}, random_state=0).fit(X).sample(640)
    digest = hashlib.sha256(np.ascontiguousarray(D, dtype="<f4").tobytes()).hexdigest()[:16]
    assert digest == GOLDEN[neighbors]


GOLDEN = {"current": "94fa060a72033351", "original": "39a652d0bb99b3aa"}


# -------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"p": 1.5}, ValueError, r"p must lie in \[0, 1\], got 1.5"),
        ({"p": -0.1}, ValueError, r"p must lie in \[0, 1\], got -0.1"),
        ({"p": float("nan")}, ValueError, r"p must lie in \[0, 1\], got nan"),
        ({"p": "auto"}, TypeError, "p must be a number, a sequence .* got 'auto'"),
        ({"p": None}, TypeError, "p must be a number, a sequence .* got None"),
        ({"p": [0.1, 0.2]}, ValueError, "p must have one number per column of X, that is 3, got 2"),
        ({"p": {"z": 0.1}}, ValueError, "p names the column 'z', but the columns of X are"),
        ({"p": [0.1, "b", 0.1]}, TypeError, "p must be a number for each column, got 'b' for column 1"),
        ({"s": 0}, ValueError, r"s must be above 0, got 0 .* For exchanges without noise use float\('inf'\)"),
        ({"s": {1: -2}}, ValueError, "s must be above 0, got -2 for column 1"),
        ({"neighbors": "nearest"}, ValueError, r"neighbors must be one of \('auto', 'current', .*got 'nearest'"),
        ({"index": "faiss"}, ValueError, r"index must be one of \('exact', 'approximate'\), got 'faiss'"),
        ({"neighbors": "current", "index": "approximate"}, ValueError, "index='approximate' .* neighbors='original'"),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        MUNGE(**parameters).fit(np.eye(3))


def test_one_row():
    with pytest.raises(ValueError, match=r"MUNGE needs at least 2 rows.*n_samples = 1"):
        MUNGE().fit(np.ones((1, 3)))


def test_columns_wider_than_floats():
    with pytest.raises(ValueError, match="column 1 spans more than a float can hold"):
        MUNGE().fit(np.array([[0, 1.7e308], [1, -1.7e308]]))


def test_k_below_one():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        munge(np.eye(3), 0)
