"""Stored tables of the benchmarks as pages: with a title, which the files leave to whoever quotes them."""

import re

FOLDER = "experiments/results/benchmarks/"


def with_title(app, name: str, content: list[str]) -> None:
    """Put a title over a table, and its parts one level below it."""
    if name.startswith(FOLDER) and not content[0].lstrip().startswith(("# ", "<!--")):
        parts = re.sub(r"^### ", "## ", content[0], flags=re.MULTILINE)
        content[0] = f"---\norphan: true\n---\n# {name.removeprefix(FOLDER).replace('_', ' ')}\n\n{parts}"


def setup(app):
    app.connect("source-read", with_title)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
