"""The paper's picture: which generator keeps to a curved manifold of several parts (Figure 1 of the paper)

Question: do generated rows lie where the data lie, do they reach all of it, and are they new?

Setup: 600 rows near a spiral, two arcs and a sine curve (Gaussian noise, sd 0.01; the picture is 3 units wide). Each
generator makes 6,000 rows from them. RANDOM is `MarginalSampler`, NBE chooses its own number of components. MUNGE has
p = 0.5 and s = 2; at the default p of 0.1 two thirds of the rows, of two attributes only, would be copies. Rows and
generators are drawn anew for each seed.

- distance: mean distance of the generated rows to the manifold, in hundredths of a unit;
- coverage: share of the manifold with a generated row within 0.02;
- copies: share of generated rows that equal an original row in every attribute.

"6,000 true rows" are as many fresh ones from the same law: the best that distance and coverage can be.

Cost: 2 CPU seconds a seed.

Reference: Bucilă, Caruana and Niculescu-Mizil, Model Compression, KDD 2006, section 2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from compress.generators import MUNGE, Interpolation, MarginalSampler, NaiveBayesEstimation
from experiments._main import run

FULL = {"rows": 600, "generated": 6000, "noise": 0.01, "radius": 0.02, "p": 0.5, "s": 2.0}
QUICK = {**FULL, "rows": 150, "generated": 600}
PROBLEM = "curves"
NAMES = {
    "true": "{:,} true rows",
    "original": "original",
    "RANDOM": "RANDOM",
    "NBE": "NBE",
    "Interpolation": "Interpolation",
    "MUNGE": "MUNGE",
}
PANELS = ("original", "RANDOM", "NBE", "MUNGE")


def manifold(n: int = 20_000) -> np.ndarray:
    """`n` points evenly along the four curves, shape (n, 2)."""
    t = np.linspace(0, 1, 4000)
    turn = 0.4 + 2.6 * np.pi * t
    curves = [
        np.column_stack([0.07 * turn * np.cos(turn) - 0.8, 0.07 * turn * np.sin(turn) + 0.75]),  # spiral
        np.column_stack([0.8 + 0.55 * np.cos(np.pi * t), 0.75 + 0.55 * np.sin(np.pi * t)]),  # arc above
        np.column_stack([0.95 + 0.3 * np.cos(-np.pi * t), 0.75 + 0.3 * np.sin(-np.pi * t)]),  # arc below
        np.column_stack([2.6 * t - 1.3, 0.22 * np.sin(4.5 * np.pi * t) - 0.35]),  # wave
    ]
    # one line after the other, cut into pieces of equal length; the jumps between curves have none
    steps = [np.concatenate([[0], np.hypot(*np.diff(curve, axis=0).T)]) for curve in curves]
    length = np.cumsum(np.concatenate(steps))
    at = np.linspace(0, length[-1], n)
    nearest = np.minimum(np.searchsorted(length, at), len(length) - 1)
    return np.concatenate(curves)[nearest]


def draw_rows(n: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """`n` rows near the manifold."""
    points = manifold()
    return points[rng.integers(len(points), size=n)] + noise * rng.normal(size=(n, 2))


def generated_rows(seed: int, config: dict) -> dict[str, np.ndarray]:
    """Original, true and generated rows of one seed."""
    rng = np.random.default_rng([seed, 2006])
    X = draw_rows(config["rows"], config["noise"], rng)
    generators = {
        "RANDOM": MarginalSampler(random_state=seed),
        "NBE": NaiveBayesEstimation(random_state=seed),
        "Interpolation": Interpolation(random_state=seed),
        "MUNGE": MUNGE(config["p"], config["s"], random_state=seed),
    }
    n = config["generated"]
    true = draw_rows(n, config["noise"], rng)
    return {"true": true, "original": X, **{name: g.fit(X).sample(n) for name, g in generators.items()}}


def measure(D: np.ndarray, X: np.ndarray, radius: float) -> dict:
    """Distance to the manifold, coverage of it, and share of copies, of rows `D` made from rows `X`."""
    points = manifold()
    originals = {row.tobytes() for row in X}
    return {
        "distance": float(cKDTree(points).query(D)[0].mean()),
        "coverage": float((cKDTree(D).query(points)[0] <= radius).mean()),
        "copies": float(np.mean([row.tobytes() in originals for row in D])),
    }


def run_one(name: str, seed: int, config: dict) -> dict:
    """Numbers of one seed."""
    rows = generated_rows(seed, config)
    return {key: measure(D, rows["original"], config["radius"]) for key, D in rows.items()}


def spread(reports: list[dict], key: str, number: str, scale: float = 1.0, digits: int = 1) -> str:
    """Mean ± sd over seeds."""
    values = scale * np.array([report["results"][key][number] for report in reports])
    return f"{values.mean():.{digits}f}" + (f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else "")


def markdown(reports: list[dict]) -> str:
    """The table, from the reports."""
    lines = ["| rows | seeds | distance, 1/100 | coverage, % | copies, % |", "|---|--:|--:|--:|--:|"]
    for key, name in NAMES.items():
        name = name.format(reports[0]["config"]["generated"])
        cells = [spread(reports, key, "distance", 100, 2), spread(reports, key, "coverage", 100)]
        cells.append("-" if key == "original" else spread(reports, key, "copies", 100))
        lines.append(f"| {name} | {len(reports)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(reports: list[dict], path: Path) -> Path:
    """Four panels: the rows of the first seed, drawn anew, and the numbers of all seeds below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    first = reports[0]
    rows, curve = generated_rows(first["seed"], first["config"]), manifold(4000)
    figure, axes = plt.subplots(2, 2, figsize=(9.0, 8.6), layout="constrained")
    for axis, key in zip(axes.flat, PANELS):
        D = rows[key]
        title = f"{key}: {len(D):,} rows"
        if key == "original":
            title = f"original: {len(D):,} rows, and the manifold they are from"
            axis.plot(*curve.T, ",", color="0.75", zorder=0)
        axis.plot(*D.T, ".", color="tab:blue" if key == "original" else "tab:orange", markersize=2.2, alpha=0.7)
        axis.set_title(title, fontsize=11)
        axis.set(xlim=(-1.65, 1.65), ylim=(-0.85, 1.55), xticks=[], yticks=[], aspect="equal")
        distance = f"distance to the manifold {spread(reports, key, 'distance', 100, 2)} hundredths"
        coverage = f"coverage {spread(reports, key, 'coverage', 100)} %"
        copies = "" if key == "original" else f", exact copies {spread(reports, key, 'copies', 100)} %"
        axis.set_xlabel(f"{distance}\n{coverage}{copies}", fontsize=9.5)
    figure.suptitle(
        f"Numbers: seeds {', '.join(str(r['seed']) for r in reports)}, mean ± sd. Rows shown: seed {first['seed']}.",
        fontsize=9,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def main(argv=None) -> None:
    """Run the seeds, then write table and picture from all reports of this configuration in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="density_2d",
        problems=[PROBLEM],
        known=[PROBLEM],
        seeds=range(5),
        configs={"full": FULL, "quick": QUICK},
        table=markdown,
        files=lambda reports, out: [draw(reports, out / "density_2d.png")],
    )


if __name__ == "__main__":
    main()
