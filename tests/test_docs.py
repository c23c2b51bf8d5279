"""The Python code printed in the documentation runs, block after block, in one namespace per page.

A block that opens with "```python skip" is shown only.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/munge.md", "docs/shipping.md"]

BLOCK = re.compile(r"^```python[ \t]*(?P<options>[^\n]*)\n(?P<code>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def blocks_of(page):
    """(line number, code) of each block to run."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        (text[: match.start("code")].count("\n") + 1, match["code"])
        for match in BLOCK.finditer(text)
        if "skip" not in match["options"].split()
    ]


@pytest.mark.parametrize("page", PAGES)
def test_code_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a page writes
    blocks = blocks_of(page)
    assert blocks, f"{page} has no python block"
    namespace = {"__name__": "__main__"}
    for line, code in blocks:
        # the code keeps its line numbers, so that an error points into the page
        exec(compile("\n" * (line - 1) + code, str(ROOT / page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_and_files_of_the_page_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
