"""One run of the training loop for a student: its tensors, its loss, its validation score."""

from __future__ import annotations

from typing import NamedTuple

import torch

from compress._random import draw_seed
from compress.schema import LearningSet
from compress.students._parted import PartsToLearn
from compress.training import TrainingResult, resolve_device, single_thread, train

__all__ = ["SMALL_NET", "Steps", "rows_to_learn", "teach"]

SMALL_NET = 200_000  # parameters; below, one CPU thread is faster than several


class Steps(NamedTuple):
    """The length of a training, and its steps.

    Parameters
    ----------
    max_epochs : int
        The number of passes over the rows.
    batch_size : int
        The number of rows per step.
    learning_rate : float
        The learning rate at the start.
    """

    max_epochs: int
    batch_size: int
    learning_rate: float


def teach(
    student,
    data: LearningSet | PartsToLearn,
    held_out: LearningSet | None,
    rng,
    steps: Steps,
    schedule: str,
    *,
    checkpoint=None,
    resume_from=None,
) -> TrainingResult:
    """Train the net of a student in place, under its objective; afterwards it is on the CPU.

    Parameters
    ----------
    student : BaseStudent
        The student, with `module_`, `objective_` and `schema_`.
    data, held_out : LearningSet, or parts to learn from
        The rows to learn from, and the rows that early stopping looks at or None.
    rng : RandomState
        The generator that gives the seed of the batches and of dropout.
    steps : Steps
        The result of `student.steps_for`.
    schedule : {"constant", "cosine", "linear"}
        How the learning rate changes from step to step.
    checkpoint, resume_from
        As in `compress.training.train`.
    """
    device = resolve_device(student.device)
    module, objective = student.module_.to(device), student.objective_
    if isinstance(data, PartsToLearn):
        rows = data.rows(student)
        k = len(rows.head(1)) - 1
    else:
        rows = rows_to_learn(student, data)
        k = len(rows) - 1 - (data.weight is not None)

    def loss(batch, clock):
        seen = student.augmented(batch[:k])
        return objective.step_loss(module.learned_outputs(seen), *batch[k:], inputs=seen, clock=clock)

    with single_thread(device.type == "cpu" and student.n_parameters_ < SMALL_NET):
        result = train(
            module,
            rows,
            loss,
            **steps._asdict(),
            schedule=schedule,
            weight_decay=student.weight_decay,
            **student._training_options(rows, loss, steps.batch_size),
            validate=None if held_out is None else _validator(student, module, held_out, device),
            patience=student._patience(),
            seed=draw_seed(rng),
            device=device,
            mixed_precision=student.mixed_precision,
            callbacks=student.callbacks,
            checkpoint=checkpoint,
            resume_from=resume_from,
            verbose=student.verbose,
            description="student",
        )
    student.module_ = module.to("cpu")
    return result


def rows_to_learn(student, data: LearningSet) -> tuple[torch.Tensor, ...]:
    """Return the inputs of the net, the targets in the unit in which it learns, and the weights where there are any.

    Parameters
    ----------
    student : BaseStudent
        The student, with `module_` and `objective_`.
    data : LearningSet
        The rows.
    """
    rows = (*student.net_inputs(data), torch.from_numpy(student.objective_.training_targets(data.targets)))
    return rows if data.weight is None else (*rows, torch.from_numpy(data.weight))


def _validator(student, module, held_out: LearningSet, device):
    """Return the score of the held-out rows: of values in the unit in which the net learns, else of plain targets."""
    objective = student.objective_
    values = objective.output_activation == "identity"
    inputs = tuple(tensor.to(device) for tensor in student.net_inputs(held_out))
    target = objective.training_targets(held_out.targets) if values else held_out.targets
    target = torch.from_numpy(target).to(device)
    weight = () if held_out.weight is None else (torch.from_numpy(held_out.weight).to(device),)
    scale, mean = (1, 0) if values else (module.output_scale, module.output_mean)
    return lambda: objective.score(module.learned_outputs(inputs) * scale + mean, target, *weight)
