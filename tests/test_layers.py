"""The house: every room has its place, imports go downwards only, and importing the library is cheap."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import compress

ROOT = Path(compress.__file__).parent
# from the ground up; a module may import from its own row and from those before
RANKS = [
    {"_version", "_files", "_random", "schema"},
    {"generators", "losses", "evaluation", "nets", "training", "trees"},
    {"teachers"},
    {"transfer", "export"},
    {"students"},
    {"search", "report"},
    {"compressor", "distill", "recommend"},
    {"cli", "__main__"},
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
LOOSE = {"__init__", "__main__", "_version", "_files", "_random"}
ROOMS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__")
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
# packages that take a part of a second to import, or that not everyone has
HEAVY = ("pandas", "matplotlib", "onnx", "numba", "dask", "distributed", "pyarrow", "lightgbm", "xgboost")


def name_of(path: Path) -> str:
    """The dotted name of a module below `compress`."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path): path for path in MODULES}


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def imported(tree: ast.Module):
    """(module below `compress`, statement) of all imports, late ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module and node.module.split(".")[0] == "compress":
                below = node.module.removeprefix("compress").lstrip(".")
                for alias in node.names:
                    inner = f"{below}.{alias.name}".lstrip(".")
                    yield (inner if inner in NAMES else below or inner), node
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "compress" and "." in alias.name:
                    yield alias.name.removeprefix("compress."), node


def test_the_rooms_are_those_of_the_plan():
    assert set(ROOMS) == set(RANK) - LOOSE
    assert 12 <= len(ROOMS) <= 18
    assert {path.stem for path in ROOT.glob("*.py")} == LOOSE


@pytest.mark.parametrize("room", ROOMS)
def test_the_door_of_a_room_says_what_it_is_for_and_lists_what_it_gives(room):
    door = tree_of(Path(room) / "__init__.py")
    first = (ast.get_docstring(door) or "").splitlines()[0]
    assert first.endswith((".", ":")) and len(first) > 30
    assert any(isinstance(node, ast.Assign) and node.targets[0].id == "__all__" for node in door.body)
    assert all(path.stem.startswith("_") for path in (ROOT / room).glob("*.py")), "files inside are private"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_import_from_rows_above_only(path):
    own = RANK[name_of(path).split(".")[0]]
    for name, _ in imported(tree_of(path)):
        assert RANK[name.split(".")[0]] <= own, f"{path} imports compress.{name}, which stands below it"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_other_rooms_are_entered_by_their_door(path):
    own = name_of(path).split(".")[0]
    for name, _ in imported(tree_of(path)):
        room, *inside = name.split(".")
        assert room == own or not inside, f"{path} imports the private compress.{name}: import it from compress.{room}"


def test_the_table_of_the_design_is_true():
    lines = (ROOT.parent / "docs" / "design.md").read_text().splitlines()
    rows = [line.split("|")[1:3] for line in lines if re.match(r"\| \d+ \|", line)]
    said = {name: int(rank) for rank, names in rows for name in re.findall(r"`(\w+)`", names)}
    assert said == RANK


def test_no_circle_of_imports_late_ones_counted():
    graph = {name: {n for n, _ in imported(tree_of(path))} - {name} for name, path in NAMES.items()}
    while graph:
        free = [name for name, below in graph.items() if not below & graph.keys()]
        assert free, f"modules in a circle of imports: {sorted(graph)}"
        for name in free:
            del graph[name]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_what_needs_a_heavy_package_is_imported_late(path):
    tree = tree_of(path)
    for name, node in imported(tree):
        if node not in tree.body:
            assert packages_of(name) & set(HEAVY), f"{path} imports compress.{name} late, which needs no heavy package"


@cache
def packages_of(name: str) -> set[str]:
    """The packages that come with a module and with the modules of its own room that it imports."""
    tree = tree_of(NAMES[name])
    top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    packages = {a.name.split(".")[0] for n in top if isinstance(n, ast.Import) for a in n.names}
    packages |= {(n.module or "").split(".")[0] for n in top if isinstance(n, ast.ImportFrom)}
    if any(a.name == "compiled" for n in top if isinstance(n, ast.ImportFrom) for a in n.names):
        packages.add("numba")  # which the decorator imports
    room = name.split(".")[0]
    top_level = [other for other, node in imported(tree) if node in tree.body]
    inner = [other for other in top_level if other.startswith(f"{room}.") or other in LOOSE]
    return packages.union(*map(packages_of, inner))


def test_the_library_does_not_know_data_and_experiments():
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.split(".")[0] for n in names} & {"data", "experiments", "tests"}, path


def heavy_after(code: str, packages=HEAVY) -> set[str]:
    """Which of some packages a new interpreter holds after `code`."""
    code += f"\nimport sys; print(*[name for name in {packages} if name in sys.modules])"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_import_leaves_heavy_packages_to_those_who_use_them():
    # a student in production needs none of them, and each costs a part of a second
    # scikit-learn 1.9 imports pandas where it is there, so what counts is what comes after it
    code = "import sklearn.ensemble, torch, sys\nbefore = set(sys.modules) - {'sys'}\nimport compress\n"
    code += "for name in compress.__all__: getattr(compress, name)\nfor name in before: del sys.modules[name]"
    assert not heavy_after(code)


def test_generating_rows_needs_no_torch():
    code = "import numpy as np\nfrom compress import MUNGE\nMUNGE(random_state=0).fit(np.eye(20)).sample(5)"
    assert not heavy_after(code, ("torch",))


def test_help_on_the_command_line_waits_for_no_package():
    code = "from compress.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    print()"
    held = heavy_after(code, ("torch", "sklearn", "numpy"))
    assert not held & {"torch", "sklearn", "numpy"}


def test_public_names_exist():
    assert all(hasattr(compress, name) for name in compress.__all__)
    assert len(compress.__all__) <= 15, "the top level is for about a dozen names"


def test_no_file_of_the_house_is_long():
    long = {str(path): len((ROOT / path).read_text().splitlines()) for path in MODULES}
    assert {path: n for path, n in long.items() if n > 400} == {}


def test_seeds_are_drawn_in_one_place():
    for path in MODULES:
        if path.name != "_random.py":
            assert not re.search(r"randint\(2\*\*31|np\.random\.seed", (ROOT / path).read_text()), path
