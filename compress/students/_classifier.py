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
        Units per hidden layer; the paper's students have one layer. Empty: a linear model.
    objective : {"soft_targets", "probabilities", "logits"}, default="soft_targets"
        "soft_targets": cross-entropy with the targets; "probabilities": squared error of the
        probabilities; "logits": squared error of the teacher's centred logits (Ba & Caruana 2014),
        for soft targets only.
    class_weight : dict, "balanced" or None, default=None
        For hard labels.
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
    classes_ : array of shape (n_classes,)
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

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One more epoch at the initial learning rate, on these rows.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array, optional
            All labels that will ever come; needed at the first call unless `y` has them all.
        """
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities, float64 of shape (n_rows, n_classes), columns as in `classes_`.

        Categories that were not there in training count as missing.
        """
        return self._predictions(X)

    def predict(self, X) -> np.ndarray:
        """The most probable class of each row, of shape (n_rows,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    @property
    def _target(self) -> ClassTargets:
        return ClassTargets(type(self).__name__, self.objective, self.class_weight)

    @property
    def _objective_class(self):
        return _OBJECTIVES[self.objective]
