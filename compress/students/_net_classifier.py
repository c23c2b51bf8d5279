"""Any torch module as a classifier under scikit-learn's contract: conv nets as teachers and as students.

Rows go in as float32 numbers, as they are: no scaling, no encoding, no missing values. Training is that
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
from compress.students._base import BaseStudent
from compress.students._objectives import SoftTargets
from compress.students._targets import ClassTargets
from compress.training import OPTIMIZERS, captured, gradient_noise, resolve_device

__all__ = ["NetClassifier"]

BLOCK_ROWS = 1024


class NetClassifier(ClassifierMixin, BaseStudent):
    """A torch module that classifies, taught by hard or soft labels; as it is or inside a distiller.

    Parameters
    ----------
    module : torch module, or callable(n_inputs=..., n_outputs=...) that makes one
        From float32 rows of shape (n_rows, n_inputs) to outputs of shape (n_rows, n_classes), before
        softmax. A module is copied and its weights are where each `fit` starts; a callable is called
        under `random_state`.
    augment : callable(rows) -> rows, optional
        Changes each training batch, for instance `compress.training.RandomShift(2)`. A distiller
        then asks the teacher about the changed rows, at each step.
    max_epochs : int or "auto", default=30
    batch_size : int or "auto", default=64
        As many as there are rows: full-batch gradient descent.
    learning_rate : float, default=1e-3
    schedule : {"constant", "cosine", "linear"}, default="cosine"
    optimizer : {"adamw", "sgd"}, default="adamw"
    momentum : float in [0, 1), default=0.9
        Nesterov's, of "sgd".
    weight_decay : float, default=0.0
        Decoupled with "adamw", on matrices only.
    early_stopping : bool or "auto", default="auto"
        As in `StudentClassifier`.
    validation_fraction : float in (0, 1), default=0.1
    n_iter_no_change : int, "auto" or None, default="auto"
        As in `StudentClassifier`.
    gradient_noise : bool, default=False
        Whether each row of `history_` tells `gradient_noise`, the mean of |g_B - g| / |g| over batches;
        see `compress.training.gradient_noise`. Costs a pass over all rows per epoch.
    predict_dtype : {"float64", "float32"}, default="float64"
        Of the arithmetic in `predict`. In float64 the answer for a row does not depend, within 1e-7, on
        the rows it comes with; float32 is several times faster for convolutions.
    device : str, default="auto"
    mixed_precision : bool, default=False
    callbacks : sequence of callable(row), default=()
    verbose : int, default=0
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    module_ : TableNet
        The trained module is `module_.body`.
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

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One more epoch at the initial learning rate, on these rows; arguments as in `StudentClassifier`."""
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities, float64 of shape (n_rows, n_classes), columns as in `classes_`."""
        return self._predictions(X)

    def predict(self, X) -> np.ndarray:
        """The most probable class of each row, of shape (n_rows,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predictor(self, dtype=None):
        """A picklable callable without validation: rows in, probabilities out, computed in `predict_dtype`."""
        check_is_fitted(self, "module_")
        return _NetPredictor(self.module_.body, self.objective_, getattr(torch, self.predict_dtype))

    def to_bytes(self) -> bytes:
        """The weights as safetensors; the code of the module is its owner's."""
        check_is_fitted(self, "module_")
        return weights_to_bytes(self.module_)

    def save(self, path) -> None:
        """Not offered: a file without pickle cannot hold the code of a module of one's own.

        Raises
        ------
        TypeError
            Always; it says how to keep the weights.
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
        # what an augmentation of one's own draws from, nobody knows: a replay might draw the same again and again
        options = {"optimizer": self.optimizer, "momentum": self.momentum, "capture": captured(self.augment)}
        if self.gradient_noise:
            options["measure"] = lambda: {
                "gradient_noise": gradient_noise(self.module_, tensors, loss, batch_size=batch_size)
            }
        return options


class _Rows(nn.Module):
    """The input layer that does nothing."""

    is_fixed = True

    def __init__(self, n_outputs: int):
        super().__init__()
        self.n_outputs = n_outputs

    def forward(self, continuous, nominal):
        return continuous.float()


class _NetPredictor:
    def __init__(self, body: nn.Module, objective, dtype: torch.dtype):
        # the copy is the predictor's own: another precision must not touch the net that may be trained on
        self.body = copy.deepcopy(body).to(dtype).eval()
        self.objective, self.dtype = objective, dtype
        self.mean, self.scale = (torch.from_numpy(a).to(dtype) for a in (objective.mean, objective.scale))

    def __call__(self, X) -> np.ndarray:
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
