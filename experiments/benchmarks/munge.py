"""How fast is MUNGE, and in how much memory? Ratios measured in one run.

    python -m experiments.benchmarks.munge [--quick] [--out DIR]

Baselines: Algorithm 1 transcribed into plain Python (`reference_munge.py`; its distances are
vectorised with numpy), timed on few rows; and the floor, which only draws the random numbers that are
needed and writes the output with numpy. Then growth in k, n and d, data with a hub and with
duplicates, memory of a stream of 20 million rows, and two workers against one.

Other programs disturb single timings, so each is the least of several, and what is compared is
measured in turn. Writes munge.json and munge.png, and prints a table. Minutes; `--quick`: seconds,
with fewer rows, to see that it runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from compress.generators import MUNGE
from experiments.benchmarks.reference_munge import munge_pass

OUT = Path("experiments/results/benchmarks")


def letter(n=4000):
    """Training rows of LETTER: 16 whole numbers from 0 to 15."""
    from data.load import load_problem

    return load_problem("letter.p2", seed=0).X_train.to_numpy(np.float64)[:n]


def factors(n, d, dimensions=3, seed=0):
    """Rows near a curved surface of few dimensions, float32: columns of real tables depend on each other."""
    rng = np.random.default_rng(seed)
    X = np.sin(rng.uniform(-2, 2, size=(n, dimensions)) @ rng.normal(size=(dimensions, d)))
    return (X + 1e-4 * rng.normal(size=(n, d))).astype(np.float32)


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def in_turn(functions, repeats):
    """Least seconds of each function, called one after the other `repeats` times."""
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return {name: min(values) for name, values in times.items()}


# ------------------------------------------------------------------------------------ baselines
def plain_python(X, p, s, neighbors, visits):
    """Seconds per row of the transcription."""
    n, d = X.shape
    X = X.astype(np.float32)
    rng = np.random.default_rng(0)
    none_c, none_n = np.zeros((n, 0), dtype=np.int32), np.zeros((n, 0), dtype=np.float32)
    coins = rng.random((n, d), dtype=np.float32)
    normals = rng.standard_normal(2 * np.count_nonzero(coins < p), dtype=np.float32)
    columns = np.full(d, p, dtype=np.float32), np.empty(0), np.full(d, s, dtype=np.float32), X.min(0), X.max(0)
    return seconds(
        lambda: munge_pass(X, none_c, coins, none_n, normals, *columns, neighbors=neighbors, visits=visits)
    ) / visits  # fmt: skip


def floor(X, k, p):
    """Draw the random numbers of k passes and write k copies of the table."""
    n, d = X.shape
    table = X.astype(np.float32)
    out = np.empty((k * n, d), dtype=X.dtype)
    rng = np.random.Generator(np.random.SFC64(0))
    for c in range(k):
        coins = rng.random((n, d), dtype=np.float32)
        rng.standard_normal(2 * np.count_nonzero(coins < p), dtype=np.float32)
        out[c * n : (c + 1) * n] = table
    return out


def rates(X, k, repeats, visits):
    """Seconds per row of everything at one size; a fit counts with its k passes."""
    n = len(X)
    original, current = (MUNGE(neighbors=mode, random_state=0).fit(X) for mode in ("original", "current"))
    for generator in (original, current):
        generator.sample(6 * n)  # compiles
    pairs = original.neighbor_indices_
    plain = {
        mode: min(plain_python(X, 0.2, 5.0, neighbors, visits) for _ in range(repeats))
        for mode, neighbors in (("original", pairs), ("current", None))
    }
    compiled = in_turn(
        {
            "floor": lambda: floor(X, k, 0.2),
            "original": lambda: original.sample(k * n),
            "original_fit": lambda: original.fit(X),
            "current": lambda: current.sample(k * n),
        },
        repeats,
    )
    per_row = {name: value / (k * n) for name, value in compiled.items()}
    return {
        "n": n,
        "d": X.shape[1],
        "k": k,
        "microseconds_per_row": {
            **{name: 1e6 * value for name, value in per_row.items()},
            "plain_python": 1e6 * plain["current"],
            "plain_python_with_fixed_pairs": 1e6 * plain["original"],
        },
        "original_over_plain_python": plain["current"] / per_row["original"],
        "original_with_fit_over_plain_python": plain["current"] / (per_row["original"] + per_row["original_fit"]),
        "original_over_plain_python_with_fixed_pairs": plain["original"] / per_row["original"],
        "current_over_plain_python": plain["current"] / per_row["current"],
        "original_in_floors": per_row["original"] / per_row["floor"],
    }


# --------------------------------------------------------------------------------------- growth
def drain(generator, k):
    for _ in generator.iter_batches(k * generator.n_rows_, 100_000):
        pass


def growth_in_k(X, ks):
    rows = []
    for mode in ("original", "current"):
        generator = MUNGE(neighbors=mode, random_state=0).fit(X)
        drain(generator, 6)
        rows += [{"mode": mode, "k": k, "seconds": seconds(drain, generator, k)} for k in ks]
    return rows


def growth_in_n(sizes, index):
    """Seconds of fit and of one pass; the approximate index is left out where faiss is missing."""
    if index == "approximate" and importlib.util.find_spec("faiss") is None:
        return []
    rows = []
    for n in sizes:
        X = factors(n, 16)
        generator = MUNGE(neighbors="original", index=index, random_state=0)
        fit = min(seconds(generator.fit, X) for _ in range(3 if n < 50_000 else 1))
        passes = max(1, 100_000 // n)
        one_pass = min(seconds(drain, generator, passes) for _ in range(2)) / passes
        row = {"index": index, "n": n, "fit_seconds": fit, "pass_seconds": one_pass}
        if index == "approximate":
            row["recall"] = generator.neighbor_recall_
        rows.append(row)
    return rows


def growth_in_d(widths, n):
    rows = []
    for mode in ("original", "current"):
        for d in widths:
            generator = MUNGE(neighbors=mode, random_state=0).fit(factors(n, d))
            time_ = min(seconds(drain, generator, 10) for _ in range(2))
            rows.append({"mode": mode, "d": d, "n": n, "seconds_per_10_passes": time_})
    return rows


def hub(n, seed=0):
    """One row in the middle of n - 1 others on a sphere around it: it is the nearest of most."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n - 1, 16))
    sphere = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.vstack([np.zeros((1, 16)), sphere]).astype(np.float32)


def half_duplicates(n, seed=0):
    X = factors(n, 16, seed=seed)
    X[n // 2 :] = X[0]
    return X


def shapes(n, repeats):
    """Seconds of fit and one pass at n and 2n rows; a quotient of 4 would be quadratic."""
    rows = []
    for name, make, mode in (
        ("plain", lambda m: factors(m, 16), "original"),
        ("half identical rows", half_duplicates, "original"),
        ("hub, fixed pairs", hub, "original passes"),
    ):
        times = []
        for m in (n, 2 * n):
            generator = MUNGE(neighbors="original", random_state=0)
            X = make(m)
            if mode == "original passes":  # 16 dimensions of noise: the index compares all pairs
                generator.fit(X)
                times.append(min(seconds(drain, generator, 10) for _ in range(repeats)))
            else:
                times.append(min(seconds(lambda g=generator, X=X: drain(g.fit(X), 1)) for _ in range(repeats)))
        rows.append({"data": name, "n": n, "seconds": times, "quotient": times[1] / times[0]})
    return rows


# ---------------------------------------------------------------------------- memory and workers
STREAM = """
import resource, sys
from compress.generators import MUNGE
from experiments.benchmarks.munge import letter
n_rows = int(sys.argv[1])
generator = MUNGE(neighbors="original", random_state=0, n_jobs=2).fit(letter())
count = sum(len(batch) for batch in generator.iter_batches(n_rows, 50_000))
assert count == n_rows
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def stream_memory(n_rows):
    """Peak memory of a process that streams `n_rows` rows, imports included."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", STREAM, str(n_rows)], check=True, capture_output=True, text=True)
    peak = int(done.stdout.split()[-1])
    return {"rows": n_rows, "peak_bytes": peak, "peak_gib": peak / 2**30, "seconds": time.perf_counter() - start}


def two_workers(X, k, repeats):
    rows = {}
    for mode in ("original", "current"):
        one = MUNGE(neighbors=mode, random_state=0).fit(X)
        two = MUNGE(neighbors=mode, random_state=0, n_jobs=2).fit(X)
        two.sample(40 * len(X))
        k_mode = 10 * k if mode == "original" else k
        both = {"one": one, "two": two}
        times = in_turn({name: partial(drain, generator, k_mode) for name, generator in both.items()}, repeats)
        rows[mode] = {**times, "speedup": times["one"] / times["two"]}
    return rows


# -------------------------------------------------------------------------------------- results
def measure(quick):
    repeats = 2 if quick else 5
    X = letter()
    results = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "processor": platform.machine()},
        "quick": quick,
        "load_average": os.getloadavg(),
    }
    sizes = [1_000, 10_000, 40_000] if quick else [1_000, 10_000, 100_000, 1_000_000]
    widths = [4, 50] if quick else [5, 16, 50, 160, 500]
    stages = {
        "rates": lambda: rates(X, 20 if quick else 100, repeats, 200 if quick else 1000),
        "two_workers": lambda: two_workers(X, 20 if quick else 100, repeats),
        "growth_in_k": lambda: growth_in_k(X, [1, 10, 50] if quick else [1, 10, 100, 1000]),
        "growth_in_d": lambda: growth_in_d(widths, 1000),
        "growth_in_n": lambda: growth_in_n(sizes, "exact") + growth_in_n(sizes[:3], "approximate"),
        "shapes": lambda: shapes(12_000 if quick else 20_000, 2),
        "stream": lambda: stream_memory(1_000_000 if quick else 20_000_000),
    }
    for name, stage in stages.items():
        start = time.perf_counter()
        results[name] = stage()
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return results


def table(results):
    r, t = results["rates"], results["two_workers"]
    lines = [
        ("original / plain Python", r["original_over_plain_python"], ">= 400"),
        ("original with its fit / plain Python", r["original_with_fit_over_plain_python"], ""),
        ("original / plain Python with fixed pairs", r["original_over_plain_python_with_fixed_pairs"], ""),
        ("current / plain Python", r["current_over_plain_python"], ">= 60"),
        ("original in floors", r["original_in_floors"], "<= 2"),
        ("two workers, original", t["original"]["speedup"], ">= 1.6"),
        ("two workers, current", t["current"]["speedup"], ">= 1.6"),
        (f"peak GiB of {results['stream']['rows']:,} streamed rows", results["stream"]["peak_gib"], "< 1"),
        *((f"time at 2n / at n: {s['data']}", s["quotient"], "< 4") for s in results["shapes"]),
    ]
    return "\n".join(f"{name:<48}{value:>9.2f}   {wanted}" for name, value, wanted in lines)


def plot(results, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    for mode in ("original", "current"):
        rows = [r for r in results["growth_in_k"] if r["mode"] == mode]
        axes[0].plot([r["k"] for r in rows], [r["seconds"] for r in rows], "o-", label=mode)
        rows = [r for r in results["growth_in_d"] if r["mode"] == mode]
        axes[2].plot([r["d"] for r in rows], [r["seconds_per_10_passes"] for r in rows], "o-", label=mode)
    for index in ("exact", "approximate"):
        rows = [r for r in results["growth_in_n"] if r["index"] == index]
        if rows:
            axes[1].plot([r["n"] for r in rows], [r["fit_seconds"] for r in rows], "o-", label=f"fit, {index}")
    rows = [r for r in results["growth_in_n"] if r["index"] == "exact"]
    axes[1].plot([r["n"] for r in rows], [r["pass_seconds"] for r in rows], "o-", label="one pass")
    for axis, name, what in zip(
        axes, ("k, passes over 4,000 x 16", "n, rows of 16 columns (original)", "d, columns"), ("", "", "10 passes, ")
    ):
        axis.set(xscale="log", yscale="log", xlabel=name, ylabel=f"{what}seconds")
        axis.legend(frameon=False)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and repetitions")
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder of munge.json and munge.png (default: {OUT})")
    options = parser.parse_args(arguments)
    results = measure(options.quick)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "munge.json").write_text(json.dumps(results, indent=1) + "\n")
    plot(results, options.out / "munge.png")
    print(table(results))
    print(f"\nwritten: {options.out / 'munge.json'}, {options.out / 'munge.png'}")


if __name__ == "__main__":
    main()
