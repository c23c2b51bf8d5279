"""Any torch module as a classifier under scikit-learn's contract: conv nets as teachers and as students.

The net gets rows as float32 numbers, without scaling or encoding, and without missing values. Training is that
of the tabular students, with augmentation and plain stochastic gradient descent as further options.
"""

from __future__ import annotations

import copy
from numbers import Real

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from compress.nets import weights_to_bytes
from compress.schema import as_table, has_columns
from compress.students._base import BaseStudent
from compress.students._objectives import SoftTargets
from compress.students._parted import MOST_ROWS
from compress.students._targets import ClassTargets
from compress.training import OPTIMIZERS, PartedRows, captured, gradient_noise, resolve_device

__all__ = ["NetClassifier"]

BLOCK_ROWS = 1024


class NetClassifier(ClassifierMixin, BaseStudent):
    """A torch module that classifies, taught by hard or soft labels; also as a student of a distiller.

    Parameters
    ----------
    module : torch module, or callable(n_inputs=..., n_outputs=...) that makes one
        The net, from float32 rows of shape (n_rows, n_inputs) to outputs of shape (n_rows, n_classes), before softmax.
        A module is copied, and each `fit` starts from its weights; a callable is called under `random_state`.
    augment : callable(rows) -> rows, optional
        A function that changes each training batch, for instance `compress.training.RandomShift(2)`. A distiller then
        asks the teacher about the changed rows, at each step.
    max_epochs : int or "auto", default=30
        The number of passes over the rows; "auto" is as in `StudentClassifier`.
    batch_size : int or "auto", default=64
        The number of rows per step; the number of all rows gives full-batch gradient descent.
    learning_rate : float, default=1e-3
        The learning rate at the start of the training.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        How the learning rate changes from step to step; "cosine" and "linear" end at 0.
    optimizer : {"adamw", "sgd"}, default="adamw"
        AdamW, or stochastic gradient descent with Nesterov momentum.
    momentum : float in [0, 1), default=0.9
        The Nesterov momentum of "sgd".
    weight_decay : float, default=0.0
        Decoupled weight decay; it acts on weight matrices and kernels, not on biases and norms.
    early_stopping : bool or "auto", default="auto"
        As in `StudentClassifier`.
    validation_fraction : float in (0, 1), default=0.1
        The share of the rows that is held out with `early_stopping=True` when `fit` gets no `X_val`.
    n_iter_no_change : int, "auto" or None, default="auto"
        As in `StudentClassifier`.
    gradient_noise : bool, default=False
        Whether each row of `history_` has `gradient_noise`, the mean of `|g_B - g| / |g|` over batches, which costs a
        pass over all rows per epoch; see `compress.training.gradient_noise`.
    predict_dtype : {"float64", "float32"}, default="float64"
        The dtype of the arithmetic in `predict`. In float64 the answer for a row does not depend, within 1e-7, on the
        other rows; float32 is several times faster for convolutions.
    device : str, default="auto"
        The torch device of the training; "auto" takes a GPU when there is one. The fitted net is on the CPU.
    mixed_precision : bool, default=False
        Whether the training uses bfloat16 autocast, which it does on a GPU only.
    callbacks : sequence of callable(row), default=()
        Functions that are called after each epoch with its row of `history_`.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the initial weights, of the batches and of the rows held out; an int makes the result
        reproducible.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`.
    module_ : TableNet
        The trained net, on the CPU; the trained module is `module_.body`.
    history_, best_epoch_, stopped_, n_iter_, n_parameters_, n_features_in_, feature_names_in_
        As in `StudentClassifier`.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.datasets import load_digits
    >>> from compress.students import NetClassifier
    >>> from compress.nets import ConvNet
    >>> X, y = load_digits(return_X_y=True)
    >>> net = NetClassifier(partial(ConvNet, channels=(4, 4)), max_epochs=3, random_state=0).fit(X / 16, y)
    >>> net.predict_proba(X[:5] / 16).shape
    (5, 10)
    """

    _parameter_constraints = {
        **BaseStudent._parameter_constraints,
        "module": [nn.Module, HasMethods("__call__")],
        "augment": [callable, None],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "gradient_noise": ["boolean"],
        "predict_dtype": [StrOptions({"float64", "float32"})],
    }

    def __init__(
        self,
        module,
        *,
        augment=None,
        max_epochs=30,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        optimizer="adamw",
        momentum=0.9,
        weight_decay=0.0,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
        gradient_noise=False,
        predict_dtype="float64",
        device="auto",
        mixed_precision=False,
        callbacks=(),
        verbose=0,
        random_state=None,
    ):
        self.module = module
        self.augment = augment
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.optimizer = optimizer
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.gradient_noise = gradient_noise
        self.predict_dtype = predict_dtype
        self.device = device
        self.mixed_precision = mixed_precision
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        """Train one more epoch on these rows; parameters as in `StudentClassifier.partial_fit`."""
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows, n_classes)
            The probabilities, with columns as in `classes_`.
        """
        return self._predictions(X)

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

    def predictor(self, dtype=None):
        """Return a picklable callable without validation, from rows to probabilities.

        Parameters
        ----------
        dtype : object, optional
            It is not used, since `predict_dtype` decides; it is there for the same call as that of `StudentClassifier`.
        """
        check_is_fitted(self, "module_")
        return _NetPredictor(self.module_.body, self.objective_, getattr(torch, self.predict_dtype), self.schema_)

    def to_bytes(self) -> bytes:
        """Return the weights in safetensors' format; the code of the module is not in it."""
        check_is_fitted(self, "module_")
        return weights_to_bytes(self.module_)

    def save(self, path) -> None:
        """Raise TypeError: a file without pickle cannot hold the code of a module of the user.

        Parameters
        ----------
        path : str or path
            It is not used.

        Raises
        ------
        TypeError
            The method always raises it, with a message that says how to keep the weights.
        """
        raise TypeError(
            "save is for students of this library's own nets, got a module of your own. "
            "Use torch.save(net.module_.body.state_dict(), path)."
        )

    def augmented(self, inputs):
        """See `BaseStudent.augmented`."""
        return inputs if self.augment is None else (self.augment(inputs[0]),)

    # -------------------------------------------------------------- what it learns with
    @property
    def _target(self) -> ClassTargets:
        return ClassTargets(type(self).__name__)

    def _check_parameters(self) -> None:
        self._validate_params()
        resolve_device(self.device)

    def _output_activation(self, classes) -> str:
        return "softmax"

    def _new_objective(self, targets, weight):
        n_classes = targets.shape[1]
        return SoftTargets("softmax", np.zeros(n_classes, np.float32), np.ones(n_classes, np.float32))

    def _given_schema(self, transfer):
        return None if transfer is None else transfer.schema

    def _new_net(self, data, n_outputs: int):
        if data.encoded.nominal.shape[1]:
            raise ValueError(
                "X must hold numbers only, got nominal columns. Encode them first, or use StudentClassifier."
            )
        _refuse_missing(data.encoded.continuous)
        inputs = _Rows(data.encoded.continuous.shape[1])
        return inputs, self._new_body(inputs.n_outputs, n_outputs)

    def _new_body(self, n_inputs: int, n_outputs: int) -> nn.Module:
        made = not isinstance(self.module, nn.Module)
        body = self.module(n_inputs=n_inputs, n_outputs=n_outputs) if made else copy.deepcopy(self.module)
        device = next(body.parameters()).device
        with torch.no_grad():
            shape = tuple(body.eval()(torch.zeros(2, n_inputs, device=device)).shape)
        if shape != (2, n_outputs):
            raise ValueError(
                f"module must return one output per class, shape (n_rows, {n_outputs}), "
                f"but for 2 rows it returns {shape}. Change its last layer."
            )
        return body

    def _training_options(self, tensors, loss, batch_size: int) -> dict:
        # the random draws of a user's own augmentation are not known: a replay might repeat the same draws
        options = {"optimizer": self.optimizer, "momentum": self.momentum, "capture": captured(self.augment)}
        if self.gradient_noise:
            seen = tensors.head(MOST_ROWS) if isinstance(tensors, PartedRows) else tensors
            options["measure"] = lambda: {
                "gradient_noise": gradient_noise(self.module_, seen, loss, batch_size=batch_size)
            }
        return options


class _Rows(nn.Module):
    """The input layer that passes rows on unchanged."""

    is_fixed = True

    def __init__(self, n_outputs: int):
        super().__init__()
        self.n_outputs = n_outputs

    def forward(self, continuous, nominal):
        return continuous.float()


class _NetPredictor:
    schema = None  # of predictors pickled by earlier versions

    def __init__(self, body: nn.Module, objective, dtype: torch.dtype, schema):
        self.schema = schema
        # the predictor has its own copy: another precision must not change the net, which may be trained further
        self.body = copy.deepcopy(body).to(dtype).eval()
        self.objective, self.dtype = objective, dtype
        self.mean, self.scale = (torch.from_numpy(a).to(dtype) for a in (objective.mean, objective.scale))

    def __call__(self, X) -> np.ndarray:
        if self.schema is not None and not isinstance(X, np.ndarray):
            X = as_table(X, self.schema.names)
            if has_columns(X) and len(X):
                X, _ = self.schema.encode(X)  # it compares the names
        return self.from_encoded(np.asarray(X), None)

    def quickly_encoded(self, X):
        """None: rows come through the schema; see `NumpyPredictor.quickly_encoded`."""
        return None

    def from_encoded(self, continuous, nominal) -> np.ndarray:
        _refuse_missing(continuous)
        rows = torch.from_numpy(np.array(continuous, dtype=np.float32)).to(self.dtype)
        with torch.no_grad():
            parts = [self.body(block) * self.scale + self.mean for block in rows.split(BLOCK_ROWS)]
            return self.objective.logits(torch.cat(parts)).double().softmax(dim=1).numpy()


def _refuse_missing(values) -> None:
    if np.isnan(values).any():
        raise ValueError(
            "Input X contains NaN, which a module of one's own cannot take. Impute, or use StudentClassifier."
        )
