"""Tables of what `experiments.model_compression` chose on validation rows, and where its time went."""

from __future__ import annotations

import numpy as np

from experiments._cells import counted, markdown_table, mean
from experiments._runner import spread

__all__ = ["choices", "pair_changes", "pair_table", "seconds_table"]

# Parts of a run, and the stages that each sums up; generating and labelling are within "munge_and_label".
STAGES = {
    "T": ["teacher"],
    "p and s": ["tune"],
    "rows and labels": ["munge_and_label", "larger_p"],
    "S2": ["S2", "S2_same"],
    "S1": ["S1"],
    "recipe": ["recipe"],
    "test": ["test"],
}


def pair_table(groups: dict) -> str:
    """What S1 is worth on the validation rows with the pair that small trials chose, and with a larger p, if tried."""
    rows = []
    for problem, group in groups.items():
        both = [r["S1_by_pair"] for r in group if len(r["S1_by_pair"]) == 2]
        if both:
            change = pair_changes(group)
            row = [problem]
            for side in ([run[i] for run in both] for i in (0, 1)):
                pairs = counted(f"{pair['p']:g}, {pair['s']:g}" for pair in side)
                row += [pairs, spread([pair["rmse"] for pair in side], 4)]
            rows.append([*row, spread(change, 1, sign="+"), f"{sum(c < 0 for c in change)} of {len(change)}"])
    if not rows:
        return ""
    head = ["p and s by small trials", "S1", "p and s at full size", "S1", "change, %", "taken"]
    return markdown_table(["problem", *head], rows)


def pair_changes(group: list) -> list[float]:
    """By run, how much in percent the larger p changes the validation RMSE of S1."""
    both = [r["S1_by_pair"] for r in group if len(r["S1_by_pair"]) == 2]
    return [100 * (full["rmse"] / small["rmse"] - 1) for small, full in both]


def choices(groups: dict) -> str:
    """p and s, how S1 was taught, the shape of S2, which student the recipe is, and the size of T."""
    rows = []
    for problem, group in groups.items():
        chosen = [r["chosen"] for r in group]
        rows.append(
            [
                problem,
                counted(f"{c['S1']['p']:g}, {c['S1']['s']:g}" for c in chosen),
                counted(
                    f"{c['S1']['epochs']} epochs at {c['S1']['learning_rate']:g}{decayed(c['S1'])}" for c in chosen
                ),
                counted(f"{c['S2']['hidden']} units, decay {c['S2']['weight_decay']:g}" for c in chosen),
                counted(recipe_of(c) for c in chosen if c["recipe"]),
                counted(c["S2_recipe"]["family"] for c in chosen if c["S2_recipe"]),
                f"{np.mean([r['n_members'] for r in group]):.1f}",
            ]
        )
    head = ["problem", "p, s", "S1 taught for", "S2", "recipe", "S2, of the recipe", "models in T"]
    return markdown_table(head, rows, texts=6)


def recipe_of(chosen: dict) -> str:
    """The family that the recipe took, and whether it was taught."""
    return chosen["recipe"]["family"] + ("" if chosen["recipe"]["taught"] else ", untaught")


def decayed(way: dict) -> str:
    """What is said of a weight decay that is not the default."""
    return f", decay {way['weight_decay']:g}" if "weight_decay" in way else ""


def seconds_table(groups: dict) -> str:
    """Mean seconds of each part of a run."""
    rows = []
    for problem, group in groups.items():
        stages = mean(group, "stage_seconds")
        parts = [sum(stages.get(stage, 0.0) for stage in names) for names in STAGES.values()]
        rows.append([problem, *(f"{seconds:.0f}" for seconds in parts), f"{sum(parts):.0f}"])
    return markdown_table(["problem", *STAGES, "all"], rows)
