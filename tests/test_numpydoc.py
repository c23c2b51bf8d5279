"""numpydoc's own checks of every public docstring, and an example for each name, or the reason why not.

`tests/test_docstrings.py` is stricter about parameters, and knows that a docstring may say "as in `fit`".
"""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
api_pages = importlib.import_module("api_pages")
numpydoc_validate = pytest.importorskip("numpydoc.validate")

EXCEPTIONS = {
    "SA01": "the page of the room lists what belongs together",
    "ES01": "where one sentence says it, there is no second",
    "EX01": "asked for below, of names and not of methods",
    "RT01": "a short docstring says in its first sentence what is returned",
    "RT03": "`self`, and a result that has a page of its own, need no description",
    "PR01": "'as in `fit`' is enough, see test_docstrings",
    "PR04": "'X, y : as in `fit`' has the types there",
}
# contexts, within which nothing is given
CONTEXTS = {"compress.report.one_thread", *(f"compress.training.{n}" for n in ("isolated_rng", "matmul_precision"))}
CONTEXTS.add("compress.training.single_thread")
# why a public name has no example of its own
WITHOUT_EXAMPLE = {
    "a base, whose subclasses have them": (
        "export.CompiledPredictor export.Predictor students.BaseStudent students.Objective "
        "students.TreeStudent transfer.PartedTransferSet"
    ),
    "a result, in the example of what returns it": (
        "export.Described export.Exported export.NetDescription export.TreeDescription schema.EncodedFields "
        "search.BudgetSearch search.MungeSearch search.Outcome search.StudentSearch search.Trial "
        "training.TrainingResult transfer.StoredRows trees.Growth trees.Tests trees.ensemble_from_bytes"
    ),
    "the other half of one that has": (
        "nets.StudentPath nets.TeacherPath schema.check_columns training.checked_saving"
    ),
    "raised, not made": "transfer.FolderLocked",
    "what a student's own method does": "export.net_predictor export.tree_predictor students.restored",
    "a part of RocketClassifier and DualDNNClassifier": (
        "nets.BlockBranch nets.Branch nets.bottom_branches nets.interval_branches nets.silence_body "
        "nets.silence_branches nets.silence_fields"
    ),
    "for readers of student files": "schema.check_schema schema.must schema.n_columns_of",
    "needs a file, which numba keeps its code beside": "schema.compiled",
}
EXCUSED = {f"compress.{name}" for names in WITHOUT_EXAMPLE.values() for name in names.split()}


def own_names(room):
    """(name, value) of the classes and functions of a room."""
    module = importlib.import_module(room)
    return [(n, getattr(module, n)) for n in api_pages.names_of(room) if not api_pages.is_constant(room, n)]


@pytest.mark.parametrize("room", api_pages.ROOMS)
def test_docstrings_are_valid_numpydoc(room):
    names = []
    for name, value in own_names(room):
        names.append(f"{room}.{name}")
        if inspect.isclass(value):
            names += [f"{room}.{name}.{method}" for method in api_pages.methods_of(value)]
    bad = {}
    for name in names:
        excused = {*EXCEPTIONS, "YD01"} if name in CONTEXTS else EXCEPTIONS
        bad[name] = [error for error in numpydoc_validate.validate(name)["errors"] if error[0] not in excused]
    assert {name: errors for name, errors in bad.items() if errors} == {}


@pytest.mark.parametrize("room", api_pages.ROOMS)
def test_names_have_an_example(room):
    missing = {f"{room}.{name}" for name, value in own_names(room) if ">>> " not in (value.__doc__ or "")}
    assert missing == {name for name in EXCUSED if name.rpartition(".")[0] == room}  # no more, and none by mistake
