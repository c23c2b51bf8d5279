"""The student that predicts numbers."""

from __future__ import annotations

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin

from compress.schema import moved
from compress.students._objectives import Values
from compress.students._table_student import MOVED, TableStudent
from compress.students._targets import ValueTargets

__all__ = ["StudentRegressor"]


@moved(**MOVED)
class StudentRegressor(RegressorMixin, MultiOutputMixin, TableStudent):
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
        Whether validation rows decide: the weights of the epoch that is best on them are kept. True also stops when
        they show no improvement, and holds `validation_fraction` of the rows out where `fit` is given no `X_val`.
        "auto": when `fit` is given `X_val`; all epochs are run.
    validation_fraction : float in (0, 1), default=0.1
    n_iter_no_change : int, "auto" or None, default="auto"
        Training stops after so many epochs without improvement on the validation rows. "auto": 10 with
        `early_stopping=True`, else None, which runs all epochs.
    encoding : PeriodicEncoding, optional
        What the net is given of each continuous column beside the column itself; see
        `compress.students.PeriodicEncoding`. None: nothing.
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
    stopped_ : {"finished", "early_stopping", "diverged", "callback"}
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

    def partial_fit(self, X, y, sample_weight=None):
        """One more epoch at the initial learning rate, on these rows; arguments as in `fit`."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X) -> np.ndarray:
        """Values, float64, of shape (n_rows,) or (n_rows, n_outputs).

        Categories that were not there in training count as missing.
        """
        values = self._predictions(X)
        return values if self.outputs_2d_ else values[:, 0]

    _objective_class = Values

    @property
    def _target(self) -> ValueTargets:
        return ValueTargets(type(self).__name__)
