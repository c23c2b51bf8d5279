"""What the losses share: checks of their arguments, float32 in place of half precision, the weighted mean over rows."""

from __future__ import annotations

import torch

__all__ = ["check_same_shape", "check_temperature", "mean_over_rows", "wide"]


def check_temperature(temperature: float) -> None:
    """Raise ValueError unless the temperature is positive."""
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}. Use 1.0 for plain soft targets.")


def check_same_shape(student: torch.Tensor, teacher: torch.Tensor) -> None:
    """Raise ValueError unless both have the same number of rows and columns."""
    if student.shape != teacher.shape:
        raise ValueError(
            "student and teacher must have the same number of rows and classes, "
            f"got {tuple(student.shape)} and {tuple(teacher.shape)}."
        )


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """Return half precision as float32, and float32 and float64 as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def mean_over_rows(rows: torch.Tensor, sample_weight) -> torch.Tensor:
    """Return the mean of one number per row, each multiplied by its weight where there are weights."""
    return rows.mean() if sample_weight is None else (rows * sample_weight).mean()
