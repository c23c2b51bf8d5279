"""The library of models that an ensemble is selected from: random forests, extra trees and boosting.

Ensemble selection needs many models that err differently, and drops those that do not help. The
models differ as follows: for forests the split criterion, the number of columns tried per split, leaf size and depth;
for boosting the number of leaves or the depth, the learning rate, row and column sampling, leaf size
and l2. All models are single-threaded: parallelism is over models.

The default library holds what the large one gave weight to on validation rows of LETTER, ADULT and
COVTYPE: fast boosting with deep trees and small leaves where labels are clean, gentle boosting and
large leaves where they are noisy, extra trees for what both miss.
"""

from __future__ import annotations

from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.utils import check_random_state

from compress._random import draw_seed

__all__ = ["SIZES", "default_library"]

SIZES = ("default", "large", "small")
FEWEST_ROUNDS = 20
FAMILIES = {
    "classification": {
        "forest": RandomForestClassifier,
        "extra": ExtraTreesClassifier,
        "hist": HistGradientBoostingClassifier,
        "boosting": GradientBoostingClassifier,
    },
    "regression": {
        "forest": RandomForestRegressor,
        "extra": ExtraTreesRegressor,
        "hist": HistGradientBoostingRegressor,
        "boosting": GradientBoostingRegressor,
    },
}
WORDS = {  # parameter: how it reads in a model's name
    "n_estimators": "{}",
    "max_iter": "{}",
    "learning_rate": "rate{}",
    "criterion": "{}",
    "max_depth": "depth{}",
    "max_leaf_nodes": "leaves{}",
    "min_samples_leaf": "leaf{}",
    "max_features": "columns-{}",
    "subsample": "rows{}",
    "l2_regularization": "l2-{}",
    "bootstrap": "bootstrap",
}


def default_library(task: str, size: str = "default", *, n_classes: int = 2, n_jobs=None, random_state=None) -> list:
    """Return unfitted models as (name, estimator) pairs, slow ones first so that parallel fits end together.

    Parameters
    ----------
    task : {"classification", "regression"}
        Whether the models classify or predict values.
    size : {"default", "large", "small"}, default="default"
        The default library has the fourteen models that carry the weight (about 25 seconds on two cores for 4,000 rows
        of 16 columns and two classes), the large one more than 40 models for the strongest teacher, and the small one 4
        fast models.
    n_classes : int >= 2, default=2
        The number of classes. Boosting grows a tree per class and round, so with more than 2 classes the rounds are
        divided by sqrt(n_classes - 1).
    n_jobs : int or None, default=None
        The `n_jobs` of the forests; leave None where models are fitted in parallel.
    random_state : int, RandomState or None, default=None
        The source of the seeds; each model gets its own.

    Raises
    ------
    ValueError
        The task or the size is unknown.

    Examples
    --------
    >>> from compress.teachers import default_library
    >>> names = [name for name, _ in default_library("classification", "small")]
    >>> len(names), names[-1]
    (4, 'forest-20-gini-columns-sqrt-leaf1')
    """
    if task not in FAMILIES:
        raise ValueError(f"task must be one of {tuple(FAMILIES)}, got {task!r}.")
    if size not in SIZES:
        raise ValueError(f"library must be one of {SIZES} or a list of estimators, got {size!r}.")
    rng = check_random_state(random_state)
    table = {"default": _default, "large": _large, "small": _small}[size]()
    library = []
    for family, parameters in table:
        parameters = _for_task(family, parameters, task, n_classes)
        name = "-".join([family, *(WORDS[k].format(v) for k, v in parameters.items())])
        own = {"n_jobs": n_jobs} if family in ("forest", "extra") else {}
        seed = draw_seed(rng)
        library.append((name, FAMILIES[task][family](**parameters, **own, random_state=seed)))
    return library


def _for_task(family, parameters, task, n_classes) -> dict:
    parameters = dict(parameters)
    if family in ("forest", "extra"):
        if task == "regression":  # one criterion: the others are near copies, or slow
            parameters["criterion"] = "squared_error"
            if parameters["max_features"] == "sqrt":  # regression needs more columns per split
                parameters["max_features"] = 0.33 if family == "forest" else 0.7
        return parameters
    rounds = "max_iter" if family == "hist" else "n_estimators"
    if task == "classification" and n_classes > 2:
        parameters[rounds] = max(FEWEST_ROUNDS, round(parameters[rounds] / (n_classes - 1) ** 0.5))
    return parameters


def _forest(family, trees, columns, leaf=1, criterion="gini", **more):
    parameters = {"n_estimators": trees, "criterion": criterion, "max_features": columns}
    return family, {**parameters, "min_samples_leaf": leaf, **more}


def _hist(rounds, rate, leaves, leaf=20, columns=1.0, l2=0.0):
    return "hist", {
        "max_iter": rounds,
        "learning_rate": rate,
        "max_leaf_nodes": leaves,
        "min_samples_leaf": leaf,
        "max_features": columns,
        "l2_regularization": l2,
    }


def _boosting(rounds, rate, depth, rows=0.5, columns=None, leaf=1):
    return "boosting", {
        "n_estimators": rounds,
        "learning_rate": rate,
        "max_depth": depth,
        "min_samples_leaf": leaf,
        "subsample": rows,
        "max_features": columns,
    }


def _small():
    return [
        _boosting(20, 0.2, 4, columns=0.5),
        _hist(20, 0.2, 15),
        _forest("extra", 20, "sqrt"),
        _forest("forest", 20, "sqrt"),
    ]


def _default():
    return [
        _boosting(300, 0.1, 12, rows=0.7, columns=0.2, leaf=2),
        _boosting(1000, 0.1, 4, columns=0.3),
        _hist(1000, 0.05, 31, leaf=3, columns=0.3),
        _forest("forest", 500, 0.5, criterion="entropy"),
        _forest("extra", 500, None, criterion="entropy"),
        _boosting(300, 0.1, 6),
        _forest("forest", 500, "sqrt", leaf=3),
        _forest("extra", 500, "sqrt"),
        _hist(300, 0.1, 63, leaf=3, columns=0.3),
        _hist(800, 0.1, 15, leaf=3, columns=0.3),
        _hist(300, 0.1, 63),
        _boosting(200, 0.05, 5, columns=0.3),
        # for noisy targets: few or small trees
        _hist(400, 0.1, 4, columns=0.5),
        _hist(150, 0.1, 8, columns=0.5, l2=1.0),
    ]


def _large():
    boosting = [
        _boosting(300, 0.1, 12, rows=0.7, columns=0.2, leaf=2),
        _boosting(300, 0.05, 12, rows=0.7, columns=0.2, leaf=5),
        _boosting(300, 0.1, 8, columns=0.3),
        _boosting(400, 0.05, 8, columns=0.2),
        _boosting(1000, 0.1, 4, columns=0.3),
        _boosting(300, 0.1, 6),
        _boosting(300, 0.1, 6, columns=0.3),
        _boosting(200, 0.05, 5, columns=0.3),
        _boosting(400, 0.05, 3),
        _boosting(400, 0.1, 2),
        _boosting(500, 0.1, 1),  # boosted stumps, as in the paper's library
    ]
    clean = [(1000, 0.05, 31), (300, 0.1, 31), (300, 0.1, 63), (800, 0.1, 15)]
    hist = [
        _hist(rounds, rate, leaves, leaf, columns, l2)
        for rounds, rate, leaves in clean
        for leaf, columns, l2 in [(20, 1.0, 0.0), (3, 0.3, 0.0), (10, 0.5, 1.0)]
    ]
    noisy = [
        _hist(100, 0.05, 31, columns=0.3, l2=5.0),
        _hist(150, 0.1, 8, columns=0.5, l2=1.0),
        _hist(400, 0.1, 4, columns=0.5),
        _hist(300, 0.03, 15, leaf=40, columns=0.3, l2=5.0),
    ]
    forests = [
        _forest(family, 500, columns, leaf, criterion)
        for family in ("extra", "forest")
        for columns, leaf, criterion in [
            ("sqrt", 1, "gini"),
            ("sqrt", 3, "gini"),
            (0.5, 1, "entropy"),
            (0.5, 5, "gini"),
            (1, 1, "entropy"),
        ]
    ]
    forests += [
        _forest("extra", 500, None, criterion="entropy"),
        _forest("extra", 500, None, leaf=2),
        _forest("extra", 500, None, leaf=3),
        _forest("extra", 500, 0.5, leaf=5, criterion="entropy", bootstrap=True),
        _forest("forest", 500, "sqrt", max_depth=8),
    ]
    return boosting + hist + noisy + forests
