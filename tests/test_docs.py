"""The code printed in the documentation runs, block after block, in one namespace and folder per page.

A block that opens with "```python skip" is shown only. In a "```console" block each `$ python -m compress ...` is run
and must print what stands below it: numbers are compared roughly, since they differ between machines, and a line `...`
stands for any lines.
"""

import re
import shlex
from pathlib import Path

import pytest

from compress.cli import main

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md"]
PAGES += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))

BLOCK = re.compile(
    r"^```(?P<kind>python|console)[ \t]*(?P<options>[^\n]*)\n(?P<code>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL
)
NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?")
PROMPT = "$ python -m compress "


def blocks_of(page):
    """(line number, kind, code) of each block to run."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        (text[: match.start("code")].count("\n") + 1, match["kind"], match["code"])
        for match in BLOCK.finditer(text)
        if "skip" not in match["options"].split()
    ]


def commands_of(code):
    """(line within the block, command, what it prints) of a console block."""
    found = []
    for at, line in enumerate(code.replace("\\\n", "  ").splitlines()):
        if line.startswith(PROMPT):
            found.append((at, line.removeprefix(PROMPT), []))
        elif found:
            found[-1][2].append(line)
    return [(at, command, "\n".join(lines).strip()) for at, command, lines in found]


RUN = [page for page in PAGES if any(kind == "python" for _, kind, _ in blocks_of(page))]


def printed_by(command, capsys, fails):
    """stderr, then stdout of a command of `python -m compress`; `| head -N` is understood."""
    command, _, pipe = command.partition(" | head -")
    capsys.readouterr()
    assert main(shlex.split(command)) == int(fails)
    done = capsys.readouterr()
    out = done.out.splitlines()[: int(pipe) if pipe else None]
    return "\n".join([*done.err.splitlines(), *out])


def agrees(printed, expected):
    """Whether the text is the same but for roughly equal numbers and the lines that `...` stands for."""
    pattern, numbers = [], []
    for line in expected.splitlines():
        if line.strip() == "...":
            pattern.append(r"(?:.*\n)*?")
            continue
        numbers += NUMBER.findall(line)
        pattern.append("([^\\s]+?)".join(re.escape(part) for part in NUMBER.split(line)) + r"\n")
    match = re.fullmatch("".join(pattern), printed.strip() + "\n")
    pairs = zip(map(_number, match.groups()), map(_number, numbers)) if match else [(0, 1)]
    return all(abs(a - b) <= 0.1 + 0.25 * abs(b) for a, b in pairs)


def _number(text):
    return float(text.replace(",", "")) if NUMBER.fullmatch(text) else float("nan")


@pytest.mark.parametrize("page", RUN)
def test_code_of_the_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # what a page writes
    blocks = blocks_of(page)
    namespace = {"__name__": "__main__"}
    for line, kind, code in blocks:
        if kind == "python":
            # the code keeps its line numbers, so that an error points into the page
            exec(compile("\n" * (line - 1) + code, str(ROOT / page), "exec"), namespace)
            continue
        for at, command, expected in commands_of(code):
            printed = printed_by(command, capsys, fails=expected.startswith("error:"))
            assert agrees(printed, expected), f"{page}, line {line + at}: {command}\nprints\n{printed}"


def test_every_page_of_the_user_guide_has_code_that_runs():
    listed = (ROOT / "docs" / "using.md").read_text(encoding="utf-8").partition("```{toctree}")[2]
    names = set(re.findall(r"<(\w+)>|^(\w+)$", listed, re.MULTILINE))
    topics = {a or b for a, b in names} - {"faq", "glossary", "gpu"}  # a GPU is not everywhere
    assert len(topics) >= 10 and {f"docs/{topic}.md" for topic in topics} <= set(RUN)


def test_the_page_of_the_command_line_has_every_command():
    shown = [
        c.split()[0] for _, kind, code in blocks_of("docs/cli.md") if kind == "console" for _, c, _ in commands_of(code)
    ]
    assert {"fit", "predict", "generate", "label", "evaluate", "export", "inspect"} == set(shown)


def test_what_agrees_with_a_page():
    assert agrees('wrote a: 2,000 rows\n"x": 0.31', 'wrote a: 2,000 rows\n"x": 0.3')
    assert agrees("class_0,0.71,0.29", "class_0,0.7,0.3")
    assert agrees("a\nb\nc\nd", "a\n...\nd") and agrees("a\nd", "a\n...\nd")
    assert not agrees("a\nb", "a") and not agrees("a 1", "a 2") and not agrees("a 1", "b 1")


@pytest.mark.parametrize("page", PAGES)
def test_pictures_of_the_page_are_described_for_who_does_not_see_them(page):
    described = re.findall(r"!\[([^\]]*)\]\(", (ROOT / page).read_text(encoding="utf-8"))
    assert all(len(text.split()) >= 5 for text in described)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_and_files_of_the_page_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        made = target.removeprefix("../").startswith(("gallery/", "api/"))  # by `make docs`
        if "://" not in target and not made:
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
