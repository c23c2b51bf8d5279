"""What Rocket Launching and the dual DNN share: two nets trained together on one labelled table.

`JointClassifier` turns the table into tensors, labels into one-hot rows, and calls the one training
loop; its subclasses say which nets there are and what a batch costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._random import draw_seed
from compress.distill._side import SideClassifier
from compress.losses import distribution_loss
from compress.nets import ACTIVATIONS
from compress.schema import (
    FieldEncoder,
    Schema,
    check_validation_pair,
    checked_table,
    classification_targets,
    learning_weights,
    split_rows,
)
from compress.students import SoftTargets
from compress.training import LEARNING_RATE_SCHEDULES, OPTIMIZERS, resolve_device, single_thread, train

__all__ = ["JointClassifier", "JointData"]


@dataclass
class JointData:
    """Rows as tensors: the encoder's blocks, targets (n_rows, n_classes), weights and teacher logits or None."""

    blocks: tuple[torch.Tensor, ...]
    targets: torch.Tensor
    weight: torch.Tensor | None = None
    teacher: torch.Tensor | None = None

    def take(self, rows) -> JointData:
        """The rows named by an index array."""
        rows = torch.as_tensor(rows)
        parts = {name: getattr(self, name) for name in ("targets", "weight", "teacher")}
        return replace(
            self,
            blocks=tuple(b[rows] for b in self.blocks),
            **{name: None if part is None else part[rows] for name, part in parts.items()},
        )


class JointClassifier(ClassifierMixin, BaseEstimator):
    """Base of `RocketClassifier` and `DualDNNClassifier`, whose docstrings say what the parameters are."""

    _parameter_constraints = {
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions(set(LEARNING_RATE_SCHEDULES))],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "schema": [Mapping, Schema, None],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the two nets, or the one that `only` names.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
        y : array
            Labels of shape (n_rows,), or soft labels of shape (n_rows, n_classes) whose rows sum to 1.
        sample_weight : array of shape (n_rows,), optional
        X_val, y_val : optional
            Validation rows; the weights of the epoch with the lowest log loss of the served net are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter out of its range; labels that do not fit.
        FloatingPointError
            The loss is not finite in the first epoch.
        """
        self._validate_params()
        name = type(self).__name__
        check_validation_pair(X_val, y_val)
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        self._check_settings()
        table = checked_table(self, X, reset=True)
        self.classes_, targets, _ = classification_targets(y, len(table), name)
        weight = learning_weights(sample_weight, table)
        self.encoder_ = FieldEncoder(self.schema, *self._multi_valued()).fit(table)
        self.objective_ = SoftTargets.for_targets(targets)
        rng = check_random_state(self.random_state)
        data = JointData(
            self.encoder_.encode(table),
            torch.from_numpy(targets),
            None if weight is None else torch.from_numpy(weight),
            self._teacher_logits(table),
        )
        held_out = None
        if X_val is not None and self.early_stopping is not False:
            table_val = checked_table(self, X_val, reset=False)
            _, targets_val, _ = classification_targets(y_val, len(table_val), name, self.classes_)
            held_out = JointData(self.encoder_.encode(table_val), torch.from_numpy(targets_val))
        elif self.early_stopping is True:
            rows, rows_val = split_rows(len(targets), self.validation_fraction, rng, targets.argmax(axis=1))
            data, held_out = data.take(rows), data.take(rows_val)
        self.history_ = []
        device = resolve_device(self.device)
        with single_thread(device.type == "cpu"):
            self._learn(data, held_out, rng, device)
        return self

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities of the served net, float64 of shape (n_rows, n_classes), columns as in `classes_`.

        Categories that were not there in training count as missing.
        """
        check_is_fitted(self, "classes_")
        return self._served().predict_proba(checked_table(self, X, reset=False))

    def predict(self, X) -> np.ndarray:
        """The most probable class of each row, of shape (n_rows,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    # ------------------------------------------------- what subclasses say
    def _check_settings(self) -> None:
        """Raise ValueError where parameters do not go together."""

    def _multi_valued(self) -> tuple:
        return ()

    def _teacher_logits(self, table):
        return None

    def _learn(self, data, held_out, rng, device) -> None:
        raise NotImplementedError

    def _served(self) -> SideClassifier:
        raise NotImplementedError

    def _rows_per_batch(self, n_rows: int) -> int:
        return self.batch_size

    # ------------------------------------------------------------ training
    def _run_stage(self, module, data, loss, rng, *, served, held_out, stage, parameters=None) -> None:
        """One call of the training loop; `loss(blocks, targets, weight, teacher, clock)` gives a scalar."""
        present = [t for t in (data.weight, data.teacher) if t is not None]
        k = len(data.blocks)

        def batch_loss(batch, clock):
            rest = list(batch[k + 1 :])
            weight = rest.pop(0) if data.weight is not None else None
            return loss(batch[:k], batch[k], weight, rest[0] if rest else None, clock)

        result = train(
            module,
            (*data.blocks, data.targets, *present),
            batch_loss,
            max_epochs=self.max_epochs,
            batch_size=self._rows_per_batch(len(data.targets)),
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            parameters=parameters,
            validate=None if held_out is None else self._validator(served, held_out, module),
            seed=draw_seed(rng),
            verbose=self.verbose,
            description=stage,
        )
        self.history_ += [{"stage": stage, **row} for row in result.history]
        self.best_epoch_, self.stopped_ = result.best_epoch, result.stopped

    def _validator(self, served, held_out: JointData, module):
        device = next(module.parameters()).device
        blocks, targets = tuple(b.to(device) for b in held_out.blocks), held_out.targets.to(device)
        return lambda: self.objective_.score(served(*blocks), targets)

    def _alone(self, net):
        """The loss of one net that learns from the labels only."""

        def loss(blocks, targets, weight, teacher, clock):
            return distribution_loss(self.objective_.logits(net(*blocks)), targets, sample_weight=weight)

        return loss

    def _keep_sides(self, nets) -> None:
        """Of the nets, by their names, the trained ones as `SideClassifier`s in attributes `<name>_`."""
        for name, net in nets.items():
            self.__dict__.pop(f"{name}_", None)
            if self.only in (None, name):
                side = SideClassifier(net.to("cpu").eval(), self.encoder_, self.objective_, self.classes_)
                setattr(self, f"{name}_", side)
        self.n_parameters_ = self._served().n_parameters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
