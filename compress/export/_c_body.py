"""The statements of an exported C function.

Rows are computed one by one, or in blocks of four, which use each weight that is loaded four times. Compilers make
vectors of the loops over units with -O2 alone: all trip counts are written out and, from eight units on, multiples
of eight (see `padded`).
"""

from __future__ import annotations

from compress.export._c_pieces import helper_of_pieces, statements_of_pieces
from compress.export._padding import NARROW
from compress.export._plan import Plan

__all__ = ["BLOCK", "body_of", "helpers_of", "in_blocks", "plain_columns", "search_helper", "transposed"]

ACTIVATIONS = {
    "relu": "x > 0 ? x : 0",
    "tanh": "tanhf(x)",
    "logistic": "1 / (1 + expf(-x))",
    "silu": "x / (1 + expf(-x))",
    "gelu": "0.5f * x * (1 + erff(x * 0.70710678f))",
}
BLOCK = 4  # rows
TERMS = {1: 8, BLOCK: 4}  # products per sweep over a layer's units, by rows: fewer loads and stores of the sums
MOST_UNITS = 2**14  # of all layers, up to which a block of rows may lie on the stack: 256 KiB


def transposed(n_in: int, n_out: int) -> bool:
    """Whether a layer's weights are stored as (n_out, n_in), for dot products."""
    return n_out < NARROW <= n_in


def in_blocks(plan: Plan) -> bool:
    """Whether several rows are computed together; without a hidden layer there is little to share."""
    return bool(plan.layers) and len(plan.bias) + sum(len(layer.bias) for layer in plan.layers) <= MOST_UNITS


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
    if len(plan.mean):
        lines += [
            "/* A number within the range of the training rows; NaN stays. */",
            "static double held(double x, double a, double b) { return x < a ? a : x > b ? b : x; }",
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
def body_of(plan: Plan, fields: list[str], n_outputs: int, row_type: str, n_rows: int = 1) -> list[str]:
    """Return the statements that predict one row, or a block of rows.

    Parameters
    ----------
    plan : Plan
        The plan, padded.
    fields : list of str
        The names of the columns in the struct of a row.
    n_outputs : int
        The number of outputs without the padding.
    row_type : str
        The type of a row, or of a value of a matrix.
    n_rows : {1, BLOCK}
        The number of rows. One row is called `row` in C, several are called `rows`.
    """
    widths = [len(plan.bias), *(len(layer.bias) for layer in plan.layers)]
    lines = [f"    float {', '.join(f'h{i}[{n_rows}][{width}]' for i, width in enumerate(widths))};"]
    plain, at = plain_columns(plan), _at(n_rows)
    if plain:
        lines.append(f"    float x[{n_rows}][{len(plain)}];")
    start = [f"    memcpy(h0[{at}], bias0, sizeof bias0);"]
    for j, column in enumerate(plan.inputs):
        if column.kind == "nominal":
            value = f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"
            start += _look_up(plan, column, value, f"h0[{at}]", widths[0])
    start += _continuous(plan, fields, at, widths[0])
    lines += _each_row(start, n_rows, row_type, 1 if plan.matrix is None else len(plan.inputs))
    if plain:
        lines += [*_affine("h0", "x", "continuous", len(plain), widths[0], n_rows), *_periodic(plan, widths[0], n_rows)]
    for i, layer in enumerate(plan.layers, start=1):
        lines += _layer(i, layer.activated, widths[i - 1], widths[i], n_rows)
    return lines + _each_row(_outputs(plan, f"h{len(widths) - 1}[{at}]", n_outputs), n_rows)


def _at(n_rows: int) -> str:
    return "0" if n_rows == 1 else "r"


def _each_row(lines: list[str], n_rows: int, row_type: str | None = None, stride: int = 1) -> list[str]:
    """Return statements for each row of a block; with a type they can use the row."""
    if n_rows == 1:
        return lines
    step = "r" if stride == 1 else f"r * {stride}"
    own = [f"        const {row_type} *row = rows + {step};"] if row_type else []
    head = ["    {", "        int r;", f"        for (r = 0; r < {n_rows}; r++) {{"]
    return [*head, *own, *(f"    {line}" for line in lines), "        }", "    }"]


def _outputs(plan: Plan, h: str, n: int) -> list[str]:
    """Return the statements from the units of the last layer to the predictions, which `out` moves behind."""
    if plan.output_activation == "sigmoid":
        return [f"    out[1] = 1 / (1 + expf(-{h}[0]));", f"    out[0] = 1 / (1 + expf({h}[0]));", "    out += 2;"]
    lines = ["    {", "        int i;"]
    if plan.output_activation == "softmax":
        lines += [
            f"        float largest = {h}[0], sum = 0;",
            f"        for (i = 1; i < {n}; i++) if ({h}[i] > largest) largest = {h}[i];",
            f"        for (i = 0; i < {n}; i++) sum += out[i] = expf({h}[i] - largest);",
            f"        for (i = 0; i < {n}; i++) out[i] /= sum;",
        ]
    else:
        added = "" if plan.shift is None else "shift[i] + "
        lines.append(f"        for (i = 0; i < {n}; i++) out[i] = {added}{h}[i];")
    return [*lines, "    }", f"    out += {n};"]


def _look_up(plan: Plan, column, value: str, h: str, width: int) -> list[str]:
    k, n, table = column.k, len(column.categories), plan.tables[column.k]
    kind = plan.matrix or column.type
    search = {"string": "string", "int64": "integer", "bool": "integer"}.get(kind, "double")
    code = f"code_of_{search}({value}, keys{k}, codes{k}, {n}, {n})" if n else "0"
    if table.weight is None:
        return [f"    add({h}, table{k}[{code}], {width});"]
    sweeps = []
    for start in range(0, len(table.weight), TERMS[1]):
        places = range(start, min(start + TERMS[1], len(table.weight)))
        terms = " + ".join(f"vector[{q}] * embedded{k}[{q}][j]" for q in places)
        sweeps += [f"        for (j = 0; j < {width}; j++)", f"            {h}[j] += {terms};"]
    return ["    {", f"        const float *vector = table{k}[{code}];", "        int j;", *sweeps, "    }"]


def _continuous(plan: Plan, fields: list[str], at: str, width: int) -> list[str]:
    """Return the statements that read the continuous columns of a row; a missing value is the mean, which adds nothing.

    Columns that are products go into `x`; what others add, and what flags add, goes into the first layer.
    """
    columns = [(j, column) for j, column in enumerate(plan.inputs) if column.kind == "continuous"]
    held = "held({x}, low[{k}], high[{k}])"
    scaled = "" if plan.inverse_scale is None else " * inverse_scale[{k}]"
    plain, h = plain_columns(plan), f"h0[{at}]"
    if columns and plan.matrix is not None and len(plain) == len(plan.inputs) and not plan.indicators:
        x = f"(float)(({held.format(x='row[i]', k='i')} - mean[i]){scaled.format(k='i')})"
        loop = f"        for (i = 0; i < {len(columns)}; i++) x[{at}][i] = row[i] == row[i] ? {x} : 0;"
        return ["    {", "        int i;", loop, "    }"]
    lines, values = [], []
    for j, column in columns:
        k = column.k
        value = f"row->{fields[j]}" if plan.matrix is None else f"row[{j}]"
        integer = plan.matrix is None and column.type == "int64"
        there = f"{value} != INT64_MIN" if integer else f"{value} == {value}"
        wide = held.format(x=f"{'(double)' if integer else ''}{value}", k=k)
        if k in plain:
            x = f"(float)(({wide} - mean[{k}]){scaled.format(k=k)})"
            lines.append(f"    x[{at}][{plain.index(k)}] = {there} ? {x} : 0;")
        else:
            values.append(f"{there} ? {wide} : mean[{k}]")
        if k in plan.indicators:
            lines.append(f"    if (!({there})) add({h}, flags[{plan.indicators.index(k)}], {width});")
    return [*lines, *statements_of_pieces(plan, values, h, width)]


def _periodic(plan: Plan, width: int, n_rows: int) -> list[str]:
    """Return the statements for the periodic embedding: sines and cosines of the columns `x`."""
    if plan.frequencies is None:
        return []
    d, n = plan.frequencies.shape
    at = _at(n_rows)
    waves = [
        f"        for (k = 0; k < {d}; k++)",
        f"            for (f = 0; f < {n}; f++) {{",
        f"                float angle = x[{at}][k] * frequencies[k][f];",
        f"                embedded[{at}][k * {n} + f] = sinf(angle);",
        f"                embedded[{at}][{d * n} + k * {n} + f] = cosf(angle);",
        "            }",
    ]
    return [
        "    {",
        f"        float embedded[{n_rows}][{2 * d * n}];",
        "        int k, f;",
        *_each_row(waves, n_rows),
        *_affine("h0", "embedded", "periodic", 2 * d * n, width, n_rows),
        "    }",
    ]


# ------------------------------------------------------------------ layers
def _affine(h: str, x: str, weight: str, n_in: int, n_out: int, n_rows: int) -> list[str]:
    """h += x @ weight, several inputs per sweep, with all sizes written out: compilers make vectors of such loops."""
    step = TERMS[n_rows]
    whole = n_in - n_in % step
    lines = []
    if whole:
        places = [f"i + {q}" if q else "i" for q in range(step)]
        sweep = _sweep(h, x, weight, places, n_out, n_rows)
        lines += [
            "    {",
            "        int i;",
            f"        for (i = 0; i < {whole}; i += {step}) {{",
            *sweep,
            "        }",
            "    }",
        ]
    if whole < n_in:
        lines += ["    {", *_sweep(h, x, weight, [str(q) for q in range(whole, n_in)], n_out, n_rows), "    }"]
    return lines


def _sweep(h: str, x: str, weight: str, places: list[str], n_out: int, n_rows: int) -> list[str]:
    """Return the statements that add the products of some inputs to all units."""
    lines = ["            int j;"]
    for r in range(n_rows):
        inputs = ", ".join(f"x{r}_{q} = {x}[{r}][{at}]" for q, at in enumerate(places))
        lines.append(f"            const float {inputs};")
    lines.append(f"            for (j = 0; j < {n_out}; j++) {{")
    for r in range(n_rows):
        terms = " + ".join(f"x{r}_{q} * {weight}[{at}][j]" for q, at in enumerate(places))
        lines.append(f"                {h}[{r}][j] += {terms};")
    return [*lines, "            }"]


def _layer(i: int, activated: bool, n_in: int, n_out: int, n_rows: int) -> list[str]:
    """Return layer `i`, which is computed from the units of the previous layer."""
    at = _at(n_rows)
    x, h, lines = f"h{i - 1}[{at}]", f"h{i}[{at}]", []
    if activated:
        lines += [
            "    {",
            "        int u;",
            f"        for (u = 0; u < {n_in}; u++) {x}[u] = activation({x}[u]);",
            "    }",
        ]
    if transposed(n_in, n_out):
        return _each_row([*lines, *_dots(h, x, f"weight{i}", f"bias{i}", n_in, n_out)], n_rows)
    lines.append(f"    memcpy({h}, bias{i}, sizeof bias{i});")
    return [*_each_row(lines, n_rows), *_affine(f"h{i}", f"h{i - 1}", f"weight{i}", n_in, n_out, n_rows)]


def _dots(h: str, x: str, weight: str, bias: str, n_in: int, n_out: int) -> list[str]:
    """h = bias + weight @ x, each sum by halves: loops over neighbours, of which compilers make vectors."""
    terms = next(m for m in (8, 4, 2, 1) if n_in % m == 0)
    n = n_in // terms
    places = ["j", *(f"j + {q * n}" for q in range(1, terms))]
    products = "\n                        + ".join(f"{x}[{at}] * {weight}[k][{at}]" for at in places)
    lines = [
        "    {",
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
    return [*lines, f"            {h}[k] = {bias}[k] + sum[0];", "        }", "    }"]
