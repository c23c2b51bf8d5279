"""The teachers of the export benchmark: as large as a user makes them who tunes for accuracy.

Each kind is fitted at every size of its grid; the size with the smallest RMSE of the probabilities on the
validation rows is taken. Test rows and times have no say.

    random forest         100, 300 or 500 grown-out trees
    histogram boosting    100, 300 or 1,000 rounds, learning rate 0.03 or 0.1
    gradient boosting     100, 300 or 1,000 rounds of trees of depth 3 or 5
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from compress.search import validation_error

__all__ = ["Chosen", "chosen_teachers"]

TREES, ROUNDS = (100, 300, 500), (100, 300, 1000)
QUICK = (5, 20)
RATES, DEPTHS = (0.03, 0.1), (3, 5)


@dataclass(frozen=True)
class Chosen:
    """A teacher of the size that validation rows chose.

    Parameters
    ----------
    kind, size : str
        "gradient boosting", "300 rounds of depth 5".
    model : fitted classifier
    error : float
        RMSE on the validation rows.
    trials : dict
        The error of every size.
    """

    kind: str
    size: str
    model: object
    error: float
    trials: dict

    @property
    def name(self) -> str:
        """Kind and size."""
        return f"{self.kind}, {self.size}"


def chosen_teachers(X, y, X_val, y_val, *, quick: bool = False):
    """Yield the three teachers, one after the other."""
    trees, rounds = (QUICK, QUICK) if quick else (TREES, ROUNDS)
    kinds = {
        "random forest": (
            trees,
            {"{} trees": RandomForestClassifier(random_state=0, n_jobs=1)},
        ),
        "histogram boosting": (
            rounds,
            {
                f"{{}} rounds, learning rate {rate}": HistGradientBoostingClassifier(
                    learning_rate=rate, early_stopping=False, random_state=0
                )
                for rate in RATES
            },
        ),
        "gradient boosting": (
            rounds,
            {
                f"{{}} rounds of depth {depth}": GradientBoostingClassifier(max_depth=depth, random_state=0)
                for depth in DEPTHS
            },
        ),
    }
    for kind, (sizes, models) in kinds.items():
        yield _chosen(kind, sizes, models, X, y, X_val, y_val)


def _chosen(kind: str, sizes, models: dict, X, y, X_val, y_val) -> Chosen:
    errors, where = {}, {}
    for text, model in models.items():
        model.set_params(**{_size_parameter(model): max(sizes)}).fit(X, y)
        for n, p in _probabilities_by_size(model, X_val, sizes):
            name = text.format(f"{n:,}")
            errors[name], where[name] = validation_error(p, y_val, model.classes_), (model, n)
    best = min(errors, key=errors.get)
    model, n = where[best]
    if n < max(sizes):
        model.set_params(**{_size_parameter(model): n}).fit(X, y)  # the first n of the larger one
    print(f"{kind}, {best}: RMSE {errors[best]:.4f}, of {len(errors)} sizes", file=sys.stderr, flush=True)
    return Chosen(kind, best, model, errors[best], errors)


def _size_parameter(model) -> str:
    return "max_iter" if hasattr(model, "max_iter") else "n_estimators"


def _probabilities_by_size(model, X, sizes):
    """(n, probabilities of the first n trees or rounds) of a model that has the most."""
    if hasattr(model, "staged_predict_proba"):
        for n, p in enumerate(model.staged_predict_proba(X), start=1):
            if n in sizes:
                yield n, p
        return
    total = np.zeros((len(X), len(model.classes_)))
    for n, tree in enumerate(model.estimators_, start=1):
        total += tree.predict_proba(X)
        if n in sizes:
            yield n, total / n
