"""The clock that losses are given, and a watched one that tells whether a loss looks at it.

A captured step is the same at every replay: a loss whose temperature or weights follow the clock must not be
captured. Whether it does is seen by handing it numbers that remember being used.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

__all__ = ["Clock", "WatchedClock"]


@dataclass(frozen=True)
class Clock:
    """Where a training stands.

    Parameters
    ----------
    epoch, step : int
        The numbers of the epoch and of the step, from 0; steps are counted over all epochs.
    progress : float in [0, 1)
        The share of the whole run that is done.

    Examples
    --------
    >>> from compress.training import Clock, Schedule
    >>> clock = Clock(epoch=5, step=500, progress=0.5)
    >>> Schedule(20.0, 1.0)(clock.progress)
    10.5
    """

    epoch: int
    step: int
    progress: float


class WatchedClock:
    """A clock whose numbers remember being used.

    Handing one of them on does not count: `value_at(4.0, clock.progress)` is 4.0 whatever the progress is. Any
    arithmetic, comparison or conversion does.

    Attributes
    ----------
    epoch, step, progress : numbers
        Those of the clock.
    used : bool
        Whether a result may depend on one of them.
    """

    def __init__(self, clock: Clock):
        self.used = False
        self.epoch = _Watched(clock.epoch, self)
        self.step = _Watched(clock.step, self)
        self.progress = _Watched(clock.progress, self)


class _Watched:
    """A number that is not a float, so that C code, too, must ask for its value."""

    __slots__ = ("_value", "_clock")
    __hash__ = None

    def __init__(self, value, clock: WatchedClock):
        self._value, self._clock = value, clock

    def _seen(self):
        self._clock.used = True
        return self._value


def _plain(other):
    return other._seen() if isinstance(other, _Watched) else other


def _binary(function):
    return lambda self, other: function(self._seen(), _plain(other))


def _reflected(function):
    return lambda self, other: function(_plain(other), self._seen())


def _unary(function):
    return lambda self, *more: function(self._seen(), *more)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(_Watched, f"__{_name}__", _binary(getattr(operator, _name)))
    setattr(_Watched, f"__r{_name}__", _reflected(getattr(operator, _name)))
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    setattr(_Watched, f"__{_name}__", _binary(getattr(operator, _name)))
for _name, _function in {
    "neg": operator.neg,
    "pos": operator.pos,
    "abs": abs,
    "float": float,
    "int": int,
    "index": operator.index,
    "bool": bool,
    "round": round,
    "str": str,
    "repr": repr,
    "format": format,
}.items():
    setattr(_Watched, f"__{_name}__", _unary(_function))
