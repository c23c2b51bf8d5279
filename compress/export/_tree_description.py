"""The description of a tree student in its file, checked as a whole before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.export._description import Described, checked_shared
from compress.export._tree_file import TENSOR
from compress.schema import is_number, must
from compress.trees import TreeEnsemble, ensemble_from_bytes

__all__ = ["TreeDescription", "checked_trees"]


@dataclass(frozen=True)
class TreeDescription:
    """A checked description of trees.

    Parameters
    ----------
    shared : Described
        What is described of students of any family.
    trees : TreeEnsemble
        The trees.
    mean, scale : float arrays of shape (n_outputs,)
        The unit of their sums, float32 for logits and float64 for values.
    """

    shared: Described
    trees: TreeEnsemble
    mean: np.ndarray
    scale: np.ndarray


def checked_trees(described: dict, weights: dict) -> TreeDescription:
    """Return the description of trees, or raise ValueError where it does not describe any or not these bytes."""
    must(weights.keys() == {TENSOR}, "the tensors", f"one called {TENSOR!r}", sorted(weights)[:1])
    tensor, learned = weights[TENSOR], described.get("learned")
    must(tensor.dtype == np.uint8 and tensor.ndim == 1, TENSOR, "a vector of bytes", tensor.dtype)
    must(isinstance(learned, dict), "learned", "an object", learned)
    base = learned["trees"].get("base") if isinstance(learned.get("trees"), dict) else None
    must(isinstance(base, list), "trees", "an object with a base", base)
    shared = checked_shared(described, len(base))
    trees = ensemble_from_bytes(learned["trees"], tensor.tobytes(), shared.schema.n_categories_.tolist())
    n_columns = trees.tests.n_continuous
    must(n_columns == len(shared.schema.continuous_), "trees.n_tests", "one count for each column", n_columns)
    return TreeDescription(shared, trees, *_unit(learned.get("unit"), shared))


def _unit(unit, shared: Described) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the scale of the outputs."""
    must(isinstance(unit, dict) and unit.keys() == {"mean", "scale"}, "unit", "an object of two entries", unit)
    for name, values in unit.items():
        right = isinstance(values, list) and len(values) == shared.n_outputs
        must(right and all(map(is_number, values)), f"unit.{name}", "a number for each output", values)
        must(all(abs(v) < 1e300 and (v > 0 or name == "mean") for v in values), f"unit.{name}", "in range", values)
    dtype = np.float64 if shared.classes is None else np.float32
    with np.errstate(over="ignore"):
        mean, scale = np.array(unit["mean"], dtype=dtype), np.array(unit["scale"], dtype=dtype)
    must(bool(np.isfinite(mean).all() and np.isfinite(scale).all()), "unit", "finite", unit)
    return mean, scale
