"""Teachers from files: skops files, which name what they contain, or pickles, which have to be trusted."""

from __future__ import annotations

from pathlib import Path

from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from compress._version import install
from compress.cli._options import say
from compress.teachers import column_categories, column_names, is_fitted

__all__ = ["load_teacher"]

# Holders of plain numbers that estimators of these libraries are made of, beyond what skops itself trusts.
# Whole modules are never trusted: through a module's attributes a file could name any function.
TRUSTED = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)


class _OfArrays(BaseEstimator):
    """A teacher that was fitted on an array and is asked with DataFrames of the same columns."""

    def __init__(self, estimator):
        self.estimator = estimator
        if len(getattr(estimator, "classes_", ())):  # CatBoost's regressors have some, which are none
            self.classes_ = estimator.classes_

    def fit(self, X, y):
        """Return self, since the estimator is fitted."""
        return self

    def predict(self, X):
        """Return the estimator's predictions."""
        return self.estimator.predict(_numbers(X))

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, X):
        """Return the estimator's probabilities."""
        return self.estimator.predict_proba(_numbers(X))

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        try:
            return get_tags(self.estimator)
        except AttributeError:  # an object without tags is what its methods say
            return super().__sklearn_tags__()


def _numbers(X):
    return X.to_numpy() if hasattr(X, "to_numpy") else X


def load_teacher(args):
    """Return the fitted estimator of `args.teacher`.

    Raises
    ------
    FileNotFoundError, PermissionError, ValueError, TypeError
        The file does not exist, is not trusted, is damaged, or does not hold a fitted estimator.
    """
    path: Path = args.teacher
    if not path.is_file():
        raise FileNotFoundError(f"--teacher must be the file of a fitted estimator, got {path}, which is not a file.")
    if path.suffix == ".skops":
        teacher = _load_skops(path, args.trust)
    elif not args.trust_pickle:
        raise PermissionError(
            f"{path} is read as a pickle (joblib), which can run any code when loaded. If the file is your own, pass "
            "--trust-pickle; better, save the teacher with skops.io.dump(teacher, 'teacher.skops')."
        )
    else:
        teacher = _load_pickle(path)
    if not hasattr(teacher, "predict"):
        raise TypeError(f"{path} holds {type(teacher).__name__}, which is not an estimator: it has no predict.")
    if not is_fitted(teacher):
        raise ValueError(f"{path} holds an estimator that is not fitted: fit {type(teacher).__name__} first.")
    say(f"teacher: {type(teacher).__name__} from {path}")
    named = column_names(teacher) is not None or column_categories(teacher)
    return teacher if named else _OfArrays(teacher)


def _load_skops(path: Path, trust):
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(f"a .skops file needs the package 'skops': {install('cli')}") from error
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED) - set(trust))
        if not unknown:
            return skops.io.load(path, trusted=[*TRUSTED, *trust])
    except Exception as error:
        raise ValueError(f"{path} is not a skops file that can be read: {error}") from error
    raise PermissionError(
        f"{path} contains types that nobody has vouched for: {', '.join(unknown)}. If the file is from a source "
        f"that you trust, pass --trust {' '.join(unknown)}"
    )


def _load_pickle(path: Path):
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:
        raise ValueError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
