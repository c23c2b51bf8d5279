"""Compress tabular ensembles into small students, neural nets or trees: teacher, MUNGE, transfer set, student.

Names are imported when they are first used: generating rows does not need torch, and workers that fit trees
do not wait for it.
"""

import sys
from importlib import import_module

from compress._version import __version__

if sys.version_info < (3, 11):  # noqa: UP036, pip refuses it, but a clone may be on the path of an older one
    raise ImportError(
        f"compress needs Python 3.11 or later, but {sys.executable} is Python {'%d.%d' % sys.version_info[:2]}. "  # noqa: UP031
        "Make an environment with a later one, for instance by `python3.11 -m venv .venv`."
    )

_HOME = {
    "Budget": "compress.search",
    "CompressedClassifier": "compress.compressor",
    "CompressedRegressor": "compress.compressor",
    "MUNGE": "compress.generators",
    "EnsembleTeacherClassifier": "compress.teachers",
    "EnsembleTeacherRegressor": "compress.teachers",
    "StudentClassifier": "compress.students",
    "StudentRegressor": "compress.students",
    "TransferSet": "compress.transfer",
    "TreeStudentClassifier": "compress.students",
    "TreeStudentRegressor": "compress.students",
    "load_predictor": "compress.export",
    "load_student": "compress.students",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'compress' has no attribute {name!r}; it has {', '.join(__all__)}.")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})
