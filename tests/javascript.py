"""JavaScript run by Node, for the tests of what is written in it."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

NODE = shutil.which("node")
REASON = "needs Node: `make browser`, or apt-get install nodejs"
needs_node = pytest.mark.skipif(NODE is None, reason=REASON)


def run_node(code, *, folder, given=None):
    """What an ES module prints as JSON; `given` is in the variable of this name. Without Node the test skips."""
    if NODE is None:
        pytest.skip(REASON)
    (folder / "given.json").write_text(json.dumps(given))
    start = 'import fs from "node:fs"; const given = JSON.parse(fs.readFileSync("given.json", "utf8"));\n'
    (folder / "main.mjs").write_text(
        f"{start}const print = (value) => process.stdout.write(JSON.stringify(value));\n{code}"
    )
    done = subprocess.run([NODE, "main.mjs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def predicted(path, rows):
    """The predictions of an exported module for rows as JSON has them, in two dimensions."""
    code = f'import {{ predictRows }} from "./{path.name}"; print(predictRows(given));'
    found = np.array(run_node(code, folder=path.parent, given=rows), dtype=np.float64)
    return found.reshape(len(rows), -1)


def as_rows(table):
    """A table as JSON rows: objects of a DataFrame, lists of an array; missing is null."""
    if not hasattr(table, "iloc"):
        return [[_plain(value) for value in row] for row in table.tolist()]
    names = [str(name) for name in table.columns]
    cells = table.astype(object).itertuples(index=False, name=None)
    return [dict(zip(names, map(_plain, row))) for row in cells]


def _plain(value):
    if value is None or value is pd.NA or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value
