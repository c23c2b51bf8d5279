"""The limits of a student, as users state them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

__all__ = ["SHAPES", "Budget", "within"]

SHAPES = ((), (4,), (8,), (16,), (32,), (64,), (128,), (256,), (512,), (256, 256))


@dataclass(frozen=True)
class Budget:
    """What a student may cost, and how near to its teacher it has to be; at least one of three limits.

    Parameters
    ----------
    bytes : float, positive, optional
        The largest size of a saved student.
    us_per_row : float, positive, optional
        The largest number of microseconds per row, 10,000 rows at a time, through `predictor()` in one thread.
    tolerance : float, at least 0, optional
        The smallest student is chosen whose error is at most (1 + tolerance) times the teacher's; 0.01 is 1 %.
    shapes : sequence of tuples of int, optional
        The `hidden_layer_sizes` to try; by default ten, from a linear model to two layers of 256.

    Raises
    ------
    ValueError
        No limit is given, or a number is out of its range.

    Examples
    --------
    >>> Budget(bytes=20_000, shapes=[(8,), (32,)])
    Budget(bytes=20000, us_per_row=None, tolerance=None, shapes=((8,), (32,)))
    """

    bytes: float | None = None
    us_per_row: float | None = None
    tolerance: float | None = None
    shapes: Sequence[tuple] = SHAPES

    def __post_init__(self):
        for name in ("bytes", "us_per_row"):
            limit = getattr(self, name)
            if limit is not None and not (isinstance(limit, Real) and limit > 0):
                raise ValueError(f"{name} must be a positive number or None, got {limit!r}.")
        if self.tolerance is not None and not (isinstance(self.tolerance, Real) and self.tolerance >= 0):
            raise ValueError(f"tolerance must be a number of at least 0 or None, got {self.tolerance!r}.")
        if self.bytes is None and self.us_per_row is None and self.tolerance is None:
            raise ValueError(
                "Budget must have a limit, bytes, us_per_row or tolerance, got none. "
                "Without a limit nothing is searched: pass budget=None and the student's hidden_layer_sizes."
            )
        shapes = tuple(tuple(int(size) for size in np.atleast_1d(shape)) for shape in self.shapes)
        if not shapes or min((size for shape in shapes for size in shape), default=1) < 1:
            raise ValueError(f"shapes must hold at least one tuple of positive integers, got {self.shapes!r}.")
        object.__setattr__(self, "shapes", shapes)


def within(student, budget: Budget | None):
    """Return a fitted student whose trees are cut to the budget in bytes; nets keep it by their shape.

    Parameters
    ----------
    student : fitted student
        The student; it is not changed.
    budget : Budget or None
        The limits, of which only the bytes matter.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import Budget, TreeStudentClassifier
    >>> from compress.search import within
    >>> X = np.arange(40.0)[:, None]
    >>> trees = TreeStudentClassifier(4, max_iter=20, early_stopping=False).fit(X, X[:, 0] > 20)
    >>> len(within(trees, Budget(bytes=1000)).to_bytes()) <= 1000
    True
    """
    if budget is None or budget.bytes is None or not hasattr(student, "truncated"):
        return student
    while len(student.to_bytes()) > budget.bytes and student.n_iter_ > 1:
        student = student.truncated(student.n_iter_ - 1)
    return student
