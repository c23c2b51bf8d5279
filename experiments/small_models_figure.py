"""The plot of `experiments.small_models`: how much worse than the teacher each small model is, against its bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.small_models_table import errors_by_table

__all__ = ["draw"]

SIZES = (4, 16, 64, 256)
LINES = {"auto": ("student, chosen", "#1f6fb4", "o"), "hist": ("histogram boosting, direct", "#c0504d", "s")}
LINES["lightgbm"] = ("LightGBM, direct", "#d9a441", "^")
SHOWN = (-12, 65)
QUARTERS = (0.25, 0.5, 0.75)
SINGLE = {"linear": ("linear model", "#777777", "D"), "mlp": ("scikit-learn's MLP", "#17a589", "v")}


def draw(records: list[dict], out: Path) -> list[Path]:
    """Write `small_models.png`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    teacher = errors_by_table(records, "T")
    figure, axis = plt.subplots(figsize=(7, 4.6))
    for key, (label, colour, marker) in LINES.items():
        found = {size: _excess(records, f"{key}, {size} kB", teacher) for size in SIZES}
        found = {size: excess for size, excess in found.items() if excess}
        if found:
            low, middle, high = np.transpose([np.quantile(excess, QUARTERS) for excess in found.values()])
            axis.plot(list(found), middle, marker=marker, color=colour, label=label)
            axis.fill_between(list(found), low, high, color=colour, alpha=0.12, linewidth=0)
    for key, (label, colour, marker) in SINGLE.items():
        excess = _excess(records, key, teacher)
        if excess:
            size = np.median([r["models"][key]["bytes"] for r in records if key in r["models"]]) / 1000
            low, middle, high = np.quantile(excess, QUARTERS)
            spread = [[middle - low], [high - middle]]
            line = {"color": colour, "label": label, "capsize": 3, "linestyle": "none"}
            axis.errorbar([size], [middle], spread, marker=marker, **line)
    axis.axhline(0, color="#444444", linewidth=1, linestyle="--")
    axis.annotate("as good as the teacher", (SIZES[0], 0), xytext=(0, -12), textcoords="offset points", fontsize=9)
    axis.set_xscale("log")
    axis.set_xticks(SIZES, [str(size) for size in SIZES])
    axis.minorticks_off()
    axis.set_ylim(*SHOWN)  # some upper quartiles at 4 kB are far above
    axis.set(
        xlabel="kB",
        ylabel="error above the teacher's, in %",
        title=f"Small models on {len(teacher)} tables: median and quartiles",
    )
    axis.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    figure.savefig(out / "small_models.png", dpi=130)
    plt.close(figure)
    return [out / "small_models.png"]


def _excess(records: list[dict], model: str, teacher: dict) -> list[float]:
    own = errors_by_table(records, model)
    return [100 * (own[problem] / teacher[problem] - 1) for problem in own]
