"""Figures of reports and budget searches; matplotlib is imported when one is drawn."""

from __future__ import annotations

import numpy as np

__all__ = ["draw_budget", "draw_report"]

TEACHER, STUDENT = "#444444", "#1f6fb4"


def _figure(n_panels: int):
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need the 'matplotlib' package: pip install compress[plot]") from error
    figure = Figure(figsize=(4.2 * n_panels, 3.8), layout="constrained")  # no pyplot: no window, no global state
    return figure, figure.subplots(1, n_panels, squeeze=False)[0]


def draw_report(report):
    """Both models' predictions, their calibration (classifiers) or difference, and the worst slices."""
    figure, axes = _figure(3)
    points = report.points
    axis = axes[0]
    axis.plot(points["teacher"], points["student"], ".", color=STUDENT, markersize=3, alpha=0.4)
    ends = [
        min(points["teacher"].min(), points["student"].min()),
        max(points["teacher"].max(), points["student"].max()),
    ]
    axis.plot(ends, ends, color=TEACHER, linewidth=1)
    axis.set(xlabel="teacher", ylabel="student", title="predictions, row by row")
    if "teacher_right" in points:
        _calibration(axes[1], points)
    else:
        axes[1].hist(points["student"] - points["teacher"], bins=50, color=STUDENT)
        axes[1].set(xlabel="student - teacher", ylabel="rows", title="difference")
    worst = report.slices[:8][::-1]
    axes[2].barh([f"{row['slice']} ({row['rows']:,})" for row in worst], [row["rmse"] for row in worst], color=STUDENT)
    overall = report.value("RMSE to teacher")
    axes[2].axvline(overall, color=TEACHER, linewidth=1)
    axes[2].set(xlabel="RMSE to teacher (line: all rows)", title="slices of least fidelity")
    axes[2].tick_params(axis="y", labelsize=8)
    return figure


def _calibration(axis, points) -> None:
    edges = np.linspace(0, 1, 11)
    axis.plot([0, 1], [0, 1], ":", color="#999999")
    for name, colour in (("teacher", TEACHER), ("student", STUDENT)):
        confidence, right = points[f"{name}_confidence"], points[f"{name}_right"]
        bins = np.clip(np.digitize(confidence, edges) - 1, 0, 9)
        filled = [b for b in range(10) if np.sum(bins == b) >= 10]
        axis.plot(
            [confidence[bins == b].mean() for b in filled],
            [right[bins == b].mean() for b in filled],
            "o-",
            color=colour,
            label=name,
            markersize=4,
        )
    axis.legend(frameon=False)
    axis.set(xlabel="probability of the predicted class", ylabel="share that is right", title="calibration")


def draw_budget(search):
    """Error against bytes and against microseconds, the frontier as a line, the choice as a ring."""
    figure, axes = _figure(2)
    tried = [row for row in search.rows if row["error"] is not None]
    for axis, key, label, budget in (
        (axes[0], "bytes", "bytes", search.budget_bytes),
        (axes[1], "us_per_row", "µs per row", search.budget_us_per_row),
    ):
        axis.plot([row[key] for row in tried], [row["error"] for row in tried], "o", color=STUDENT, markersize=4)
        front = sorted((row[key], row["error"]) for row in tried if row["frontier"])
        axis.plot([x for x, _ in front], [e for _, e in front], color=STUDENT, linewidth=1)
        for row in tried:
            axis.annotate(
                " x ".join(map(str, row["hidden_layer_sizes"])) or "linear",
                (row[key], row["error"]),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=8,
            )
            if row["hidden_layer_sizes"] == search.hidden_layer_sizes:
                axis.plot(row[key], row["error"], "o", markersize=12, markerfacecolor="none", color="#c0504d")
        if search.teacher_error is not None:
            axis.axhline(search.teacher_error, color=TEACHER, linewidth=1, label="teacher")
        if search.largest_error is not None:
            axis.axhline(search.largest_error, color=TEACHER, linewidth=1, linestyle=":", label="tolerated")
        if budget is not None:
            axis.axvline(budget, color="#c0504d", linewidth=1, linestyle=":", label="budget")
        axis.set_xscale("log")
        axis.set(xlabel=label, ylabel="error on validation rows")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=8)
    return figure
