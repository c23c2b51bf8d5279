"""MovieLens-100K as three tables.

The rows may not be passed on, so they live in the user's cache only. Cite:
F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context,
ACM Transactions on Interactive Intelligent Systems 5(4), article 19, 2015.
"""

from __future__ import annotations

import io

import pandas as pd

from data.prepare import content

__all__ = ["load_movielens"]


def load_movielens() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Ratings, users and items of MovieLens-100K.

    Returns
    -------
    ratings : DataFrame of shape (100000, 4)
        `user_id`, `item_id`, `rating` (1 to 5), `timestamp` (seconds since 1970): int64.
    users : DataFrame of shape (943, 5)
        `user_id`, `age`: int64; `gender`, `occupation`: category; `zip_code`: str.
    items : DataFrame of shape (1682, 4)
        `item_id`: int64; `title`: str; `year`: float64, NaN if unknown (2 items);
        `genres`: str, separated by spaces ("Children's Comedy").
    """

    def table(key: str, text: tuple[str, ...] = ()) -> pd.DataFrame:
        data = content("movielens", f"movielens_{key}.csv.gz")
        types = dict.fromkeys(text, "str")
        return pd.read_csv(io.BytesIO(data), dtype=types, keep_default_na=False, na_values={"year": [""]})

    users = table("users", ("gender", "occupation", "zip_code"))
    for column in ("gender", "occupation"):
        users[column] = users[column].astype("category")
    return table("ratings"), users, table("items", ("title", "genres"))
