"""Loaders: a table, a learning problem split into parts, films and digits.

    from data.load import load_problem
    problem = load_problem("letter.p2", seed=0)
    model.fit(problem.X_train, problem.y_train)

A set that is not bundled and not in the cache is fetched by `data.prepare`.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from data._digits import load_mnist
from data._movielens import load_movielens
from data._problems import PROBLEMS, Spec
from data._registry import DATASETS
from data.prepare import content

__all__ = [
    "Problem",
    "load_mnist",
    "load_movielens",
    "load_problem",
    "load_table",
    "problem_names",
    "table_names",
]

SPLIT_STREAM = 2006
"""Keeps the splitting apart from other uses of the same seed."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A learning problem: training, validation and test rows, and rows left over.

    Attributes
    ----------
    name : str
    seed : int
    task : str
        "binary", "multiclass" or "regression".
    X_train, X_valid, X_test, X_rest : DataFrame
        Disjoint rows of one table; the index is the row number in the table.
        `X_rest` holds the rows in no other part, as unlabelled data; it may be empty.
        Numeric columns are int64 or float64, nominal ones `category` with every
        category of the whole table; a missing value is NaN.
    y_train, y_valid, y_test : ndarray of shape (n,)
        0 or 1 (binary), the class labels (multiclass), or floats (regression).
    nominal : tuple of str
        Names of the nominal columns.
    description : str
        The question, the share of positives, and what should be known.
    """

    name: str
    seed: int
    task: str
    X_train: pd.DataFrame
    y_train: np.ndarray
    X_valid: pd.DataFrame
    y_valid: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray
    X_rest: pd.DataFrame
    nominal: tuple[str, ...]
    description: str

    def __repr__(self) -> str:
        sizes = ", ".join(f"{part}={len(getattr(self, f'X_{part}'))}" for part in ("train", "valid", "test", "rest"))
        return f"Problem({self.name!r}, seed={self.seed}, {self.task}, {sizes})"


def problem_names(task: str | None = None) -> tuple[str, ...]:
    """The names that `load_problem` knows; with `task`, those of one task (see `Problem`)."""
    return tuple(name for name, spec in PROBLEMS.items() if task in (None, spec.task))


def table_names() -> tuple[str, ...]:
    """The names that `load_table` knows."""
    return tuple(name for name, dataset in DATASETS.items() if dataset.labels)


def load_table(name: str) -> pd.DataFrame:
    """A whole table, in the order of its file; the target is the last column, `target`.

    Parameters
    ----------
    name : str
        One of `table_names()`.

    Returns
    -------
    DataFrame
        Columns typed as in `Problem`; the target is str, int64 or float64.
    """
    if name not in table_names():
        raise ValueError(f"name must be one of {', '.join(table_names())}, got {name!r}.")
    dataset = DATASETS[name]
    types = dict.fromkeys(dataset.nominal, "str")
    types["target"] = {"str": "str", "int": "int64", "float": "float64"}[dataset.labels]
    table = pd.read_csv(io.BytesIO(content(name)), dtype=types, keep_default_na=False, na_values=[""])
    for column in dataset.nominal:
        known = sorted(table[column].dropna().unique().tolist(), key=_natural)
        table[column] = pd.Categorical(table[column], categories=known)
    return table


def load_problem(
    name: str,
    seed: int = 0,
    *,
    n_train: int | None = None,
    n_valid: int | None = None,
    n_test: int | None = None,
) -> Problem:
    """A problem with its rows split at random into training, validation and test rows.

    Parameters
    ----------
    name : str
        One of `problem_names()`.
    seed : int, default=0
        Chooses the split. Problems on the same table (letter.p1, letter.p2, letter)
        have the same rows in each part for the same seed.
    n_train, n_valid, n_test : int, optional
        Sizes. By default 4,000 (satellite 3,000) and 1,000, and for the test the
        25,000 or fewer rows that these leave.

    Returns
    -------
    Problem

    Notes
    -----
    `numpy.random.default_rng([seed, 2006])` draws one number per row; sorting them
    gives the one permutation. Training rows are taken from its front, validation
    rows from its end, test rows from before those, so a larger training set contains
    the smaller, and, while there are rows left over, validation and test stay as
    they are. Rows equal in every column occur (1,012 in letter) and may fall into
    two parts. Splits are not stratified.

    covtype: the paper calls the largest class positive and gives its share as 36 %.
    The largest class has 49 %; class 1, Spruce/Fir, has 36 % and is the one taken.
    """
    if name not in PROBLEMS:
        raise ValueError(f"name must be one of {', '.join(PROBLEMS)}, got {name!r}.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be an integer of at least 0, got {seed!r}.")
    spec = PROBLEMS[name]
    table = load_table(spec.table)
    sizes = split_sizes(spec, len(table), n_train, n_valid, n_test)
    train, valid, test, rest = split_rows(len(table), int(seed), *sizes)

    X, y = table.drop(columns="target"), table["target"].to_numpy()
    if spec.positive is not None:
        y = spec.positive(y.astype(object)).astype(np.int64)
    elif y.dtype.kind not in "if":
        y = y.astype(np.str_)
    return Problem(
        name=name,
        seed=int(seed),
        task=spec.task,
        X_train=X.iloc[train],
        y_train=y[train],
        X_valid=X.iloc[valid],
        y_valid=y[valid],
        X_test=X.iloc[test],
        y_test=y[test],
        X_rest=X.iloc[rest],
        nominal=DATASETS[spec.table].nominal,
        description=spec.description,
    )


def split_sizes(
    spec: Spec, n_rows: int, n_train: int | None, n_valid: int | None, n_test: int | None
) -> tuple[int, int, int]:
    """The three sizes, checked; defaults filled in."""
    given = {"n_train": n_train, "n_valid": n_valid, "n_test": n_test}
    for key, value in given.items():
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if value is not None and not (whole and value > 0):
            raise ValueError(f"{key} must be an integer above 0 or None, got {value!r}.")
    train = spec.n_train if n_train is None else int(n_train)
    valid = spec.n_valid if n_valid is None else int(n_valid)
    usual = min(spec.max_test, n_rows - spec.n_train - spec.n_valid)
    test = min(usual, max(n_rows - train - valid, 1)) if n_test is None else int(n_test)
    if train + valid + test > n_rows:
        raise ValueError(
            f"n_train + n_valid + n_test must be at most the {n_rows} rows of table "
            f"{spec.table!r}, got {train} + {valid} + {test} = {train + valid + test}; "
            "ask for fewer rows."
        )
    return train, valid, test


def split_rows(
    n_rows: int, seed: int, n_train: int, n_valid: int, n_test: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers of the training, validation, test and left-over parts."""
    # Sorting uniform draws, since numpy promises more for them than for `permutation`.
    draws = np.random.default_rng([seed, SPLIT_STREAM]).random(n_rows)
    order = np.argsort(draws, kind="stable")
    end = n_rows - n_valid
    return order[:n_train], order[end:], order[end - n_test : end], order[n_train : end - n_test]


def _natural(text: str) -> list[str | int]:
    """Sort key that puts "s2" before "s10"."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]
