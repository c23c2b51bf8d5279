"""The library of models that an ensemble is selected from: random forests, extra trees and boosting.

Ensemble selection wants many models that err differently, and drops those that do not help. What
varies: for forests the split criterion, the number of columns tried per split, leaf size and depth;
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

__all__ = ["SIZES", "default_library"]

SIZES = ("default", "large", "small")
TASKS = ("classification", "regression")


def default_library(task: str, size: str = "default", *, n_jobs=None, random_state=None) -> list:
    """Unfitted models as a list of (name, estimator), slow ones first so that parallel fits end together.

    Parameters
    ----------
    task : {"classification", "regression"}
    size : {"default", "large", "small"}
        "default": the fourteen that carry the weight (about 25 seconds on two cores for 4,000 rows of
        16 columns); "large": more than 40 models, for the strongest teacher; "small": 4 fast ones.
    n_jobs : int or None
        Passed to the forests. Leave None where models are fitted in parallel.
    random_state : int, RandomState instance or None
        Each model gets a seed of its own drawn from it.

    Raises
    ------
    ValueError
        Unknown task or size.
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {TASKS}, got {task!r}.")
    if size not in SIZES:
        raise ValueError(f"library must be one of {SIZES} or a list of estimators, got {size!r}.")
    families = _families(task == "classification", n_jobs)
    rng = check_random_state(random_state)
    table = {"default": _default, "large": _large, "small": _small}[size]()
    library = []
    for name, family, parameters in table:
        make, criteria = families[family]
        parameters = dict(parameters)
        if "criterion" in parameters:
            parameters["criterion"] = criteria[parameters["criterion"]]
        library.append((name, make(**parameters, random_state=rng.randint(2**31 - 1))))
    return library


def _families(classification: bool, n_jobs):
    """family -> (constructor, its names of the two split criteria)."""
    forest, extra, hist, boosting = (
        (
            RandomForestClassifier,
            ExtraTreesClassifier,
            HistGradientBoostingClassifier,
            GradientBoostingClassifier,
        )
        if classification
        else (
            RandomForestRegressor,
            ExtraTreesRegressor,
            HistGradientBoostingRegressor,
            GradientBoostingRegressor,
        )
    )
    # "friedman_mse" and the like are near copies in regression, and "absolute_error" is O(n^2)
    criteria = (
        {"gini": "gini", "entropy": "entropy"}
        if classification
        else dict.fromkeys(("gini", "entropy"), "squared_error")
    )
    return {
        "forest": (lambda **p: forest(n_jobs=n_jobs, **p), criteria),
        "extra": (lambda **p: extra(n_jobs=n_jobs, **p), criteria),
        "hist": (hist, criteria),
        "boosting": (boosting, criteria),
    }


def _forest(family, trees, columns, leaf=1, criterion="gini", depth=None, bootstrap=None):
    name = f"{family}-{trees}-{criterion}-{columns}-leaf{leaf}"
    parameters = {
        "n_estimators": trees,
        "max_features": columns,
        "min_samples_leaf": leaf,
        "criterion": criterion,
        "max_depth": depth,
    }
    if bootstrap is not None:
        parameters["bootstrap"] = bootstrap
    return (
        name + (f"-depth{depth}" if depth else "") + ("-bootstrap" if bootstrap else ""),
        family,
        parameters,
    )


def _hist(rounds, rate, leaves, leaf=20, columns=1.0, l2=0.0):
    name = f"hist-{rounds}-rate{rate}-leaves{leaves}-leaf{leaf}-{columns}-l2{l2:g}"
    return (
        name,
        "hist",
        {
            "max_iter": rounds,
            "learning_rate": rate,
            "max_leaf_nodes": leaves,
            "min_samples_leaf": leaf,
            "max_features": columns,
            "l2_regularization": l2,
        },
    )


def _boosting(rounds, rate, depth, rows=0.5, columns=None, leaf=1):
    name = f"boosting-{rounds}-rate{rate}-depth{depth}-rows{rows}-{columns}-leaf{leaf}"
    return (
        name,
        "boosting",
        {
            "n_estimators": rounds,
            "learning_rate": rate,
            "max_depth": depth,
            "subsample": rows,
            "max_features": columns,
            "min_samples_leaf": leaf,
        },
    )


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
    hist = [
        _hist(rounds, rate, leaves, leaf, columns, l2)
        for rounds, rate, leaves in [(1000, 0.05, 31), (300, 0.1, 31), (300, 0.1, 63), (800, 0.1, 15)]
        for leaf, columns, l2 in [(20, 1.0, 0.0), (3, 0.3, 0.0), (10, 0.5, 1.0)]
    ]
    gentle = [
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
        _forest("extra", 500, None, 1, "entropy"),
        _forest("extra", 500, None, 1, "gini"),
        _forest("extra", 500, None, 3, "gini"),
        _forest("extra", 500, 0.5, 5, "entropy", bootstrap=True),
        _forest("forest", 500, "sqrt", 1, "gini", depth=8),
    ]
    return boosting + hist + gentle + forests
