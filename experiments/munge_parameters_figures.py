"""Table and heat maps of `experiments.munge_parameters`, from its reports alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments._cells import markdown_table
from experiments._runner import spread

__all__ = ["best_pair", "draw", "excess", "markdown"]

PARTS = {"valid_rmse": "validation", "test_rmse": "test"}


def axes_of(reports: list[dict]) -> tuple[list[str], list[float], list[float]]:
    """Neighbour modes, values of p, values of s."""
    config = reports[0]["config"]
    return config["neighbors"], config["p"], config["s"]


def grid_of(report: dict, part: str) -> np.ndarray:
    """RMSE of shape (n_modes, n_p, n_s) of one run; `part` is "valid_rmse" or "test_rmse"."""
    modes, p, s = axes_of([report])
    values = {(row["neighbors"], row["p"], row["s"]): row[part] for row in report["results"]["grid"]}
    return np.array([[[values[m, a, b] for b in s] for a in p] for m in modes])


def excess(reports: list[dict], part: str) -> np.ndarray:
    """RMSE over the lowest of the run's grid, in %, mean over runs; shape (n_modes, n_p, n_s).

    Of each run rather than absolute, since problems differ in RMSE by more than settings do; problems
    weigh alike whatever the number of their seeds.
    """
    by_problem = {}
    for report in reports:
        grid = grid_of(report, part)
        by_problem.setdefault(report["problem"], []).append(100 * (grid / grid.min() - 1))
    return np.mean([np.mean(runs, axis=0) for runs in by_problem.values()], axis=0)


def best_pair(reports: list[dict]) -> dict:
    """The p and s that are best on average over problems and modes, on validation rows."""
    _, p, s = axes_of(reports)
    valid, test = (excess(reports, part).mean(axis=0) for part in PARTS)
    i, j = np.unravel_index(np.argmin(valid), valid.shape)
    return {"p": p[i], "s": s[j], "valid": float(valid[i, j]), "test": float(test[i, j])}


def markdown(reports: list[dict]) -> str:
    """The best pairs, the maps' mean, and the paired differences of modes and variants."""
    best = best_pair(reports)
    return (
        f"Best on average on validation rows: p = {best['p']:g}, s = {best['s']:g}; {best['valid']:.1f} % over each "
        f"run's best cell on validation, {best['test']:.1f} % on test rows.\n\n{pairs_table(reports, best)}\n"
        "Excess over each run's best cell in %, on validation and on test rows; mean over problems, seeds and modes:"
        "\n\n"
        f"{map_table(reports)}\n"
        "Change of the test RMSE, in % of it, mean ± sd over problems and seeds (below 0 is better):\n\n"
        f"{changes_table(reports)}"
    )


def pairs_table(reports: list[dict], best: dict) -> str:
    """The best pair of each problem, and what the common one costs it."""
    _, p, s = axes_of(reports)
    common = p.index(best["p"]), s.index(best["s"])
    rows = []
    for problem in sorted({r["problem"] for r in reports}):
        group = [r for r in reports if r["problem"] == problem]
        valid, test = (excess(group, part).mean(axis=0) for part in PARTS)
        own = np.unravel_index(np.argmin(valid), valid.shape)
        error = np.array([grid_of(r, "test_rmse").mean(axis=0)[own] for r in group])
        teacher = np.array([r["results"]["lines"]["teacher"] for r in group])
        pair = f"{p[own[0]]:g}, {s[own[1]]:g}"
        errors = [f"{spread(error, 4)}, {test[own]:.1f}", f"{test[common]:.1f}", spread(teacher, 4)]
        rows.append([problem, str(len(group)), pair, *errors])
    head = ["best p, s on validation", "test RMSE, excess %", "common pair, test excess %", "teacher"]
    return markdown_table(["problem", "seeds", *head], rows)


def map_table(reports: list[dict]) -> str:
    """The mean of the maps, validation and test in each cell."""
    _, p, s = axes_of(reports)
    valid, test = (excess(reports, part).mean(axis=0) for part in PARTS)
    rows = [[f"p = {a:g}", *(f"{valid[i, j]:.1f}, {test[i, j]:.1f}" for j in range(len(s)))] for i, a in enumerate(p)]
    return markdown_table(["", *(f"s = {b:g}" for b in s)], rows)


def changes_table(reports: list[dict]) -> str:
    """What the neighbours' mode, rounding, clipping and more passes change."""
    modes, p, s = axes_of(reports)
    rows = []
    if len(modes) == 2:
        changes = [100 * (grid[1] / grid[0] - 1) for grid in (grid_of(r, "test_rmse") for r in reports)]
        near = np.ix_(np.array(p) <= 0.2, np.array(s) >= 1)
        said = f"neighbours {modes[1]} rather than {modes[0]}"
        rows.append([f"{said}, all p and s", spread([change.mean() for change in changes])])
        rows.append([f"{said}, p to 0.2 and s from 1", spread([change[near].mean() for change in changes])])
    for kind in ("variants", "passes"):
        base, *others = list(reports[0]["results"][kind])
        for name in others:
            pairs = [(r["results"][kind][name], r["results"][kind][base]) for r in reports]
            change = [100 * (new["test_rmse"] / old["test_rmse"] - 1) for new, old in pairs]
            said = name if kind == "variants" else f"{name} times the rows rather than {base}, in equally many steps"
            rows.append([said, spread(change)])
    return markdown_table(["change", "%"], rows)


def draw(reports: list[dict], out: Path) -> list[Path]:
    """Write `munge_parameters.validation.png` and `.test.png`: mean over problems first, then each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    modes, p, s = axes_of(reports)
    problems = sorted({r["problem"] for r in reports})
    panels = [("mean over problems", reports)] if len(problems) > 1 else []
    panels += [(name, [r for r in reports if r["problem"] == name]) for name in problems]
    paths = []
    for part, said in PARTS.items():
        maps = [excess(group, part) for _, group in panels]
        most = np.percentile(np.concatenate([m.ravel() for m in maps]), 90)  # one bad corner would hide the rest
        figure, axes = plt.subplots(
            len(modes),
            len(panels),
            figsize=(2.9 * len(panels) + 1.2, 2.9 * len(modes)),
            squeeze=False,
            layout="constrained",
        )
        for column, ((name, _), values) in enumerate(zip(panels, maps)):
            for row, mode in enumerate(modes):
                axis = axes[row, column]
                image = axis.imshow(values[row], origin="lower", vmin=0, vmax=max(most, 0.1), cmap="viridis_r")
                best = np.unravel_index(np.argmin(values[row]), values[row].shape)
                for i, j in np.ndindex(values[row].shape):
                    weight = "bold" if (i, j) == best else "normal"
                    colour = "white" if values[row, i, j] > 0.55 * most else "black"
                    axis.text(
                        j,
                        i,
                        f"{values[row, i, j]:.1f}",
                        ha="center",
                        va="center",
                        fontsize=7,
                        weight=weight,
                        color=colour,
                    )
                axis.set_xticks(range(len(s)), [f"{v:g}" for v in s])
                axis.set_yticks(range(len(p)), [f"{v:g}" for v in p])
                axis.set_title(f"{name}\nneighbours: {mode}", fontsize=9)
                axis.set(xlabel="s", ylabel="p")
        figure.colorbar(image, ax=axes, label="excess RMSE, %", shrink=0.8)
        figure.suptitle(
            f"RMSE of the student on {said} rows, over the lowest of each run's grid; bold: best", fontsize=10
        )
        path = out / f"munge_parameters.{said}.png"
        figure.savefig(path, dpi=120)
        plt.close(figure)
        paths.append(path)
    return paths
