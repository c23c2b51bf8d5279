"""Functions that numba compiles, and keeps on disk where it can.

A package in a read-only folder, a home that cannot be written, a full disk or a damaged file of the cache are no reason
to fail: the functions are compiled without the cache then, in each process, and one note says so.
"""

from __future__ import annotations

import logging
import threading

__all__ = ["compiled"]

logger = logging.getLogger("compress")
_lock, _said = threading.Lock(), set()


def compiled(**options):
    """Return a decorator that compiles a function without the interpreter lock.

    Parameters
    ----------
    **options
        Those of `numba.njit`.
    """
    from numba import njit  # a second of import, for those who compile

    def decorate(function):
        made = njit(nogil=True, **options)(function)
        if not hasattr(made, "enable_caching"):  # NUMBA_DISABLE_JIT: the function itself
            return made
        try:
            made.enable_caching()
            made._cache = TolerantCache(made._cache)
        except Exception as error:  # RuntimeError where no folder can be written
            _say(error)
        return made

    return decorate


class TolerantCache:
    """The cache of a compiled function, without its errors: what cannot be read is compiled anew.

    Parameters
    ----------
    cache : numba cache
        The cache of one function.
    """

    def __init__(self, cache):
        self._cache = cache

    def load_overload(self, sig, target_context):
        """Return the compiled code for a signature, or None where there is none that can be read."""
        try:
            return self._cache.load_overload(sig, target_context)
        except Exception as error:  # a damaged file raises what it happens to raise
            _say(error)
            self.flush()  # an empty index in place of the damaged one
            return None

    def save_overload(self, sig, data) -> None:
        """Keep the compiled code for a signature, if possible."""
        try:
            self._cache.save_overload(sig, data)
        except Exception as error:
            _say(error)

    def flush(self) -> None:
        """Forget what is kept, if possible."""
        try:
            self._cache.flush()
        except Exception as error:
            _say(error)

    def __getattr__(self, name):
        return getattr(self._cache, name)


def _say(error: Exception) -> None:
    """Say once in a process that code is not kept."""
    with _lock:
        if _said:
            return
        _said.add(True)
    logger.warning(
        "numba cannot use its cache of compiled code (%s: %s). All works without it, but functions are "
        "compiled for some seconds in each process. Set NUMBA_CACHE_DIR to a folder that can be written.",
        type(error).__name__,
        error,
    )
