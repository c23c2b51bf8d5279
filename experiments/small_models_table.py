"""The page of `experiments.small_models`: from its reports to tables."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata, studentized_range

from experiments._cells import markdown_table
from experiments._runner import by_problem

__all__ = ["DEFAULTS", "compared", "errors_by_table", "markdown", "ranks", "summary"]

COLUMNS = [
    "auto, 4 kB",
    "auto, 16 kB",
    "auto, 64 kB",
    "auto, 256 kB",
    "hist, 64 kB",
    "lightgbm, 64 kB",
    "linear",
    "mlp",
]
DEFAULTS = ["hist, defaults", "lightgbm, defaults", "forest, defaults"]
BEFORE = {
    "teacher": "the teacher",
    "munge": "MUNGE's p and s",
    "trials": "the candidates' trials",
    "label": "its rows and labels",
}
LEVEL = 0.05


def summary(reports: list[dict]) -> list[dict]:
    """One flat record per run."""
    return [
        {
            "problem": r["problem"],
            "seed": r["seed"],
            "task": r["results"]["task"],
            "n_train": r["results"]["n_train"],
            "n_columns": r["results"]["n_columns"],
            "models": r["results"]["models"],
            "chosen": {k: {"model": v["model"], "taught": v["taught"]} for k, v in r["results"]["chosen"].items()},
            "stage_seconds": r["results"]["stage_seconds"],
        }
        for r in reports
    ]


def errors_by_table(records: list[dict], model: str, measure: str = "rmse") -> dict[str, float]:
    """Mean over seeds of a measure, for each table that has the model in all seeds."""
    return {
        problem: float(np.mean([r["models"][model][measure] for r in group]))
        for problem, group in by_problem(records).items()
        if all(model in r["models"] for r in group)
    }


def kept(record: dict, model: str) -> float:
    """The share of the teacher's AUC above 0.5, or of its R2, that a model keeps."""
    ours, theirs = record["models"][model], record["models"]["T"]
    if record["task"] == "regression":
        return ours["r2"] / theirs["r2"]
    return (ours["auc"] - 0.5) / (theirs["auc"] - 0.5)


def ranks(records: list[dict], models: list[str]) -> tuple[dict[str, float], float, int]:
    """Mean ranks of models over the tables that have them all, the critical difference, and the number of tables."""
    errors = [errors_by_table(records, model) for model in models]
    tables = [problem for problem in errors[0] if all(problem in e for e in errors)]
    if not tables:
        return {}, np.nan, 0
    matrix = np.array([[e[problem] for e in errors] for problem in tables])
    mean = np.array([rankdata(row) for row in matrix]).mean(axis=0)
    k = len(models)
    q = studentized_range.ppf(1 - LEVEL, k, np.inf) / np.sqrt(2)
    return dict(zip(models, mean.tolist())), float(q * np.sqrt(k * (k + 1) / (6 * len(tables)))), len(tables)


def compared(records: list[dict], model: str, others: list[str]) -> dict[str, float]:
    """Error of a model over that of the best of others, minus 1, for each table."""
    own = errors_by_table(records, model)
    theirs = [errors_by_table(records, other) for other in others]
    return {p: own[p] / min(e[p] for e in theirs if p in e) - 1 for p in own if any(p in e for e in theirs)}


def markdown(records: list[dict]) -> str:
    """Errors, what was chosen, ranks, costs, and how the teacher stands."""
    groups = by_problem(records)
    models = [m for m in COLUMNS if any(m in r["models"] for r in records)]
    errors = []
    for problem, group in groups.items():
        means = {m: errors_by_table(group, m).get(problem) for m in ["T", *models]}
        least = min(value for m, value in means.items() if value is not None and m != "T")
        cells = [
            "" if v is None else f"**{_short(v)}**" if m != "T" and v == least else _short(v) for m, v in means.items()
        ]
        errors.append([f"{problem} ({len(group)})", *cells])
    text = "### RMSE on test rows\n\nThe number of seeds is in brackets; the best small model is bold.\n\n"
    text += markdown_table(["table", "T", *models], errors)
    text += "\n### What was chosen within 64 kB\n\n" + _choices(groups)
    text += "\n### In one line each\n\n" + _claims(records)
    text += "\n### Ranks and costs\n\n" + _ranks(records, models)
    text += "\n### The teacher and the defaults of others\n\n" + _teacher(records)
    return text


def _choices(groups: dict) -> str:
    rows = []
    for problem, group in groups.items():
        found = [r["chosen"].get("auto, 64 kB") for r in group]
        words = [f"{c['model']}{'' if c['taught'] else ' (untaught)'}" for c in found if c]
        share = np.mean([kept(r, "auto, 64 kB") for r in group if "auto, 64 kB" in r["models"]] or [np.nan])
        size = np.mean([r["models"]["auto, 64 kB"]["bytes"] for r in group if "auto, 64 kB" in r["models"]] or [0])
        rows.append([problem, "; ".join(dict.fromkeys(words)), f"{size / 1000:,.1f}", f"{100 * share:.1f} %"])
    return markdown_table(["table", "student", "kB", "T's AUC or R² kept"], rows, texts=2)


def _claims(records: list[dict]) -> str:
    own = "auto, 64 kB"
    boosters = compared(records, own, ["hist, 64 kB", "lightgbm, 64 kB"])
    teacher = compared(records, own, ["T"])
    shares = [kept(r, own) for r in records if own in r["models"]]
    taught = [r["chosen"][own]["taught"] for r in records if own in r["chosen"]]
    if not boosters:
        return "No run has both a student and a booster of 64 kB.\n"
    worst, middle = max(boosters, key=boosters.get), np.median(list(boosters.values()))
    near = sum(v <= 0.01 for v in boosters.values())
    better = sum(v < 0 for v in boosters.values()), sum(v < 0 for v in teacher.values())
    lines = [
        f"Against the better of the two boosters of 64 kB the student's error is {_percent(middle)} in the "
        f"median of {len(boosters)} tables, lower on {better[0]}, at most 1 % higher on {near}, at worst "
        f"{_percent(boosters[worst])} ({worst}).",
        f"It keeps {100 * np.median(shares):.1f} % of T's AUC (or R²) in the median run, and has a lower error than T "
        f"on {better[1]} of {len(teacher)} tables.",
        f"Teaching was chosen in {sum(taught)} of {len(taught)} runs; in the others the candidate was better without.",
    ]
    return "".join(f"- {line}\n" for line in lines)


def _ranks(records: list[dict], models: list[str]) -> str:
    found, critical, n_tables = ranks(records, models)
    rows = []
    for model in sorted(found, key=found.get):
        runs = [r for r in records if model in r["models"]]
        costs = [r["models"][model] for r in runs]
        calibration = [c["calibration_error"] for c in costs if "calibration_error" in c]
        rows.append(
            [
                model,
                f"{found[model]:.2f}",
                f"{100 * np.median([kept(r, model) for r in runs]):.1f} %",
                f"{np.median(calibration):.3f}" if calibration else "",
                f"{np.median([c['bytes'] for c in costs]) / 1000:,.1f}",
                f"{np.median([c['fit_seconds'] for c in costs]):,.2f}",
                *(f"{np.median([list(c['us_per_row'].values())[i] for c in costs]):,.2f}" for i in (0, -1)),
            ]
        )
    head = [
        "model",
        "mean rank",
        "T kept",
        "calibration error",
        "kB",
        "s of training",
        "µs, one row",
        "µs per row, 10,000",
    ]
    said = (
        f"{n_tables} tables; mean ranks differ when by more than {critical:.2f}. Other columns are medians over runs."
    )
    spent = {stage: np.median([r["stage_seconds"][stage] for r in records]) for stage in BEFORE}
    before = (
        "Before the last lesson of a student there are, in the median run, "
        + ", ".join(f"{spent[stage]:,.0f} s for {what}" for stage, what in BEFORE.items())
        + "; the candidates of four budgets are tried at once."
    )
    return f"{said} {before}\n\n" + markdown_table(head, rows)


def _teacher(records: list[dict]) -> str:
    behind = compared(records, "T", DEFAULTS)
    rows = []
    for problem, value in sorted(behind.items(), key=lambda item: -item[1]):
        means = [errors_by_table(records, m).get(problem) for m in ["T", *DEFAULTS]]
        rows.append([problem, *("" if v is None else _short(v) for v in means), _percent(value)])
    return markdown_table(["table", "T", *DEFAULTS, "T against the best"], rows)


def _short(value: float) -> str:
    return f"{value:.4f}" if value < 10 else f"{value:.3f}"


def _percent(value: float) -> str:
    return f"{100 * value:+.1f} %"
