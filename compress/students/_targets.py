"""What `y` means to a student: labels, soft labels, values or a transfer set, turned into targets.

The classes have the same methods, `of_labels`, `of_validation` and `of_answers`, so that classifiers and
regressors have one `fit`. What a student remembers of its labels is returned as a dict of attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compress.schema import class_codes, classification_targets, learning_weights, regression_targets, same_classes
from compress.transfer import as_probabilities

__all__ = ["ClassTargets", "ValueTargets", "output_activation"]


def output_activation(n_classes: int | None) -> str:
    """Return the activation from a net's outputs to predictions, for a number of classes or for values (None)."""
    return "identity" if n_classes is None else "sigmoid" if n_classes == 2 else "softmax"


@dataclass(frozen=True)
class ClassTargets:
    """Class probabilities as targets, with hard labels as one-hot rows.

    Parameters
    ----------
    name : str
        The name of the estimator, for error messages.
    objective : str, default="soft_targets"
        The objective of the student; "logits" needs soft targets.
    class_weight : dict, "balanced" or None, default=None
        The weights of the classes, as in scikit-learn; they need hard labels.
    """

    name: str
    objective: str = "soft_targets"
    class_weight: object = None

    def of_labels(self, y, X, sample_weight, classes):
        """Return targets of shape (n_rows, n_classes), weights or None, and attributes."""
        classes, targets, hard = classification_targets(y, len(X), self.name, classes)
        if self.objective == "logits" and hard:
            raise ValueError(
                "objective='logits' needs soft targets (a TransferSet, or y of shape (n_rows, n_classes)), "
                "got hard labels. Use objective='soft_targets' for them."
            )
        if self.class_weight is not None and not hard:
            raise ValueError("class_weight needs hard labels, got soft ones. Use sample_weight, or class_weight=None.")
        weight = learning_weights(sample_weight, X, self.class_weight, y if hard else None)
        return targets, weight, {"classes_": classes}

    def of_validation(self, y, n_rows: int, n_columns: int, classes) -> np.ndarray:
        """Return the targets of validation rows."""
        return classification_targets(y, n_rows, f"{self.name}, y_val", classes)[1]

    def of_answers(self, data, targets, classes):
        """Return the targets of answers of a transfer set, in memory or in parts, and attributes."""
        if data.kind == "values":
            raise ValueError(f"the TransferSet holds regression values: use {_of_family(self.name)}StudentRegressor.")
        if self.class_weight is not None:
            raise ValueError("class_weight needs hard labels, got a TransferSet. Use its sample_weight.")
        probabilities = as_probabilities(data.kind, targets)
        if classes is None:
            return probabilities, {"classes_": np.asarray(data.classes)}
        if not same_classes(classes, data.classes):
            raise ValueError(f"the TransferSet has the classes {list(data.classes)}, the student {list(classes)}.")
        order = class_codes(classes, data.classes, "classes")
        return np.ascontiguousarray(probabilities[:, order]), {"classes_": np.asarray(classes)}


@dataclass(frozen=True)
class ValueTargets:
    """Values as targets, float64: their mean is subtracted before they become float32.

    Parameters
    ----------
    name : str
        The name of the estimator, for error messages.
    """

    name: str

    def of_labels(self, y, X, sample_weight, classes):
        """Return targets of shape (n_rows, n_outputs), weights or None, and attributes."""
        targets, flat = regression_targets(y, len(X), self.name)
        return targets, learning_weights(sample_weight, X), {"outputs_2d_": not flat}

    def of_validation(self, y, n_rows: int, n_columns: int, classes) -> np.ndarray:
        """Return the targets of validation rows."""
        targets, _ = regression_targets(y, n_rows, self.name)
        if targets.shape[1] != n_columns:
            raise ValueError(f"y_val must have as many outputs as y, {n_columns}, got {targets.shape[1]}.")
        return targets

    def of_answers(self, data, targets, classes):
        """Return the targets of answers of a transfer set, in memory or in parts, and attributes."""
        if data.kind != "values":
            raise ValueError(
                f"the TransferSet holds {data.kind} of a classifier: use {_of_family(self.name)}StudentClassifier."
            )
        targets = np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
        return targets, {"outputs_2d_": targets.shape[1] > 1}


def _of_family(name: str) -> str:
    """Return the first word of the students of an estimator's family."""
    return "Tree" if name.startswith("Tree") else ""
