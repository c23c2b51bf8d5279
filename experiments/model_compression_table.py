"""Tables of errors of `experiments.model_compression`, from its records alone, with the paper's numbers beside them."""

from __future__ import annotations

import numpy as np
from scipy.stats import ttest_rel, wilcoxon

from experiments._cells import markdown_table, mean, of_seeds, over
from experiments._paper_tables import AUTOGLUON, EIGHT, RMSE
from experiments._runner import by_problem
from experiments.model_compression_choices import choices, pair_table, seconds_table
from experiments.model_compression_costs import one_row_table, quotient_table, size_table, speed_table

__all__ = ["differences", "headline", "markdown", "ratio"]

LABELS = {
    "T": "T",
    "best_single": "best single",
    "S2": "S2",
    "S1": "S1",
    "recipe": "recipe",
    "S2_same": "S2, net of S1",
    "S2_recipe": "S2, of the recipe",
}
MODELS = tuple(LABELS)
MAIN, OTHERS = MODELS[:5], MODELS[5:]
SHORT = ("T", "S2", "S1", "recipe")


def markdown(records: list[dict]) -> str:
    """Error, speed, size, what was chosen; mean ± sd over seeds."""
    groups = by_problem(records)
    parts = {
        "Error (Table 2): RMSE of P(y=1) on test rows": error_table,
        "The paper's Table 2; averages are those of its eight problems": papers_table,
        "Further models of the original rows (S2)": others_table,
        "S1 against S2 and against T": lambda groups: tests_table(groups, "S1"),
        "The recipe against S2 and against T": lambda groups: tests_table(groups, "recipe"),
        "Peer: AutoGluon 1.6.3, its distilled net (one seed, other splits of the same sizes)": peer_table,
        "AUC and accuracy": other_metrics,
        "Speed (Table 3): seconds per 10,000 rows, one thread": speed_table,
        "How many times as fast as T, 10,000 rows": quotient_table,
        "Microseconds of a single row": one_row_table,
        "Size (Table 4), megabytes": size_table,
        "p and s at full size: RMSE of S1 on validation rows, the best of its ways": pair_table,
        "What the validation rows chose (number of runs)": choices,
        "Seconds by stage": seconds_table,
    }
    return "\n".join(f"### {title}\n\n{text}" for title, table in parts.items() if (text := table(groups)))


def headline(records: list[dict]) -> str:
    """README's table: error, size and speed in one row per problem."""
    groups = by_problem(records)
    rows = []
    for problem, group in groups.items():
        size, pace = mean(group, "size_bytes"), mean(group, "seconds_per_10k")
        errors = [of_seeds(group, "rmse", model) for model in SHORT]
        costs = [over(size, "T", "S1", "x"), over(pace, "T", "S1_bare", "x"), over(pace, "T", "S1_c", "x")]
        rows.append([problem, str(len(group)), *errors, ratio([group]), *costs])
    rows.append([*average_cells(groups, SHORT), "", "", ""])
    head = ["problem", "seeds", *SHORT, "ratio", "S1 smaller than T", "faster in NumPy", "in C"]
    return markdown_table(head, rows)


# ---------------------------------------------------------------- Table 2
def error_table(groups: dict) -> str:
    """RMSE of T, of the best nets on the original rows, and of the students."""
    models = present(groups, MAIN)
    rows = [
        [problem, str(len(group)), *(of_seeds(group, "rmse", model) for model in models), ratio([group])]
        for problem, group in groups.items()
    ]
    rows.append(average_cells(groups, models))
    return markdown_table(["problem", "seeds", *(LABELS[m] for m in models), "ratio"], rows)


def others_table(groups: dict) -> str:
    """RMSE of the models that are not in the main table."""
    models = present(groups, OTHERS)
    rows = [[problem, *(of_seeds(group, "rmse", m) for m in models)] for problem, group in groups.items()]
    rows.append(["**average**", *average_cells(groups, models)[2:-1]])
    return markdown_table(["problem", *(LABELS[m] for m in models)], rows)


def papers_table(groups: dict) -> str:
    """What the paper prints for the problems that are here, and for all of its own."""
    rows = []
    for problem in [*groups, EIGHT]:
        if problem in RMSE:
            s1, t, s2, single, printed = RMSE[problem]
            errors = [f"{error:.3f}" for error in (t, single, s2, s1)]
            rows.append(["**average**" if problem == EIGHT else problem, *errors, f"{printed:.2f}"])
    return markdown_table(["problem", "T", "best single", "S2", "S1", "ratio"], rows)


def present(groups: dict, models) -> list[str]:
    """Those of the models that any run has."""
    return [m for m in models if any(m in r["rmse"] for group in groups.values() for r in group)]


def average_cells(groups: dict, models) -> list[str]:
    """Averages over problems of the means over seeds, as in the paper; `ratio`, at the end, is that of the averages."""
    everything = list(groups.values())
    cells = [
        f"{np.mean([mean(g, 'rmse')[m] for g in everything]):.4f}" if all(m in g[0]["rmse"] for g in everything) else ""
        for m in models
    ]
    return ["**average**", "", *(f"**{cell}**" if cell else "" for cell in cells), f"**{ratio(everything)}**"]


def ratio(groups: list) -> str:
    """(S2 - S1) / (S2 - T) of RMSEs averaged over seeds, then problems."""
    s1, s2, t = (np.mean([mean(group, "rmse")[m] for group in groups]) for m in ("S1", "S2", "T"))
    return f"{(s2 - s1) / (s2 - t):.2f}" if s2 > t else "none: S2 is below T"


# ---------------------------------------------------------------- tests
def tests_table(groups: dict, student: str) -> str:
    """Paired tests per problem of a student against S2 and T, one over the problems, and how many runs it won."""
    if student not in present(groups, [student]):
        return ""
    gaps = {base: [differences(group, student, base) for group in groups.values()] for base in ("S2", "T")}
    levels = {base: holm([paired(d) for d in found]) for base, found in gaps.items()}
    rows = []
    for i, problem in enumerate(groups):
        row = [problem]
        for base, found in gaps.items():
            row += [f"{np.mean(found[i]):+.4f}", won(found[i]), number(levels[base][i])]
        rows.append(row)
    problems, runs = ["**problems**"], ["**runs**"]
    for found in gaps.values():
        means = np.array([np.mean(d) for d in found])
        level = wilcoxon(means).pvalue if len(means) > 1 else np.nan
        problems += [f"{means.mean():+.4f}", won(means), number(level)]
        runs += ["", won(np.concatenate(found)), ""]
    head = [f"{student} - S2", "won", "p", f"{student} - T", "won", "p"]
    return markdown_table(["problem", *head], [*rows, problems, runs])


def differences(group: list, one: str, other: str) -> np.ndarray:
    """RMSE of `one` minus that of `other`, by seed: below 0 where `one` is better."""
    return np.array([r["rmse"][one] - r["rmse"][other] for r in group])


def won(gaps: np.ndarray) -> str:
    """How many are below 0."""
    return f"{np.sum(gaps < 0)} of {len(gaps)}"


def paired(gaps: np.ndarray) -> float:
    """p of a two-sided paired t-test."""
    return float(ttest_rel(gaps, np.zeros(len(gaps))).pvalue) if len(gaps) > 1 else np.nan


def holm(levels: list[float]) -> np.ndarray:
    """Holm's step-down correction of several p."""
    levels = np.asarray(levels)
    order = np.argsort(levels)
    raised = np.maximum.accumulate(levels[order] * np.arange(len(levels), 0, -1))
    corrected = np.empty(len(levels))
    corrected[order] = np.minimum(raised, 1)
    return corrected


def number(p: float) -> str:
    """p in two digits."""
    return "" if np.isnan(p) else f"{p:.2g}"


# ---------------------------------------------------------------- peers and other metrics
def peer_table(groups: dict) -> str:
    """RMSE beside that of AutoGluon's distilled net, on the problems for which that was measured."""
    rows = []
    for problem in groups:
        if problem in AUTOGLUON:
            theirs = ["" if value is None else f"{value:.4f}" for value in AUTOGLUON[problem]]
            rows.append([problem, *theirs, *(of_seeds(groups[problem], "rmse", model) for model in SHORT)])
    if not rows:
        return ""
    theirs = ["AutoGluon: teacher", "net on labelled rows", "distilled, as shipped", "categories repaired"]
    return markdown_table(["problem", *theirs, *SHORT], rows)


def other_metrics(groups: dict) -> str:
    """AUC and accuracy."""
    metrics = ("auc", "accuracy")
    rows = [
        [
            problem,
            *(f"{mean(group, k)[m]:.4f}" if m in group[0][k] else "" for k in metrics for m in SHORT),
        ]
        for problem, group in groups.items()
    ]
    return markdown_table(["problem", *(f"{metric} {m}" for metric in ("AUC", "accuracy") for m in SHORT)], rows)
