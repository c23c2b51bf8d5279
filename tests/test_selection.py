"""Ensemble selection on arrays of predictions: what must hold whatever the models are."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from compress.teachers import ensemble_selection, model_scores, prune_weights


def problem(seed, n_models=12, n_rows=200, n_outputs=3):
    """Noisy probabilities of known classes, models of different strength, and one-hot targets."""
    rng = np.random.default_rng(seed)
    targets = np.eye(n_outputs)[rng.integers(n_outputs, size=n_rows)]
    noise = rng.normal(size=(n_models, n_rows, n_outputs)) * np.linspace(0.5, 2, n_models)[:, None, None]
    raw = np.exp(targets + noise)
    return raw / raw.sum(axis=2, keepdims=True), targets


def rmse(targets, average):
    return float(np.sqrt(np.mean((targets - average) ** 2)))


def average(weights, predictions):
    return np.tensordot(weights, predictions, axes=1)


@pytest.mark.parametrize("metric", ["rmse", "log_loss", rmse])
@pytest.mark.parametrize("seed", range(3))
def test_never_worse_than_the_best_single_model_on_the_rows_selected_on(seed, metric):
    # sorted initialisation starts from the best model at the latest, and the lowest score met is kept
    predictions, targets = problem(seed)
    found = ensemble_selection(predictions, targets, metric=metric)
    best = model_scores(predictions, targets, metric=metric).min()
    assert found.path[-1].score <= best + 1e-12


@pytest.mark.parametrize("n_bags", [1, 7])
def test_weights_are_a_convex_combination(n_bags):
    predictions, targets = problem(0)
    weights = ensemble_selection(predictions, targets, n_bags=n_bags, random_state=0).weights
    assert weights.shape == (len(predictions),)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


def test_path_ends_in_the_ensemble_of_the_weights():
    # the scores of the path come from inner products: they must be those of the averages themselves
    predictions, targets = problem(1)
    weights, path = ensemble_selection(predictions, targets)
    assert [step.step for step in path] == list(range(1, len(path) + 1))
    counts = np.bincount([step.model for step in path], minlength=len(predictions))
    np.testing.assert_allclose(weights, counts / counts.sum())
    assert path[-1].score == pytest.approx(rmse(targets, average(weights, predictions)))


def test_selection_is_with_replacement():
    # the best mix of errors +1 and -3 is 3 : 1, which needs the first model three times
    truth = np.arange(6.0)
    found = ensemble_selection([truth + 1, truth - 3], truth)
    np.testing.assert_allclose(found.weights, [0.75, 0.25])
    assert found.path[-1].score == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_fast_squared_error_equals_the_metric_computed_on_averages(seed):
    predictions, targets = problem(seed)
    fast = ensemble_selection(predictions, targets, metric="rmse", n_bags=3, random_state=0)
    plain = ensemble_selection(predictions, targets, metric=rmse, n_bags=3, random_state=0)
    assert [s.model for s in fast.path] == [s.model for s in plain.path]
    np.testing.assert_allclose([s.score for s in fast.path], [s.score for s in plain.path])


def test_log_loss_equals_that_of_scikit_learn():
    predictions, targets = problem(2)
    expected = [log_loss(targets.argmax(1), p) for p in predictions]
    np.testing.assert_allclose(model_scores(predictions, targets, metric="log_loss"), expected)


def test_log_loss_survives_a_probability_of_zero():
    targets = np.eye(2)[[0, 1]]
    sure_and_wrong, unsure = targets[::-1], np.full((2, 2), 0.5)
    assert ensemble_selection([sure_and_wrong, unsure], targets, metric="log_loss").weights[1] == 1


def test_ties_go_to_the_lowest_index():
    # copies of a model differ in rounding only, which must not decide
    predictions, targets = problem(3, n_models=4)
    copies = np.concatenate([predictions[:1]] * 5)
    np.testing.assert_array_equal(ensemble_selection(copies, targets).weights, [1, 0, 0, 0, 0])


@pytest.mark.parametrize("metric", ["rmse", "log_loss"])
def test_a_row_of_weight_two_counts_as_two_rows(metric):
    predictions, targets = problem(4)
    weight = np.random.default_rng(0).integers(0, 3, size=len(targets))
    weighted = ensemble_selection(predictions, targets, metric=metric, sample_weight=weight)
    repeated = ensemble_selection(
        np.repeat(predictions, weight, axis=1), np.repeat(targets, weight, axis=0), metric=metric
    )
    np.testing.assert_allclose(weighted.weights, repeated.weights)


def test_bags_depend_on_the_seed_only():
    predictions, targets = problem(5)
    first, again, other = (
        ensemble_selection(predictions, targets, n_bags=4, random_state=seed).weights for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_bag_holds_only_its_share_of_the_library():
    predictions, targets = problem(6, n_models=20)
    path = ensemble_selection(predictions, targets, n_bags=5, bag_fraction=0.3, random_state=0).path
    for bag in range(5):
        assert 1 <= len({step.model for step in path if step.bag == bag}) <= 6


def test_bagging_a_small_library_is_plain_selection():
    # bags of one or two models would weigh what was drawn, not what scores well
    predictions, targets = problem(7, n_models=4)
    bagged = ensemble_selection(predictions, targets, n_bags=9, bag_fraction=0.2, random_state=0)
    np.testing.assert_array_equal(bagged.weights, ensemble_selection(predictions, targets).weights)


def test_given_number_of_initial_models_is_kept():
    predictions, targets = problem(8)
    path = ensemble_selection(predictions, targets, n_init=4, n_steps=0).path
    assert [s.model for s in path] == list(np.argsort(model_scores(predictions, targets))[:4])


def test_empty_start_takes_the_best_model_first():
    predictions, targets = problem(9)
    path = ensemble_selection(predictions, targets, n_init=0).path
    assert path[0].model == np.argmin(model_scores(predictions, targets))


def test_single_output_may_be_given_without_its_axis():
    predictions, targets = problem(10, n_outputs=2)
    flat = ensemble_selection(predictions[:, :, 0], targets[:, 0]).weights
    np.testing.assert_array_equal(flat, ensemble_selection(predictions[:, :, :1], targets[:, :1]).weights)


def test_pruning_scales_up_what_stays():
    np.testing.assert_allclose(prune_weights([0.01, 0.59, 0.4], 0.05), [0, 0.59 / 0.99, 0.4 / 0.99])
    np.testing.assert_allclose(prune_weights([0.2, 0.3, 0.5], 0), [0.2, 0.3, 0.5])
    # a threshold above every weight still leaves a model
    np.testing.assert_allclose(prune_weights([0.2, 0.3, 0.5], 0.9), [0, 0, 1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metric": "auc"}, r"metric must be one of \('rmse', 'log_loss'\) or a callable, got 'auc'"),
        ({"n_bags": 0}, "n_bags must be an integer >= 1"),
        ({"bag_fraction": 0}, r"bag_fraction must lie in \(0, 1\], got 0"),
        ({"n_init": -1}, "n_init must be 'auto' or an integer >= 0, got -1"),
        ({"n_steps": 1.5}, "n_steps must be an integer >= 0, got 1.5"),
        ({"metric": lambda targets, average: np.nan}, "returned NaN"),
        ({"sample_weight": [1.0]}, "sample_weight must be 200 numbers"),
    ],
)
def test_parameters_out_of_range(wrong, message):
    predictions, targets = problem(0)
    with pytest.raises(ValueError, match=message):
        ensemble_selection(predictions, targets, **wrong)


def test_arrays_that_do_not_fit():
    predictions, targets = problem(0)
    with pytest.raises(ValueError, match=r"predictions must have shape .* got \(12, 200, 3\) and \(200, 2\)"):
        ensemble_selection(predictions, targets[:, :2])
    predictions[4, 0] = np.nan
    with pytest.raises(ValueError, match=r"must be finite, but those of model\(s\) \[4\] are not"):
        ensemble_selection(predictions, targets)


def test_log_loss_of_values_is_refused():
    with pytest.raises(ValueError, match="one-hot targets"):
        ensemble_selection(np.zeros((2, 5)), np.arange(5), metric="log_loss")
