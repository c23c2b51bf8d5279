"""Table and heat maps of `experiments.munge_parameters`, from its reports alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
    """The best pairs, and the paired differences of modes and variants."""
    modes, p, s = axes_of(reports)
    best = best_pair(reports)
    lines = [
        f"Best on average on validation rows: p = {best['p']:g}, s = {best['s']:g}; "
        f"{best['valid']:.1f} % over each run's best cell on validation, {best['test']:.1f} % on test rows.",
        "",
        "| problem | seeds | best p, s on validation | test RMSE, excess % | common pair, test excess % | teacher |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    common = p.index(best["p"]), s.index(best["s"])
    for problem in sorted({r["problem"] for r in reports}):
        group = [r for r in reports if r["problem"] == problem]
        valid, test = (excess(group, part).mean(axis=0) for part in PARTS)
        own = np.unravel_index(np.argmin(valid), valid.shape)
        error = np.array([grid_of(r, "test_rmse").mean(axis=0)[own] for r in group])
        teacher = np.array([r["results"]["lines"]["teacher"] for r in group])
        lines.append(
            f"| {problem} | {len(group)} | {p[own[0]]:g}, {s[own[1]]:g} | {_spread(error)}, {test[own]:.1f} "
            f"| {test[common]:.1f} | {_spread(teacher)} |"
        )
    lines += ["", "Change of the test RMSE, in % of it, mean ± sd over problems and seeds (below 0 is better):", ""]
    lines += ["| change | % |", "|---|--:|"]
    if len(modes) == 2:
        grids = [grid_of(r, "test_rmse") for r in reports]
        change = np.array([100 * (g[1] / g[0] - 1).mean() for g in grids])
        lines.append(f"| neighbours {modes[1]} rather than {modes[0]}, all p and s | {_spread(change, 2)} |")
    for kind in ("variants", "passes"):
        base, *others = list(reports[0]["results"][kind])
        for name in others:
            pairs = [(r["results"][kind][name], r["results"][kind][base]) for r in reports]
            change = np.array([100 * (new["test_rmse"] / old["test_rmse"] - 1) for new, old in pairs])
            said = name if kind == "variants" else f"{name} times the rows rather than {base}, in equally many steps"
            lines.append(f"| {said} | {_spread(change, 2)} |")
    return "\n".join(lines) + "\n"


def _spread(values: np.ndarray, digits: int = 4) -> str:
    return f"{values.mean():.{digits}f}" + (f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else "")


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
