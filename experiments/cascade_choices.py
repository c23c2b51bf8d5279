"""What the students of the cascade learn with, chosen on validation rows: weights, K, alpha, negatives.

One stage after the other, one setting after the other. A setting is judged by NDCG@10 of the final list of a cascade in
which the stage before has learned from labels and whatever a stage keeps goes to the ranker at once, as a mean over the
tuning seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments._distillation import best, climbed, remembered

__all__ = ["GRID", "START", "WIDE", "search"]

START = {"k": 20, "n_sampled": 50}
WIDE = 100  # a K far above what pre-ranking keeps
GRID = {
    "ridge": [100.0, 200.0, 400.0],
    "decay": [0.0, 0.1],
    "weight": {"logits": [0.3, 1.0], "point": [0.6, 2.0], "pair": [0.3, 1.0], "list": [0.02, 0.1]},
    "n_sampled": [50, 200],
    "k": [20, WIDE],
    "alpha": [0.0, 1.0, 5.0],
    "start": START,
}


def search(of_tuning_seeds: Callable, config: dict, notes: Path) -> dict:
    """The ridge of the ranker, then for each stage the settings of each arm.

    Parameters
    ----------
    of_tuning_seeds : callable(ridge)
        Gives the cascades of the tuning seeds, judged on their validation rows.
    config : dict
        What the results depend on besides.
    notes : Path
        Where what has been tried is kept until the search has ended.

    Returns
    -------
    dict
        `chosen`, in which `tried` has all K and alpha of the point-wise form, and `valid_ndcg` of all values tried.
    """
    cascades = {ridge: of_tuning_seeds(ridge) for ridge in GRID["ridge"]}
    tried = {"ridge": {ridge: _mean(c.quality(c.own) for c in found) for ridge, found in cascades.items()}}
    chosen = {"ridge": best(tried["ridge"])}
    cascades, kept = cascades[chosen["ridge"]], None
    for stage in ("recall", "preranking"):
        judge = remembered(notes.with_name(f"{notes.name}.{stage}.json"), config, _judge(cascades, stage, kept))
        chosen[stage], tried[stage] = of_stage(judge)
        kept = [c.first(c.scores_of("recall", chosen["recall"]["labels"])) for c in cascades]
    for stage in ("recall", "preranking"):
        notes.with_name(f"{notes.name}.{stage}.json").unlink()
    return {"chosen": chosen, "valid_ndcg": tried}


def _judge(cascades: list, stage: str, kept: list | None) -> Callable:
    """A function from settings to NDCG@10 with one stage trained in that way."""

    def judge(**settings) -> float:
        found = []
        for i, cascade in enumerate(cascades):
            scores = cascade.scores_of(stage, settings)
            found.append(cascade.quality(cascade.first(scores) if kept is None else cascade.second(scores, kept[i])))
        return _mean(found)

    return judge


def of_stage(judge: Callable) -> tuple[dict, dict]:
    """Settings by arm, and what every value gave; `judge(**settings)` is the NDCG."""
    tried = {"labels": {decay: judge(objective=None, weight_decay=decay) for decay in GRID["decay"]}}
    chosen = {"labels": {"objective": None, "weight_decay": best(tried["labels"])}}
    for objective, weights in GRID["weight"].items():
        settings = {"objective": objective, **START, **({"alpha": 0.0} if objective == "point" else {})}
        scores = climbed(weights, lambda w, settings=settings: judge(**settings, distill_weight=w), further=1)
        settings["distill_weight"], tried[objective] = best(scores), {"weight": scores}
        for name in {"logits": (), "point": ("n_sampled",)}.get(objective, ("n_sampled", "k")):
            scores = {value: judge(**{**settings, name: value}) for value in GRID[name]}
            settings[name], tried[objective][name] = best(scores), scores
        chosen[objective] = settings
    point = chosen["point"]
    grid = {k: {alpha: judge(**{**point, "k": k, "alpha": alpha}) for alpha in GRID["alpha"]} for k in GRID["k"]}
    chosen |= {**_pointwise(point, grid), "tried": grid}
    return chosen, {**tried, "alpha": grid}


def _pointwise(point: dict, grid: dict) -> dict:
    """The arms without and with position weights: at the usual K, at a large one, and without labels."""

    def weighted(k: int) -> dict:
        alpha = best({alpha: value for alpha, value in grid[k].items() if alpha > 0})
        return {**point, "k": k, "alpha": alpha}

    wide, usual = {**point, "k": WIDE}, weighted(START["k"])
    return {
        "point_alpha": usual,
        "wide": wide,
        "wide_alpha": weighted(WIDE),
        "free": {**point, "hard_loss": None},
        "free_alpha": {**usual, "hard_loss": None},
    }


def _mean(found) -> float:
    return float(np.mean([metrics["ndcg"] for metrics in found]))
