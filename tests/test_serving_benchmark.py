"""The serving benchmark: what it asks for, its tables, and that its stored run says what the documentation quotes."""

import json
import re

import pytest

from experiments.benchmarks import serving
from experiments.benchmarks.serving_table import asked, table
from experiments.report import RESULTS, ROOT

FORMS = ("T, native", "T, ONNX Runtime", "student, predict_proba", "NumPy, DataFrame", "compiled, DataFrame")
FORMS += ("C, -O2", "C, native", "LightGBM", "compiled, array")


def facts(name, nominal):
    """Results of a problem: all forms take 10 microseconds, T a thousand times as long."""
    times = {form: {"min_us": 10.0, "median_us": 11.0} for form in FORMS}
    one = {**times, **{form: times["C, -O2"] for form in ("NumPy, dict", "compiled, dict", "compiled, list")}}
    slow = {"T, native": {"min_us": 1e4, "median_us": 1e4}, "T, ONNX Runtime": {"min_us": 1e3, "median_us": 1e3}}
    us = {"1": {**one, **slow}, "100": {**times, **slow}, "10000": {**times, **slow}}
    cold = {"load_predictor": {"seconds": 0.2, "seconds_with_a_row": 0.3, "megabytes": 35.0}}
    return {"problem": name, "columns": 14, "nominal": nominal, "us": us, "cold": cold, "left_out": {"lleaves": "old"}}


def test_what_is_asked_for_is_counted_from_ratios_of_one_run():
    found = {row["says"]: row for row in asked([facts("adult", 8), facts("magic", 0)])}
    dict_row = found["ADULT, one row as a dict: T in ONNX Runtime / compiled"]
    assert dict_row["figure"] == 100 and dict_row["wanted"] == 20 and dict_row["met"]
    assert found["magic, one row of numbers: T in ONNX Runtime / compiled"]["met"]
    assert found["magic, 10,000 rows: compiled, array / C, -O2"]["figure"] == 1
    assert found["10,000 rows, on average: T native / compiled"]["figure"] == 1000


def test_the_tables_name_every_form_the_load_and_what_was_left_out():
    text = table([facts("adult", 8)], {"before": 0.1, "after": 1.0})
    assert all(form in text for form in FORMS)
    assert (
        "0.1 before, 1.0 after" in text
        and "lleaves, which does not run with the packages of this machine (old)" in text
    )
    assert "| adult | 1,000 |" in text


def test_short_calls_are_repeated_and_forms_take_turns():
    order = []
    forms = {name: lambda name=name: order.append(name) for name in "ab"}
    found = serving.timed(forms, rounds=2)
    assert set(found) == {"a", "b"} and found["a"]["min_us"] <= found["a"]["median_us"]
    turns = re.sub(r"(.)\1+", r"\1", "".join(order))
    assert turns.endswith("abab")


@pytest.mark.skipif(not (RESULTS / "benchmarks" / "serving.json").is_file(), reason="not run yet")
def test_the_page_quotes_the_stored_run():
    found = json.loads((RESULTS / "benchmarks" / "serving.json").read_text())
    adult = next(facts for facts in found["results"] if facts["problem"] == "adult")
    one, cold = adult["us"]["1"], adult["cold"]["load_predictor"]
    page = " ".join((ROOT / "docs" / "serving.md").read_text().split())
    compiled, plain = (round(one[f"{form}, dict"]["min_us"]) for form in ("compiled", "NumPy"))
    assert f"an ADULT row as a dict takes {compiled} us in place of {plain}" in page
    assert cold["seconds"] < 0.5 and cold["megabytes"] < 120
