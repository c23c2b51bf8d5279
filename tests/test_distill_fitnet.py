"""FitNets: hints, regressors, stages; conv nets and augmentation."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from torch import nn

from compress import StudentClassifier
from compress.distill import FitNetClassifier
from compress.distill._regressors import make_regressor
from compress.distill._teachers import hidden_of, stopped_at
from compress.nets import MLP, ConvNet
from compress.students import NetClassifier
from compress.training import RandomShift, Schedule


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:400] / 16).astype(np.float32), y[:400]


@pytest.fixture(scope="module")
def teacher(digits):
    return StudentClassifier((32, 16), max_epochs=20, random_state=0).fit(*digits)


@pytest.fixture(scope="module")
def conv_teacher(digits):
    make = partial(ConvNet, channels=(8, 12), hidden_layer_sizes=(16,))
    return NetClassifier(make, max_epochs=3, random_state=0).fit(*digits)


THIN = StudentClassifier((8, 8, 8, 8), max_epochs=3, random_state=0)
CONV = NetClassifier(partial(ConvNet, channels=(4,) * 4, pool_after=(2,)), max_epochs=2, random_state=0)


def watched(fitnet, monkeypatch, digits):
    """The student's weights before and after stage 1, and the fitted estimator."""
    seen = {}
    original = FitNetClassifier._stage_one

    def stage_one(self, student, data, rng):
        seen["before"] = {k: v.clone() for k, v in student.module_.state_dict().items()}
        original(self, student, data, rng)
        seen["after"] = {k: v.clone() for k, v in student.module_.state_dict().items()}

    monkeypatch.setattr(FitNetClassifier, "_stage_one", stage_one)
    return seen, fitnet.fit(*digits)


# ----------------------------------------------------------------- stages
def test_stage_one_trains_up_to_the_guided_layer_and_nothing_above(digits, teacher, monkeypatch):
    fitnet = FitNetClassifier(teacher, THIN, guided_layer="layers.1", hint_epochs=2, random_state=0)
    seen, _ = watched(fitnet, monkeypatch, digits)
    changed = {k for k, v in seen["after"].items() if not torch.equal(v, seen["before"][k])}
    below = {f"body.layers.{k}.0.{part}" for k in (0, 1) for part in ("weight", "bias")}
    assert changed == below


def test_the_hint_loss_falls_and_stage_two_starts_from_stage_one(digits, teacher):
    model = FitNetClassifier(teacher, THIN, guided_layer="layers.1", hint_epochs=10, random_state=0).fit(*digits)
    losses = [row["loss"] for row in model.hint_history_]
    assert len(losses) == 10 and losses[-1] < 0.7 * losses[0]
    assert model.n_iter_ == 3


@pytest.mark.parametrize("stages", ["two", "single"])
def test_the_regressor_is_thrown_away(digits, teacher, stages):
    plain = StudentClassifier((8, 8, 8, 8), max_epochs=1, random_state=0).fit(*digits)
    model = FitNetClassifier(teacher, THIN, stages=stages, hint_epochs=1, random_state=0).fit(*digits)
    assert set(model.student_.module_.state_dict()) == set(plain.module_.state_dict())
    assert model.n_parameters_ == plain.n_parameters_
    assert not any(m._forward_hooks for m in model.student_.module_.modules())
    assert type(model.student_.objective_).__name__ == "SoftTargets"


def test_the_single_stage_trains_on_the_hint_too(digits, teacher):
    X, y = digits
    models = [
        FitNetClassifier(teacher, THIN, stages="single", hint_weight=w, random_state=0).fit(X, y) for w in (0.0, 10.0)
    ]
    assert models[0].hint_history_ == []
    assert not np.allclose(models[0].predict_proba(X), models[1].predict_proba(X), atol=1e-3)
    assert models[1].history_[0]["loss"] > models[0].history_[0]["loss"]


@pytest.mark.parametrize("stages", ["two", "single"])
def test_the_teacher_is_not_touched(digits, conv_teacher, stages):
    before = {k: v.clone() for k, v in conv_teacher.module_.state_dict().items()}
    options = {"hint_layer": "layers.1", "guided_layer": "layers.2", "hint_epochs": 1, "stages": stages}
    FitNetClassifier(conv_teacher, CONV, **options).fit(*digits)
    assert all(torch.equal(v, before[k]) for k, v in conv_teacher.module_.state_dict().items())
    assert not any(m._forward_hooks for m in conv_teacher.module_.modules())


# ------------------------------------------------------------- convolutions
@pytest.mark.parametrize("augment", [None, RandomShift(1)])
@pytest.mark.parametrize("stages", ["two", "single"])
def test_feature_maps_are_hints_on_fixed_and_on_augmented_rows(digits, conv_teacher, stages, augment):
    X, y = digits
    student = NetClassifier(CONV.module, max_epochs=2, augment=augment, random_state=0)
    options = {"hint_layer": "layers.1", "guided_layer": "layers.2", "hint_epochs": 3, "stages": stages}
    model = FitNetClassifier(conv_teacher, student, random_state=0, **options).fit(X, y)
    assert model.predict_proba(X).shape == (len(X), 10)
    if stages == "two":
        assert model.hint_history_[-1]["loss"] < model.hint_history_[0]["loss"]


def test_bare_torch_modules_teach_and_learn(digits):
    X, y = digits
    torch.manual_seed(0)
    model = FitNetClassifier(ConvNet(64, 10, channels=(8, 12)), ConvNet(64, 10, channels=(4, 4)), hint_epochs=1)
    assert model.fit(X, y).predict(X).shape == (len(X),)


def test_a_tabular_teacher_gives_its_own_hidden_layer(digits, teacher):
    X, _ = digits
    hidden = hidden_of(teacher, "layers.1", X)
    with torch.no_grad():
        dense = teacher.module_.inputs(torch.from_numpy(X), torch.empty(len(X), 0))
        expected = teacher.module_.body.tapped(dense)[0][1]
    assert torch.allclose(hidden, expected)


def test_what_comes_after_the_layer_is_not_computed():
    net = MLP(4, (5, 6), 3)
    ran = []
    net.output.register_forward_hook(lambda *_: ran.append(1))
    hidden = stopped_at(net, "layers.0", net, torch.zeros(2, 4))
    assert hidden.shape == (2, 5) and not ran
    assert net(torch.zeros(2, 4)).shape == (2, 3) and ran  # and the net is whole again


# --------------------------------------------------------------- regressors
def test_regressors_have_the_shape_and_the_nonlinearity_of_the_hint():
    hint_layer = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2))
    regressor = make_regressor((4, 9, 7), (12, 5, 7), hint_layer, "auto")
    assert regressor(torch.zeros(2, 4, 9, 7)).shape == (2, 12, 5, 7)
    assert regressor[0].kernel_size == (5, 1)  # s_student - s_teacher + 1
    assert isinstance(regressor[1], nn.ReLU)
    dense = make_regressor((6,), (4,), nn.Sequential(nn.Linear(3, 4), nn.Tanh()), "auto")
    assert dense(torch.zeros(2, 6)).shape == (2, 4) and isinstance(dense[1], nn.Tanh)
    assert len(make_regressor((6,), (4,), nn.Linear(3, 4), "auto")) == 1
    assert isinstance(make_regressor((4,), (4,), hint_layer, None), nn.Identity)


def test_a_regressor_of_ones_own_is_copied(digits, teacher):
    own = nn.Linear(8, 32)
    before = own.weight.clone()
    FitNetClassifier(teacher, THIN, regressor=own, hint_epochs=1).fit(*digits)
    assert torch.equal(own.weight, before)
    with pytest.raises(
        ValueError, match=r"regressor must bring the guided layer, \(8,\), to the shape of the hint layer"
    ):
        FitNetClassifier(teacher, THIN, regressor=nn.Linear(8, 5)).fit(*digits)


# ----------------------------------------------------------------- bad input
def test_layers_that_do_not_exist_are_answered_by_those_that_do(digits, teacher):
    with pytest.raises(
        ValueError, match=r"hint_layer must name a layer of the net, one of layers, layers.0, .*; got 'conv3'"
    ):
        FitNetClassifier(teacher, THIN, hint_layer="conv3").fit(*digits)
    with pytest.raises(ValueError, match=r"guided_layer must name .* layers.3, .*output; got 'layers.4'"):
        FitNetClassifier(teacher, THIN, guided_layer="layers.4").fit(*digits)


def test_shapes_that_no_regressor_was_asked_for_or_can_bring_together(digits, teacher, conv_teacher):
    with pytest.raises(ValueError, match=r"same shape with regressor=None, got \(8,\) and \(32,\)"):
        FitNetClassifier(teacher, THIN, regressor=None).fit(*digits)
    with pytest.raises(ValueError, match=r"both be dense or both feature maps, got shapes \(8,\) and \(8, 4, 4\)"):
        FitNetClassifier(conv_teacher, THIN).fit(*digits)
    small = NetClassifier(partial(ConvNet, channels=(4, 4), pool_after=(1, 2)), max_epochs=1)
    with pytest.raises(ValueError, match=r"maps must be at least as large as the hint's, got \(2, 2\) and \(4, 4\)"):
        FitNetClassifier(conv_teacher, small, hint_layer="layers.0", guided_layer="layers.1").fit(*digits)


def test_teachers_without_layers_and_softmax_hints_are_refused(digits, teacher):
    with pytest.raises(TypeError, match="teacher must be a net whose layers can be named"):
        FitNetClassifier(RandomForestClassifier(3), THIN).fit(*digits)
    with pytest.raises(TypeError, match="teacher must be one net, whose layer is the hint, got a list"):
        FitNetClassifier([teacher, teacher], THIN).fit(*digits)
    net = nn.Sequential(nn.Linear(64, 10), nn.Softmax(dim=1))
    with pytest.raises(ValueError, match="hint_layer must be a hidden layer, got '1', a softmax"):
        FitNetClassifier(net, THIN, hint_layer="1").fit(*digits)
    augmented = NetClassifier(partial(MLP, hidden_layer_sizes=(4,)), augment=RandomShift(1))
    with pytest.raises(TypeError, match="a student with augment needs a teacher that sees the same plain rows"):
        FitNetClassifier(teacher, augmented).fit(*digits)
    with pytest.raises(ValueError, match="temperature must be positive"):
        FitNetClassifier(teacher, THIN, temperature=Schedule(3.0, 0.0)).fit(*digits)


def test_a_hint_that_is_not_finite_stops_stage_one(digits):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    student = NetClassifier(partial(MLP, hidden_layer_sizes=(4,)), augment=lambda x: x * 1e30)
    with pytest.raises(FloatingPointError, match="hints: the loss is not finite at step 0, in the first epoch"):
        FitNetClassifier(net, student, hint_layer="0").fit(*digits)


# --------------------------------------------------- conv nets, augmentation
def test_shifts_move_each_image_by_its_own_distance_and_lose_nothing_inside():
    torch.manual_seed(0)
    image = torch.zeros(200, 8, 8)
    image[:, 3:5, 3:5] = 1.0
    shifted = RandomShift(2)(image.view(200, 64)).view(200, 8, 8)
    assert torch.equal(shifted.sum(dim=(1, 2)), torch.full((200,), 4.0))
    corners = {tuple(map(int, picture.nonzero()[0])) for picture in shifted}
    assert corners == {(i, j) for i in range(1, 6) for j in range(1, 6)}
    assert torch.equal(RandomShift(0)(image.view(200, 64)), image.view(200, 64))
    with pytest.raises(ValueError, match="rows of 10 numbers, which is not a square"):
        RandomShift(1)(torch.zeros(2, 10))


def test_conv_nets_refuse_images_they_cannot_halve():
    with pytest.raises(ValueError, match="n_inputs=10, which is not a square"):
        ConvNet(10, 2)
    with pytest.raises(ValueError, match="cannot halve images of 3 x 3 2 times"):
        ConvNet(9, 2)


def test_net_classifiers_say_what_they_cannot_take(digits, tmp_path):
    X, y = digits
    net = NetClassifier(partial(MLP, hidden_layer_sizes=(4,)), max_epochs=1)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        net.fit(np.where(X == 0, np.nan, X), y)
    with pytest.raises(ValueError, match="X must hold numbers only"):
        net.fit(np.array([["a", "b"]] * len(y), dtype=object), y)
    with pytest.raises(TypeError, match="save is for students of this library's own nets"):
        net.fit(X, y).save(tmp_path / "net")
    assert len(net.to_bytes()) > 4 * net.n_parameters_
