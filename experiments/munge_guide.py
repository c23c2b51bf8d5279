"""Draw the pictures of docs/munge.md: what p and s of MUNGE do, on two half moons.

    python -m experiments.munge_guide [--out docs]

Seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.datasets import make_moons

from compress.generators import MUNGE, MarginalSampler


def compare(path, title, generators):
    """One panel per generator: the training rows, and ten times as many generated ones."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    X, _ = make_moons(70, noise=0.05, random_state=0)
    figure, axes = plt.subplots(1, len(generators), figsize=(2.7 * len(generators), 2.5), layout="constrained")
    for axis, (name, generator) in zip(axes, generators.items()):
        D = generator.fit(X).sample(10 * len(X))
        axis.plot(*D.T, ".", color="tab:orange", markersize=2, label="generated")
        axis.plot(*X.T, "o", color="tab:blue", markersize=3.5, markerfacecolor="none", label="training rows")
        axis.set(title=name, xlim=(-1.7, 2.7), ylim=(-1.1, 1.6), xticks=[], yticks=[])
        axis.title.set_fontsize(10)
    axes[0].legend(frameon=False, fontsize=7, loc="lower left", markerscale=1.5)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the pictures (default: docs)")
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    compare(
        out / "munge_p.png",
        "p, the share of attributes exchanged (s = 5)",
        {f"p = {p}": MUNGE(p=p, s=5, random_state=0) for p in (0.05, 0.2, 0.5, 0.9)},
    )
    compare(
        out / "munge_s.png",
        "s, the noise of an exchange: sd = gap / s (p = 0.5); RANDOM of the paper to compare",
        {
            **{f"s = {s:g}": MUNGE(p=0.5, s=s, random_state=0) for s in (0.5, 1, 5)},
            "RANDOM": MarginalSampler(random_state=0),
        },
    )


if __name__ == "__main__":
    main()
