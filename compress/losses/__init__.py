"""Distillation objectives as pure functions: tensors in, scalar out."""

from compress.losses._hints import hint_loss
from compress.losses._logits import logit_matching_loss, probability_matching_loss, squared_error
from compress.losses._ranking import (
    bpr_loss,
    discrepancy_weights,
    listnet_loss,
    listwise_rank_loss,
    pairwise_rank_loss,
    pointwise_rank_loss,
    position_weights,
    tang_wang_loss,
)
from compress.losses._rocket import HINTS, hidden_hint_loss, rocket_hint_loss
from compress.losses._soft_targets import distillation_loss, hard_label_loss, soft_cross_entropy, soft_target_loss

__all__ = [
    "HINTS",
    "bpr_loss",
    "discrepancy_weights",
    "distillation_loss",
    "soft_cross_entropy",
    "hard_label_loss",
    "hidden_hint_loss",
    "hint_loss",
    "listnet_loss",
    "listwise_rank_loss",
    "logit_matching_loss",
    "pairwise_rank_loss",
    "pointwise_rank_loss",
    "position_weights",
    "probability_matching_loss",
    "rocket_hint_loss",
    "soft_target_loss",
    "squared_error",
    "tang_wang_loss",
]
