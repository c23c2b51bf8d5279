"""Draw README's picture from the stored runs: error against bytes, of teachers, students and what else one would pick.

`python -m experiments.readme_figure` writes docs/tradeoff.png from the summary of `model_compression`: means of seeds,
on six real tables. The error is relative to the teacher's, so that tables can share an axis.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from experiments._runner import by_problem
from experiments._stored import ROOT, summary

# marker, colour, filled, label: the shapes alone tell them apart in greyscale
MODELS = {
    "T": ("s", "#333333", True, "teacher: ensemble of forests and boosting"),
    "T_onnx": ("s", "#333333", False, "the same, converted to ONNX"),
    "S2": ("o", "#c0504d", False, "best small net on the labelled rows alone"),
    "S1": ("^", "#1f6fb4", True, "student: net of 256 units, taught by the teacher"),
}
SIDES = {"adult": (8, -4, "left"), "letter.p1": (8, 2, "left"), "letter.p2": (8, -4, "left")}


def points(records: list[dict]) -> dict[str, dict[str, tuple[float, float]]]:
    """(bytes, RMSE relative to the teacher's in per cent) of each model, by problem."""
    found = {}
    for problem, group in by_problem(records).items():
        errors = {name: np.mean([r["rmse"][name] for r in group]) for name in ("T", "S2", "S1")}
        errors["T_onnx"] = errors["T"]
        sizes = {name: np.mean([r["size_bytes"][name] for r in group]) for name in MODELS if name != "T_onnx"}
        if all("T_onnx" in r["size_bytes"] for r in group):
            sizes["T_onnx"] = np.mean([r["size_bytes"]["T_onnx"] for r in group])
        found[problem] = {name: (size, 100 * (errors[name] / errors["T"] - 1)) for name, size in sizes.items()}
    return found


def draw(path: Path) -> Path:
    """Draw the picture into a file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(8.6, 4.3), layout="constrained")
    tables = points(summary("model_compression/summary"))
    for problem, places in tables.items():
        (small, low), (_, high) = places["S1"], places["S2"]
        axis.plot([small, places["S2"][0]], [low, high], color="#bbbbbb", linewidth=1, zorder=1)
        dx, dy, side = SIDES.get(problem, (-8, -4, "right"))
        axis.annotate(problem, (small, low), (dx, dy), textcoords="offset points", ha=side, fontsize=9)
    for name, (marker, colour, filled, label) in MODELS.items():
        x, y = zip(*(places[name] for places in tables.values() if name in places))
        face = colour if filled else "white"
        axis.scatter(x, y, marker=marker, s=52, color=colour, facecolor=face, label=label, zorder=3)
    axis.axhline(0, color="#333333", linewidth=0.8, zorder=0)
    axis.set_xscale("log")
    axis.set_xlim(5e3, None)
    axis.set_xlabel("bytes of the saved model")
    axis.set_ylabel("RMSE on test rows, against the teacher's, %")
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def main(argv=None) -> None:
    """Write the picture."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=ROOT / "docs" / "tradeoff.png", help="the file to write")
    print(f"written: {draw(arguments.parse_args(argv).out)}")


if __name__ == "__main__":
    main()
