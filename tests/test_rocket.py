"""Rocket Launching: what the hint moves, the paper's closed forms, sharing, and scikit-learn's contract."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from compress import load_student
from compress.distill import RocketClassifier
from compress.distill._rocket_loss import rocket_loss
from compress.losses import rocket_hint_loss
from compress.training import Schedule

NOT_EQUIVALENT = {
    "check_sample_weight_equivalence_on_dense_data": (
        "rows are visited in shuffled batches: a row of weight 2 and two equal rows give other batches, other nets"
    )
}


@pytest.fixture(scope="module")
def rows():
    """300 rows of 5 columns in three classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    return X, np.array(["a", "b", "c"])[y]


def rocket(**settings):
    """A small one."""
    return RocketClassifier((8,), (4,), (16, 16), **{"max_epochs": 3, "random_state": 0, "device": "cpu", **settings})


@parametrize_with_checks(
    [
        RocketClassifier((16,), (8,), (16,), max_epochs=10, batch_size=16, learning_rate=0.03, random_state=0),
    ],
    expected_failed_checks=lambda estimator: NOT_EQUIVALENT,
)
def test_contract(estimator, check):
    check(estimator)


# ------------------------------------------------------------------ the hint
@pytest.fixture
def logits():
    """Light and booster logits of 4 rows and 3 classes, in double."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(4, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2)]


@pytest.mark.parametrize("form", ["logits", "probabilities", "soft_targets"])
def test_hint_gradients_equal_the_papers_closed_forms(form, logits):
    light, z = logits
    n, T = len(light), 3.0
    (gradient,) = torch.autograd.grad(rocket_hint_loss(light, z, form=form, temperature=T), light)
    p, q = light.softmax(1), z.softmax(1)
    expected = {
        "logits": 2 * (light - z),  # equation 2, with the 2 that the paper leaves out
        "probabilities": 2 * p * (p - q + (p * (q - p)).sum(1, keepdim=True)),  # equation 3
        "soft_targets": T * ((light / T).softmax(1) - (z / T).softmax(1)),  # equation 4 times T^2
    }[form]
    torch.testing.assert_close(gradient, expected / n)


def test_soft_hint_tends_to_the_logit_hint_for_high_temperatures(logits):
    light, z = (x - x.mean(1, keepdim=True) for x in logits)
    soft = rocket_hint_loss(light, z, form="soft_targets", temperature=1e4)
    torch.testing.assert_close(soft, rocket_hint_loss(light, z) / (2 * 3), rtol=1e-3, atol=0)


@pytest.mark.parametrize("form", ["logits", "probabilities", "soft_targets"])
def test_hint_is_zero_at_a_match_and_weights_rows(form, logits):
    light, z = logits
    assert abs(rocket_hint_loss(light, light, form=form).item()) < 1e-12
    weight = torch.tensor([2.0, 0.0, 2.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(
        rocket_hint_loss(light, z, form=form, sample_weight=weight), rocket_hint_loss(light[::2], z[::2], form=form)
    )


def test_hint_refuses(logits):
    light, z = logits
    with pytest.raises(ValueError, match="form must be one of"):
        rocket_hint_loss(light, z, form="mse")
    with pytest.raises(ValueError, match="temperature must be positive"):
        rocket_hint_loss(light, z, form="soft_targets", temperature=0)
    with pytest.raises(ValueError, match="same number of rows"):
        rocket_hint_loss(light, z[:2])


def hint_gradients(rows, **settings):
    """Gradient sizes that the hint alone gives to the booster's head, the light head and the shared layer."""
    model = rocket(**settings)
    model.fit(*rows)
    light, booster = model.light_.module_, model.booster_.module_
    net = {"light": light, "booster": booster}
    x = (light.inputs(*(torch.from_numpy(block) for block in model.encoder_.encode(rows[0][:64]).blocks)),)
    targets = torch.eye(3)[torch.randint(3, (64,))]
    values = []
    for weight in (1.0, 0.0):
        model.hint_weight = weight
        booster.train()
        torch.manual_seed(0)
        values.append(
            rocket_loss(model, net, model.objective_)(x, targets, None, None, type("Clock", (), {"progress": 0.0}))
        )
    groups = {"booster": booster.head, "light": light.head, "shared": light.lower}
    sizes = {}
    for name, part in groups.items():
        with_hint, without = (
            torch.autograd.grad(value, list(part.parameters()), retain_graph=True, allow_unused=True)
            for value in values
        )
        sizes[name] = sum(float((a - b).abs().sum()) for a, b in zip(with_hint, without))
    return sizes


@pytest.mark.parametrize("eval_mode", [True, False])
def test_gradient_block_keeps_the_hint_away_from_the_booster(rows, eval_mode):
    sizes = hint_gradients(rows, gradient_block=True, hint_eval_mode=eval_mode)
    assert sizes["booster"] == 0 and sizes["light"] > 0 and sizes["shared"] > 0


@pytest.mark.parametrize("eval_mode", [True, False])
def test_without_the_block_the_hint_moves_the_booster(rows, eval_mode):
    sizes = hint_gradients(rows, gradient_block=False, hint_eval_mode=eval_mode)
    assert min(sizes.values()) > 0


def test_light_net_can_be_kept_out_of_the_shared_layer(rows):
    sizes = hint_gradients(rows, light_trains_shared=False)
    assert sizes["shared"] == 0 and sizes["light"] > 0


def test_hint_pulls_the_light_logits_to_the_boosters(rows):
    X, y = rows

    def gap(weight):
        model = rocket(hint_weight=weight, max_epochs=30, learning_rate=0.01).fit(X, y)
        return np.mean((model.light_.logits(X) - model.booster_.logits(X)) ** 2)

    assert gap(1.0) < 0.5 * gap(0.0)


# --------------------------------------------------------- sharing and stages
@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("sharing", ["bottom", "interval"])
def test_sharing_means_the_same_weights(rows, sharing, share):
    model = rocket(sharing=sharing, share=share).fit(*rows)
    light, booster = ({id(p) for p in side.module_.parameters()} for side in (model.light_, model.booster_))
    assert bool(light & booster) == share
    if sharing == "interval":  # norms and output layers are each net's own
        own = [p for name, p in model.light_.module_.named_parameters() if "norm" in name or "output" in name]
        assert own and not {id(p) for p in own} & booster


def test_interval_sharing_gives_the_light_net_the_first_blocks(rows):
    model = rocket(sharing="interval", group_sizes=(8, 6), light_blocks=1, booster_blocks=3).fit(*rows)
    light, booster = model.light_.module_, model.booster_.module_
    assert [len(group) for group in light.blocks] == [1, 1] and [len(group) for group in booster.blocks] == [3, 3]
    assert all(a[0] is b[0] for a, b in zip(light.blocks, booster.blocks))
    assert model.n_parameters_ < model.booster_.n_parameters_


def test_without_joint_training_the_booster_is_that_of_training_it_alone(rows):
    staged, alone = (rocket(**kw).fit(*rows) for kw in ({"joint": False}, {"only": "booster"}))
    np.testing.assert_allclose(staged.booster_.logits(rows[0]), alone.booster_.logits(rows[0]))
    assert [row["stage"] for row in staged.history_] == ["booster"] * 3 + ["light"] * 3
    shared = {id(p) for p in staged.light_.module_.parameters()} & {id(p) for p in staged.booster_.module_.parameters()}
    assert not shared  # the light net started from a copy


def test_light_net_of_weight_zero_hint_without_sharing_is_the_light_net_alone(rows):
    # only initial weights are drawn in the same order: the light net first
    together = rocket(share=False, hint_weight=0.0, batch_norm=False).fit(*rows)
    alone = rocket(only="light").fit(*rows)
    np.testing.assert_allclose(together.light_.logits(rows[0]), alone.light_.logits(rows[0]), atol=1e-6)


@pytest.mark.parametrize("only", ["light", "booster"])
def test_only_trains_one_net(rows, only):
    model = rocket(only=only).fit(*rows)
    assert hasattr(model, f"{only}_") and not hasattr(model, {"light": "booster_", "booster": "light_"}[only])
    assert model.predict(rows[0]).shape == (300,)


def test_refit_with_only_forgets_the_other_net(rows):
    model = rocket().fit(*rows)
    model.set_params(only="light").fit(*rows)
    assert not hasattr(model, "booster_")


def test_schedule_of_the_hint_weight(rows):
    seen = []
    rocket(hint_weight=lambda progress: seen.append(progress) or 0.0).fit(*rows)
    assert seen[0] == 0.0 and seen == sorted(seen) and seen[-1] < 1.0
    for start, end in ((0.0, 0.01), (0.01, 0.0)):
        rocket(hint_weight=Schedule(start, end)).fit(*rows)
    with pytest.raises(TypeError, match="no parameter 'hint_schedule' any more: use hint_weight=Schedule"):
        RocketClassifier(hint_schedule="rising")


@pytest.mark.parametrize("hint", ["logits", "probabilities", "soft_targets"])
def test_all_hints_train(rows, hint):
    assert rocket(hint=hint, max_epochs=40, learning_rate=0.01).fit(*rows).score(*rows) > 0.85


def test_extra_teacher_a_booster_or_any_classifier(rows):
    X, y = rows
    model = rocket(teacher="booster").fit(X, y)
    assert [row["stage"] for row in model.history_][:3] == ["teacher"] * 3
    teacher = LogisticRegression().fit(X, y)
    pulled = rocket(teacher=teacher, teacher_weight=50.0, max_epochs=60, learning_rate=0.01).fit(X, y)
    free = rocket(max_epochs=60, learning_rate=0.01).fit(X, y)

    def distance(m):
        return np.abs(m.predict_proba(X) - teacher.predict_proba(X)).mean()

    assert distance(pulled) < distance(free)


# ------------------------------------------------------------------- serving
def test_booster_can_be_dropped(rows):
    X, y = rows
    model = rocket().fit(X, y)
    before = model.predict_proba(X)
    bytes_before = len(pickle.dumps(model))
    model.drop_booster()
    assert not hasattr(model, "booster_") and len(pickle.dumps(model)) < bytes_before
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), before)
    np.testing.assert_array_equal(model.light_.predict_proba(X), before)


def test_light_net_becomes_a_student_that_saves(rows, tmp_path):
    X, y = rows
    model = rocket().fit(X, y)
    student = model.to_student()
    np.testing.assert_allclose(student.predict_proba(X), model.predict_proba(X), atol=1e-6)
    student.save(tmp_path / "light.safetensors")
    np.testing.assert_allclose(
        load_student(tmp_path / "light.safetensors").predict_proba(X), model.predict_proba(X), atol=1e-6
    )


def test_same_seed_same_net_and_clone(rows):
    a = rocket(dropout=0.2).fit(*rows)
    b = clone(a).fit(*rows)
    np.testing.assert_array_equal(a.predict_proba(rows[0]), b.predict_proba(rows[0]))


def test_validation_rows_choose_the_epoch(rows):
    X, y = rows
    model = rocket(max_epochs=6).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    valid = [row["valid"] for row in model.history_]
    assert model.best_epoch_ == int(np.argmin(valid))


@pytest.mark.parametrize("n", [2, 33, 65])
def test_an_epoch_never_ends_in_a_batch_of_one_row(rows, n):
    # batch norm cannot train on one row
    X, y = rows
    assert rocket(batch_size=32, max_epochs=1).fit(X[:n], np.arange(n) % 2).predict(X).shape == (300,)


def test_weight_zero_rows_do_not_pull(rows):
    X, y = rows
    wrong = np.r_[y, np.full(300, "a")]
    weight = np.r_[np.ones(300), np.zeros(300)]
    model = rocket(max_epochs=40, learning_rate=0.01).fit(np.r_[X, X], wrong, sample_weight=weight)
    assert model.score(X, y) > 0.85


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"light_blocks": 3, "booster_blocks": 2}, "light_blocks must be at most booster_blocks, got 3 and 2"),
        ({"sharing": "interval", "light_trains_shared": False}, "light_trains_shared=False needs sharing='bottom'"),
        ({"sharing": "interval", "group_sizes": ()}, "group_sizes must name at least one width"),
        ({"light_layer_sizes": (0,)}, "light_layer_sizes must be positive"),
        ({"batch_size": 1}, "batch_size must be at least 2 with batch_norm=True"),
        ({"hint": "mse"}, "hint"),
        ({"hint_weight": -1.0}, "hint_weight"),
    ],
)
def test_bad_settings_are_refused(rows, settings, message):
    with pytest.raises(ValueError, match=message):
        rocket().set_params(**settings).fit(*rows)


def test_bad_teachers_and_inputs_are_refused(rows):
    X, y = rows
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        rocket().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="teacher must know the classes of y"):
        rocket(teacher=LogisticRegression().fit(X, y == "a")).fit(X, y)

    class NaNs(LogisticRegression):
        def predict_proba(self, X):
            return np.full((len(X), 3), np.nan)

    with pytest.raises(ValueError, match="predict_proba of NaNs must be finite"):
        rocket(teacher=NaNs().fit(X, y)).fit(X, y)
    with pytest.raises(ValueError, match="to_student needs sharing='bottom'"):
        rocket(sharing="interval").fit(X, y).to_student()


def test_the_light_net_as_a_student_learns_on(rows):
    student = rocket().fit(*rows).to_student()
    before = student.predict_proba(rows[0])
    student.set_params(warm_start=True, max_epochs=1, learning_rate=1e-9, weight_decay=0.0).fit(*rows)
    assert np.allclose(student.predict_proba(rows[0]), before, atol=1e-5)  # from where it was, not anew


# ------------------------------------------------------- columns of many values
@pytest.fixture(scope="module")
def ids():
    """400 rows of an id of 90 values and one of 5, both nominal, and labels that depend on both."""
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.integers(90, size=400), rng.integers(5, size=400)])
    return X, (X[:, 0] % 2 == X[:, 1] % 2).astype(int)


def of_ids(**settings):
    """A small rocket that shares nothing but the input layer, unless told otherwise."""
    return rocket(schema={0: "nominal", 1: "nominal"}).set_params(shared_layer_sizes=(), **settings)


@pytest.mark.parametrize("sharing", ["bottom", "interval"])
@pytest.mark.parametrize("share", [True, False])
def test_ids_of_many_values_are_embeddings_that_both_nets_share(ids, sharing, share):
    model = of_ids(sharing=sharing, share=share, embedding_size=3).fit(*ids)
    light, booster = (net.module_.inputs.embeddings for net in (model.light_, model.booster_))
    assert list(light) == ["0"] and light["0"].weight.shape == (91, 3)
    assert (light["0"].weight is booster["0"].weight) is share
    assert list(of_ids(max_one_hot=0).fit(*ids).light_.module_.inputs.embeddings) == ["0", "1"]


def test_a_light_net_over_embeddings_becomes_a_student_that_saves(ids, tmp_path):
    X, y = ids
    model = of_ids(max_one_hot=0).fit(X, y)
    other = np.array([[1000, 2], [3, 77]])  # unseen ids count as missing
    model.to_student().save(tmp_path / "light.safetensors")
    student = load_student(tmp_path / "light.safetensors")
    for rows in (X, other):
        np.testing.assert_allclose(student.predict_proba(rows), model.predict_proba(rows), atol=1e-6)


def test_nets_over_embeddings_compute_at_first_what_torchs_start_would(ids):
    from compress.nets import TabularInput, bottom_branches
    from compress.nets._fields import INITIAL_SD

    inputs = TabularInput([], [], [], [90, 5], [False, True])
    blocks = torch.zeros(4, 0), torch.tensor([[0, 1], [89, -1], [-1, 4], [7, 0]])
    dense = inputs(*blocks)
    options = {"share": True, "activation": "relu", "booster_options": {}}
    torch.manual_seed(0)
    light, booster = bottom_branches(lambda: inputs, [], [4], [6], 1, **options)
    torch.testing.assert_close(inputs(*blocks)[:, :8], dense[:, :8] * INITIAL_SD)
    torch.testing.assert_close(inputs(*blocks)[:, 8:], dense[:, 8:])
    scale = torch.cat([torch.full((8,), INITIAL_SD), torch.ones(6)])
    for branch in (light, booster):
        layer = branch.first_layers[0]
        expected = dense @ (layer.weight * scale).T
        torch.testing.assert_close(inputs(*blocks) @ layer.weight.T, expected)
        assert (layer.weight * scale).abs().max() <= 14**-0.5  # the range that torch draws from


@pytest.mark.parametrize("settings", [{}, {"sharing": "interval"}, {"share": False}, {"standardize": False}], ids=str)
@pytest.mark.parametrize("lower", [(8,), ()])
def test_a_column_that_never_varied_has_no_say(rows, settings, lower):
    X, y = rows
    constant = np.column_stack([X, np.full(len(X), 5.0)])
    other = np.column_stack([X, np.full(len(X), -90.0)])
    model = rocket(**settings).set_params(shared_layer_sizes=lower).fit(constant, y)
    for net in (model, model.light_, model.booster_):
        np.testing.assert_allclose(net.predict_proba(other), net.predict_proba(constant), atol=1e-12)
