"""Claims about distillation of nets and of rankers. Where seeds are few, a difference counts if p < 0.05."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments._claims import HOLDS, NO, PARTLY, Claim, every, most, register
from experiments._distillation import paired, values
from experiments._runner import by_problem
from experiments._stored import reports

CLAIMS: list[Claim] = []
claim = partial(register, CLAIMS)
NOTE = "a note on the paper"


def _better(found: list[dict], arm: str, base: str, metric: str) -> bool:
    """Whether an arm is above another beyond chance."""
    test = paired(found, arm, base, metric)
    return test["difference"] > 0 and test["p"] < 0.05


def _against(found: list[dict], arm: str, base: str, metric: str, form: str) -> str:
    one, other = (values(found, name, metric).mean() for name in (arm, base))
    return f"{one:{form}} against {other:{form}}"


def _won(found: list[dict], arm: str, base: str, metric: str) -> str:
    test = paired(found, arm, base, metric)
    return f"{test['won']} of {test['n']} seeds"


def _gained_by_parts(found: list[dict], metric: str, form: str):
    """What the rocket gains by each of its parts, and whether they help."""
    parts = ("no_block", "no_share", "no_joint")
    gained = ", ".join(f"{paired(found, 'rocket', part, metric)['difference']:{form}}" for part in parts)
    return gained, most(sum(_better(found, "rocket", part, metric) for part in parts), len(parts))


# ---------------------------------------------------------------- Hinton, Ba & Caruana, FitNets
@claim(
    "A student on soft targets is better than one on hard labels",
    whose="Hinton et al. 2015",
    theirs="74 against 146 errors of 10,000",
    page="hinton",
)
def soft_targets_are_better():
    pair = reports("hinton"), "train.best_constant", "hard.32", "accuracy"
    return f"{_against(*pair, '.1f')} % right; {_won(*pair)}", every(int(_better(*pair)), 1)


@claim(
    "The labelled rows alone are a better transfer set than unlabelled rows besides",
    whose=NOTE,
    page="hinton",
)
def labelled_rows_are_enough():
    pair = reports("hinton"), "train.best_constant", "train+unlabeled.best_constant", "accuracy"
    return f"{_against(*pair, '.1f')} % right; {_won(*pair)}", every(int(_better(*pair)), 1)


@claim(
    "Annealing the temperature from 20 to 1 is better than the best constant one",
    whose=NOTE,
    page="hinton",
)
def annealing_is_better():
    found, sets = reports("hinton"), ("train", "train+unlabeled")
    pairs = [(found, f"{s}.best_annealed", f"{s}.best_constant", "accuracy") for s in sets]
    gaps = " and ".join(f"{paired(*pair)['difference']:+.2f}" for pair in pairs)
    return f"{gaps} points (labelled, all rows)", most(sum(_better(*pair) for pair in pairs), len(pairs))


@claim(
    "A shallow net that mimics a better teacher is better than a deep net on labels, with as many parameters",
    whose="Ba & Caruana 2014",
    theirs="21.6 against 21.9 % phone errors",
    page="mimic",
)
def shallow_mimics_beat_deep_nets():
    pair = reports("mimic"), "mimic_conv", "deep", "accuracy"
    return f"{_against(*pair, '.1f')} % right; {_won(*pair)}", every(int(_better(*pair)), 1)


@claim(
    "Full-batch gradient descent closes the gap between a shallow net on labels and its mimic",
    whose=NOTE,
    page="mimic",
)
def gradient_descent_closes_the_gap():
    cells = [r["results"]["optimisers"] for r in reports("mimic")]

    def gap(one, other):
        return np.mean([c[one]["accuracy"] - c[other]["accuracy"] for c in cells])

    gained, whole = gap("labels.gd_updates", "labels.sgd"), gap("logits.sgd", "labels.sgd")
    verdict = HOLDS if gained >= whole else PARTLY if gained > 0 else NO
    return f"{gained:.1f} of {whole:.1f} points", verdict


@claim(
    "Hints make a deep, thin student better than distillation alone",
    whose="FitNets (Romero et al. 2015)",
    theirs="0.51 against 0.65 % errors",
    page="fitnets",
)
def hints_help():
    found = reports("fitnets")
    hints, kd = (values(found, arm, "accuracy") for arm in ("fitnet", "kd"))
    won, failed = int((hints > kd).sum()), [int((a < 50).sum()) for a in (hints, kd)]
    # a seed that has not begun to learn makes means and t-tests meaningless: seeds won decide
    return f"{won} of {len(kd)} seeds; {failed[0]} against {failed[1]} failed", most(won, len(kd))


# ---------------------------------------------------------------- trained together
@claim(
    "A light net trained beside a booster is better than alone",
    whose="Rocket Launching (Zhou et al. 2018)",
    theirs="7.87 against 8.77 % errors",
    page="rocket",
)
def rockets_beat_light_nets():
    groups = by_problem(reports("rocket"))
    said = [f"{_against(group, 'rocket', 'base', 'accuracy', '.1f')} % ({name})" for name, group in groups.items()]
    better = sum(_better(group, "rocket", "base", "accuracy") for group in groups.values())
    return f"{' and '.join(said)} right", most(better, len(groups))


@claim(
    "Gradient block, sharing and joint training each help the rocket",
    whose="Rocket Launching (Zhou et al. 2018)",
    theirs="8.50, 8.06 and 8.04 % errors without, 7.87 with",
    page="rocket",
)
def every_part_of_the_rocket_helps():
    gained, verdict = _gained_by_parts(by_problem(reports("rocket"))["mnist"], "accuracy", "+.1f")
    return f"{gained} points gained by each", verdict


@claim(
    "A light net is better beside a booster that shares nothing but the embeddings of ids",
    whose="Rocket Launching (Zhou et al. 2018)",
    page="rocket_flights",
)
def rockets_over_embeddings_beat_light_nets():
    pair = reports("rocket_flights"), "rocket", "base", "auc"
    return f"AUC {_against(*pair, '.4f')}; {_won(*pair)}", every(int(_better(*pair)), 1)


@claim(
    "Gradient block, sharing and joint training each help there",
    whose="Rocket Launching (Zhou et al. 2018)",
    page="rocket_flights",
)
def every_part_helps_over_embeddings():
    gained, verdict = _gained_by_parts(reports("rocket_flights"), "auc", "+.4f")
    return f"AUC {gained} by each", verdict


@claim(
    "A student beside an interaction teacher comes near the teacher",
    whose="dual DNN (iQIYI 2020)",
    theirs="near its quality",
    page="dual_dnn",
)
def dual_students_come_near_their_teacher():
    groups = by_problem(reports("dual_dnn"))
    said = [f"{paired(g, 'logit', 'student', 'auc')['difference']:+.3f} on {name}" for name, g in groups.items()]
    better = sum(_better(group, "logit", "student", "auc") for group in groups.values())
    return f"AUC {' and '.join(said)}, against alone", most(better, len(groups))


@claim(
    "The dual student is five times as fast as its teacher",
    whose="dual DNN (iQIYI 2020)",
    theirs="5 times",
    page="dual_dnn",
)
def dual_students_are_faster():
    times = {}
    for name, group in by_problem(reports("dual_dnn")).items():
        pace = {s: np.median([r["results"]["seconds_timed_rows"][s] for r in group]) for s in ("teacher", "student")}
        times[name] = pace["teacher"] / pace["student"]
    said = " and ".join(f"{t:.1f} on {name}" for name, t in times.items())
    return said, every(sum(t >= 5 for t in times.values()), len(times))


# ---------------------------------------------------------------- ranking
def _ndcg(arm: str) -> str:
    """NDCG@10 of an arm against labels alone, for both splits."""
    splits = by_problem(reports("ranking"))
    said = [f"{_against(g, arm, 'hard', 'ndcg', '.3f')} ({name.split('.')[1]})" for name, g in splits.items()]
    return f"NDCG@10 {' and '.join(said)}"


@claim(
    "The order of the teacher's list alone, without scores or labels, makes a better recall model than labels",
    whose="a note on ranking distillation",
    page="ranking",
)
def order_alone_is_enough():
    groups = by_problem(reports("ranking"))
    better = sum(_better(group, "list_free", "hard", "ndcg") for group in groups.values())
    return _ndcg("list_free"), every(better, len(groups))


@claim(
    "Position weights that follow the teacher's ranks help the student",
    whose="Tang & Wang 2018",
    theirs="level with a teacher of twice its size",
    page="ranking",
)
def position_weights_help():
    groups = by_problem(reports("ranking"))
    better = sum(_better(group, "tang_wang", "hard", "ndcg") for group in groups.values())
    return _ndcg("tang_wang"), most(better, len(groups))


@claim(
    "Early stages taught by the ranker keep more of its own top 10 than stages taught by labels",
    whose="a note on ranking distillation",
    page="cascade",
)
def taught_stages_keep_more():
    pair = reports("cascade"), "list", "labels", "to_preranking"
    return f"{_against(*pair, '.2f')} of it; {_won(*pair)}", every(int(_better(*pair)), 1)


@claim(
    "Point-wise teaching, the ranker's first K as positives, makes the cascade's final list better than labels alone",
    whose="a note on ranking distillation",
    page="cascade",
)
def points_make_the_list_better():
    pair = reports("cascade"), "point", "labels", "ndcg"
    return f"NDCG@10 {_against(*pair, '.3f')}; {_won(*pair)}", every(int(_better(*pair)), 1)


@claim(
    "Weights of 1 + alpha / position for the first of these K make it better still",
    whose="a note on ranking distillation",
    page="cascade",
)
def position_weights_of_points_help():
    found = reports("cascade")
    pairs = [(found, f"{arm}_alpha", arm, "ndcg") for arm in ("point", "wide", "free")]
    gains = ", ".join(f"{paired(*pair)['difference']:+.4f}" for pair in pairs)
    return f"NDCG@10 {gains} (K 20, K 100, no labels)", most(sum(_better(*pair) for pair in pairs), len(pairs))
