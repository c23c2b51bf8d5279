"""Fitted students without a fit: from a file, or from a net that was trained elsewhere."""

from __future__ import annotations

import numpy as np
import torch

from compress.export import Described, NetDescription, TreeDescription, read_student
from compress.nets import MLP, Periodic, PiecewiseLinear, TableNet, TabularInput
from compress.schema import Schema
from compress.students import _objectives as objectives
from compress.students._classifier import StudentClassifier
from compress.students._parameters import unfitted
from compress.students._regressor import StudentRegressor
from compress.students._tree_classifier import TreeStudentClassifier
from compress.students._tree_regressor import TreeStudentRegressor

__all__ = ["load_student", "restored"]

KINDS = {
    kind.__name__: kind for kind in (StudentClassifier, StudentRegressor, TreeStudentClassifier, TreeStudentRegressor)
}


def restored(student, *, module, schema: Schema, objective, feature_names=None, **facts):
    """Make a fitted student of an unfitted one and a trained net.

    Parameters
    ----------
    student : StudentClassifier or StudentRegressor
        The student, whose parameters must describe the net; it is changed in place.
    module : TableNet
        The trained net, on the CPU.
    schema : fitted Schema
        The schema of the table that the net was trained on.
    objective : Objective
        What the outputs of the net mean.
    feature_names : array of str, optional
        The column names of the DataFrame that the student was taught on; None after an array.
    **facts
        Further attributes by their names: `classes_`, `outputs_2d_`, `history_`, ...

    Returns
    -------
    student
    """
    student.module_, student.schema_, student.objective_ = module.eval(), schema, objective
    student._cut_by = student._encodings()[1]
    student.n_parameters_ = sum(p.numel() for p in module.parameters())
    student.n_features_in_ = schema.n_columns
    if feature_names is not None:
        student.feature_names_in_ = np.asarray(feature_names, dtype=object)
    vars(student).update(facts)
    student._predictor = student.predictor(np.float64)
    return student


def load_student(path):
    """Read a student that `student.save(path)` wrote.

    The file is checked as a whole before anything is made of it, so that it may come from a stranger.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    StudentClassifier, StudentRegressor, TreeStudentClassifier or TreeStudentRegressor
        The fitted student; its training history is not in the file.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file has another format, is damaged, describes something else than a student, or was written by a newer
        version.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from compress import StudentClassifier, load_student
    >>> X, y = load_iris(return_X_y=True)
    >>> path = f"{tempfile.mkdtemp()}/iris.safetensors"
    >>> student = StudentClassifier((8,), max_epochs=20, random_state=0).fit(X, y)
    >>> student.save(path)
    >>> (load_student(path).predict(X) == student.predict(X)).all()
    np.True_
    """
    found, weights = read_student(path)
    try:
        student = unfitted(KINDS[found.shared.kind], found.shared.parameters)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is a damaged student file: {error}. Save the student again.") from error
    if isinstance(found, TreeDescription):
        return _of_trees(student, found)
    return _of_net(student, found, weights)


def _facts(shared: Described) -> dict:
    """Return the attributes that not every student has."""
    facts = {"outputs_2d_": shared.outputs_2d, "classes_": shared.classes}
    return {name: value for name, value in facts.items() if value is not None}


def _of_trees(student, found: TreeDescription):
    """Return the tree student of a checked description."""
    shared = found.shared
    student.objective_ = getattr(objectives, shared.objective)(shared.output_activation, found.mean, found.scale)
    if shared.feature_names is not None:
        student.feature_names_in_ = np.asarray(shared.feature_names, dtype=object)
    vars(student).update(_facts(shared))
    student.schema_, student.n_features_in_ = shared.schema, shared.schema.n_columns
    student._take(found.trees)
    return student


def _of_net(student, found: NetDescription, weights: dict):
    """Return the student of a checked description of a net."""
    shared, options = found.shared, dict(found.inputs)
    schema, d_c = shared.schema, len(shared.schema.continuous_)
    missing = np.zeros(d_c, dtype=bool)
    missing[options.pop("indicators")] = True
    margin = options.pop("margin")
    pieces = None if found.edges is None else PiecewiseLinear(found.edges)
    with torch.device("meta"):  # shapes only: nothing is allocated or drawn for weights that come from the file
        inputs = TabularInput(np.zeros(d_c), np.ones(d_c), missing, schema.n_categories_, pieces=pieces, **options)
        body = MLP(
            inputs.n_outputs,
            found.hidden_layer_sizes,
            shared.n_outputs,
            activation=found.activation,
            bottleneck=found.bottleneck,
            periodic=Periodic(d_c, found.n_frequencies) if found.n_frequencies else None,
        )
        module = TableNet(inputs, body, shared.n_outputs)
    module.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()}, assign=True)
    module.inputs.hold(schema, margin)
    objective = getattr(objectives, shared.objective)(
        shared.output_activation, weights["output_mean"], weights["output_scale"]
    )
    names = shared.feature_names
    return restored(student, module=module, schema=schema, objective=objective, feature_names=names, **_facts(shared))
