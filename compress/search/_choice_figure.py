"""The figure of a choice among students; matplotlib is imported when it is drawn."""

from __future__ import annotations

from compress.report import STUDENT, TEACHER, new_figure

__all__ = ["draw_choice"]

MARKERS = {"net": "o", "net-cuts": "s", "additive": "D", "trees": "^"}
NAMES = {"net": "net", "net-cuts": "net with cuts", "additive": "additive model", "trees": "trees"}
CHOICE = "#c0504d"


def draw_choice(search):
    """Draw error against bytes: a marker for each family, filled when taught, the frontier, and the teacher."""
    figure, (axis,) = new_figure(1)
    figure.set_size_inches(6.4, 4.4)
    from matplotlib.ticker import LogLocator, NullFormatter

    for family, marker in MARKERS.items():
        rows = [row for row in search.rows if row["family"] == family]
        if not rows:
            continue
        x, style = [row["bytes"] for row in rows], {"marker": marker, "linestyle": "none", "markersize": 7}
        y = [row["error"] for row in rows]
        spread = [row["standard_error"] for row in rows]
        axis.errorbar(x, y, spread, color=STUDENT, elinewidth=1, label=NAMES[family], **style)
        plain = [(row["bytes"], row["untaught_error"]) for row in rows if row["untaught_error"] is not None]
        if plain:
            axis.plot(*zip(*plain), color=STUDENT, markerfacecolor="none", alpha=0.6, **style)
    front = [(row["bytes"], row["error"]) for row in search.rows if row["frontier"]]
    axis.plot(*zip(*front), color=STUDENT, linewidth=1, zorder=0)
    for row in search.rows:
        if row["chosen"]:
            height = row["error"] if search.taught else row["untaught_error"]
            axis.plot(row["bytes"], height, "o", markersize=16, markerfacecolor="none", color=CHOICE, label="chosen")
    if search.teacher_error is not None:
        axis.axhline(search.teacher_error, color=TEACHER, linewidth=1, linestyle="--", label="teacher")
    axis.plot([], [], "o", color=STUDENT, markerfacecolor="none", alpha=0.6, label="without teaching")
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(lambda value, position: f"{value / 1000:,g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set(xlabel="kB", ylabel="RMSE on validation rows", title="candidates: the smaller and lower, the better")
    axis.legend(frameon=False, fontsize=8)
    return figure
