"""What the students share: the encoded table, the net, the training loop, the bare predictor."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._tables import LearningSet, checked_table, learning_weights
from compress.nets import ACTIVATIONS, MLP, TableNet, TabularInput
from compress.persistence import save_student, student_to_bytes
from compress.predictor import FEW_ROWS, NumpyPredictor
from compress.schema import Schema, as_schema
from compress.training import SCHEDULES, isolated_rng, resolve_device, single_thread, train
from compress.transfer import TransferSet

__all__ = ["BaseStudent"]

SMALL_NET = 200_000  # parameters; below, one CPU thread is faster than several
ENCODE_ROWS = 65_536  # rows made dense at a time
STEPS = 16_000  # aim of max_epochs="auto"


class BaseStudent(BaseEstimator):
    """Base of `StudentClassifier` and `StudentRegressor`, whose docstrings say what the parameters are."""

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions(set(SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "bottleneck": [Interval(Integral, 1, None, closed="left"), None],
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
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.warm_start = warm_start
        self.schema = schema
        self.device = device
        self.mixed_precision = mixed_precision
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fit
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
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together, got only one of them.")
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
        return (tuple(self._sizes()), self.activation, self.bottleneck, getattr(self, "objective", None))

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

    def _budget(self, n_rows: int) -> tuple[int, int]:
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = 2 ** int(np.clip(np.round(np.log2(max(n_rows, 1) / 64)), 5, 10))
        if self.max_epochs != "auto":
            return self.max_epochs, batch_size
        return int(np.clip(STEPS * batch_size / n_rows, 10, 200)), batch_size

    @staticmethod
    def _link(n_classes: int | None) -> str:
        """What the net's outputs stand for; see `Objective`."""
        return "identity" if n_classes is None else "binary" if n_classes == 2 else "softmax"

    def _build(self, data: LearningSet, rng, objective=None) -> None:
        self.objective_ = self._objective(data.targets, data.weight) if objective is None else objective
        with isolated_rng(int(rng.randint(2**31 - 1))):
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
        )

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
            return objective.step_loss(_body_outputs(module, inputs), *batch[k:], inputs=inputs, clock=clock)

        small = device.type == "cpu" and self.n_parameters_ < SMALL_NET
        with single_thread(small):
            result = train(
                module,
                tuple(tensors),
                loss,
                max_epochs=max_epochs,
                batch_size=batch_size,
                learning_rate=self.learning_rate,
                schedule=schedule,
                weight_decay=self.weight_decay,
                **self._training_options(module, tensors, loss, batch_size),
                validate=None if held_out is None else self._validator(module, held_out, device),
                patience=self.n_iter_no_change,
                seed=int(rng.randint(2**31 - 1)),
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
        dense = torch.empty(data.encoded.n_rows, module.inputs.n_outputs)
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
        return lambda: objective.score(_body_outputs(module, inputs) * scale + mean, target, *weight)

    # -------------------------------------------------------------- predict
    def predictor(self, dtype=np.float32) -> NumpyPredictor:
        """A picklable NumPy callable without validation, for hot paths; see `NumpyPredictor`."""
        check_is_fitted(self, "module_")
        return NumpyPredictor(self.module_, self.schema_, self.objective_.link, dtype)

    def to_bytes(self) -> bytes:
        """The saved student: safetensors weights with the rest as JSON in their metadata."""
        check_is_fitted(self, "module_")
        return student_to_bytes(self)

    def save(self, path) -> None:
        """Write the student to one file, which `compress.load_student` reads without unpickling."""
        check_is_fitted(self, "module_")
        save_student(self, path)

    def to_onnx(self, path, *, precision="float32", X=None, check=True):
        """Write an ONNX model with the preprocessing inside; see `compress.export.to_onnx`."""
        check_is_fitted(self, "module_")
        from compress.export import to_onnx

        return to_onnx(self, path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write a C file and its header, free of dependencies; see `compress.export.to_c`."""
        check_is_fitted(self, "module_")
        from compress.export import to_c

        return to_c(self, path, name=name)

    def _predictions(self, X) -> np.ndarray:
        if self._is_plain(X):
            return self._predictor.from_encoded(X.astype(self.schema_.dtype_, copy=False), None)
        check_is_fitted(self, "module_")
        table = checked_table(self, X, reset=False)
        encoded = self._predictor.quickly_encoded(table) if len(table) <= FEW_ROWS else None
        if encoded is None or np.isinf(encoded[0]).any():
            encoded = self.schema_.encode(table, unseen="missing")
        return self._predictor.from_encoded(*encoded)

    def _is_plain(self, X) -> bool:
        """Whether the checks, which take many times longer than a row's prediction, would find nothing."""
        return (
            "module_" in vars(self)
            and type(X) is np.ndarray
            and X.dtype.char in "fd"
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in vars(self)
            and getattr(self._predictor, "plain", False)
            and bool(np.isfinite(np.add.reduce(X, axis=None)))
        )

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_predictor", None)  # made again from the module: no need to store the weights twice
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "module_"):
            self._predictor = self.predictor(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _body_outputs(module: TableNet, inputs) -> torch.Tensor:
    """Outputs in the unit in which the net learns, from dense inputs or from the two blocks."""
    return module.body(inputs[0] if len(inputs) == 1 else module.inputs(*inputs))
