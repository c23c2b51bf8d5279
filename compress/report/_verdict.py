"""The verdict of a report, in words: what the student is, how small and fast, how good, and whether teaching paid."""

from __future__ import annotations

from compress.evaluation import Difference, rmse_difference, row_errors
from compress.report._measures import PREDICTOR
from compress.report._numbers import bytes_text, short

__all__ = ["differences", "headline", "sentences_of", "verdict"]

OTHERS = ("teacher", "untaught")


def differences(y, student, classes, **others) -> dict[str, Difference]:
    """Return the RMSE of the student minus that of each other model, with 95 % intervals over paired rows.

    Parameters
    ----------
    y, classes
        As in `row_errors`; without `y` there are no differences.
    student : float array
        The predictions of the student.
    **others : float array or None
        The predictions of the other models by their names; None is left out.
    """
    if y is None:
        return {}
    own = row_errors(y, student, classes)
    return {
        name: rmse_difference(own, row_errors(y, output, classes))
        for name, output in others.items()
        if output is not None
    }


def sentences_of(report) -> list[str]:
    """Return the sentences of the verdict of a report."""
    size = report.value("bytes")
    parts = [f"The student is {report.student} of {bytes_text(size)}"]
    smaller = report.value("bytes", "quotient")
    faster = next((r["quotient"] for r in report.measures if r["measure"] == "us_per_row_batch_predictor"), None)
    ratios = [f"{_times(smaller)} smaller" if smaller else "", f"{_times(faster)} faster" if faster else ""]
    if any(ratios):
        parts.append(f", {' and '.join(filter(None, ratios))} than its teacher")
    sentences = ["".join(parts) + "."]
    if "teacher" in report.differences:
        rmse, other = report.value("rmse"), report.value("rmse", "teacher")
        word = _compared(report.differences["teacher"], "better", "worse", "as good as far as these rows can tell")
        sentences.append(f"Its RMSE is {short(rmse)}, the teacher's {short(other)}: {word}.")
    if not report.taught:
        sentences.append(
            "It learned from the labelled rows alone, which was better on the validation rows than teaching."
        )
    elif "untaught" in report.differences:
        found, other = report.differences["untaught"], report.value("rmse", "untaught")
        if not found.is_clear:
            word = f"whether teaching paid these rows cannot tell ({_interval(found)})"
        elif found.value < 0:
            word = f"teaching paid ({_interval(found)})"
        else:
            word = f"teaching did not pay: without it the model is better ({_interval(found)})"
        sentences.append(f"The same model without teaching has {short(other)}: {word}.")
    return sentences


def headline(report) -> str:
    """Return the verdict of a report in one line: how good, how small, how fast."""
    found = report.differences.get("teacher")
    if found is not None:
        better = "Better than its teacher" if found.value < 0 else "Not as good as its teacher"
        good = f"{better if found.is_clear else 'As good as its teacher'} by RMSE"
    else:
        shared = next((r["student"] for r in report.measures if r["measure"] == "agreement"), None)
        good = "Like its teacher" if shared is None else f"Like its teacher on {100 * shared:.1f} % of the rows"
    speeds = [r["quotient"] for r in report.measures if r["measure"].endswith(PREDICTOR)]
    ratios = [_ratio(report.value("bytes", "quotient"), "smaller", "larger")]
    ratios += [_ratio(speeds[-1], "faster", "slower")] if speeds else []
    ratios = [ratio for ratio in ratios if ratio]
    return f"{good}, {' and '.join(ratios)}" if ratios else good


def _ratio(quotient, more: str, less: str) -> str:
    if quotient is None:
        return ""
    return f"{_times(quotient)} {more}" if quotient >= 1 else f"{_times(1 / quotient)} {less}"


def verdict(report) -> str:
    """Return the verdict of a report as a few sentences."""
    return " ".join(sentences_of(report))


def _compared(found: Difference, better: str, worse: str, neither: str) -> str:
    word = neither if not found.is_clear else better if found.value < 0 else worse
    return f"{word} ({_interval(found)})"


def _interval(found: Difference) -> str:
    value, low, high = (short(number, "+") for number in (found.value, found.low, found.high))
    return f"difference {value}, 95 % interval {low} to {high}"


def _times(quotient: float) -> str:
    return f"{quotient:,.0f} times" if quotient >= 10 else f"{quotient:.1f} times"
