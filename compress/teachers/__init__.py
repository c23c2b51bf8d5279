"""Teachers: ensembles of tree models, and one interface to the outputs of any fitted estimator."""

from compress.teachers._ease import EASE
from compress.teachers._ensemble import EnsembleTeacherClassifier, EnsembleTeacherRegressor
from compress.teachers._library import default_library
from compress.teachers._outputs import check_teacher, is_fitted, task_of, teacher_outputs
from compress.teachers._selection import Selection, Step, ensemble_selection, model_scores, prune_weights

__all__ = [
    "EASE",
    "EnsembleTeacherClassifier",
    "EnsembleTeacherRegressor",
    "Selection",
    "Step",
    "check_teacher",
    "default_library",
    "ensemble_selection",
    "is_fitted",
    "model_scores",
    "prune_weights",
    "task_of",
    "teacher_outputs",
]
