"""What one would pick instead of a student: boosted trees of equal bytes, linear models, nets, and large ensembles."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from compress import TreeStudentClassifier, TreeStudentRegressor
from compress.evaluation import row_errors
from experiments._protocol import learned, spent

__all__ = ["direct", "usual"]

LEAVES = (8, 31)
ROUNDS = 300
STAGES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 250, 300)


@dataclass
class Sized:
    """A model of another library, with the bytes that it would have in the format of the tree students."""

    model: object
    n_bytes: int

    @property
    def classes_(self):
        return self.model.classes_

    def predict(self, X):
        return self.model.predict(X)

    def predict_proba(self, X):
        return self.model.predict_proba(X)


def direct(train, valid, both, budgets: list[int], regression: bool, seed: int) -> dict:
    """Boosted trees of the labelled rows alone, of both libraries, for each budget that they can meet.

    Each as a pair with the seconds of its fit, as of `usual`.
    """
    models = {}
    Student = TreeStudentRegressor if regression else TreeStudentClassifier
    grown = {}
    for leaves in LEAVES:
        own = Student(max_leaf_nodes=leaves, max_iter=ROUNDS, early_stopping=False, random_state=seed)
        grown["hist", leaves] = own, own_stages(clone(own).fit(*train), valid)
        overhead = len(grown["hist", leaves][1][0][2].to_bytes())
        light = lightgbm_of(regression, leaves, ROUNDS, seed)
        grown["lightgbm", leaves] = light, light_stages(clone(light).fit(*train), valid, regression, overhead)
    for limit in budgets:
        for library in ("hist", "lightgbm"):
            fitting = [
                (error, leaves, n)
                for (name, leaves), (_, stages) in grown.items()
                for n, error, _, size in stages
                if name == library and size <= limit
            ]
            if not fitting:
                continue
            _, leaves, n = min(fitting)
            if library == "hist":
                again = clone(grown["hist", leaves][0]).set_params(max_iter=n)
                made = spent(partial(learned, again, both, limit))
            else:
                overhead = len(grown["hist", leaves][1][0][2].to_bytes())
                booster, seconds = spent(partial(lightgbm_of(regression, leaves, n, seed).fit, *both))
                made = Sized(booster, stored_bytes(booster, n, overhead)), seconds
            models[f"{library}, {limit // 1000} kB"] = made
    return models


def own_stages(student, valid) -> list:
    """(rounds, error, student, bytes) of a tree student at several numbers of rounds."""
    stages = []
    for n in (n for n in STAGES if n <= student.n_iter_):
        cut = student.truncated(n)
        stages.append((n, error_of(cut, valid), cut, len(cut.to_bytes())))
    return stages


def light_stages(booster, valid, regression: bool, overhead: int) -> list:
    """(rounds, error, None, bytes) of a LightGBM model at several numbers of rounds."""
    method = booster.predict if regression else booster.predict_proba
    classes = None if regression else booster.classes_
    most = booster.booster_.current_iteration()
    return [
        (
            n,
            float(row_errors(valid[1], method(valid[0], num_iteration=n), classes).mean()),
            None,
            stored_bytes(booster, n, overhead),
        )
        for n in STAGES
        if n <= most
    ]


def stored_bytes(booster, n_iter: int, overhead: int) -> int:
    """The bytes of a LightGBM model as tree students are stored: 4 a leaf, 2 a split, 4 a different threshold."""
    dump = booster.booster_.dump_model(num_iteration=n_iter)
    splits, leaves, thresholds = 0, 0, set()
    stack = [tree["tree_structure"] for tree in dump["tree_info"]]
    while stack:
        node = stack.pop()
        if "split_feature" not in node:
            leaves += 1
            continue
        splits += 1
        thresholds.add((node["split_feature"], str(node["threshold"])))
        stack += [node["left_child"], node["right_child"]]
    return overhead + 4 * leaves + 2 * splits + 4 * len(thresholds)


def lightgbm_of(regression: bool, leaves: int, rounds: int, seed: int):
    """A LightGBM model, not fitted."""
    kind = LGBMRegressor if regression else LGBMClassifier
    return kind(num_leaves=leaves, n_estimators=rounds, n_jobs=1, verbose=-1, random_state=seed)


def error_of(model, rows) -> float:
    """Mean squared error on some rows."""
    classes = getattr(model, "classes_", None)
    output = model.predict(rows[0]) if classes is None else model.predict_proba(rows[0])
    return float(row_errors(rows[1], output, classes).mean())


def usual(train, valid, both, regression: bool, seed: int) -> dict:
    """Linear model and MLP of scikit-learn, and three ensembles with the defaults of their libraries.

    The MLP stops early or not, as the validation rows say.
    """
    numbers, texts = make_column_selector(dtype_exclude="category"), make_column_selector(dtype_include="category")
    dense = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
    )
    codes = make_column_transformer(
        (SimpleImputer(strategy="median", keep_empty_features=True), numbers),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1), texts),
    )
    if regression:
        nets = [
            TransformedTargetRegressor(
                make_pipeline(dense, MLPRegressor(early_stopping=early, random_state=seed)),
                transformer=StandardScaler(),
            )
            for early in (False, True)
        ]
        models = {
            "linear": make_pipeline(dense, Ridge()),
            "hist, defaults": HistGradientBoostingRegressor(early_stopping=True, random_state=seed),
            "lightgbm, defaults": LGBMRegressor(n_jobs=1, verbose=-1, random_state=seed),
            "forest, defaults": make_pipeline(codes, RandomForestRegressor(n_jobs=-1, random_state=seed)),
        }
    else:
        nets = [make_pipeline(dense, MLPClassifier(early_stopping=early, random_state=seed)) for early in (False, True)]
        models = {
            "linear": make_pipeline(dense, LogisticRegression(max_iter=1000)),
            "hist, defaults": HistGradientBoostingClassifier(early_stopping=True, random_state=seed),
            "lightgbm, defaults": LGBMClassifier(n_jobs=1, verbose=-1, random_state=seed),
            "forest, defaults": make_pipeline(codes, RandomForestClassifier(n_jobs=-1, random_state=seed)),
        }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 iterations are the default
        models["mlp"] = min(nets, key=lambda net: error_of(clone(net).fit(*train), valid))
        X, y = both
        return {name: spent(partial(model.fit, X, np.asarray(y))) for name, model in models.items()}
