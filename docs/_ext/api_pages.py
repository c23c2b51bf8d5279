"""The reference: a page for each room of the library and one for each of its public names, written before the build.

A name's page has the docstring and, of a class, the methods that are ours; what scikit-learn's and torch's base
classes add is documented there. A name that `import compress` gives is documented as such; its room links to it.
"""

import inspect
from importlib import import_module
from pathlib import Path

# in the order of the work, see docs/design.md
ROOMS = {
    "compress": "The names of every day",
    "compress.generators": "Making rows",
    "compress.teachers": "Teachers",
    "compress.transfer": "Transfer sets",
    "compress.students": "Students",
    "compress.compressor": "All in one",
    "compress.search": "Choosing on held-out rows",
    "compress.report": "Comparing student and teacher",
    "compress.export": "Exporting a student",
    "compress.distill": "Distillation methods of the literature",
    "compress.recommend": "Recommenders",
    "compress.losses": "Losses",
    "compress.nets": "Torch modules",
    "compress.training": "Training",
    "compress.trees": "Small trees",
    "compress.evaluation": "Measures",
    "compress.schema": "What a table is",
    "compress.cli": "The command line",
}
HEAD = """API reference
=============

Every public name. Most work needs those of the first page; the rooms behind it have the parts, for whoever builds
something else of them.

.. toctree::
   :maxdepth: 1

"""


def names_of(room: str) -> list[str]:
    """The public names of a room, without the version."""
    return [name for name in import_module(room).__all__ if name != "__version__"]


def home_of(room: str, name: str) -> str:
    """The full name under which something is documented."""
    return f"compress.{name}" if name in names_of("compress") else f"{room}.{name}"


def is_constant(room: str, name: str) -> bool:
    """Whether a name is neither a class nor a function."""
    value = getattr(import_module(room), name)
    return not (inspect.isclass(value) or callable(value))


def methods_of(value: type) -> list[str]:
    """The public methods and properties of a class that it has from us, in the order of the source."""
    found = {}
    for owner in reversed([c for c in value.__mro__ if c.__module__.startswith("compress.")]):
        for name, member in vars(owner).items():
            is_ours = callable(member) or isinstance(member, property | staticmethod | classmethod)
            if is_ours and not name.startswith("_"):
                found[name] = bool(getattr(value, name).__doc__)
    return [name for name, documented in found.items() if documented]


def underlined(title: str, character: str = "=") -> str:
    """A title of reStructuredText."""
    return f"{title}\n{character * len(title)}\n\n"


def page_of_name(room: str, name: str) -> str:
    """The page of a class or function."""
    value = getattr(import_module(room), name)
    kind = "class" if inspect.isclass(value) else "function"
    lines = [underlined(name), f".. currentmodule:: {room}\n\n", f".. auto{kind}:: {name}\n"]
    if inspect.isclass(value) and methods_of(value):
        lines.append(f"   :members: {', '.join(methods_of(value))}\n")
    return "".join(lines)


def page_of_room(room: str) -> str:
    """The page of a room: what it is for, and its names with their first sentences."""
    names = names_of(room)
    constants = [name for name in names if is_constant(room, name)]
    others = sorted((name for name in names if name not in constants), key=lambda name: (name.islower(), name.lower()))
    own = [name for name in others if home_of(room, name) == f"{room}.{name}"]
    lines = [underlined(f"{room}: {ROOMS[room][0].lower()}{ROOMS[room][1:]}"), f".. automodule:: {room}\n\n"]
    lines += [f".. currentmodule:: {room}\n\n", ".. autosummary::\n   :nosignatures:\n\n"]
    lines += [f"   {home_of(room, name) if name not in own else name}\n" for name in others]
    if own:
        lines += ["\n.. toctree::\n   :hidden:\n\n", *(f"   {room}.{name}\n" for name in own)]
    if constants:
        module = import_module(room)
        lines += ["\n.. rubric:: Constants\n\n"]
        lines += [f"``{name}`` : ``{getattr(module, name)!r}``\n\n" for name in constants]
    return "".join(lines)


def pages() -> dict[str, str]:
    """Every page of the reference by its file's name."""
    found = {"index.rst": HEAD + "".join(f"   {room}\n" for room in ROOMS)}
    for room in ROOMS:
        found[f"{room}.rst"] = page_of_room(room)
        for name in names_of(room):
            if home_of(room, name) == f"{room}.{name}" and not is_constant(room, name):
                found[f"{room}.{name}.rst"] = page_of_name(room, name)
    return found


def write(app) -> None:
    """Write the pages that have changed, and remove those of names that are gone."""
    folder = Path(app.srcdir) / "docs" / "api"
    folder.mkdir(exist_ok=True)
    made = pages()
    for path in folder.glob("*.rst"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
