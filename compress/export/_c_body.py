"""The statements of an exported C function."""

from __future__ import annotations

from compress.export._c_pieces import helper_of_pieces, statements_of_pieces
from compress.export._plan import Plan

__all__ = ["body_of", "helpers_of", "plain_columns", "search_helper", "transposed"]

ACTIVATIONS = {
    "relu": "x > 0 ? x : 0",
    "tanh": "tanhf(x)",
    "logistic": "1 / (1 + expf(-x))",
    "silu": "x / (1 + expf(-x))",
    "gelu": "0.5f * x * (1 + erff(x * 0.70710678f))",
}
TERMS = 8  # products per sweep over a layer's units: fewer loads and stores of the sums
NARROW = 8  # layers with fewer units are made one by one, as dot products


def transposed(n_in: int, n_out: int) -> bool:
    """Whether a layer's weights are stored as (n_out, n_in), for dot products."""
    return n_out < NARROW <= n_in


def plain_columns(plan: Plan) -> list[int]:
    """Return the positions of the continuous columns without bins, which are added as products."""
    with_bins = {pieces.k for pieces in plan.pieces}
    return [k for k in range(len(plan.mean)) if k not in with_bins]


def helpers_of(plan: Plan) -> list[str]:
    """Return the static functions that the body needs, and no others: -Wall refuses unused ones."""
    lines = []
    if plan.indicators or any(table.weight is None for table in plan.tables):
        lines += [
            "static void add(float *h, const float *row, int n)",
            "{",
            "    int j;",
            "    for (j = 0; j < n; j++) h[j] += row[j];",
            "}",
            "",
        ]
    lines += helper_of_pieces(plan)
    if any(layer.activated for layer in plan.layers):
        lines += [f"static float activation(float x) {{ return {ACTIVATIONS[plan.activation]}; }}", ""]
    kinds = {plan.matrix or c.type for c in plan.inputs if c.kind == "nominal" and c.categories}
    found = {"string": "string", "int64": "integer", "bool": "integer", "float": "double", "double": "double"}
    for kind in sorted({found[kind] for kind in kinds}):
        lines += search_helper(kind)
    return lines


def search_helper(kind: str) -> list[str]:
    """Return the function that finds the code of a category by a binary search."""
    c_type = {"string": "const char *", "integer": "int64_t ", "double": "double "}[kind]
    array = {"string": "const char *const *", "integer": "const int64_t *", "double": "const double *"}[kind]
    if kind == "string":  # most comparisons end with the first letter, without a call
        steps = [
            "        int order = (unsigned char)keys[middle][0] - (unsigned char)x[0];",
            "        if (order == 0) order = strcmp(keys[middle], x);",
            "        if (order == 0) return codes[middle];",
            "        if (order < 0) low = middle + 1; else high = middle;",
            "    }",
            "    return other;",
        ]
    else:
        steps = [
            "        if (keys[middle] < x) low = middle + 1; else high = middle;",
            "    }",
            "    return low < n && keys[low] == x ? codes[low] : other;",
        ]
    guard = ["    if (x == NULL) return other;"] if kind == "string" else []
    return [
        "/* Code of a category; `other` when it is missing or unknown. */",
        f"static int code_of_{kind}({c_type}x, {array}keys, const int *codes, int n, int other)",
        "{",
        "    int low = 0, high = n;",
        *guard,
        "    while (low < high) {",
        "        int middle = low + (high - low) / 2;",
        *steps,
        "}",
        "",
    ]


# -------------------------------------------------------------------- body
def body_of(plan: Plan, fields: list[str]) -> list[str]:
    """Return the statements of NAME_predict; `fields` are the names of the columns in the struct of a row."""
    widths = [len(plan.bias), *(len(layer.bias) for layer in plan.layers)]
    names = [f"h{i}" for i in range(len(widths))]
    if plan.output_activation != "sigmoid" and plan.shift is None:
        names[-1] = "out"
    lines = [f"    float {h}[{width}];" for h, width in zip(names, widths) if h != "out"]
    lines += [f"    memcpy({names[0]}, bias0, sizeof bias0);"]
    for j, column in enumerate(plan.inputs):
        value = f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"
        if column.kind == "nominal":
            lines += _look_up(plan, column, value, names[0], widths[0])
    lines += _continuous(plan, fields, names[0], widths[0])
    for i, layer in enumerate(plan.layers, start=1):
        lines += _layer(i, layer.activated, names[i - 1], names[i], widths[i - 1], widths[i])
    if plan.output_activation == "sigmoid":
        lines += [
            f"    out[1] = 1 / (1 + expf(-{names[-1]}[0]));",
            f"    out[0] = 1 / (1 + expf({names[-1]}[0]));",
        ]
    if plan.shift is not None:
        lines += [
            "    {",
            "        int i;",
            f"        for (i = 0; i < {widths[-1]}; i++) out[i] = shift[i] + {names[-1]}[i];",
            "    }",
        ]
    if plan.output_activation == "softmax":
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
    code = f"code_of_{search}({value}, keys{k}, codes{k}, {n}, {n})" if n else "0"
    if table.weight is None:
        return [f"    add({h}, table{k}[{code}], {width});"]
    n_in = len(table.weight)
    return [
        "    {",
        f"        const float *vector = table{k}[{code}];",
        *_affine(h, "vector", f"embedded{k}", n_in, width),
        "    }",
    ]


def _continuous(plan: Plan, fields: list[str], h: str, width: int) -> list[str]:
    """Return the statements for the continuous columns; missing values stay at the mean, which adds nothing."""
    columns = [(j, column) for j, column in enumerate(plan.inputs) if column.kind == "continuous"]
    if not columns:
        return []
    scaled = "" if plan.inverse_scale is None else " * inverse_scale[{k}]"
    plain = plain_columns(plan)
    lines = ["    {", f"        float x[{len(plain)}];"] if plain else []
    if plan.matrix is not None and len(plain) == len(plan.inputs) and not plan.indicators:
        x = f"(float)((row[i] - mean[i]){scaled.format(k='i')})"
        lines += ["        int i;", f"        for (i = 0; i < {len(columns)}; i++) x[i] = row[i] == row[i] ? {x} : 0;"]
        return [*lines, *_affine(h, "x", "continuous", len(columns), width), *_periodic(plan, h, width), "    }"]
    flags, values = [], []
    for j, column in columns:
        k = column.k
        value = f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"
        integer = plan.matrix is None and column.type == "int64"
        there = f"{value} != INT64_MIN" if integer else f"{value} == {value}"
        wide = f"{'(double)' if integer else ''}{value}"
        if k in plain:
            x = f"(float)(({wide} - mean[{k}]){scaled.format(k=k)})"
            lines.append(f"        x[{plain.index(k)}] = {there} ? {x} : 0;")
        else:
            values.append(f"{there} ? {wide} : mean[{k}]")
        if k in plan.indicators:
            place = plan.indicators.index(k)
            (lines or flags).append(f"        if (!({there})) add({h}, flags[{place}], {width});")
    if plain:
        lines += [*_affine(h, "x", "continuous", len(plain), width), *_periodic(plan, h, width), "    }"]
    return [*lines, *flags, *statements_of_pieces(plan, values, h, width)]


def _periodic(plan: Plan, h: str, width: int) -> list[str]:
    """Return the statements for the periodic embedding: sines and cosines of the columns `x`."""
    if plan.frequencies is None:
        return []
    d, n = plan.frequencies.shape
    return [
        "        {",
        f"            float embedded[{2 * d * n}];",
        "            int k, f;",
        f"            for (k = 0; k < {d}; k++)",
        f"                for (f = 0; f < {n}; f++) {{",
        "                    float angle = x[k] * frequencies[k][f];",
        f"                    embedded[k * {n} + f] = sinf(angle);",
        f"                    embedded[{d * n} + k * {n} + f] = cosf(angle);",
        "                }",
        *_affine(h, "embedded", "periodic", 2 * d * n, width),
        "        }",
    ]


# ------------------------------------------------------------------ layers
def _affine(h: str, x: str, weight: str, n_in: int, n_out: int) -> list[str]:
    """h += x @ weight, several inputs per sweep, with all sizes written out: compilers make vectors of such loops."""
    whole = n_in - n_in % TERMS
    lines = []
    if whole:
        terms = _terms(x, weight, [f"i + {q}" if q else "i" for q in range(TERMS)])
        lines += [
            "        {",
            "            int i, j;",
            f"            for (i = 0; i < {whole}; i += {TERMS})",
            f"                for (j = 0; j < {n_out}; j++)",
            f"                    {h}[j] += {terms};",
            "        }",
        ]
    if whole < n_in:
        terms = _terms(x, weight, [str(q) for q in range(whole, n_in)])
        lines += [
            "        {",
            "            int j;",
            f"            for (j = 0; j < {n_out}; j++)",
            f"                {h}[j] += {terms};",
            "        }",
        ]
    return lines


def _terms(x: str, weight: str, places: list[str]) -> str:
    return "\n                        + ".join(f"{x}[{at}] * {weight}[{at}][j]" for at in places)


def _layer(i: int, activated: bool, x: str, h: str, n_in: int, n_out: int) -> list[str]:
    """Return layer `i`, which is computed from the units `x` of the previous layer."""
    lines = ["    {"]
    if activated:
        lines += ["        int u;", f"        for (u = 0; u < {n_in}; u++) {x}[u] = activation({x}[u]);"]
    if transposed(n_in, n_out):
        return [*lines, *_dots(h, x, f"weight{i}", f"bias{i}", n_in, n_out), "    }"]
    return [
        *lines,
        f"        memcpy({h}, bias{i}, sizeof bias{i});",
        *_affine(h, x, f"weight{i}", n_in, n_out),
        "    }",
    ]


def _dots(h: str, x: str, weight: str, bias: str, n_in: int, n_out: int) -> list[str]:
    """h = bias + weight @ x, each sum by halves: loops over neighbours, of which compilers make vectors."""
    terms = next(m for m in (TERMS, 4, 2, 1) if n_in % m == 0)
    n = n_in // terms
    places = ["j", *(f"j + {q * n}" for q in range(1, terms))]
    products = "\n                        + ".join(f"{x}[{at}] * {weight}[k][{at}]" for at in places)
    lines = [
        f"        float sum[{n}];",
        "        int j, k;",
        f"        for (k = 0; k < {n_out}; k++) {{",
        f"            for (j = 0; j < {n}; j++)",
        f"                sum[j] = {products};",
    ]
    while n > 1:
        half = (n + 1) // 2
        lines.append(f"            for (j = 0; j < {n - half}; j++) sum[j] += sum[j + {half}];")
        n = half
    return [*lines, f"            {h}[k] = {bias}[k] + sum[0];", "        }"]
