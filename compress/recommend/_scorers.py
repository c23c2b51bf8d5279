"""Teachers of rankings: one interface to anything that scores pairs of users and items.

A scorer has `score_matrix(users, items)`, which takes ids and gives an array of shape (n_users, n_items).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from compress.schema import as_table, class_codes, pandas_of
from compress.teachers import known_classes, probability_columns

__all__ = ["FactorScorer", "TableScorer", "score_matrix"]


def score_matrix(teacher, users, items) -> np.ndarray:
    """Return a teacher's scores, of shape (n_users, n_items), checked.

    Scores in float64 stay so until they are ranked and standardised, since float32 makes ties of scores far from 0.

    Parameters
    ----------
    teacher : array, object with `score_matrix(users, items)`, or callable(users, items)
        The scores, or what gives them.
    users, items : arrays of ids
        The ids of the users and of the items.

    Raises
    ------
    TypeError
        The teacher is something else.
    ValueError
        The scores have another shape, or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import score_matrix
    >>> score_matrix(lambda users, items: np.add.outer(users, items), [1.0, 2.0], [10.0, 20.0])
    array([[11., 21.],
           [12., 22.]])
    """
    if hasattr(teacher, "score_matrix"):
        scores = teacher.score_matrix(users, items)
    elif isinstance(teacher, Callable):
        scores = teacher(users, items)
    elif isinstance(teacher, (np.ndarray, list)):
        scores = teacher
    else:
        raise TypeError(
            "teacher must be an array of shape (n_users, n_items), an object with score_matrix(users, items), or a "
            f"callable(users, items), got {type(teacher).__name__}. Wrap a model of factors in FactorScorer, a "
            "classifier of rows in TableScorer."
        )
    scores = np.asarray(scores)
    scores = scores if scores.dtype == np.float32 else scores.astype(np.float64, copy=False)
    if scores.shape != (len(users), len(items)):
        raise ValueError(
            f"teacher must score {len(users)} users × {len(items)} items, got scores of shape {scores.shape}."
        )
    if not np.isfinite(scores).all():
        user, item = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(
            f"teacher must give finite scores, got {scores[user, item]} for user {users[user]} and item {items[item]}. "
            "Replace what it cannot score by its lowest score."
        )
    return scores


class FactorScorer:
    """Scores from two matrices of factors, such as those of `implicit`'s `AlternatingLeastSquares`.

    Parameters
    ----------
    user_factors, item_factors : arrays of shape (n_users, d) and (n_items, d)
        The factors; `FactorScorer.of(model, ...)` takes them from an object that has both as attributes.
    users, items : arrays
        The ids of the rows of the two matrices.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.recommend import FactorScorer
    >>> scorer = FactorScorer(np.eye(2), np.array([[1.0, 0.0], [0.5, 2.0]]), users=[10, 11], items=["film", "play"])
    >>> scorer.score_matrix([11], ["film", "play"])
    array([[0., 2.]])
    """

    def __init__(self, user_factors, item_factors, users, items):
        self.user_factors, self.item_factors = np.asarray(user_factors), np.asarray(item_factors)
        self.user_row = {u: k for k, u in enumerate(users)}
        self.item_row = {i: k for k, i in enumerate(items)}
        for name, factors, rows in (
            ("user", self.user_factors, self.user_row),
            ("item", self.item_factors, self.item_row),
        ):
            if factors.ndim != 2 or len(factors) != len(rows):
                raise ValueError(f"{name}_factors must have one row per {name} id ({len(rows)}), got {factors.shape}.")

    @classmethod
    def of(cls, model, users, items) -> FactorScorer:
        """Make a scorer from a fitted model.

        Parameters
        ----------
        model : object
            A model with `user_factors` and `item_factors`.
        users, items : arrays
            The ids of the rows of the two matrices.
        """
        return cls(model.user_factors, model.item_factors, users, items)

    def score_matrix(self, users, items) -> np.ndarray:
        """Compute the inner products, of shape (n_users, n_items).

        Parameters
        ----------
        users, items : arrays of shape (n_users,) and (n_items,)
            The ids.

        Raises
        ------
        ValueError
            An id is unknown.
        """
        try:
            u = self.user_factors[[self.user_row[i] for i in users]]
            v = self.item_factors[[self.item_row[i] for i in items]]
        except KeyError as error:
            raise ValueError(f"the teacher's factors have no row for id {error.args[0]!r}.") from None
        return u @ v.T


class TableScorer:
    """Scores from a classifier of rows, such as one net of a dual DNN: its log-odds for each user with each item.

    Parameters
    ----------
    model : object
        A classifier with `logits(X)` of shape (n_rows, 1), or with `predict_proba` for two classes, of which the larger
        one counts.
    user_table, item_table : DataFrame
        One row for each id, with columns as in the training table of the model.
    user_column, item_column : str
        The names of the columns with the ids.
    columns : list of str
        The order of the columns in the training table.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from compress.recommend import TableScorer
    >>> users = pd.DataFrame({"user": [1, 2], "age": [20, 60]})
    >>> films = pd.DataFrame({"film": [7, 8, 9], "year": [1950, 1990, 2000]})
    >>> seen = pd.DataFrame({"age": [20, 60, 20], "year": [2000, 1950, 1950]})
    >>> model = LogisticRegression().fit(seen, [1, 1, 0])
    >>> columns = ["age", "year"]
    >>> scorer = TableScorer(model, users, films, user_column="user", item_column="film", columns=columns)
    >>> scorer.score_matrix([1, 2], [7, 9]).shape
    (2, 2)
    """

    def __init__(self, model, user_table, item_table, *, user_column: str, item_column: str, columns):
        self.model, self.columns = model, list(columns)
        self.user_table = pandas_of(as_table(user_table)).set_index(user_column, drop=False)
        self.item_table = pandas_of(as_table(item_table)).set_index(item_column, drop=False)

    def score_matrix(self, users, items, *, users_at_a_time: int = 32) -> np.ndarray:
        """Compute the log-odds, of shape (n_users, n_items).

        Parameters
        ----------
        users, items : arrays of shape (n_users,) and (n_items,)
            The ids.
        users_at_a_time : int, default=32
            The number of users whose rows are in memory at a time.
        """
        item_rows = self.item_table.loc[list(items)]
        parts = []
        for start in range(0, len(users), users_at_a_time):
            some = list(users[start : start + users_at_a_time])
            left = self.user_table.loc[np.repeat(some, len(items))].reset_index(drop=True)
            right = item_rows.iloc[np.tile(np.arange(len(items)), len(some))].reset_index(drop=True)
            rows = pd.concat([left, right], axis=1)[self.columns]
            parts.append(self._log_odds(rows).reshape(len(some), len(items)))
        return np.concatenate(parts)

    def _log_odds(self, rows) -> np.ndarray:
        if hasattr(self.model, "logits"):
            return self.model.logits(rows)[:, -1]
        classes = known_classes(self.model)
        p = probability_columns(self.model, self.model.predict_proba(rows), classes)
        positive = 1 if classes is None else int(class_codes(np.unique(classes)[-1:], classes)[0])
        p = np.clip(p[:, positive], 1e-12, 1 - 1e-12)
        return np.log(p / (1 - p))
