"""Ba & Caruana's mimics: logits by least squares, the linear bottleneck, nets of equal size."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from compress import StudentClassifier
from compress.distill import MimicClassifier, match_width
from compress.distill._objectives import LogitMatching, side_by_side
from compress.nets import MLP, ConvNet
from compress.students import NetClassifier
from compress.training import Clock, gradient_noise


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:600], y[:600], X[600:1200], X[1200:], y[1200:]


# ---------------------------------------------------------------- the objective
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(("link", "n_classes"), [("softmax", 3), ("binary", 2)])
def test_the_unit_of_the_logits_is_undone_at_prediction(link, n_classes, standardize):
    rng = np.random.default_rng(0)
    v = rng.normal(5.0, 3.0, size=(50, n_classes)).astype(np.float32)
    objective = LogitMatching.for_logits(v, None, link, standardize=standardize)
    learnt = objective.training_targets(side_by_side(v, np.zeros_like(v)))
    if standardize:
        assert np.allclose(learnt.mean(axis=0), 0, atol=1e-5) and np.allclose(learnt.std(axis=0), 1, atol=1e-5)
    outputs = torch.from_numpy(learnt * objective.scale + objective.mean)  # a student that learnt them perfectly
    p = objective.logits(outputs).softmax(dim=1)
    assert torch.allclose(p, torch.from_numpy(v).softmax(dim=1), atol=1e-5)
    loss = objective.step_loss(
        torch.from_numpy(learnt), torch.from_numpy(learnt) + 1, inputs=None, clock=Clock(0, 0, 0.0)
    )
    assert loss.item() == pytest.approx(0.5 * learnt.shape[1])


def test_a_constant_logit_does_not_divide_by_zero():
    v = np.tile(np.array([[1.0, 2.0, 3.0]], dtype=np.float32), (5, 1))
    objective = LogitMatching.for_logits(v, None, "softmax", standardize=True)
    assert np.array_equal(objective.scale, np.ones(3, dtype=np.float32))


# ---------------------------------------------------------------- the estimator
def test_labels_are_not_seen_by_the_student(digits):
    X, y, _, X_test, _ = digits
    teacher = StudentClassifier((32,), max_epochs=10, random_state=0).fit(X, y)
    model = MimicClassifier(teacher, StudentClassifier((16,), max_epochs=5, random_state=0))
    assert np.array_equal(model.fit(X).predict_proba(X_test), model.fit(X, y[::-1]).predict_proba(X_test))


def test_a_large_mimic_comes_close_to_the_teachers_logits(digits):
    X, y = digits[:2]
    teacher = StudentClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    mimic = MimicClassifier(teacher, StudentClassifier((128,), max_epochs=60, random_state=0)).fit(X)
    assert np.mean(mimic.predict(X) == teacher.predict(X)) > 0.99
    assert np.abs(mimic.predict_proba(X) - teacher.predict_proba(X)).mean() < 0.01


def test_a_shallow_mimic_of_equal_size_matches_the_deep_net(digits):
    X, y, more, X_test, y_test = digits
    deep = StudentClassifier((32, 32, 32), max_epochs=40, random_state=0).fit(X, y)
    match = match_width(deep, bottleneck=16)
    shallow = StudentClassifier((match.width,), bottleneck=16, max_epochs=40, random_state=0)
    mimic = MimicClassifier(deep, shallow).fit(X, X_unlabeled=more)
    assert mimic.n_parameters_ == match.n_parameters
    assert abs(mimic.n_parameters_ / deep.n_parameters_ - 1) <= 0.015
    assert mimic.score(X_test, y_test) > deep.score(X_test, y_test) - 0.02


def test_a_bottleneck_is_a_reparametrisation_of_one_dense_layer():
    net = MLP(7, (9,), 3, bottleneck=4)
    dense = MLP(7, (9,), 3)
    with torch.no_grad():
        dense.layers[0][0].weight.copy_(net.layers[0][0].weight @ net.bottleneck.weight)
        dense.layers[0][0].bias.copy_(net.layers[0][0].bias)
        dense.output.load_state_dict(net.output.state_dict())
    x = torch.randn(5, 7)
    assert torch.allclose(net(x), dense(x), atol=1e-6)


# ---------------------------------------------------------------- widths
@pytest.mark.parametrize("bottleneck", [None, 16, 64])
@pytest.mark.parametrize("sizes", [(64, 64), (128, 128, 128), (500,)])
def test_matched_widths_give_the_number_of_parameters_they_promise(sizes, bottleneck):
    deep = MLP(300, sizes, 10)
    match = match_width(deep, bottleneck)
    shallow = MLP(300, (match.width,), 10, bottleneck=bottleneck)
    counted = [sum(p.numel() for p in net.parameters()) for net in (deep, shallow)]
    assert counted[1] == match.n_parameters
    assert match.residual == pytest.approx(counted[1] / counted[0] - 1) and abs(match.residual) <= 0.015


def test_numbers_and_conv_nets_need_to_be_told_inputs_and_outputs():
    assert match_width(10_000, n_inputs=20, n_outputs=2).n_parameters == pytest.approx(10_000, rel=0.015)
    conv = ConvNet(784, 10)
    assert match_width(conv, 16, n_inputs=784).width > 1
    with pytest.raises(ValueError, match="n_inputs and n_outputs must be given for ConvNet, got None and 10"):
        match_width(conv, 16)
    with pytest.raises(ValueError, match="n_inputs and n_outputs must be given for int, got None and None"):
        match_width(10_000)


def test_a_bottleneck_that_uses_up_the_parameters_is_refused():
    with pytest.raises(ValueError, match="bottleneck=500 leaves no width within 1.5% of 134794 parameters"):
        match_width(MLP(784, (128, 128, 128), 10), 500)


# ---------------------------------------------------------------- GD and SGD
def test_the_gradient_noise_of_all_rows_is_zero_and_falls_with_the_batch():
    torch.manual_seed(0)
    X, y = torch.randn(256, 5), torch.randint(0, 3, (256,))
    net = MLP(5, (8,), 3)

    def loss(batch, clock):
        return torch.nn.functional.cross_entropy(net(batch[0]), batch[1])

    noise = [gradient_noise(net, (X, y), loss, batch_size=b, n_batches=32) for b in (256, 64, 16, 4)]
    assert noise[0] == pytest.approx(0, abs=1e-5) and noise == sorted(noise)
    # independent rows: four times the batch halves the noise
    assert 1.5 < noise[3] / noise[2] < 2.7


def test_the_gradient_noise_is_logged_by_epoch_on_request(digits):
    X, y = digits[:2]
    net = NetClassifier(partial(MLP, hidden_layer_sizes=(8,)), max_epochs=2, gradient_noise=True, random_state=0)
    plain = NetClassifier(partial(MLP, hidden_layer_sizes=(8,)), max_epochs=2, random_state=0).fit(X, y)
    assert all(row["gradient_noise"] > 0 for row in net.fit(X, y).history_)
    assert "gradient_noise" not in plain.history_[0]
    assert np.array_equal(net.predict_proba(X), plain.predict_proba(X))  # looking changes nothing


def test_full_batch_descent_starts_where_the_module_stands_and_ignores_the_seed(digits):
    X, y = digits[:2]
    torch.manual_seed(0)
    start = MLP(64, (8,), 10)
    settings = {"batch_size": len(X), "optimizer": "sgd", "learning_rate": 0.1, "max_epochs": 5}
    a, b = (NetClassifier(start, **settings, random_state=seed).fit(X, y) for seed in (0, 1))
    assert np.allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-5)
    assert a.n_iter_ == 5 and a.history_[-1]["loss"] < a.history_[0]["loss"]
