"""Fitted students without a fit: from a file, or from a net that was trained elsewhere."""

from __future__ import annotations

import numpy as np
import torch

from compress.export import read_student_file
from compress.nets import MLP, Periodic, TableNet, TabularInput
from compress.schema import Schema
from compress.students import _objectives as objectives
from compress.students._classifier import StudentClassifier
from compress.students._encodings import PeriodicEncoding
from compress.students._regressor import StudentRegressor

__all__ = ["load_student", "restored"]

KINDS = {kind.__name__: kind for kind in (StudentClassifier, StudentRegressor)}
OBJECTIVES = {
    kind.__name__: kind
    for kind in (objectives.SoftTargets, objectives.Probabilities, objectives.Logits, objectives.Values)
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
    student.n_parameters_ = sum(p.numel() for p in module.parameters())
    student.n_features_in_ = schema.n_columns
    if feature_names is not None:
        student.feature_names_in_ = np.asarray(feature_names, dtype=object)
    vars(student).update(facts)
    student._predictor = student.predictor(np.float64)
    return student


def load_student(path):
    """Read a student that `student.save(path)` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    StudentClassifier or StudentRegressor
        The fitted student; its training history is not in the file.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file has another format, is damaged, or was written by a newer version.
    """
    described, weights = read_student_file(path)
    try:
        return _of_description(_of_today(described), weights)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
        raise ValueError(f"{str(path)!r} is a damaged student file: {error}. Save the student again.") from error


def _of_today(described: dict) -> dict:
    """Return a description in the words of the present format; the first format had other words."""
    if described["format"] > 1:
        return described
    parameters, learned = dict(described["parameters"]), dict(described["learned"])
    n, scale = parameters.pop("n_frequencies", 0), parameters.pop("frequency_scale", None)
    parameters["encoding"] = {"n_frequencies": n, "scale": scale} if n else None
    learned["output_activation"] = {"binary": "sigmoid"}.get(learned["link"], learned["link"])
    learned["outputs_2d"] = None if learned["flat"] is None else not learned["flat"]
    return {**described, "parameters": parameters, "learned": learned}


def _of_description(described: dict, weights: dict):
    parameters, learned = described["parameters"], described["learned"]
    encoding = parameters.get("encoding")
    student = KINDS[described["class"]](
        **{**parameters, "encoding": None if encoding is None else PeriodicEncoding(**encoding)}
    )
    schema = Schema.from_dict(described["schema"])
    d_c, n_outputs = len(schema.continuous_), len(weights["output_mean"])
    if d_c != len(weights["inputs.mean"]):
        raise KeyError("inputs.mean does not fit the schema")
    missing = np.zeros(d_c, dtype=bool)
    missing[learned["inputs"].pop("indicators")] = True
    with torch.device("meta"):  # shapes only: nothing is allocated or drawn for weights that come from the file
        inputs = TabularInput(np.zeros(d_c), np.ones(d_c), missing, **learned["inputs"])
        body = MLP(
            inputs.n_outputs,
            learned["hidden_layer_sizes"],
            n_outputs,
            activation=student.activation,
            bottleneck=learned.get("bottleneck"),
            periodic=Periodic(d_c, learned["n_frequencies"]) if learned.get("n_frequencies") else None,
        )
        module = TableNet(inputs, body, n_outputs)
    module.load_state_dict(weights, assign=True)
    facts = {}
    if learned["outputs_2d"] is not None:
        facts["outputs_2d_"] = learned["outputs_2d"]
    if "classes" in learned:
        facts["classes_"] = np.array(learned["classes"]["values"], dtype=learned["classes"]["dtype"])
    objective = OBJECTIVES[learned["objective"]](
        learned["output_activation"], weights["output_mean"].numpy(), weights["output_scale"].numpy()
    )
    return restored(
        student, module=module, schema=schema, objective=objective, feature_names=learned["feature_names"], **facts
    )
