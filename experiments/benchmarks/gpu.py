"""A GPU: whether training on it is right, and how fast it is

Questions: do all estimators fit on a GPU what they fit on the CPU, and does what they leave load without one? How many
rows per second does a student's training take, step by step and captured, against this machine's CPU and the card's
own limits? How soon is a student trained on 400,000 and on 40 million rows, at equal loss?

The parts run in this order, each is written when it is done, and one that no time is left for is left out:

    cases       every estimator on the device and on the CPU, three seeds; what it leaves read without a GPU; messages
    speed       rows per second by batch size: eager, captured, one core, all cores; launches; the card's limits
    rules       400,000 rows, 20 epochs: seconds and error of the automatic batch size, against the CPU's
    together    ten candidates at once against one after the other
    large       40 million rows
    precision   float32, tf32, bfloat16
    labelling   a torch net as teacher

Without a GPU everything runs on the CPU, small, in less than a minute: a check that the script works.

    python -m experiments.benchmarks.gpu [--out FOLDER] [--minutes 8] [--small] [--parts NAME ...] [--docs]

Cost: at most `--minutes` on a GPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from functools import partial
from pathlib import Path

import torch

from compress.training import resolve_device
from experiments._runner import machine, versions, write_atomically, write_json
from experiments.benchmarks import gpu_checks, gpu_learning, gpu_speed
from experiments.benchmarks.gpu_table import in_page, markdown

OUT = Path("experiments/results/benchmarks")
PAGE = Path("docs/gpu.md")
FULL = {
    "seeds": [0, 1, 2],
    "batches": [256, 1024, 4096, 16384, 65536],
    "steps": 400,
    "eager_steps": 150,
    "cpu_rows": 200_000,
    "most_rows": 1 << 22,
    "epochs": 5,
    "side": 8192,
    "copied": 1 << 31,
    "rule_rows": 400_000,
    "rule_epochs": 20,
    "candidates": 10,
    "candidate_epochs": 5,
    "large_rows": 40_000_000,
    "precision_epochs": 10,
    "shapes": [[256], [1024, 1024]],
    "profiled_steps": 50,
    "labelled_rows": 1 << 22,
}
SMALL = FULL | {
    "seeds": [0],
    "batches": [256, 4096],
    "steps": 4,
    "eager_steps": 4,
    "cpu_rows": 8192,
    "most_rows": 8192,
    "epochs": 1,
    "side": 256,
    "copied": 1 << 22,
    "rule_rows": 4000,
    "rule_epochs": 2,
    "candidates": 3,
    "candidate_epochs": 2,
    "large_rows": 20_000,
    "precision_epochs": 2,
    "shapes": [[256], [64, 64]],
    "profiled_steps": 2,
    "labelled_rows": 1 << 14,
}


# ------------------------------------------------------------------------------------------------------ parts
def cases(device: torch.device, sizes: dict, left) -> dict:
    """Every estimator here and there."""
    rows = []
    for name in gpu_checks.CASES:
        try:
            rows.append(gpu_checks.compare(name, sizes["seeds"] if left() > 240 else sizes["seeds"][:1], str(device)))
        except Exception as error:  # the others shall be tried, too
            rows.append({"case": name, "agrees": False, "failed": f"{type(error).__name__}: {error}"})
            print(traceback.format_exc(), flush=True)
        print("  " + _case_line(rows[-1]), flush=True)
    return {"cases": rows, "read_back": gpu_checks.read_back(str(device)), "messages": gpu_checks.messages(str(device))}


def _case_line(row: dict) -> str:
    if "failed" in row:
        return f"{row['case']}: {row['failed']}"
    how = f"{row['replayed']} steps replayed" if row["replayed"] else f"eager ({row['eager_because']})"
    return f"{row['case']}: {row['difference']:+.4f} against the CPU, {'agrees' if row['agrees'] else 'DIFFERS'}, {how}"


def speed(device: torch.device, sizes: dict, left) -> dict:
    """Rates, launches, limits."""
    found = {"limits": gpu_speed.ceilings(device, side=sizes["side"], copied=sizes["copied"]), "rates": []}
    found["counted"] = {str(n): gpu_speed.counted(n) for n in (1, 26)}
    threads = torch.get_num_threads()
    cpu = torch.device("cpu")
    for n_outputs in (1, 26):
        for batch_size in sizes["batches"]:
            ways = []
            if device.type == "cuda":
                on_device = partial(gpu_speed.rate, device, batch_size, n_outputs, most_rows=sizes["most_rows"])
                ways += [("captured", partial(on_device, capture=True, steps=sizes["steps"]), threads)]
                ways += [("eager", partial(on_device, capture=False, steps=sizes["eager_steps"]), threads)]
            on_cpu = partial(gpu_speed.rate, cpu, batch_size, n_outputs, most_rows=sizes["cpu_rows"], capture=False)
            ways += [("one core", partial(on_cpu, steps=sizes["eager_steps"]), 1)]
            ways += [("all cores", partial(on_cpu, steps=sizes["eager_steps"]), gpu_speed.all_cores())]
            for way, measure, n_threads in ways:
                torch.set_num_threads(n_threads)
                try:
                    row = measure(epochs=sizes["epochs"] if way in ("captured", "eager") else 1)
                finally:
                    torch.set_num_threads(threads)
                found["rates"].append({"way": way, **row})
                print(
                    f"  {way:>9}, {n_outputs:>2} outputs, batch {batch_size:>6}: {row['rows_per_second'] / 1e6:8.2f} "
                    f"million rows/s, {row['microseconds_per_step']:8.1f} us per step {row['eager_because'] or ''}",
                    flush=True,
                )
    found["launches"], launches = [], partial(gpu_speed.launches, device, steps=sizes["profiled_steps"])
    for n_outputs in (1, 26):
        for capture in (False, True) if device.type == "cuda" else (False,):
            try:
                found["launches"].append(launches(n_outputs, capture=capture))
            except Exception as error:  # the profiler is a convenience
                found["launches"].append({"captured": capture, "failed": f"{type(error).__name__}: {error}"})
            print("  ", {k: v for k, v in found["launches"][-1].items() if k != "kernels"}, flush=True)
    return found


def rules(device, sizes, left) -> dict:
    """The automatic batch size."""
    return gpu_learning.rules(str(device), n_rows=sizes["rule_rows"], epochs=sizes["rule_epochs"], seeds=sizes["seeds"])


def together(device, sizes, left) -> dict:
    """Ten candidates."""
    return gpu_learning.candidates_together(
        str(device), n=sizes["candidates"], n_rows=sizes["rule_rows"], epochs=sizes["candidate_epochs"]
    )


def large(device, sizes, left) -> dict:
    """Forty million rows; fewer epochs, and at last fewer rows, when little time is left."""
    n_rows = sizes["large_rows"] if left() > 150 else sizes["large_rows"] // 8
    return gpu_learning.large_table(
        str(device), n_rows=n_rows, few_rows=sizes["rule_rows"], epochs=5 if left() > 200 else 2
    )


def precision(device, sizes, left) -> dict:
    """float32, tf32, bfloat16."""
    options = {"n_rows": sizes["rule_rows"], "epochs": sizes["precision_epochs"], "shapes": sizes["shapes"]}
    return {"runs": gpu_learning.precisions(str(device), **options)}


def labelling(device, sizes, left) -> dict:
    """A net, and xgboost, as teachers."""
    return gpu_learning.labelling(str(device), n_rows=sizes["labelled_rows"])


# name -> function and the seconds that must be left to begin it
PARTS = {
    "cases": (cases, 60),
    "speed": (speed, 60),
    "rules": (rules, 40),
    "together": (together, 20),
    "precision": (precision, 20),
    "labelling": (labelling, 15),
    "large": (large, 60),
}


def main(argv=None) -> int:
    """Run the parts, write gpu.json and gpu.md after each; 1 if a part failed or an estimator differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--small", action="store_true", help="small sizes: what runs without a GPU anyway")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--docs", action="store_true", help=f"only write the stored report of --out into {PAGE}")
    args = parser.parse_args(argv)
    if args.docs:
        write_atomically(PAGE, in_page(PAGE.read_text(), stored(args.out)))
        print(f"written: {PAGE}")
        return 0
    started = time.monotonic()
    device = resolve_device("auto")
    small = args.small or device.type != "cuda"

    def left() -> float:
        return 60 * args.minutes - (time.monotonic() - started)

    report = {"setting": {"small": small, "device": str(device), "minutes": args.minutes}, "parts": {}}
    report |= {"versions": versions(), "machine": machine()}
    print(f"{report['machine']}, {report['versions']}", flush=True)
    for name in args.parts:
        run, needed = PARTS[name]
        if left() < (0 if small else needed):
            report["parts"][name] = {"left_out": f"{left():.0f} s were left"}
            continue
        print(f"== {name} ({left():.0f} s left)", flush=True)
        begun = time.monotonic()
        try:
            found = run(device, SMALL if small else FULL, left)
        except Exception as error:  # later parts shall run, what was measured shall be kept
            found = {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
            print(found["traceback"], flush=True)
        report["parts"][name] = {**found, "part_seconds": time.monotonic() - begun}
        write_json(args.out / "gpu.json", report)
        write_atomically(args.out / "gpu.md", markdown(report))
    print("\n" + markdown(report))
    print(f"written: {args.out / 'gpu.json'}, {args.out / 'gpu.md'}")
    return int(any(_bad(part) for part in report["parts"].values()))


def stored(out: Path) -> dict | None:
    """The report of an earlier run, None where there is none."""
    path = out / "gpu.json"
    return json.loads(path.read_text()) if path.is_file() else None


def _bad(part: dict) -> bool:
    return "failed" in part or any(not row["agrees"] for row in part.get("cases", []))


if __name__ == "__main__":
    sys.exit(main())
