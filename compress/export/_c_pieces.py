"""The statements of an exported C function for columns with a piecewise-linear encoding.

Between two edges what a column adds to the first layer is the line between what it adds at the edges; outside it is the
line that the column itself adds. So a column costs two products per unit, however many bins it has.
"""

from __future__ import annotations

import numpy as np

from compress.export._c_text import array_of
from compress.export._plan import Pieces, Plan

__all__ = ["arrays_of_pieces", "helper_of_pieces", "lines_of", "statements_of_pieces"]

COLUMNS = 3  # per sweep over the units: fewer loads and stores of the sums


def arrays_of_pieces(plan: Plan) -> list[str]:
    """Return the edges, the inverse widths of the bins, and what is added at the edges, as C arrays."""
    lines = []
    for pieces in plan.pieces:
        k = pieces.k
        unit = 1.0 if plan.inverse_scale is None else plan.inverse_scale[k]
        lines += [
            array_of("double", f"edges{k}", pieces.edges),
            array_of("double", f"per_width{k}", np.append(1 / np.diff(pieces.edges), unit)),
            array_of("float", f"lines{k}", lines_of(plan, pieces, unit)),
        ]
    return lines


def lines_of(plan: Plan, pieces: Pieces, unit: float) -> np.ndarray:
    """Return the slope outside of the edges, and then what the column adds at each edge."""
    slope = plan.continuous[pieces.k]
    filled = np.vstack([np.zeros_like(pieces.weight[:1]), np.cumsum(pieces.weight, axis=0)])
    return np.vstack([slope, np.outer((pieces.edges - plan.mean[pieces.k]) * unit, slope) + filled])


def helper_of_pieces(plan: Plan) -> list[str]:
    """Return the static function that finds the bin of a value, where it is needed."""
    if not plan.pieces:
        return []
    return [
        "typedef struct { const float *a, *b; float u, v; } line_part;",
        "",
        "/* The column adds u * a + v * b: within a bin the values at its edges, outside an edge and the slope. */",
        "static line_part part_of(double x, const double *edges, const double *per_width, const float *lines, int n,",
        "                         int width)",
        "{",
        "    line_part part;",
        "    int low = 0, left = n + 1;",
        "    while (left > 1) { /* a product in place of a branch that nobody can predict */",
        "        int half = left / 2;",
        "        low += (edges[low + half - 1] <= x) * half;",
        "        left -= half;",
        "    }",
        "    low += edges[low] <= x;",
        "    if (low == 0 || low > n) {",
        "        int edge = low == 0 ? 0 : n;",
        "        part.a = lines + (edge + 1) * width;",
        "        part.b = lines;",
        "        part.u = 1;",
        "        part.v = (float)((x - edges[edge]) * per_width[n]);",
        "    } else {",
        "        part.a = lines + low * width;",
        "        part.b = part.a + width;",
        "        part.v = (float)((x - edges[low - 1]) * per_width[low - 1]);",
        "        part.u = 1 - part.v;",
        "    }",
        "    return part;",
        "}",
        "",
    ]


def statements_of_pieces(plan: Plan, values: list[str], h: str, width: int) -> list[str]:
    """Return the statements that add the encoded columns to the layer `h`.

    Parameters
    ----------
    plan : Plan
        The plan.
    values : list of str
        The C expression of each encoded column as a double, the mean where it is missing.
    h : str
        The array of the units.
    width : int
        The number of units.
    """
    lines = []
    for start in range(0, len(plan.pieces), COLUMNS):
        group = plan.pieces[start : start + COLUMNS]
        lines.append("    {")
        for i, (pieces, value) in enumerate(zip(group, values[start : start + COLUMNS])):
            k, n = pieces.k, len(pieces.edges) - 1
            lines += [
                f"        const line_part p{i} =",
                f"            part_of({value}, edges{k}, per_width{k}, lines{k}[0], {n}, {width});",
            ]
        terms = "\n                + ".join(f"p{i}.u * p{i}.a[j] + p{i}.v * p{i}.b[j]" for i in range(len(group)))
        lines += [
            "        int j;",
            f"        for (j = 0; j < {width}; j++)",
            f"            {h}[j] += {terms};",
            "    }",
        ]
    return lines
