"""Fitted students without a fit: from a file, or from a net that was trained elsewhere."""

from __future__ import annotations

import numpy as np
import torch

from compress.export import read_student_file
from compress.nets import MLP, Periodic, PiecewiseLinear, TableNet, TabularInput
from compress.schema import Schema
from compress.students._description import Description, checked
from compress.students._older_formats import of_today
from compress.students._tree_load import TREE_KINDS, tree_student

__all__ = ["load_student", "restored"]


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
    """
    described, weights = read_student_file(path)
    try:
        described = of_today(described)
        if described.get("class") in tuple(TREE_KINDS):
            return tree_student(described, weights)
        return _made(checked(described, weights), weights)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is a damaged student file: {error}. Save the student again.") from error


def _made(found: Description, weights: dict):
    """Return the student of a checked description."""
    schema, options = found.schema, dict(found.inputs)
    d_c = len(schema.continuous_)
    missing = np.zeros(d_c, dtype=bool)
    missing[options.pop("indicators")] = True
    pieces = None if found.edges is None else PiecewiseLinear(found.edges)
    with torch.device("meta"):  # shapes only: nothing is allocated or drawn for weights that come from the file
        inputs = TabularInput(np.zeros(d_c), np.ones(d_c), missing, schema.n_categories_, pieces=pieces, **options)
        body = MLP(
            inputs.n_outputs,
            found.hidden_layer_sizes,
            found.n_outputs,
            activation=found.student.activation,
            bottleneck=found.bottleneck,
            periodic=Periodic(d_c, found.n_frequencies) if found.n_frequencies else None,
        )
        module = TableNet(inputs, body, found.n_outputs)
    module.load_state_dict(weights, assign=True)
    facts = {}
    if found.outputs_2d is not None:
        facts["outputs_2d_"] = found.outputs_2d
    if found.classes is not None:
        facts["classes_"] = found.classes
    objective = found.objective(
        found.output_activation, weights["output_mean"].numpy(), weights["output_scale"].numpy()
    )
    names = found.feature_names
    return restored(found.student, module=module, schema=schema, objective=objective, feature_names=names, **facts)
