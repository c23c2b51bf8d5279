"""Figure 3: how large must the student be? Error against hidden units

Question: with 100,000 labelled rows (4,000 original ones, the rest from MUNGE), how does the error of a net of one
hidden layer fall with 2, 4, ..., 1,024 units, and where does it reach T?

Setup: T and the transfer set are those of `experiments.model_compression`, with the p and s of its small trials; the
first 100,000 rows are used. The nets learn for 20 epochs at a rate of 0.01; nothing is chosen. S2, the best net on the
original rows, is quoted from the stored runs of that experiment with the same seeds.

The paper: on average the error falls until about 128 units and then levels off.

Cost: about two minutes per run on one core where T and the transfer set lie in `out/material`, six more where they do
not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from compress.evaluation import rmse, size_bytes
from data.load import load_problem, problem_names
from experiments import _material
from experiments import _protocol as protocol
from experiments._cells import markdown_table
from experiments._main import flat, run
from experiments._runner import by_problem, spread
from experiments.model_compression_figures import panels, save

FULL = {
    "material": _material.FULL,
    "hidden": [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    "rows": 100_000,
    "epochs": 20,
    "learning_rate": 0.01,
}
QUICK = {"material": _material.QUICK, "hidden": [2, 8, 32], "rows": 2000, "epochs": 10, "learning_rate": 0.01}


def run_one(name: str, seed: int, config: dict, n_jobs: int, folder: Path) -> dict:
    """Test RMSE and bytes by number of hidden units."""
    problem = load_problem(name, seed, **config["material"]["rows"])
    made = _material.material(problem, seed, config["material"], folder, n_jobs)
    data = made.data.head(config["rows"])
    how = {key: config[key] for key in ("epochs", "learning_rate")}
    students = Parallel(n_jobs=n_jobs)(
        delayed(protocol.fit_student)(data, hidden=(hidden,), seed=seed, verbose=0, **how)
        for hidden in config["hidden"]
    )
    error = {
        str(hidden): rmse(problem.y_test, student.predict_proba(problem.X_test))
        for hidden, student in zip(config["hidden"], students)
    }
    print("  " + ", ".join(f"{hidden}: {e:.4f}" for hidden, e in error.items()), flush=True)
    return {
        "rmse": error,
        "bytes": {str(hidden): size_bytes(student) for hidden, student in zip(config["hidden"], students)},
        "T": rmse(problem.y_test, made.teacher.predict_proba(problem.X_test)),
        "best_single": rmse(problem.y_test, made.best_single.predict_proba(problem.X_test)),
    }


def with_controls(records: list[dict], controls: dict) -> list[dict]:
    """The records with S2 from `model_compression`, where the same run is stored."""
    return [{**record, "S2": controls.get((record["problem"], record["seed"]))} for record in records]


def markdown(records: list[dict]) -> str:
    """Mean ± sd over seeds by number of hidden units, T and S2 above, and the first widths that reach them below."""
    groups, widths = by_problem(records), list(records[0]["rmse"])
    controls = {problem: _control(group) for problem, group in groups.items()}
    teachers = {problem: np.mean([r["T"] for r in group]) for problem, group in groups.items()}
    means = {p: {w: np.mean([r["rmse"][w] for r in group]) for w in widths} for p, group in groups.items()}
    rows = [
        ["T", *(f"{teachers[p]:.4f}" for p in groups), f"{np.mean(list(teachers.values())):.4f}", ""],
        ["S2", *("" if controls[p] is None else f"{controls[p]:.4f}" for p in groups), "", ""],
    ]
    for width in widths:
        cells = [spread([r["rmse"][width] for r in group], 4) for group in groups.values()]
        over_all = np.mean([means[p][width] for p in groups])
        size = np.mean([r["bytes"][width] for r in records])
        rows.append([f"{int(width):,}", *cells, f"{over_all:.4f}", f"{size:,.0f}"])
    for said, levels in (("units that reach S2", controls), ("units that reach T", teachers)):
        rows.append([said, *(first_width(means[p], levels[p]) for p in groups), "", ""])
    return f"{len(next(iter(groups.values())))} seeds; RMSE on test rows.\n\n" + markdown_table(
        ["hidden units", *groups, "average", "bytes"], rows
    )


def first_width(means: dict, level: float | None) -> str:
    """The smallest width whose error is at or below a level."""
    if level is None:
        return ""
    return next((f"{int(w):,}" for w in means if means[w] <= level), "none of these")


def _control(group: list):
    values = [r["S2"] for r in group]
    return None if any(v is None for v in values) else float(np.mean(values))


def draw(records: list[dict], out: Path) -> Path:
    """A panel per problem: error against hidden units, with T, the best single model and S2 as lines."""
    import matplotlib

    matplotlib.use("Agg")
    groups = by_problem(records)
    figure, axes = panels(len(groups))
    for axis, (problem, group) in zip(axes, groups.items()):
        widths = list(group[0]["rmse"])
        errors = np.array([[r["rmse"][w] for w in widths] for r in group])
        x = np.array(widths, dtype=float)
        axis.plot(x, errors.mean(axis=0), "o-", color="#1f6fb4", markersize=3, label="student")
        if len(group) > 1:
            low, high = (errors.mean(axis=0) + sign * errors.std(axis=0, ddof=1) for sign in (-1, 1))
            axis.fill_between(x, low, high, color="#1f6fb4", alpha=0.2)
        lines = {"T": "#444444", "best_single": "#999999", "S2": "#c0504d"}
        for name, colour in lines.items():
            value = _control(group) if name == "S2" else np.mean([r[name] for r in group])
            if value is not None:
                axis.axhline(value, color=colour, linestyle="--", linewidth=1, label=name.replace("_", " "))
        axis.set_xscale("log", base=2)
        axis.set_title(problem)
        axis.set_xlabel("hidden units")
        axis.set_ylabel("RMSE of P(y=1), test rows")
        axis.legend(fontsize=7)
    figure.suptitle("Mean over seeds, band: one standard deviation. The axes do not start at 0.", fontsize=9)
    return save(figure, out / "hidden_units.png")


def main(argv=None) -> None:
    """Run the grid, then write table and plot from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="hidden_units",
        problems=_material.PROBLEMS,
        seeds=[1, 2, 3],
        known=problem_names("binary"),
        options=[_material.add_argument],
        configs={"full": FULL, "quick": QUICK},
        records=lambda reports, out: with_controls(
            flat(reports), _material.stored_controls(out.parent / "model_compression/summary.json")
        ),
        table=markdown,
        files=lambda records, out: [draw(records, out)],
    )


if __name__ == "__main__":
    main()
