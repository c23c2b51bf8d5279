"""Measures: how good a model is, how near to its teacher, how large, how fast; and how far long work has come."""

from compress.evaluation._difference import Difference, rmse_difference
from compress.evaluation._progress import Progress, duration, progress, say
from compress.evaluation._quality import (
    Latency,
    calibration_error,
    classification_metrics,
    fidelity,
    latency,
    regression_metrics,
    rmse,
    row_errors,
    size_bytes,
    squared_errors,
)

__all__ = [
    "Difference",
    "Latency",
    "Progress",
    "calibration_error",
    "classification_metrics",
    "duration",
    "fidelity",
    "latency",
    "progress",
    "regression_metrics",
    "rmse",
    "rmse_difference",
    "row_errors",
    "say",
    "size_bytes",
    "squared_errors",
]
