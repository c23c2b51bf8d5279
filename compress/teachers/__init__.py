"""Teachers: ensembles of tree models, fitting any teacher, and one interface to its outputs."""

from compress.teachers._ensemble import EnsembleTeacherClassifier, EnsembleTeacherRegressor
from compress.teachers._fitting import check_classes, default_teacher, fit_teacher, selects_on_held_out, teacher_kind
from compress.teachers._library import default_library
from compress.teachers._names import column_categories, feature_names, first_estimator
from compress.teachers._outputs import (
    SMALLEST_PROBABILITY,
    check_teacher,
    clipped_logits,
    is_fitted,
    task_of,
    teacher_outputs,
)
from compress.teachers._selection import Selection, Step, ensemble_selection, model_scores, prune_weights

__all__ = [
    "EnsembleTeacherClassifier",
    "EnsembleTeacherRegressor",
    "Selection",
    "Step",
    "check_classes",
    "SMALLEST_PROBABILITY",
    "check_teacher",
    "clipped_logits",
    "column_categories",
    "default_library",
    "default_teacher",
    "ensemble_selection",
    "feature_names",
    "first_estimator",
    "fit_teacher",
    "is_fitted",
    "model_scores",
    "prune_weights",
    "selects_on_held_out",
    "task_of",
    "teacher_kind",
    "teacher_outputs",
]
