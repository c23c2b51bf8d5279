"""RESULTS.md, a page for each experiment, and what README and docs/ quote, from the stored runs.

`python -m experiments.report` writes all of them; `--check` fails when one differs from what the stored runs say. No
figure is typed by hand. A page is the script's docstring (question, setup, cost), the hand-written `reading.md` beside
the runs, the table that the experiment wrote, and its plots.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys

from experiments._cells import markdown_table
from experiments._claims import claims
from experiments._runner import write_atomically
from experiments._stored import RESULTS, ROOT, reports, summary

__all__ = ["documents", "page", "quoting", "results", "tables"]

# The pages and their order; "benchmarks" has the page of `experiments.benchmarks.student_speed`.
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
    "small_models",
    "original_labels",
    "numerical_embeddings",
    "hinton",
    "mimic",
    "fitnets",
    "rocket",
    "rocket_flights",
    "dual_dnn",
    "ranking",
    "cascade",
)
BENCHMARK = "benchmarks"
# The experiments that a page of docs/systems quotes, and after which line of their tables.
SYSTEMS = {
    "hinton": {"hinton": "Student 784-32-32-10:\n"},
    "mimic": {"mimic": ""},
    "fitnets": {"fitnets": ""},
    "rocket": {"rocket": "", "rocket_flights": ""},
    "dual_dnn": {"dual_dnn": ""},
    "ranking": {"ranking": "", "cascade": ""},
}
BEGIN, END = "<!-- begin: python -m experiments.report -->", "<!-- end: python -m experiments.report -->"
WRITTEN = "<!-- written by `python -m experiments.report`; do not edit -->"


def documents() -> dict[str, str]:
    """The text of every document that the stored runs determine, by its path."""
    quoted = {name: quoting((ROOT / name).read_text(), table) for name, table in tables().items()}
    pages = {f"experiments/results/{name}/README.md": page(name) for name in (*ORDER, BENCHMARK)}
    return {"RESULTS.md": results(), **pages, **quoted}


# ---------------------------------------------------------------- RESULTS.md
def results() -> str:
    """The text of RESULTS.md: all claims, then the list of pages."""
    seconds = {name: [report["seconds"] for report in reports(name)] for name in ORDER}
    n_runs, hours = sum(map(len, seconds.values())), sum(map(sum, seconds.values())) / 3600
    parts = [
        "# Results\n",
        WRITTEN + "\n",
        f"What the {n_runs} stored runs say about each claim, computed from their reports; the page has tables, plots "
        "and a reading. “The paper” is *Model Compression* (Bucilă, Caruana and Niculescu-Mizil, KDD 2006). A verdict "
        "follows from our figure by the rule beside the claim in `experiments/_claims_*.py`; “partly” mostly means on "
        "at least half of the problems, tables or runs. Figures are means over seeds.\n",
        "T is the teacher, an ensemble of forests and boosting; S2 the best net on the 4,000 labelled rows; S1 the net "
        "of 256 units that T taught on 400,000 rows made by MUNGE. A ratio is (S2 - S1) / (S2 - T) of their RMSEs: 1 "
        "is as good as T, more is better.\n",
    ]
    parts += [f"## {family}\n\n{claims_table(family)}" for family in claims()]
    rows = [
        [f"[{title(name)}](experiments/results/{name}/README.md)", str(len(seconds[name])), spent(sum(seconds[name]))]
        for name in ORDER
    ]
    rows.append([f"[{title(BENCHMARK)}](experiments/results/{BENCHMARK}/README.md)", "1", ""])
    parts.append(
        f"## Pages\n\nAll runs took {hours:.0f} hours, most of them on one core of two with another run beside; "
        f"`make reproduce` repeats them.\n\n{markdown_table(['page', 'runs', 'time'], rows)}"
    )
    return "\n".join(parts)


def claims_table(family: str, root: str = "") -> str:
    """The claims of a family with their verdicts; `root` leads from the document to the root of the repository."""
    rows = []
    for claim in claims()[family]:
        figure, verdict = claim.judge()
        link = f"[{claim.page}]({root}experiments/results/{claim.page}/README.md)"
        rows.append([claim.says, claim.whose, claim.theirs, figure, f"**{verdict}**", link])
    return markdown_table(["claim", "whose", "their figure", "our figure", "verdict", "page"], rows, texts=6)


# ---------------------------------------------------------------- pages
def page(name: str) -> str:
    """The text of an experiment's page."""
    folder, script = RESULTS / name, _script(name)
    _, _, body = _docstring(name).partition("\n")
    module = script.removesuffix(".py").replace("/", ".")
    table = folder / ("student_speed.md" if name == BENCHMARK else "table.md")
    parts = [
        f"# {title(name)}\n",
        WRITTEN + "\n",
        f"`python -m {module}` ([script](../../../{script}), [all results](../../../RESULTS.md))\n",
        _labelled(body.strip()) + "\n",
        "## Reading\n",
        (folder / "reading.md").read_text(),
        "## Tables\n",
        table.read_text(),
        *(f"{picture(plot.name)}\n" for plot in ([] if name == BENCHMARK else sorted(folder.glob("*.png")))),
        _provenance(name),
    ]
    return "\n".join(parts)


def picture(name: str) -> str:
    """A plot with words for who does not see it, who finds its figures in the tables before it."""
    return (
        f"![{name.removesuffix('.png').replace('_', ' ')}: a picture, whose figures stand in the tables above]({name})"
    )


def _labelled(body: str) -> str:
    """A docstring's text with its labels ("Question:", "Setup:", ...) in bold, and a capital after each."""
    labels = r"^(Questions?|Setup|The paper|Cost|References?):(?: (\w))?"
    return re.sub(labels, lambda m: f"**{m[1]}.**" + (f" {m[2].upper()}" if m[2] else ""), body, flags=re.MULTILINE)


def title(name: str) -> str:
    """The first line of a script's docstring."""
    return _docstring(name).partition("\n")[0].strip()


def _script(name: str) -> str:
    return f"experiments/{'benchmarks/student_speed' if name == BENCHMARK else name}.py"


def _docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((ROOT / _script(name)).read_text()))


def _provenance(name: str) -> str:
    """Runs, time, machines and versions."""
    found = [summary(f"{BENCHMARK}/student_speed")] if name == BENCHMARK else reports(name)
    machines = sorted({f"{r['machine']['cpu']}, {r['machine']['cores']} cores" for r in found})
    versions = sorted({", ".join(f"{k} {v}" for k, v in r["versions"].items()) for r in found})
    said = "1 run" if len(found) == 1 else f"{len(found)} runs"
    if name != BENCHMARK:
        said += f", {spent(sum(r['seconds'] for r in found))} in all (other jobs ran beside them)"
    return f"*{said}, on {'; '.join(machines)}; {'; '.join(versions)}.*\n"


def spent(seconds: float) -> str:
    """Hours, or minutes where there are fewer than 90."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{max(seconds / 60, 1):.0f} min"


# ---------------------------------------------------------------- what other documents quote
def tables() -> dict[str, str]:
    """The stored table that each document quotes."""
    export = (RESULTS / "benchmarks" / "export.md").read_text()
    rows = [line for line in export.partition("\n### ")[0].splitlines() if line.startswith("|")]
    serving = (RESULTS / "benchmarks" / "serving.md").read_text()
    return {
        "README.md": (RESULTS / "model_compression" / "headline.md").read_text(),
        "docs/scale.md": (RESULTS / "benchmarks" / "scale.md").read_text(),
        "docs/serving.md": serving.partition("\n### ")[0],
        # without the default student, which is in the file
        "docs/shipping.md": "\n".join(line for line in rows if "| 256 units |" not in line),
        "docs/theory.md": claims_table("Generated rows", "../"),
        "docs/systems.md": claims_table("Distillation and ranking", "../"),
        **{f"docs/systems/{name}.md": measured(starts) for name, starts in SYSTEMS.items()},
    }


def measured(starts: dict[str, str]) -> str:
    """The claims of some experiments, then the first table of each part of their stored tables."""
    found = [claim for family in claims().values() for claim in family if claim.page in starts]
    judged = [(claim, *claim.judge()) for claim in found]
    rows = [[claim.says, claim.whose, claim.theirs, figure, f"**{verdict}**"] for claim, figure, verdict in judged]
    parts = [markdown_table(["claim", "whose", "their figure", "our figure", "verdict"], rows, texts=5)]
    for name, start in starts.items():
        text = (RESULTS / name / "table.md").read_text()
        for part in [text.partition(start)[2]] if start else re.split(r"^(?=### )", text, flags=re.MULTILINE):
            if part.strip():
                title = rf"**{name}: \1**" if len(starts) > 1 else r"**\1**"
                parts.append(re.sub("^### (.*)", title, _up_to_its_first_table(part)))
    return "\n".join(parts)


def _up_to_its_first_table(part: str) -> str:
    """The lines of a part up to the end of its first table."""
    lines = [*part.strip().splitlines(), ""]
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    return "\n".join(lines[: next(i for i in range(first, len(lines)) if not lines[i])]) + "\n"


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
    stale = []
    for name, text in documents().items():
        path = ROOT / name
        if path.is_file() and path.read_text() == text:
            print(f"{name}: as the stored runs say")
        elif args.check:
            stale.append(name)
        else:
            write_atomically(path, text)
            print(f"{name}: written")
    if stale:
        sys.exit(f"error: {', '.join(stale)}: not what the stored runs say; run `python -m experiments.report`.")


if __name__ == "__main__":
    main()
