"""From what `fit` gets to what a student learns from: rows, targets and weights, and the rows that are held out."""

from __future__ import annotations

from compress.schema import LearningSet, Schema, as_schema, checked_table, hold_out, learning_weights
from compress.transfer import TransferSet

__all__ = ["held_out_rows", "learning_set"]


def learning_set(student, X, y, sample_weight, *, resumed_outputs: int | None = None, classes=None) -> LearningSet:
    """Return checked and encoded rows and targets; a resumed fit has the columns and classes of the last one.

    The student learns its schema, its classes and the number and names of its columns.

    Parameters
    ----------
    student : estimator with `_target`
        The student; `_target` says what `y` means, see `compress.students._targets`.
    X, y, sample_weight
        As in `fit` of a student; but a transfer set is in memory.
    resumed_outputs : int, optional
        The number of outputs of the fit that is resumed; None for a new fit.
    classes : array of shape (n_classes,), optional
        All classes, where the caller knows them.
    """
    resume = resumed_outputs is not None
    transfer = X if isinstance(X, TransferSet) else None
    if transfer is not None and y is not None:
        raise ValueError("y must be None when X is a TransferSet, which carries the teacher's targets.")
    if transfer is None and y is None:
        raise ValueError(
            f"{type(student).__name__} requires y to be passed, but the target y is None. "
            "Pass labels, soft labels of shape (n_rows, n_classes), or a TransferSet in place of X."
        )
    table = checked_table(student, X if transfer is None else transfer.X, reset=not resume)
    classes = getattr(student, "classes_", None) if resume else classes
    if transfer is None:
        targets, weight, facts = student._target.of_labels(y, table, sample_weight, classes)
    else:
        targets, facts = student._target.of_answers(transfer, transfer.targets, classes)
        weight = learning_weights(transfer.sample_weight if sample_weight is None else sample_weight, table)
    if resume and "outputs_2d_" in facts and targets.shape[1] != resumed_outputs:
        raise ValueError(
            f"y must have as many outputs as the net that learns on, {resumed_outputs}, "
            f"got {targets.shape[1]}. Use warm_start=False to begin anew."
        )
    vars(student).update(facts)
    if not resume:
        student.schema_ = as_schema(_given_schema(student, transfer), table)
    return LearningSet(student.schema_.encode(table, unseen="missing"), targets, weight)


def held_out_rows(student, data: LearningSet, X_val, y_val, rng) -> tuple[LearningSet, LearningSet | None]:
    """Return the rows to learn from, and the rows that early stopping looks at or None.

    Parameters
    ----------
    student : estimator with `_target`, `early_stopping` and `validation_fraction`
        The student, after `learning_set`.
    data : LearningSet
        The rows of `fit`.
    X_val, y_val
        As in `fit` of a student.
    rng : RandomState
        The generator that gives the seed of the split.
    """
    known = getattr(student, "classes_", None)

    def validation() -> LearningSet:
        table = checked_table(student, X_val, reset=False)
        targets = student._target.of_validation(y_val, len(table), data.targets.shape[1], known)
        return LearningSet(student.schema_.encode(table, unseen="missing"), targets)

    return hold_out(
        data,
        student.early_stopping,
        student.validation_fraction,
        rng,
        validation=None if X_val is None else validation,
        labels=None if known is None else data.targets.argmax(axis=1),
    )


def _given_schema(student, transfer: TransferSet | None) -> Schema | dict | None:
    own = getattr(student, "schema", None)
    return transfer.schema if transfer is not None and own is None else own
