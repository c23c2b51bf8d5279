"""Ranking distillation end to end, its teachers, metrics by hand, MovieLens splits, and every bad input."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from compress.distill import DualDNNClassifier
from compress.nets import FieldEmbedding
from compress.recommend import (
    EASE,
    FactorScorer,
    RankingDistiller,
    TableScorer,
    gauc,
    ndcg_at_k,
    overlap_at_k,
    ranking_metrics,
    recall_at_k,
    score_matrix,
    top_k,
)
from compress.recommend._interactions import IdIndex, check_pairs
from compress.recommend._nets import MatrixFactorization, PreRanker, SideFields, TwoTower
from data.movielens_splits import movielens_clicks, movielens_topn

OBJECTIVES = ["list", "pair", "point", "tang_wang", "logits", "listnet"]


@pytest.fixture(scope="module")
def likes():
    """Two tastes: 40 users who like films of their half of 30, and the ids in no order."""
    rng = np.random.default_rng(0)
    users, items = rng.permutation(np.arange(100, 140)), rng.permutation(np.arange(500, 530))
    pairs = [(u, i) for u in users for i in rng.choice(items[items % 2 == u % 2], size=6, replace=False)]
    return np.array(pairs), users, items


def small(teacher=None, **settings):
    """A student that trains in a moment."""
    base = {"k": 5, "n_sampled": 10, "lists_per_step": 16, "batch_size": 64, "max_epochs": 15, "random_state": 0}
    return RankingDistiller(teacher, **{"embedding_size": 4, "device": "cpu", **base, **settings})


# --------------------------------------------------------------------- metrics
def test_recall_by_hand():
    relevant = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    recommended = np.array([[0, 2], [3, 1], [0, 1]])
    # user 0: one of two; user 1: none of one; user 2 has nothing relevant
    assert recall_at_k(recommended, relevant) == pytest.approx(1 / 3)
    np.testing.assert_allclose(recall_at_k(recommended, relevant, per_user=True), [0.5, 0.0, np.nan])
    # three relevant items cannot all be in two places
    assert recall_at_k(np.array([[0, 1]]), np.array([[1, 1, 1]])) == 1.0
    assert np.isnan(recall_at_k(np.array([[0]]), np.array([[0, 0]])))
    assert recall_at_k(np.array([[0, -1]]), sparse.csr_matrix([[1, 0, 1]])) == 0.5


def test_ndcg_by_hand():
    # hits at positions 1 and 3 of 2 relevant items: (1 + 1/2) / (1 + 1/log2(3))
    scores, relevant = np.array([[4.0, 3.0, 2.0, 1.0]]), np.array([[1, 0, 1, 0]])
    assert ndcg_at_k(scores, relevant, 3) == pytest.approx(1.5 / (1 + 1 / np.log2(3)))
    # the first item was seen: it goes to the end, the other hit comes up to position 2
    seen = np.array([[0, 0, 0, 1]])
    assert ndcg_at_k(scores[:, ::-1], relevant[:, ::-1], 2, seen=seen) == pytest.approx(
        (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    )
    assert np.isnan(ndcg_at_k(scores, np.zeros((1, 4)), 2))


def test_top_k_strikes_out_what_was_seen():
    best = top_k(np.array([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0]]), 2, seen=np.array([[0, 1, 0], [1, 1, 0]]))
    np.testing.assert_array_equal(best, [[2, 0], [2, -1]])


def test_overlap_by_hand():
    assert overlap_at_k([[1, 2], [3, 4]], [[2, 9], [4, 3]]) == pytest.approx((0.5 + 1.0) / 2)
    assert overlap_at_k([[1, -1]], [[-1, 1]]) == 1.0  # -1 is no item
    with pytest.raises(ValueError, match="lists of the same users"):
        overlap_at_k([[1]], [[1], [2]])


def test_gauc_by_hand():
    y = [1, 0, 1, 0, 0, 1, 1]
    scores = [0.9, 0.1, 0.2, 0.8, 0.3, 0.5, 0.5]
    groups = list("aabbbcc")
    # a: AUC 1 (2 rows); b: 1 positive against .8 and .3, AUC 0 (3 rows); c has one label only
    assert gauc(y, scores, groups) == pytest.approx((2 * 1.0 + 3 * 0.0) / 5)
    assert np.isnan(gauc([1, 1], [0, 1], [0, 0]))
    with pytest.raises(ValueError, match="one shape"):
        gauc([1], [0, 1], [0, 0])


@pytest.mark.parametrize("k", [0, 4])
def test_k_out_of_range_is_refused(k):
    with pytest.raises(ValueError, match=f"k must lie between 1 and the number of items, 3, got {k}"):
        top_k(np.zeros((1, 3)), k)
    with pytest.raises(ValueError, match="k must lie"):
        ndcg_at_k(np.zeros((1, 3)), np.ones((1, 3)), k)


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="scores must be finite"):
        top_k(np.array([[np.nan, 1.0]]), 1)


# ------------------------------------------------------------------------ EASE
def test_ease_is_the_solution_of_its_least_squares(likes):
    pairs, users, items = likes
    ease = EASE(ridge=3.0).fit(pairs, users=users, items=items)
    X = np.zeros((40, 30))
    X[np.searchsorted(ease.users_, pairs[:, 0]), np.searchsorted(ease.items_, pairs[:, 1])] = 1
    for j in range(30):  # column j: ridge regression on the other columns
        others = np.delete(np.arange(30), j)
        A = X[:, others]
        expected = np.linalg.solve(A.T @ A + 3.0 * np.eye(29), A.T @ X[:, j])
        np.testing.assert_allclose(ease.weights_[others, j], expected, atol=1e-5)
    assert (np.diag(ease.weights_) == 0).all()
    np.testing.assert_allclose(ease.score_matrix(ease.users_), X @ ease.weights_, atol=1e-5)
    np.testing.assert_allclose(ease.score_matrix([users[3]], items[:2]).shape, (1, 2))


def test_ease_refuses(likes):
    pairs, users, items = likes
    with pytest.raises(ValueError, match="ridge must be positive, got 0"):
        EASE(ridge=0).fit(pairs)
    with pytest.raises(ValueError, match="user ids must be among the 40 known in fit; unknown: 7 "):
        EASE().fit(pairs).score_matrix([7])


# ------------------------------------------------------------------------- nets
@pytest.mark.parametrize("net", ["mf", "two_tower", "mlp"])
def test_scores_of_chosen_items_are_those_of_all_items(net):
    torch.manual_seed(0)
    if net == "mf":
        module = MatrixFactorization(5, 7, 3)
    else:
        module = {"two_tower": TwoTower, "mlp": PreRanker}[net](SideFields(5, 3), SideFields(7, 3), 7, 3, [4])
    users, items = torch.tensor([4, 0]), torch.tensor([[1, 6, 1], [3, 2, 0]])
    torch.testing.assert_close(module.score(users, items), module.score_all(users).gather(1, items))


def test_vectors_of_a_side_are_the_same_for_few_and_for_many_codes():
    torch.manual_seed(0)
    fields = FieldEmbedding([], [], [4], size=3)
    side = SideFields(5, 3, fields, (torch.zeros(5, 0), torch.tensor([[0], [1], [3], [-1], [0]])))
    few = torch.arange(5)
    many = torch.tensor([[4, 0, 0, 2], [1, 3, 4, 2]])  # more than there are: computed once for each
    torch.testing.assert_close(side(many), side(few)[many])


# ------------------------------------------------------------------ distillation
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_brings_the_student_to_the_teachers_list(objective, likes):
    pairs, users, items = likes
    teacher = np.random.default_rng(1).normal(size=(40, 2)) @ np.random.default_rng(2).normal(size=(2, 30))

    def overlap(**settings):
        student = small(teacher, max_epochs=60, learning_rate=0.03, **settings).fit(pairs, users=users, items=items)
        own = top_k(student.score_matrix(student.users_), 5, seen=student._seen)
        return overlap_at_k(student.teacher_top_, own) if settings["objective"] else overlap_at_k(best, own)

    reference = small(teacher, max_epochs=1, objective="list").fit(pairs, users=users, items=items)
    best = reference.teacher_top_
    assert overlap(objective=objective, distill_weight=3.0) > overlap(objective=None) + 0.1


@pytest.mark.parametrize("hard_loss", ["bpr", "bce"])
def test_hard_losses_find_the_tastes(hard_loss, likes):
    pairs, users, items = likes
    student = small(objective=None, hard_loss=hard_loss, max_epochs=60, learning_rate=0.03).fit(pairs)
    own = student.recommend(users, k=5)
    assert (own % 2 == users[:, None] % 2).mean() > 0.9


def test_label_free_learns_from_the_teacher_alone(likes):
    pairs, users, items = likes
    teacher = EASE(ridge=5.0).fit(pairs, users=users, items=items)
    student = small(teacher, hard_loss=None, max_epochs=60, learning_rate=0.03).fit(pairs, users=users, items=items)
    own = student.recommend(users, k=5)
    assert (own % 2 == users[:, None] % 2).mean() > 0.9
    with_labels = small(teacher, max_epochs=60).fit(pairs, users=users, items=items)
    steps = [len(m.history_) for m in (student, with_labels)]
    assert steps[0] * 3 == pytest.approx(steps[1] * 4, rel=0.1)  # 3 batches of lists, 4 of interactions per epoch


@pytest.mark.parametrize("student", ["two_tower", "mlp"])
def test_side_features_carry_the_taste(student, likes):
    pairs, users, items = likes
    features = [
        pd.DataFrame({"taste": np.where(ids % 2, "odd", "even"), "tags": np.where(ids % 2, "a b", "")})
        for ids in (users, items)
    ]
    model = small(student=student, objective=None, max_epochs=30, learning_rate=0.02).fit(
        pairs,
        users=users,
        items=items,
        user_features=features[0],
        item_features=features[1],
        multi_valued=("tags",),
    )
    assert (model.recommend(users, k=5) % 2 == users[:, None] % 2).mean() > 0.9
    assert set(model.module_.users.fields.nominal[0].weight.shape) == {3, 4}  # even, odd, missing; size 4


def test_seen_items_are_in_no_list_and_no_recommendation(likes):
    pairs, users, items = likes
    teacher = EASE(ridge=5.0).fit(pairs, users=users, items=items)
    student = small(teacher).fit(pairs, users=users, items=items)
    seen = {tuple(pair) for pair in pairs.tolist()}
    for u, top in zip(student.users_, student.teacher_top_):
        assert not {(u, i) for i in student.items_[top].tolist()} & seen
    for u, own in zip(users, student.recommend(users, k=8)):
        assert not {(u, i) for i in own.tolist()} & seen
    everything = student.recommend(users, k=30, exclude_seen=False)
    assert (np.sort(everything, axis=1) == np.sort(items)).all()


def test_same_seed_same_student_pickle_and_bytes(likes):
    pairs, users, items = likes
    teacher = EASE(ridge=5.0).fit(pairs, users=users, items=items)
    a, b = (small(teacher).fit(pairs, users=users, items=items) for _ in range(2))
    np.testing.assert_array_equal(a.score_matrix(users), b.score_matrix(users))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(a)).score_matrix(users), a.score_matrix(users))
    assert a.n_parameters_ == (40 + 30) * 4 + 30 and len(a.to_bytes()) >= 4 * a.n_parameters_


def test_order_of_the_ids_given_does_not_matter(likes):
    pairs, users, items = likes
    teacher = EASE(ridge=5.0).fit(pairs, users=users, items=items)
    a = small(teacher).fit(pairs, users=users, items=items)
    b = small(teacher).fit(pairs, users=np.sort(users), items=items[::-1])
    np.testing.assert_array_equal(a.score_matrix(users[:3], items[:4]), b.score_matrix(users[:3], items[:4]))


# --------------------------------------------------------------------- teachers
def test_teachers_of_all_kinds_give_the_same_scores(likes):
    pairs, users, items = likes
    u, v = np.random.default_rng(0).normal(size=(40, 3)), np.random.default_rng(1).normal(size=(30, 3))
    model = SimpleNamespace(user_factors=u, item_factors=v)  # what implicit's AlternatingLeastSquares has
    expected = (u @ v.T).astype(np.float32)
    some_users, some_items = IdIndex(users, "user").ids, IdIndex(items, "item").ids
    scorers = [
        expected,
        lambda a, b: expected,
        FactorScorer(u, v, some_users, some_items),
        FactorScorer.of(model, some_users, some_items),
    ]
    for scorer in scorers:
        np.testing.assert_allclose(score_matrix(scorer, some_users, some_items), expected, rtol=1e-5, atol=1e-6)


def test_dual_dnn_teaches_a_ranking(likes):
    pairs, users, items = likes
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"user": rng.choice(users, 600), "item": rng.choice(items, 600)})
    y = (rows["user"] % 2 == rows["item"] % 2).astype(int)
    dual = DualDNNClassifier(
        (8,), schema=dict.fromkeys(rows, "nominal"), max_epochs=30, batch_size=32, learning_rate=0.02, random_state=0
    ).fit(rows, y)
    tables = pd.DataFrame({"user": users}), pd.DataFrame({"item": items})
    scorer = TableScorer(dual.teacher_, *tables, user_column="user", item_column="item", columns=rows.columns)
    scores = scorer.score_matrix(users[:2], items[:3])
    one = pd.DataFrame({"user": [users[1]], "item": [items[2]]})
    assert scores[1, 2] == pytest.approx(dual.teacher_.logits(one)[0, 0])
    by_probability = TableScorer(dual, *tables, user_column="user", item_column="item", columns=rows.columns)
    p = dual.predict_proba(one)[0, 1]
    assert by_probability.score_matrix(users[:2], items[:3])[1, 2] == pytest.approx(np.log(p / (1 - p)), rel=1e-4)
    student = small(scorer, hard_loss=None, max_epochs=60, learning_rate=0.03).fit(pairs, users=users, items=items)
    assert (student.recommend(users, k=5) % 2 == users[:, None] % 2).mean() > 0.8


@pytest.mark.parametrize(
    ("teacher", "error", "message"),
    [
        (np.zeros((40, 29)), ValueError, r"teacher must score 40 users × 30 items, got scores of shape \(40, 29\)"),
        (np.full((40, 30), np.nan), ValueError, "teacher must give finite scores, got nan for user 100 and item 500"),
        (np.zeros((40, 30)), ValueError, "teacher must rank unseen items"),
        ("als", TypeError, "teacher must be an array"),
        (None, ValueError, "objective='list' needs a teacher, got None"),
    ],
)
def test_bad_teachers_are_refused(teacher, error, message, likes):
    pairs, users, items = likes
    with pytest.raises(error, match=message):
        small(teacher).fit(pairs, users=users, items=items)


def test_factor_scorer_refuses():
    with pytest.raises(ValueError, match="user_factors must have one row per user id"):
        FactorScorer(np.zeros((2, 3)), np.zeros((4, 3)), [1, 2, 3], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="no row for id 9"):
        FactorScorer(np.zeros((1, 3)), np.zeros((1, 3)), [1], [1]).score_matrix([9], [1])


# -------------------------------------------------------------------- bad input
def test_users_without_positives_learn_from_the_teacher_alone(likes):
    pairs, users, items = likes
    teacher = np.random.default_rng(0).normal(size=(41, 30))
    student = small(teacher, max_epochs=80, learning_rate=0.03, distill_weight=3.0)
    student.fit(pairs, users=np.append(users, 999), items=items)
    assert student.n_taught_ == 41 and student.recommend([999], k=3).shape == (1, 3)
    own = top_k(student.score_matrix([999]), 5)
    assert overlap_at_k(student.teacher_top_[-1:], own) > 0.3  # chance: 5 of 30


def test_users_whom_the_teacher_cannot_tell_items_apart_for_have_no_list(likes):
    # EASE scores 0 everywhere for a user without interactions: an order of ties would be noise
    pairs, users, items = likes
    everyone = np.append(users, 999)
    teacher = EASE(ridge=5.0).fit(pairs, users=everyone, items=items)
    student = small(teacher, max_epochs=2).fit(pairs, users=everyone, items=items)
    assert student.n_taught_ == 40 and (student.teacher_top_[-1] == -1).all()
    assert np.isfinite(student.score_matrix([999])).all()


def test_a_user_who_has_seen_all_items_has_an_empty_list(likes):
    pairs, users, items = likes
    pairs = np.concatenate([pairs, [(999, i) for i in items]])
    teacher = np.random.default_rng(0).normal(size=(41, 30))
    student = small(teacher, max_epochs=2).fit(pairs)
    assert student.n_taught_ == 40 and (student.teacher_top_[-1] == -1).all()
    assert np.isfinite([row["loss"] for row in student.history_]).all()
    with pytest.raises(ValueError, match="k=3 is more than the unseen items of user 999"):
        student.recommend([100, 999], k=3)


def test_short_lists_are_padded(likes):
    pairs, users, items = likes
    pairs = np.concatenate([pairs, [(999, i) for i in items[2:]]])
    student = small(np.random.default_rng(0).normal(size=(41, 30)), max_epochs=2).fit(pairs)
    assert (student.teacher_top_[-1] >= 0).sum() == 2
    for objective in OBJECTIVES:
        model = small(np.random.default_rng(0).normal(size=(41, 30)), max_epochs=2, objective=objective).fit(pairs)
        assert np.isfinite(model.score_matrix([999])).all()


def test_unknown_users_and_items(likes):
    pairs, users, items = likes
    student = small(objective=None, max_epochs=2).fit(pairs)
    with pytest.raises(ValueError, match=r"user ids must be among the 40 known in fit; unknown: 7 \(1 in all\)"):
        student.recommend([7], k=2)
    with pytest.raises(ValueError, match="item ids must be among the 30 known"):
        student.score_matrix([100], [1])
    with pytest.raises(ValueError, match="item ids"):
        small(objective=None).fit(pairs, items=items[:5])
    student.set_params(unknown_users="popular")
    popular = student.recommend([7], k=3)[0]
    counts = pd.Series(pairs[:, 1]).value_counts()
    assert counts[popular].min() >= counts.nlargest(3).min()
    mixed = student.score_matrix([7, 100])
    np.testing.assert_allclose(mixed[1], student.score_matrix([100])[0])


@pytest.mark.parametrize("k", [0, 31])
def test_lists_longer_than_the_catalogue_or_empty_are_refused(k, likes):
    pairs, users, items = likes
    with pytest.raises(ValueError, match="k"):
        small(np.zeros((40, 30)), k=k).fit(pairs, users=users, items=items)
    student = small(objective=None, max_epochs=1).fit(pairs)
    with pytest.raises(ValueError, match="k must lie between 1 and the number of items, 30"):
        student.recommend([100], k=k)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (np.zeros((3, 3)), "two columns user id and item id"),
        (np.zeros(3), "two columns"),
        (np.array([[1.0, np.nan]]), "NaN or infinity"),
        (np.array([[1.0, 2.5]]), "fractional"),
    ],
)
def test_bad_interactions_are_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        check_pairs(pairs)


def test_bad_requests_are_refused(likes):
    pairs, users, items = likes
    features = pd.DataFrame({"a": np.arange(40.0)})
    with pytest.raises(ValueError, match="must not both be None"):
        small(objective=None, hard_loss=None).fit(pairs)
    with pytest.raises(ValueError, match="at least one row, got none"):
        small(objective=None).fit(np.zeros((0, 2), dtype=int))
    with pytest.raises(ValueError, match="student='mf' has no place for features"):
        small(objective=None).fit(pairs, users=users, user_features=features)
    with pytest.raises(ValueError, match="user_features needs users="):
        small(objective=None, student="two_tower").fit(pairs, user_features=features)
    with pytest.raises(ValueError, match=r"user_features must have one row per user \(40\), got 3"):
        small(objective=None, student="mlp").fit(pairs, users=users, user_features=features[:3])
    with pytest.raises(ValueError, match="objective"):
        small(objective="lambda").fit(pairs)
    with pytest.raises(ValueError, match="non-empty list of ids"):
        IdIndex([], "user")


# -------------------------------------------------------------------- MovieLens
@pytest.mark.network
@pytest.mark.parametrize("split", ["random", "chronological"])
def test_movielens_splits(split):
    data = movielens_topn(3, split=split)
    parts = [{tuple(p) for p in part.tolist()} for part in (data.train, data.valid, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 55_375  # ratings of 4 and 5, each in one part
    assert len(data.user_features) == len(data.users) == 943 and len(data.item_features) == 1682
    clicks = movielens_clicks(3, split=split)
    assert [len(y) for y in (clicks.y_train, clicks.y_valid, clicks.y_test)] == [80_000, 10_000, 10_000]
    assert "genres" in clicks.X_train and clicks.multi_valued == ("genres",)


@pytest.mark.network
def test_movielens_test_clicks_are_the_same_for_every_seed_and_by_time_within_users():
    first, second = movielens_clicks(0), movielens_clicks(1)
    pd.testing.assert_frame_equal(first.X_test, second.X_test)
    assert not first.X_valid.equals(second.X_valid)
    from data.load import load_movielens

    times = load_movielens()[0].set_index(["user_id", "item_id"])["timestamp"]
    data = movielens_topn(0, split="chronological")
    last, first_test = {}, {}
    for u, i in data.train:
        last[u] = max(last.get(u, 0), times[u, i])
    for u, i in data.test:
        first_test[u] = min(first_test.get(u, np.inf), times[u, i])
    assert all(last[u] <= first_test[u] for u in first_test if u in last)


@pytest.mark.network
def test_movielens_test_films_can_be_the_same_for_every_seed():
    one, other = (movielens_topn(seed, test_seed=7) for seed in (0, 1))
    np.testing.assert_array_equal(one.test, movielens_topn(7).test)
    np.testing.assert_array_equal(one.test, other.test)
    parts = [{tuple(p) for p in part.tolist()} for part in (one.train, one.valid, one.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 55_375
    assert 6 < len(one.train) / len(one.valid) < 9  # 70 and 10 %, rounded per user
    assert parts[1] != {tuple(p) for p in other.valid.tolist()}


def test_bad_splits_are_refused():
    with pytest.raises(ValueError, match="split must be one of"):
        movielens_topn(0, split="by user")
    with pytest.raises(ValueError, match="seed must be an integer of at least 0"):
        movielens_clicks(-1)


def test_ranking_metrics_are_recall_and_ndcg():
    scores, relevant = np.array([[3.0, 2.0, 1.0]]), np.array([[0, 1, 0]])
    assert ranking_metrics(scores, relevant, k=2) == pytest.approx({"recall": 1.0, "ndcg": 1 / np.log2(3)})


def test_a_teacher_handed_to_fit_is_told_its_place(likes):
    with pytest.raises(TypeError, match=r"RankingDistiller\(teacher, \.\.\.\)"):
        small().fit(likes[0], np.zeros((40, 30)))


def test_scores_far_from_0_keep_their_order():
    scores = 1.7e9 + np.random.default_rng(0).normal(size=(6, 9))
    found = score_matrix(scores, np.arange(6), np.arange(9))
    np.testing.assert_array_equal(top_k(found, 3), top_k(scores, 3))
