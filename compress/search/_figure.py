"""The figure of a budget search; matplotlib is imported when it is drawn.

Shapes of like size and error lie close together. Each label stands where it covers no other one: that of the choice
first, then those of the frontier, then the others; a label that fits nowhere is left out.
"""

from __future__ import annotations

from compress.report import STUDENT, TEACHER, new_figure

__all__ = ["draw_budget"]

PLACES = [(4, 4), (4, -4), (-4, 4), (-4, -4), (0, 8), (0, -8), (12, 14), (12, -14), (-12, 14), (-12, -14)]  # of a label
PADDING = 2  # pixels around a label


def draw_budget(search):
    """Draw error against bytes and against microseconds, with the frontier as a line and the choice as a ring."""
    figure, axes = new_figure(2)  # which says so where matplotlib is missing
    from matplotlib.ticker import LogLocator, NullFormatter

    tried = [row for row in search.rows if row["error"] is not None]
    for axis, key, label, budget in (
        (axes[0], "bytes", "bytes", search.budget.bytes),
        (axes[1], "us_per_row", "µs per row", search.budget.us_per_row),
    ):
        axis.plot([row[key] for row in tried], [row["error"] for row in tried], "o", color=STUDENT, markersize=4)
        front = sorted((row[key], row["error"]) for row in tried if row["frontier"])
        axis.plot([x for x, _ in front], [e for _, e in front], color=STUDENT, linewidth=1)
        for row in tried:
            if row["hidden_layer_sizes"] == search.hidden_layer_sizes:
                axis.plot(row[key], row["error"], "o", markersize=12, markerfacecolor="none", color="#c0504d")
        if search.teacher_error is not None:
            axis.axhline(search.teacher_error, color=TEACHER, linewidth=1, label="teacher")
        if search.largest_error is not None:
            axis.axhline(search.largest_error, color=TEACHER, linewidth=1, linestyle=":", label="tolerated")
        if budget is not None:
            axis.axvline(budget, color="#c0504d", linewidth=1, linestyle=":", label="budget")
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(lambda value, position: f"{value:,g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set(xlabel=label, ylabel="error on validation rows")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=8)
    figure.draw_without_rendering()  # which lays the axes out
    for axis, key in ((axes[0], "bytes"), (axes[1], "us_per_row")):
        _label(axis, tried, key, search.hidden_layer_sizes)
    return figure


def _label(axis, rows: list[dict], key: str, chosen) -> None:
    """Write the shapes beside their points, the most important first."""

    def rank(row) -> tuple:
        return row["hidden_layer_sizes"] != chosen, not row["frontier"], row["error"]

    inside, taken = axis.get_window_extent(), []
    for row in sorted(rows, key=rank):
        text = " x ".join(map(str, row["hidden_layer_sizes"])) or "linear"
        for dx, dy in PLACES:
            label = axis.annotate(
                text,
                (row[key], row["error"]),
                xytext=(dx, dy),
                textcoords="offset points",
                fontsize=8,
                horizontalalignment="left" if dx > 0 else "right" if dx < 0 else "center",
                verticalalignment="bottom" if dy > 0 else "top",
            )
            label.set_in_layout(False)  # the axes stay where they are
            box = label.get_window_extent().padded(PADDING)
            fits = inside.contains(*box.min) and inside.contains(*box.max)
            if fits and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            label.remove()
