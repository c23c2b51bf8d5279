"""What docstrings say: a first sentence, every parameter and attribute of a public name, in plain words."""

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import compress

ROOT = Path(compress.__file__).parent
ROOMS = ["compress", *sorted(f"compress.{path.parent.name}" for path in ROOT.glob("*/__init__.py"))]

# a short docstring may name the place where its parameters are explained
REFERENCE = re.compile(r"\b[Ss]ee `[^`]+`|\b([Pp]arameters|[Aa]rguments)\b[^.`]*\b(as in|as of|those of) `[^`]+`")
SHORT = 5  # lines
BANNED_WORDS = re.compile(r"\b(served|learnable|strange|waves?)\b", re.IGNORECASE)
BANNED_PHRASE = re.compile(r"\bis no ")


def sections_of(doc: str) -> dict[str, list[tuple[str, list[str]]]]:
    """The sections of a numpydoc docstring, each as a list of (line with the names, lines of the description)."""
    lines, sections, entries = doc.splitlines(), {}, None
    for line, following in zip(lines, [*lines[1:], ""]):
        if line and re.fullmatch(r"-{3,}", following):
            entries = sections[line] = []
        elif entries is None or not line.strip() or re.fullmatch(r"-{3,}", line):
            continue
        elif not line.startswith(" "):
            entries.append((line, []))
        elif entries:
            entries[-1][1].append(line.strip())
    return sections


def explained(doc: str, *sections: str) -> set[str]:
    """The names that have an entry in one of the sections."""
    found = sections_of(doc)
    headers = [header.split(" : ")[0] for section in sections for header, _ in found.get(section, ())]
    return {name.strip().lstrip("*") for header in headers for name in header.split(",")}


@cache
def public_docs(room: str) -> dict[str, tuple[object, str]]:
    """(object, docstring) of the classes and functions of a room, and of the methods that the classes have from us."""
    module = import_module(room)
    public = [getattr(module, name) for name in module.__all__]
    found = {value.__qualname__: value for value in public if inspect.isclass(value) or inspect.isfunction(value)}
    for name, value in list(found.items()):
        owners = [c for c in value.__mro__ if c.__module__.startswith("compress.")] if inspect.isclass(value) else []
        for attribute in {name for owner in owners for name in vars(owner) if not name.startswith("_")}:
            owner = next(owner for owner in owners if attribute in vars(owner))
            member = vars(owner)[attribute]
            member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(member):
                found[f"{name}.{attribute}"] = member
    return {name: (value, inspect.cleandoc(value.__doc__ or "")) for name, value in found.items()}


def all_docs(room: str) -> list[tuple[str, str]]:
    """(place, docstring) of all modules, classes and functions of a room, private ones included."""
    folder = ROOT / room.removeprefix("compress").lstrip(".")
    docs = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                docs.append((f"{path.name}: {getattr(node, 'name', 'module')}", ast.get_docstring(node) or ""))
    return docs


def parameters_of(value) -> list[str]:
    """The parameters of a signature that need an explanation: all but self, cls, *args and **kwargs."""
    packed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if inspect.isclass(value) and issubclass(value, Exception):
        return []
    given = inspect.signature(value).parameters.items()
    return [name for name, parameter in given if parameter.kind not in packed and name not in ("self", "cls")]


@pytest.mark.parametrize("room", ROOMS)
def test_the_docstring_of_every_public_name_begins_with_a_sentence(room):
    bad = []
    for name, (_, doc) in public_docs(room).items():
        first = doc.split("\n\n")[0]
        if not re.match(r"[A-Z`]", first) or not first.endswith(".") or len(first.split()) < 2 or "\n" in first:
            bad.append((name, first))
    assert bad == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_entry_of_parameters_and_attributes_has_a_description(room):
    bad = []
    for name, (_, doc) in public_docs(room).items():
        sections = sections_of(doc)
        entries = [*sections.get("Parameters", ()), *sections.get("Attributes", ())]
        bad += [(name, header) for header, lines in entries if not lines]
    assert bad == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_parameter_of_a_public_signature_is_explained(room):
    bad = {}
    for name, (value, doc) in public_docs(room).items():
        refers = REFERENCE.search(doc) and len(doc.splitlines()) <= SHORT
        if "Parameters" not in sections_of(doc) and refers:
            continue
        # the fields of a result are its attributes
        known = explained(doc, "Parameters", *(["Attributes"] if inspect.isclass(value) else []))
        missing = [parameter for parameter in parameters_of(value) if parameter not in known]
        if missing:
            bad[name] = missing
    assert bad == {}


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_has_a_word_that_is_not_in_use(room):
    assert [(place, BANNED_WORDS.findall(doc)) for place, doc in all_docs(room) if BANNED_WORDS.search(doc)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_says_that_something_is_no_thing(room):
    assert [place for place, doc in all_docs(room) if BANNED_PHRASE.search(doc)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_description_begins_with_a_genitive(room):
    entries = [(place, *entry) for place, doc in all_docs(room) for s in sections_of(doc).values() for entry in s]
    assert [(place, header) for place, header, lines in entries if lines and lines[0].startswith("Of ")] == []


@pytest.mark.parametrize("twins", ["Student", "Compressed", "EnsembleTeacher"])
def test_twins_have_equal_words_for_equal_parameters(twins):
    ours, theirs = (
        {
            header.split(" : ")[0]: lines
            for section in ("Parameters", "Attributes")
            for header, lines in sections_of(inspect.getdoc(getattr(compress, twins + kind)))[section]
        }
        for kind in ("Classifier", "Regressor")
    )
    differing = {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
    assert differing <= {"teacher"}  # a teacher of classes and one of values do differ
