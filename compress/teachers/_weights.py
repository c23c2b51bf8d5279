"""Weights of rows on their way to a teacher's `fit`, with scikit-learn's metadata routing switched on or off."""

from __future__ import annotations

from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

__all__ = ["weight_name"]


def weight_name(teacher) -> str:
    """Return the name under which `teacher.fit` takes sample weights; a pipeline passes them to its last step.

    With metadata routing switched on, the parts of a pipeline that do not say whether they want weights are told:
    those that predict want them, the others do not.

    Parameters
    ----------
    teacher : estimator
        The clone of the teacher that is to be fitted; requests are set on its parts.

    Raises
    ------
    ValueError
        The `fit` of the teacher takes no weights.
    """
    last, prefix = teacher, ""
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    if not has_fit_parameter(last, "sample_weight"):
        raise ValueError(
            f"sample_weight is for the teacher, but fit of {type(last).__name__} takes none. "
            "Use another teacher, or repeat rows instead of weighting them."
        )
    if not get_config().get("enable_metadata_routing"):
        return prefix + "sample_weight"
    _request_weights(teacher)
    return "sample_weight"


def _request_weights(teacher) -> None:
    parts = teacher.get_params(deep=True).values() if hasattr(teacher, "get_params") else ()
    for part in parts:
        if hasattr(part, "get_metadata_routing") and not isinstance(part, type):
            asked = getattr(part.get_metadata_routing(), "fit", None)
            unset = asked is not None and asked.requests.get("sample_weight", False) is None
            if unset and hasattr(part, "set_fit_request"):
                part.set_fit_request(sample_weight=is_classifier(part) or is_regressor(part))
