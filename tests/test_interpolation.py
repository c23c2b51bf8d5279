"""Interpolation: every row lies on a segment between a training row and one of its neighbours.

The contract of every generator is in `test_generators.py`.
"""

import numpy as np
import pandas as pd
import pytest

from compress.generators import Interpolation


def normal(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("n_neighbors", [1, 5])
def test_rows_lie_on_the_segment_to_a_neighbour(n_neighbors):
    X = normal()
    generator = Interpolation(n_neighbors, random_state=0).fit(X)
    D = generator.sample(3 * len(X))
    for j, row in enumerate(D):
        e = X[j % len(X)]  # row c * n_rows + i comes from training row i
        ends = X[generator.neighbor_indices_[j % len(X)]]
        u = np.einsum("kd,d->k", ends - e, row - e) / ((ends - e) ** 2).sum(axis=1)
        off = np.abs(e + u[:, None] * (ends - e) - row).max(axis=1)
        assert np.any((off < 1e-9) & (u >= -1e-9) & (u <= 1 + 1e-9))


def test_neighbours_are_the_nearest_of_the_scaled_columns_and_never_the_row_itself():
    X = normal() * [1, 1000, 0.001]  # without scaling the second column would decide alone
    generator = Interpolation(3, random_state=0).fit(X)
    Z = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    distance = np.linalg.norm(Z[:, None] - Z, axis=2)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_array_equal(generator.neighbor_indices_, np.argsort(distance, axis=1)[:, :3])


def test_a_nominal_difference_counts_like_the_whole_range_of_a_column():
    # "b" at 0 is as far from "a" at 0 as "a" at the other end: the nearest of row 0 is row 1
    X = pd.DataFrame({"x": [0.0, 0.4, 0.0, 1.0], "c": list("aabb")})
    assert Interpolation(1).fit(X).neighbor_indices_[0] == 1


def test_nothing_leaves_the_training_range():
    for X in (normal(), normal().astype(np.float32)):
        D = Interpolation(random_state=0).fit(X).sample(2000)
        np.testing.assert_array_equal(D, np.clip(D, X.min(axis=0), X.max(axis=0)))


def test_nominal_values_come_from_the_nearer_end_more_often():
    # x says where on the segment from (0.25, "a") to (1.25, "b") a point lies: its u is x - 0.25
    X = pd.DataFrame({"x": [0.25, 1.25], "c": ["a", "b"]})
    D = Interpolation(random_state=0).fit(X).sample(20_000)
    u = D["x"] - 0.25
    for low in (0.0, 0.25, 0.5, 0.75):
        part = D["c"][(u >= low) & (u < low + 0.25)]
        assert (part == "b").mean() == pytest.approx(low + 0.125, abs=0.03)


def test_nominal_columns_keep_their_shares_when_all_rows_are_neighbours():
    # e and e' are then alike in law, and a coin between them changes nothing
    X = pd.DataFrame({"c": np.random.default_rng(0).choice(list("ab"), 50, p=[0.2, 0.8])})
    D = Interpolation(49, random_state=0).fit(X).sample(20_000)
    assert (D["c"] == "a").mean() == pytest.approx((X["c"] == "a").mean(), abs=0.02)


def test_a_value_missing_at_one_end_is_taken_from_either():
    D = Interpolation(random_state=0).fit([[0.25, np.nan], [0.5, 3.0]]).sample(4000)
    assert set(D[~np.isnan(D[:, 1]), 1]) == {3.0}
    assert 0.45 < np.isnan(D[:, 1]).mean() < 0.55  # u is uniform: one half on average


def test_a_value_missing_at_both_ends_stays_missing():
    # missing on both sides is no distance: rows 2 and 3 are each other's nearest
    X = np.array([[0.0, 3.5], [0.1, 3.0], [9.0, np.nan], [9.1, np.nan]])
    D = Interpolation(1, random_state=0).fit(X).sample(400).reshape(-1, 4, 2)
    assert np.isnan(D[:, 2:, 1]).all()
    assert not np.isnan(D[:, :2, 1]).any()


def test_whole_numbers_stay_whole():
    X = normal().round(0) * 5
    D = Interpolation(random_state=0).fit(X).sample(500)
    np.testing.assert_array_equal(D, np.rint(D))


def test_duplicates_give_copies_of_themselves():
    X = np.repeat(normal(4), 3, axis=0)
    D = Interpolation(2, random_state=0).fit(X).sample(60)
    assert {tuple(row) for row in D} <= {tuple(row) for row in X}


def test_two_rows_are_enough():
    D = Interpolation(random_state=0).fit([[0.5, 1.25], [1.5, 2.25]]).sample(100)
    np.testing.assert_allclose(D[:, 1] - D[:, 0], 0.75, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:overflow encountered in subtract")  # the span; such a column counts as constant
def test_opposite_ends_of_the_range_of_floats_do_not_overflow():
    X = np.array([[-1.5e308], [1.5e308], [0.5]])
    assert np.isfinite(Interpolation(random_state=0).fit(X).sample(100)).all()


@pytest.mark.parametrize(
    "n_neighbors, error, message",
    [
        (0, ValueError, "n_neighbors must be at least 1, got 0: SMOTE takes 5"),
        (2.5, TypeError, "n_neighbors must be an integer, got 2.5 of type float"),
    ],
)
def test_bad_number_of_neighbours(n_neighbors, error, message):
    with pytest.raises(error, match=message):
        Interpolation(n_neighbors).fit(normal())


def test_one_row_has_no_neighbour():
    with pytest.raises(ValueError, match="Interpolation needs at least 2 rows"):
        Interpolation().fit([[1.0, 2.0]])
