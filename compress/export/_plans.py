"""The plan of a student of either family."""

from __future__ import annotations

from compress.export._plan import Plan, plan_of
from compress.export._tree_plan import TreePlan, tree_plan_of

__all__ = ["plan_for"]


def plan_for(student) -> Plan | TreePlan:
    """Return what an exported student computes; see `plan_of` and `tree_plan_of`."""
    return tree_plan_of(student) if hasattr(student, "trees_") else plan_of(student)
