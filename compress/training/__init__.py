"""The one training loop: batches, optimiser, schedule, early stopping, history, progress; on a CPU or a GPU.

Every student is trained here, whatever its objective: the caller hands over a function that turns a
batch and the clock into a scalar loss, so that temperatures and weights may follow a schedule, and
calls `train` once per stage where a method has several.
"""

from compress.training._augment import RandomShift, captured
from compress.training._batch_rule import auto_batch_size, auto_learning_rate
from compress.training._checkpoint import Checkpoint, checked_saving
from compress.training._clock import Clock
from compress.training._environment import isolated_rng, matmul_precision, resolve_device, single_thread
from compress.training._gradient_noise import gradient_noise
from compress.training._loop import PATIENCE, StopTraining, TrainingResult, train
from compress.training._outputs import outputs_of
from compress.training._parts import PartedRows
from compress.training._schedules import LEARNING_RATE_SCHEDULES, Schedule, check_range, value_at
from compress.training._steps import OPTIMIZERS
from compress.training._table import fits_on
from compress.training._together import train_together

__all__ = [
    "OPTIMIZERS",
    "LEARNING_RATE_SCHEDULES",
    "PATIENCE",
    "Checkpoint",
    "Clock",
    "PartedRows",
    "RandomShift",
    "Schedule",
    "StopTraining",
    "TrainingResult",
    "checked_saving",
    "auto_batch_size",
    "auto_learning_rate",
    "captured",
    "check_range",
    "fits_on",
    "gradient_noise",
    "isolated_rng",
    "matmul_precision",
    "outputs_of",
    "resolve_device",
    "single_thread",
    "train",
    "train_together",
    "value_at",
]
