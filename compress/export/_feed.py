"""Tables as the inputs of an exported model, and made-up rows on which a model is checked."""

from __future__ import annotations

import numpy as np

from compress.export._plan import Input
from compress.export._plans import plan_for
from compress.schema import as_table, is_missing, numbers_of, pandas_of

__all__ = ["MISSING_INTEGER", "MATRIX", "absent_string", "onnx_inputs", "sample_rows"]

MATRIX = "X"  # name of the matrix input
MISSING_INTEGER = np.iinfo(np.int64).min
TYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "bool": np.bool_}


def onnx_inputs(student, X) -> dict[str, np.ndarray]:
    """Return a table as the inputs of `session.run(None, inputs)` of ONNX Runtime.

    Parameters
    ----------
    student : fitted student
        The student that was exported, or its compressor.
    X : DataFrame or array of shape (n_rows, n_columns)
        The rows to predict.

    Returns
    -------
    dict
        One array of shape (n_rows, 1) for each column, by its name ("x0", "x1", ... for arrays of mixed types); or one
        array "X" of shape (n_rows, n_columns) for arrays of numbers or of strings. A missing value is NaN, -2**63 in
        columns of integers, and "" in those of strings.

    Raises
    ------
    ValueError
        `X` has another number of columns, or a value is missing in a column of booleans that had none missing in
        training.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress import StudentClassifier
    >>> from compress.export import onnx_inputs
    >>> X = pd.DataFrame({"age": [20, 60], "job": ["cook", "clerk"]})
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(X, [0, 1])
    >>> {name: array.tolist() for name, array in onnx_inputs(student, X).items()}
    {'age': [[20], [60]], 'job': [['cook'], ['clerk']]}
    """
    student = getattr(student, "student_", student)
    return feed(plan_for(student), X)


def feed(plan, X) -> dict[str, np.ndarray]:
    """Return what `onnx_inputs` returns, made from the plan."""
    X = pandas_of(as_table(X, [column.name for column in plan.inputs]))
    n_columns = X.shape[1]
    if n_columns != len(plan.inputs):
        raise ValueError(f"X must have the {len(plan.inputs)} columns seen in fit, got {n_columns}.")
    if plan.matrix == "string":
        columns = [_cells(X[:, j], column) for j, column in enumerate(plan.inputs)]
        return {MATRIX: np.concatenate(columns, axis=1)}
    if plan.matrix is not None:
        numbers = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
        return {MATRIX: np.ascontiguousarray(numbers, dtype=TYPES[plan.matrix])}
    take = (lambda j: X.iloc[:, j]) if hasattr(X, "iloc") else (lambda j: X[:, j])
    return {column.name: _cells(take(j), column) for j, column in enumerate(plan.inputs)}


def _cells(values, column: Input) -> np.ndarray:
    """Return one column as an array of shape (n_rows, 1), in the type of the input."""
    if column.type == "string":
        missing = is_missing(values)
        cells = np.asarray(values, dtype=object).copy()
        cells[missing] = absent_string(column.categories)
        return np.array([str(cell) for cell in cells], dtype=object)[:, None]
    if column.type in ("float", "double"):
        return numbers_of(values, column.name).astype(TYPES[column.type])[:, None]
    missing = is_missing(values)
    if column.type == "bool" and missing.any():
        raise ValueError(
            f"column {column.name!r} must have no missing value, since it had none in training and a bool cannot "
            f"tell; got {int(missing.sum())}. Train with some, or pass True or False."
        )
    cells = np.asarray(values, dtype=object).copy()
    cells[missing] = MISSING_INTEGER
    return cells.astype(TYPES[column.type])[:, None]


def absent_string(categories) -> str:
    """Return a string that is not a category and stands for a missing value: the empty one if possible."""
    absent = ""
    while absent in categories:
        absent += "?"
    return absent


def sample_rows(schema, n_rows: int, seed: int = 0):
    """Make up rows within the ranges of a schema, with missing values where the dtypes have them."""
    rng = np.random.default_rng(seed)
    low, high = schema.low_, schema.high_
    continuous = low + rng.random((n_rows, len(low))) * (high - low)
    continuous = np.where(schema.integer_, np.rint(continuous), continuous)
    nominal = np.column_stack(
        [rng.integers(0, max(n, 1), n_rows) if n else np.full(n_rows, -1) for n in schema.n_categories_]
        or [np.empty((n_rows, 0))]
    ).astype(np.int32)
    columns = schema.columns_
    for k, j in enumerate(schema.continuous_):
        dtype = columns[j].dtype if schema.is_frame_ else str(schema.array_dtype_)
        if not dtype.startswith(("int", "uint")):
            continuous[rng.random(n_rows) < 0.1, k] = np.nan
    for k, j in enumerate(schema.nominal_):
        if columns[j].missing:
            nominal[rng.random(n_rows) < 0.1, k] = -1
    return schema.decode(continuous.astype(schema.dtype_), nominal)
