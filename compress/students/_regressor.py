"""The student that predicts numbers."""

from __future__ import annotations

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin

from compress.schema import learning_weights, regression_targets
from compress.students._base import BaseStudent
from compress.students._objectives import Values

__all__ = ["StudentRegressor"]


class StudentRegressor(RegressorMixin, MultiOutputMixin, BaseStudent):
    """A small net that predicts numbers, one or several, taught by labels or a transfer set.

    The loss is the squared error of standardised targets.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(256,)
        Units per hidden layer. Empty: a linear model.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}, default="relu"
    max_epochs : int or "auto", default="auto"
        "auto": about 16,000 steps, between 10 and 200 epochs.
    batch_size : int or "auto", default="auto"
        "auto": about a 64th of the rows, between 32 and 1024.
    learning_rate : float, default=3e-3
        Of AdamW, at the start.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        Of the learning rate, per step; the last two end at 0.
    weight_decay : float, default=1e-4
        Decoupled, on weight matrices only.
    dropout : float in [0, 1), default=0.0
        After each hidden layer.
    bottleneck : int, optional
        Linear units between the inputs and the first hidden layer: a wide shallow net with fewer weights
        (Ba & Caruana 2014).
    early_stopping : bool or "auto", default="auto"
        Keep the weights of the epoch that is best on validation rows. "auto": when `fit` is given
        `X_val`; True without `X_val` holds `validation_fraction` of the rows out.
    validation_fraction : float in (0, 1), default=0.1
    n_iter_no_change : int, optional
        Stop after so many epochs without improvement on the validation rows; None runs all epochs.
    n_frequencies : int, default=0
        Give the net sine and cosine of each continuous column, too, at so many learned frequencies (Gorishniy et al.
        2022). With 4 of scale 0.5, and fewer hidden units for the same bytes, students were about 1 % better on three
        tables of six and 13 % worse on one (`experiments.numerical_embeddings`): choose on validation rows.
    frequency_scale : float, default=0.2
        Standard deviation of the frequencies before training, in cycles per standard deviation of the column.
    max_one_hot : int, default=64
        Nominal columns with more categories get a learned embedding.
    embedding_size : int, default=8
    warm_start : bool, default=False
        Go on from the weights of the last `fit`; columns and classes must then be the same. Another
        shape, activation or objective starts anew.
    schema : None, mapping of column to kind, or Schema
        Which columns are nominal; see `compress.schema.Schema`.
    device : str, default="auto"
        "auto" takes a GPU when there is one. The fitted net lives on the CPU.
    mixed_precision : bool, default=False
        bfloat16 autocast; on a GPU only.
    callbacks : sequence of callable(row), default=()
        Called after each epoch with its row of `history_`.
    verbose : int, default=0
        1 shows a progress bar on a terminal.
    random_state : int, RandomState or None

    Attributes
    ----------
    module_ : TableNet
    schema_ : Schema
    history_ : list of dict
        One per epoch: `epoch`, `loss`, `learning_rate`, `seconds`, and `valid` with validation rows.
    best_epoch_ : int or None
    stopped_ : {"finished", "early_stopping", "diverged", "interrupted"}
    n_iter_ : int
        Epochs run.
    n_parameters_ : int
    n_features_in_ : int
    feature_names_in_ : array of str, for DataFrames

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> student = StudentRegressor((16,), random_state=0).fit(X, X[:, 0])
    >>> student.predict(X).shape
    (200,)
    """

    def __init__(
        self,
        hidden_layer_sizes=(256,),
        *,
        activation="relu",
        max_epochs="auto",
        batch_size="auto",
        learning_rate=3e-3,
        schedule="cosine",
        weight_decay=1e-4,
        dropout=0.0,
        bottleneck=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=None,
        n_frequencies=0,
        frequency_scale=0.2,
        max_one_hot=64,
        embedding_size=8,
        warm_start=False,
        schema=None,
        device="auto",
        mixed_precision=False,
        callbacks=(),
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            weight_decay=weight_decay,
            dropout=dropout,
            bottleneck=bottleneck,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            n_frequencies=n_frequencies,
            frequency_scale=frequency_scale,
            max_one_hot=max_one_hot,
            embedding_size=embedding_size,
            warm_start=warm_start,
            schema=schema,
            device=device,
            mixed_precision=mixed_precision,
            callbacks=callbacks,
            verbose=verbose,
            random_state=random_state,
        )

    def partial_fit(self, X, y, sample_weight=None):
        """One more epoch at the initial learning rate, on these rows; arguments as in `fit`."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X) -> np.ndarray:
        """Values, float64, of shape (n_rows,) or (n_rows, n_outputs).

        Categories that were not there in training count as missing.
        """
        values = self._predictions(X)
        return values[:, 0] if self._flat else values

    def _targets(self, y, X, sample_weight, classes):
        targets, self._flat = regression_targets(y, len(X), type(self).__name__)
        return targets, learning_weights(sample_weight, X)

    def _validation_targets(self, y, n_rows, n_columns):
        targets, _ = regression_targets(y, n_rows, type(self).__name__)
        if targets.shape[1] != n_columns:
            raise ValueError(f"y_val must have as many outputs as y, {n_columns}, got {targets.shape[1]}.")
        return targets

    def _transfer_targets(self, data, classes):
        if data.kind != "values":
            raise ValueError(f"the TransferSet holds {data.kind} of a classifier: use StudentClassifier.")
        self._flat = data.targets.ndim == 1
        return data.targets.reshape(len(data), -1).astype(np.float64)

    def _objective(self, targets, weight):
        return Values.for_targets(targets, weight)
