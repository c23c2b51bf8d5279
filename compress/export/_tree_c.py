"""Tree students as statements of C.

Each split is one comparison and a jump, in the order of the nodes: a row that goes left falls through. Numbers are
compared as float where the column is of single precision, and sets of categories are bits of a constant. Categories
that no split tells apart share a group, and columns that no split asks for are not looked at.
"""

from __future__ import annotations

import numpy as np

from compress.export._c_body import search_helper
from compress.export._c_text import array_of, number, strings_of
from compress.export._tree_plan import TreePlan

__all__ = ["tree_body_of", "tree_constants_of", "tree_helpers_of"]

FOUND = {"string": "string", "int64": "integer", "bool": "integer", "float": "double", "double": "double"}


def tree_helpers_of(plan: TreePlan) -> list[str]:
    """Return the static functions that the body needs, and no others: -Wall refuses unused ones."""
    kinds = {FOUND[plan.matrix or column.type] for column in _asked(plan, "nominal") if column.categories}
    return [line for kind in sorted(kinds) for line in search_helper(kind)]


def tree_constants_of(plan: TreePlan) -> list[str]:
    """Return the categories and groups of the nominal columns, the large sets, and the unit of the outputs."""
    lines = []
    for column in _asked(plan, "nominal"):
        groups, sets = _groups(plan, column)
        if column.categories:
            lines += _keys(column, plan.matrix or column.type, groups)
        if sets.shape[1] > 64:
            bits = np.packbits(sets, axis=1, bitorder="little")
            rows = ",\n".join("{" + ", ".join(map(str, row)) + "}" for row in bits.tolist())
            lines.append(f"static const unsigned char sets{column.k}[{len(bits)}][{bits.shape[1]}] = {{\n{rows}}};")
    if plan.shift is not None:
        lines.append(array_of("double", "shift", plan.shift))
    return lines


def tree_body_of(plan: TreePlan, fields: list[str]) -> list[str]:
    """Return the statements of NAME_predict; `fields` are the names of the columns in the struct of a row."""
    trees, tests, n_outputs = plan.trees, plan.trees.tests, plan.n_outputs
    lines = [f"    double {', '.join(f'z{k} = 0' for k in range(n_outputs))};"]
    for j, column in enumerate(plan.inputs):
        if column in _asked(plan, column.kind):
            lines.append(_value(plan, column, f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"))
    if not len(tests):
        lines.append("    (void)row;")
    conditions = _conditions(plan)
    shape, split = trees.shape, iter(trees.test.tolist())
    targets = set(shape.right[trees.is_split].tolist())
    bounds = np.append(shape.root, len(trees.is_split)).tolist()
    leaf = iter(array_texts(trees.leaf))
    for t, (start, end) in enumerate(zip(bounds, bounds[1:])):
        for i in range(start, end):
            label = f"n{i}: " if i in targets else "    "
            if trees.is_split[i]:
                lines.append(f"{label}if ({conditions[next(split)]}) goto n{shape.right[i]};")
            else:
                jump = f" goto t{t};" if i + 1 < end else ""
                lines.append(f"{label}z{t % n_outputs} += {next(leaf)};{jump}")
        if end - start > 1:
            lines.append(f"t{t}: ;")
    return [*lines, *_outputs(plan)]


def array_texts(values: np.ndarray) -> list[str]:
    """Return literals of float32 numbers."""
    return [number(float(f"{value:.9g}")) + "f" for value in values.tolist()]


# ------------------------------------------------------------------- parts
def _asked(plan: TreePlan, kind: str) -> list:
    """Return the inputs of a kind that some split asks for."""
    used = set(plan.trees.tests.features.tolist())
    first = 0 if kind == "continuous" else plan.trees.tests.n_continuous
    return [column for column in plan.inputs if column.kind == kind and first + column.k in used]


def _groups(plan: TreePlan, column) -> tuple[np.ndarray, np.ndarray]:
    """Return the group of each category, that of missing values at the end, and the sets as bits of groups."""
    sets, groups = np.unique(plan.trees.tests.sets[column.k], axis=1, return_inverse=True)
    return groups.ravel(), sets


def _keys(column, kind: str, groups: np.ndarray) -> list[str]:
    """Return the sorted categories and their groups, for a binary search."""
    if kind == "string":
        keys = [c.encode() for c in column.categories]
    else:
        keys = [int(c) if kind in ("int64", "bool") else float(c) for c in column.categories]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    codes = f"static const int groups{column.k}[] = {{{', '.join(str(groups[i]) for i in order)}}};"
    if kind == "string":
        return [strings_of(f"keys{column.k}", [keys[i] for i in order]), codes]
    c_type = "int64_t" if kind in ("int64", "bool") else "double"
    listed = ", ".join(number(keys[i]) for i in order)
    return [f"static const {c_type} keys{column.k}[] = {{{listed}}};", codes]


def _value(plan: TreePlan, column, value: str) -> str:
    """Return the declaration of the number or the group of a column."""
    k = column.k
    if column.kind == "nominal":
        groups = _groups(plan, column)[0]
        if not column.categories:
            return f"    const int c{k} = {groups[-1]};"
        kind, n = FOUND[plan.matrix or column.type], len(column.categories)
        return f"    const int c{k} = code_of_{kind}({value}, keys{k}, groups{k}, {n}, {groups[-1]});"
    c_type = "float" if plan.trees.tests.single[k] else "double"
    if plan.matrix is None and column.type == "int64":
        value = f"{value} != INT64_MIN ? ({c_type}){value} : NAN"
    else:
        value = f"({c_type}){value}"
    return f"    const {c_type} x{k} = {value};"


def _conditions(plan: TreePlan) -> list[str]:
    """Return for each test the condition under which a row goes right."""
    tests = plan.trees.tests
    conditions = []
    for f, threshold, missing_left in zip(tests.feature, tests.threshold, tests.missing_left):
        text = array_texts(np.array([threshold]))[0] if tests.single[f] else number(float(threshold))
        conditions.append(f"x{f} > {text}" if missing_left else f"!(x{f} <= {text})")
    by_position = {column.k: column for column in plan.inputs if column.kind == "nominal"}
    for k, block in enumerate(tests.sets):
        if not len(block):
            continue
        sets = _groups(plan, by_position[k])[1]
        for s, left in enumerate(sets):
            if len(left) > 64:
                conditions.append(f"!(sets{k}[{s}][c{k} >> 3] >> (c{k} & 7) & 1)")
                continue
            right = sum(1 << g for g, to_left in enumerate(left.tolist()) if not to_left)
            suffix = "ULL" if len(left) > 32 else "U"
            conditions.append(f"{right:#x}{suffix} >> c{k} & 1")
    return conditions


def _outputs(plan: TreePlan) -> list[str]:
    """Return the statements from the sums of the trees to the predictions."""
    lines = []
    for k in range(plan.n_outputs):
        scaled = f"z{k}" if plan.scale[k] == 1 else f"{number(float(plan.scale[k]))} * z{k}"
        offset = f"shift[{k}]" if plan.shift is not None else number(float(plan.offset[k]))
        target = f"out[{k}] = " if plan.output_activation == "identity" else f"z{k} = "
        cast = "(float)" if plan.output_activation == "identity" and plan.shift is None else ""
        lines.append(f"    {target}{cast}({offset} + {scaled});")
    if plan.output_activation == "sigmoid":
        lines += ["    out[1] = (float)(1 / (1 + exp(-z0)));", "    out[0] = (float)(1 / (1 + exp(z0)));"]
    if plan.output_activation == "softmax":
        n = plan.n_outputs
        lines += [
            "    {",
            f"        double z[{n}] = {{{', '.join(f'z{k}' for k in range(n))}}}, largest = z[0], sum = 0;",
            "        int i;",
            f"        for (i = 1; i < {n}; i++) if (z[i] > largest) largest = z[i];",
            f"        for (i = 0; i < {n}; i++) sum += z[i] = exp(z[i] - largest);",
            f"        for (i = 0; i < {n}; i++) out[i] = (float)(z[i] / sum);",
            "    }",
        ]
    return lines
