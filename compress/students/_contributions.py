"""Additive students: what each column contributes to an output, and the picture of it."""

from __future__ import annotations

import numpy as np

from compress._version import install
from compress.export import ColumnParts
from compress.schema import checked_table

__all__ = ["column_parts", "contributions", "draw_contributions"]

ACROSS = 4  # panels in a row of the figure
SHOWN = 10  # categories of a column that has more: those with the largest contributions
LONGEST = 22  # characters of a category
COLOUR, MISSING, ZERO = "#1f6fb4", "#c4561b", "#999999"
CURVE = 200  # places at which a curve without corners is drawn
SKEWED = 0.1  # a curve most of whose bends lie in this share of the range is drawn on a logarithmic axis


def column_parts(student) -> ColumnParts:
    """Return the parts of a fitted student without hidden layers.

    Raises
    ------
    ValueError
        The student has hidden layers.
    """
    sizes = student.module_.body.hidden_layer_sizes
    if sizes:
        raise ValueError(
            f"contributions need a student without hidden layers, but it has hidden_layer_sizes={sizes}, whose "
            f"units mix the columns. Fit {type(student).__name__}((), encoding=PiecewiseLinearEncoding()) for that."
        )
    return ColumnParts(student._predictor)


def contributions(student, X) -> np.ndarray:
    """Return the contributions of the columns, in the order of the table; see `TableStudent.contributions`."""
    schema, parts = student.schema_, column_parts(student)
    encoded = schema.encode(checked_table(student, X, reset=False), unseen="missing")
    made = np.empty((len(encoded.continuous), schema.n_columns, len(parts.intercept)))
    made[:, schema.continuous_], made[:, schema.nominal_] = parts.of_rows(*encoded)
    return made[:, :, 0] if made.shape[2] == 1 else made


# ------------------------------------------------------------------ figure
def draw_contributions(student, X=None, *, output: int = 0, n_columns: int = 12):
    """Draw the contributions; see `TableStudent.plot_contributions`."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"plots need the 'matplotlib' package: {install('plot')}") from error
    parts, schema = column_parts(student), student.schema_
    if not 0 <= output < len(parts.intercept):
        raise ValueError(f"output must be the position of one of the {len(parts.intercept)} outputs, got {output!r}.")
    curves = _curves(student, parts, output)
    spread = _spread(student, X, curves, output)
    order = sorted(range(schema.n_columns), key=lambda j: -spread[j])[:n_columns]
    n_rows = -(-len(order) // ACROSS)
    figure = Figure(figsize=(3.6 * min(len(order), ACROSS), 2.9 * n_rows + 0.4), layout="constrained")
    axes = figure.subplots(n_rows, min(len(order), ACROSS), squeeze=False).ravel()
    for axis, j in zip(axes, order):
        column, curve = schema.columns_[j], curves[j]
        (_draw_number if column.kind == "continuous" else _draw_categories)(axis, column, *curve)
        axis.set_title(f"{column.name}  (spread {spread[j]:.3g})", fontsize=10)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(order) :]:
        axis.set_visible(False)
    figure.suptitle(f"What each column adds to {_meaning(student, output)}", fontsize=11)
    return figure


def _curves(student, parts: ColumnParts, output: int) -> list[tuple]:
    """Return (places, what is added there, what a missing value adds or None) of each column of the table."""
    schema, inputs = student.schema_, student.module_.inputs
    mean = inputs.mean.numpy()
    edges = [[]] * len(mean) if inputs.pieces is None else inputs.pieces.edges_by_column()
    curves = [None] * schema.n_columns
    for k, j in enumerate(schema.continuous_):
        column = schema.columns_[j]
        inside = [e for e in edges[k] if column.low < e < column.high]
        places = np.array([column.low, *inside, column.high])  # between the edges the curve is a line
        if student.module_.body.periodic is not None:
            places = np.linspace(column.low, column.high, CURVE)
        rows = np.tile(mean, (len(places) + 1, 1))
        rows[:-1, k], rows[-1, k] = places, np.nan
        added = parts.of_numbers(rows)[:, k, output]
        curves[j] = places, added[:-1], added[-1] if k in inputs.indicators else None
    for k, j in enumerate(schema.nominal_):
        added = parts.tables[k][:, output]
        curves[j] = np.arange(len(added) - 1), added[:-1], added[-1] if inputs.nominal_missing[k] else None
    return curves


def _spread(student, X, curves, output: int) -> np.ndarray:
    """Return how much each column moves the output: over rows their standard deviation, else over the curve."""
    if X is not None:
        made = contributions(student, X)
        return (made[:, :, output] if made.ndim == 3 else made).std(axis=0)
    return np.array([np.ptp(added) if len(added) else 0.0 for _, added, _ in curves])


def _draw_number(axis, column, places, added, missing) -> None:
    axis.axhline(0, color=ZERO, linewidth=0.8)
    axis.plot(places, added, color=COLOUR, linewidth=1.8)
    extent = column.high - column.low
    if extent > 0 and np.median(places) - column.low < SKEWED * extent:
        axis.set_xscale("symlog", linthresh=max(float(np.median(np.abs(places[1:-1]))), 1e-300))
    if missing is not None:
        axis.axhline(missing, color=MISSING, linewidth=1.2, linestyle="--")
        axis.annotate(
            "missing", (1, missing), xycoords=("axes fraction", "data"), color=MISSING, ha="right", va="bottom"
        )


def _draw_categories(axis, column, places, added, missing) -> None:
    shown = np.argsort(-np.abs(added))[:SHOWN]
    shown = shown[np.argsort(added[shown])]
    names = [str(column.categories[i]) for i in shown]
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    colours, values = [COLOUR] * len(shown), added[shown].tolist()
    if missing is not None:
        names, values, colours = ["missing", *names], [missing, *values], [MISSING, *colours]
    axis.barh(range(len(values)), values, color=colours)
    axis.set_yticks(range(len(values)), names)
    axis.axvline(0, color=ZERO, linewidth=0.8)
    if len(added) > len(shown):
        axis.set_xlabel(f"{len(shown)} of {len(added)} categories", fontsize=8)


def _meaning(student, output: int) -> str:
    if not hasattr(student, "classes_"):
        return "the value" if len(student.objective_.mean) == 1 else f"value {output}"
    if len(student.classes_) == 2:
        return f"the log odds of {student.classes_[1]!s}"
    return f"the logit of {student.classes_[output]!s}"
