"""What a fitted student is for: predicting, being saved, being exported."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from compress.export import FEW_ROWS, NumpyPredictor, all_finite
from compress.schema import checked_table
from compress.students._file import save_student, student_to_bytes

__all__ = ["ServedStudent"]


class ServedStudent:
    """Mixin over `module_`, `schema_` and `objective_`, which `fit` leaves behind."""

    def predictor(self, dtype=np.float32) -> NumpyPredictor:
        """A picklable NumPy callable without validation, for hot paths; see `NumpyPredictor`."""
        check_is_fitted(self, "module_")
        return NumpyPredictor(self.module_, self.schema_, self.objective_.link, dtype)

    def to_bytes(self) -> bytes:
        """The saved student: safetensors weights with the rest as JSON in their metadata."""
        check_is_fitted(self, "module_")
        return student_to_bytes(self)

    def save(self, path) -> None:
        """Write the student to one file, which `compress.load_student` reads without unpickling."""
        check_is_fitted(self, "module_")
        save_student(self, path)

    def to_onnx(self, path, *, precision="float32", X=None, check=True):
        """Write an ONNX model with the preprocessing inside; see `compress.export.to_onnx`."""
        check_is_fitted(self, "module_")
        from compress.export import to_onnx

        return to_onnx(self, path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write a C file and its header, free of dependencies; see `compress.export.to_c`."""
        check_is_fitted(self, "module_")
        from compress.export import to_c

        return to_c(self, path, name=name)

    def _predictions(self, X) -> np.ndarray:
        if self._is_plain(X):
            return self._predictor.from_encoded(X.astype(self.schema_.dtype_, copy=False), None)
        check_is_fitted(self, "module_")
        table = checked_table(self, X, reset=False)
        encoded = self._predictor.quickly_encoded(table) if len(table) <= FEW_ROWS else None
        if encoded is None or np.isinf(encoded[0]).any():
            encoded = self.schema_.encode(table, unseen="missing")
        return self._predictor.from_encoded(*encoded)

    def _is_plain(self, X) -> bool:
        """Whether the checks, which take many times longer than a row's prediction, would find nothing."""
        return (
            "module_" in vars(self)
            and type(X) is np.ndarray
            and X.dtype.char in "fd"
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in vars(self)
            and getattr(self._predictor, "plain", False)
            and all_finite(X)
        )

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_predictor", None)  # made again from the module: no need to store the weights twice
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "module_"):
            self._predictor = self.predictor(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
