"""Distillation objectives as pure functions: tensors in, scalar out."""

from compress.losses._logits import logit_matching_loss, probability_matching_loss, squared_error
from compress.losses._soft_targets import (
    distillation_loss,
    distribution_loss,
    hard_label_loss,
    soft_target_loss,
)

__all__ = [
    "distillation_loss",
    "distribution_loss",
    "hard_label_loss",
    "logit_matching_loss",
    "probability_matching_loss",
    "soft_target_loss",
    "squared_error",
]
