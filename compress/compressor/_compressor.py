"""The compressor: teacher, generator and student in one `fit`.

    (X, y) -> teacher -> MUNGE rows, labelled by the teacher -> student

All that is chosen (MUNGE's p and s, the student's shape) is chosen on validation rows: those passed to
`fit`, or a part of its rows, held out.

References
----------
Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import StrOptions

from compress.compressor._base import BaseCompressor
from compress.schema import classification_targets, regression_targets
from compress.students import StudentClassifier, StudentRegressor

__all__ = ["CompressedClassifier", "CompressedRegressor"]


class CompressedClassifier(ClassifierMixin, BaseCompressor):
    """A classifier compressed into a small net.

    Parameters
    ----------
    teacher : estimator, default=None
        What is to be compressed: any classifier with `predict_proba`, pipelines included. A fitted one
        is used as it is; an unfitted one is cloned and fitted. None: an `EnsembleTeacherClassifier`.
        `clone`, `cross_val_score` and `GridSearchCV` clone the teacher too, which then is fitted anew on
        their rows; wrap it in `sklearn.frozen.FrozenEstimator` to have it kept.
    generator : generator, default=None
        Makes the rows that the teacher labels; cloned and fitted on `X` (and `X_unlabeled`). None:
        `MUNGE(p, s)`.
    student : StudentClassifier, default=None
        Cloned. None: one hidden layer of 256 units.
    size_multiplier : float >= 1, default=100
        Rows of the transfer set, original ones included, as a multiple of the rows of `X`.
    labels : {"soft", "logits", "hard"}, default="soft"
        The teacher's probabilities, its logits (the student then has `objective="logits"`) or its
        most probable class, which needs `predict` only.
    labels_from : {"teacher", "cross_fit", "auto"}, default="teacher"
        Who labels: the teacher; or five clones of it, each fitted on four folds of the rows and labelling
        what is generated from the fifth, which it has not seen (five more fits; see
        `compress.transfer`); "auto" tries both with small students and takes the better on the
        validation rows.
    original_labels : {"teacher", "true", "out_of_fold"}, default="teacher"
        What the original rows are labelled with: the outputs of whoever labels the others, and the
        teacher is overconfident on rows that it was fitted on; the labels `y`; or the outputs of
        clones of the teacher fitted on the other folds of five (five more fits).
    p : "auto", float, sequence or mapping, default="auto"
        Of MUNGE; "auto" chooses the pair p and s that teaches small students best, judged on the
        validation rows (`compress.search.tune_munge`). Without effect when `generator` is given.
    s : float, sequence, mapping or None, default=None
        Of MUNGE, when p is given; None is its default.
    budget_bytes : float, default=None
        Largest saved student: the best shape within it is found.
    budget_us_per_row : float, default=None
        Most microseconds per row, 10,000 rows at a time, through `predictor()` in one thread.
    tolerance : float, default=None
        The smallest student is taken whose error is at most (1 + tolerance) times the teacher's.
    shapes : sequence of tuples of int, default=None
        The `hidden_layer_sizes` that a search with a budget or tolerance tries; None: ten, from a
        linear model to two layers of 256.
    validation_fraction : float in (0, 1), default=0.2
        Share of the rows held out while something is chosen and `fit` gets no `X_val`.
    keep_transfer_set : bool, default=False
        Keep `transfer_set_`.
    schema : None, mapping of column to kind, or Schema
        Which columns are nominal; see `compress.schema.Schema`. A generator, student or teacher that
        is given has its own.
    n_jobs : int, default=None
        Workers that generate and label; as in joblib, so that
        `joblib.parallel_config(backend="dask")` sends the blocks to a cluster. Rows and labels do
        not depend on it.
    verbose : int, default=0
        1 shows progress bars on a terminal.
    random_state : int, RandomState or None

    Attributes
    ----------
    teacher_ : fitted estimator
    generator_ : fitted generator, or None when no row was generated
    student_ : fitted student
    transfer_set_ : TransferSet
        With `keep_transfer_set=True`.
    munge_search_ : MungeSearch
        With p="auto": the pairs tried.
    labels_from_ : {"teacher", "cross_fit"}
    label_errors_ : dict
        With labels_from="auto": RMSE on the validation rows of a small student of either.
    budget_ : BudgetSearch
        With a budget or tolerance: the shapes tried, as a table and a plot.
    seconds_ : dict
        Seconds spent in each stage.
    n_features_in_ : int
    feature_names_in_ : array of str, for DataFrames
    classes_ : array of shape (n_classes,)
        The teacher's.

    References
    ----------
    Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from compress import CompressedClassifier, StudentClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(random_state=0)
    >>> student = StudentClassifier((16,), max_epochs=20)
    >>> model = CompressedClassifier(forest, student=student, size_multiplier=10, p=0.2, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (150, 3)
    >>> report = model.report(X, y, latency_rows=())
    >>> report.value("agreement") > 0.9
    True
    """

    _task = "classification"
    _student = StudentClassifier
    _parameter_constraints = {
        **BaseCompressor._parameter_constraints,
        "labels": [StrOptions({"soft", "logits", "hard"})],
    }

    def __init__(
        self,
        teacher=None,
        *,
        generator=None,
        student=None,
        size_multiplier=100,
        labels="soft",
        labels_from="teacher",
        original_labels="teacher",
        p="auto",
        s=None,
        budget_bytes=None,
        budget_us_per_row=None,
        tolerance=None,
        shapes=None,
        validation_fraction=0.2,
        keep_transfer_set=False,
        schema=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            teacher,
            generator=generator,
            student=student,
            size_multiplier=size_multiplier,
            labels_from=labels_from,
            original_labels=original_labels,
            p=p,
            s=s,
            budget_bytes=budget_bytes,
            budget_us_per_row=budget_us_per_row,
            tolerance=tolerance,
            shapes=shapes,
            validation_fraction=validation_fraction,
            keep_transfer_set=keep_transfer_set,
            schema=schema,
            n_jobs=n_jobs,
            verbose=verbose,
            random_state=random_state,
        )
        self.labels = labels

    @property
    def classes_(self):
        """The teacher's classes, in the order of the columns of `predict_proba`."""
        return self.student_.classes_

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities, float64 of shape (n_rows, n_classes), columns as in `classes_`."""
        return self._fitted_student().predict_proba(X)

    def _checked_target(self, y, n_rows):
        name = type(self).__name__
        classes, targets, hard = classification_targets(y, n_rows, name)
        if not hard:
            raise ValueError(
                f"{name}: y must be labels of shape (n_rows,), got shape {np.shape(y)}. "
                "Soft labels need no teacher: StudentClassifier().fit(X, soft)."
            )
        return np.asarray(classes)[targets.argmax(axis=1)], 1

    def _true_targets(self, y, classes, kind):
        hot = (np.asarray(y)[:, None] == np.asarray(classes)[None, :]).astype(np.float32)
        return np.log(np.maximum(hot, np.float32(1e-6))) if kind == "logits" else hot


class CompressedRegressor(RegressorMixin, MultiOutputMixin, BaseCompressor):
    """A regressor, of one or several targets, compressed into a small net.

    Parameters
    ----------
    teacher : estimator, default=None
        What is to be compressed: any regressor, pipelines included. A fitted one is used as it is; an
        unfitted one is cloned and fitted. None: an `EnsembleTeacherRegressor` (one per target). `clone`,
        `cross_val_score` and `GridSearchCV` clone the teacher too, which then is fitted anew on their
        rows; wrap it in `sklearn.frozen.FrozenEstimator` to have it kept.
    generator : generator, default=None
        Makes the rows that the teacher labels; cloned and fitted on `X` (and `X_unlabeled`). None:
        `MUNGE(p, s)`.
    student : StudentRegressor, default=None
        Cloned. None: one hidden layer of 256 units.
    size_multiplier : float >= 1, default=100
        Rows of the transfer set, original ones included, as a multiple of the rows of `X`.
    labels_from : {"teacher", "cross_fit", "auto"}, default="teacher"
        Who labels: the teacher; or five clones of it, each fitted on four folds of the rows and labelling
        what is generated from the fifth, which it has not seen (five more fits; see
        `compress.transfer`); "auto" tries both with small students and takes the better on the
        validation rows.
    original_labels : {"teacher", "true", "out_of_fold"}, default="teacher"
        What the original rows are labelled with: the outputs of whoever labels the others, and the
        teacher is overconfident on rows that it was fitted on; the labels `y`; or the outputs of
        clones of the teacher fitted on the other folds of five (five more fits).
    p : "auto", float, sequence or mapping, default="auto"
        Of MUNGE; "auto" chooses the pair p and s that teaches small students best, judged on the
        validation rows (`compress.search.tune_munge`). Without effect when `generator` is given.
    s : float, sequence, mapping or None, default=None
        Of MUNGE, when p is given; None is its default.
    budget_bytes : float, default=None
        Largest saved student: the best shape within it is found.
    budget_us_per_row : float, default=None
        Most microseconds per row, 10,000 rows at a time, through `predictor()` in one thread.
    tolerance : float, default=None
        The smallest student is taken whose error is at most (1 + tolerance) times the teacher's.
    shapes : sequence of tuples of int, default=None
        The `hidden_layer_sizes` that a search with a budget or tolerance tries; None: ten, from a
        linear model to two layers of 256.
    validation_fraction : float in (0, 1), default=0.2
        Share of the rows held out while something is chosen and `fit` gets no `X_val`.
    keep_transfer_set : bool, default=False
        Keep `transfer_set_`.
    schema : None, mapping of column to kind, or Schema
        Which columns are nominal; see `compress.schema.Schema`. A generator, student or teacher that
        is given has its own.
    n_jobs : int, default=None
        Workers that generate and label; as in joblib, so that
        `joblib.parallel_config(backend="dask")` sends the blocks to a cluster. Rows and labels do
        not depend on it.
    verbose : int, default=0
        1 shows progress bars on a terminal.
    random_state : int, RandomState or None

    Attributes
    ----------
    teacher_ : fitted estimator
    generator_ : fitted generator, or None when no row was generated
    student_ : fitted student
    transfer_set_ : TransferSet
        With `keep_transfer_set=True`.
    munge_search_ : MungeSearch
        With p="auto": the pairs tried.
    labels_from_ : {"teacher", "cross_fit"}
    label_errors_ : dict
        With labels_from="auto": RMSE on the validation rows of a small student of either.
    budget_ : BudgetSearch
        With a budget or tolerance: the shapes tried, as a table and a plot.
    seconds_ : dict
        Seconds spent in each stage.
    n_features_in_ : int
    feature_names_in_ : array of str, for DataFrames

    References
    ----------
    Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from compress import CompressedRegressor, StudentRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> forest = RandomForestRegressor(random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> student = StudentRegressor((16,), max_epochs=10)
    >>> model = CompressedRegressor(forest, student=student, size_multiplier=10, p=0.2, random_state=0).fit(X)
    >>> model.predict(X).shape
    (200,)
    """

    _task = "regression"
    _student = StudentRegressor
    labels = "soft"  # a regressor's values know no other kind

    def __init__(
        self,
        teacher=None,
        *,
        generator=None,
        student=None,
        size_multiplier=100,
        labels_from="teacher",
        original_labels="teacher",
        p="auto",
        s=None,
        budget_bytes=None,
        budget_us_per_row=None,
        tolerance=None,
        shapes=None,
        validation_fraction=0.2,
        keep_transfer_set=False,
        schema=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            teacher,
            generator=generator,
            student=student,
            size_multiplier=size_multiplier,
            labels_from=labels_from,
            original_labels=original_labels,
            p=p,
            s=s,
            budget_bytes=budget_bytes,
            budget_us_per_row=budget_us_per_row,
            tolerance=tolerance,
            shapes=shapes,
            validation_fraction=validation_fraction,
            keep_transfer_set=keep_transfer_set,
            schema=schema,
            n_jobs=n_jobs,
            verbose=verbose,
            random_state=random_state,
        )

    def _checked_target(self, y, n_rows):
        values, flat = regression_targets(y, n_rows, type(self).__name__)
        return (values[:, 0] if flat else values), values.shape[1]

    def _true_targets(self, y, classes, kind):
        return np.asarray(y, dtype=np.float32)
