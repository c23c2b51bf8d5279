"""The families of students: what kind of small model one is, as a key and in words."""

from __future__ import annotations

import numpy as np

from compress.students._encodings import PeriodicEncoding

__all__ = ["FAMILIES", "described", "family_of"]

FAMILIES = ("net", "net-cuts", "additive", "trees")


def family_of(student) -> str:
    """Return the family of a student, fitted or not.

    Parameters
    ----------
    student : StudentClassifier, TreeStudentClassifier, or their regressors
        The student.

    Returns
    -------
    {"net", "net-cuts", "additive", "trees"}
        "net" has no cuts of the columns (it may have a periodic embedding), "net-cuts" has them, "additive" has them
        and no hidden layer, and "trees" are boosted.

    Examples
    --------
    >>> from compress import StudentClassifier, TreeStudentClassifier
    >>> from compress.students import PiecewiseLinearEncoding, family_of
    >>> family_of(TreeStudentClassifier()), family_of(StudentClassifier((), encoding=PiecewiseLinearEncoding()))
    ('trees', 'additive')
    """
    if hasattr(student, "max_leaf_nodes"):
        return "trees"
    if getattr(student, "encoding", None) is None or isinstance(student.encoding, PeriodicEncoding):
        return "net"
    return "net-cuts" if np.size(student.hidden_layer_sizes) else "additive"


def described(student) -> str:
    """Return a fitted student in words, such as "a net with 256 hidden units".

    Parameters
    ----------
    student : fitted StudentClassifier, TreeStudentClassifier, or their regressors
        The student.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import StudentClassifier
    >>> from compress.students import described
    >>> described(StudentClassifier((4,), max_epochs=1).fit(np.eye(4), [0, 0, 1, 1]))
    'a net with 4 hidden units'
    """
    family = family_of(student)
    if family == "trees":
        return f"{student.n_iter_:,} rounds of boosted trees of up to {student.max_leaf_nodes} leaves"
    if not hasattr(student, "hidden_layer_sizes"):
        return "a net of your own"
    sizes = " x ".join(str(size) for size in np.atleast_1d(student.hidden_layer_sizes))
    if family == "additive":
        return "an additive model with cuts of the columns"
    kind = "a net with cuts of the columns and" if family == "net-cuts" else "a net with"
    return f"{kind} {sizes} hidden units" if sizes else "a linear model"
