"""Modules import only from rows above them, and importing the library is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import compress

ROOT = Path(compress.__file__).parent
# from the ground up; a module may import from its own row and from those before
RANKS = [
    {"_version", "schema"},
    {"generators", "losses", "evaluation", "nets", "predictor", "_tables", "augment"},
    {"teachers", "objectives"},
    {"transfer"},
    {"training", "persistence"},
    {"_student", "students", "distill"},
    {"report", "_slices", "_figures", "export", "tuning", "budget"},
    {"_teaching", "_compressor", "compressor"},
    {"__main__", "cli"},
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
MODULES = sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def part(path: Path) -> str:
    """The module or subpackage directly below `compress`; `nets_*` are further nets."""
    return row(path.parts[0].removesuffix(".py"))


def row(name: str) -> str:
    return "nets" if name.startswith("nets_") else name


def imported(tree: ast.Module):
    """Parts of `compress` that are imported at the top of a module."""
    for node in tree.body:  # an import inside a function is late: it closes no cycle
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "compress":
            below = node.module.split(".")[1:]
            yield from below[:1] or [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (name[1] for name in names if name[0] == "compress" and len(name) > 1)


def rank(name: str, seen: tuple = ()) -> int:
    """The row of a part; one that RANKS does not name stands where its imports let it."""
    if name in RANK:
        return RANK[name]
    assert name not in seen, f"circular imports: {' -> '.join([*seen, name])}"
    files = [path for path in MODULES if part(path) == name]
    below = {row(n) for path in files for n in imported(ast.parse((ROOT / path).read_text()))} - {name}
    return max((rank(n, (*seen, name)) for n in below), default=0)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_import_from_rows_above_only(path):
    own = rank(part(path))
    for name in imported(ast.parse((ROOT / path).read_text())):
        assert rank(row(name)) <= own, f"{path} imports compress.{name}, which stands below it"


def test_the_library_does_not_know_data_and_experiments():
    for path in MODULES:
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.split(".")[0] for n in names} & {"data", "experiments", "tests"}, path


HEAVY = ("pandas", "matplotlib", "onnx", "numba", "dask", "distributed", "pyarrow", "lightgbm", "xgboost")


def heavy_after(code: str) -> set[str]:
    """Which of the heavy packages a new interpreter holds after `code`."""
    code += f"\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_import_leaves_heavy_packages_to_those_who_use_them():
    # a served student needs none of them, and each costs a part of a second
    ours = heavy_after("import compress\n[getattr(compress, name) for name in compress.__all__]")
    assert ours <= heavy_after("import sklearn.ensemble, torch")  # scikit-learn 1.9 imports pandas where it is there


def test_public_names_exist():
    assert all(hasattr(compress, name) for name in compress.__all__)
