"""The tree student that classifies."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions

from compress.students._objectives import Logits, SoftTargets
from compress.students._targets import ClassTargets
from compress.students._tree_student import TreeStudent

__all__ = ["TreeStudentClassifier"]

_OBJECTIVES = {"soft_targets": SoftTargets, "logits": Logits}


class TreeStudentClassifier(ClassifierMixin, TreeStudent):
    """A small ensemble of boosted trees that classifies, taught by hard labels, soft labels or a transfer set.

    Categories are split by sets, missing values go to a side that is learned, and categories that were not there in
    training count as missing. Fewer iterations of the same fit are smaller students, see `truncated`. With more than
    two classes a row is learned as a copy for each class, weighted with its probability; of more than a million copies
    a seeded part is drawn.

    Parameters
    ----------
    max_leaf_nodes : int from 2 to 4096, default=31
        The largest number of leaves of a tree. Up to 64 predictions are fastest.
    objective : {"soft_targets", "logits"}, default="soft_targets"
        The loss of the boosting. "soft_targets" is the cross-entropy with the targets; "logits" is the squared error of
        the teacher's centred logits, which needs soft targets.
    class_weight : dict, "balanced" or None, default=None
        The weights of the classes in the loss, as in scikit-learn; they need hard labels.
    max_iter : int, default=100
        The number of iterations of boosting; each adds a tree for each output (two classes have one).
    learning_rate : float, default=0.2
        What the values of the leaves are multiplied by. Soft labels have little noise and allow large steps: with 25
        iterations 0.3 to 0.5 is better.
    min_samples_leaf : int, default=20
        The smallest number of rows in a leaf.
    l2_regularization : float, default=0.0
        The penalty on the values of the leaves.
    max_bins : int from 2 to 255, default=255
        The largest number of intervals of a continuous column between which splits are searched, and of categories of a
        nominal one. Columns with more categories are split by groups of them that have similar mean targets.
    monotonic_cst : mapping of column to int, or array of shape (n_columns,), optional
        1 for continuous columns in which predictions may only rise, -1 where they may only fall, and 0 for the others.
        With several outputs it holds for each of them, and of two classes it is the second that rises.
    early_stopping : bool or "auto", default="auto"
        Whether validation rows decide: the iterations up to the best one are kept. True also stops when they show no
        improvement, and holds out `validation_fraction` of the rows when `fit` gets no `X_val`. "auto" uses `X_val`
        when `fit` gets it, and grows all iterations.
    validation_fraction : float in (0, 1), default=0.1
        The share of the rows that is held out with `early_stopping=True` when `fit` gets no `X_val`.
    n_iter_no_change : int, "auto" or None, default="auto"
        Growing stops after this many iterations without improvement on the validation rows. "auto" is 10 with
        `early_stopping=True`, else None, which grows all iterations.
    n_jobs : int, optional
        The number of threads that grow the trees, which the result does not depend on; -1 uses all cores. The default
        is one: on a busy machine several threads wait for each other and may take fifty times as long.
    schema : None, mapping of column to kind, or Schema, default=None
        Which columns are nominal; None infers it from the dtypes. See `compress.schema.Schema`.
    verbose : int, default=0
        1 says on stderr what was grown; 0 says nothing.
    random_state : int, RandomState or None, default=None
        The source of the rows held out; an int makes the result reproducible.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`.
    trees_ : TreeEnsemble
        The trees as plain arrays.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    history_ : list of dict
        One row per iteration grown, with `iteration` and `valid`, when there are validation rows; else empty.
    best_iteration_ : int or None
        The last iteration, from 0, that was kept; None without validation rows.
    stopped_ : {"finished", "early_stopping"}
        Why growing ended: all iterations were grown, or the validation rows showed no improvement.
    n_iter_ : int
        The number of iterations kept.
    n_parameters_ : int
        The number of splits and leaves.
    n_features_in_ : int
        The number of columns seen in `fit`.
    feature_names_in_ : array of str
        The names of the columns seen in `fit`; it exists only after a DataFrame whose column names are all strings.

    References
    ----------
    Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 2001; grown by
    scikit-learn's `HistGradientBoosting*`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import TreeStudentClassifier
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> student = TreeStudentClassifier(8, max_iter=25).fit(X, X[:, 0] > 0)
    >>> student.predict_proba(X).shape
    (200, 2)
    >>> student.truncated(10).n_iter_
    10
    """

    _parameter_constraints = {
        **TreeStudent._parameter_constraints,
        "objective": [StrOptions(set(_OBJECTIVES))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        max_leaf_nodes=31,
        *,
        objective="soft_targets",
        class_weight=None,
        max_iter=100,
        learning_rate=0.2,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_bins=255,
        monotonic_cst=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
        n_jobs=None,
        schema=None,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            max_leaf_nodes=max_leaf_nodes,
            max_iter=max_iter,
            learning_rate=learning_rate,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_bins=max_bins,
            monotonic_cst=monotonic_cst,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            n_jobs=n_jobs,
            schema=schema,
            verbose=verbose,
            random_state=random_state,
        )
        self.objective = objective
        self.class_weight = class_weight

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
        return self._predictions(X)

    def staged_predict_proba(self, X):
        """Yield the class probabilities of the student with one iteration, with two, and so on.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Yields
        ------
        float64 array of shape (n_rows, n_classes)
            What `truncated(1)`, `truncated(2)`, ... predict.
        """
        yield from self._staged(X)

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
