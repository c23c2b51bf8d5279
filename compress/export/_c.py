"""Students as C source: one file and its header, which depend on the C library only.

    void NAME_predict(const NAME_row *row, float *out);       students of DataFrames: a struct of columns
    void NAME_predict(const float *row, float *out);          students of arrays of numbers

Values whose mean is far from 0 for their spread are written as double, since float would lose the spread.

The code is C99. It allocates nothing and has no global state: the hidden layers are on the stack.
"""

from __future__ import annotations

from pathlib import Path

from compress._files import write_all_atomically
from compress._version import __version__
from compress.export._c_body import BLOCK, body_of, helpers_of, in_blocks, plain_columns, transposed
from compress.export._c_names import field_names, is_identifier
from compress.export._c_pieces import arrays_of_pieces
from compress.export._c_text import array_of, bytes_literal, comment, number, strings_of
from compress.export._padding import padded
from compress.export._plan import Plan
from compress.export._plans import plan_for
from compress.export._tree_c import tree_body_of, tree_constants_of, tree_helpers_of
from compress.export._tree_plan import TreePlan

__all__ = ["to_c"]

TYPES = {"float": "float", "double": "double", "int64": "int64_t", "bool": "int8_t", "string": "const char *"}
MISSING = {
    "float": "NAN if missing",
    "double": "NAN if missing",
    "int64": "INT64_MIN if missing",
    "bool": "0, 1, or negative if missing",
    "string": "NULL if missing",
}


def to_c(student, path, *, name: str | None = None) -> tuple[Path, Path]:
    """Write a fitted student as one C file and a header beside it.

    The file compiles with `cc -O2 -Wall -Werror -c`, and programs with it are linked with `-lm`. Never use
    `-ffast-math`, which ignores NaN, the missing value. The code gives the student's predictions to 1e-5. They are
    float, or double where values have a mean so far from 0 for their spread that float would lose the spread. Columns
    that are called like a keyword or macro of C or C++ get an underscore; the header says which field is which column.

    Parameters
    ----------
    student : fitted StudentClassifier, StudentRegressor, TreeStudentClassifier or TreeStudentRegressor
        The student to export.
    path : str or path ending in ".c"
        The path of the C file; the header has the same name, ending in ".h". Existing files are replaced when both new
        ones are complete.
    name : str, optional
        The prefix of everything that the files define; by default the name of the file.

    Returns
    -------
    (Path, Path)
        The paths of the C file and of the header.

    Raises
    ------
    ValueError
        `path` has another ending, `name` is not a C identifier, or a name or category cannot be written in C.
    TypeError
        The student cannot be exported, see `to_onnx`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.export import to_c
    >>> student = StudentClassifier((4,), max_epochs=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, header = to_c(student, Path(folder) / "small.c")
    ...     print(header.name, "small_predict(" in header.read_text())
    ...
    small.h True
    """
    path = Path(path)
    if path.suffix != ".c":
        raise ValueError(f"path must end in .c, got {str(path)!r}.")
    given = name is not None
    name = name if given else path.stem
    if not is_identifier(name):
        raise ValueError(
            f"name must be a C identifier (letters, digits, underscores, no leading digit, no word that C or C++ "
            f"has taken), got {name!r}" + (". Choose another one." if given else ", from the file's name. Pass name=.")
        )
    plan = plan_for(student)
    header = path.with_suffix(".h")
    write_all_atomically({header: header_text(plan, name), path: source_text(plan, name, header.name)})
    return path, header


# ------------------------------------------------------------------ header
def header_text(plan: Plan, name: str) -> str:
    """Return the header: sizes, the type of a row, and the functions."""
    upper = name.upper()
    n_out = _n_predictions(plan)
    what = "probabilities, in the order of the classes" if plan.classes is not None else "values"
    lines = [
        f"/* {name}: written by compress {__version__}. Reentrant; allocates nothing. */",
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define {upper}_N_COLUMNS {len(plan.inputs)}",
        f"#define {upper}_N_OUTPUTS {n_out}",
        "",
    ]
    if plan.matrix is None:
        lines.append("/* One row of the table. */\ntypedef struct {")
        for column, field in zip(plan.inputs, field_names(plan.inputs)):
            kind = TYPES[column.type]
            space = "" if kind.endswith("*") else " "
            lines.append(f"    {kind}{space}{field}; /* {comment(column.name)}: {MISSING[column.type]} */")
        lines += [f"}} {name}_row;", ""]
    else:
        lines += [f"/* A value of a row: {MISSING[plan.matrix]}. */", f"typedef {TYPES[plan.matrix]} {name}_value;", ""]
    if plan.classes is not None:
        lines += ["/* The label of each output. */", f"extern {_classes_declaration(plan, name)};", ""]
    lines += [
        f"/* {upper}_N_OUTPUTS {what}, of one row. */",
        f"void {name}_predict(const {_row(plan, name)} *row, {_out(plan)} *out);",
        "",
        f"/* The same of n_rows rows, one after the other; out has n_rows * {upper}_N_OUTPUTS places. */",
        f"void {name}_predict_rows(const {_row(plan, name)} *rows, size_t n_rows, {_out(plan)} *out);",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _row(plan: Plan, name: str) -> str:
    return f"{name}_row" if plan.matrix is None else f"{name}_value"


def _out(plan: Plan) -> str:
    return "float" if plan.shift is None else "double"


def _n_predictions(plan: Plan) -> int:
    return plan.n_outputs if plan.classes is None else len(plan.classes)


def _classes_declaration(plan: Plan, name: str) -> str:
    kind = {"i": "int64_t", "u": "int64_t", "b": "int8_t", "f": "double"}.get(plan.classes.dtype.kind)
    return f"const {kind or 'char *const'} {name}_classes[{len(plan.classes)}]"


# ------------------------------------------------------------------ source
def source_text(plan: Plan, name: str, header: str) -> str:
    """Return the source: the weights and the functions."""
    fields, row_type = field_names(plan.inputs), _row(plan, name)
    arguments = f"(const {row_type} *row, {_out(plan)} *out)"
    if _is_tree(plan):
        body, helpers, blocks, wide = tree_body_of(plan, fields), tree_helpers_of(plan), [], plan
    else:
        wide = padded(plan)
        body = body_of(wide, fields, plan.n_outputs, row_type)
        helpers, blocks = helpers_of(plan), in_blocks(plan)
    if blocks:
        block = body_of(wide, fields, plan.n_outputs, row_type, BLOCK)
        helpers = [*helpers, f"static void block_of_{BLOCK}{arguments.replace('*row', '*rows')}", "{", *block, "}", ""]
    stride, n_out = "" if plan.matrix is None else f" * {len(plan.inputs)}", _n_predictions(plan)
    return "\n".join(
        [
            f"/* {name}: written by compress {__version__}. Link with -lm; do not compile with -ffast-math. */",
            f'#include "{header}"',
            "#include <math.h>",
            "#include <string.h>",
            "",
            *_constants(wide, name),
            *helpers,
            f"void {name}_predict{arguments}",
            "{",
            *body,
            "}",
            "",
            f"void {name}_predict_rows(const {row_type} *rows, size_t n_rows, {_out(plan)} *out)",
            "{",
            "    size_t i = 0;",
            *([f"    for (; i + {BLOCK} <= n_rows; i += {BLOCK})"] if blocks else []),
            *([f"        block_of_{BLOCK}(rows + i{stride}, out + i * {n_out});"] if blocks else []),
            "    for (; i < n_rows; i++)",
            f"        {name}_predict(rows + i{stride}, out + i * {n_out});",
            "}",
            "",
        ]
    )


def _is_tree(plan) -> bool:
    return isinstance(plan, TreePlan)


def _constants(plan: Plan, name: str) -> list[str]:
    lines = []
    if plan.classes is not None:
        classes = plan.classes.tolist()
        of_numbers = plan.classes.dtype.kind in "iubf"
        texts = [number(c) if of_numbers else bytes_literal(str(c)) for c in classes]
        lines.append(f"{_classes_declaration(plan, name)} = {{{', '.join(texts)}}};")
    if _is_tree(plan):
        return [*lines, *tree_constants_of(plan), ""]
    if len(plan.mean):
        lines += [array_of("double", name, getattr(plan, name)) for name in ("mean", "low", "high")]
        plain = plain_columns(plan)
        if plan.inverse_scale is not None and plain:
            lines.append(array_of("double", "inverse_scale", plan.inverse_scale))
        if plain:
            lines.append(array_of("float", "continuous", plan.continuous[plain]))
        lines += arrays_of_pieces(plan)
        if plan.frequencies is not None:
            lines.append(array_of("float", "frequencies", plan.frequencies))
            lines.append(array_of("float", "periodic", plan.periodic))
    if plan.indicators:
        lines.append(array_of("float", "flags", plan.flags))
    for column in plan.inputs:
        if column.kind == "nominal":
            table = plan.tables[column.k]
            lines += _keys(column, plan.matrix or column.type)
            lines.append(array_of("float", f"table{column.k}", table.values))
            if table.weight is not None:
                lines.append(array_of("float", f"embedded{column.k}", table.weight))
    lines.append(array_of("float", "bias0", plan.bias))
    for i, layer in enumerate(plan.layers, start=1):
        weight = layer.weight.T if transposed(*layer.weight.shape) else layer.weight
        lines += [array_of("float", f"weight{i}", weight), array_of("float", f"bias{i}", layer.bias)]
    if plan.shift is not None:
        lines.append(array_of("double", "shift", plan.shift))
    return [*lines, ""]


def _keys(column, kind: str) -> list[str]:
    """Return the sorted categories and their codes, for a binary search."""
    if not column.categories:
        return []
    if kind == "string":
        keys = [c.encode() for c in column.categories]
    else:
        keys = [int(c) if kind in ("int64", "bool") else float(c) for c in column.categories]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    codes = f"static const int codes{column.k}[] = {{{', '.join(map(str, order))}}};"
    if kind == "string":
        return [strings_of(f"keys{column.k}", [keys[i] for i in order]), codes]
    c_type = "int64_t" if kind in ("int64", "bool") else "double"
    return [
        f"static const {c_type} keys{column.k}[] = {{{', '.join(number(keys[i]) for i in order)}}};",
        codes,
    ]
