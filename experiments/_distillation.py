"""What the experiments on joint and ranking distillation share: searches, tables, paired tests, a plot.

A run's results hold `metrics`: arm -> metric -> number, on the test rows. Everything below is computed
from such reports alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats

from experiments._runner import spread, write_json

__all__ = ["arm_table", "best", "climbed", "draw_arms", "paired", "remembered", "tuned", "values"]


def tuned(path: Path, config: dict, search: Callable[[], dict]) -> dict:
    """What `search()` chose, from the file at `path` when it was made with this configuration.

    The search has its own seeds and looks at validation rows only; its file is kept beside the reports.
    """
    if (chosen := _kept(path, config, "chosen")) is not None:
        return chosen
    write_json(path, {"config": config, **search()})
    return _kept(path, config, "chosen")


def remembered(path: Path, config: dict, judge: Callable[..., float]) -> Callable[..., float]:
    """`judge(**settings)` whose results are kept at `path`, so that a search that was stopped goes on from there.

    Nothing is judged twice. Results that were found with another configuration are left out.
    """
    found = _kept(path, config, "found") or {}

    def judged(**settings) -> float:
        key = json.dumps(settings, sort_keys=True)
        if key not in found:
            found[key] = judge(**settings)
            write_json(path, {"config": config, "found": found})
            print(f"  tuning: {key}: {found[key]:.4f}", flush=True)
        return found[key]

    return judged


def _kept(path: Path, config: dict, name: str):
    """A part of the file at `path`, when it was made with this configuration; else None."""
    try:
        kept = json.loads(path.read_text())
        return kept[name] if kept["config"] == json.loads(json.dumps(config)) else None
    except (OSError, json.JSONDecodeError, KeyError):
        return None


def best(scores: dict):
    """The key of the highest value."""
    return max(scores, key=scores.get)


def climbed(values: list[float], score: Callable, *, factor: float = 3.0, further: int = 2) -> dict[float, float]:
    """The score of each value, and where the best is the first or the last one, of up to `further` beyond it."""
    scores = {value: score(value) for value in values}
    for _ in range(further):
        if best(scores) not in (min(scores), max(scores)):
            break
        beyond = min(scores) / factor if best(scores) == min(scores) else max(scores) * factor
        beyond = float(f"{beyond:.2g}")
        scores[beyond] = score(beyond)
    return scores


def values(reports: list[dict], arm: str, metric: str) -> np.ndarray:
    """One number per run, in the order of the seeds."""
    return np.array([report["results"]["metrics"][arm][metric] for report in reports])


def paired(reports: list[dict], arm: str, base: str, metric: str) -> dict:
    """Mean difference of two arms over seeds, seeds won, and the p-value of the paired t-test (two-sided)."""
    difference = values(reports, arm, metric) - values(reports, base, metric)
    p = float("nan")
    if len(difference) > 1 and np.ptp(difference) > 0:
        p = float(stats.ttest_1samp(difference, 0.0).pvalue)
    return {"difference": float(difference.mean()), "won": int((difference > 0).sum()), "n": len(difference), "p": p}


def paired_cells(reports: list[dict], arm: str, base: str, metric: str, digits: int = 4) -> list[str]:
    """What `paired` finds, as cells of a table: difference, seeds won, p."""
    test = paired(reports, arm, base, metric)
    return [f"{test['difference']:+.{digits}f}", f"{test['won']} of {test['n']}", f"{test['p']:.2g}"]


def arm_table(reports: list[dict], arms: dict[str, str], metrics: dict[str, str], *, base: str, digits: int = 2) -> str:
    """Markdown: one row per arm, mean ± sd of each metric, and the paired comparison with `base` in the first."""
    first = next(iter(metrics))
    head = ["arm", *metrics.values(), f"against {arms[base]}: difference", "seeds won", "p"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    for arm, label in arms.items():
        row = reports[0]["results"]["metrics"].get(arm)
        if row is None:
            continue
        cells = [spread(values(reports, arm, m), 1 if m == "seconds" else digits) if m in row else "" for m in metrics]
        cells += paired_cells(reports, arm, base, first, digits) if first in row and arm != base else ["", "", ""]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw_arms(
    groups: dict[str, list[dict]], arms: dict[str, str], panels: dict[str, str], out: Path, *, base: str
) -> Path:
    """One panel per group and metric: arms from top to bottom, a dot per seed, a bar for the mean, a line at `base`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(groups),
        len(panels),
        figsize=(4.3 * len(panels) + 1.2, (0.32 * len(arms) + 1.2) * len(groups)),
        squeeze=False,
    )
    for row, (name, reports) in zip(axes, groups.items()):
        for axis, (metric, label) in zip(row, panels.items()):
            shown = [a for a in arms if metric in reports[0]["results"]["metrics"].get(a, {})]
            for i, arm in enumerate(shown):
                numbers = values(reports, arm, metric)
                colour = "#c0504d" if arm == base else "#1f6fb4"
                axis.plot(numbers, np.full(len(numbers), i), "o", color=colour, markersize=3.5, alpha=0.5)
                axis.plot([numbers.mean()] * 2, [i - 0.3, i + 0.3], color=colour, linewidth=2.5)
            if base in shown:
                axis.axvline(values(reports, base, metric).mean(), color="#c0504d", linewidth=0.8, linestyle=":")
            axis.set_yticks(range(len(shown)), [arms[a] for a in shown] if axis is row[0] else [""] * len(shown))
            axis.set_ylim(len(shown) - 0.5, -0.5)
            axis.set_xlabel(label)
            axis.set_title(name, fontsize=9)
            axis.grid(axis="x", linewidth=0.3)
    figure.suptitle("Dots: seeds, bars: means, dotted: the control. The axes do not start at 0.", fontsize=9)
    figure.tight_layout()
    path = out / "arms.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
