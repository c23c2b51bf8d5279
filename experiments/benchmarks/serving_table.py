"""The serving benchmark's results in Markdown: what was asked for, then every form."""

from __future__ import annotations

import numpy as np

__all__ = ["asked", "table"]

ONE = ("NumPy, dict", "compiled, dict", "compiled, list", "compiled, array", "compiled, DataFrame")


def asked(results: list[dict]) -> list[dict]:
    """What the serving of students must show: a statement, the figure that is asked for, and ours."""
    by = {facts["problem"]: facts for facts in results}
    found = []

    def add(says: str, wanted: float, figure: float, *, most: bool = False):
        met = figure <= wanted if most else figure >= wanted
        found.append({"says": says, "wanted": wanted, "figure": figure, "met": bool(met)})

    if "adult" in by:
        one = by["adult"]["us"]["1"]
        over = one["T, ONNX Runtime"]["min_us"]
        add("ADULT, one row as a dict: T in ONNX Runtime / compiled", 20, over / one["compiled, dict"]["min_us"])
        add("ADULT, one row as a dict: T in ONNX Runtime / NumPy", 5, over / one["NumPy, dict"]["min_us"])
    for name, facts in by.items():
        one = facts["us"]["1"]
        if not facts["nominal"]:
            figure = one["T, ONNX Runtime"]["min_us"] / one["compiled, array"]["min_us"]
            add(f"{name}, one row of numbers: T in ONNX Runtime / compiled", 50, figure)
    for name, facts in by.items():
        many = facts["us"]["10000"]
        form = "compiled, DataFrame" if facts["nominal"] else "compiled, array"
        for flags in ("-O2", "native"):
            figure = many[form]["min_us"] / many[f"C, {flags}"]["min_us"]
            add(f"{name}, 10,000 rows: {form} / C, {flags}", 1.2, figure, most=True)
    times = [over_native(facts) for facts in results]
    add("10,000 rows, on average: T native / compiled", 1000, float(np.mean(times)))
    return found


def over_native(facts: dict) -> float:
    """How many times as long as compiled code T takes as it is, for 10,000 rows."""
    many = facts["us"]["10000"]
    form = "compiled, DataFrame" if facts["nominal"] else "compiled, array"
    return many["T, native"]["min_us"] / many[form]["min_us"]


def table(results: list[dict], load: dict) -> str:
    """Return all of it: the headline, what was asked for, every form of every problem, cold starts."""
    left_out = {name: why for facts in results for name, why in facts["left_out"].items()}
    said = "".join(
        f" Left out: {name}, which does not run with the packages of this machine ({why})."
        for name, why in left_out.items()
    )
    parts = [
        _headline(results),
        f"Load of the machine: {load['before']:.1f} before, {load['after']:.1f} after; this run makes 1.{said}\n",
        _asked(asked(results)),
        *(_details(facts) for facts in results),
        _cold(results),
    ]
    return "\n".join(parts)


def _headline(results: list[dict]) -> str:
    head = ["problem", "T, ONNX Runtime", *ONE, "C", "LightGBM", "T / compiled, 10,000 rows"]
    lines = ["Microseconds of one row; in the last column T as it is over compiled code.\n", _row(head), _rule(head)]
    for facts in results:
        one = facts["us"]["1"]
        cells = [_us(one, form) for form in ("T, ONNX Runtime", *ONE, "C, native", "LightGBM")]
        lines.append(_row([facts["problem"], *cells, f"{over_native(facts):,.0f}"]))
    return "\n".join([*lines, ""])


def _asked(found: list[dict]) -> str:
    head = ["what", "asked for", "found", ""]
    lines = ["### What was asked for\n", _row(head), _rule(head)]
    for row in found:
        sign = "at most" if " / C, " in row["says"] else "at least"
        lines.append(_row([row["says"], f"{sign} {row['wanted']:,g}", _figure(row["figure"]), _said(row["met"])]))
    return "\n".join([*lines, ""])


def _said(met: bool) -> str:
    return "holds" if met else "**missed**"


def _details(facts: dict) -> str:
    forms = [form for form in dict.fromkeys(form for times in facts["us"].values() for form in times)]
    head = ["form", "1 row", "100 rows", "10,000 rows"]
    lines = [f"### {facts['problem']}: {facts['columns']} columns, {facts['nominal']} of them nominal\n"]
    lines += ["Microseconds of a call.\n", _row(head), _rule(head)]
    lines += [_row([form, *(_us(times, form) for times in facts["us"].values())]) for form in forms]
    return "\n".join([*lines, ""])


def _cold(results: list[dict]) -> str:
    head = ["problem", "form", "seconds", "with a first row", "MB"]
    lines = ["### From a cold start\n", _row(head), _rule(head)]
    for facts in results:
        for name, cold in facts["cold"].items():
            times = f"{cold['seconds']:.2f}", f"{cold['seconds_with_a_row']:.2f}"
            lines.append(_row([facts["problem"], name, *times, f"{cold['megabytes']:.0f}"]))
    return "\n".join([*lines, ""])


def _row(cells) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(head) -> str:
    return _row(["---", *["--:"] * (len(head) - 1)])


def _us(times: dict, form: str) -> str:
    return _figure(times[form]["min_us"]) if form in times else ""


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
