"""Cells and tables of Markdown, from records: one per run, with a dict of models under each key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from experiments._runner import spread

__all__ = ["cell", "counted", "markdown_table", "mean", "of_seeds", "over"]


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]], *, texts: int = 1) -> str:
    """A table whose first columns are text and the others numbers, set to the right.

    Parameters
    ----------
    head : iterable of str
    rows : iterable of iterables of str
        As many cells as `head`.
    texts : int, default=1
        How many columns are text.
    """
    head = list(head)
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * texts + "--:|" * (len(head) - texts)]
    for row in rows:
        row = list(row)
        if len(row) != len(head):
            raise ValueError(f"rows must have {len(head)} cells as the head; got {row}.")
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def mean(group: list, key: str) -> dict:
    """Mean over seeds of each entry of a record's dict."""
    return {name: float(np.mean([r[key][name] for r in group])) for name in group[0][key]}


def of_seeds(group: list, key: str, model: str) -> str:
    """Mean ± sd over seeds of one model, empty where a seed lacks it."""
    if any(model not in r[key] for r in group):
        return ""
    return spread([r[key][model] for r in group], 4)


def cell(values: dict, name: str, form: str) -> str:
    """One formatted number, empty where there is none."""
    return format(values[name], form) if name in values else ""


def over(values: dict, one: str, other: str, unit: str = "") -> str:
    """A quotient, empty where there is none."""
    if not {one, other} <= set(values):
        return ""
    quotient = values[one] / values[other]
    return f"{quotient:,.0f}{unit}" if quotient >= 10 else f"{quotient:.1f}{unit}"


def counted(names: Iterable[str]) -> str:
    """The different names, the most frequent first, each with how often it is there if they are several."""
    counts = Counter(names)
    return "; ".join(f"{name} ({n})" if len(counts) > 1 else name for name, n in counts.most_common())
