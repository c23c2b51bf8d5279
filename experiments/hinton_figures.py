"""Table and plot of `experiments.hinton`, from its reports alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments._distillation import arm_table, values
from experiments._runner import spread

__all__ = ["draw", "markdown"]

SETS = {"train": "labelled rows", "train+unlabeled": "labelled + unlabelled rows"}
SHAPES = ("linear", "exponential", "cosine")


def markdown(reports: list[dict]) -> str:
    """Markdown tables for the five questions; mean ± sd over seeds."""
    config, metrics = reports[0]["config"], reports[0]["results"]["metrics"]
    column = {"accuracy": "test accuracy %"}
    text = f"{len(reports)} seeds, {config['rows']['n_labelled']:,} labelled and {config['rows']['n_unlabeled']:,} "
    text += f"unlabelled rows, {config['updates']:,} updates\n\n### Width and temperature\n\n"
    text += f"teacher {spread(values(reports, 'teacher', 'accuracy'))}\n\n"
    for width in config["widths"]:
        arms = {f"hard.{width}": "hard labels"}
        for transfer, label in SETS.items():
            arms |= {a: f"T = {a.split('.T')[1]}, {label}" for a in metrics if a.startswith(f"{transfer}.{width}.T")}
        text += f"Student 784-{width}-{width}-10:\n\n" + arm_table(reports, arms, column, base=f"hard.{width}") + "\n"
    text += "### Transfer set, at equal updates\n\n"
    best = {f"{t}.best_constant": f"best constant T, {label}" for t, label in SETS.items()}
    text += arm_table(reports, best, column, base="train.best_constant")
    text += "\n### Annealing from 20 to 1\n\n"
    for transfer, label in SETS.items():
        arms = {f"{transfer}.best_constant": f"best constant T, {label}", f"{transfer}.best_annealed": "best annealing"}
        arms |= {f"{transfer}.32.{shape}": shape for shape in SHAPES}
        text += arm_table(reports, arms, column, base=f"{transfer}.best_constant") + "\n"
    chosen = [report["results"]["chosen"] for report in reports]
    text += "Chosen on validation rows, by seed:\n\n"
    for key in chosen[0]:
        transfer, _, kind = key.partition(".best_")
        names = [c[key].rsplit(".", 1)[1] for c in chosen]  # "T4" is a temperature
        said = ", ".join(f"T = {name[1:]}" if kind == "constant" else name for name in names)
        text += f"- best {kind}, {SETS[transfer]}: {said}\n"
    return text + "\n" + _omitted(reports) + "\n" + _few(reports)


def _omitted(reports) -> str:
    rows = [report["results"]["omitted"] for report in reports]
    text = f"### No 3 in the transfer set\n\nbias raised by {spread([r['shift'] for r in rows])}\n\n"
    text += f"| student | errors of {rows[0]['rows']:,} | on the {rows[0]['threes']:,} threes | threes right % |\n"
    text += "|---|--:|--:|--:|\n"
    for name, label in (("before", "as trained"), ("after", "bias raised"), ("teacher", "teacher (saw 3s)")):
        errors, threes = ([r[name][key] for r in rows] for key in ("errors", "errors_on_threes"))
        right = [100 * (1 - e / r["threes"]) for e, r in zip(threes, rows)]
        text += f"| {label} | {spread(errors, 0)} | {spread(threes, 0)} | {spread(right, 1)} |\n"
    return text


def _few(reports) -> str:
    rows = [report["results"]["few"] for report in reports]
    text = "### 3 % of the rows\n\n| net 784-128-128-10 | test accuracy % |\n|---|--:|\n"
    labels = {"full": "all rows, hard labels", "hard": "3 %, hard labels", "soft": "3 %, soft targets"}
    for name, label in labels.items():
        text += f"| {label} | {spread([r[name] for r in rows])} |\n"
    won = sum(r["soft"] > r["hard"] for r in rows)
    return text + f"\nsoft targets above hard labels in {won} of {len(rows)} seeds\n"


def draw(reports: list[dict], out: Path) -> Path:
    """Accuracy against temperature per width and transfer set; transfer sets and annealing; the omitted digit."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    config = reports[0]["config"]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.5, 4.2))
    colours = dict(zip(config["widths"], ("#c0504d", "#1f6fb4", "#4f9a4f")))
    for width, colour in colours.items():
        hard = values(reports, f"hard.{width}", "accuracy")
        left.axhline(hard.mean(), color=colour, linestyle=":", linewidth=1)
        for transfer, style in (("train", "--"), ("train+unlabeled", "-")):
            points = []
            for t in config["temperatures"]:
                arm = f"{transfer}.{width}.T{t:g}"
                if arm in reports[0]["results"]["metrics"]:
                    numbers = values(reports, arm, "accuracy")
                    points.append((t, numbers.mean(), numbers.std(ddof=1) if len(numbers) > 1 else 0))
            if points:
                left.errorbar(*np.array(points).T, fmt="o" + style, color=colour, capsize=2, markersize=3)
        left.plot([], [], color=colour, label=f"{width} units per layer")
    for style, label in (("-", SETS["train+unlabeled"]), ("--", SETS["train"]), (":", "hard labels")):
        left.plot([], [], style, color="#444444", label=label)
    left.set_xscale("log", base=2)
    left.set_xlabel("temperature")
    left.set_ylabel("test accuracy, %")
    left.set_title("Width and temperature (mean ± sd)")
    left.set_ylim(left.get_ylim()[0] - 2.5)  # room for the legend
    left.legend(fontsize=7, ncols=2, loc="lower left")

    arms = {"hard.32": "hard"}
    for transfer, short in (("train", "L"), ("train+unlabeled", "L+U")):
        arms |= {f"{transfer}.best_constant": f"{short}\nconst", f"{transfer}.best_annealed": f"{short}\nanneal"}
    for report in range(len(reports)):
        middle.plot([values(reports, arm, "accuracy")[report] for arm in arms], "o-", alpha=0.5, linewidth=0.8)
    middle.set_xticks(range(len(arms)), arms.values())
    middle.set_title("Student 32-32, one line per seed")
    middle.set_ylabel("test accuracy, %")

    names = {"before": "as trained", "after": "bias raised", "teacher": "teacher"}
    for i, name in enumerate(names):
        rows = [r["results"]["omitted"] for r in reports]
        right.bar(i, np.mean([r[name]["errors"] for r in rows]), color="#bbbbbb")
        right.bar(i, np.mean([r[name]["errors_on_threes"] for r in rows]), color="#c0504d")
        right.plot([i] * len(rows), [r[name]["errors"] for r in rows], "k.", markersize=4)
    right.set_xticks(range(len(names)), names.values())
    right.set_ylabel("test errors (red: on threes)")
    right.set_title("No 3 in the transfer set")
    figure.suptitle("The axes of accuracy do not start at 0.", fontsize=9)
    figure.tight_layout()
    path = out / "hinton.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
