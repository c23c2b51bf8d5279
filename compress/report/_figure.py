"""The figure of a report; matplotlib is imported when one is drawn."""

from __future__ import annotations

import numpy as np

from compress._version import install

__all__ = ["STUDENT", "TEACHER", "draw_report", "new_figure"]

TEACHER, STUDENT = "#444444", "#1f6fb4"


def new_figure(n_panels: int):
    """Make an empty figure of panels in a row, without a window and without global state.

    Parameters
    ----------
    n_panels : int
        The number of panels.

    Returns
    -------
    figure, array of axes
        The figure and its panels.

    Raises
    ------
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> from compress.report import new_figure
    >>> figure, axes = new_figure(2)
    >>> len(axes)
    2
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"plots need the 'matplotlib' package: {install('plot')}") from error
    figure = Figure(figsize=(4.2 * n_panels, 3.8), layout="constrained")
    return figure, figure.subplots(1, n_panels, squeeze=False)[0]


def draw_report(report):
    """Draw the predictions of both models, calibration (classifiers) or differences, and the worst slices."""
    figure, axes = new_figure(3)
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
    overall = report.value("rmse_to_teacher")
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
