"""The dual DNN: who trains what, the interaction layers, multi-valued fields, scikit-learn's contract, planted data."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from compress import load_student
from compress.distill import DualDNNClassifier
from compress.losses import hidden_hint_loss
from compress.nets import (
    BilinearInteraction,
    CrossInteraction,
    DualDNN,
    FieldEmbedding,
    FMInteraction,
    make_interaction,
)
from compress.training import Schedule
from data.synthetic_ctr import bayes_auc, make_ctr

NOT_EQUIVALENT = {
    "check_sample_weight_equivalence_on_dense_data": (
        "rows are visited in shuffled batches: a row of weight 2 and two equal rows give other batches, other nets"
    )
}


@pytest.fixture(scope="module")
def clicks():
    """400 rows with two ids, a price and genres, as a DataFrame, and their clicks."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "user": rng.integers(20, size=400),
            "item": rng.integers(30, size=400),
            "price": rng.normal(size=400),
            "genres": rng.choice(["Action", "Action Comedy", "Comedy Drama War", ""], size=400),
        }
    )
    y = (X["genres"].str.contains("Comedy") ^ (X["price"] > 0)).to_numpy().astype(int)
    return X, y


SCHEMA = {"user": "nominal", "item": "nominal"}


def dual(**settings):
    """A small one for `clicks`."""
    base = {"schema": SCHEMA, "multi_valued": ("genres",), "max_epochs": 3, "random_state": 0, "device": "cpu"}
    return DualDNNClassifier((8, 4), **{**base, **settings})


@parametrize_with_checks(
    [DualDNNClassifier((16,), max_epochs=10, batch_size=16, learning_rate=0.03, random_state=0)],
    expected_failed_checks=lambda estimator: NOT_EQUIVALENT,
)
def test_contract(estimator, check):
    check(estimator)


# --------------------------------------------------------------- interactions
@pytest.fixture
def fields():
    """Field vectors of 5 rows, 4 fields, 3 numbers each."""
    return torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0))


def test_fm_is_the_inner_products_of_all_pairs(fields):
    out = FMInteraction(4, 3)(fields)
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    torch.testing.assert_close(out, torch.stack([(fields[:, a] * fields[:, b]).sum(1) for a, b in pairs], dim=1))


def test_fm_sums_to_the_factorization_machine(fields):
    # half of (square of the sum minus sum of the squares), Rendle's linear-time form
    expected = 0.5 * (fields.sum(1).square() - fields.square().sum(1)).sum(1)
    torch.testing.assert_close(FMInteraction(4, 3)(fields).sum(1), expected)


def test_bilinear_with_identity_is_the_elementwise_product(fields):
    layer = BilinearInteraction(4, 3)
    nn.init.eye_(layer.weight.weight)
    out = layer(fields).reshape(5, 6, 3)
    torch.testing.assert_close(out[:, 4], fields[:, 1] * fields[:, 3])
    assert layer.n_outputs == out.flatten(1).shape[1]


def test_cross_layer_by_hand(fields):
    layer = CrossInteraction(4, 3, n_layers=1)
    nn.init.ones_(layer.layers[0].weight)
    x = fields.flatten(1)
    torch.testing.assert_close(layer(fields), x * x.sum(1, keepdim=True) + x)


def test_field_embedding_by_hand():
    net = FieldEmbedding([1.0], [2.0], [3], [2], size=4)
    x = torch.tensor([[5.0], [float("nan")]])
    out = net(x, torch.tensor([[2], [-1]]), torch.tensor([[0, 1, 2], [2, 2, 2]]))
    assert out.shape == (2, 3, 4)
    torch.testing.assert_close(out[0, 0], 2 * net.continuous[0] + net.shift[0])  # (5 - 1) / 2
    torch.testing.assert_close(out[1, 0], net.shift[0])  # missing: the mean
    torch.testing.assert_close(out[:, 1], net.nominal[0].weight[[2, 3]])  # missing: a vector of its own
    torch.testing.assert_close(out[0, 2], net.multi[0].weight[:2].mean(0))  # padding left out of the mean
    assert (out[1, 2] == 0).all()


def test_own_interaction_layer_and_one_that_is_none(clicks):
    class Sum(nn.Module):
        n_outputs = 8

        def __init__(self, n_fields, size):
            super().__init__()

        def forward(self, fields):
            return fields.sum(1)

    assert dual(interaction=Sum).fit(*clicks).teacher_.module_.interaction.n_outputs == 8
    with pytest.raises(TypeError, match="interaction must give a torch module with an attribute n_outputs"):
        dual(interaction=lambda n_fields, size: nn.Identity()).fit(*clicks)


# ---------------------------------------------------------- who trains what
def gradients(clicks, part, **settings):
    """Of the batch's loss, by parameter of `part` of the net."""
    model = dual(**settings).fit(*clicks)
    net = model.student_.module_
    whole = DualDNN(model.teacher_.module_.fields, model.teacher_.module_.interaction, (8, 4), 1)
    whole.student, whole.teacher = net.body, model.teacher_.module_.body
    blocks = [torch.from_numpy(block) for block in model.encoder_.encode(clicks[0]).blocks]
    targets = torch.eye(2)[clicks[1]]
    loss = model._dual_loss(whole)(blocks, targets, None, None, type("Clock", (), {"progress": 1.0}))
    parameters = list(getattr(whole, part).parameters())
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters)]


def same(a, b):
    """Whether two lists of gradients are equal."""
    return all(torch.allclose(x, y, atol=1e-7) for x, y in zip(a, b))


def test_hints_train_the_student_and_never_the_teacher(clicks):
    # in the first epoch all arms have the same weights: only the loss differs
    common = {"learning_rate": 1e-12, "student_trains_embedding": False}
    with_hints = {**common, "logit_hint_weight": 3.0, "hidden_hint_weight": [2.0, 1.0]}
    without = {**common, "logit_hint_weight": 0.0}
    for part, equal in (("teacher", True), ("fields", True), ("student", False)):
        assert same(gradients(clicks, part, **with_hints), gradients(clicks, part, **without)) is equal, part


def test_student_gradients_reach_the_embeddings_only_when_told(clicks):
    common = {"learning_rate": 1e-12, "logit_hint_weight": 1.0}
    kept_out = gradients(clicks, "fields", student_trains_embedding=False, **common)
    let_in = gradients(clicks, "fields", student_trains_embedding=True, **common)
    assert not same(kept_out, let_in)


def test_teacher_beside_a_student_kept_out_is_the_teacher_alone_in_its_gradients(clicks):
    beside = gradients(clicks, "teacher", learning_rate=1e-12, student_trains_embedding=False)
    other_hint = gradients(clicks, "teacher", learning_rate=1e-12, logit_hint_weight=9.0)
    assert same(beside, other_hint)


def test_a_rising_hint_weight_starts_at_nothing(clicks):
    # a warm-up over the whole training: the first batch costs the hard losses alone
    hard, warm = (
        dual(max_epochs=1, batch_size=400, logit_hint_weight=weight).fit(*clicks).history_[0]["loss"]
        for weight in (0.0, Schedule(0.0, 1e6))
    )
    assert hard == warm
    cold = dual(max_epochs=1, batch_size=400, logit_hint_weight=1e6).fit(*clicks).history_[0]["loss"]
    assert cold > hard


def test_hidden_hint_by_hand():
    a, b = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    assert hidden_hint_loss(a, b).item() == pytest.approx((5 / 2 + 16 / 2) / 2)
    assert hidden_hint_loss(a, b, sample_weight=torch.tensor([2.0, 0.0])).item() == pytest.approx(5 / 2)
    with pytest.raises(ValueError, match="same number of rows"):
        hidden_hint_loss(a, b[:1])


def test_hidden_hints_bring_the_layers_together(clicks):
    def gap(weight, seed):
        settings = {"max_epochs": 60, "learning_rate": 0.01, "random_state": seed}
        model = dual(**settings, hidden_hint_weight=weight).fit(*clicks)
        blocks = [torch.from_numpy(block) for block in model.encoder_.encode(clicks[0]).blocks]
        student, teacher = model.student_.module_, model.teacher_.module_
        vectors = teacher.fields(*blocks)
        h_s, _ = student.body.tapped(vectors.flatten(1))
        h_t, _ = teacher.body.tapped(torch.cat([vectors.flatten(1), teacher.interaction(vectors)], dim=1))
        return sum(float(hidden_hint_loss(ours, theirs).detach()) for ours, theirs in zip(h_s, h_t))

    with_hint, without = (sum(gap(weight, seed) for seed in range(4)) for weight in (1.0, 0.0))
    assert with_hint < 0.75 * without


# -------------------------------------------------------------------- serving
def test_learns_from_genres_and_serves_without_the_teacher(clicks):
    X, y = clicks
    model = dual(max_epochs=60, learning_rate=0.02, batch_size=64).fit(X, y)
    assert model.score(X, y) > 0.9
    before = model.predict_proba(X)
    assert model.student_.n_parameters_ < model.teacher_.n_parameters_
    assert len(model.student_.to_bytes()) < len(model.teacher_.to_bytes())
    again = pickle.loads(pickle.dumps(model.drop_teacher()))
    assert not hasattr(again, "teacher_")
    np.testing.assert_array_equal(again.predict_proba(X), before)


def test_unknown_ids_and_genres_count_as_missing(clicks):
    X, y = clicks
    model = dual().fit(X, y)
    strange = X.head(3).assign(user=999, genres="Western Musical")
    known = X.head(3).assign(user=np.nan, genres=np.nan)
    np.testing.assert_array_equal(model.predict_proba(strange), model.predict_proba(known))


def few_values():
    """300 rows of ids, numbers with gaps and texts with gaps, two columns that hold nothing, and labels."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "user": rng.integers(20, size=300),
            "item": rng.choice(list("abcdef"), 300),
            "price": rng.normal(100, 3, size=300),
            "unused": pd.Categorical([None] * 300, ["a"]),
            "empty": pd.Series([None] * 300, dtype="category"),
        }
    )
    y = ((X["user"] % 3 == 0) ^ (X["price"] > 100)).to_numpy().astype(int)
    X.loc[::7, "price"] = np.nan
    X.loc[::5, "item"] = None
    return X, y


@pytest.mark.parametrize("sizes", [(8, 4), (8,), ()])
def test_the_student_becomes_one_that_can_be_exported(sizes, tmp_path):
    X, y = few_values()
    model = DualDNNClassifier(sizes, schema={"user": "nominal"}, max_epochs=3, random_state=0).fit(X, y)
    student = model.to_student()
    student.save(tmp_path / "student.st")
    rows = pd.concat([X, X.head(5).assign(user=999, item="new", price=np.nan), X.head(2).assign(price=[1e6, -1e6])])
    expected = model.predict_proba(rows)
    for served in (student, load_student(tmp_path / "student.st")):
        np.testing.assert_allclose(served.predict_proba(rows), expected, atol=1e-7)
    np.testing.assert_allclose(student.predictor(compiled=True)(rows), expected, atol=1e-6)


def test_students_that_cannot_be_exported_say_why(clicks):
    with pytest.raises(ValueError, match=r"got multi_valued=\('genres',\)"):
        dual().fit(*clicks).to_student()
    with pytest.raises(ValueError, match="only='teacher' none was trained"):
        dual(only="teacher", multi_valued=()).fit(*clicks).to_student()


@pytest.mark.parametrize("interaction", ["fm", "bilinear", "cross"])
def test_one_field_has_no_pairs_and_is_learned_all_the_same(interaction):
    X = np.random.default_rng(0).integers(6, size=(300, 1))
    model = DualDNNClassifier(
        (8,), schema={0: "nominal"}, interaction=interaction, max_epochs=40, batch_size=32, random_state=0
    )
    assert model.fit(X, X[:, 0] > 2).score(X, X[:, 0] > 2) == 1
    assert model.teacher_.predict(X).mean() == (X > 2).mean()


def test_rows_without_any_field_are_predicted():
    X = pd.DataFrame({"user": [1, 2, 3, None] * 20, "item": ["a", None, "b", "c"] * 20})
    model = DualDNNClassifier((4,), schema={"user": "nominal"}, max_epochs=2, random_state=0)
    model.fit(X, X["user"].isna())
    nothing = pd.DataFrame({"user": [None], "item": [None]})
    strange = pd.DataFrame({"user": [-(2.0**62)], "item": ["z"]})
    assert np.isfinite(model.predict_proba(nothing)).all()
    np.testing.assert_array_equal(model.predict_proba(strange), model.predict_proba(nothing))


# ---------------------------------------------------------------------- starts
@pytest.mark.parametrize("only", ["student", "teacher"])
@pytest.mark.parametrize(("sizes", "least"), [((8, 4), 0.64), ((4, 2), 0.6)])
def test_nets_learn_from_every_start(only, sizes, least):
    # units that worked for no row, or that the first steps moved out of work: 8 of 40 nets (4, 2), 2 of 40 nets (8, 4)
    data = make_ctr(5000, n_fields=4, n_categories=12, strength=1.5, seed=0)
    train, test = slice(0, 3000), slice(3000, None)
    settings = {"schema": data.schema, "batch_size": 256, "learning_rate": 1e-2, "device": "cpu"}
    found = []
    for seed in range(10):
        model = DualDNNClassifier(sizes, only=only, random_state=seed, **settings).fit(data.X[train], data.y[train])
        found.append(roc_auc_score(data.y[test], model.predict_proba(data.X[test])[:, 1]))
    assert min(found) > least, np.round(found, 3)


def test_units_work_for_half_of_the_rows_and_outputs_fit_the_labels_before_training():
    torch.manual_seed(0)
    fields = FieldEmbedding([], [], [50] * 6, size=8)
    net = DualDNN(fields, make_interaction("fm", 6, 8), (16, 8), 1, prior=[-1.5])
    vectors = fields(torch.zeros(2000, 0), torch.randint(50, (2000, 6)))
    for hidden, outputs in (net.tapped_student(vectors), net.tapped_teacher(vectors)):
        for layer in hidden:
            working = (layer > 0).float().mean(dim=0)
            assert working.min() > 0.2 and working.max() < 0.8
        assert outputs.mean().item() == pytest.approx(-1.5, abs=0.1)


def test_the_start_counts_weighted_rows_and_a_class_without_any_is_rare(clicks):
    X, y = clicks
    weight = np.where(y == 1, 3.0, 1.0)
    model = dual(max_epochs=1, learning_rate=1e-9).fit(X, y, sample_weight=weight)
    expected = np.average(y, weights=weight)
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(expected, abs=0.05)
    three = y + (np.arange(len(y)) == 0) * 2
    weight = np.where(three >= 2, 0.0, 1.0)
    p = dual(max_epochs=1, learning_rate=1e-9).fit(X, three, sample_weight=weight).predict_proba(X)
    assert np.isfinite(p).all() and p[:, 2:].mean() < 0.01


@pytest.mark.parametrize("interaction", ["fm", "bilinear", "cross"])
def test_inputs_of_any_interaction_weigh_the_same_before_training(interaction):
    torch.manual_seed(0)
    fields = FieldEmbedding([], [], [50] * 6, size=8)
    net = DualDNN(fields, make_interaction(interaction, 6, 8), (400,), 1)
    vectors = fields(torch.zeros(50, 0), torch.arange(50)[:, None].expand(50, 6))
    parts = vectors.flatten(1), net.interaction(vectors)
    weights = net.teacher.layers[0][0].weight.split([part.shape[1] for part in parts], dim=1)
    spreads = [float((part @ w.T).std(dim=0).mean() / part.shape[1] ** 0.5) for part, w in zip(parts, weights)]
    assert 0.6 < spreads[0] / spreads[1] < 1.6
    assert not bool((net.tapped_teacher(vectors)[0][0] == 0).all(dim=0).any())


def test_an_interaction_that_gives_nothing_at_the_start_leaves_finite_weights(clicks):
    class Nothing(nn.Module):
        n_outputs = 3

        def __init__(self, n_fields, size):
            super().__init__()

        def forward(self, fields):
            return fields.new_zeros(len(fields), 3)

    assert np.isfinite(dual(interaction=Nothing).fit(*clicks).teacher_.predict_proba(clicks[0])).all()


@pytest.mark.parametrize("only", ["student", "teacher"])
def test_only_trains_one_net(clicks, only):
    model = dual(only=only).fit(*clicks)
    assert hasattr(model, f"{only}_") and not hasattr(model, {"student": "teacher_", "teacher": "student_"}[only])
    assert model.predict(clicks[0]).shape == (400,)


def test_validation_rows_choose_the_epoch(clicks):
    X, y = clicks
    model = dual(max_epochs=5).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert model.best_epoch_ == int(np.argmin([row["valid"] for row in model.history_]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_hint_weight": [0.1, 0.2, 0.3]}, r"hidden_hint_weight must be one weight, or one per"),
        ({"hidden_hint_weight": [-0.1, 0.2]}, "hidden_hint_weight"),
        ({"multi_valued": ("tags",)}, "multi_valued must name columns of X, got 'tags'"),
        ({"separator": ""}, "separator must be at least one character"),
        ({"interaction": "cin"}, "interaction"),
        ({"logit_hint_weight": Schedule(0.0, -1.0)}, "logit_hint_weight must be at least 0, got Schedule"),
        ({"embedding_size": 0}, "embedding_size"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be positive"),
    ],
)
def test_bad_settings_are_refused(clicks, settings, message):
    with pytest.raises(ValueError, match=message):
        dual().set_params(**settings).fit(*clicks)


def test_multi_valued_needs_a_dataframe():
    with pytest.raises(TypeError, match="X must be a DataFrame"):
        DualDNNClassifier(multi_valued=("genres",)).fit(np.zeros((4, 2)), [0, 1, 0, 1])


# --------------------------------------------------------------- planted data
def test_bayes_auc_equals_all_pairs():
    p = np.array([0.2, 0.5, 0.5, 0.9])
    right = total = 0.0
    for i in range(4):
        for j in range(4):
            if i != j:
                total += p[i] * (1 - p[j])
                right += p[i] * (1 - p[j]) * ((p[i] > p[j]) + 0.5 * (p[i] == p[j]))
    assert bayes_auc(p) == pytest.approx(right / total)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bayes_auc_is_the_auc_of_the_truth(seed):
    data = make_ctr(20_000, seed=seed)
    assert roc_auc_score(data.y, data.probability) == pytest.approx(data.bayes_auc, abs=0.01)
    again = make_ctr(100, seed=seed)
    np.testing.assert_array_equal(again.y, make_ctr(100, seed=seed).y)
    other_rows = make_ctr(100, seed=seed, rows_seed=99)
    assert not again.X.equals(other_rows.X)


def test_make_ctr_refuses():
    with pytest.raises(ValueError, match="n_fields must be an integer of at least 2, got 1"):
        make_ctr(100, n_fields=1)


@pytest.mark.slow
def test_planted_interactions_are_found_by_the_teacher_and_passed_on_by_hints():
    data = make_ctr(70_000, strength=1.25, seed=0)
    train, test = slice(0, 60_000), slice(60_000, None)

    def auc(**settings):
        model = DualDNNClassifier(
            (32, 16), schema=data.schema, batch_size=512, learning_rate=5e-3, random_state=0, **settings
        )
        model.fit(data.X[train], data.y[train])
        return roc_auc_score(data.y[test], model.predict_proba(data.X[test])[:, 1])

    # of experiments.dual_dnn: 0.0285 and 0.0074 on average, in each of ten seeds
    assert auc(only="teacher", weight_decay=1.5) > auc(only="student", weight_decay=0.1) + 0.01
    hinted = auc(logit_hint_weight=0.1, weight_decay=1.5)
    assert hinted > auc(logit_hint_weight=0.0, weight_decay=1.5) + 0.002


@pytest.mark.parametrize("old", ["logit_hint_warmup", "hidden_hint_warmup"])
def test_a_warmup_is_a_schedule_of_the_weight(old):
    with pytest.raises(TypeError, match=f"no parameter {old!r} any more: use .*Schedule"):
        DualDNNClassifier(**{old: 0.2})


def test_what_never_varied_or_never_occurred_has_no_say():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "n": rng.normal(size=200),
            "constant": 5.0,
            "kind": pd.Categorical(rng.choice(["a", "b"], 200), ["a", "b", "never"]),
            "single": pd.Categorical(["x"] * 200, ["x", "y"]),
        }
    )
    model = DualDNNClassifier((8,), max_epochs=3, random_state=0).fit(X, X["n"] > 0)
    expected = model.predict_proba(X)
    for change in ({"constant": -90.0}, {"single": pd.Categorical(["y"] * 200)}, {"single": None}):
        np.testing.assert_allclose(model.predict_proba(X.assign(**change)), expected, atol=1e-12)
    never, unknown = (model.predict_proba(X.assign(kind=pd.Categorical([kind] * 200))) for kind in ("never", "new"))
    np.testing.assert_array_equal(never, unknown)
