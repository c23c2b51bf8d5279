"""The parts of a compressor: teacher, generator and student, checked and made before any long work begins."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

from compress._random import draw_seed, seed_unset
from compress.compressor._task import Rows, Task
from compress.schema import as_schema, class_codes, take
from compress.search import CHOICES, candidates_of, check_budget, shape_costs, within
from compress.students import BaseStudent, TreeStudent
from compress.teachers import (
    answered_classes,
    check_classes,
    clipped_logits,
    default_teacher,
    fit_teacher,
    is_fitted,
    selects_on_held_out,
    teacher_kind,
    teacher_outputs,
)
from compress.transfer import TransferSet, check_can_refit, remembering

__all__ = [
    "asked_through",
    "check_generator",
    "checked_teacher",
    "competing_students",
    "costs_of_shapes",
    "fitted_again",
    "fitted_teacher",
    "handed_down",
    "judged_by",
    "new_student",
    "true_targets",
    "untaught",
]


def checked_teacher(settings, task: Task):
    """Return the teacher of a compressor, fitted or not; the default one for None.

    Raises
    ------
    ValueError
        A fitted teacher lacks a class of `y`, or cannot be fitted again where clones of it are needed.
    """
    teacher = settings.teacher
    if teacher is None:
        teacher = default_teacher(task.name, task.n_outputs, settings.schema, settings.n_jobs, settings.verbose)
    if is_fitted(teacher, task.rows.X) and task.name == "classification":
        check_classes(teacher, task.rows.y)
    if settings.original_labels == "out_of_fold" or settings.labels_from != "teacher":
        check_can_refit(teacher)
    return teacher


def check_generator(generator) -> None:
    """Raise a TypeError for anything but None or a generator."""
    if generator is not None and not (hasattr(generator, "fit") and hasattr(generator, "sample")):
        raise TypeError(f"generator must have fit and sample, as those of compress.generators, got {generator!r}.")


def judged_by(teacher, held: Rows, task_name: str):
    """Return true labels of the validation rows, or the teacher's outputs where there are none."""
    return held.y if held.y is not None else teacher_outputs(teacher, held.X, teacher_kind(task_name, "soft"))


def new_student(settings, task_name: str, default, rng):
    """Return the student of a compressor, not fitted, with its seeds; a `default` where one is to be chosen."""
    made_for = is_classifier if task_name == "classification" else is_regressor
    given = settings.student
    if isinstance(given, str):
        if given not in CHOICES:
            raise ValueError(f"student must be an estimator or one of {CHOICES}, got {given!r}. The default is 'auto'.")
        given = default(verbose=settings.verbose, schema=settings.schema)
    elif not (isinstance(given, (BaseStudent, TreeStudent)) and made_for(given)):
        raise TypeError(
            f"student must be a {default.__name__}, a Tree{default.__name__} or one of {CHOICES}, got {given!r}. "
            f"It learns from the teacher; a model to compress is the teacher."
        )
    student = clone(given)
    if settings.labels == "logits":
        student.set_params(objective="logits")
    seed_unset(student, rng)
    return student


def handed_down(part, **settings):
    """Return a part with those settings of the whole that it has and has left at None."""
    known = part.get_params(deep=False)
    missing = {name: value for name, value in settings.items() if name in known and known[name] is None}
    return part.set_params(**missing) if missing else part


def fitted_teacher(teacher, rows: Rows, held: Rows | None, rng):
    """Return a fitted teacher as it is, and a fitted clone of another one."""
    if is_fitted(teacher, rows.X):
        return teacher
    return fit_teacher(teacher, rows.X, rows.y, rows.weight, None if held is None else (held.X, held.y), rng)


def fitted_again(teacher, fitted, rows: Rows, rng):
    """Return the teacher fitted on all rows, after some were held out for choices; what it selected stays."""
    if selects_on_held_out(fitted):
        return fitted.refitted(rows.X, rows.y, rows.weight) if fitted.refit else fitted
    return fitted_teacher(teacher, rows, None, rng)


def costs_of_shapes(settings, task: Task, teacher, student) -> list[dict]:
    """Return what each shape of the budget costs, which is known before any training.

    Raises
    ------
    ValueError
        No shape is within the budget.
    """
    if not hasattr(student, "hidden_layer_sizes"):
        raise ValueError(
            f"budget searches the shape of a net, and {type(student).__name__} has none: pass student='trees', whose "
            "number is then cut to the budget, or budget=None."
        )
    costs = shape_costs(student, _priced_on(settings, task, teacher), settings.budget.shapes)
    check_budget(costs, settings.budget)
    return costs


def competing_students(settings, task: Task, teacher, rng) -> list:
    """Return the candidates of `student="auto"` or of one family, with their seeds.

    Raises
    ------
    ValueError
        No candidate is within the budget in bytes.
    """
    shared = {"schema": settings.schema, "random_state": draw_seed(rng)}
    if settings.labels == "logits":
        shared["objective"] = "logits"
    data = _priced_on(settings, task, teacher)
    return candidates_of(settings.student, task.name, data, settings.budget, **shared)


def untaught(student, rows: Rows, budget):
    """Return the same model fitted on the original rows alone; None where they have no labels.

    A net stops early, on rows of its own: it would overfit without that.
    """
    if rows.y is None:
        return None
    plain = clone(student)
    if hasattr(plain, "hidden_layer_sizes"):
        plain.set_params(early_stopping=True)
    return within(plain.fit(rows.X, rows.y, rows.weight), budget)


def _priced_on(settings, task: Task, teacher) -> TransferSet:
    """Return the real rows with targets of the right shape, by which sizes are counted."""
    n_outputs, classes, real, first = task.n_outputs, None, task.real, take(task.rows.X, slice(0, 1))
    if task.name == "classification":
        classes = task.classes
        if is_fitted(teacher, first):
            classes = answered_classes(teacher, first, classes)
        if classes is None:
            classes = np.arange(np.size(teacher_outputs(teacher, first, "probabilities")))
        n_outputs = len(classes)
    elif n_outputs is None:
        n_outputs = np.size(teacher_outputs(teacher, first, "values"))
    shape = len(real) if classes is None and n_outputs == 1 else (len(real), n_outputs)
    kind = "values" if classes is None else "probabilities"
    targets = np.full(shape, 0.0 if classes is None else 1 / n_outputs, dtype=np.float32)
    return TransferSet(real, targets, kind, classes, schema=as_schema(settings.schema, real))


def true_targets(teacher, rows: Rows, task: Task, labels: str) -> np.ndarray:
    """Return the labels `y` as targets of the original rows, of the kind that the teacher's answers have."""
    if task.name == "regression":
        return np.asarray(rows.y, dtype=np.float64)
    classes = answered_classes(teacher, rows.X, task.classes)
    hot = np.eye(len(classes), dtype=np.float32)[class_codes(rows.y, classes)]
    return clipped_logits(hot) if teacher_kind(task.name, labels) == "logits" else hot


def asked_through(cache, teacher, rows: Rows, task: Task):
    """Return a fitted teacher, or a stand-in whose answers are kept in the folder `cache`."""
    if cache is None or task.name == "regression":
        return remembering(teacher, cache)
    return remembering(teacher, cache, answered_classes(teacher, rows.X, task.classes))
