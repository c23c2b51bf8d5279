"""Tables of speed and size of `experiments.model_compression` (the paper's Tables 3 and 4)."""

from __future__ import annotations

import numpy as np

from experiments._cells import cell, markdown_table, mean, over
from experiments._paper_tables import EIGHT, MEGABYTES, SECONDS

__all__ = ["one_row_table", "quotient_table", "quotients", "size_table", "speed_table"]


def speed_table(groups: dict) -> str:
    """Seconds per 10,000 rows of every form."""
    rows = []
    for problem, group in groups.items():
        pace = mean(group, "seconds_per_10k")
        of_t = [f"{pace['T']:.2f}", cell(pace, "T_onnx", ".3f"), models_converted(group)]
        of_students = [cell(pace, form, ".4f") for form in ("S1", "S1_bare", "S1_c", "recipe_c")]
        rows.append([problem, *of_t, *of_students])
    head = ["T", "T, ONNX Runtime", "models converted", "S1 `predict_proba`", "S1 `predictor()`", "S1, C", "recipe, C"]
    return (
        "T's ONNX form is timed without preparing its input, `predictor()` is NumPy, C is `to_c` compiled with "
        "`-O2 -march=native`.\n\n" + markdown_table(["problem", *head], rows)
    )


def quotient_table(groups: dict) -> str:
    """T's time over that of S1, in NumPy and in C, T as it is and converted; the paper's times and quotient."""
    rows = []
    for problem, group in groups.items():
        pace = mean(group, "seconds_per_10k")
        times = [over(pace, of_t, form) for of_t in ("T", "T_onnx") for form in ("S1_bare", "S1_c")]
        rows.append([problem, *times, *quoted(SECONDS, problem)])
    averages = [f"**{np.mean(quotients(groups, form)):,.0f}**" for form in ("S1_bare", "S1_c")]
    rows.append(["**average**", *averages, "", "", *quoted(SECONDS, EIGHT)])
    head = ["T / S1, NumPy", "C", "T in ONNX / S1, NumPy", "C", "paper: T, seconds", "S1", "T / S1"]
    return markdown_table(["problem", *head], rows)


def quotients(groups: dict, form: str) -> list[float]:
    """By problem, how many times as fast as T a form of S1 is for 10,000 rows."""
    paces = [mean(group, "seconds_per_10k") for group in groups.values()]
    return [pace["T"] / pace.get(form, np.nan) for pace in paces]


def one_row_table(groups: dict) -> str:
    """Microseconds of a single row."""
    rows = []
    for problem, group in groups.items():
        one = {name: 1e6 * seconds for name, seconds in mean(group, "seconds_one_row").items()}
        of_t = [f"{one['T']:,.0f}", cell(one, "T_onnx", ",.0f")]
        of_s1 = [f"{one['S1']:,.0f}", f"{one['S1_bare']:.0f}", cell(one, "S1_c", ".1f")]
        rows.append([problem, *of_t, *of_s1, over(one, "T", "S1_bare"), over(one, "T_onnx", "S1_bare")])
    head = ["T", "T, ONNX Runtime", "S1 `predict_proba`", "S1 `predictor()`", "S1, C", "T / S1", "T in ONNX / S1"]
    return (
        "`predict_proba` and `predictor()` are given a DataFrame. Where columns are nominal (ADULT, COVTYPE), taking "
        "it apart is most of their time. C and ONNX are given arrays.\n\n" + markdown_table(["problem", *head], rows)
    )


def size_table(groups: dict) -> str:
    """Megabytes of the saved models."""
    rows, times = [], []
    for problem, group in groups.items():
        size = {name: n / 1e6 for name, n in mean(group, "size_bytes").items()}
        times.append(size["T"] / size["S1"])
        own = [f"{size['T']:.1f}", cell(size, "T_onnx", ".1f"), f"{size['S2']:.4f}", f"{size['S1']:.4f}"]
        rows.append([problem, *own, cell(size, "recipe", ".4f"), f"{times[-1]:,.0f}", *quoted(MEGABYTES, problem)])
    rows.append(["**average**", *[""] * 5, f"**{np.mean(times):,.0f}**", *quoted(MEGABYTES, EIGHT)])
    return markdown_table(["problem", "T", "T, ONNX", "S2", "S1", "recipe", "T / S1", "paper: T", "S1", "T / S1"], rows)


def quoted(table: dict, problem: str) -> list[str]:
    """The paper's T, S1 and their quotient."""
    if problem not in table:
        return ["", "", ""]
    s1, t = table[problem]
    return [f"{t:,.2f}", f"{s1:.2f}", f"{t / s1:,.0f}"]


def models_converted(group: list) -> str:
    """How many of T's models ran through ONNX Runtime, over all seeds."""
    counts = [r["converted"] for r in group if r["converted"]]
    return f"{sum(c for c, _ in counts)} of {sum(n for _, n in counts)}" if counts else ""
