"""A teacher's answers as columns of a table: what `label` and `predict` write, and `fit --taught` reads."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["answers_frame", "split_answers"]

ANSWER, VALUE = "probability_", "prediction"  # columns of a teacher's answers


def answers_frame(targets: np.ndarray, classes):
    """Return answers as columns: probability_CLASS, or prediction (prediction_0, ... for several)."""
    if classes is not None:
        return pd.DataFrame(targets, columns=[f"{ANSWER}{c}" for c in classes])
    if targets.ndim == 1:
        return pd.DataFrame({VALUE: targets})
    return pd.DataFrame(targets, columns=[f"{VALUE}_{i}" for i in range(targets.shape[1])])


def split_answers(frame, path):
    """Return the names of the answers' columns, targets, and classes or None of a table that `label` wrote."""
    columns = [name for name in frame.columns if str(name).startswith(ANSWER)]
    if columns:
        names = [name[len(ANSWER) :] for name in columns]
        classes = np.array(names)
        try:
            classes = np.array([int(name) for name in names])
        except ValueError:
            if set(names) == {"False", "True"}:
                classes = classes == "True"
        return columns, frame[columns].to_numpy(dtype=np.float32), classes
    columns = [name for name in frame.columns if name == VALUE or str(name).startswith(f"{VALUE}_")]
    if not columns:
        raise ValueError(
            f"{path} has no column {ANSWER}... or {VALUE}: it is not a table with a teacher's answers. "
            "Make one with `python -m compress label`."
        )
    targets = frame[columns].to_numpy(dtype=np.float64)  # values are centred before they become float32
    return columns, targets[:, 0] if len(columns) == 1 else targets, None
