"""NBE: the mixture is a likelihood model fitted by EM, and its rows are like those of the table.

The contract of every generator is in `test_generators.py`.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from compress.generators import NaiveBayesEstimation
from compress.generators._naive_bayes_mixture import (
    Mixture,
    Prior,
    Rows,
    expectation_maximization,
    joint_log_density,
    maximize,
    responsibilities,
)
from tests.tables import mixed_table


def clusters(n=300, centres=((0, 0), (4, 0), (0, 4)), seed=0):
    rng = np.random.default_rng(seed)
    which = rng.integers(len(centres), size=n)
    return np.asarray(centres, dtype=float)[which] + 0.3 * rng.normal(size=(n, 2)), which


def some_rows(n=80, seed=0):
    """Rows of two continuous attributes with holes, and two discrete ones of 3 and 2 outcomes."""
    rng = np.random.default_rng(seed)
    values = rng.random((n, 2))
    values[rng.random((n, 2)) < 0.2] = np.nan
    codes = np.column_stack([rng.integers(3, size=n), 3 + rng.integers(2, size=n)])
    outcomes = sparse.csr_matrix((np.ones(2 * n), codes.ravel(), 2 * np.arange(n + 1)), shape=(n, 5))
    return values, codes, Rows.of(values, outcomes)


def random_shares(n, k, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(k), size=n)


# ------------------------------------------------------------------------------- the mixture
def test_the_density_is_that_of_its_definition():
    values, codes, rows = some_rows()
    mixture = maximize(rows, random_shares(rows.n, 3), Prior.of(rows, np.full(2, 1e-6)))
    density = joint_log_density(rows, mixture)
    for i in (0, 7, 33):
        for k in range(3):
            expected = np.log(mixture.weights[k]) + mixture.log_outcomes[k, codes[i]].sum()
            for a in range(2):
                if not np.isnan(values[i, a]):  # a missing value is integrated out: factor 1
                    expected += stats.norm.logpdf(values[i, a], mixture.means[k, a], mixture.variances[k, a] ** 0.5)
            assert density[i, k] == pytest.approx(expected, rel=1e-9)


def test_responsibilities_are_shares_even_far_from_every_component():
    # densities of exp(-1e9) underflow: only in log space do they still have a ratio
    rows = Rows.of(np.array([[1e3], [-1e3], [0.5]]), sparse.csr_matrix((3, 0)))
    mixture = Mixture(np.array([0.5, 0.5]), np.array([[0.0], [1.0]]), np.full((2, 1), 1e-3), np.empty((2, 0)))
    shares, likelihood = responsibilities(rows, mixture)
    np.testing.assert_allclose(shares, [[0, 1], [1, 0], [0.5, 0.5]], atol=1e-12)
    assert np.isfinite(likelihood)


def test_blocks_of_the_e_step_do_not_matter(monkeypatch):
    from compress.generators import _naive_bayes_mixture

    _, _, rows = some_rows()
    mixture = maximize(rows, random_shares(rows.n, 3), Prior.of(rows, np.full(2, 1e-6)))
    shares, likelihood = responsibilities(rows, mixture)
    monkeypatch.setattr(_naive_bayes_mixture, "BLOCK_CELLS", 3 * 7)
    again, likelihood_again = responsibilities(rows, mixture)
    np.testing.assert_allclose(again, shares, rtol=1e-12)
    assert likelihood_again == pytest.approx(likelihood)


def test_outcome_probabilities_sum_to_one_within_each_attribute():
    _, _, rows = some_rows()
    mixture = maximize(rows, random_shares(rows.n, 4), Prior.of(rows, np.full(2, 1e-6)))
    shares = np.exp(mixture.log_outcomes)
    np.testing.assert_allclose(shares[:, :3].sum(axis=1), 1)
    np.testing.assert_allclose(shares[:, 3:].sum(axis=1), 1)


def test_the_likelihood_grows_from_cycle_to_cycle():
    # EM's property; the prior and the floor of the variances may cost a little, which is the tolerance
    _, _, rows = some_rows(400)
    prior = Prior.of(rows, np.full(2, 1e-9))
    mixture = maximize(rows, random_shares(rows.n, 4), prior)
    likelihoods = []
    for _ in range(30):
        shares, likelihood = responsibilities(rows, mixture)
        likelihoods.append(likelihood)
        mixture = maximize(rows, shares, prior)
    assert np.diff(likelihoods).min() > -1e-4
    assert likelihoods[-1] > likelihoods[0]


def test_on_continuous_columns_it_is_the_mixture_of_scikit_learn():
    # same model, same start, no missing values: one cycle of EM must give the same parameters
    X, which = clusters()
    X = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    rows = Rows.of(X, sparse.csr_matrix((len(X), 0)))
    prior = Prior.of(rows, np.full(2, 1e-6))
    start = maximize(rows, np.eye(3)[which], prior)
    ours, _, _ = expectation_maximization(rows, start, prior, max_iter=1, tol=1e-3)
    theirs = GaussianMixture(
        3,
        covariance_type="diag",
        max_iter=1,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=1 / start.variances,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X)
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-6)
    np.testing.assert_allclose(ours.means, theirs.means_, rtol=1e-6)
    np.testing.assert_allclose(ours.variances, theirs.covariances_, rtol=1e-5)


def test_components_that_hold_no_row_are_pruned():
    X, which = clusters()
    rows = Rows.of(X, sparse.csr_matrix((len(X), 0)))
    prior = Prior.of(rows, np.full(2, 1e-6))
    start = maximize(rows, np.eye(3)[which], prior)
    far = Mixture(
        np.append(start.weights, 0.1) / 1.1,
        np.vstack([start.means, [100.0, 100.0]]),
        np.vstack([start.variances, [0.01, 0.01]]),
        np.empty((4, 0)),
    )
    mixture, _, _ = expectation_maximization(rows, far, prior, max_iter=50, tol=1e-6)
    assert mixture.n_components == 3
    assert mixture.weights.sum() == pytest.approx(1)


# ----------------------------------------------------------------- the number of components
@pytest.mark.parametrize("seed", range(3))
def test_held_out_rows_find_separate_clusters_and_stop_soon_after(seed):
    # 4 clusters are a power of 2, which the doubling can hit; 50 held-out rows may like a cluster cut in two
    X, _ = clusters(500, centres=((0, 0), (4, 0), (0, 4), (4, 4)), seed=seed)
    generator = NaiveBayesEstimation(random_state=seed).fit(X)
    likelihood = {row["n_components"]: row["log_likelihood"] for row in generator.held_out_}
    assert list(likelihood)[:4] == [1, 2, 4, 8]
    assert likelihood[4] > max(likelihood[1], likelihood[2]) + 0.5
    assert abs(likelihood[8] - likelihood[4]) < 0.2
    assert generator.n_components_ in (4, 8)


def test_independent_columns_need_one_component():
    X = np.random.default_rng(0).normal(size=(500, 3))
    assert NaiveBayesEstimation(random_state=0).fit(X).n_components_ == 1


def test_max_components_is_where_the_search_ends():
    X, _ = clusters(400, centres=((0, 0), (4, 0), (0, 4), (4, 4)))
    generator = NaiveBayesEstimation(max_components=2, random_state=0).fit(X)
    assert [row["n_components"] for row in generator.held_out_] == [1, 2]
    assert generator.n_components_ == 2


def test_few_rows_get_one_component_since_none_can_be_held_out():
    generator = NaiveBayesEstimation(random_state=0).fit(np.random.default_rng(0).normal(size=(9, 2)))
    assert generator.n_components_ == 1
    assert generator.held_out_ == []


def test_a_given_number_is_taken_and_searches_nothing():
    X, _ = clusters()
    generator = NaiveBayesEstimation(3, random_state=0).fit(X)
    assert generator.n_components_ == 3
    assert generator.held_out_ == []
    centres = sorted(tuple(row) for row in generator.means_.round())
    assert centres == [(0, 0), (0, 4), (4, 0)]
    assert generator.converged_


# ------------------------------------------------------------------------------- its rows
def test_dependence_between_columns_is_kept_through_the_components():
    # within a component columns are independent; the correlation is that of the components' means
    X = np.random.default_rng(0).normal(size=(1000, 1)) + 0.2 * np.random.default_rng(1).normal(size=(1000, 2))
    D = NaiveBayesEstimation(random_state=0).fit(X).sample(5000)
    assert np.corrcoef(D.T)[0, 1] == pytest.approx(np.corrcoef(X.T)[0, 1], abs=0.05)
    np.testing.assert_allclose(D.mean(axis=0), X.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(D.std(axis=0), X.std(axis=0), atol=0.1)


def test_dependence_between_continuous_and_nominal_columns_is_kept():
    X, which = clusters()
    frame = pd.DataFrame({"x": X[:, 0], "y": X[:, 1], "cluster": pd.Categorical(which)})
    D = NaiveBayesEstimation(random_state=0).fit(frame).sample(3000)
    nearest = np.argmin([np.hypot(D["x"] - a, D["y"] - b) for a, b in ((0, 0), (4, 0), (0, 4))], axis=0)
    assert (nearest == D["cluster"].astype(int)).mean() > 0.97


@pytest.mark.parametrize("n_components", ["auto", 1, 4])
def test_each_column_keeps_its_share_of_missing_values(n_components):
    X = mixed_table(400)
    D = NaiveBayesEstimation(n_components, random_state=0).fit(X).sample(20_000)
    # the standard error of a share of 0.1 in 20,000 rows is 0.002
    np.testing.assert_allclose(D.isna().mean(), X.isna().mean(), atol=0.01)


def test_missing_cells_do_not_bias_the_rest():
    # the values of column 0 depend on the cluster, and half of those of one cluster are missing: with missing
    # cells integrated out the mean of what is there is kept
    X, which = clusters(2000, centres=((0, 0), (5, 5)))
    hidden = (which == 1) & (np.random.default_rng(1).random(2000) < 0.5)
    X[hidden, 0] = np.nan
    D = NaiveBayesEstimation(random_state=0).fit(X).sample(20_000)
    assert np.nanmean(D[:, 0]) == pytest.approx(np.nanmean(X[:, 0]), abs=0.08)
    assert np.isnan(D[D[:, 1] > 2.5, 0]).mean() == pytest.approx(0.5, abs=0.03)  # missing where it was
    assert np.isnan(D[D[:, 1] < 2.5, 0]).mean() < 0.01


def test_no_row_is_a_copy_of_a_training_row():
    X, _ = clusters()
    D = NaiveBayesEstimation(random_state=0).fit(X).sample(1000)
    assert not {tuple(row) for row in D} & {tuple(row) for row in X}


def test_a_frequent_value_is_kept_as_a_spike():
    # capital gains in ADULT: 92 % zeros and some thousands; the zeros get a component of their own
    rng = np.random.default_rng(0)
    gain = np.where(rng.random(2000) < 0.9, 0, rng.integers(2000, 20_000, 2000))
    D = NaiveBayesEstimation(random_state=0).fit(pd.DataFrame({"gain": gain})).sample(4000)
    assert (D["gain"] == 0).mean() == pytest.approx((gain == 0).mean(), abs=0.03)


# --------------------------------------------------------------------------- degenerate data
def test_a_continuous_column_of_two_values_gives_values_near_these():
    X = np.random.default_rng(0).choice([-1.5, 2.5], size=(200, 1), p=[0.3, 0.7])
    D = NaiveBayesEstimation(random_state=0).fit(X).sample(2000)
    gap = np.abs(D - np.array([[-1.5, 2.5]])).min(axis=1)
    assert gap.max() < 6 * 4 * 1e-3  # reg_covar: a standard deviation of 1/1000 of the range, 4
    assert (D > 0).mean() == pytest.approx((X > 0).mean(), abs=0.04)


def test_a_column_of_two_whole_numbers_gives_just_these():
    X = np.random.default_rng(0).choice([3, 4], size=(200, 1))
    D = NaiveBayesEstimation(random_state=0).fit(X).sample(2000)
    assert (np.isin(D, [3, 4])).mean() > 0.99  # 3 standard deviations to the next whole number


def test_a_nominal_column_of_one_category_stays_it():
    X = pd.DataFrame({"a": ["only"] * 50, "b": np.random.default_rng(0).normal(size=50)})
    assert (NaiveBayesEstimation(random_state=0).fit(X).sample(200)["a"] == "only").all()


def test_a_constant_column_stays_constant():
    X = np.column_stack([np.full(50, 0.1), np.random.default_rng(0).normal(size=50)])
    assert (NaiveBayesEstimation(random_state=0).fit(X).sample(200)[:, 0] == 0.1).all()


@pytest.mark.parametrize("n_components", ["auto", 40])
def test_no_more_components_than_different_rows(n_components):
    X = np.repeat([[0.5, 1.0], [7.25, 3.0]], 20, axis=0)
    generator = NaiveBayesEstimation(n_components, random_state=0).fit(X)
    assert generator.n_components_ <= 2
    assert np.isfinite(generator.sample(100)).all()


def test_as_many_components_as_rows_is_a_kernel_at_each_row():
    X = np.random.default_rng(0).normal(size=(20, 2))
    D = NaiveBayesEstimation(20, random_state=0).fit(X).sample(500)
    assert np.abs(D[:, None] - X).max(axis=2).min(axis=1).max() < 0.05


# ----------------------------------------------------------------------------------- bad input
def test_more_components_than_rows_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="n_components must be at most the number of rows of X, 5, got 6.*'auto'"):
        NaiveBayesEstimation(6).fit(np.random.default_rng(0).normal(size=(5, 2)))


def test_em_that_does_not_converge_warns_with_the_number_of_iterations():
    X = np.random.default_rng(0).normal(size=(300, 3))
    with pytest.warns(ConvergenceWarning, match=r"did not converge in max_iter=2 iterations \(8 comp.*tol=1e-12"):
        generator = NaiveBayesEstimation(8, max_iter=2, tol=1e-12, random_state=0).fit(X)
    assert not generator.converged_
    assert generator.n_iter_ == 2
    assert np.isfinite(generator.sample(50)).all()  # what it reached is usable


@pytest.mark.parametrize(
    "parameters, error, message",
    [
        ({"n_components": 0}, ValueError, "n_components must be at least 1, got 0"),
        ({"n_components": 2.0}, TypeError, "n_components must be an integer or 'auto', got 2.0 of type float"),
        ({"n_components": "all"}, TypeError, "n_components must be an integer or 'auto', got 'all'"),
        ({"max_components": 0}, ValueError, "max_components must be at least 1, got 0"),
        ({"max_iter": True}, TypeError, "max_iter must be an integer of at least 1, got True"),
        ({"tol": 0}, ValueError, "tol must be above 0 and finite, got 0"),
        ({"reg_covar": -1e-6}, ValueError, "reg_covar must be above 0 and finite, got -1e-06"),
        ({"reg_covar": "small"}, TypeError, "reg_covar must be a number, got 'small'"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        NaiveBayesEstimation(**parameters).fit(np.random.default_rng(0).normal(size=(20, 2)))


def test_a_column_too_wide_for_a_variance_is_named():
    with pytest.raises(ValueError, match="column 1 spans more than a float can hold squared"):
        NaiveBayesEstimation().fit(np.array([[0.0, -1e200], [1.0, 1e200], [2.0, 0.0]]))
