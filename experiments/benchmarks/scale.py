"""How far does it scale? Memory and speed of transfer sets in shards, and of what learns from them.

    python -m experiments.benchmarks.scale [--rows 1e6 1e7 5e7 1e8] [--small] [--out DIR] [--scratch DIR]

Tables have 16 numbers (float32), the teacher is histogram boosting of 50 rounds, the generator MUNGE on 10,000 original
rows; shards hold 100,000 rows. Each measurement is a process of its own, whose peak memory the operating system counts:

- `stages`: microseconds per row of generating, labelling and encoding as Parquet, one thread.
- `memory`: writing transfer sets of growing size, one worker.
- `ensemble`: the same with the library's default ensemble as the teacher, which is slower and larger.
- `workers`: the same rows with one and two threads, two processes of joblib and two Dask workers.
- `student`: a net trained from the largest set on disk, one pass.
- `originals`: `CompressedClassifier` on a million original rows, with MUNGE's approximate index, twice as many rows.

What is measured is kept in scale.json and not measured again; `--again` does. Writes scale.md and scale.png, too. About
an hour and 20 GB of disk; `--small`: a minute, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

OUT = Path("experiments/results/benchmarks")
FULL = {"rows": [1e6, 1e7, 5e7, 1e8], "ensemble": 3e5, "workers": 4e6, "learn": 5e7, "originals": 1e6}
SMALL = {"rows": [2e5, 4e5], "ensemble": 3e4, "workers": 4e5, "learn": 4e5, "originals": 2e4}


def measured(task: str, **settings) -> dict:
    """Run one measurement in a fresh process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "experiments.benchmarks.scale_tasks", task, json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{task} {settings} failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"  {task} {settings}: {found}", flush=True)
    return found


def plan(sizes: dict, scratch: Path):
    """Yield the name of each measurement and a function that makes it."""
    kept = scratch / "kept"

    def written(rows: float) -> dict:
        folder = kept if rows == sizes["learn"] else scratch / "set"
        shutil.rmtree(folder, ignore_errors=True)
        return measured("write", folder=str(folder), rows=int(rows))

    def written_by(teacher: str, rows: float) -> dict:
        folder = scratch / "set"
        shutil.rmtree(folder, ignore_errors=True)
        return measured("write", folder=str(folder), rows=int(rows), teacher=teacher)

    def by(backend: str, workers: int) -> dict:
        folder = scratch / "set"
        shutil.rmtree(folder, ignore_errors=True)
        return measured("write", folder=str(folder), rows=int(sizes["workers"]), backend=backend, workers=workers)

    def learned() -> dict:
        if not (kept / "manifest.json").exists():
            written(sizes["learn"])
        return measured("train", folder=str(kept))

    yield "stages", lambda: measured("stages")
    for rows in sizes["rows"]:
        yield f"memory/{int(rows)}", lambda rows=rows: written(rows)
    yield "ensemble", lambda: written_by("ensemble", sizes["ensemble"])
    for backend, workers in (("threading", 1), ("threading", 2), ("loky", 2), ("dask", 2)):
        yield f"workers/{backend}/{workers}", lambda b=backend, w=workers: by(b, w)
    yield "student", learned
    yield "originals", lambda: measured("fit", rows=int(sizes["originals"]))


def markdown(found: dict) -> str:
    """The tables of the page."""
    lines = []
    if "stages" in found:
        told = ", ".join(f"{name} {us:.2f}" for name, us in found["stages"].items() if not name.endswith("mib"))
        lines += [f"Microseconds per row of a stage, one thread: {told}.", ""]
    memory = {int(k.split("/")[1]): v for k, v in found.items() if k.startswith("memory/")}
    lines += [
        "| rows written | shards | MB on disk | seconds | rows per second | peak memory, MiB |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for _, v in sorted(memory.items()):
        lines.append(
            f"| {v['rows']:,} | {v['shards']} | {v['bytes'] / 1e6:,.0f} | {v['seconds']:,.0f} "
            f"| {v['rows'] / v['seconds']:,.0f} | {v['peak_mib']:,.0f} |"
        )
    if "ensemble" in found:
        v = found["ensemble"]
        lines.append(
            f"| {v['rows']:,}, default ensemble | {v['shards']} | {v['bytes'] / 1e6:,.0f} | {v['seconds']:,.0f} "
            f"| {v['rows'] / v['seconds']:,.0f} | {v['peak_mib']:,.0f} |"
        )
    workers = {k.removeprefix("workers/"): v for k, v in found.items() if k.startswith("workers/")}
    if "threading/1" in workers:
        one = workers["threading/1"]["seconds"]
        lines += ["", "| workers | seconds | times one thread |", "|---|--:|--:|"]
        names = {"threading/1": "one thread", "threading/2": "two threads", "loky/2": "two processes (joblib)"}
        for name, v in workers.items():
            label = names.get(name, "two Dask workers")
            lines.append(f"| {label} | {v['seconds']:.1f} | {one / v['seconds']:.2f} |")
    lines += ["", "| what learns | rows | seconds | peak memory, MiB |", "|---|--:|--:|--:|"]
    if "student" in found:
        v = found["student"]
        label = f"a net of 64 units from shards, one pass; RMSE to the teacher {v['rmse_to_teacher']:.4f}"
        lines.append(f"| {label} | {v['rows']:,} | {v['seconds']:,.0f} | {v['peak_mib']:,.0f} |")
    if "originals" in found:
        v = found["originals"]
        label = f"`CompressedClassifier` on original rows ({v['family']} chosen)"
        lines.append(f"| {label} | {v['rows']:,} | {v['seconds']:,.0f} | {v['peak_mib']:,.0f} |")
    return "\n".join(lines) + "\n"


def draw(found: dict, path: Path) -> None:
    """Peak memory and rows per second against the rows written."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    memory = sorted((v["rows"], v) for k, v in found.items() if k.startswith("memory/"))
    rows = [n for n, _ in memory]
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    axes[0].plot(rows, [v["peak_mib"] for _, v in memory], "o-", color="0.2")
    axes[1].plot(rows, [v["rows"] / v["seconds"] / 1e3 for _, v in memory], "o-", color="0.2")
    for axis, label in zip(axes, ("peak memory, MiB", "thousand rows per second")):
        axis.set(xscale="log", xlabel="rows written to shards", ylabel=label, ylim=(0, None))
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(argv=None) -> None:
    """Measure what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="+", help="sizes of the memory curve")
    parser.add_argument("--small", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--again", action="store_true", help="measure everything anew")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--scratch", type=Path, default=Path("out/scale"), help="where the shards go")
    args = parser.parse_args(argv)
    sizes = dict(SMALL if args.small else FULL)
    if args.rows:
        sizes["rows"] = args.rows
    args.scratch.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "scale.json"
    report = {"machine": {"cores": os.cpu_count(), "processor": platform.machine()}, "found": {}}
    if path.exists() and not args.again:
        report = json.loads(path.read_text())
    try:
        for name, measure in plan(sizes, args.scratch):
            if name not in report["found"]:
                report["found"][name] = measure()
                path.write_text(json.dumps(report, indent=1) + "\n")
    finally:
        shutil.rmtree(args.scratch, ignore_errors=True)
    (args.out / "scale.md").write_text(markdown(report["found"]))
    draw(report["found"], args.out / "scale.png")
    print(markdown(report["found"]))


if __name__ == "__main__":
    main()
