"""Plots of `experiments.model_compression`, from its records alone."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import numpy as np

from experiments._runner import by_problem

__all__ = ["draw", "panels", "save"]

COLOURS = {
    "T": "#444444",
    "best_single": "#999999",
    "S2": "#c0504d",
    "S2_same": "#e6a19e",
    "S2_recipe": "#f2c6c3",
    "S1": "#1f6fb4",
    "recipe": "#17a589",
}
MARKERS = "osD^vP*X"


def draw(records: list[dict], out: Path) -> list[Path]:
    """Write `rmse.png`, `tradeoff.png` (error against bytes) and `calibration.png`."""
    import matplotlib

    matplotlib.use("Agg")
    groups = by_problem(records)
    return [_errors(groups, out), _tradeoff(groups, out), _calibration(groups, out)]


def panels(n: int):
    """A figure of `n` panels, three to a row at most, and its used axes."""
    from matplotlib import pyplot as plt

    columns = min(n, 3)
    figure, axes = plt.subplots(
        ceil(n / columns), columns, figsize=(3.5 * columns + 0.6, 3.3 * ceil(n / columns) + 0.3), squeeze=False
    )
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    return figure, axes.flat[:n]


def save(figure, path: Path) -> Path:
    """Write and close the figure; its path."""
    from matplotlib import pyplot as plt

    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def _errors(groups: dict, out: Path) -> Path:
    figure, axes = panels(len(groups))
    for axis, (problem, group) in zip(axes, groups.items()):
        models = [model for model in COLOURS if model in group[0]["rmse"]]
        for i, model in enumerate(models):
            values = [r["rmse"][model] for r in group]
            axis.bar(i, np.mean(values), color=COLOURS[model], width=0.7)
            axis.plot([i] * len(values), values, "k.", markersize=4)
        everything = [r["rmse"][m] for r in group for m in models]
        room = max(everything) - min(everything)
        axis.set_ylim(max(0, min(everything) - 0.4 * room), max(everything) + 0.1 * room)
        axis.set_xticks(range(len(models)), [m.replace("_", " ") for m in models], fontsize=8, rotation=60)
        axis.set_title(problem)
        axis.set_ylabel("RMSE of P(y=1), test rows")
    figure.suptitle("Bars: mean over seeds, dots: seeds. The axes do not start at 0.", fontsize=9)
    return save(figure, out / "rmse.png")


def _tradeoff(groups: dict, out: Path) -> Path:
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6.4, 4.4))
    for problem, marker in zip(groups, MARKERS):
        group = groups[problem]
        for model in ("T", "S2", "S1"):
            size = np.mean([r["size_bytes"][model] for r in group])
            values = [r["rmse"][model] for r in group]
            spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
            axis.errorbar(size, np.mean(values), spread, marker=marker, color=COLOURS[model], capsize=3, linestyle="")
        axis.plot([], [], marker, color="k", label=problem)
    for model in ("T", "S2", "S1"):
        axis.plot([], [], "s", color=COLOURS[model], label=model)
    axis.set_xscale("log")
    axis.set_xlabel("bytes of the saved model")
    axis.set_ylabel("RMSE of P(y=1), test rows")
    axis.set_title("Size and error: teacher T, control S2, student S1")
    axis.legend(fontsize=8, ncols=2, loc="center")
    return save(figure, out / "tradeoff.png")


def _calibration(groups: dict, out: Path) -> Path:
    figure, axes = panels(len(groups))
    for axis, (problem, group) in zip(axes, groups.items()):
        axis.axline((0, 0), slope=1, color="#bbbbbb", linewidth=1)
        for model in ("T", "S2", "S1"):
            bins = [b for r in group for b in r["reliability"][model]]
            which = np.minimum((10 * np.array([b["p"] for b in bins])).astype(int), 9)
            weight = np.array([b["n"] for b in bins], dtype=float)
            points = [
                [np.average([b[key] for b in bins], weights=weight * (which == i)) for key in ("p", "y")]
                for i in np.unique(which)
            ]
            axis.plot(*zip(*points), "o-", color=COLOURS[model], markersize=3, label=model)
        axis.set_title(problem)
        axis.set_xlabel("predicted P(y=1)")
        axis.set_ylabel("share of positives")
        axis.legend(fontsize=8)
    return save(figure, out / "calibration.png")
