"""The compressor of regressors."""

from __future__ import annotations

from sklearn.base import MultiOutputMixin, RegressorMixin

from compress.compressor._base import MOVED, BaseCompressor
from compress.schema import moved
from compress.students import StudentRegressor

__all__ = ["CompressedRegressor"]


@moved(**MOVED)
class CompressedRegressor(RegressorMixin, MultiOutputMixin, BaseCompressor):
    """A regressor, of one or several targets, compressed into a small net or a few trees.

    Parameters
    ----------
    teacher : estimator, default=None
        The model to compress: any regressor, pipelines included. A fitted one is used as it is; an unfitted one is
        cloned and fitted. None takes an `EnsembleTeacherRegressor` (one per target). `clone`, `cross_val_score` and
        `GridSearchCV` clone the teacher too, which is then fitted again on their rows; wrap it in
        `sklearn.frozen.FrozenEstimator` to keep it.
    generator : generator, default=None
        The generator of the rows that the teacher labels, for instance `MUNGE(p=0.2)`; it is cloned and fitted on `X`
        (and `X_unlabeled`). None takes MUNGE with the pair p and s that teaches small students best, chosen on held-out
        rows (`compress.search.tune_munge`).
    student : {"auto", "net", "net-cuts", "additive", "trees"} or student, default="auto"
        The student to teach. "auto" lets about seven small models of all families compete on held-out rows: plain nets,
        nets with cuts of the columns (`PiecewiseLinearEncoding`), an additive model and boosted trees, each taught and
        each fitted to the original rows alone. The smallest is taken whose error is within one standard error of the
        best; within a `budget`, the best. The name of a family restricts the choice to it. A student that is given,
        a net or trees of `compress.students`, is cloned and taken as it is.
    size_multiplier : float >= 1, default=100
        The number of rows of the transfer set, original ones included, as a multiple of the number of rows of `X`.
    labels_from : {"teacher", "cross_fit", "auto"}, default="teacher"
        Who labels the rows. "cross_fit" takes five clones of the teacher, each fitted on four folds of the rows and
        labelling what is generated from the fifth, which it has not seen (five more fits; see `compress.transfer`).
        "auto" tries both with small students and takes the better one on the validation rows.
    original_labels : {"teacher", "true", "out_of_fold"}, default="teacher"
        What the original rows are labelled with. "teacher" takes the outputs of whoever labels the others, although a
        teacher is overconfident on rows that it was fitted on; "true" takes the labels `y`; "out_of_fold" takes the
        outputs of clones of the teacher fitted on the other folds of five (five more fits).
    budget : Budget, default=None
        What the student may cost. The best candidate within it is chosen on held-out rows, or, when a net is given as
        `student`, its best shape.
    validation_fraction : float in (0, 1), default=0.2
        The share of the rows that is held out while something is chosen and `fit` gets no `X_val`.
    keep_transfer_set : bool, default=False
        Whether the transfer set is kept in `transfer_set_`.
    schema : None, mapping of column to kind, or Schema, default=None
        Which columns are nominal; see `compress.schema.Schema`. Generator and student get it unless they have a schema
        of their own; a teacher that is given has its own encoding.
    time_limit : float, optional
        The seconds that `fit` may take. Trials, labelled rows and passes of the student shrink to fit, and `left_out_`
        and a warning say what was left out. The training of a teacher that is not fitted cannot be shortened.
    cache : str or path, optional
        A folder in which generated rows and the teacher's answers are kept, in shards (see `TransferSet.write`) where
        pyarrow is installed, so that a `fit` that was interrupted goes on where it stopped. It needs the same rows and
        an integer `random_state`. The folder may be removed after the fit.
    n_jobs : int, default=None
        The number of parallel joblib workers that generate and label; `joblib.parallel_config(backend="dask")` sends
        the blocks to a cluster. Rows and labels do not depend on it.
    verbose : int, default=0
        1 says what is planned, with an estimate of its time, and each stage with its result; on a terminal it shows
        progress bars, too. 2 says more. The lines go to the logger `compress`, or to stderr where logging is not set
        up.
    random_state : int, RandomState or None, default=None
        The source of the held-out rows and of all seeds that teacher, generator and student do not have; an int makes
        the result reproducible.

    Attributes
    ----------
    teacher_ : fitted estimator
        The teacher: the given one if it was fitted, else a fitted clone.
    generator_ : fitted generator or None
        The generator, fitted on all real rows; None when no row was generated.
    student_ : fitted student
        The student, which makes the predictions.
    transfer_set_ : TransferSet
        The rows and targets that the student learned from; it exists only with `keep_transfer_set=True`.
    munge_search_ : MungeSearch
        The pairs of p and s that were tried; it exists only with `generator=None`.
    labels_from_ : {"teacher", "cross_fit"}
        Who labelled the rows.
    label_errors_ : dict
        The RMSE on the validation rows of a small student of each source of labels; it exists only with
        `labels_from="auto"`.
    candidates_ : StudentSearch
        The small models that competed, with their bytes, speed and errors, taught and untaught, as a table and a plot;
        it exists only when the student was chosen.
    untaught_ : fitted student or None
        The same model fitted on the original rows alone, with which `report` compares the student; `student_` itself
        when that was better. None without labels; it exists only when the student was chosen.
    budget_ : BudgetSearch
        The shapes that were tried, as a table and a plot; it exists only with a budget and a student that was given.
    left_out_ : list of str
        What was left out for `time_limit`; empty when nothing was.
    seconds_ : dict
        The seconds spent in each stage.
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
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from compress import MUNGE, CompressedRegressor, StudentRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> forest = RandomForestRegressor(random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> student = StudentRegressor((16,), max_epochs=10)
    >>> munge = MUNGE(p=0.2)
    >>> model = CompressedRegressor(forest, generator=munge, student=student, size_multiplier=10, random_state=0)
    >>> model = model.fit(X)
    >>> model.predict(X).shape
    (200,)
    """

    _task = "regression"
    _student = StudentRegressor
    labels = "soft"  # the values of a regressor have one kind only
