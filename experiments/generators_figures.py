"""Tables and plots of `experiments.generators`, from its reports alone."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from experiments._cells import markdown_table
from experiments._runner import by_problem, spread

__all__ = ["draw", "equivalent_size", "markdown"]

SOURCES = ("MUNGE", "RANDOM", "NBE", "Interpolation", "TRUE")
COLOURS = dict(zip(SOURCES, ("tab:blue", "tab:red", "tab:orange", "tab:green", "black")))
LABELS = {"T": "T", "best_single": "best single model", "S2": "S2"}
LINES = {"T": ("-", "0.35"), "best_single": (":", "0.35"), "S2": ("--", "0.35")}


def equivalent_size(sizes, errors, error: float) -> float | None:
    """Rows at which a curve first gets down to `error`, linear in log(size) between its points.

    None when it never does, or is below from its first point on.
    """
    for (a, high), (b, low) in zip(zip(sizes, errors), zip(sizes[1:], errors[1:])):
        if low <= error < high:
            return float(np.exp(np.interp(high - error, [0, high - low], np.log([a, b]))))
    return None


def curve(reports: list[dict], source: str) -> dict[int, np.ndarray]:
    """Test RMSE of each seed by size, for the sizes that every seed has."""
    points = defaultdict(list)
    having = [report for report in reports if source in report["results"]["curves"]]
    for report in having:
        for point in report["results"]["curves"][source]:
            points[point["size"]].append(point["test_rmse"])
    return {size: np.array(v) for size, v in sorted(points.items()) if len(v) == len(having)}


def levels(reports: list[dict], key: str) -> np.ndarray:
    """Test RMSE of each seed of a model that needs no transfer set; none when a seed lacks it (S2, not run)."""
    values = [report["results"]["lines"][key] for report in reports]
    return np.array([] if None in values else values)


def markdown(reports: list[dict]) -> str:
    """RMSE by problem, source and size; then what the paper says, in numbers."""
    groups = by_problem(reports)
    text = "RMSE on test rows by rows of the transfer set, mean ± sd over seeds.\n\n"
    for problem, group in groups.items():
        curves = {source: curve(group, source) for source in SOURCES}
        sizes = sorted({size for points in curves.values() for size in points})
        rows = [
            [source, *(spread(points[size], 4) if size in points else "" for size in sizes)]
            for source, points in curves.items()
            if points
        ]
        said = {key: levels(group, key) for key in LINES}
        lines = ", ".join(f"{LABELS[key]} {spread(level, 4)}" for key, level in said.items() if len(level))
        text += f"### {problem}\n\n{len(group)} seeds; without a transfer set: {lines}.\n\n"
        text += markdown_table(["rows", *(f"{size:,}" for size in sizes)], rows) + "\n"
    return text + "### What more rows change\n\n" + "\n".join(findings(groups)) + "\n"


def findings(groups: dict[str, list[dict]]) -> list[str]:
    """Where each source is best, and how many rows of MUNGE true rows are worth."""
    lines = [
        "| problem | source | change to the smallest size, at the next and at the largest | best at |",
        "|---|---|--:|--:|",
    ]
    for problem, group in groups.items():
        for source in SOURCES:
            points = curve(group, source)
            if len(points) < 2:
                continue
            sizes, errors = list(points), list(points.values())
            change = [spread(errors[i] - errors[0], 4, "+") for i in (1, -1)]
            best = sizes[int(np.argmin([e.mean() for e in errors]))]
            lines.append(
                f"| {problem} | {source} | {change[0]} at {sizes[1]:,}; {change[1]} at {sizes[-1]:,} | {best:,} |"
            )
    pairs = []
    for problem, group in groups.items():
        true, munge = curve(group, "TRUE"), curve(group, "MUNGE")
        for size in list(true)[1:] if munge else []:
            same = equivalent_size(list(munge), [e.mean() for e in munge.values()], float(true[size].mean()))
            said = f"{same:,.0f} | {same / size:.1f}" if same else "never as good | -"
            pairs.append(f"| {problem} | {size:,} | {said} |")
    if pairs:
        lines += ["", "| problem | true rows | rows of MUNGE for the same RMSE | times |", "|---|--:|--:|--:|", *pairs]
    return lines


def draw(reports: list[dict], out: Path) -> list[Path]:
    """Write `generators.png`: RMSE against transfer-set size, a panel per problem."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    groups = by_problem(reports)
    columns = min(len(groups), 3)
    rows = -(-len(groups) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.4 * columns + 1.2, 3.7 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(groups) :]:
        axis.axis("off")
    for axis, (problem, group) in zip(axes.flat, groups.items()):
        for source in SOURCES:
            points = curve(group, source)
            if not points:
                continue
            mean = np.array([v.mean() for v in points.values()])
            sd = np.array([v.std(ddof=1) if len(v) > 1 else 0.0 for v in points.values()])
            axis.plot(list(points), mean, "o-", color=COLOURS[source], markersize=3.5, label=source)
            axis.fill_between(list(points), mean - sd, mean + sd, color=COLOURS[source], alpha=0.15, lw=0)
        for key, (style, colour) in LINES.items():
            level = levels(group, key)
            if not len(level):
                continue
            axis.axhline(level.mean(), linestyle=style, color=colour, lw=1, label=key.replace("_", " "))
        axis.set(xscale="log", title=f"{problem}, {len(group)} seeds", xlabel="rows of the transfer set")
        axis.set_ylabel("RMSE of P(y=1), test rows")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    for axis in axes.flat[1 : len(groups)]:  # TRUE is not in every panel
        for handle, label in zip(*axis.get_legend_handles_labels()):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=9)
    path = out / "generators.png"
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return [path]
