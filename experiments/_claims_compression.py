"""Claims about model compression: the student against its controls and its teacher, at what size and speed."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments._cells import mean
from experiments._claims import HOLDS, NO, Claim, every, most, register
from experiments._paper_tables import AUTOGLUON, EIGHT, MEGABYTES, RMSE, SECONDS
from experiments._runner import by_problem
from experiments._stored import summary
from experiments.model_compression_costs import quotients
from experiments.model_compression_table import differences, ratio

CLAIMS: list[Claim] = []
claim = partial(register, CLAIMS)
PAPER = "the paper"


# ---------------------------------------------------------------- Tables 2, 3 and 4
def _groups() -> dict[str, list[dict]]:
    return by_problem(summary("model_compression/summary"))


def _at_or_below_t(student: str) -> list[bool]:
    return [differences(group, student, "T").mean() <= 0 for group in _groups().values()]


def _ratio(problem: str) -> float:
    error = mean(_groups()[problem], "rmse")
    return (error["S2"] - error["S1"]) / (error["S2"] - error["T"])


@claim(
    "A net taught on 400,000 generated rows (S1) is better than the best net on the 4,000 labelled ones (S2)",
    whose=PAPER,
    theirs=f"RMSE {RMSE[EIGHT][0]} against {RMSE[EIGHT][2]}",
    page="model_compression",
)
def student_beats_control():
    groups = _groups()
    s1, s2 = (np.mean([mean(group, "rmse")[model] for group in groups.values()]) for model in ("S1", "S2"))
    better = [differences(group, "S1", "S2").mean() < 0 for group in groups.values()]
    return f"{s1:.3f} against {s2:.3f}; {sum(better)} of {len(better)} problems", every(sum(better), len(better))


@claim(
    "On average it makes up 97 % of the distance from S2 to the teacher T",
    whose=PAPER,
    theirs=f"ratio {RMSE[EIGHT][4]:.2f}",
    page="model_compression",
)
def average_ratio():
    found = ratio(list(_groups().values()))
    return found, HOLDS if float(found) >= RMSE[EIGHT][4] else NO


@claim(
    "S1 is as good as T, or better, on most problems",
    whose=PAPER,
    theirs="6 of 8 problems",
    page="model_compression",
)
def as_good_as_the_teacher():
    as_good = _at_or_below_t("S1")
    return f"{sum(as_good)} of {len(as_good)}", HOLDS if np.mean(as_good) >= 6 / 8 else NO


@claim(
    "S1 reaches T on ADULT and COVTYPE (a ratio of 1)",
    whose="ours",
    theirs=f"the paper: {RMSE['adult'][4]:.2f} and {RMSE['covtype'][4]:.2f}",
    page="model_compression",
)
def reaches_the_teacher_on_adult_and_covtype():
    ratios = [_ratio(problem) for problem in ("adult", "covtype")]
    return " and ".join(f"{r:.2f}" for r in ratios), every(sum(r >= 1 for r in ratios), 2)


@claim(
    "S1 is a thousand times smaller than T",
    whose=PAPER,
    theirs=f"{MEGABYTES[EIGHT][1] / MEGABYTES[EIGHT][0]:,.0f} times on average",
    page="model_compression",
)
def smaller():
    sizes = [mean(group, "size_bytes") for group in _groups().values()]
    times = np.array([size["T"] / size["S1"] for size in sizes])
    enough = int((times >= 1000).sum())
    return f"{times.mean():,.0f}; 1,000 on {enough} of {len(times)} problems", most(enough, len(times))


@claim(
    "S1 is a thousand times faster than T",
    whose=PAPER,
    theirs=f"{SECONDS[EIGHT][1] / SECONDS[EIGHT][0]:,.0f} times on average",
    page="model_compression",
)
def faster():
    numpy, c = (np.array(quotients(_groups(), form)) for form in ("S1_bare", "S1_c"))
    said = [f"{q.mean():,.0f} in {form} ({(q >= 1000).sum()} of {len(q)})" for form, q in (("NumPy", numpy), ("C", c))]
    return ", ".join(said), most(int((c >= 1000).sum()), len(c))


@claim(
    "S1 is better than AutoGluon's distilled net, even with its categories repaired (one seed of theirs)",
    whose="ours",
    page="model_compression",
)
def better_than_autogluon():
    groups = _groups()
    better = 0
    for problem, (*_, shipped, repaired) in AUTOGLUON.items():
        better += mean(groups[problem], "rmse")["S1"] < (shipped if repaired is None else repaired)
    return f"{better} of {len(AUTOGLUON)} problems", every(better, len(AUTOGLUON))


@claim(
    "The recipe, a choice on validation rows among nets and trees of at most 128 kB, reaches T on every problem",
    whose="ours",
    page="model_compression",
)
def recipe_reaches_the_teacher():
    as_good = _at_or_below_t("recipe")
    return f"{sum(as_good)} of {len(as_good)}", every(sum(as_good), len(as_good))


# ---------------------------------------------------------------- T, the size of the student, its gain on T
@claim(
    "Ensemble selection is better than the best single model",
    whose="Caruana et al. 2004",
    page="teachers",
)
def selection_beats_the_best_single_model():
    records = summary("teachers/summary")
    better = [mean(group, "rmse")["T"] < mean(group, "rmse")["best"] for group in by_problem(records).values()]
    won = sum(r["rmse"]["T"] < r["rmse"]["best"] for r in records)
    said = f"{sum(better)} of {len(better)} problems, {won} of {len(records)} runs"
    return said, every(sum(better), len(better))


@claim(
    "The error falls until about 128 hidden units and changes little beyond (here: by less than 2 % up to 1,024)",
    whose=PAPER,
    theirs="Figure 3",
    page="hidden_units",
)
def error_levels_off():
    errors = [mean(group, "rmse") for group in by_problem(summary("hidden_units/summary")).values()]
    level = sum(error["128"] / error["1024"] - 1 < 0.02 for error in errors)
    return f"{level} of {len(errors)} problems", most(level, len(errors))


@claim(
    "The student beats T where T has overfitted: it gains most on rows near which T is most overconfident",
    whose=PAPER,
    theirs="suspected",
    page="overfitting",
)
def gains_where_the_teacher_overfits():
    agreeing, groups = 0, by_problem(summary("overfitting/summary"))
    for group in groups.values():
        gaps = np.mean([[q["S1"] - q["T"] for q in r["quarters"]] for r in group], axis=0)
        agreeing += gaps.argmin() == len(gaps) - 1 and gaps[-1] < 0
    return f"{agreeing} of {len(groups)} problems", most(int(agreeing), len(groups))
