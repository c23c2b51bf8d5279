"""The form of a page: one field for each column of the table, the sample rows, and the script that answers."""

from __future__ import annotations

import math

from compress.export import js_module

__all__ = ["columns_of", "data_of", "module_of"]

SHOWN = 24  # fields that are open at first


def columns_of(schema) -> list[dict]:
    """Return what the form needs to know of each column.

    Returns
    -------
    list of dict
        `name`, `kind` ("number" or "category"), and `low`, `high`, `span`, `step` and `start` of numbers, or the texts
        of the `options` of categories.
    """
    found = []
    for column in schema.columns_:
        name = str(column.name) if schema.is_frame_ else f"column {column.name}"
        if column.kind == "nominal":
            found.append({"name": name, "kind": "category", "options": [_text(v) for v in column.categories]})
            continue
        step = 1.0 if column.integer else _step(column.low, column.high)
        middle = (column.low + column.high) / 2
        start = float(round(middle)) if column.integer else round(middle / step) * step
        found.append(
            {
                "name": name,
                "kind": "number",
                "low": _plain(column.low),
                "high": _plain(column.high),
                "span": f"{_shown(column.low)} to {_shown(column.high)}",
                "step": _plain(step),
                "start": _plain(float(f"{start:.12g}")),
            }
        )
    return found


def data_of(report, columns: list[dict]) -> dict:
    """Return what the script in the page reads: columns, sample rows, and how to show classes or values."""
    keys = ("row", "values", "truth", "student", "teacher", "strays")
    classes = getattr(report.model, "classes_", None)
    texts = None if classes is None else [_text(value) for value in classes.tolist()]
    samples = [{key: sample[key] for key in keys} for sample in report.samples]
    if texts is not None:
        known = {value: i for i, value in enumerate(classes.tolist())}
        for sample in samples:
            truth = sample["truth"]
            sample["truth"] = (
                None if truth is None or isinstance(truth, list) else texts[known[truth]] if truth in known else None
            )
    else:
        for sample in samples:
            truth = sample["truth"]
            sample["truth"] = truth if truth is None or isinstance(truth, list) else [truth]
    return {"columns": columns, "samples": samples, "classes": texts, "range": _range_of(report)}


def module_of(report) -> str | None:
    """Return the student as a JavaScript module; None where it cannot be exported."""
    if report.model is None:
        return None
    try:
        return js_module(report.model)
    except (TypeError, ValueError):
        return None


def _range_of(report) -> list | None:
    """Return the range of the values of both models."""
    if not report.points or report.classes:
        return None
    values = [float(pick(report.points[who])) for pick in (min, max) for who in ("student", "teacher")]
    return [min(values), max(values)]


def _text(value) -> str:
    """Return a category as it is shown; an empty text must be seen, too."""
    return str(value) if str(value).strip() else f"“{value}” (blank)"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:,.4g}"


def _step(low: float, high: float) -> float:
    """Return a round step of about a hundredth of a range."""
    return 10.0 ** math.floor(math.log10((high - low) / 50)) if high > low else 1.0


def _plain(value: float):
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)
