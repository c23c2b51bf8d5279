"""Numbers of a report as text."""

from __future__ import annotations

__all__ = ["bytes_text", "number_text", "short", "times_text"]


def number_text(row: dict, model: str) -> str:
    """Return one number of a measure, with its range where it has one; "-" where there is none."""
    value = row.get(model)
    if value is None:
        return "-"
    if f"{model}_low" in row:
        return f"{value:,.4g} ({row[f'{model}_low']:,.4g}-{row[f'{model}_high']:,.4g})"
    return f"{value:,}" if isinstance(value, int) else short(value)


def short(value: float, sign: str = "") -> str:
    """Return a number with the digits that matter; with the sign "+" a positive one has it, too."""
    return f"{value:{sign}.4f}" if abs(value) < 100 else f"{value:{sign},.1f}"


def times_text(value) -> str:
    """Return a quotient; an empty text for None."""
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def bytes_text(n: int) -> str:
    """Return a size in kB."""
    return f"{n / 1000:,.1f} kB" if n < 100_000 else f"{n / 1000:,.0f} kB"
