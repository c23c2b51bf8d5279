"""A teacher whose answers are kept in a folder, so that an interrupted work need not ask again."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import numpy as np

from compress._files import write_atomically
from compress.teachers import probability_columns, task_of
from compress.transfer._fingerprint import fingerprint

__all__ = ["remembering"]


def remembering(teacher, directory, classes=None):
    """A stand-in for a fitted teacher that keeps each answer in a file and looks there first.

    Parameters
    ----------
    teacher : fitted estimator
        The one who is asked for what is not there. Its answers are told apart by a hash of the whole teacher.
    directory : str, path or None
        The folder, made if need be; None gives the teacher back as it is. The files hold numbers only and no pickle.

    classes : array of shape (n_classes,), optional
        The label of each column of a classifier's answers, which the stand-in keeps to in this order.

    Returns
    -------
    object with `predict`, and with `predict_proba` and `classes_` where the teacher has them

    Raises
    ------
    TypeError
        The teacher holds something that cannot be taken apart, so that it has no fingerprint.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.transfer import remembering
    >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(remembering(tree, folder).predict_proba([[0.9]]))
    ...
    [[0. 1.]]
    """
    if directory is None:
        return teacher
    if task_of(teacher) == "classification":
        return _RememberingClassifier(teacher, directory, classes)
    return _Remembering(teacher, directory)


class _Remembering:
    def __init__(self, teacher, directory):
        self._teacher, self._directory = teacher, Path(directory)
        self._fingerprint = fingerprint(teacher, "the teacher of a compressor with cache=")
        self._directory.mkdir(parents=True, exist_ok=True)

    def _answer(self, method: str, X) -> np.ndarray:
        path = self._directory / f"{joblib.hash((self._fingerprint, method, X))}.npy"
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):  # not there, or damaged: asked again
            answer = self._asked(method, X)
        if answer.dtype.kind not in "OV":  # labels of objects would need a pickle
            content = io.BytesIO()
            np.save(content, answer, allow_pickle=False)
            write_atomically(path, content.getvalue())
        return answer

    def _asked(self, method: str, X) -> np.ndarray:
        return np.asarray(getattr(self._teacher, method)(X))

    def predict(self, X) -> np.ndarray:
        """See the teacher's."""
        return self._answer("predict", X)


class _RememberingClassifier(_Remembering):
    def __init__(self, teacher, directory, classes):
        super().__init__(teacher, directory)
        if classes is not None:
            self.classes_ = classes

    def _asked(self, method: str, X) -> np.ndarray:
        if method == "predict":
            return super()._asked(method, X)
        return probability_columns(self._teacher, self._teacher.predict_proba(X), getattr(self, "classes_", None))

    def __getattr__(self, name):
        if name == "predict_proba" and hasattr(self._teacher, "predict_proba"):
            return lambda X: self._answer("predict_proba", X)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
