"""Claims about what else makes students better, and how fast they learn."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments._cells import mean
from experiments._claims import HOLDS, PARTLY, Claim, every, most, register
from experiments._runner import by_problem
from experiments._stored import summary
from experiments.recipe import gaps_of
from experiments.small_models_table import DEFAULTS, compared

OWN = "auto, 64 kB"
CLAIMS: list[Claim] = []
claim = partial(register, CLAIMS)


@claim(
    "A student taught by the mean of five students is better than one taught by T",
    whose="ours",
    page="recipe",
)
def taught_again():
    groups = by_problem(summary("recipe/summary")).values()
    gaps = [gaps_of(group, "mean of five students taught again") for group in groups]
    won, runs = sum(int((g < 0).sum()) for g in gaps), sum(map(len, gaps))
    return f"{np.mean([g.mean() for g in gaps]):+.1f} %; {won} of {runs} runs", most(won, runs)


@claim(
    "A net of 256 units is better for `CompressedClassifier` or `CompressedRegressor` than on the raw rows",
    whose="ours",
    page="compress_anything",
)
def compress_anything_beats_the_raw_net():
    groups = by_problem(summary("compress_anything/summary")).values()
    better = sum(mean(group, "rmse")["student"] < mean(group, "rmse")["control"] for group in groups)
    return f"{better} of {len(groups)} tables", every(better, len(groups))


@claim(
    "True labels of the original rows make a better student than the teacher's labels",
    whose="ours",
    page="original_labels",
)
def true_labels_are_better():
    groups = by_problem(summary("original_labels/summary")).values()
    gaps = [100 * np.mean([r["valid_rmse"]["true"] / r["valid_rmse"]["teacher"] - 1 for r in g]) for g in groups]
    better = sum(gap < 0 for gap in gaps)
    return f"{better} of {len(gaps)} tables; {min(gaps):+.1f} to {max(gaps):+.1f} %", most(better, len(gaps))


@claim(
    "Periodic embeddings of continuous columns make a better student, at equal bytes",
    whose="Gorishniy et al. 2022",
    theirs="at more bytes",
    page="numerical_embeddings",
)
def periodic_embeddings_are_better():
    groups = by_problem(summary("numerical_embeddings/summary")).values()
    keys = "256: periodic, 0.5", "256: plain"
    gaps = [
        100 * np.mean([r["results"][keys[0]]["rmse"] / r["results"][keys[1]]["rmse"] - 1 for r in g]) for g in groups
    ]
    better, average = sum(gap < 0 for gap in gaps), np.mean(gaps)
    verdict = most(better, len(gaps))
    # a loss on average is no full confirmation, however many tables gain
    return f"{better} of {len(gaps)} tables; {average:+.1f} % on average", PARTLY if verdict == HOLDS else verdict


@claim(
    'The model that `student="auto"` takes within 64 kB is at most 1 % worse than the better of two boosters as small',
    whose="ours",
    page="small_models",
)
def the_choice_is_not_behind_boosters_of_equal_bytes():
    said, verdict, gaps = _tables_within(0.01, OWN, [f"{library}, 64 kB" for library in ("hist", "lightgbm")])
    return f"{said}; {100 * np.median(gaps):+.1f} % in the median", verdict


@claim("It is as good as T, or better, on most tables", whose="ours", page="small_models")
def the_choice_is_as_good_as_the_teacher():
    said, verdict, _ = _tables_within(0.0, OWN, ["T"])
    return said, verdict


@claim(
    "T is at most 1 % worse than the best of three ensembles with the defaults of their libraries",
    whose="ours",
    page="small_models",
)
def the_teacher_is_not_behind_defaults():
    said, verdict, gaps = _tables_within(0.01, "T", DEFAULTS)
    return f"{said}; at worst {100 * max(gaps):+.1f} %", verdict


def _tables_within(share: float, model: str, others: list[str]) -> tuple[str, str, list[float]]:
    """On how many tables of `small_models` a model is at most so much worse than the best of others."""
    gaps = list(compared(summary("small_models/summary"), model, others).values())
    within = sum(gap <= share for gap in gaps)
    return f"{within} of {len(gaps)} tables", most(within, len(gaps)), gaps


@claim(
    "`StudentRegressor` learns faster than scikit-learn's `MLPRegressor`, to a lower loss",
    whose="ours",
    page="benchmarks",
)
def student_is_faster_than_scikit_learn():
    *theirs, _ = summary("benchmarks/student_speed")["results"]
    times, losses = ([row[key] for row in theirs] for key in ("times", "loss_quotient"))
    said = f"{min(times):.1f} to {max(times):.1f} times; their loss is {min(losses):.2f} times ours"
    return said, every(sum(t > 1 and q > 1 for t, q in zip(times, losses)), len(theirs))
