"""The figure of a budget search; matplotlib is imported when it is drawn."""

from __future__ import annotations

from compress.report import STUDENT, TEACHER, new_figure

__all__ = ["draw_budget"]


def draw_budget(search):
    """Draw error against bytes and against microseconds, with the frontier as a line and the choice as a ring."""
    figure, axes = new_figure(2)
    tried = [row for row in search.rows if row["error"] is not None]
    for axis, key, label, budget in (
        (axes[0], "bytes", "bytes", search.budget.bytes),
        (axes[1], "us_per_row", "µs per row", search.budget.us_per_row),
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
