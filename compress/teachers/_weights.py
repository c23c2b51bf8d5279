"""Weights of rows on their way to a teacher's `fit`, with scikit-learn's metadata routing switched on or off."""

from __future__ import annotations

import inspect

from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

__all__ = ["takes_weights", "weight_name"]


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
    last, prefix = _last_step(teacher)
    if not takes_weights(last):
        raise ValueError(
            f"sample_weight is for the teacher, but fit of {type(last).__name__} takes none. "
            "Use another teacher, or repeat rows instead of weighting them."
        )
    if not get_config().get("enable_metadata_routing"):
        return prefix + "sample_weight"
    _request_weights(teacher)
    return "sample_weight"


def takes_weights(teacher) -> bool:
    """Return whether the `fit` of a teacher, or of the last step of a pipeline, takes sample weights.

    Parameters
    ----------
    teacher : estimator
        The teacher. A `fit` that takes any parameters by their names, as that of a grid search, passes them on.
    """
    last, _ = _last_step(teacher)
    passes_on = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(last.fit).parameters.values())
    return passes_on or has_fit_parameter(last, "sample_weight")


def _last_step(teacher):
    """Return the last step of nested pipelines, and the prefix of its parameters."""
    prefix = ""
    while isinstance(teacher, Pipeline):
        name, teacher = teacher.steps[-1]
        prefix += f"{name}__"
    return teacher, prefix


def _request_weights(teacher) -> None:
    parts = teacher.get_params(deep=True).values() if hasattr(teacher, "get_params") else ()
    for part in parts:
        if isinstance(part, type) or not hasattr(part, "get_metadata_routing"):
            continue
        wanted = is_classifier(part) or is_regressor(part)
        for method in ("fit", "score"):  # what a grid search counts in fit, it counts in its scores
            asked = getattr(getattr(part.get_metadata_routing(), method, None), "requests", {})
            if asked.get("sample_weight", False) is None and hasattr(part, f"set_{method}_request"):
                getattr(part, f"set_{method}_request")(sample_weight=wanted)
