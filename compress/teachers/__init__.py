"""Teachers: ensembles of tree models, fitting any teacher, and one interface to its outputs."""

from compress.teachers._capabilities import check_teacher, is_fitted, known_classes, tags_of, task_of
from compress.teachers._columns import column_names, in_teachers_order, matching_columns
from compress.teachers._ensemble import EnsembleTeacherClassifier, EnsembleTeacherRegressor
from compress.teachers._fitting import check_classes, default_teacher, fit_teacher, selects_on_held_out, teacher_kind
from compress.teachers._library import default_library
from compress.teachers._members import one_thread
from compress.teachers._outputs import (
    SMALLEST_PROBABILITY,
    answered_classes,
    clipped_logits,
    probability_columns,
    teacher_outputs,
)
from compress.teachers._selection import Selection, Step, ensemble_selection, model_scores, prune_weights

__all__ = [
    "EnsembleTeacherClassifier",
    "EnsembleTeacherRegressor",
    "Selection",
    "Step",
    "answered_classes",
    "check_classes",
    "SMALLEST_PROBABILITY",
    "check_teacher",
    "clipped_logits",
    "column_names",
    "default_library",
    "default_teacher",
    "ensemble_selection",
    "fit_teacher",
    "in_teachers_order",
    "is_fitted",
    "known_classes",
    "matching_columns",
    "model_scores",
    "one_thread",
    "probability_columns",
    "prune_weights",
    "selects_on_held_out",
    "tags_of",
    "task_of",
    "teacher_kind",
    "teacher_outputs",
]
