"""Teachers: a library of tree models combined by ensemble selection on held-out rows.

Every model of the library is fitted and predicts the hill-climb rows, `ensemble_selection` (Caruana et al.,
ICML 2004) selects, and the models of weight > 0 are kept: the teacher T of Bucila, Caruana and
Niculescu-Mizil, "Model Compression", KDD 2006, section 3.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from compress.schema import as_labels, class_codes
from compress.teachers._base import EnsembleTeacher

__all__ = ["EnsembleTeacherClassifier", "EnsembleTeacherRegressor"]


class EnsembleTeacherClassifier(ClassifierMixin, EnsembleTeacher):
    """Classifiers combined by ensemble selection with replacement on held-out rows.

    Parameters
    ----------
    library : {"default", "large", "small"} or list, default="default"
        The models to select from: a size of `default_library`, or a list of estimators or (name, estimator) pairs. A
        user's own estimator gets the table as it is passed to `fit`; models of the default library get it encoded
        (missing values and nominal columns handled). Estimators are cloned; wrap a fitted one in
        `sklearn.frozen.FrozenEstimator` to use it as it is.
    selection : {"greedy", "uniform", "best"}, default="greedy"
        Whether the teacher is made by ensemble selection, is the plain average of the library, or is its best model.
    n_bags : int >= 1, default=20
        The number of random subsets of the library over which greedy selection is averaged.
    bag_fraction : float in (0, 1], default=0.5
        The share of the library in a bag (at least 5 models).
    n_init : "auto" or int >= 0, default="auto"
        The number of the best models from which selection starts; "auto" takes the best number up to 25.
    n_steps : int >= 0, default=50
        The number of greedy additions after the start.
    min_weight : float in [0, 1], default=0.05
        Selected models of a smaller weight are dropped, and the other weights are scaled up. Bagging spreads small
        weights over most of the library; without them the teacher is several times smaller and faster, and not worse
        (LETTER.p2, library="large", seed 0: 17 models selected, 7 kept; validation RMSE 0.170 and 0.169, 5.5 and 2.2
        seconds for 10,000 rows).
    metric : {"rmse", "log_loss"} or callable, default="rmse"
        What is minimised on the hill-climb rows; see `ensemble_selection`.
    validation_fraction : float in (0, 1), default=0.2
        The share of the rows that is held out when `fit` gets no `X_val`.
    refit : bool, default=True
        Whether the selected models are fitted again on all rows, and keep their weights, when `fit` held some out
        itself (`experiments.small_models` has the errors with and without).
    schema : Schema, mapping of column to kind, or None, default=None
        The kinds of the columns; None infers them. See `compress.schema.Schema`.
    n_jobs : int or None, default=None
        The number of models fitted, or blocks of rows predicted, in parallel. The outputs do not depend on it.
    verbose : int, default=0
        1 shows a progress bar over models when the output is a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the held-out rows, of the bags, and of the seed of every model whose own `random_state` is None.

    Attributes
    ----------
    estimators_, names_, weights_ : list, list of str, array of shape (n_members,)
        The selected members, their names and their weights, which are positive and sum to 1.
    best_single_, best_single_name_ : fitted teacher, str
        The best model of the library on the hill-climb rows, as a teacher that predicts from the same columns, and its
        name.
    library_scores_ : dict of str to float
        The score of each model of the library on the hill-climb rows.
    selection_path_ : list of (step, model, score, bag)
        The additions in their order; empty unless `selection="greedy"`.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    n_features_in_, feature_names_in_ : int, array of str
        The number of columns seen in `fit`, and their names if all of them are strings.
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`, sorted.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble Selection from Libraries of Models", ICML 2004.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from compress import EnsembleTeacherClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> teacher = EnsembleTeacherClassifier(library="small", random_state=0).fit(X, y)
    >>> teacher.predict_proba(X).shape
    (150, 3)
    """

    _task, _method = "classification", "predict_proba"

    def predict_proba(self, X):
        """Predict class probabilities: the weighted mean of the probabilities of the members.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows, n_classes)
            The probabilities, with columns as in `classes_`.
        """
        return self._average(X)

    def predict(self, X):
        """Predict the class of the highest probability for each row.

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
    def _classes(self):
        return self.classes_

    def _check_target(self, y, name):
        y = column_or_1d(as_labels(y, name), warn=True)
        assert_all_finite(y, input_name=name)
        check_classification_targets(y)
        return y

    def _learn_target(self, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y must hold at least 2 classes to train a classifier, got 1 class: "
                f"{self.classes_.tolist()} (n_samples={len(y)})."
            )
        return codes

    def _codes(self, y):
        return class_codes(y, self.classes_, "y_val")

    def _targets(self, codes):
        return np.eye(len(self.classes_))[codes]


class EnsembleTeacherRegressor(RegressorMixin, EnsembleTeacher):
    """Regressors of one target combined by ensemble selection with replacement on held-out rows.

    Parameters
    ----------
    library : {"default", "large", "small"} or list, default="default"
        The models to select from: a size of `default_library`, or a list of estimators or (name, estimator) pairs. A
        user's own estimator gets the table as it is passed to `fit`; models of the default library get it encoded
        (missing values and nominal columns handled). Estimators are cloned; wrap a fitted one in
        `sklearn.frozen.FrozenEstimator` to use it as it is.
    selection : {"greedy", "uniform", "best"}, default="greedy"
        Whether the teacher is made by ensemble selection, is the plain average of the library, or is its best model.
    n_bags : int >= 1, default=20
        The number of random subsets of the library over which greedy selection is averaged.
    bag_fraction : float in (0, 1], default=0.5
        The share of the library in a bag (at least 5 models).
    n_init : "auto" or int >= 0, default="auto"
        The number of the best models from which selection starts; "auto" takes the best number up to 25.
    n_steps : int >= 0, default=50
        The number of greedy additions after the start.
    min_weight : float in [0, 1], default=0.05
        Selected models of a smaller weight are dropped, and the other weights are scaled up. Bagging spreads small
        weights over most of the library; without them the teacher is several times smaller and faster, and not worse
        (LETTER.p2, library="large", seed 0: 17 models selected, 7 kept; validation RMSE 0.170 and 0.169, 5.5 and 2.2
        seconds for 10,000 rows).
    metric : {"rmse"} or callable, default="rmse"
        What is minimised on the hill-climb rows; see `ensemble_selection`.
    validation_fraction : float in (0, 1), default=0.2
        The share of the rows that is held out when `fit` gets no `X_val`.
    refit : bool, default=True
        Whether the selected models are fitted again on all rows, and keep their weights, when `fit` held some out
        itself (`experiments.small_models` has the errors with and without).
    schema : Schema, mapping of column to kind, or None, default=None
        The kinds of the columns; None infers them. See `compress.schema.Schema`.
    n_jobs : int or None, default=None
        The number of models fitted, or blocks of rows predicted, in parallel. The outputs do not depend on it.
    verbose : int, default=0
        1 shows a progress bar over models when the output is a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the held-out rows, of the bags, and of the seed of every model whose own `random_state` is None.

    Attributes
    ----------
    estimators_, names_, weights_ : list, list of str, array of shape (n_members,)
        The selected members, their names and their weights, which are positive and sum to 1.
    best_single_, best_single_name_ : fitted teacher, str
        The best model of the library on the hill-climb rows, as a teacher that predicts from the same columns, and its
        name.
    library_scores_ : dict of str to float
        The score of each model of the library on the hill-climb rows.
    selection_path_ : list of (step, model, score, bag)
        The additions in their order; empty unless `selection="greedy"`.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    n_features_in_, feature_names_in_ : int, array of str
        The number of columns seen in `fit`, and their names if all of them are strings.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble Selection from Libraries of Models", ICML 2004.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from compress import EnsembleTeacherRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> library = [DecisionTreeRegressor(max_depth=depth, random_state=0) for depth in (2, 4)]
    >>> teacher = EnsembleTeacherRegressor(library, random_state=0).fit(X, y)
    >>> teacher.predict(X[:3]).shape
    (3,)
    """

    _task, _method = "regression", "predict"
    _classes = None

    def predict(self, X):
        """Predict values: the weighted mean of the predictions of the members.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows,)
            The values.
        """
        return self._average(X)[:, 0]

    def _check_target(self, y, name):
        y = column_or_1d(as_labels(y, name), warn=True, dtype=np.float64)
        assert_all_finite(y, input_name=name)
        return y

    def _learn_target(self, y):
        return y

    def _codes(self, y):
        return y

    def _targets(self, codes):
        return codes
