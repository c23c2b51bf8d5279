"""What Rocket Launching and the dual DNN share: two nets trained together on one labelled table.

`JointClassifier` turns the table into a `LearningSet`, as students do, and calls the one training loop; its
subclasses define the nets and the loss of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._random import draw_seed
from compress.distill._side import SideClassifier
from compress.losses import soft_cross_entropy
from compress.nets import ACTIVATIONS
from compress.schema import (
    FieldEncoder,
    LearningSet,
    Schema,
    check_validation_pair,
    checked_table,
    classification_targets,
    hold_out,
    learning_weights,
)
from compress.students import SoftTargets
from compress.training import LEARNING_RATE_SCHEDULES, OPTIMIZERS, PATIENCE, resolve_device, single_thread, train

__all__ = ["JointClassifier"]


class JointClassifier(ClassifierMixin, BaseEstimator):
    """Base of `RocketClassifier` and `DualDNNClassifier`, whose docstrings explain the parameters.

    A subclass has `_learn`, which makes and trains the nets, and `_predicting`, the one that predicts; it may have
    `_check_settings`, `_multi_valued`, `_teacher_logits` and `_rows_per_batch`.
    """

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
            The rows to learn from.
        y : array of shape (n_rows,) or (n_rows, n_classes)
            The labels, or soft labels whose rows sum to 1.
        sample_weight : array of shape (n_rows,), optional
            Non-negative weights of the rows in all losses.
        X_val, y_val : table and array, optional
            Validation rows and their labels; the weights of the epoch with the lowest log loss of the net that predicts
            are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter is out of its range, or the labels do not fit.
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
        self.classes_, labels, _ = classification_targets(y, len(table), name)
        weight = learning_weights(sample_weight, table)
        self.encoder_ = FieldEncoder(self.schema, *self._multi_valued()).fit(table)
        self.objective_ = SoftTargets.for_targets(labels)
        rng = check_random_state(self.random_state)
        logits = self._teacher_logits(table)
        targets = labels if logits is None else np.hstack([labels, logits])
        data = LearningSet(self.encoder_.encode(table), targets, weight)

        def validation() -> LearningSet:
            rows = checked_table(self, X_val, reset=False)
            own = classification_targets(y_val, len(rows), name, self.classes_)[1]
            return LearningSet(self.encoder_.encode(rows), own)

        data, held_out = hold_out(
            data,
            self.early_stopping,
            self.validation_fraction,
            rng,
            validation=None if X_val is None else validation,
            labels=labels.argmax(axis=1),
        )
        self.history_ = []
        device = resolve_device(self.device)
        with single_thread(device.type == "cpu"):
            self._learn(data, held_out, rng, device)
        return self

    def predict_proba(self, X) -> np.ndarray:
        """Predict class probabilities; categories that were not there in training count as missing.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows, n_classes)
            The probabilities, with columns as in `classes_`.
        """
        check_is_fitted(self, "classes_")
        return self._predicting().predict_proba(checked_table(self, X, reset=False))

    def predict(self, X) -> np.ndarray:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        array of shape (n_rows,)
            The classes.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    # ------------------------------------------------- what subclasses say
    def _check_settings(self) -> None:
        """Raise ValueError where parameters do not go together."""

    def _multi_valued(self) -> tuple:
        return ()

    def _teacher_logits(self, table) -> np.ndarray | None:
        return None

    def _rows_per_batch(self, n_rows: int) -> int:
        return self.batch_size

    # ------------------------------------------------------------ training
    def _blocks(self, data: LearningSet) -> tuple[torch.Tensor, ...]:
        """Return the inputs of the nets for the rows of `data`."""
        return tuple(torch.from_numpy(np.ascontiguousarray(block)) for block in data.encoded.blocks)

    def _run_stage(self, module, blocks, data: LearningSet, loss, rng, *, net, validate, stage, parameters=None):
        """Call the training loop once.

        `loss(blocks, labels, weight, teacher, clock)` returns a scalar; `teacher` are the logits that come after the
        labels in the targets, or None.
        """
        k, n_classes = len(blocks), len(self.classes_)
        weight = () if data.weight is None else (torch.from_numpy(data.weight),)

        def batch_loss(batch, clock):
            targets = batch[k]
            teacher = targets[:, n_classes:] if targets.shape[1] > n_classes else None
            return loss(batch[:k], targets[:, :n_classes], batch[k + 1] if weight else None, teacher, clock)

        result = train(
            module,
            (*blocks, torch.from_numpy(data.targets), *weight),
            batch_loss,
            max_epochs=self.max_epochs,
            batch_size=self._rows_per_batch(data.n_rows),
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            parameters=parameters,
            validate=None if validate is None else self._validator(net, *validate, module),
            patience=PATIENCE if self.early_stopping is True else None,
            seed=draw_seed(rng),
            verbose=self.verbose,
            description=stage,
        )
        self.history_ += [{"stage": stage, **row} for row in result.history]
        self.best_epoch_, self.stopped_ = result.best_epoch, result.stopped

    def _validator(self, net, blocks, held_out: LearningSet, module):
        """Return a function that computes the log loss of a net on held-out rows."""
        device = next(module.parameters()).device
        labels = torch.from_numpy(held_out.targets[:, : len(self.classes_)]).to(device)
        blocks = tuple(block.to(device) for block in blocks)
        return lambda: self.objective_.score(net(*blocks), labels)

    def _alone(self, net):
        """Return the loss of one net that learns from the labels only."""

        def loss(blocks, labels, weight, teacher, clock):
            return soft_cross_entropy(self.objective_.logits(net(*blocks)), labels, sample_weight=weight)

        return loss

    def _keep_sides(self, nets) -> None:
        """Keep the trained nets, by their names, as `SideClassifier`s in attributes `<name>_`."""
        for name, net in nets.items():
            self.__dict__.pop(f"{name}_", None)
            if self.only in (None, name):
                side = SideClassifier(net.to("cpu").eval(), self.encoder_, self.objective_, self.classes_)
                setattr(self, f"{name}_", side)
        self.n_parameters_ = self._predicting().n_parameters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
