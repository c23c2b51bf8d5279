"""Parameters that have moved: an error that names the new place, in place of Python's own."""

from __future__ import annotations

import functools

__all__ = ["moved"]


def moved(**places: str):
    """Return a decorator that makes a class raise a TypeError, with the new place, for parameters that have moved.

    Parameters
    ----------
    **places : str
        For each parameter that no longer exists, what to write instead, such as `p="generator=MUNGE(p=...)"`.

    Examples
    --------
    >>> @moved(size="shape=(size,)")
    ... class Box:
    ...     def __init__(self, shape=(1,)):
    ...         self.shape = shape
    >>> Box(size=3)
    Traceback (most recent call last):
    ...
    TypeError: Box has no parameter 'size' any more: use shape=(size,).
    """

    def decorate(cls):
        init = cls.__init__

        @functools.wraps(init)
        def __init__(self, *args, **kwargs):
            for name in kwargs:
                if name in places:
                    raise TypeError(f"{type(self).__name__} has no parameter {name!r} any more: use {places[name]}.")
            init(self, *args, **kwargs)

        cls.__init__ = __init__
        return cls

    return decorate
