"""The loss of one batch of Rocket Launching, and the copies and logits that its stages need."""

from __future__ import annotations

import copy

import numpy as np
import torch

from compress.losses import rocket_hint_loss, soft_cross_entropy
from compress.training import value_at

__all__ = ["all_logits", "rocket_loss", "unshare"]


def rocket_loss(settings, net, objective, *, booster_learns: bool = True):
    """Return the loss of a batch, `loss(blocks, labels, weight, teacher, clock)`.

    Parameters
    ----------
    settings : RocketClassifier
        The estimator with the parameters.
    net : mapping of str to module
        The two nets, "light" and "booster".
    objective : compress.students.Objective
        The objective, which makes logits of outputs.
    booster_learns : bool, default=True
        Whether the booster is trained; with False only its fixed logits are used.
    """
    light, booster = net["light"], net["booster"]
    bottom = settings.sharing == "bottom" and settings.share and booster_learns
    noisy = settings.batch_norm or settings.dropout > 0
    quiet = noisy and (settings.hint_eval_mode or not booster_learns)
    as_logits = objective.logits

    def loss(blocks, labels, weight, teacher, clock):
        if bottom:
            shared = light.shared(*blocks)
            l_out = light.from_lower(shared if settings.light_trains_shared else shared.detach())

            def run_booster():
                return booster.from_lower(shared)
        else:
            l_out = light(*blocks)

            def run_booster():
                return booster(*blocks)

        total = soft_cross_entropy(as_logits(l_out), labels, sample_weight=weight)
        z_out = None
        if booster_learns:
            z_out = run_booster()
            total = total + soft_cross_entropy(as_logits(z_out), labels, sample_weight=weight)
        strength = value_at(settings.hint_weight, clock.progress)
        if strength > 0:
            block = settings.gradient_block or not booster_learns
            if quiet or z_out is None:
                booster.eval()
                with torch.set_grad_enabled(not block):
                    z_out = run_booster()
                booster.train()
            elif block:
                z_out = z_out.detach()
            total = total + strength * rocket_hint_loss(
                as_logits(l_out),
                as_logits(z_out),
                form=settings.hint,
                temperature=settings.hint_temperature,
                sample_weight=weight,
            )
        if teacher is not None and settings.teacher_weight > 0:
            total = total + settings.teacher_weight * rocket_hint_loss(
                as_logits(l_out),
                teacher,
                form="soft_targets",
                temperature=settings.hint_temperature,
                sample_weight=weight,
            )
        return total

    return loss


def unshare(light) -> None:
    """Give the light net a copy of what it shares, so that the booster does not change."""
    for name in ("inputs", "lower", "into", "blocks"):
        if hasattr(light, name):
            setattr(light, name, copy.deepcopy(getattr(light, name)))


def all_logits(branch, blocks, objective, device, rows: int = 8192) -> np.ndarray:
    """Return the logits of a branch in eval mode, float32 of shape (n_rows, n_classes)."""
    branch.eval()
    with torch.no_grad():
        parts = [
            objective.logits(branch(*(b[i : i + rows].to(device) for b in blocks))).cpu()
            for i in range(0, len(blocks[0]), rows)
        ]
    return torch.cat(parts).numpy()
