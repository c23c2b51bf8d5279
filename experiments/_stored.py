"""What is stored under `experiments/results/`: reports of the runs, and the summaries made from them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

__all__ = ["RESULTS", "ROOT", "reports", "summary"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "experiments" / "results"


@cache
def reports(name: str) -> list[dict]:
    """The reports of an experiment, by problem and seed."""
    found = [json.loads(path.read_text()) for path in RESULTS.glob(f"{name}/*/*/report.json")]
    return sorted(found, key=lambda report: (report["problem"], report["seed"]))


@cache
def summary(name: str):
    """A JSON file of the results, without its ending: `recipe/summary`, `benchmarks/student_speed`."""
    return json.loads((RESULTS / f"{name}.json").read_text())
