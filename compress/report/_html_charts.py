"""The charts of a page as numbers: axes, and paths in the unit of the drawing, which the templates make SVG of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Chart", "Series", "charts_of"]

WIDTH, HEIGHT = 320, 260  # of the area between the axes
BINS = 10
FEWEST = 10  # rows of a bin of the calibration: the share of fewer is noise
RESIDUAL_BINS = 10, 40  # at least, at most


@dataclass(frozen=True)
class Series:
    """One thing that is drawn.

    Parameters
    ----------
    kind : {"line", "dots", "marks", "area"}
        A line, small dots, a line with marks, or a filled outline.
    who : {"student", "teacher", "ideal"}
        What it is of, which decides on its colour, dashes and marks.
    path : str
        The path in the unit of the drawing.
    marks : list of (x, y), default=[]
        The places of the marks.
    """

    kind: str
    who: str
    path: str
    marks: list = field(default_factory=list)


@dataclass(frozen=True)
class Chart:
    """One chart.

    Parameters
    ----------
    title, text : str
        The title, and what the chart says in words.
    x_label, y_label : str
        The labels of the axes.
    x_ticks, y_ticks : list of (place, text)
        The ticks.
    series : list of Series
        What is drawn, from the back to the front.
    legend : list of str
        Who has an entry in the legend.
    """

    title: str
    text: str
    x_label: str
    y_label: str
    x_ticks: list
    y_ticks: list
    series: list
    legend: list


def charts_of(report) -> list[Chart]:
    """Return the charts that the points of a report allow."""
    points = report.points
    if not points:
        return []
    charts = []
    if "teacher_right" in points:
        charts.append(_calibration(points))
    if "truth" in points:
        charts += [_true_values(points), _residuals(points)]
    return [*charts, _agreement(points, probabilities=bool(report.classes))]


# ------------------------------------------------------------------ the charts
def _calibration(points) -> Chart:
    lines, far = {}, {}
    for who in ("teacher", "student"):
        confidence, right = points[f"{who}_confidence"], points[f"{who}_right"]
        bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
        filled = [b for b in range(BINS) if np.sum(bins == b) >= FEWEST]
        means = np.array([confidence[bins == b].mean() for b in filled])
        shares = np.array([right[bins == b].mean() for b in filled])
        far[who] = float(np.abs(means - shares).max()) if filled else 0.0
        lines[who] = means, shares
    least = min([*(float(part.min()) for line in lines.values() for part in line if len(part)), 0.9])
    low = max(0.0, np.floor(10 * least) / 10)
    x, y = _Axis(low, 1, WIDTH), _Axis(low, 1, HEIGHT, turned=True)
    series = [Series("line", "ideal", _path(x([low, 1]), y([low, 1])))]
    for who, (means, shares) in lines.items():
        across, up = x(means), y(shares)
        series.append(Series("marks", who, _path(across, up), [(_round(a), _round(b)) for a, b in zip(across, up)]))
    return Chart(
        "Calibration",
        "When a model says 80 %, is it right in 80 % of the rows? On the dotted line it is. The student's largest gap "
        f"is {_percent(far['student'])}, the teacher's {_percent(far['teacher'])}.",
        "probability of the predicted class",
        "share that is right",
        x.ticks(percent=True),
        y.ticks(percent=True),
        series,
        ["student", "teacher"],
    )


def _true_values(points) -> Chart:
    low, high = _range(points["truth"], points["student"])
    x, y = _Axis(low, high, WIDTH), _Axis(low, high, HEIGHT, turned=True)
    return Chart(
        "Predicted and true values",
        "Each dot is a row; on the dotted line the student is right.",
        "true value",
        "student",
        x.ticks(),
        y.ticks(),
        [
            Series("line", "ideal", _path(x([low, high]), y([low, high]))),
            Series("dots", "student", _dots(x(points["truth"]), y(points["student"]))),
        ],
        [],
    )


def _residuals(points) -> Chart:
    residuals = {who: points[who] - points["truth"] for who in ("teacher", "student")}
    reach = max(float(np.quantile(np.abs(r), 0.99)) for r in residuals.values()) or 1.0
    n_bins = int(np.clip(np.sqrt(len(points["truth"])), *RESIDUAL_BINS))
    edges = np.linspace(-reach, reach, n_bins + 1)
    shares = {who: np.histogram(np.clip(r, -reach, reach), edges)[0] / len(r) for who, r in residuals.items()}
    top = max(float(share.max()) for share in shares.values()) or 1.0
    x, y = _Axis(-reach, reach, WIDTH), _Axis(0, top, HEIGHT, turned=True)
    means = {who: float(np.mean(np.abs(r))) for who, r in residuals.items()}
    return Chart(
        "Residuals",
        f"Predicted minus true. The mean distance to the true value is {means['student']:.4g} for the student, "
        f"{means['teacher']:.4g} for the teacher. The outer one in a hundred rows stands at the ends.",
        "predicted minus true value",
        "share of the rows",
        x.ticks(),
        y.ticks(percent=True),
        [
            Series("line", "ideal", _path(x([0, 0]), y([0, top]))),
            *(
                Series("line", who, _path(x(np.repeat(edges, 2)[1:-1]), y(np.repeat(shares[who], 2))))
                for who in ("teacher", "student")
            ),
        ],
        ["student", "teacher"],
    )


def _agreement(points, probabilities: bool) -> Chart:
    low, high = (0.0, 1.0) if probabilities else _range(points["teacher"], points["student"])
    x, y = _Axis(low, high, WIDTH), _Axis(low, high, HEIGHT, turned=True)
    what = "the probability that both give to one class" if probabilities else "the values of both"
    return Chart(
        "Student and teacher, row by row",
        f"Each dot is a row: {what}. On the dotted line they are equal.",
        "teacher",
        "student",
        x.ticks(percent=probabilities),
        y.ticks(percent=probabilities),
        [
            Series("line", "ideal", _path(x([low, high]), y([low, high]))),
            Series("dots", "student", _dots(x(points["teacher"]), y(points["student"]))),
        ],
        [],
    )


# ------------------------------------------------------------------ axes and paths
class _Axis:
    """From numbers to places: `low` at 0 and `high` at `length`, or the other way round where it is turned."""

    def __init__(self, low: float, high: float, length: float, *, turned: bool = False):
        self.low, self.high, self.length, self.turned = low, high, length, turned

    def __call__(self, values):
        share = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        return self.length * ((1 - share) if self.turned else share)

    def ticks(self, *, percent: bool = False) -> list:
        """Return about five places with round numbers."""
        step = 10 ** np.floor(np.log10((self.high - self.low) / 2))
        step = next(s * step for s in (0.5, 1, 2, 2.5, 5, 10) if (self.high - self.low) / (s * step) <= 5.01)
        first = np.ceil(self.low / step - 1e-9)
        values = (first + np.arange(int((self.high - self.low) / step + 1e-9) + 1)) * step
        values = [float(v) for v in values if v <= self.high + 1e-9 * step]
        digits = max(0, -int(np.floor(np.log10(step * 100) + 1e-9)))
        text = (lambda v: f"{v * 100:.{digits}f} %") if percent else (lambda v: f"{v + 0.0:,.6g}")
        return [(_round(float(self(v))), text(v)) for v in values]


def _range(*values) -> tuple[float, float]:
    low, high = (float(pick([pick(v) for v in values])) for pick in (np.min, np.max))
    edge = 0.03 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - edge, high + edge


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _round(value: float) -> float:
    return round(float(value), 1)


def _path(x, y) -> str:
    places = [f"{_round(a):g} {_round(b):g}" for a, b in zip(x, y)]
    return f"M{'L'.join(places)}" if places else ""


def _dots(x, y) -> str:
    """Return a path of points, which round line caps make dots: the shortest way to write thousands of them."""
    return "".join(f"M{_round(a):g} {_round(b):g}h0" for a, b in zip(x, y))
