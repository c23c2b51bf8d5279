"""Measures against values worked out by hand."""

import pickle
import time

import numpy as np
import pandas as pd
import pytest

from compress import StudentRegressor
from compress.evaluation import (
    calibration_error,
    classification_metrics,
    fidelity,
    latency,
    regression_metrics,
    rmse,
    rmse_difference,
    size_bytes,
)

TWO = np.array([[0.8, 0.2], [0.4, 0.6], [0.5, 0.5], [0.1, 0.9]])


def test_rmse_of_two_classes_is_that_of_the_second_column():
    # errors of P(y=1): .2, .4, .5, .9 (the last row is a 0)
    expected = np.sqrt((0.2**2 + 0.4**2 + 0.5**2 + 0.9**2) / 4)
    assert rmse([0, 1, 1, 0], TWO) == pytest.approx(expected)
    assert rmse(["no", "yes", "yes", "no"], TWO, ["no", "yes"]) == pytest.approx(expected)


def test_rmse_of_several_classes_is_over_all_columns():
    p = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])
    assert rmse([0, 1], p) == pytest.approx(np.sqrt((0.5**2 + 0.3**2 + 0.2**2) / 6))


def test_rmse_to_given_probabilities():
    assert rmse(TWO, TWO) == 0
    assert rmse(np.array([[0.5, 0.5]]), np.array([[0.8, 0.2]])) == pytest.approx(0.3)


def test_classification_metrics_by_hand():
    found = classification_metrics([0, 1, 1, 0], TWO)
    # of the pairs (1 above 0): .6>.2, .6<.9, .5>.2, .5<.9
    assert found["auc"] == pytest.approx(2 / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.6, 0.5, 0.1]).mean())
    assert found["accuracy"] == pytest.approx(2 / 4)  # a tie goes to the first class


def test_auc_of_several_classes_is_the_mean_of_one_against_the_rest():
    p = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.5, 0.2, 0.3]])
    # class 0: .6 over .3, .5 -> 1; class 1: .4 over .3, .2 -> 1; class 2: .3 over .1, ties with .3 -> .75
    assert classification_metrics([0, 1, 2], p)["auc"] == pytest.approx((1 + 1 + 0.75) / 3)


def test_auc_without_one_of_the_classes_is_unknown():
    assert np.isnan(classification_metrics([0, 0, 0, 0], TWO)["auc"])


def test_float32_rows_that_sum_to_1_nearly_are_probabilities():
    assert np.isfinite(classification_metrics([0, 1, 1, 0], TWO.astype(np.float32) * 1.0001)["log_loss"])


def test_a_label_that_is_no_class_is_named():
    with pytest.raises(ValueError, match=r"y holds .*7.*none of the classes \[0, 1\]"):
        rmse([0, 1, 7, 0], TWO)


def test_regression_metrics_by_hand():
    found = regression_metrics([0.0, 2.0], [1.0, 2.0])
    assert found["rmse"] == pytest.approx(np.sqrt(0.5))
    assert found["r2"] == pytest.approx(1 - 1 / 2)


def test_fidelity_by_hand():
    teacher = np.array([[0.5, 0.5], [0.0, 1.0]])
    student = np.array([[0.25, 0.75], [0.6, 0.4]])
    found = fidelity(student, teacher)
    assert found["rmse"] == pytest.approx(np.sqrt((0.25**2 + 0.6**2) / 2))
    assert found["agreement"] == 0.0  # the teacher's tie goes to its first class
    kl = [0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75), np.log(1 / 0.4)]
    assert found["kl"] == pytest.approx(np.mean(kl))


def test_a_student_equal_to_its_teacher_is_faithful():
    assert fidelity(TWO, TWO) == {"rmse": 0.0, "agreement": 1.0, "kl": 0.0}


def test_fidelity_is_finite_where_the_student_rules_out_what_the_teacher_believes():
    found = fidelity(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))
    assert np.isfinite(found["kl"])
    assert found["kl"] > 40


def test_fidelity_of_values_by_hand():
    found = fidelity([1.0, 3.0, 2.0], [1.0, 1.0, 4.0])
    assert found == {"rmse": pytest.approx(np.sqrt(8 / 3)), "r2": pytest.approx(1 - 8 / 6)}


def test_fidelity_to_a_constant_teacher():
    assert fidelity([1.0, 1.0], [1.0, 1.0])["r2"] == 1
    assert fidelity([1.0, 2.0], [1.0, 1.0])["r2"] == 0


def test_calibration_error_by_hand():
    # two bins: confidences .6 (right) and .7 (wrong) and .9 (right): |1 + 0 + 1 - 2.2| in one, none in the other
    p = np.array([[0.6, 0.4], [0.3, 0.7], [0.1, 0.9]])
    assert calibration_error([0, 0, 1], p, n_bins=2) == pytest.approx(0.2 / 3)
    # ten bins keep them apart
    assert calibration_error([0, 0, 1], p, n_bins=10) == pytest.approx((0.4 + 0.7 + 0.1) / 3)


def test_a_sure_and_right_model_is_calibrated():
    assert calibration_error(["a", "b"], np.eye(2), ["a", "b"]) == 0


def test_fidelity_needs_the_same_rows():
    with pytest.raises(ValueError, match="the same rows and classes"):
        fidelity(TWO, TWO[:2])


def test_size_is_that_of_the_file_or_of_the_pickle(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    student = StudentRegressor((4,), max_epochs=1).fit(X, X[:, 0])
    student.save(tmp_path / "student")
    assert size_bytes(student) == (tmp_path / "student").stat().st_size
    assert size_bytes([1, 2]) == len(pickle.dumps([1, 2], protocol=pickle.HIGHEST_PROTOCOL))


@pytest.mark.parametrize("X", [np.zeros((3, 2)), pd.DataFrame(np.zeros((3, 2)))], ids=["array", "frame"])
def test_latency_calls_with_as_many_rows_as_asked_after_a_warm_up(X):
    calls = []
    found = latency(lambda batch: calls.append(batch.shape), X, n_rows=7, repeats=4)
    assert calls == [(7, 2)] * 5
    assert 0 < found.low <= found.median <= found.high
    assert found.n_rows == 7
    assert found.per(70) == pytest.approx(10 * found.median)


def test_latency_may_count_the_time_on_a_processor_alone():
    waited = latency(lambda batch: time.sleep(0.02), np.zeros((3, 2)), cpu=True)
    assert waited.median < 0.01


def test_latency_goes_on_until_the_time_is_up():
    calls = []
    latency(lambda batch: calls.append(time.sleep(0.004)), np.zeros((3, 2)), repeats=1, seconds=0.02)
    assert 3 <= len(calls) <= 6


def test_one_column_is_compared_as_a_flat_array():
    p = np.array([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
    y = np.array([1, 0, 0])
    assert rmse(y[:, None], p) == rmse(y, p)
    assert classification_metrics(y[:, None], p) == classification_metrics(y, p)
    assert regression_metrics(y[:, None], p[:, 0]) == regression_metrics(y, p[:, :1]) == regression_metrics(y, p[:, 0])
    assert fidelity(p[:, :1], p[:, 1:]) == fidelity(p[:, 0], p[:, 1])
    with pytest.raises(ValueError, match="one column for each of the 2 classes, got 3"):
        rmse(np.eye(3), p)


def test_the_difference_of_two_rmses_by_hand():
    errors, others = np.array([0.04, 0.0, 0.05, 0.03]), np.array([0.09, 0.01, 0.08, 0.06])
    found = rmse_difference(errors, others)
    assert found.value == pytest.approx(np.sqrt(0.03) - np.sqrt(0.06))
    rows = errors / (2 * np.sqrt(0.03)) - others / (2 * np.sqrt(0.06))
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * rows.std(ddof=1) / 2)
    assert found.value == pytest.approx((found.low + found.high) / 2)


def test_the_interval_of_a_difference_holds_the_truth_as_often_as_it_says():
    # two models of the same true error whose rows are hard or easy for both
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        hard = rng.exponential(size=300)
        errors = [hard * rng.exponential(size=300) for _ in range(2)]
        held += not rmse_difference(*errors).is_clear
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_pairing_the_rows_makes_the_interval_narrower():
    rng = np.random.default_rng(0)
    hard = rng.exponential(size=500)
    errors, others = hard * 1.1, hard
    paired, apart = rmse_difference(errors, others), rmse_difference(errors, rng.permutation(others))
    assert paired.high - paired.low < (apart.high - apart.low) / 5


def test_a_difference_needs_the_same_rows():
    with pytest.raises(ValueError, match="the same rows, got 3 and 4"):
        rmse_difference(np.ones(3), np.ones(4))
