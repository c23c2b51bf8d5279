"""Students as JavaScript: one ES module that depends on nothing.

    import { predict, classes } from "./income.mjs";
    predict({ age: 33, job: "cook" });        // probabilities in the order of classes, or a value

The functions are the files in the folder `javascript`; what is written here are the constants they read. Weights are
float32 numbers in base64, and the arithmetic is in double, as that of `predict_proba`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from compress._files import write_atomically
from compress._version import __version__
from compress.export._js_text import array_of, json_literal, literal, record
from compress.export._plan import Plan
from compress.export._plans import plan_for
from compress.export._tree_plan import TreePlan

__all__ = ["js_module", "to_js"]

ENDINGS = (".mjs", ".js")
ACTIVATIONS = {
    "relu": "(x) => (x > 0 ? x : 0)",
    "tanh": "Math.tanh",
    "logistic": "(x) => 1 / (1 + Math.exp(-x))",
    "silu": "(x) => x / (1 + Math.exp(-x))",
    "gelu": "(x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2))",
}
HEADER = """\
/**
 * Predictions of a student, written by compress {version}. It depends on nothing: for browsers and Node alike.
 *
 * A row is an object with the columns below, in any order, or an array of values in their order. A column that is
 * lacking, or one too many, is an error. In a column of numbers, numbers as text are numbers, and null, undefined and
 * NaN are missing; other text, objects and infinite numbers are errors. In a column of categories, texts and numbers
 * are different ("1" is not 1), and a category that was not there in training counts as missing.
 *
 * @module
 */

/** @typedef {{{row}}} Row */
"""
EXPORTS = """\
/**
 * Predict one row.
 * @param {{Row | ArrayLike<any>}} row
 * @returns {{{result}}} {what}
 */
export function predict(row) {{
  encode(row);
  const found = activated(outputs());
  if (!found.every(Number.isFinite)) throw new RangeError("there is no finite prediction: a number is far too large");
  return {returned};
}}

/**
 * Predict rows; an error says in which row.
 * @param {{Array<Row | ArrayLike<any>>}} rows
 * @returns {{Array<{result}>}} the predictions in the order of the rows
 */
export function predictRows(rows) {{
  if (!Array.isArray(rows)) throw new TypeError(`rows must be an array of rows, got ${{shown(rows)}}`);
  return rows.map((row, i) => {{
    try {{
      return predict(row);
    }} catch (error) {{
      error.message = `row ${{i}}: ${{error.message}}`;
      throw error;
    }}
  }});
}}
"""


def to_js(student, path) -> Path:
    """Write a fitted student as one ES module for browsers and Node, free of dependencies.

    It exports `predict(row)`, `predictRows(rows)`, `columns` and `classes` (null in regression), with types as JSDoc.
    A row is an object or an array; the head of the file says what missing values, numbers as text and unknown
    categories mean. Predictions are those of `predict_proba` to 1e-6, or of `predict` to 1e-6 standard deviations.

    Parameters
    ----------
    student : fitted StudentClassifier, StudentRegressor, TreeStudentClassifier or TreeStudentRegressor
        The student to export.
    path : str or path ending in ".mjs" or ".js"
        The path of the file. An existing file is replaced when the new one is complete.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    ValueError
        `path` has another ending, or a name or category cannot be exported.
    TypeError
        The student cannot be exported, see `to_onnx`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import to_js
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = to_js(student, Path(folder) / "small.mjs")
    ...     print(path.name, "export function predict(" in path.read_text())
    ...
    small.mjs True
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ValueError(f"path must end in {' or '.join(ENDINGS)}, got {str(path)!r}.")
    return write_atomically(path, js_module(student))


def js_module(student) -> str:
    """Return the text of the module that `to_js` writes.

    Parameters
    ----------
    student : fitted student
        The student to export.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import js_module
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> "export function predictRows(" in js_module(student)
    True
    """
    plan = plan_for(student)
    of_trees = isinstance(plan, TreePlan)
    lines = [
        HEADER.format(version=__version__, row=_row_type(plan)),
        "/** The columns of a row, in the order of the values of an array. */",
        f"export const columns = Object.freeze({json_literal([column.name for column in plan.inputs])});",
        "",
        "/** The label of each probability; null if values are predicted. */",
        f"export const classes = {_classes(plan)};",
        "",
        _part("arrays"),
        "// ---- the model",
        "",
        f'const outputActivation = "{plan.output_activation}";',
        "const categories = [",
        *(f"  {_categories(column)}," for column in plan.inputs),
        "];",
        *(_tree_constants(plan) if of_trees else _net_constants(plan)),
        "",
        _part("rows"),
        _part("trees" if of_trees else "net"),
        _part("outputs"),
        EXPORTS.format(**_result(plan)),
    ]
    return "\n".join(lines)


def _part(name: str) -> str:
    return (files("compress.export") / "javascript" / f"{name}.js").read_text(encoding="utf-8")


def _row_type(plan) -> str:
    kinds = {"continuous": "number | string | null", "nominal": "string | number | boolean | null"}
    return "{" + ", ".join(f"{json_literal(column.name)}: {kinds[column.kind]}" for column in plan.inputs) + "}"


def _classes(plan) -> str:
    return "null" if plan.classes is None else f"Object.freeze({literal(plan.classes.tolist())})"


def _categories(column) -> str:
    return "null" if column.kind == "continuous" else literal(list(column.categories))


def _result(plan) -> dict:
    if plan.classes is not None:
        return {"result": "number[]", "what": "the probability of each of the classes", "returned": "found"}
    if plan.flat:
        return {"result": "number", "what": "the value", "returned": "found[0]"}
    return {"result": "number[]", "what": "the values", "returned": "found"}


# ------------------------------------------------------------------ constants
def _net_constants(plan: Plan) -> list[str]:
    activation = ACTIVATIONS[plan.activation]
    first = {
        "mean": array_of("float64", plan.mean),
        "low": array_of("float64", plan.low),
        "high": array_of("float64", plan.high),
        "inverseScale": array_of("float64", 1 / plan.scale),
        "weight": array_of("float32", plan.standardised(plan.continuous)),
        "indicators": literal(plan.indicators),
        "flags": array_of("float32", plan.flags),
        "frequencies": "null",
        "periodic": array_of("float32", plan.periodic),
        "pieces": _list(_pieces(pieces) for pieces in plan.pieces),
        "tables": _list(_table(table) for table in plan.tables),
        "bias": array_of("float32", plan.bias),
    }
    if plan.frequencies is not None:
        first["frequencies"] = array_of("float32", plan.standardised(plan.frequencies))
    layers = (
        f"{{ weight: {array_of('float32', layer.weight)}, bias: {array_of('float32', layer.bias)}, "
        f"activated: {literal(layer.activated)} }}"
        for layer in plan.layers
    )
    return [
        *record("first", first),
        f"const layers = {_list(layers, '')};",
        f"const shift = {'null' if plan.shift is None else array_of('float64', plan.shift)};",
        *([_part("erf")] if "erf" in activation else []),
        *([f"const activation = {activation};"] if any(layer.activated for layer in plan.layers) else []),
    ]


def _list(texts, indent: str = "  ") -> str:
    texts = list(texts)
    return "[" + "".join(f"\n{indent}  {text}," for text in texts) + f"\n{indent}]" if texts else "[]"


def _pieces(pieces) -> str:
    return (
        f"{{ k: {pieces.k}, edges: {array_of('float64', pieces.edges)}, weight: {array_of('float32', pieces.weight)} }}"
    )


def _table(table) -> str:
    embedding = "null" if table.weight is None else array_of("float32", table.weight)
    return f"{{ values: {array_of('float32', table.values)}, size: {table.values.shape[1]}, embedding: {embedding} }}"


def _tree_constants(plan: TreePlan) -> list[str]:
    trees, tests = plan.trees, plan.trees.tests
    sets = (f"{{ n: {len(block)}, size: {block.shape[1]}, left: {array_of('bytes', block)} }}" for block in tests.sets)
    return [
        *record(
            "test",
            {
                "features": array_of("int32", tests.feature),
                "thresholds": array_of("float64", tests.threshold),
                "missingLeft": array_of("bytes", tests.missing_left),
                "single": literal(tests.single.tolist()),
                "sets": _list(sets),
            },
        ),
        *record(
            "tree",
            {
                "nNodes": literal(len(trees.is_split)),
                "isSplit": array_of("bytes", np.packbits(trees.is_split, bitorder="little")),
                "tests": array_of("int32", trees.test),
                "leaves": array_of("float32", trees.leaf),
            },
        ),
        *record(
            "unit",
            {
                "scale": array_of("float64", plan.scale),
                "offset": array_of("float64", plan.offset),
            },
        ),
    ]
