"""The one training loop: batches, optimiser, schedule, early stopping, history, progress.

Every student is trained here, whatever its objective: the caller hands over a function that turns a
batch and the clock into a scalar loss, so that temperatures and weights may follow a schedule, and
calls `train` once per stage where a method has several.
"""

from compress.training._augment import RandomShift
from compress.training._environment import isolated_rng, resolve_device, single_thread
from compress.training._gradient_noise import gradient_noise
from compress.training._loop import PATIENCE, TrainingResult, train
from compress.training._schedules import LEARNING_RATE_SCHEDULES, Schedule, check_range, value_at
from compress.training._steps import OPTIMIZERS, Clock

__all__ = [
    "OPTIMIZERS",
    "LEARNING_RATE_SCHEDULES",
    "PATIENCE",
    "Clock",
    "RandomShift",
    "Schedule",
    "TrainingResult",
    "check_range",
    "gradient_noise",
    "isolated_rng",
    "resolve_device",
    "single_thread",
    "train",
    "value_at",
]
