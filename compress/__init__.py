"""Compress tabular ensembles into small neural nets: teacher, MUNGE, transfer set, student."""

from compress._version import __version__
from compress.generators import MUNGE
from compress.persistence import load_student
from compress.students import StudentClassifier, StudentRegressor
from compress.teachers import EnsembleTeacherClassifier, EnsembleTeacherRegressor
from compress.transfer import TransferSet

__all__ = [
    "MUNGE",
    "EnsembleTeacherClassifier",
    "EnsembleTeacherRegressor",
    "StudentClassifier",
    "StudentRegressor",
    "TransferSet",
    "__version__",
    "load_student",
]
