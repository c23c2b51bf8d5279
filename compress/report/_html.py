"""A report as a page: the templates in the folder `templates`, filled; jinja2 is imported when one is asked for.

The page says in its head that only the script with its own checksum may run: what a table holds is shown as text, and
if it were not, it still could not run, nor could anything be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from compress._version import __version__, install
from compress.report._html_charts import HEIGHT, WIDTH, charts_of
from compress.report._html_form import SHOWN, columns_of, data_of, module_of
from compress.report._measures import PREDICTOR, label_of
from compress.report._numbers import bytes_text, number_text, short, times_text
from compress.report._verdict import headline, sentences_of

__all__ = ["page", "summary"]

MOST_CLASSES = 12  # for which the counts are a table
MOST_CONFUSIONS = 12
QUALITY = ("task", "fidelity")


def page(report) -> str:
    """Return a report as the text of one HTML file."""
    module = module_of(report)
    columns = columns_of(report.model.schema_) if module is not None else []
    script = "" if module is None else f"{module}\n{_template('report.js').render()}"
    return _template("report.html").render(
        version=__version__,
        title=headline(report),
        student=_capitalised(report.student),
        verdict=sentences_of(report),
        tiles=_tiles(report),
        report=report,
        models=_models(report),
        quality=[row for row in report.measures if row["group"] in QUALITY],
        costs=[row for row in report.measures if row["group"] == "cost"],
        charts=charts_of(report),
        size=(WIDTH, HEIGHT),
        confusion=_confusion(report),
        confusions=_confusions(report),
        classes=sorted(report.classes, key=lambda row: row["agreement"])[:MOST_CLASSES],
        overall=report.value("rmse_to_teacher"),
        widest=max((row["rmse"] for row in report.slices), default=1) or 1,
        columns=columns,
        shown=SHOWN,
        data=data_of(report, columns) if module is not None else None,
        script=script,
        checksum=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def summary(report) -> str:
    """Return a report as a short piece of HTML for notebooks."""
    return _template("summary.html").render(
        title=headline(report),
        verdict=sentences_of(report),
        report=report,
        models=_models(report),
        measures=[row for row in report.measures if not row["measure"].endswith(PREDICTOR)],
    )


def _template(name: str):
    return _environment().get_template(name)


@cache
def _environment():
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ImportError(f"reports as HTML need the 'jinja2' package: {install('report')}") from error
    made = Environment(
        loader=PackageLoader("compress.report"),
        autoescape=lambda name: name is None or not name.endswith((".js", ".css")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"label": label_of, "number": number_text, "short": short, "times": times_text}
    made.filters |= {"middle": _middle, "spread": _spread}
    made.filters |= {"percent": lambda value: f"{value:.1%}".replace("%", " %")}
    return made


# ------------------------------------------------------------------ parts
def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _spread(row: dict, model: str) -> str:
    """Return the range of a latency; an empty text for other measures."""
    low, high = row.get(f"{model}_low"), row.get(f"{model}_high")
    return "" if low is None else f"{_three(low)} to {_three(high)}"


def _middle(row: dict, model: str) -> str:
    """Return a cost without its range."""
    value = row.get(model)
    return _three(value) if isinstance(value, float) else number_text(row, model)


def _three(value: float) -> str:
    """Return a number with three digits, or all those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _models(report) -> list[str]:
    return ["student", "teacher"] + ["untaught"] * any("untaught" in row for row in report.measures)


def _tiles(report) -> list[tuple[str, str, str]]:
    """Return the few numbers that matter: what, the number, and what it is compared with."""
    known = {row["measure"]: row for row in report.measures}
    tiles, size = [], known["bytes"]
    times = "" if size["quotient"] is None else f"{_rounded(size['quotient'])} smaller than the teacher"
    tiles.append(("Size", bytes_text(size["student"]), times))
    speed = next((known[key + PREDICTOR] for key in known if key + PREDICTOR in known and "batch" in key), None)
    speed = speed or next((row for key, row in known.items() if key.endswith(PREDICTOR)), None)
    if speed is not None:
        text = f"{_three(speed['student'])} µs"
        tiles.append(("Time per row", text, f"{_rounded(speed['quotient'])} faster than the teacher"))
    error = known.get("rmse")
    if error is not None:
        tiles.append(("RMSE, lower is better", short(error["student"]), f"teacher {short(error['teacher'])}"))
    if "agreement" in known:
        share = f"{known['agreement']['student']:.1%}".replace("%", " %")
        tiles.append(("Agrees with the teacher", share, f"on the class of {report.n_rows:,} rows"))
    elif "r2_to_teacher" in known:
        tiles.append(("R² to the teacher", short(known["r2_to_teacher"]["student"]), f"on {report.n_rows:,} rows"))
    return tiles


def _rounded(quotient: float) -> str:
    return f"{quotient:,.0f} times" if quotient >= 10 else f"{quotient:.1f} times"


def _confusion(report) -> dict | None:
    """Return the counts as tables, for few classes: names, and for each model rows of (count, share of the row)."""
    if not report.confusion or len(report.confusion["student"]) > MOST_CLASSES:
        return None
    tables = {}
    for who, counts in report.confusion.items():
        tables[who] = [[(n, n / max(sum(row), 1)) for n in row] for row in counts]
    return {"names": [str(value) for value in report.model.classes_.tolist()], "tables": tables}


def _confusions(report) -> list[dict]:
    """Return the most frequent confusions, for many classes."""
    if not report.confusion or len(report.confusion["student"]) <= MOST_CLASSES:
        return []
    names, found = report.model.classes_.tolist(), []
    for i, row in enumerate(report.confusion["student"]):
        for j, n in enumerate(row):
            if i != j and n:
                theirs = report.confusion["teacher"][i][j] if "teacher" in report.confusion else None
                found.append(
                    {"class": names[i], "taken": names[j], "student": n, "teacher": theirs, "share": n / sum(row)}
                )
    return sorted(found, key=lambda row: -row["student"])[:MOST_CONFUSIONS]
