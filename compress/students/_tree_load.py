"""A fitted tree student from its file: the description is checked as a whole before anything is made of it."""

from __future__ import annotations

import numpy as np
import torch

from compress.schema import Schema, check_schema, must
from compress.students._classifier import StudentClassifier
from compress.students._description import checked_classes, checked_names, checked_parameters
from compress.students._objectives import Logits, Objective, SoftTargets, Values
from compress.students._regressor import StudentRegressor
from compress.students._targets import output_activation
from compress.students._tree_classifier import TreeStudentClassifier
from compress.students._tree_regressor import TreeStudentRegressor
from compress.trees import ensemble_from_bytes

__all__ = ["TREE_KINDS", "tree_student"]

TREE_KINDS = {kind.__name__: kind for kind in (TreeStudentClassifier, TreeStudentRegressor)}
OBJECTIVES = {TreeStudentClassifier: (SoftTargets, Logits), TreeStudentRegressor: (Values,)}
TENSOR = "trees"


def tree_student(described: dict, weights: dict):
    """Return the student of a description and its tensors; ValueError where they are not those of one."""
    kind = TREE_KINDS[described["class"]]
    student = kind(**checked_parameters(kind, described.get("parameters")))
    student._validate_params()
    check_schema(described.get("schema"))
    schema = Schema.from_dict(described["schema"])
    learned = described.get("learned")
    must(isinstance(learned, dict), "learned", "an object", learned)
    twin = StudentClassifier if kind is TreeStudentClassifier else StudentRegressor
    classes = checked_classes(learned.get("classes"), twin)
    must(weights.keys() == {TENSOR}, "the tensors", f"one called {TENSOR!r}", sorted(weights)[:1])
    tensor = weights[TENSOR]
    must(tensor.dtype == torch.uint8 and tensor.ndim == 1, TENSOR, "a vector of bytes", tensor.dtype)
    n_categories = schema.n_categories_.tolist()
    trees = ensemble_from_bytes(learned.get("trees"), tensor.numpy().tobytes(), n_categories)
    n_columns = trees.tests.n_continuous
    must(n_columns == len(schema.continuous_), "trees.n_tests", "one count for each column", n_columns)
    activation = learned.get("output_activation")
    wanted = output_activation(None if classes is None else len(classes))
    must(activation == wanted, "output_activation", f"{wanted} for this student", activation)
    if classes is not None:
        right = 1 if len(classes) == 2 else len(classes)
        must(trees.n_outputs == right, "the number of outputs", f"{right} for these classes", trees.n_outputs)
    known = {objective.__name__: objective for objective in OBJECTIVES[kind]}
    must(learned.get("objective") in tuple(known), "objective", f"one of {', '.join(known)}", learned.get("objective"))
    student.objective_ = _objective(known[learned["objective"]], activation, learned.get("unit"), trees.n_outputs)
    names, outputs_2d = checked_names(learned, schema, classes, trees.n_outputs)
    if names is not None:
        student.feature_names_in_ = np.asarray(names, dtype=object)
    if outputs_2d is not None:
        student.outputs_2d_ = outputs_2d
    if classes is not None:
        student.classes_ = classes
    student.schema_, student.n_features_in_ = schema, schema.n_columns
    student._take(trees)
    return student


def _objective(kind, activation: str, unit, n_outputs: int) -> Objective:
    """Return what the sums of the trees mean, of which the file has the unit."""
    must(isinstance(unit, dict) and unit.keys() == {"mean", "scale"}, "unit", "an object of two entries", unit)
    for name, values in unit.items():
        right = isinstance(values, list) and len(values) == n_outputs
        must(
            right and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values),
            f"unit.{name}",
            "a number for each output",
            values,
        )
        must(all(abs(v) < 1e300 and (v > 0 or name == "mean") for v in values), f"unit.{name}", "in range", values)
    dtype = np.float64 if kind is Values else np.float32
    with np.errstate(over="ignore"):
        mean, scale = np.array(unit["mean"], dtype=dtype), np.array(unit["scale"], dtype=dtype)
    must(bool(np.isfinite(mean).all() and np.isfinite(scale).all()), "unit", "finite", unit)
    return kind(activation, mean, scale)
