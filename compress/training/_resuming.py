"""Between the loop and its checkpoints: what is written after a step, and how a training is put back there."""

from __future__ import annotations

import torch
from torch import nn

from compress.training._checkpoint import Position, Saver, digest_of
from compress.training._parts import PartedRows
from compress.training._steps import Task

__all__ = ["facts_of", "resumed", "saving"]


def facts_of(task: Task, tensors, seed: int, schedule: str, max_epochs: int) -> dict:
    """What a training and the one that goes on with it have in common."""
    rows = tensors.head(1024) if isinstance(tensors, PartedRows) else tensors
    return {
        "the rows": digest_of(rows),
        "the number of rows": task.n_rows,
        "max_epochs": max_epochs,
        "batch_size": task.batch_size,
        "learning_rate": task.learning_rate,
        "schedule": schedule,
        "optimizer": task.optimizer,
        "weight_decay": task.weight_decay,
        "the seed": seed,
        "the shapes of the weights": [list(p.shape) for p in task.parameters],
    }


def saving(saver: Saver, module: nn.Module, steps, now: Position, kept: dict | None):
    """A function that writes a checkpoint after a step when one is due."""
    order = steps.table.order_state()
    cuda = steps.task.device.type == "cuda"

    def after_step(batches: int, total) -> None:
        if not saver.due():
            return
        now.batches, now.total, now.n_done = batches, float(total), steps.n_done
        parts = {
            "module": module.state_dict(),
            "optimizer": steps.state(),
            "kept": kept or {},
            "order": {"state": order},
            "random": {
                "cpu": torch.get_rng_state(),
                **({"cuda": torch.cuda.get_rng_state(steps.task.device)} if cuda else {}),
            },
        }
        saver.save(now, {f"{part}.{name}": t for part, named in parts.items() for name, t in named.items()})

    return after_step


def resumed(module: nn.Module, steps, at: Position, stored: dict) -> dict | None:
    """Put a training where a checkpoint left it; the weights to fall back to, if there are any."""
    parts: dict[str, dict] = {}
    for key, value in stored.items():
        part, name = key.split(".", 1)
        parts.setdefault(part, {})[name] = value
    module.load_state_dict(parts["module"])
    steps.restore(parts.get("optimizer", {}), at.n_done)
    steps.table.seek(at.epoch, parts["order"]["state"])
    torch.set_rng_state(parts["random"]["cpu"])
    if "cuda" in parts["random"] and steps.task.device.type == "cuda":
        torch.cuda.set_rng_state(parts["random"]["cuda"], steps.task.device)
    return parts.get("kept")
