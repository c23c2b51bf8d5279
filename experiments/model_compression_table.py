"""Tables of `experiments.model_compression`, from its records alone, with the paper's numbers beside them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.stats import ttest_rel, wilcoxon

from experiments._paper_tables import AUTOGLUON, EIGHT, MEGABYTES, RMSE, SECONDS
from experiments._runner import by_problem
from experiments._runner import spread as mean_sd

__all__ = ["headline", "markdown"]

MODELS = ("T", "best_single", "S2", "S2_same", "S2_recipe", "S1", "deep", "waves", "random", "recipe")
LABELS = {
    "T": "T",
    "best_single": "best single",
    "S2": "S2",
    "S2_same": "S2, net of S1",
    "S1": "S1",
    "S2_recipe": "S2, nets of recipe",
    "deep": "deep",
    "waves": "waves",
    "random": "S1's net, RANDOM",
    "recipe": "recipe",
}


def markdown(records: list[dict]) -> str:
    """Error, speed, size, what was chosen; mean ± sd over seeds."""
    groups = by_problem(records)
    tables = (error_table, test_table, peer_table, other_metrics, speed_table, size_table, pair_table, choices)
    return "\n".join(text for table in tables if (text := table(groups)))


def headline(records: list[dict]) -> str:
    """README's table: error, size and speed in one row per problem."""
    rows = [
        "| problem | seeds | T | S2 | S1 | recipe | ratio | S1 smaller than T | faster in NumPy | in C |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    groups = by_problem(records)
    for problem, group in groups.items():
        size = mean(group, "size_bytes")
        pace = mean(group, "seconds_per_10k")
        rows.append(
            f"| {problem} | {len(group)} | "
            + " | ".join(spread(group, "rmse", model) for model in ("T", "S2", "S1", "recipe"))
            + f" | {ratio([group])} | {size['T'] / size['S1']:,.0f}x | {pace['T'] / pace['S1_bare']:,.0f}x "
            f"| {over(pace, 'T', 'S1_c', 'x')} |"
        )
    rows.append(average_row(groups, ("T", "S2", "S1", "recipe"), ["", "", ""]))
    return "\n".join(rows) + "\n"


# ---------------------------------------------------------------- Table 2
def error_table(groups: dict) -> str:
    """RMSE of every model, and the paper's."""
    models = [m for m in MODELS if any(m in r["rmse"] for group in groups.values() for r in group)]
    rows = [
        "### Error (Table 2): RMSE of P(y=1) on test rows\n",
        "| problem | seeds | "
        + " | ".join(LABELS[m] for m in models)
        + " | ratio | paper: T | best single | S2 | S1 | ratio |",
        "|---|--:|" + "--:|" * (len(models) + 6),
    ]
    for problem, group in groups.items():
        cells = [spread(group, "rmse", model) for model in models]
        rows.append(f"| {problem} | {len(group)} | {' | '.join(cells)} | {ratio([group])} | {papers(problem)} |")
    rows.append(average_row(groups, models, papers(EIGHT).split(" | ")))
    return "\n".join(rows) + "\n"


def average_row(groups: dict, models, rest: list[str]) -> str:
    """Averages over problems of the means over seeds, as in the paper; `ratio` is that of the averages."""
    everything = list(groups.values())
    cells = [
        f"{np.mean([mean(g, 'rmse')[m] for g in everything]):.4f}" if all(m in g[0]["rmse"] for g in everything) else ""
        for m in models
    ]
    cells = [f"**{cell}**" if cell else "" for cell in cells]
    return f"| **average** | | {' | '.join(cells)} | **{ratio(everything)}** | {' | '.join(rest)} |"


def papers(problem: str) -> str:
    """The paper's cells for a problem, in our order."""
    if problem not in RMSE:
        return " | ".join([""] * 5)
    s1, t, s2, single, printed = RMSE[problem]
    return f"{t:.3f} | {single:.3f} | {s2:.3f} | {s1:.3f} | {printed:.2f}"


def ratio(groups: list) -> str:
    """(S2 - S1) / (S2 - T) of RMSEs averaged over seeds, then problems."""
    s1, s2, t = (np.mean([mean(group, "rmse")[m] for group in groups]) for m in ("S1", "S2", "T"))
    return f"{(s2 - s1) / (s2 - t):.2f}" if s2 > t else "none: S2 is below T"


# ---------------------------------------------------------------- tests
def test_table(groups: dict) -> str:
    """Paired tests per problem, and one over the problems."""
    pairs = [("S1", "S2"), ("S1", "T"), ("recipe", "S2"), ("recipe", "T")]
    pairs = [(a, b) for a, b in pairs if all(a in r["rmse"] for group in groups.values() for r in group)]
    rows = [
        "| problem | " + " | ".join(f"{a} - {b} | won | p" for a, b in pairs) + " |",
        "|---|" + "--:|--:|--:|" * len(pairs),
    ]
    gaps = {pair: [differences(group, *pair) for group in groups.values()] for pair in pairs}
    levels = {pair: holm([paired(d) for d in gaps[pair]]) for pair in pairs}
    for i, problem in enumerate(groups):
        cells = [
            f"{np.mean(gaps[pair][i]):+.4f} | {np.sum(gaps[pair][i] < 0)} of {len(gaps[pair][i])} "
            f"| {number(levels[pair][i])}"
            for pair in pairs
        ]
        rows.append(f"| {problem} | " + " | ".join(cells) + " |")
    cells = []
    for pair in pairs:
        means = np.array([np.mean(d) for d in gaps[pair]])
        level = wilcoxon(means).pvalue if len(means) > 1 else np.nan
        cells.append(f"{means.mean():+.4f} | {np.sum(means < 0)} of {len(means)} | {number(level)}")
    rows.append("| **all problems** | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def differences(group: list, one: str, other: str) -> np.ndarray:
    """RMSE of `one` minus that of `other`, by seed: below 0 where `one` is better."""
    return np.array([r["rmse"][one] - r["rmse"][other] for r in group])


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


def peer_table(groups: dict) -> str:
    """RMSE beside that of AutoGluon's distilled net, on the problems for which that was measured."""
    rows = [
        "### Peer: AutoGluon 1.6.3, its distilled net (one seed, other splits of the same sizes)\n",
        "| problem | AutoGluon: teacher | net on labelled rows | distilled, as shipped | categories repaired "
        "| T | S2 | S1 | recipe |",
        "|---|" + "--:|" * 8,
    ]
    for problem in groups:
        if problem in AUTOGLUON:
            theirs = ["" if value is None else f"{value:.4f}" for value in AUTOGLUON[problem]]
            ours = [spread(groups[problem], "rmse", model) for model in ("T", "S2", "S1", "recipe")]
            rows.append(f"| {problem} | {' | '.join(theirs + ours)} |")
    return "\n".join(rows) + "\n"


def other_metrics(groups: dict) -> str:
    """AUC and accuracy."""
    rows = [
        "| problem | " + " | ".join(f"{metric} {m}" for metric in ("AUC", "accuracy") for m in SHORT) + " |",
        "|---|" + "--:|" * 2 * len(SHORT),
    ]
    for problem, group in groups.items():
        cells = [
            f"{mean(group, metric)[m]:.4f}" if m in group[0][metric] else ""
            for metric in ("auc", "accuracy")
            for m in SHORT
        ]
        rows.append(f"| {problem} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


SHORT = ("T", "S2", "S1", "recipe")


# ---------------------------------------------------------------- Tables 3 and 4
def speed_table(groups: dict) -> str:
    """Seconds per 10,000 rows and microseconds of a single row, native and converted."""
    rows = [
        "### Speed (Table 3), one thread\n",
        "Seconds per 10,000 rows. T's ONNX form is timed without preparing its input, `predictor()` is NumPy, C is "
        "`to_c` compiled with `-O2 -march=native`; T / S1 is with `predictor()` and with C.\n",
        "| problem | T | T, ONNX Runtime | converted | S1 `predict_proba` | S1 `predictor()` | S1, C | deep, C "
        "| T / S1 | in C | T, ONNX / S1 | in C | paper: T | S1 | T / S1 |",
        "|---|" + "--:|" * 14,
    ]
    quotients = []
    for problem, group in groups.items():
        pace = mean(group, "seconds_per_10k")
        quotients.append([pace["T"] / pace.get(form, np.nan) for form in ("S1_bare", "S1_c")])
        rows.append(
            f"| {problem} | {pace['T']:.2f} | {cell(pace, 'T_onnx', '.3f')} | {models_converted(group)} "
            f"| {pace['S1']:.4f} | {pace['S1_bare']:.4f} | {cell(pace, 'S1_c', '.4f')} | {cell(pace, 'deep_c', '.4f')} "
            f"| {over(pace, 'T', 'S1_bare')} | {over(pace, 'T', 'S1_c')} "
            f"| {over(pace, 'T_onnx', 'S1_bare')} | {over(pace, 'T_onnx', 'S1_c')} | {quoted(SECONDS, problem)} |"
        )
    numpy, c = (f"**{q:,.0f}**" for q in np.mean(quotients, axis=0))
    rows.append(f"| **average** |{' |' * 7} {numpy} | {c} | | | {quoted(SECONDS, EIGHT)} |")
    rows += [
        "\nMicroseconds of a single row. `predict_proba` and `predictor()` are given a DataFrame, and to take it apart "
        "is most of their time where columns are nominal (ADULT, COVTYPE); C and ONNX are given arrays:\n",
        "| problem | T | T, ONNX Runtime | S1 `predict_proba` | S1 `predictor()` | S1, C | T / S1 | T, ONNX / S1 |",
        "|---|" + "--:|" * 7,
    ]
    for problem, group in groups.items():
        one = {name: 1e6 * seconds for name, seconds in mean(group, "seconds_one_row").items()}
        rows.append(
            f"| {problem} | {one['T']:,.0f} | {cell(one, 'T_onnx', ',.0f')} | {one['S1']:,.0f} | {one['S1_bare']:.0f} "
            f"| {cell(one, 'S1_c', '.1f')} | {one['T'] / one['S1_bare']:,.0f} | {over(one, 'T_onnx', 'S1_bare')} |"
        )
    return "\n".join(rows) + "\n"


def size_table(groups: dict) -> str:
    """Megabytes of the saved models."""
    rows = [
        "### Size (Table 4), megabytes\n",
        "| problem | T | T, ONNX | S2 | S1 | deep | T / S1 | paper: T | S1 | T / S1 |",
        "|---|" + "--:|" * 9,
    ]
    quotients = []
    for problem, group in groups.items():
        size = {name: n / 1e6 for name, n in mean(group, "size_bytes").items()}
        quotients.append(size["T"] / size["S1"])
        rows.append(
            f"| {problem} | {size['T']:.1f} | {cell(size, 'T_onnx', '.1f')} | {size['S2']:.4f} | {size['S1']:.4f} "
            f"| {cell(size, 'deep', '.4f')} | {quotients[-1]:,.0f} | {quoted(MEGABYTES, problem)} |"
        )
    rows.append(f"| **average** |{' |' * 5} **{np.mean(quotients):,.0f}** | {quoted(MEGABYTES, EIGHT)} |")
    return "\n".join(rows) + "\n"


def quoted(table: dict, problem: str) -> str:
    """The paper's T, S1 and their quotient."""
    if problem not in table:
        return " | | "
    s1, t = table[problem]
    return f"{t:,.2f} | {s1:.2f} | {t / s1:,.0f}"


def models_converted(group: list) -> str:
    """How many of T's models ran through ONNX Runtime, over all seeds."""
    counts = [r["converted"] for r in group if r["converted"]]
    return f"{sum(c for c, _ in counts)} of {sum(n for _, n in counts)}" if counts else ""


# ---------------------------------------------------------------- choices
def pair_table(groups: dict) -> str:
    """What S1 is worth on the validation rows with the pair that small trials chose, and with a larger p, if tried."""
    rows = [
        "### p and s at full size: RMSE of S1 on validation rows, the best of its ways\n",
        "| problem | p and s by small trials | S1 | p and s at full size | S1 | change, % | taken |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for problem, group in groups.items():
        both = [r["S1_by_pair"] for r in group if len(r["S1_by_pair"]) == 2]
        if both:
            small, full = ([run[i] for run in both] for i in (0, 1))
            change = [100 * (f["rmse"] / s["rmse"] - 1) for s, f in zip(small, full)]
            cells = [f"{said(side)} | {mean_sd([row['rmse'] for row in side], 4)}" for side in (small, full)]
            rows.append(
                f"| {problem} | {' | '.join(cells)} | {mean_sd(change, 1, sign='+')} "
                f"| {sum(c < 0 for c in change)} of {len(change)} |"
            )
    return "\n".join(rows) + "\n" if len(rows) > 3 else ""


def said(pairs: list[dict]) -> str:
    """The different pairs, each with the number of runs if there are several."""
    counts = Counter(f"{pair['p']:g}, {pair['s']:g}" for pair in pairs)
    return "; ".join(f"{pair} ({n})" if len(counts) > 1 else pair for pair, n in counts.most_common())


def choices(groups: dict) -> str:
    """What the validation rows chose, and where the time went."""
    lines = ["### Choices and stages\n"]
    for problem, group in groups.items():
        chosen = [r["chosen"] for r in group]
        munge = ", ".join(f"p={c['S1']['p']:g} s={c['S1']['s']:g}" for c in chosen)
        nets = ", ".join(f"{c['S2']['hidden']} units with decay {c['S2']['weight_decay']:g}" for c in chosen)
        taught = ", ".join(
            f"{c['S1']['epochs']} epochs at {c['S1']['learning_rate']:g}{decayed(c['S1'])}" for c in chosen
        )
        stages = mean(group, "stage_seconds")
        spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in stages.items())
        lines.append(
            f"- {problem}: MUNGE {munge}; S1 taught for {taught}; S2 {nets}; T of "
            f"{np.mean([r['n_members'] for r in group]):.1f} models. Seconds: {spent} "
            "(generate and label are parts of munge_and_label)."
        )
    return "\n".join(lines) + "\n"


def decayed(way: dict) -> str:
    """What is said of a weight decay that is not the default."""
    return f" with decay {way['weight_decay']:g}" if "weight_decay" in way else ""


# ---------------------------------------------------------------- cells
def mean(group: list, key: str) -> dict:
    """Mean over seeds of each entry of a record's dict."""
    return {name: float(np.mean([r[key][name] for r in group])) for name in group[0][key]}


def spread(group: list, key: str, model: str) -> str:
    """Mean ± sd."""
    if any(model not in r[key] for r in group):
        return ""
    return mean_sd([r[key][model] for r in group], 4)


def cell(values: dict, name: str, form: str) -> str:
    """One formatted number, empty where there is none."""
    return format(values[name], form) if name in values else ""


def over(values: dict, one: str, other: str, unit: str = "") -> str:
    """A quotient, empty where there is none."""
    if not {one, other} <= set(values):
        return ""
    quotient = values[one] / values[other]
    return f"{quotient:,.0f}{unit}" if quotient >= 10 else f"{quotient:.1f}{unit}"
