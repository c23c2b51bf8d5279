"""The student that classifies."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions

from compress.schema import moved
from compress.students._objectives import Logits, Probabilities, SoftTargets
from compress.students._table_student import MOVED, TableStudent
from compress.students._targets import ClassTargets

__all__ = ["StudentClassifier"]

_OBJECTIVES = {"soft_targets": SoftTargets, "probabilities": Probabilities, "logits": Logits}


@moved(**MOVED)
class StudentClassifier(ClassifierMixin, TableStudent):
    """A small net that classifies, taught by hard labels, soft labels or a transfer set.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(256,)
        The units of each hidden layer; the paper's students have one layer. An empty sequence gives a linear model.
    objective : {"soft_targets", "probabilities", "logits"}, default="soft_targets"
        The loss of the training. "soft_targets" is the cross-entropy with the targets; "probabilities" is the squared
        error of the probabilities; "logits" is the squared error of the teacher's centred logits (Ba & Caruana 2014),
        which needs soft targets.
    class_weight : dict, "balanced" or None, default=None
        The weights of the classes in the loss, as in scikit-learn; they need hard labels.
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
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`.
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

    References
    ----------
    Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> student = StudentClassifier((16,), random_state=0).fit(X, X[:, 0] > 0)
    >>> student.predict_proba(X).shape
    (200, 2)
    """

    _parameter_constraints = {
        **TableStudent._parameter_constraints,
        "objective": [StrOptions(set(_OBJECTIVES))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(256,),
        *,
        objective="soft_targets",
        class_weight=None,
        activation="relu",
        max_epochs="auto",
        batch_size="auto",
        learning_rate=3e-3,
        schedule="cosine",
        weight_decay=1e-4,
        dropout=0.0,
        bottleneck=None,
        encoding=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
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
            encoding=encoding,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
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
        self.objective = objective
        self.class_weight = class_weight

    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        """Train one more epoch at the initial learning rate, on these rows.

        Parameters
        ----------
        X, y
            As in `fit`.
        classes : array of shape (n_classes,), optional
            All labels that will ever occur; the first call needs them unless `y` has them all.
        sample_weight
            As in `fit`.
        """
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X) -> np.ndarray:
        """Predict class probabilities; new categories count as missing, numbers beyond the training range as its end.

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

    @property
    def _target(self) -> ClassTargets:
        return ClassTargets(type(self).__name__, self.objective, self.class_weight)

    @property
    def _objective_class(self):
        return _OBJECTIVES[self.objective]
