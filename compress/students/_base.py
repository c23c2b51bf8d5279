"""How the students learn: from a table to targets, a net and a run of the training loop."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.utils import check_random_state

from compress._random import draw_seed
from compress.nets import MLP, Periodic, TableNet, TabularInput
from compress.schema import LearningSet, as_schema, check_validation_pair, checked_table, learning_weights
from compress.students._parameters import StudentParameters
from compress.students._serving import ServedStudent
from compress.training import fits_on, isolated_rng, resolve_device, single_thread, train
from compress.transfer import TransferSet

__all__ = ["BaseStudent"]

SMALL_NET = 200_000  # parameters; below, one CPU thread is faster than several
ENCODE_ROWS = 65_536  # rows made dense at a time


class BaseStudent(ServedStudent, StudentParameters):
    """Base of `StudentClassifier` and `StudentRegressor`, whose docstrings say what the parameters are."""

    def fit(self, X, y=None, sample_weight=None, *, X_val=None, y_val=None):
        """Learn from labelled rows or from a transfer set.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns); or TransferSet
        y : array, optional
            Classifier: labels of shape (n_rows,), or soft labels of shape (n_rows, n_classes) whose
            rows sum to 1. Regressor: shape (n_rows,) or (n_rows, n_outputs). None with a transfer set.
        sample_weight : array of shape (n_rows,), optional
        X_val, y_val : optional
            Validation rows and their labels, hard or soft, for early stopping.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter out of its range; labels that do not fit; soft labels that do not sum to 1.
        FloatingPointError
            The loss is not finite in the first epoch.
        """
        self._check_parameters()
        check_validation_pair(X_val, y_val)
        resume = self.warm_start and hasattr(self, "module_") and self._same_net()
        known = (self.schema_, getattr(self, "classes_", None)) if resume else (None, None)
        data = self._learning_set(X, y, sample_weight, schema=known[0], classes=known[1])
        return self._fit_set(data, X_val, y_val, resume=resume)

    def _fit_taught(self, X, targets, weight, make_objective, *, classes=None, X_val=None, y_val=None, before=None):
        """Learn ready-made targets under an objective of the caller's: the way in of `compress.distill`.

        `make_objective(targets, weight, link)` gets targets of any width, `link` as in `Objective`.
        `before(student, data, rng)` trains a stage of its own between the net's making and its training.
        """
        self._check_parameters()
        table = checked_table(self, X, reset=True)
        if classes is not None:
            self.classes_ = classes
        self.schema_ = as_schema(self.schema, table)
        data = LearningSet(self.schema_.encode(table, unseen="missing"), targets, weight)
        objective = make_objective(targets, weight, self._link(None if classes is None else len(classes)))
        return self._fit_set(data, X_val, y_val, objective=objective, before=before)

    def _fit_set(self, data: LearningSet, X_val, y_val, *, resume=False, objective=None, before=None):
        rng = check_random_state(self.random_state)
        held_out = None
        if X_val is not None and self.early_stopping is not False:
            held_out = self._validation_set(X_val, y_val, data.targets.shape[1])
        elif self.early_stopping is True:
            labels = data.targets.argmax(axis=1) if hasattr(self, "classes_") else None
            data, held_out = data.split(self.validation_fraction, rng, labels)
        if not resume:
            self._build(data, rng, objective)
        if before is not None:
            before(self, data, rng)
        max_epochs, batch_size = self._budget(len(data.targets))
        return self._train(data, held_out, rng, max_epochs, batch_size, self.schedule)

    def _partial_fit(self, X, y, sample_weight, classes=None):
        self._check_parameters()
        first = not hasattr(self, "module_")
        known = None if classes is None else np.unique(classes)
        if not first and hasattr(self, "classes_"):
            if known is not None and not np.array_equal(known, self.classes_):
                raise ValueError(
                    f"classes must be those of the first call, {self.classes_.tolist()}, got {known.tolist()}. "
                    "Leave classes out after the first call."
                )
            known = self.classes_
        data = self._learning_set(X, y, sample_weight, schema=None if first else self.schema_, classes=known)
        rng = check_random_state(self.random_state)
        if first:
            self._build(data, rng)
        _, batch_size = self._budget(len(data.targets))
        return self._train(data, None, rng, 1, batch_size, "constant")

    def _learning_set(self, X, y, sample_weight, *, schema=None, classes=None) -> LearningSet:
        transfer = X if isinstance(X, TransferSet) else None
        if transfer is not None and y is not None:
            raise ValueError("y must be None when X is a TransferSet, which carries the teacher's targets.")
        if transfer is None and y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None. "
                "Pass labels, soft labels of shape (n_rows, n_classes), or a TransferSet in place of X."
            )
        table = checked_table(self, X if transfer is None else transfer.X, reset=schema is None)
        if transfer is None:
            targets, weight = self._targets(y, table, sample_weight, classes)
        else:
            targets = self._transfer_targets(transfer, classes)
            weight = transfer.sample_weight if sample_weight is None else sample_weight
            weight = learning_weights(weight, table)
        if schema is not None and self.objective_.link == "identity" and targets.shape[1] != self.objective_.n_outputs:
            raise ValueError(
                f"y must have as many outputs as the net that learns on, {self.objective_.n_outputs}, "
                f"got {targets.shape[1]}. Use warm_start=False to begin anew."
            )
        if schema is None:
            own = transfer.schema if transfer is not None and self.schema is None else self.schema
            self.schema_ = schema = as_schema(own, table)
        return LearningSet(schema.encode(table, unseen="missing"), targets, weight)

    def _validation_set(self, X, y, n_columns: int) -> LearningSet:
        table = checked_table(self, X, reset=False)
        targets = self._validation_targets(y, len(table), n_columns)
        return LearningSet(self.schema_.encode(table, unseen="missing"), targets)

    @staticmethod
    def _link(n_classes: int | None) -> str:
        """What the net's outputs stand for; see `Objective`."""
        return "identity" if n_classes is None else "binary" if n_classes == 2 else "softmax"

    def _build(self, data: LearningSet, rng, objective=None) -> None:
        self.objective_ = self._objective(data.targets, data.weight) if objective is None else objective
        with isolated_rng(draw_seed(rng)):
            inputs = self._make_inputs(data)
            n_outputs = self.objective_.n_outputs
            self.module_ = TableNet(inputs, self._make_body(inputs.n_outputs, n_outputs), n_outputs)
        self.module_.output_mean.copy_(torch.from_numpy(self.objective_.mean))
        self.module_.output_scale.copy_(torch.from_numpy(self.objective_.scale))
        self.n_parameters_ = sum(p.numel() for p in self.module_.parameters())
        self._built = self._net_parameters()

    def _make_inputs(self, data: LearningSet) -> torch.nn.Module:
        return TabularInput.from_encoded(
            data.encoded,
            self.schema_,
            data.weight,
            max_one_hot=self.max_one_hot,
            embedding_size=self.embedding_size,
        )

    def _make_body(self, n_inputs: int, n_outputs: int) -> torch.nn.Module:
        return MLP(
            n_inputs,
            self._sizes(),
            n_outputs,
            activation=self.activation,
            dropout=self.dropout,
            bottleneck=self.bottleneck,
            periodic=self._periodic(),
        )

    def _periodic(self) -> Periodic | None:
        if not self.n_frequencies:
            return None
        return Periodic(len(self.schema_.continuous_), self.n_frequencies, self.frequency_scale)

    def _untrained(self, data: TransferSet):
        """The net before its first step, whose bytes and latency are those of the trained one."""
        self._check_parameters()
        self._build(self._learning_set(data, None, None), check_random_state(self.random_state))
        self.module_.eval()
        return self

    def _train(self, data, held_out, rng, max_epochs, batch_size, schedule):
        try:
            result = self._trained(data, held_out, rng, max_epochs, batch_size, schedule)
        except BaseException:
            del self.module_  # half a fit is none: predict says so
            raise
        self.history_, self.best_epoch_, self.stopped_ = result.history, result.best_epoch, result.stopped
        self.n_iter_ = len(result.history)
        self._predictor = self.predictor(np.float64)
        return self

    def _trained(self, data, held_out, rng, max_epochs, batch_size, schedule):
        device = resolve_device(self.device)
        module, objective = self.module_.to(device), self.objective_
        inputs = self._inputs(module, data)
        tensors = [*inputs, torch.from_numpy(objective.learnable(data.targets))]
        if data.weight is not None:
            tensors.append(torch.from_numpy(data.weight))
        k = len(inputs)

        def loss(batch, clock):
            inputs = self._augmented(batch[:k])
            return objective.step_loss(module.learned_outputs(inputs), *batch[k:], inputs=inputs, clock=clock)

        small = device.type == "cpu" and self.n_parameters_ < SMALL_NET
        with single_thread(small):
            result = train(
                module,
                tuple(tensors),
                loss,
                max_epochs=max_epochs,
                batch_size=batch_size,
                learning_rate=self._rate(len(data.targets), batch_size),
                schedule=schedule,
                weight_decay=self.weight_decay,
                **self._training_options(module, tensors, loss, batch_size),
                validate=None if held_out is None else self._validator(module, held_out, device),
                patience=self.n_iter_no_change,
                seed=draw_seed(rng),
                device=device,
                mixed_precision=self.mixed_precision,
                callbacks=self.callbacks,
                verbose=self.verbose,
                description="student",
            )
        self.module_ = module.to("cpu")
        return result

    def _augmented(self, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """The inputs of a training batch as the net shall see them."""
        return inputs

    def _training_options(self, module, tensors, loss, batch_size) -> dict:
        """Further arguments of `compress.training.train`."""
        return {}

    def _inputs(self, module: TableNet, data: LearningSet) -> tuple[torch.Tensor, ...]:
        """The dense inputs, made once, when nothing in the input layer is learned; else the two blocks."""
        # the schema may hand the caller's own array on, which torch wants to be writable
        blocks = [torch.from_numpy(np.require(block, requirements="W")) for block in data.encoded]
        if not module.inputs.is_fixed:
            return tuple(blocks)
        device = module.output_mean.device
        shape = (data.encoded.n_rows, module.inputs.n_outputs)
        # on the device, where training wants it, if it fits
        dense = torch.empty(shape, device=device if fits_on(device, 4 * shape[0] * shape[1]) else "cpu")
        with torch.no_grad():
            for start in range(0, len(dense), ENCODE_ROWS):
                rows = slice(start, start + ENCODE_ROWS)
                dense[rows] = module.inputs(*(block[rows].to(device) for block in blocks))
        return (dense,)

    def _validator(self, module: TableNet, held_out: LearningSet, device):
        objective = self.objective_
        inputs = tuple(tensor.to(device) for tensor in self._inputs(module, held_out))
        target = held_out.targets if objective.link != "identity" else objective.learnable(held_out.targets)
        target = torch.from_numpy(target).to(device)
        weight = () if held_out.weight is None else (torch.from_numpy(held_out.weight).to(device),)
        scale, mean = (1, 0) if objective.link == "identity" else (module.output_scale, module.output_mean)
        return lambda: objective.score(module.learned_outputs(inputs) * scale + mean, target, *weight)
