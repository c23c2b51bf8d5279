"""The nodes of an ONNX model for columns with a piecewise-linear encoding."""

from __future__ import annotations

import numpy as np

from compress.export._plan import Plan

__all__ = ["shares_of_pieces", "weight_of_pieces"]


def shares_of_pieces(graph, plan: Plan, x: str, order: list[int]) -> list[str]:
    """Add the filled shares of all bins, of shape (n_rows, n_bins), as a list of one value; without bins an empty one.

    Parameters
    ----------
    graph : Graph
        The graph.
    plan : Plan
        The plan.
    x : str
        The continuous columns, double, with NaN where missing, of shape (n_rows, n_continuous).
    order : list of int
        The column at each place of `x`.
    """
    if not plan.pieces:
        return []
    column = [order.index(pieces.k) for pieces in plan.pieces for _ in pieces.weight]
    left = np.concatenate([pieces.edges[:-1] for pieces in plan.pieces])
    width = np.concatenate([np.diff(pieces.edges) for pieces in plan.pieces])
    x = graph.add("Where", graph.add("IsNaN", x), graph.constant(plan.mean[order], np.float64), x)
    x = graph.add("Gather", x, graph.constant(column, np.int64), axis=1)
    shares = graph.add("Div", graph.add("Sub", x, graph.constant(left, np.float64)), graph.constant(width, np.float64))
    ends = [graph.constant(end, np.float64) for end in (0.0, 1.0)]
    return [graph.cast(graph.add("Clip", shares, *ends), "float")]


def weight_of_pieces(plan: Plan) -> list[np.ndarray]:
    """Return the weights of the shares in the first layer, in the order of `shares_of_pieces`."""
    return [pieces.weight for pieces in plan.pieces]
