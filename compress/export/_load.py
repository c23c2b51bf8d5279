"""A saved student without its estimator: its file as a checked description, and its predictor."""

from __future__ import annotations

import numpy as np

from compress.export._compiled_predictor import net_predictor, tree_predictor
from compress.export._description import KINDS, NetDescription, checked_net
from compress.export._net import Net
from compress.export._older_formats import of_today
from compress.export._predictor import Predictor
from compress.export._student_file import read_student_file
from compress.export._tree_description import TreeDescription, checked_trees
from compress.schema import bounds_of, must

__all__ = ["load_predictor", "read_student"]


def load_predictor(path, *, dtype=np.float32, compiled: bool = False, n_threads: int = 1) -> Predictor:
    """Read a student's file as a function, without torch, scikit-learn and pandas.

    The file is checked as `compress.load_student` checks it, so that it may come from a stranger. Reading takes a part
    of a second from a cold start, and the function needs NumPy alone. The door of `compress.export` says what the
    values of a row mean.

    Parameters
    ----------
    path : str or path
        The file, which `student.save(path)` wrote.
    dtype : numpy dtype, default=numpy.float32
        The dtype of the arithmetic; see `compress.export.NumpyPredictor`. A compiled net has float32.
    compiled : bool, default=False
        Whether the function is native code (numba), which is several times faster, and takes part of a second more to
        load. The code is compiled once on a machine, for some seconds, and kept on disk.
    n_threads : int, default=1
        The number of threads in which compiled code predicts many rows.

    Returns
    -------
    NumpyPredictor, TreePredictor or CompiledPredictor
        A picklable function of a table, a list of rows, or one row: `predict({"age": 33, "job": "cook"})`. `classes` is
        the class of each probability, and `names` are the columns.

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
    >>> from compress import StudentClassifier, load_predictor
    >>> X, y = load_iris(return_X_y=True)
    >>> path = f"{tempfile.mkdtemp()}/iris.safetensors"
    >>> StudentClassifier((8,), max_epochs=20, random_state=0).fit(X, y).save(path)
    >>> predict = load_predictor(path)
    >>> predict(X[:5]).shape
    (5, 3)
    >>> predict([5.1, 3.5, 1.4, 0.2]).argmax()
    np.int64(0)
    """
    found, weights = read_student(path)
    shared = found.shared
    options = {"flat": shared.outputs_2d is False, "classes": shared.classes}
    if isinstance(found, TreeDescription):
        unit = found.mean, found.scale
        return tree_predictor(
            found.trees, shared.schema, shared.output_activation, unit, dtype, compiled, n_threads, **options
        )
    net = _net(found, weights)
    return net_predictor(net, shared.schema, shared.output_activation, dtype, compiled, n_threads, **options)


def read_student(path) -> tuple[NetDescription | TreeDescription, dict]:
    """Read a student's file and check it as a whole.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    NetDescription or TreeDescription, dict
        The description, and the weights by their names, as NumPy arrays.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        As of `load_predictor`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import read_student
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     student.save(Path(folder) / "small.safetensors")
    ...     description, weights = read_student(Path(folder) / "small.safetensors")
    ...
    >>> description.hidden_layer_sizes, description.shared.classes
    ((4,), array([0, 1]))
    """
    described, weights = read_student_file(path)
    try:
        described = of_today(described)
        kind = described.get("class")
        must(isinstance(kind, str) and kind in KINDS, "class", "that of a student", kind)
        return (checked_trees if kind.startswith("Tree") else checked_net)(described, weights), weights
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is a damaged student file: {error}. Save the student again.") from error


def _net(found: NetDescription, weights: dict) -> Net:
    """Return the arrays of a checked net."""
    wide = {name: tensor.astype(np.float64) for name, tensor in weights.items()}
    n_categories = found.shared.schema.n_categories_.tolist()
    names = [*(f"body.layers.{i}.0" for i in range(len(found.hidden_layer_sizes))), "body.output"]
    narrow = wide.get("body.bottleneck.weight")
    low, high = bounds_of(found.shared.schema, found.inputs["margin"])
    return Net(
        mean=wide["inputs.mean"],
        scale=wide["inputs.scale"],
        low=low,
        high=high,
        indicators=found.inputs["indicators"],
        n_categories=n_categories,
        nominal_missing=found.inputs["nominal_missing"],
        embeddings={
            k: wide[f"inputs.embeddings.{k}.weight"]
            for k, n in enumerate(n_categories)
            if n > found.inputs["max_one_hot"]
        },
        edges=found.edges,
        frequencies=wide.get("body.periodic.weight"),
        bottleneck=None if narrow is None else narrow.T,
        layers=[(wide[f"{name}.weight"].T, wide[f"{name}.bias"]) for name in names],
        activation=found.activation,
        output_mean=wide["output_mean"],
        output_scale=wide["output_scale"],
    )
