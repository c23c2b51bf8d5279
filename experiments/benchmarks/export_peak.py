"""The share of a core's multiply-adds that a student's C file reaches: counted work over measured time.

For each problem a net of 256 units, which has learned next to nothing, since speed does not depend on that, predicts
10,000 rows of the problem's columns of numbers in a C program of its own. Work is a multiply-add for each weight of its
layers; biases, activations and exponentials count as none. The peak is what the same machine reaches, in the same run,
with the same flags and the better of the compilers, in a loop of twelve independent multiply-adds of the widest vectors
that these flags allow: 4 numbers at `-O2` (x86-64 has SSE2 by default, and no fused multiply-add), 8 or 16 with
`-march=native`. Programs and peaks take turns, and each figure is the fastest of all rounds, in CPU time.

    python -m experiments.benchmarks.export_peak      a minute; writes experiments/results/benchmarks/export_peak.*
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

from compress import StudentClassifier
from data.load import load_problem
from experiments._compilers import compilers
from experiments._runner import machine, versions, write_atomically, write_json

__all__ = ["measured", "table"]

PROBLEMS = ("letter.p2", "letter", "magic", "satellite", "adult", "covtype")
FLAGS = {"-O2": ["-O2"], "-O2 -march=native": ["-O2", "-march=native"]}
COMPILERS = ("cc", "clang-14")
UNITS, N_ROWS = 256, 10_000

CLOCK = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
"""
PROGRAM = """
#include "student.h"
int main(int argc, char **argv)
{
    static student_value rows[N * STUDENT_N_COLUMNS];
    static float out[N * STUDENT_N_OUTPUTS];
    double best = 1e9, t;
    int k;
    FILE *file = fopen(argv[1], "rb");
    if (!file || fread(rows, sizeof rows, 1, file) != 1) return 1;
    for (k = 0; k < 10; k++) {
        t = now();
        student_predict_rows(rows, N, out);
        t = now() - t;
        if (t < best) best = t;
    }
    printf("%.9g\\n", best / N);
    return 0;
}
"""
PEAK = """
#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
typedef float vector __attribute__((vector_size(4 * WIDTH)));
int main(int argc, char **argv)
{
    enum { N = 1000000 };
    float numbers[14 * WIDTH], sum = 0;
    vector v[14];
    double best = 1e9, t;
    int i, k;
    for (i = 0; i < 14 * WIDTH; i++) numbers[i] = 0.5f + 0.001f * i * argc; /* different, or they would be one */
    for (i = 0; i < 14; i++) __builtin_memcpy(&v[i], numbers + i * WIDTH, sizeof v[i]);
    for (k = 0; k < 10; k++) {
        vector a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7], p = v[8], q = v[9],
               r = v[10], s = v[11], x = v[12], y = v[13];
        t = now();
        for (i = 0; i < N; i++) {
            a = a * x + y; b = b * x + y; c = c * x + y; d = d * x + y; e = e * x + y; f = f * x + y;
            g = g * x + y; h = h * x + y; p = p * x + y; q = q * x + y; r = r * x + y; s = s * x + y;
        }
        t = now() - t;
        if (t < best) best = t;
        a += b + c + d + e + f + g + h + p + q + r + s;
        sum += a[0];
    }
    fprintf(stderr, "%g\\n", sum);
    printf("%.9g %d\\n", best / (12.0 * WIDTH * N), WIDTH);
    return 0;
}
"""


def _run(program: Path, *arguments) -> list[float]:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def measured(rounds: int = 9, problems=PROBLEMS) -> dict:
    """Measure the peak and each problem by turns.

    Returns
    -------
    dict
        `peaks`, and `rows`: one for each compiler, flags and problem, with the columns, the multiply-adds per row, the
        seconds per row, billions of multiply-adds per second and the share of the peak.
    """
    found = compilers(*COMPILERS)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        programs, facts = {}, {}
        for name in problems:
            rows, work, shape = _prepared(name, folder / name)
            facts[name] = {"shape": shape, "multiply_adds": work}
            for compiler in found:
                for flags, options in FLAGS.items():
                    made = folder / name / f"{compiler}{len(options)}"
                    files = [folder / name / "main.c", folder / name / "student.c"]
                    command = [compiler, *options, "-Wall", "-Werror", f"-DN={N_ROWS}", *files, "-o", made, "-lm"]
                    subprocess.run(command, check=True)
                    programs[compiler, flags, name] = made, rows
        (folder / "peak.c").write_text(CLOCK + PEAK)
        peaks = {}
        for compiler in found:
            for flags, options in FLAGS.items():
                peaks[compiler, flags] = folder / f"peak.{compiler}{len(options)}"
                command = [compiler, *options, folder / "peak.c", "-o", peaks[compiler, flags]]
                subprocess.run(command, check=True)
        seconds, fastest, width = {}, {}, {}
        for _ in range(rounds):
            for key, program in peaks.items():
                each, width[key] = _run(program)
                fastest[key] = min(each, fastest.get(key, 1.0))
            for key, (program, rows) in programs.items():
                seconds[key] = min(_run(program, rows)[0], seconds.get(key, 1.0))
    peak = {flags: min(fastest[c, f] for c, f in fastest if f == flags) for flags in FLAGS}
    made = []
    for (compiler, flags, name), each in seconds.items():
        rate = facts[name]["multiply_adds"] / each
        own = {"compiler": compiler, "flags": flags, "problem": name, **facts[name], "us_per_row": 1e6 * each}
        made.append({**own, "billions": rate / 1e9, "share": rate * peak[flags]})
    listed = [
        {"compiler": c, "flags": f, "billions": 1e-9 / fastest[c, f], "width": int(width[c, f])} for c, f in peaks
    ]
    return {"peaks": listed, "rows": made}


def _prepared(name: str, folder: Path) -> tuple[Path, int, list]:
    """Write the sources and the rows of a problem; return the file of the rows, the work per row and the shape."""
    folder.mkdir()
    problem = load_problem(name, seed=0)
    columns = [c for c in problem.X_train.columns if c not in problem.nominal]
    X = np.ascontiguousarray(problem.X_test[columns], dtype=np.float32)
    X = X[np.arange(N_ROWS) % len(X)]
    y = np.searchsorted(np.unique(problem.y_test), problem.y_test)[np.arange(N_ROWS) % len(problem.y_test)]
    student = StudentClassifier((UNITS,), max_epochs=1, random_state=0).fit(X, y)
    student.to_c(folder / "student.c")
    (folder / "main.c").write_text(CLOCK + PROGRAM)
    X.tofile(folder / "rows")
    n_outputs = student.objective_.n_outputs
    return folder / "rows", X.shape[1] * UNITS + UNITS * n_outputs, [X.shape[1], UNITS, n_outputs]


def table(found: dict) -> str:
    """The shares in Markdown."""
    said = "; ".join(
        f"{p['compiler']} {p['flags']}: {p['billions']:.1f} billion multiply-adds per second, vectors of {p['width']}"
        for p in found["peaks"]
    )
    lines = [
        "The share of the core's multiply-adds that the C file of a net of 256 units reaches, 10,000 rows, one thread.",
        f"Peaks, measured with the same flags in the same run: {said}.",
        "",
        "| problem | net | compiler | flags | us per row | billion per second | share of the peak of these flags |",
        "|---|---|---|---|--:|--:|--:|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['problem']} | {'-'.join(map(str, row['shape']))} | {row['compiler']} | `{row['flags']}` "
            f"| {row['us_per_row']:.3f} | {row['billions']:.1f} | {100 * row['share']:.0f} % |"
        )
    return "\n".join(lines) + "\n"


def main(argv=None) -> None:
    """Measure, print, write the JSON file and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path("experiments/results/benchmarks"))
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    found = measured(args.rounds, args.problems)
    text = table(found)
    print(text)
    used = {
        name: subprocess.run([name, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
        for name in compilers(*COMPILERS)
    }
    write_json(args.out / "export_peak.json", {**found, "versions": {**versions(), **used}, "machine": machine()})
    write_atomically(args.out / "export_peak.md", text)


if __name__ == "__main__":
    main()
