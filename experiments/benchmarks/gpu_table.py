"""The tables of `experiments.benchmarks.gpu`, from its report alone."""

from __future__ import annotations

import statistics

__all__ = ["in_page", "markdown"]

BEGIN, END = "<!-- measured: written by experiments.benchmarks.gpu --docs -->", "<!-- end of measured -->"
NOT_RUN = "Not run on a card yet: no number of this page has been measured on a GPU."


def in_page(page: str, report: dict | None) -> str:
    """The page with what was measured between its two marks; without a report of a card it says that there is none."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    text = NOT_RUN + "\n"
    if report is not None and report["machine"]["gpu"] and not report["setting"]["small"]:
        # without the messages, which are the same on every card
        parts = {name: {k: v for k, v in part.items() if k != "messages"} for name, part in report["parts"].items()}
        text = markdown({**report, "parts": parts})
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def markdown(report: dict) -> str:
    """All parts that are there as Markdown."""
    machine, setting = report["machine"], report["setting"]
    where = machine["gpu"] or f"no GPU: {machine['cpu']}, sizes small, no statement about a card"
    lines = [f"Measured on: {where}; torch {report['versions']['torch']}; {machine['cores']} CPU cores."]
    if setting["small"]:
        lines.append("Small sizes: a check that the script works.")
    writers = {
        "cases": _cases,
        "speed": _speed,
        "rules": _rules,
        "together": _together,
        "large": _large,
        "precision": _precision,
        "labelling": _labelling,
    }
    for name, part in report["parts"].items():
        lines += ["", f"### {name}", ""]
        if "left_out" in part or "failed" in part:
            lines.append(part.get("failed") or f"left out: {part['left_out']}")
        else:
            lines += writers[name](part)
    return "\n".join(lines) + "\n"


def _cases(part: dict) -> list[str]:
    lines = ["| estimator | error, device | error, CPU | largest difference of predictions | agrees | steps |"]
    lines.append("|---|--:|--:|--:|---|---|")
    for row in part["cases"]:
        if "failed" in row:
            lines.append(f"| {row['case']} | | | | failed: {row['failed'].splitlines()[0]} | |")
            continue
        here, there = (statistics.mean(row[key]) for key in ("error_device", "error_cpu"))
        steps = f"{row['replayed']} replayed" if row["replayed"] else f"eager: {row['eager_because'] or 'by choice'}"
        lines.append(
            f"| {row['case']} | {here:.4f} | {there:.4f} | {max(row['largest_difference']):.2g} "
            f"| {'yes' if row['agrees'] else 'NO'} (within {row['tolerance']}) | {steps} |"
        )
    lines += ["", "Read in a process without a GPU, largest difference of the predictions:"]
    lines += [f"- {name}: {value}" for name, value in part["read_back"].items()]
    if "messages" in part:
        lines += ["", "Messages:", *(f"- {name}: {text}" for name, text in part["messages"].items())]
    return lines


def _speed(part: dict) -> list[str]:
    limits = part["limits"]
    lines = [
        f"Limits measured: copy {limits['bytes_per_second'] / 1e9:.0f} GB/s; products "
        + ", ".join(f"{name} {limits[name] / 1e12:.1f} TFLOP/s" for name in ("float32", "tf32", "bfloat16"))
        + ".",
        "",
        "| outputs | batch | way | million rows/s | µs per step | times one core | share of copy | share of float32 |",
        "|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    cores = {(r["n_outputs"], r["batch_size"]): r["rows_per_second"] for r in part["rates"] if r["way"] == "one core"}
    for row in part["rates"]:
        counted, speed = part["counted"][str(row["n_outputs"])], row["rows_per_second"]
        shares = "| | |"
        if row["way"] in ("captured", "eager"):
            shares = (
                f"| {speed * counted['bytes'] / limits['bytes_per_second']:.1%} "
                f"| {speed * counted['operations'] / limits['float32']:.1%} |"
            )
        way = row["way"] + ("" if row["way"] != "captured" or row["replayed"] else f" (NOT: {row['eager_because']})")
        one = cores.get((row["n_outputs"], row["batch_size"]))
        lines.append(
            f"| {row['n_outputs']} | {row['batch_size']} | {way} | {speed / 1e6:.2f} "
            f"| {row['microseconds_per_step']:.1f} | {speed / one:.1f} {shares}"
        )
    lines += ["", "| outputs | captured | kernels per step | launches per step | µs of kernels per step |"]
    lines.append("|--:|---|--:|--:|--:|")
    for row in part["launches"]:
        if "failed" in row:
            lines.append(f"| | {row['captured']} | failed: {row['failed']} | | |")
            continue
        lines.append(
            f"| {row['n_outputs']} | {row['captured']} | {row['kernels_per_step']:.1f} "
            f"| {row['launches_per_step']:.1f} | {row['device_microseconds_per_step']:.1f} |"
        )
    return lines


def _fit_line(name: str, rows: list[dict]) -> str:
    first = rows[0]
    return (
        f"| {name} | {first['n_rows']:,} | {first['epochs']} | {first['batch_size']} | {first['learning_rate']:g} "
        f"| {statistics.median(row['seconds'] for row in rows):.2f} "
        f"| {statistics.median(row['seconds_of_epochs'] for row in rows):.3f} "
        f"| {statistics.mean(row['error'] for row in rows):.5f} |"
    )


FIT_HEAD = [
    "| rule | rows | epochs | batch | rate | seconds of `fit` | of its epochs | error on new rows / variance |",
    "|---|--:|--:|--:|--:|--:|--:|--:|",
]


def _rules(part: dict) -> list[str]:
    names = {"device_rule": "device's", "cpu_rule": "CPU's, on the device", "one_core": "CPU's, on one core"}
    lines = FIT_HEAD + [_fit_line(text, part[name]) for name, text in names.items()]
    return lines + [
        "",
        f"Error over that of the CPU's rule on the device: {part['error_over_cpu_rule']:.3f}; "
        f"over that of one core: {part['error_over_one_core']:.3f}.",
    ]


def _large(part: dict) -> list[str]:
    return FIT_HEAD + [_fit_line("few rows", [part["few"]]), _fit_line("many rows", [part["many"]])]


def _together(part: dict) -> list[str]:
    lines = ["| way | seconds | of its epochs | million rows/s of all candidates | steps replayed |"]
    lines.append("|---|--:|--:|--:|--:|")
    for name in ("together", "one_after_the_other"):
        row = part[name]
        lines.append(
            f"| {name.replace('_', ' ')} | {row['seconds']:.2f} | {row['seconds_of_epochs']:.2f} "
            f"| {row['rows_per_second'] / 1e6:.2f} | {row['replayed']} {row['eager_because'] or ''} |"
        )
    return lines + [
        "",
        f"{part['candidates']} candidates, {part['n_rows']:,} rows, {part['epochs']} epochs: together "
        f"{part['times_as_fast']:.1f} times as fast; best errors differ by at most "
        f"{part['largest_relative_difference']:.1%}.",
    ]


def _precision(part: dict) -> list[str]:
    lines = ["| hidden units | precision | batch | million rows/s | error on new rows / variance |"]
    lines.append("|---|---|--:|--:|--:|")
    for row in part["runs"]:
        hidden = " x ".join(map(str, row["hidden_layer_sizes"]))
        lines.append(
            f"| {hidden} | {row['precision']} | {row['batch_size']} | {row['rows_per_second'] / 1e6:.2f} "
            f"| {row['error']:.5f} |"
        )
    return lines


def _labelling(part: dict) -> list[str]:
    lines = ["| teacher | million rows/s |", "|---|--:|"]
    for name, value in part.items():
        if name not in ("n_rows", "part_seconds"):
            lines.append(f"| {name} | {f'{value / 1e6:.2f}' if isinstance(value, float) else value} |")
    return lines
