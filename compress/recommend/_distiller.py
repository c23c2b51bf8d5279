r"""Ranking distillation: recall and pre-ranking models taught by a finer ranker.

The early stages of a recommender are small models that must find the items that the fine ranker would
choose. Here the fine ranker teaches them, by its scores (with-logits) or by its order alone
(without-logits: point-, pair- or list-wise), together with the labels or instead of them:

.. math:: L = L_{hard} + distill\_weight \cdot L_{distill}

References
----------
Tang and Wang, "Ranking Distillation", KDD 2018, arXiv:1809.07428.
Kang et al., "DE-RRD: A Knowledge Distillation Framework for Recommender System", CIKM 2020, arXiv:2012.04357.
"""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._random import draw_seed
from compress.nets import weights_to_bytes
from compress.recommend._batches import OBJECTIVES, RankingBatches
from compress.recommend._interactions import IdIndex, check_pairs, interaction_matrix
from compress.recommend._measures import top_k
from compress.recommend._teacher import USERS_AT_A_TIME, learn_teacher
from compress.recommend._towers import build_student
from compress.training import LEARNING_RATE_SCHEDULES, isolated_rng, resolve_device, single_thread, train

__all__ = ["RankingDistiller"]


class RankingDistiller(BaseEstimator):
    r"""A small ranking model that learns from interactions and from a teacher's ranking.

    Parameters
    ----------
    teacher : array, object with `score_matrix(users, items)`, or callable(users, items); default=None
        The scores of shape (n_users, n_items), or what gives them, with users and items in the order of `users_` and
        `items_`; needed unless `objective` is None.
    student : {"mf", "two_tower", "mlp"}, default="mf"
        The student. "mf" is matrix factorisation with item bias, and "two_tower" a perceptron per side, with side
        features; both are for recall. "mlp" is a light perceptron over both sides, for pre-ranking.
    objective : {"list", "pair", "point", "tang_wang", "logits", "listnet"} or None, default="list"
        What is learned from the teacher: "logits" (squared error of standardised scores) and "listnet" use its scores,
        the others its order; see `compress.losses`. None is the control that learns from interactions alone.
    k : int, default=20
        The number of the teacher's best items that count as relevant.
    distill_weight : float, default=1.0
        The weight of the distillation loss.
    hard_loss : {"bpr", "bce"} or None, default="bpr"
        The loss of the interactions; None learns from the teacher alone, in the same number of steps.
    alpha : float, default=1.0
        The weight in `LossWeight = 1 + alpha / position` of "point", which is divided by its mean here, so that `alpha`
        does not shift the balance of positives and negatives.
    margin : float, default=0.0
        By how much the score of the better item must exceed that of the other in "pair".
    rank_weights : bool, default=False
        Whether the pairs of "pair" are weighted by the difference of reciprocal positions.
    decay, mu : float, default=10.0 and 0.1
        The settings of the position weights and of the discrepancy weights of "tang_wang".
    warmup : float in [0, 1], default=0.2
        The share of the training of "tang_wang" after which discrepancy weights are used.
    temperature : float, default=1.0
        The temperature of the teacher's standardised scores in "listnet".
    standardize : {"user", "all"}, default="user"
        Whether the teacher's scores get mean 0 and spread 1 over each user or over all, in "logits" and "listnet".
    n_sampled : int, default=100
        The number of items drawn from the whole catalogue into each list, in addition to the teacher's top K.
    lists_per_step : int, default=64
        The number of users whose lists are learned in each step.
    n_negatives : int, default=1
        The number of items drawn per interaction in the hard loss.
    exclude_seen : bool, default=True
        Whether a user's own interactions are left out of the teacher's list and never count as negatives.
    embedding_size : int, default=8
        The length of the vectors of users and items.
    hidden_layer_sizes : sequence of int, default=(32,)
        The units of the hidden layers of "two_tower" and "mlp".
    unknown_users : {"error", "popular"}, default="error"
        Whether users that were not there in `fit` raise an error or get the popularity of the items as scores.
    max_epochs : int, default=40
        The number of passes over the interactions.
    batch_size : int, default=1024
        The number of interactions per step.
    learning_rate : float, default=0.01
        The learning rate of AdamW at the start of the training.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        How the learning rate changes from step to step; "cosine" and "linear" end at 0.
    weight_decay : float, default=0.0
        Decoupled weight decay; it acts on weight matrices and embeddings.
    device : str, default="auto"
        The torch device of the training; "auto" takes a GPU when there is one. The fitted net is on the CPU.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the initial weights and of all draws; an int makes the result reproducible.

    Attributes
    ----------
    users_, items_ : arrays
        The ids of all users and of all items, sorted.
    module_ : torch module
        The trained net, on the CPU.
    teacher_top_ : int64 array of shape (n_users, k)
        The positions in `items_` of the teacher's best items, best first; -1 where the user has fewer unseen items or
        has no list.
    n_taught_ : int
        The number of users whose lists were learned: those whose items the teacher does not score all alike.
    n_parameters_ : int
        The number of parameters of the net.
    history_ : list of dict
        One row per epoch, with `epoch`, `loss`, `learning_rate` and `seconds`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import RankingDistiller
    >>> from compress.recommend import EASE
    >>> pairs = np.random.default_rng(0).integers(0, 30, size=(300, 2))
    >>> items = np.arange(30)
    >>> teacher = EASE().fit(pairs, items=items)
    >>> student = RankingDistiller(teacher, k=5, max_epochs=2, random_state=0).fit(pairs, items=items)
    >>> student.recommend([0, 1], k=3).shape
    (2, 3)
    """

    _parameter_constraints = {
        "student": [StrOptions({"mf", "two_tower", "mlp"})],
        "objective": [StrOptions(set(OBJECTIVES)), None],
        "k": [Interval(Integral, 1, None, closed="left")],
        "distill_weight": [Interval(Real, 0, None, closed="left")],
        "hard_loss": [StrOptions({"bpr", "bce"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "margin": [Interval(Real, 0, None, closed="left")],
        "rank_weights": ["boolean"],
        "decay": [Interval(Real, 0, None, closed="neither")],
        "mu": [Interval(Real, 0, None, closed="neither")],
        "warmup": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "standardize": [StrOptions({"user", "all"})],
        "n_sampled": [Interval(Integral, 1, None, closed="left")],
        "lists_per_step": [Interval(Integral, 1, None, closed="left")],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "exclude_seen": ["boolean"],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": ["array-like"],
        "unknown_users": [StrOptions({"error", "popular"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions(set(LEARNING_RATE_SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        teacher=None,
        *,
        student="mf",
        objective="list",
        k=20,
        distill_weight=1.0,
        hard_loss="bpr",
        alpha=1.0,
        margin=0.0,
        rank_weights=False,
        decay=10.0,
        mu=0.1,
        warmup=0.2,
        temperature=1.0,
        standardize="user",
        n_sampled=100,
        lists_per_step=64,
        n_negatives=1,
        exclude_seen=True,
        embedding_size=8,
        hidden_layer_sizes=(32,),
        unknown_users="error",
        max_epochs=40,
        batch_size=1024,
        learning_rate=0.01,
        schedule="cosine",
        weight_decay=0.0,
        device="auto",
        verbose=0,
        random_state=None,
    ):
        self.teacher = teacher
        self.student = student
        self.objective = objective
        self.k = k
        self.distill_weight = distill_weight
        self.hard_loss = hard_loss
        self.alpha = alpha
        self.margin = margin
        self.rank_weights = rank_weights
        self.decay = decay
        self.mu = mu
        self.warmup = warmup
        self.temperature = temperature
        self.standardize = standardize
        self.n_sampled = n_sampled
        self.lists_per_step = lists_per_step
        self.n_negatives = n_negatives
        self.exclude_seen = exclude_seen
        self.embedding_size = embedding_size
        self.hidden_layer_sizes = hidden_layer_sizes
        self.unknown_users = unknown_users
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self,
        interactions,
        y=None,
        *,
        users=None,
        items=None,
        user_features=None,
        item_features=None,
        multi_valued=(),
        schema=None,
    ):
        """Learn from interactions and the teacher.

        Parameters
        ----------
        interactions : array or DataFrame of shape (n, 2)
            The user id and the item id of each interaction. Repeated pairs count as often as they occur.
        y : None
            It is not used; it is there for scikit-learn's order of arguments.
        users, items : arrays of ids, optional
            The ids of all users and items; by default those with interactions. Users without interactions learn from
            the teacher alone.
        user_features, item_features : DataFrame, optional
            One row for each id of `users` and `items`, in their order, for "two_tower" and "mlp".
        multi_valued : sequence of str, default=()
            The feature columns with several values in one text, separated by spaces.
        schema : mapping of column to kind, optional
            The kinds of the feature columns.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            `k` is above the number of items, an id is unknown, or the scores of the teacher have another shape, are not
            finite or do not distinguish items.
        """
        self._validate_params()
        if y is not None:
            raise TypeError(
                f"fit takes interactions only, got a second argument of type {type(y).__name__}. "
                "A teacher goes into the constructor: RankingDistiller(teacher, ...)."
            )
        if self.objective is None and self.hard_loss is None:
            raise ValueError("objective and hard_loss must not both be None: there would be nothing to learn from.")
        if self.objective is not None and self.teacher is None:
            raise ValueError(
                f"objective={self.objective!r} needs a teacher, got None. Use objective=None for the control."
            )
        pairs = check_pairs(interactions)
        if len(pairs) == 0:
            raise ValueError("interactions must have at least one row, got none.")
        self._users = IdIndex(pairs[:, 0] if users is None else users, "user")
        self._items = IdIndex(pairs[:, 1] if items is None else items, "item")
        self.users_, self.items_ = self._users.ids, self._items.ids
        if self.k > len(self._items):
            raise ValueError(f"k must be at most the number of items, {len(self._items)}, got {self.k}.")
        self._seen = interaction_matrix(pairs, self._users, self._items)
        rng = check_random_state(self.random_state)
        self.teacher_top_, scores, taught = learn_teacher(self, self._seen)
        self.n_taught_ = 0 if taught is None else len(taught)
        device = resolve_device(self.device)
        with isolated_rng(draw_seed(rng)):
            self.module_ = build_student(
                self, (users, user_features), (items, item_features), tuple(multi_valued), schema
            ).to(device)
        self.n_parameters_ = sum(p.numel() for p in self.module_.parameters())
        batches = RankingBatches(self, self.module_, self._seen, self.teacher_top_, scores, taught, device)
        codes = torch.from_numpy(np.stack([self._users.codes(pairs[:, 0]), self._items.codes(pairs[:, 1])]))
        tensors, batch_size, max_epochs = tuple(codes), self.batch_size, self.max_epochs
        if self.hard_loss is None:  # lists instead of interactions, and as many steps as with them
            steps = self.max_epochs * math.ceil(len(pairs) / self.batch_size)
            tensors, batch_size = (torch.from_numpy(taught),), self.lists_per_step
            max_epochs = max(1, round(steps / math.ceil(len(taught) / batch_size)))
        with single_thread(device.type == "cpu"):
            result = train(
                self.module_,
                tensors,
                batches.loss,
                max_epochs=max_epochs,
                batch_size=batch_size,
                learning_rate=self.learning_rate,
                schedule=self.schedule,
                weight_decay=self.weight_decay,
                seed=draw_seed(rng),
                verbose=self.verbose,
                description="ranking student",
            )
        self.module_ = self.module_.to("cpu")
        self.history_, self.stopped_ = result.history, result.stopped
        return self

    def score_matrix(self, users, items=None) -> np.ndarray:
        """Return scores of shape (n_users, n_items), float32, for all pairs of some users and items.

        Parameters
        ----------
        users : array of shape (n_users,)
            The ids of the users.
        items : array of shape (n_items,), optional
            The ids of the items; by default `items_`.

        Raises
        ------
        ValueError
            An id was not there in `fit`; with `unknown_users="popular"` unknown users are scored by popularity.
        """
        check_is_fitted(self, "module_")
        known = self._users.codes(users, unknown="error" if self.unknown_users == "error" else "mark")
        columns = None if items is None else self._items.codes(items)
        popularity = np.log1p(np.asarray(self._seen.sum(axis=0), dtype=np.float32).ravel())
        scores = np.tile(popularity, (len(known), 1))
        rows = np.flatnonzero(known >= 0)
        with torch.no_grad(), single_thread():
            for start in range(0, len(rows), USERS_AT_A_TIME):
                some = rows[start : start + USERS_AT_A_TIME]
                scores[some] = self.module_.score_all(torch.from_numpy(known[some])).numpy()
        return scores if columns is None else scores[:, columns]

    def recommend(self, users, k: int = 10, *, exclude_seen: bool = True) -> np.ndarray:
        """Return the ids of the items with the highest scores, of shape (n_users, k), best first.

        Parameters
        ----------
        users : array of shape (n_users,)
            The ids of the users.
        k : int, default=10
            The number of items per user.
        exclude_seen : bool, default=True
            Whether the items that a user interacted with in `fit` are left out.

        Raises
        ------
        ValueError
            A user is unknown, `k` is above the number of items, or a user has fewer than `k` unseen items.
        """
        scores = self.score_matrix(users)
        if not 1 <= k <= len(self._items):
            raise ValueError(f"k must lie between 1 and the number of items, {len(self._items)}, got {k}.")
        known = self._users.codes(users, unknown="mark")
        seen = None
        if exclude_seen:
            seen = self._seen[np.maximum(known, 0)].toarray().astype(bool)
            seen[known < 0] = False
        best = top_k(scores, k, seen=seen)
        if (best < 0).any():
            user = np.asarray(users)[(best < 0).any(axis=1)][0]
            raise ValueError(
                f"k={k} is more than the unseen items of user {user}. Use a smaller k, or exclude_seen=False."
            )
        return self.items_[best]

    def to_bytes(self) -> bytes:
        """Return the weights in safetensors' format."""
        check_is_fitted(self, "module_")
        return weights_to_bytes(self.module_)
