"""Students as ONNX models: raw columns in, label and probabilities (or values) out.

The graph is written node by node from the plan, with a dozen operators that every runtime has; nothing is
traced. Weights may be stored as float16 or int8; the arithmetic is in float32, so that only the rounding of
the weights is lost.
"""

from __future__ import annotations

import numpy as np

from compress._files import write_atomically
from compress._version import __version__, install
from compress.export._check import TOLERANCE, Exported, check_close, compared
from compress.export._feed import MATRIX, MISSING_INTEGER, feed, sample_rows
from compress.export._onnx_pieces import shares_of_pieces, weight_of_pieces
from compress.export._plan import Plan
from compress.export._plans import plan_for
from compress.export._tree_onnx import asked_columns, tree_outputs
from compress.export._tree_plan import TreePlan

__all__ = ["to_onnx"]

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8  # of 2022: older runtimes read the file too
DOUBLE_KEYS_OPSET = 4  # ai.onnx.ml's first with categories that are doubles
PRECISIONS = ("float32", "float16", "int8")
CHECKED_ROWS = 1000
HINT = "to_onnx needs the package {!r}: " + install("onnx")


def to_onnx(student, path, *, precision: str = "float32", X=None, check: bool = True) -> Exported:
    """Write a fitted student as an ONNX model with its preprocessing inside.

    The inputs have the names and types of the columns of the DataFrame, each of shape (n_rows, 1): strings,
    int64, bool, float, or double where float would lose digits that matter. Students of arrays have one
    input "X" of shape (n_rows, n_columns). `onnx_inputs` turns tables into inputs. The outputs are "label" and
    "probabilities" of shape (n_rows, n_classes), or "values" for regression. These are double where their mean is so
    far from 0 for their spread that float would lose the spread. The number of rows is free.

    Parameters
    ----------
    student : fitted StudentClassifier, StudentRegressor, TreeStudentClassifier or TreeStudentRegressor
        The student to export.
    path : str or path
        The path of the file. An existing file is replaced when the new one is complete and checked.
    precision : {"float32", "float16", "int8"}, default="float32"
        The type in which large weights are stored. With the smaller ones predictions change a little; the result says
        how much. Trees have float32 only.
    X : DataFrame or array, optional
        The rows on which the model is checked and compared; 1,000 made-up ones by default.
    check : bool, default=True
        Whether the model is run with ONNX Runtime and compared with the student.

    Returns
    -------
    Exported
        The path, the size, and the differences from the student.

    Raises
    ------
    ImportError
        onnx, or onnxruntime for the check, is not installed.
    ArithmeticError
        A float32 model differs from the student by more than 1e-5 (in regression, of the standard deviation of each
        target), beyond what float32 rounds at the size of the predictions. The file is not written.
    TypeError, ValueError
        The student cannot be exported, see `plan_of`, or the precision is unknown.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import to_onnx
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     exported = to_onnx(student, Path(folder) / "small.onnx", X=np.eye(4))
    ...     print(exported.precision, exported.n_rows, exported.max_difference < 1e-5)
    ...
    float32 4 True
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}, got {precision!r}.")
    plan = plan_for(student)
    content = model_bytes(plan, precision)
    measures = {}
    if check:
        X = sample_rows(student.schema_, CHECKED_ROWS) if X is None else X
        measures = _measured(student, plan, content, X, strict=precision == "float32")
    return Exported(write_atomically(path, content), precision, len(content), **measures)


def _measured(student, plan: Plan, content: bytes, X, *, strict: bool) -> dict:
    """Return the measures of `Exported`; with `strict` a model that differs from the student raises ArithmeticError."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(HINT.format("onnxruntime") + "; or pass check=False.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    found = session.run(None, feed(plan, X))[-1]
    expected = student.predict(X) if plan.output_activation == "identity" else student.predict_proba(X)
    if strict:
        unit = np.maximum(student.objective_.scale, 1e-30) if plan.output_activation == "identity" else 1.0
        check_close(expected, found, TOLERANCE * np.asarray(unit), 0.0 if plan.shift is None else plan.shift)
    return compared(expected, found, plan.output_activation)


def model_bytes(plan: Plan, precision: str = "float32") -> bytes:
    """Return the ONNX file of a plan."""
    try:
        from compress.export._graph import Graph
    except ImportError as error:
        raise ImportError(HINT.format("onnx")) from error
    graph = Graph(precision, {column.name for column in plan.inputs} | {MATRIX})
    h = _tree_outputs(graph, plan) if isinstance(plan, TreePlan) else _net_outputs(graph, plan)
    _outputs(graph, h, plan)
    return graph.to_bytes(OPSET, ML_OPSET, IR_VERSION, producer=f"compress {__version__}")


def _tree_outputs(graph, plan: TreePlan) -> str:
    """Return the outputs of the trees before the output activation."""
    if graph.precision != "float32":
        raise ValueError(f"precision must be 'float32' for a tree student, got {graph.precision!r}.")
    given = _input_values(graph, plan)
    asked = {c.k: _codes(graph, given[c.name], c, plan.matrix or c.type) for c in asked_columns(plan)}
    if plan.matrix is not None:  # columns of numbers are taken from the matrix where they are asked for
        given = {**dict.fromkeys((c.name for c in plan.inputs), given[MATRIX]), MATRIX: given[MATRIX]}
    return tree_outputs(graph, plan, given, asked)


def _net_outputs(graph, plan: Plan) -> str:
    """Return the outputs of a net before the output activation."""
    dense, looked_up = _preprocessing(graph, plan)
    h = graph.affine(dense, *_first(plan)) if dense is not None else None
    if looked_up is not None:
        if h is None:
            h = graph.add("Add", looked_up, graph.constant(plan.bias, np.float32))
        else:
            h = graph.add("Add", h, looked_up)
    layers = [(layer.weight, layer.bias, layer.activated) for layer in plan.layers]
    if plan.output_activation == "sigmoid":
        # sigmoid(z) is the softmax of (-z/2, z/2): one node fewer
        h, layers = _two_columns(graph, h, layers)
    for weight, bias, activated in layers:
        h = graph.affine(_activation(graph, h, plan.activation) if activated else h, weight, bias)
    return h


def _two_columns(graph, h, layers):
    signs = np.array([[-0.5, 0.5]])
    if layers:
        weight, bias, activated = layers[-1]
        return h, [*layers[:-1], (weight @ signs, bias @ signs, activated)]
    return graph.add("MatMul", h, graph.constant(signs, np.float32)), layers


def _first(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of the dense matrix, in the order in which `_preprocessing` joins the columns."""
    order, residual = _order(plan)
    embedded = [table.weight for table in plan.tables if table.weight is not None]
    weight = np.vstack([plan.continuous[order], plan.flags, *embedded, plan.periodic, *weight_of_pieces(plan)])
    return weight, plan.bias - residual @ plan.continuous


def _order(plan: Plan) -> tuple[list[int], np.ndarray]:
    """Return the continuous columns type by type, and what the mean loses where it is subtracted in float32."""
    groups = _groups(plan)
    residual = np.zeros(len(plan.mean))
    for k in groups.get("float", []):
        residual[k] = plan.mean[k] - np.float64(np.float32(plan.mean[k]))
    return [k for group in groups.values() for k in group], residual


def _groups(plan: Plan) -> dict[str, list[int]]:
    """Return the continuous columns by the type of their input."""
    groups = {}
    for column in plan.inputs:
        if column.kind == "continuous":
            groups.setdefault(plan.matrix or column.type, []).append(column.k)
    return groups


# --------------------------------------------------------------------- parts
def _preprocessing(graph, plan: Plan):
    """Return the dense matrix and the sum of the rows looked up; None for what does not exist."""
    given = _input_values(graph, plan)
    parts, flags, wide = _continuous(graph, plan, given)
    encoded = _periodic(graph, plan, parts[0]) if plan.frequencies is not None else []
    encoded += shares_of_pieces(graph, plan, wide, _order(plan)[0])
    rows, embedded = [], []
    for column in plan.inputs:
        if column.kind == "nominal":
            codes = _codes(graph, given[column.name], column, plan.matrix or column.type)
            table = plan.tables[column.k]
            values = graph.constant(table.values, np.float32, weight=True)
            (rows if table.weight is None else embedded).append(graph.add("Gather", values, codes, axis=0))
    dense = [*parts, *flags, *embedded, *encoded]
    joined = None if not dense else graph.add("Concat", *dense, axis=1) if len(dense) > 1 else dense[0]
    return joined, None if not rows else graph.add("Sum", *rows) if len(rows) > 1 else rows[0]


def _input_values(graph, plan: Plan) -> dict[str, str]:
    """Return the value of each column, of shape (n_rows, 1); a matrix of continuous columns is not cut up."""
    if plan.matrix is None:
        return {column.name: graph.input(column.name, column.type, 1) for column in plan.inputs}
    matrix = graph.input(MATRIX, plan.matrix, len(plan.inputs))
    given = {MATRIX: matrix}
    for j, column in enumerate(plan.inputs):
        if column.kind == "nominal":
            given[column.name] = graph.add("Gather", matrix, graph.constant([j], np.int64), axis=1)
    return given


def _continuous(graph, plan: Plan, given) -> tuple[list[str], list[str], str | None]:
    """Return the centred columns, with the mean where missing, the flags of missing values, and what bins need."""
    parts, wide = [], []
    for kind, group in _groups(plan).items():
        block = _together(graph, plan, given, kind, group)
        absent = graph.add("Equal", block, graph.constant(MISSING_INTEGER, np.int64)) if kind == "int64" else None
        # in double: float32 loses a small spread around a large mean
        dtype = np.float32 if kind == "float" else np.float64
        number = _held(graph, plan, graph.cast(block, "double") if kind == "int64" else block, group, dtype)
        if plan.pieces:
            known = graph.cast(number, "double") if kind == "float" else number
            lacking = graph.constant(np.nan, np.float64)
            wide.append(known if absent is None else graph.add("Where", absent, lacking, known))
        x = graph.add("Sub", number, graph.constant(plan.mean[group], dtype))
        if kind != "float":
            if plan.inverse_scale is not None:
                x = graph.add("Mul", x, graph.constant(plan.inverse_scale[group], np.float64))
            x = graph.cast(x, "float")
        parts.append(x if absent is None else graph.add("Where", absent, graph.constant(np.nan, np.float32), x))
    if not parts:
        return [], [], None
    x, wide = (graph.add("Concat", *p, axis=1) if len(p) > 1 else p[0] if p else None for p in (parts, wide))
    order, residual = _order(plan)
    missing = graph.add("IsNaN", x)
    flags = []
    if plan.indicators:
        at = graph.constant([order.index(k) for k in plan.indicators], np.int64)
        flags = [graph.cast(graph.add("Gather", missing, at, axis=1), "float")]
    return [graph.add("Where", missing, graph.constant(residual[order], np.float32), x)], flags, wide


def _held(graph, plan: Plan, x: str, group: list[int], dtype) -> str:
    """Return columns within their bounds; NaN stays, which the operators Min and Max do not promise."""
    for outside, bound in (("Less", plan.low), ("Greater", plan.high)):
        edge = graph.constant(bound[group], dtype)
        x = graph.add("Where", graph.add(outside, x, edge), edge, x)
    return x


def _periodic(graph, plan: Plan, x: str) -> list[str]:
    """Return sines and cosines of the centred columns, which come type by type; angles are column by column."""
    order, residual = _order(plan)
    d, n = plan.frequencies.shape
    spread = np.zeros((d, d * n))
    for k in range(d):
        spread[k, k * n : (k + 1) * n] = plan.frequencies[k]
    angle = graph.add("MatMul", x, graph.constant(spread[order], np.float32))
    angle = graph.add("Sub", angle, graph.constant(residual @ spread, np.float32))
    return [graph.add("Sin", angle), graph.add("Cos", angle)]


def _together(graph, plan: Plan, given, kind: str, group: list[int]) -> str:
    columns = [(j, column) for j, column in enumerate(plan.inputs) if column.kind == "continuous"]
    if plan.matrix is not None:
        if len(group) == len(plan.inputs):
            return given[MATRIX]
        return graph.add("Gather", given[MATRIX], graph.constant([j for j, _ in columns], np.int64), axis=1)
    values = [given[column.name] for _, column in columns if column.type == kind]
    return graph.add("Concat", *values, axis=1) if len(values) > 1 else values[0]


def _codes(graph, value: str, column, kind: str) -> str:
    """Return codes of shape (n_rows,); what is not a category gets the last one, that of the missing value."""
    n = len(column.categories)
    codes, flat = list(range(n)), graph.constant([-1], np.int64)
    if not n:
        # a column that was empty in training: whatever comes is missing
        size = graph.add("Shape", graph.add("Reshape", value, flat))
        return graph.add("Expand", graph.constant([0], np.int64), size)
    if kind == "string":
        attributes = {"keys_strings": list(column.categories)}
    elif kind in ("int64", "bool"):
        value = graph.cast(value, "int64") if kind == "bool" else value
        attributes = {"keys_int64s": [int(c) for c in column.categories]}
    else:
        value = graph.cast(value, "double") if kind == "float" else value
        found = graph.double_encoder(value, [float(c) for c in column.categories], DOUBLE_KEYS_OPSET)
        return graph.add("Reshape", found, flat)
    found = graph.add("LabelEncoder", value, domain="ai.onnx.ml", values_int64s=codes, default_int64=n, **attributes)
    return graph.add("Reshape", found, flat)


def _activation(graph, h: str, name: str) -> str:
    if name in ("relu", "tanh", "logistic"):
        return graph.add({"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}[name], h)
    if name == "silu":
        return graph.add("Mul", h, graph.add("Sigmoid", h))
    erf = graph.add("Erf", graph.add("Mul", h, graph.constant(0.5**0.5, np.float32)))
    half = graph.add("Mul", h, graph.constant(0.5, np.float32))
    return graph.add("Mul", half, graph.add("Add", erf, graph.constant(1.0, np.float32)))


def _outputs(graph, h: str, plan: Plan) -> None:
    if plan.output_activation == "identity":
        kind = "float"
        if plan.shift is not None:
            h, kind = graph.add("Add", graph.cast(h, "double"), graph.constant(plan.shift, np.float64)), "double"
        if plan.flat:
            graph.output("values", graph.add("Reshape", h, graph.constant([-1], np.int64)), kind, None)
        else:
            graph.output("values", h, kind, plan.n_outputs)
        return
    probabilities = graph.add("Softmax", h, axis=1)
    best = graph.add("ArgMax", h, axis=1, keepdims=0)
    classes = plan.classes
    if classes.dtype.kind in "OUS":
        labels, kind = graph.strings([str(c) for c in classes]), "string"
    else:
        kind = {"b": "bool", "f": "double"}.get(classes.dtype.kind, "int64")
        labels = graph.constant(classes, {"bool": np.bool_, "double": np.float64, "int64": np.int64}[kind])
    graph.output("label", graph.add("Gather", labels, best, axis=0), kind, None)
    graph.output("probabilities", probabilities, "float", len(classes))
