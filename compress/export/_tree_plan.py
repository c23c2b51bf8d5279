"""What an exported tree student computes: its inputs, its trees, its outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.export._plan import Input, check_texts, inputs_of
from compress.export._tree_predictor import is_far
from compress.trees import TreeEnsemble

__all__ = ["TreePlan", "tree_plan_of"]


@dataclass(frozen=True)
class TreePlan:
    """What an exported tree student computes; the names shared with `Plan` mean the same.

    Parameters
    ----------
    inputs : list of Input
        The inputs in the order of the columns of the table.
    matrix : str or None
        The type of the one matrix that holds all columns; None means one input per column.
    trees : TreeEnsemble
        The trees, whose base values are left out of the sums.
    scale : float64 array of shape (n_outputs,)
        What the sums of the leaf values are multiplied by.
    offset : float64 array of shape (n_outputs,)
        What is added to them then.
    shift : float64 array of shape (n_outputs,) or None
        The same as `offset` where it must be added in float64; else None.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions.
    classes : array of shape (n_classes,) or None
        The labels of a classifier.
    flat : bool
        Whether a regressor returns an array of shape (n_rows,).
    """

    inputs: list[Input]
    matrix: str | None
    trees: TreeEnsemble
    scale: np.ndarray
    offset: np.ndarray
    shift: np.ndarray | None
    output_activation: str
    classes: np.ndarray | None
    flat: bool

    @property
    def n_outputs(self) -> int:
        """The number of outputs before the output activation."""
        return len(self.scale)


def tree_plan_of(student) -> TreePlan:
    """Return the plan of a fitted tree student; the errors are those of `plan_of`."""
    schema, trees, objective = student.schema_, student.trees_, student.objective_
    check_texts(schema, getattr(student, "classes_", None))
    # a column of single precision may be given as float, whatever its spread
    columns, matrix = inputs_of(
        schema, np.zeros(len(trees.tests.single)), np.where(trees.tests.single, np.inf, 0), True
    )
    scale = np.asarray(objective.scale, dtype=np.float64)
    offset = np.asarray(objective.mean, dtype=np.float64) + scale * trees.base
    far = objective.output_activation == "identity" and is_far(offset, scale)
    return TreePlan(
        inputs=columns,
        matrix=matrix,
        trees=trees,
        scale=scale,
        offset=offset,
        shift=offset if far else None,
        output_activation=objective.output_activation,
        classes=getattr(student, "classes_", None),
        flat=not getattr(student, "outputs_2d_", True),
    )
