"""The export benchmark's results in Markdown: what was asked for, then every form."""

from __future__ import annotations

__all__ = ["table"]

ASKED = {"random forest": (300, 10), "histogram boosting": (50, 3), "gradient boosting": (50, 3)}  # batch, single row
ASKED_NATIVE = 1000
STUDENTS = ("student", "256 units")


def table(results: list[dict], imports: dict) -> str:
    """All of it."""
    lines = [*summary(results), ""]
    for facts in results:
        lines += [*details(facts), ""]
    for what, parts in imports.items():
        shares = ", ".join(f"{k} {100 * v / parts['total']:.0f} %" for k, v in parts.items() if k != "total")
        lines.append(f"Importing {what}: {parts['total']:.2f} s ({shares}).")
    return "\n".join(lines) + "\n"


def fastest(facts: dict, student: str, n: int) -> str:
    """The student's best form for `n` rows."""
    own = [form for form in facts["microseconds"] if form.startswith(f"{student}, ")]
    return min(own, key=lambda form: microseconds(facts, form, n))


def microseconds(facts: dict, form: str, n: int) -> float:
    """Per call; JSON makes text of the numbers of rows."""
    times = facts["microseconds"][form]
    return times[n if n in times else str(n)]["min_us"]


def quotients(facts: dict, student: str) -> dict:
    """How many times as fast as the teacher the student is, by what was asked for."""

    def times(teacher, n, form=None):
        form = fastest(facts, student, n) if form is None else form
        return microseconds(facts, f"teacher, {teacher}", n) / microseconds(facts, form, n)

    return {
        "batch": times("ONNX Runtime", 10_000),
        "single": times("ONNX Runtime", 1),
        "native": times("native", 1),
        "proba, single": times("ONNX Runtime", 1, f"{student}, predict_proba"),
        "proba, batch": times("ONNX Runtime", 10_000, f"{student}, predict_proba"),
    }


def summary(results: list[dict]) -> list[str]:
    """One row per teacher and student; figures below what was asked for are marked."""
    lines = [
        "How many times as fast as the teacher: the student's best form against the converted teacher (10,000 rows,",
        "one row) and the native one (one row), and `predict_proba` against the converted teacher. Asked for: 50, 3",
        "and 1,000 (boosting), 300, 10 and 1,000 (forests), and 1 for `predict_proba`; (below) marks what misses it.",
        "",
        "| teacher | RMSE | student | RMSE | converted, batch | converted, one | native, one "
        "| `predict_proba`, batch | one | `predictor()`, us |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for facts in results:
        batch, single = ASKED[facts["kind"]]
        asked = {"batch": batch, "single": single, "native": ASKED_NATIVE, "proba, batch": 1, "proba, single": 1}
        for student in STUDENTS:
            found = quotients(facts, student)
            cells = [f"{_figure(found[key])}{' (below)' if found[key] < asked[key] else ''}" for key in asked]
            error, shape = "", "256 units"
            if student == "student":
                shape = "-".join(map(str, facts["shape"]))
                error = f"{facts['errors']['student']:.4f}{'' if facts['met'] else ' (over 1 %)'}"
            lines.append(
                f"| {facts['problem']}: {facts['kind']}, {facts['size']} | {facts['errors']['teacher']:.4f} | {shape} "
                f"| {error} | {' | '.join(cells)} | {_figure(microseconds(facts, f'{student}, bare NumPy', 1))} |"
            )
    return lines


def details(facts: dict) -> list[str]:
    """Every form of a teacher and its students."""
    lines = [
        f"### {facts['problem']}: {facts['kind']}, {facts['size']}",
        "",
        f"CPU microseconds, one thread; the student is {'-'.join(map(str, facts['shape']))}.",
        "",
        "| form | 1 row | converted / form | 10,000 rows | converted / form | kB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for form in facts["microseconds"]:
        what, how = form.split(", ", 1)
        if what == "teacher":
            size = facts["bytes"]["joblib" if how == "native" else "ONNX"]
        else:
            key = "ONNX float32" if how == "ONNX Runtime" else "C object" if how.startswith("C,") else "saved"
            size = facts["students"][what]["bytes"][key]
        cells = []
        for n in (1, 10_000):
            us = microseconds(facts, form, n)
            cells += [_figure(us), _figure(microseconds(facts, "teacher, ONNX Runtime", n) / us)]
        lines.append(f"| {form} | {' | '.join(cells)} | {size / 1000:,.1f} |")
    sizes, losses = (facts["students"]["student"][key] for key in ("bytes", "losses"))
    weights = "; ".join(
        f"ONNX {p} {sizes[f'ONNX {p}'] / 1000:.1f} kB, off by {losses[p]['max_difference']:.1g} at most" for p in losses
    )
    return [*lines, "", f"Student's size and largest loss: {weights}; C source {sizes['C source'] / 1000:.1f} kB."]


def _figure(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
