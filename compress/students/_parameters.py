"""What a student is told: its parameters, their checks, and what follows from them alone."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from compress.nets import ACTIVATIONS
from compress.schema import Schema
from compress.training import LEARNING_RATE_SCHEDULES, auto_batch_size, auto_learning_rate, resolve_device

__all__ = ["StudentParameters"]

STEPS = 16_000  # aim of max_epochs="auto"


class StudentParameters(BaseEstimator):
    """The parameters of all students; see the docstrings of `StudentClassifier` and `StudentRegressor`."""

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions(set(LEARNING_RATE_SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "bottleneck": [Interval(Integral, 1, None, closed="left"), None],
        "n_frequencies": [Interval(Integral, 0, None, closed="left")],
        "frequency_scale": [Interval(Real, 0, None, closed="neither")],
        "max_one_hot": [Interval(Integral, 0, None, closed="left")],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "schema": [Mapping, Schema, None],
        "device": [str, torch.device],
        "mixed_precision": ["boolean"],
        "callbacks": ["array-like"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes,
        *,
        activation,
        max_epochs,
        batch_size,
        learning_rate,
        schedule,
        weight_decay,
        dropout,
        bottleneck,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        n_frequencies,
        frequency_scale,
        max_one_hot,
        embedding_size,
        warm_start,
        schema,
        device,
        mixed_precision,
        callbacks,
        verbose,
        random_state,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.bottleneck = bottleneck
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_frequencies = n_frequencies
        self.frequency_scale = frequency_scale
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.warm_start = warm_start
        self.schema = schema
        self.device = device
        self.mixed_precision = mixed_precision
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _check_parameters(self) -> None:
        self._validate_params()
        resolve_device(self.device)
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.ndim > 1 or (sizes.size and (sizes.dtype.kind not in "iu" or sizes.min() < 1)):
            raise ValueError(
                f"hidden_layer_sizes must be positive integers, one per hidden layer, got {self.hidden_layer_sizes!r}."
            )
        if self.bottleneck is not None and not sizes.size:
            raise ValueError(f"bottleneck={self.bottleneck} needs a hidden layer, but hidden_layer_sizes is empty.")

    def _sizes(self) -> list[int]:
        return np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=int)).tolist()

    def _same_net(self) -> bool:
        """Whether the parameters still describe the net and the unit of its outputs, so that it can learn on."""
        return self._net_parameters() == self._built

    def _net_parameters(self) -> tuple:
        objective = getattr(self, "objective", None)
        return (tuple(self._sizes()), self.activation, self.bottleneck, self.n_frequencies, objective)

    def _budget(self, n_rows: int) -> tuple[int, int]:
        # as many passes on a GPU, whose batches are larger, as on a CPU
        batch_size = self.batch_size
        on_cpu = auto_batch_size(n_rows, torch.device("cpu")) if batch_size == "auto" else batch_size
        max_epochs = self.max_epochs
        if max_epochs == "auto":
            max_epochs = int(np.clip(STEPS * on_cpu / n_rows, 10, 200))
        if batch_size == "auto":
            batch_size = auto_batch_size(n_rows, resolve_device(self.device), max_epochs)
        return max_epochs, batch_size

    def _rate(self, n_rows: int, batch_size: int) -> float:
        """The learning rate at the start, which follows an automatic batch size."""
        if self.batch_size != "auto":
            return self.learning_rate
        return auto_learning_rate(self.learning_rate, n_rows, batch_size)
