"""Table and plots of `experiments.model_compression`, from its records alone."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

__all__ = ["draw", "markdown"]

MODELS = ("T", "best_single", "S2", "S2_same", "S1")
LABELS = {
    "T": "T, teacher",
    "best_single": "best single model",
    "S2": "S2, best net on D1",
    "S2_same": "S2, net of S1 on D1",
    "S1": "S1, student on D2",
}


def by_problem(records: list[dict]) -> dict[str, list[dict]]:
    """The records of each problem, in order."""
    groups = defaultdict(list)
    for record in records:
        groups[record["problem"]].append(record)
    return dict(groups)


def markdown(records: list[dict]) -> str:
    """Two Markdown tables: errors, and what a prediction costs; mean ± sd over seeds."""
    lines = ["| problem | seeds | model | RMSE | AUC | accuracy |", "|---|--:|---|--:|--:|--:|"]
    for problem, group in by_problem(records).items():
        for model in MODELS:
            cells = [_spread([r[metric][model] for r in group]) for metric in ("rmse", "auc", "accuracy")]
            lines.append(f"| {problem} | {len(group)} | {LABELS[model]} | {' | '.join(cells)} |")
    lines += [
        "",
        "| problem | ratio (S2-S1)/(S2-T) | RMSE of S1 to T | bytes T | bytes S1 | quotient "
        "| s per 10,000 rows, T | S1 `predict_proba` | S1 `predictor()` | quotients | seconds per run |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for problem, group in by_problem(records).items():
        mean = {m: np.mean([r["rmse"][m] for r in group]) for m in MODELS}
        gain, room = mean["S2"] - mean["S1"], mean["S2"] - mean["T"]  # of the averages, as in the paper
        ratio = f"{gain / room:.2f}" if room > 0 else "none: S2 is below T"
        size = {m: np.mean([r["size_bytes"][m] for r in group]) for m in ("T", "S1")}
        pace = {m: np.mean([r["seconds_per_10k"][m] for r in group]) for m in ("T", "S1", "S1_bare")}
        total = np.mean([_total(r["stage_seconds"]) for r in group])
        lines.append(
            f"| {problem} | {ratio} | {_spread([r['fidelity_rmse'] for r in group])} "
            f"| {size['T']:,.0f} | {size['S1']:,.0f} | {size['T'] / size['S1']:,.0f} "
            f"| {pace['T']:.2f} | {pace['S1']:.4f} | {pace['S1_bare']:.4f} "
            f"| {pace['T'] / pace['S1']:,.0f}, {pace['T'] / pace['S1_bare']:,.0f} | {total:.0f} |"
        )
    lines += ["", "Stages, seconds (mean over seeds; generate and label are parts of munge_and_label):", ""]
    for problem, group in by_problem(records).items():
        stages = group[0]["stage_seconds"]
        spent = ", ".join(f"{name} {np.mean([r['stage_seconds'][name] for r in group]):.1f}" for name in stages)
        lines.append(f"- {problem}: {spent}")
    return "\n".join(lines) + "\n"


def _total(stages: dict) -> float:
    return sum(seconds for name, seconds in stages.items() if name not in ("generate", "label"))


def _spread(values) -> str:
    return f"{np.mean(values):.4f}" + (f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else "")


def draw(records: list[dict], out: Path) -> list[Path]:
    """Write `rmse.png` (all models per problem) and `tradeoff.png` (error against bytes)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    groups = by_problem(records)
    colours = dict(zip(MODELS, ("#444444", "#999999", "#c0504d", "#e6a19e", "#1f6fb4")))

    figure, axes = plt.subplots(1, len(groups), figsize=(3.2 * len(groups) + 0.8, 3.6), squeeze=False)
    for axis, (problem, group) in zip(axes[0], groups.items()):
        for i, model in enumerate(MODELS):
            values = [r["rmse"][model] for r in group]
            axis.bar(i, np.mean(values), color=colours[model], width=0.7)
            axis.plot([i] * len(values), values, "k.", markersize=4)
        everything = [r["rmse"][m] for r in group for m in MODELS]
        axis.set_ylim(0.85 * min(everything), 1.03 * max(everything))
        axis.set_xticks(range(len(MODELS)), ["T", "best\nsingle", "S2", "S2\nsame", "S1"])
        axis.set_title(problem)
        axis.set_ylabel("RMSE of P(y=1), test rows")
    figure.suptitle("Bars: mean over seeds, dots: seeds. The axis does not start at 0.", fontsize=9)
    figure.tight_layout()
    figure.savefig(out / "rmse.png", dpi=150)
    plt.close(figure)

    figure, axis = plt.subplots(figsize=(6.0, 4.0))
    for problem, marker in zip(groups, "osD^vP*X"):
        for model, offset in (("T", (6, 4)), ("S2", (6, 6)), ("S1", (-10, -16))):
            size = np.mean([r["size_bytes"][model] for r in groups[problem]])
            values = [r["rmse"][model] for r in groups[problem]]
            spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
            axis.errorbar(size, np.mean(values), spread, marker=marker, color=colours[model], capsize=3, linestyle="")
            axis.annotate(
                f"{problem} {model}",
                (size, np.mean(values)),
                textcoords="offset points",
                xytext=offset,
                fontsize=8,
            )
    axis.set_xscale("log")
    axis.margins(x=0.25, y=0.1)
    axis.set_xlabel("bytes of the saved model")
    axis.set_ylabel("RMSE of P(y=1), test rows")
    axis.set_title("Size and error: teacher T, control S2, student S1")
    figure.tight_layout()
    figure.savefig(out / "tradeoff.png", dpi=150)
    plt.close(figure)
    return [out / "rmse.png", out / "tradeoff.png"]
