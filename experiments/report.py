"""RESULTS.md, README's figures and those of docs/shipping.md, from the stored reports alone: none is typed by hand.

`python -m experiments.report` writes all; `--check` fails when one differs from what the reports say.
Each experiment's section is its own docstring (question, setup, reading), the table it wrote and its plots.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from pathlib import Path

from experiments._runner import write_atomically

__all__ = ["quoting", "results", "tables"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "experiments" / "results"
# The order of the sections; an experiment whose full run is not stored yet has none.
ORDER = (
    "model_compression",
    "teachers",
    "hidden_units",
    "overfitting",
    "recipe",
    "density_2d",
    "generators",
    "munge_parameters",
    "compress_anything",
    "original_labels",
    "numerical_embeddings",
    "hinton",
    "mimic",
    "fitnets",
    "rocket",
    "dual_dnn",
    "ranking",
    "cascade",
)
BEGIN, END = "<!-- begin: python -m experiments.report -->", "<!-- end: python -m experiments.report -->"


def results() -> str:
    """The text of RESULTS.md."""
    reports = {name: _reports(RESULTS / name) for name in ORDER}
    seconds = [report["seconds"] for stored in reports.values() for report in stored]
    parts = [
        "# Results\n",
        "Written by `python -m experiments.report` from the reports in `experiments/results/`; "
        "do not edit. Tables give mean ± standard deviation over seeds.\n",
        f"All {len(seconds)} runs took {sum(seconds) / 3600:.0f} hours, most of them on one core of two with another "
        "run beside; `make reproduce` runs them again.\n",
    ]
    for name in ORDER:
        folder = RESULTS / name
        if not (folder / "table.md").is_file():
            continue
        title, _, body = _docstring(name).partition("\n")
        parts += [f"## {title.strip()}\n", f"`python -m experiments.{name}`\n", body.strip() + "\n"]
        parts.append((folder / "table.md").read_text())
        parts += [f"![{plot.stem}](experiments/results/{name}/{plot.name})\n" for plot in sorted(folder.glob("*.png"))]
        parts.append(_provenance(reports[name]))
    docstring, table = _docstring("benchmarks/student_speed"), RESULTS / "benchmarks" / "student_speed.md"
    title, _, body = docstring.partition("\n")
    parts += [f"## Benchmark: {title.strip()}\n", body.strip() + "\n", table.read_text()]
    return "\n".join(parts)


def _docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((ROOT / "experiments" / f"{name}.py").read_text()))


def _reports(folder: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("**/report.json"))]


def _provenance(reports: list[dict]) -> str:
    machines = sorted({f"{r['machine']['cpu']}, {r['machine']['cores']} cores" for r in reports})
    versions = sorted({", ".join(f"{k} {v}" for k, v in r["versions"].items()) for r in reports})
    minutes = sum(r["seconds"] for r in reports) / 60
    return (
        f"*{len(reports)} runs, {minutes:.0f} minutes in all (other jobs ran beside them), "
        f"on {'; '.join(machines)}; {'; '.join(versions)}.*\n"
    )


def tables() -> dict[str, str]:
    """The stored table that each document quotes."""
    export = (RESULTS / "benchmarks" / "export.md").read_text()
    rows = [line for line in export.partition("\n### ")[0].splitlines() if line.startswith("|")]
    return {
        "README.md": (RESULTS / "model_compression" / "headline.md").read_text(),
        # without the default student, which is in the file
        "docs/shipping.md": "\n".join(line for line in rows if "| 256 units |" not in line),
    }


def quoting(text: str, table: str) -> str:
    """A document's text with the block between the markers replaced by a table."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document must hold the lines {BEGIN!r} and {END!r}.")
    return f"{head}{BEGIN}\n{table.strip()}\n{END}{tail}"


def main(argv=None) -> None:
    """Write the documents, or check them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail when a document is out of date")
    args = arguments.parse_args(argv)
    quoted = {name: quoting((ROOT / name).read_text(), table) for name, table in tables().items()}
    wanted = {"RESULTS.md": results(), **quoted}
    for name, text in wanted.items():
        path = ROOT / name
        if path.is_file() and path.read_text() == text:
            print(f"{name}: as the reports say")
        elif args.check:
            sys.exit(f"error: {name} differs from the stored reports; run `python -m experiments.report`.")
        else:
            write_atomically(path, text)
            print(f"{name}: written")


if __name__ == "__main__":
    main()
