"""Claims about where generated rows lie, how many are needed, and MUNGE's p and s."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments._claims import Claim, every, most, register
from experiments._runner import by_problem
from experiments._stored import reports
from experiments.generators_figures import curve, equivalent_size
from experiments.munge_parameters_figures import best_pair, excess

CLAIMS: list[Claim] = []
claim = partial(register, CLAIMS)
PAPER = "the paper"


@claim(
    "MUNGE's rows lie nearer to the data than NBE's, and NBE's nearer than RANDOM's",
    whose=PAPER,
    theirs="Figure 1",
    page="density_2d",
)
def munge_keeps_to_the_data():
    found = [r["results"] for r in reports("density_2d")]
    distance = {key: 100 * np.mean([r[key]["distance"] for r in found]) for key in ("MUNGE", "NBE", "RANDOM")}
    said = ", ".join(f"{d:.1f}" for d in distance.values())
    return f"{said} hundredths of a unit away", every(int(distance["MUNGE"] < distance["NBE"] < distance["RANDOM"]), 1)


def _curves(source: str) -> dict[str, dict[int, float]]:
    groups = by_problem(reports("generators"))
    curves = {problem: curve(group, source) for problem, group in groups.items()}
    return {problem: {size: e.mean() for size, e in points.items()} for problem, points in curves.items() if points}


@claim(
    "With MUNGE the student gets better up to 400,000 rows",
    whose=PAPER,
    theirs="Figure 2",
    page="generators",
)
def munge_improves_throughout():
    curves = _curves("MUNGE")
    best = sum(min(points, key=points.get) == max(points) for points in curves.values())
    return f"best at 400,000 on {best} of {len(curves)} problems", most(best, len(curves))


@claim(
    "At 400,000 rows MUNGE is better than RANDOM and NBE",
    whose=PAPER,
    theirs="Figure 2",
    page="generators",
)
def munge_is_the_best_generator():
    own, *others = (_curves(source) for source in ("MUNGE", "RANDOM", "NBE"))
    better = sum(all(own[p][400_000] < other[p][400_000] for other in others) for p in own)
    return f"{better} of {len(own)} problems", most(better, len(own))


@claim(
    "True unlabelled rows are worth 2 to 8 times as many of MUNGE's",
    whose=PAPER,
    theirs="2 to 8 times",
    page="generators",
)
def true_rows_are_worth_more():
    size, said, within = 10_000, [], []
    for problem, true in _curves("TRUE").items():
        munge = _curves("MUNGE")[problem]
        same = equivalent_size(list(munge), list(munge.values()), true[size])
        said.append(f"{same / size:.0f}" if same else f"more than {max(munge) / size:.0f}")
        said[-1] += f" on {problem.upper()}"
        within.append(same is not None and 2 <= same / size <= 8)
    return ", ".join(said), every(sum(within), len(within))


@claim(
    "One pair of p and s serves all problems (here: within 2 % of each run's best)",
    whose="ours",
    theirs="p and s not given",
    page="munge_parameters",
)
def one_pair_serves_all():
    found = reports("munge_parameters")
    best, (_, p, s) = best_pair(found), (found[0]["config"][key] for key in ("neighbors", "p", "s"))
    at = p.index(best["p"]), s.index(best["s"])
    own = [excess(group, "test_rmse").mean(axis=0)[at] for group in by_problem(found).values()]
    said = f"p = {best['p']:g}, s = {best['s']:g}: {min(own):.1f} to {max(own):.1f} % above"
    return said, every(sum(e <= 2 for e in own), len(own))
