"""Plans whose numbers of units are whole vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compress.export._plan import Layer, Pieces, Plan, Table

__all__ = ["NARROW", "padded"]

NARROW = 8  # layers with fewer units are made one by one, as dot products


def padded(plan: Plan) -> Plan:
    """Return the plan with zeros as further units, so that the numbers of units of wide layers are multiples of 8."""
    widths = [len(plan.bias), *(len(layer.bias) for layer in plan.layers)]
    added = [-n % NARROW if n >= NARROW else 0 for n in widths]
    if not any(added):
        return plan

    def wider(array, columns, rows=0):
        return np.pad(array, [(0, rows)] * (array.ndim - 1) + [(0, columns)])

    first = added[0]
    return replace(
        plan,
        continuous=wider(plan.continuous, first),
        flags=wider(plan.flags, first),
        periodic=wider(plan.periodic, first),
        pieces=[Pieces(p.k, p.edges, wider(p.weight, first)) for p in plan.pieces],
        tables=[
            Table(wider(t.values, first)) if t.weight is None else Table(t.values, wider(t.weight, first))
            for t in plan.tables
        ],
        bias=wider(plan.bias, first),
        layers=[
            Layer(wider(layer.weight, columns, rows), wider(layer.bias, columns), layer.activated)
            for layer, rows, columns in zip(plan.layers, added, added[1:])
        ],
    )
