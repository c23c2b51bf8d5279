"""Measures: how good a model is, how near to its teacher, how large, how fast."""

from compress.evaluation._quality import (
    Latency,
    calibration_error,
    classification_metrics,
    fidelity,
    latency,
    regression_metrics,
    rmse,
    size_bytes,
    squared_errors,
)

__all__ = [
    "Latency",
    "calibration_error",
    "classification_metrics",
    "fidelity",
    "latency",
    "regression_metrics",
    "rmse",
    "size_bytes",
    "squared_errors",
]
