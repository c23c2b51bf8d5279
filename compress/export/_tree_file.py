"""The trees of a student as they stand in its file: one tensor of bytes, and what is needed to read it."""

from __future__ import annotations

import numpy as np

from compress.trees import ensemble_to_bytes

__all__ = ["TENSOR", "tree_parts"]

TENSOR = "trees"


def tree_parts(student) -> tuple[dict, dict]:
    """Return what is said of a student's trees, and the tensors by their names."""
    described, content = ensemble_to_bytes(student.trees_)
    unit = {"mean": student.objective_.mean, "scale": student.objective_.scale}
    return {"trees": described, "unit": {name: part.tolist() for name, part in unit.items()}}, {
        TENSOR: np.frombuffer(content, dtype=np.uint8)
    }
