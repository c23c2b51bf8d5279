"""Values that change while a student learns: learning rates, temperatures that anneal, weights that rise or decay.

A schedule is called with the progress of the training, from 0 to 1, and gives the value there. Plain
numbers are constant schedules. Annealing the temperature is an idea by analogy with simulated annealing,
not of Hinton et al., who keep it constant; the losses follow with `T(t)**2`, without which the
soft term would lose its weight as `T` falls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

__all__ = ["LEARNING_RATE_SCHEDULES", "SHAPES", "Schedule", "check_range", "learning_rate_factor", "value_at"]

SHAPES = ("constant", "linear", "exponential", "cosine", "step")
LEARNING_RATE_SCHEDULES = ("constant", "cosine", "linear")


@dataclass(frozen=True)
class Schedule:
    """From `start` to `end` while the progress goes from 0 to `until`, and `end` from there on.

    Parameters
    ----------
    start, end : float
        Values at the two ends. "exponential" needs both positive; "constant" knows `start` only.
    shape : {"constant", "linear", "exponential", "cosine", "step"}, default="linear"
        - "linear": `start + (end - start) x` at the share `x` of the way;
        - "exponential": `start * (end / start) ** x`, the same factor at each step;
        - "cosine": half a period of a cosine, slow at both ends;
        - "step": `start` before `until`, `end` from there on.
    until : float in (0, 1], default=1.0
        Share of the training at which `end` is reached.

    Examples
    --------
    >>> anneal = Schedule(16.0, 1.0, "exponential")
    >>> [anneal(progress) for progress in (0.0, 0.5, 1.0)]
    [16.0, 4.0, 1.0]
    """

    start: float
    end: float | None = None
    shape: str = "linear"
    until: float = 1.0

    def __post_init__(self):
        if self.shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {self.shape!r}.")
        if self.end is None and self.shape != "constant":
            raise ValueError(
                f"end must be given for shape={self.shape!r}, got None. Use shape='constant' for one value."
            )
        if not 0 < self.until <= 1:
            raise ValueError(f"until must lie in (0, 1], got {self.until}.")
        if not all(math.isfinite(value) for value in self._ends()):
            raise ValueError(f"start and end must be finite, got {self.start} and {self.end}.")
        if self.shape == "exponential" and min(self._ends()) <= 0:
            raise ValueError(
                f"start and end must be positive for shape='exponential', got {self.start} and {self.end}. "
                "Use shape='linear' to reach 0."
            )

    def __call__(self, progress: float) -> float:
        """The value at `progress`, a float in [0, 1]."""
        if self.shape == "constant":
            return self.start
        x = min(progress / self.until, 1.0)
        if self.shape == "step":
            return self.end if x >= 1.0 else self.start
        if self.shape == "linear":
            return self.start + (self.end - self.start) * x
        if self.shape == "exponential":
            return self.start * (self.end / self.start) ** x
        return self.end + (self.start - self.end) * 0.5 * (1 + math.cos(math.pi * x))

    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value: every shape is monotone."""
        return min(self._ends()), max(self._ends())

    def _ends(self) -> tuple[float, float]:
        return (self.start, self.start) if self.shape == "constant" else (self.start, self.end)


def learning_rate_factor(schedule: str) -> Schedule:
    """The share of the initial learning rate, over the training: 1 throughout, or from 1 down to 0.

    Parameters
    ----------
    schedule : {"constant", "cosine", "linear"}
        How the share goes down; "constant" does not.
    """
    return Schedule(1.0, None if schedule == "constant" else 0.0, schedule)


def value_at(value: float | Schedule, progress: float) -> float:
    """A number as it is, a schedule at `progress`.

    Parameters
    ----------
    value : float, Schedule or callable(progress) -> float
        What may change during the training.
    progress : float in [0, 1]
        The share of the training that is done.

    Examples
    --------
    >>> from compress.training import Schedule, value_at
    >>> value_at(4.0, 0.5), value_at(Schedule(20.0, 1.0), 0.5)
    (4.0, 10.5)
    """
    return value(progress) if callable(value) else value


def check_range(name: str, value, low: float, high: float, rule: str, *, open_low: bool = False) -> None:
    """Raise unless a number, or all of a schedule, lies between two bounds.

    Parameters
    ----------
    name : str
        The parameter, for the error.
    value : float, Schedule or callable
        What is checked. A callable of the user's own cannot be looked through: the losses check what it returns.
    low, high : float
        The bounds.
    rule : str
        The middle of the message, such as "be positive".
    open_low : bool, default=False
        Whether the lower bound itself is out of range.

    Raises
    ------
    TypeError, ValueError
        The value is not a number or a schedule, or is out of its range.

    Examples
    --------
    >>> from compress.training import Schedule, check_range
    >>> check_range("temperature", Schedule(20.0, 1.0), 0, float("inf"), "be positive", open_low=True)
    >>> check_range("temperature", -1.0, 0, float("inf"), "be positive", open_low=True)
    Traceback (most recent call last):
        ...
    ValueError: temperature must be positive, got -1.0.
    """
    if callable(value) and not isinstance(value, Schedule):
        return
    if not isinstance(value, Schedule | Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number or a Schedule, got {value!r}.")
    smallest, largest = value.bounds() if isinstance(value, Schedule) else (value, value)
    inside = (smallest > low if open_low else smallest >= low) and largest <= high
    if not inside:  # NaN is not inside either
        raise ValueError(f"{name} must {rule}, got {value!r}.")
