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
        The units of each hidden layer; the paper's students have one layer. An empty sequence gives a linear model.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}, default="relu"
        The nonlinearity of the hidden layers.
    max_epochs : int or "auto", default="auto"
        The number of passes over the rows. "auto" gives about 16,000 steps, between 10 and 200 epochs.
    batch_size : int or "auto", default="auto"
        The number of rows per step. "auto" gives about a 64th of the rows, between 32 and 1024; a GPU gets larger
        batches, and a higher learning rate with them, where enough steps are left.
    learning_rate : float, default=3e-3
        The learning rate of AdamW at the start of the training.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        How the learning rate changes from step to step; "cosine" and "linear" end at 0.
    weight_decay : float, default=1e-4
        Decoupled weight decay; it acts on weight matrices only.
    dropout : float in [0, 1), default=0.0
        The share of units that are dropped after each hidden layer in training.
    bottleneck : int, optional
        The number of linear units between the inputs and the first hidden layer, which make a wide shallow net with
        fewer weights (Ba & Caruana 2014). None adds no such layer.
    encoding : PiecewiseLinearEncoding or PeriodicEncoding, optional
        What the net gets for each continuous column in addition to the column itself; None adds nothing. See
        `compress.students.PiecewiseLinearEncoding` and `compress.students.PeriodicEncoding`.
    early_stopping : bool or "auto", default="auto"
        Whether validation rows decide: the weights of the epoch that is best on them are kept. True also stops when
        they show no improvement, and holds out `validation_fraction` of the rows when `fit` gets no `X_val`. "auto"
        uses `X_val` when `fit` gets it, and runs all epochs.
    validation_fraction : float in (0, 1), default=0.1
        The share of the rows that is held out with `early_stopping=True` when `fit` gets no `X_val`.
    n_iter_no_change : int, "auto" or None, default="auto"
        The training stops after this many epochs without improvement on the validation rows. "auto" is 10 with
        `early_stopping=True`, else None, which runs all epochs.
    max_one_hot : int, default=64
        The largest number of categories of a one-hot column; nominal columns with more get a learned embedding.
    embedding_size : int, default=8
        The length of the vectors of the learned embeddings.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the last `fit`; columns and classes must then be the same. A net of
        another shape, activation or objective starts from new weights.
    schema : None, mapping of column to kind, or Schema, default=None
        Which columns are nominal; None infers it from the dtypes. See `compress.schema.Schema`.
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
    module_ : TableNet
        The trained net, on the CPU.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    history_ : list of dict
        One row per epoch, with `epoch`, `loss`, `learning_rate` and `seconds`, and with `valid` when there are
        validation rows.
    best_epoch_ : int or None
        The epoch, from 0, whose weights were kept; None without validation rows.
    stopped_ : {"finished", "early_stopping", "diverged", "callback"}
        Why the training ended: all epochs were run, the validation rows showed no improvement, the loss was not finite,
        or a callback ended it.
    n_iter_ : int
        The number of epochs run.
    n_parameters_ : int
        The number of parameters of the net.
    n_features_in_ : int
        The number of columns seen in `fit`.
    feature_names_in_ : array of str
        The names of the columns seen in `fit`; it exists only after a DataFrame whose column names are all strings.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> student = StudentRegressor((16,), random_state=0).fit(X, X[:, 0])
    >>> student.predict(X).shape
    (200,)
    """

    def partial_fit(self, X, y=None, sample_weight=None):
        """Train one more epoch at the initial learning rate, on these rows; parameters as in `fit`."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X) -> np.ndarray:
        """Predict values; new categories count as missing, numbers beyond the training range as its end.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows,) or (n_rows, n_outputs)
            The values.
        """
        return self._predictions(X)

    _objective_class = Values

    @property
    def _target(self) -> ValueTargets:
        return ValueTargets(type(self).__name__)
