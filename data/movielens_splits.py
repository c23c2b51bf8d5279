"""MovieLens-100K as two problems: click-through (is a rating 4 or 5?) and top-N (which films come next?).

Rows are split at random or by time. By time, the click-through problem is cut at two moments, so that
most users of the later parts are new; the top-N problem is cut within each user, whose latest films are
the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from data._movielens import load_movielens

__all__ = ["ClickProblem", "TopNProblem", "check_split", "movielens_clicks", "movielens_topn"]

SPLITS = ("random", "chronological")
LIKED = 4
"""Ratings from here on are positive: 55 % of all."""


@dataclass(frozen=True, eq=False)
class ClickProblem:
    """Labelled rows of fields, most of them ids, with the parts of a split.

    Attributes
    ----------
    X_train, X_valid, X_test : DataFrame
    y_train, y_valid, y_test : ndarray of 0 and 1
    schema : dict
        The integers that are ids are nominal.
    multi_valued : tuple of str
        The columns whose cells hold several values, separated by spaces.
    """

    X_train: pd.DataFrame
    y_train: np.ndarray
    X_valid: pd.DataFrame
    y_valid: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray
    schema: dict
    multi_valued: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TopNProblem:
    """Positive interactions as (user_id, item_id) rows, and who and what there is.

    Attributes
    ----------
    train, valid, test : int64 arrays of shape (n, 2)
    users, items : int64 arrays, all ids
    user_features, item_features : DataFrame, one row per id in that order, without the id
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    users: np.ndarray
    items: np.ndarray
    user_features: pd.DataFrame
    item_features: pd.DataFrame


def movielens_clicks(seed: int = 0, *, split: str = "random", n_rows: int | None = None) -> ClickProblem:
    """80 % training, 10 % validation, 10 % test rows.

    Parameters
    ----------
    seed : int
        Divides training and validation rows of the random split. Its test rows are the same for every seed,
        so that what is chosen with one seed has seen no other seed's test rows. The chronological split
        has no chance in it but the order of equal times.
    split : {"random", "chronological"}
    n_rows : int, optional
        Take so many ratings only (the first in the order of the split).

    Returns
    -------
    ClickProblem
        Columns: `user_id`, `item_id`: int64; `age_band`, `gender`, `occupation`, `period`: category; `genres`:
        several values separated by spaces. Positive are ratings of at least 4.
    """
    check_split(seed, split)
    ratings, users, items = load_movielens()
    users, items = _described(users, items)
    if split == "random":
        order = _order(ratings, 0, split)[:n_rows]
        n_rest = int(0.9 * len(order))
        rest = order[:n_rest][np.argsort(np.random.default_rng([seed, 2016]).random(n_rest), kind="stable")]
        order = np.concatenate([rest, order[n_rest:]])
    else:
        order = _order(ratings, seed, split)[:n_rows]
    table = ratings.iloc[order].merge(users, on="user_id", how="left").merge(items, on="item_id", how="left")
    y = (table["rating"] >= LIKED).to_numpy(dtype=np.int64)
    X = table.drop(columns=["rating", "timestamp"])
    a, b = int(0.8 * len(X)), int(0.9 * len(X))
    return ClickProblem(
        X.iloc[:a],
        y[:a],
        X.iloc[a:b],
        y[a:b],
        X.iloc[b:],
        y[b:],
        schema={"user_id": "nominal", "item_id": "nominal"},
        multi_valued=("genres",),
    )


def movielens_topn(
    seed: int = 0, *, split: str = "random", n_users: int | None = None, test_seed: int | None = None
) -> TopNProblem:
    """Per user 70 % of the liked films for training, 10 % for validation, 20 % for the test.

    Parameters
    ----------
    seed : int
    split : {"random", "chronological"}
        Within each user.
    n_users : int, optional
        Take the first so many users only.
    test_seed : int, optional
        The test rows are those of this seed, and `seed` divides training and validation rows alone. What is chosen
        with one seed has then seen no other seed's test rows. By default it is `seed`.
    """
    check_split(seed, split)
    ratings, users, items = load_movielens()
    if n_users is not None:
        users = users.iloc[:n_users]
        ratings = ratings[ratings["user_id"].isin(users["user_id"])]
    liked = ratings[ratings["rating"] >= LIKED]
    liked = liked.iloc[_order(liked, seed if test_seed is None else test_seed, split)]
    part = np.digitize(_position(liked), [0.7, 0.8])
    if test_seed is not None and split == "random":
        rest, test = liked[part < 2], liked[part == 2]
        draws = np.random.default_rng([seed, 2017]).random(len(rest))
        rest = rest.iloc[np.argsort(draws, kind="stable")]
        liked = pd.concat([rest, test])
        part = np.concatenate([np.digitize(_position(rest), [0.7 / 0.8]), np.full(len(test), 2)])
    pairs = liked[["user_id", "item_id"]].to_numpy(dtype=np.int64)
    user_features, item_features = _described(users, items)
    return TopNProblem(
        pairs[part == 0],
        pairs[part == 1],
        pairs[part == 2],
        users["user_id"].to_numpy(),
        items["item_id"].to_numpy(),
        user_features.drop(columns="user_id"),
        item_features.drop(columns="item_id"),
    )


def _position(rows: pd.DataFrame) -> np.ndarray:
    """Where each row stands among its user's, in [0, 1)."""
    by_user = rows.groupby("user_id")["item_id"]
    return (by_user.cumcount() / by_user.transform("size")).to_numpy()


def _order(ratings: pd.DataFrame, seed: int, split: str) -> np.ndarray:
    draws = np.random.default_rng([seed, 2015]).random(len(ratings))
    if split == "random":
        return np.argsort(draws, kind="stable")
    # ratings are given by the page: equal times get a random order, not that of the file
    return np.lexsort([draws, ratings["timestamp"].to_numpy()])


def _described(users: pd.DataFrame, items: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    bands = pd.cut(users["age"], [0, 17, 24, 34, 44, 49, 55, 200]).cat.codes.map(lambda c: f"age{c}")
    users = pd.DataFrame(
        {
            "user_id": users["user_id"],
            "age_band": bands.astype("category"),
            "gender": users["gender"],
            "occupation": users["occupation"],
        }
    )
    years = pd.cut(items["year"], [0, 1949, 1969, 1979, 1989, 1993, 1994, 1995, 1996, 2100]).cat.codes
    periods = years.map(lambda c: f"period{c}").astype("category")
    return users, pd.DataFrame({"item_id": items["item_id"], "period": periods, "genres": items["genres"]})


def check_split(seed, split) -> None:
    """Raise ValueError unless the seed is an integer of at least 0 and the split one of `SPLITS`."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be an integer of at least 0, got {seed!r}.")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, got {split!r}.")
