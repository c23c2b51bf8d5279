"""Students that are alike, each on rows of its own, trained at once: what the trials of a search are.

A small net leaves a GPU idle between its steps: several that learn at once take about as many launches as one. A
core of a CPU gains little (1.7 times with 16 columns, nothing with 100), and several cores gain more from fits in
parallel; so there they are fitted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from joblib import Parallel, delayed
from sklearn.utils import check_random_state

from compress._random import draw_seed
from compress.students._base import BaseStudent
from compress.students._classifier import StudentClassifier
from compress.students._regressor import StudentRegressor
from compress.students._teach import SMALL_NET, rows_to_learn
from compress.training import resolve_device, train_together
from compress.transfer import TransferSet

__all__ = ["fit_together", "fits_at_once"]

AT_ONCE_ON = ("cuda",)  # types of devices
LARGEST_TOGETHER = 2**30  # bytes of all rows
ALONE = {"early_stopping": True, "mixed_precision": True, "warm_start": True}  # what needs a training of its own


def fits_at_once(student) -> bool:
    """Return whether students of this kind are fitted all at once: nets on a GPU.

    Parameters
    ----------
    student : StudentClassifier, StudentRegressor, or their trees
        The student.

    Examples
    --------
    >>> from compress import StudentClassifier
    >>> from compress.students import fits_at_once
    >>> fits_at_once(StudentClassifier(device="cpu"))
    False
    """
    return isinstance(student, BaseStudent) and resolve_device(student.device).type in AT_ONCE_ON


def fit_together(students: Sequence, sets: Sequence[TransferSet], *, n_jobs: int | None = None) -> list:
    """Fit each student to a transfer set of its own, as `fit` would, on a GPU all at once where they are alike.

    Alike are nets that differ in `random_state` alone, with transfer sets of equal size and columns. Results agree with
    those of `fit` up to the order of the batches, which is that of the first student. Other students are fitted one by
    one.

    Parameters
    ----------
    students : sequence of StudentClassifier or StudentRegressor
        The students, not fitted.
    sets : sequence of TransferSet
        What each learns from.
    n_jobs : int, optional
        The number of parallel fits where they are not at once, as in joblib.

    Returns
    -------
    list
        The fitted students, in order; those given may be left as they were.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier, TransferSet
    >>> from compress.students import fit_together
    >>> X = np.eye(4)
    >>> targets = np.array([[0.2, 0.8], [0.6, 0.4]] * 2)
    >>> data = TransferSet(X, targets, "probabilities", classes=np.array(["no", "yes"]))
    >>> alike = [StudentClassifier((4,), max_epochs=1, random_state=seed) for seed in (0, 1)]
    >>> students = fit_together(alike, [data, data])
    >>> [student.n_parameters_ for student in students]
    [25, 25]
    """
    if not fits_at_once(students[0]) or not _of_one_kind(students, sets):
        return _one_by_one(students, sets, n_jobs)
    seeds, rows = [], []
    for student, data in zip(students, sets):
        rng = check_random_state(student.random_state)
        rows.append(rows_to_learn(student, student._begun(data, rng)))
        seeds.append(draw_seed(rng))
    if not _of_one_shape(students, rows):
        return _one_by_one(students, sets, n_jobs)
    first, device = students[0], resolve_device(students[0].device)
    n_inputs = len(rows[0]) - 1 - (sets[0].sample_weight is not None)

    def loss(module, batch, clock):
        seen = batch[:n_inputs]
        return first.objective_.step_loss(module.learned_outputs(seen), *batch[n_inputs:], inputs=seen, clock=clock)

    steps = first.steps_for(len(sets[0]))
    results = train_together(
        [student.module_.to(device) for student in students],
        tuple(torch.stack(tensors, dim=1) for tensors in zip(*rows)),
        loss,
        max_epochs=steps.max_epochs,
        batch_size=steps.batch_size,
        learning_rates=steps.learning_rate,
        weight_decays=first.weight_decay,
        schedule=first.schedule,
        own_rows=True,
        seed=seeds[0],
        device=device,
        description="students",
    )
    for student, result in zip(students, results):
        student.module_ = student.module_.to("cpu")
        student._trained(result)
    return list(students)


def _of_one_kind(students, sets) -> bool:
    """Whether parameters and sizes allow a common training."""
    if len(students) < 2 or type(students[0]) not in (StudentClassifier, StudentRegressor):
        return False
    first = students[0].get_params(deep=False)
    return (
        all(type(other) is type(students[0]) for other in students[1:])
        and all(_but_seed(other.get_params(deep=False)) == _but_seed(first) for other in students[1:])
        and not any(first[name] is value for name, value in ALONE.items())
        and not (len(first["callbacks"]) or first["verbose"])
        and len({(len(data), data.kind, data.sample_weight is None) for data in sets}) == 1
    )


def _of_one_shape(students, rows) -> bool:
    """Whether nets and rows, once made, can be stacked."""
    nets = [[(name, tuple(value.shape)) for name, value in s.module_.state_dict().items()] for s in students]
    kinds = [[(tuple(tensor.shape), tensor.dtype) for tensor in own] for own in rows]
    n_bytes = sum(tensor.numel() * tensor.element_size() for own in rows for tensor in own)
    small = students[0].n_parameters_ < SMALL_NET and n_bytes <= LARGEST_TOGETHER
    return small and all(net == nets[0] for net in nets) and all(kind == kinds[0] for kind in kinds)


def _but_seed(parameters: dict) -> str:
    return repr({name: value for name, value in parameters.items() if name != "random_state"})


def _one_by_one(students, sets, n_jobs: int | None) -> list:
    return Parallel(n_jobs=n_jobs)(delayed(student.fit)(data) for student, data in zip(students, sets))
