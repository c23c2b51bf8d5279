"""The statements of an exported C function."""

from __future__ import annotations

from compress.export._plan import Plan

__all__ = ["body_of", "helpers_of"]

ACTIVATIONS = {
    "relu": "x > 0 ? x : 0",
    "tanh": "tanhf(x)",
    "logistic": "1 / (1 + expf(-x))",
    "silu": "x / (1 + expf(-x))",
    "gelu": "0.5f * x * (1 + erff(x * 0.70710678f))",
}


def helpers_of(plan: Plan) -> list[str]:
    """The static functions that the body needs, and no other: -Wall refuses unused ones."""
    lines = []
    if len(plan.mean) or plan.layers or any(table.weight is not None for table in plan.tables):
        lines += [
            "/* h += x * weight */",
            "static void add_scaled(float *h, const float *weight, float x, int n)",
            "{",
            "    int j;",
            "    for (j = 0; j < n; j++) h[j] += x * weight[j];",
            "}",
            "",
        ]
    if plan.indicators or any(table.weight is None for table in plan.tables):
        lines += [
            "static void add(float *h, const float *row, int n)",
            "{",
            "    int j;",
            "    for (j = 0; j < n; j++) h[j] += row[j];",
            "}",
            "",
        ]
    if any(layer.activated for layer in plan.layers):
        lines += [f"static float activation(float x) {{ return {ACTIVATIONS[plan.activation]}; }}", ""]
    kinds = {plan.matrix or c.type for c in plan.inputs if c.kind == "nominal" and c.categories}
    found = {"string": "string", "int64": "integer", "bool": "integer", "float": "double", "double": "double"}
    for kind in sorted({found[kind] for kind in kinds}):
        lines += _search(kind)
    return lines


def _search(kind: str) -> list[str]:
    c_type = {"string": "const char *", "integer": "int64_t ", "double": "double "}[kind]
    array = {"string": "const char *const *", "integer": "const int64_t *", "double": "const double *"}[kind]
    less = "strcmp(keys[middle], x) < 0" if kind == "string" else "keys[middle] < x"
    same = "strcmp(keys[low], x) == 0" if kind == "string" else "keys[low] == x"
    guard = ["    if (x == NULL) return n;"] if kind == "string" else []
    return [
        "/* Code of a category; n when it is missing or unknown. */",
        f"static int code_of_{kind}({c_type}x, {array}keys, const int *codes, int n)",
        "{",
        "    int low = 0, high = n;",
        *guard,
        "    while (low < high) {",
        "        int middle = low + (high - low) / 2;",
        f"        if ({less}) low = middle + 1; else high = middle;",
        "    }",
        f"    return low < n && {same} ? codes[low] : n;",
        "}",
        "",
    ]


# -------------------------------------------------------------------- body
def body_of(plan: Plan, fields: list[str]) -> list[str]:
    """Statements of NAME_predict; `fields` are the names of the columns in the row's struct."""
    widths = [len(plan.bias), *(len(layer.bias) for layer in plan.layers)]
    names = [f"h{i}" for i in range(len(widths))]
    if plan.link != "binary":
        names[-1] = "out"
    lines = [f"    float {h}[{width}];" for h, width in zip(names, widths) if h != "out"]
    lines += [f"    memcpy({names[0]}, bias0, sizeof bias0);"]
    for j, column in enumerate(plan.inputs):
        value = f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"
        if column.kind == "nominal":
            lines += _look_up(plan, column, value, names[0], widths[0])
    lines += _dense(plan, fields, names[0], widths[0])
    for i, layer in enumerate(plan.layers, start=1):
        x = f"activation({names[i - 1]}[i])" if layer.activated else f"{names[i - 1]}[i]"
        lines += [
            f"    memcpy({names[i]}, bias{i}, sizeof bias{i});",
            "    {",
            "        int i;",
            f"        for (i = 0; i < {widths[i - 1]}; i++) {{",
            f"            const float x = {x};",
            f"            if (x != 0) add_scaled({names[i]}, weight{i}[i], x, {widths[i]});",
            "        }",
            "    }",
        ]
    if plan.link == "binary":
        lines += [
            f"    out[1] = 1 / (1 + expf(-{names[-1]}[0]));",
            f"    out[0] = 1 / (1 + expf({names[-1]}[0]));",
        ]
    if plan.link == "softmax":
        n = widths[-1]
        lines += [
            "    {",
            "        int i;",
            "        float largest = out[0], sum = 0;",
            f"        for (i = 1; i < {n}; i++) if (out[i] > largest) largest = out[i];",
            f"        for (i = 0; i < {n}; i++) sum += out[i] = expf(out[i] - largest);",
            f"        for (i = 0; i < {n}; i++) out[i] /= sum;",
            "    }",
        ]
    return lines


def _look_up(plan: Plan, column, value: str, h: str, width: int) -> list[str]:
    k, n, table = column.k, len(column.categories), plan.tables[column.k]
    kind = plan.matrix or column.type
    search = {"string": "string", "int64": "integer", "bool": "integer"}.get(kind, "double")
    code = f"code_of_{search}({value}, keys{k}, codes{k}, {n})" if n else "0"
    if table.weight is None:
        return [f"    add({h}, table{k}[{code}], {width});"]
    return [
        "    {",
        "        int i;",
        f"        const float *vector = table{k}[{code}];",
        f"        for (i = 0; i < {len(table.weight)}; i++) add_scaled({h}, embedded{k}[i], vector[i], {width});",
        "    }",
    ]


def _dense(plan: Plan, fields: list[str], h: str, width: int) -> list[str]:
    """The continuous columns; the missing ones stay at the mean, which adds nothing."""
    columns = [(j, column) for j, column in enumerate(plan.inputs) if column.kind == "continuous"]
    scaled = "" if plan.inverse_scale is None else " * inverse_scale[{k}]"
    if plan.matrix is not None and len(columns) == len(plan.inputs) and not plan.indicators:
        return [
            "    {",
            "        int i;",
            f"        for (i = 0; i < {len(columns)}; i++) {{",
            f"            const float x = (float)((row[i] - mean[i]){scaled.format(k='i')});",
            f"            if (x == x) add_scaled({h}, continuous[i], x, {width});",
            "        }",
            "    }",
        ]
    lines = []
    for j, column in columns:
        k = column.k
        value = f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"
        integer = plan.matrix is None and column.type == "int64"
        there = f"{value} != INT64_MIN" if integer else f"{value} == {value}"
        cast = "(double)" if integer else ""
        x = f"(float)(({cast}{value} - mean[{k}]){scaled.format(k=k)})"
        lines.append(f"    if ({there}) add_scaled({h}, continuous[{k}], {x}, {width});")
        if k in plan.indicators:
            lines.append(f"    else add({h}, flags[{plan.indicators.index(k)}], {width});")
    return lines
