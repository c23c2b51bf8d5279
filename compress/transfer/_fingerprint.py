"""Fingerprints: a short text that two objects share exactly when they hold the same.

`joblib.hash` and pickles differ between a forest and the same forest loaded from a file: the padding between the fields
of its nodes holds whatever the memory held. Here an object is walked as pickle would take it apart, and arrays are
hashed field by field.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping

import numpy as np

from compress.schema import Schema

__all__ = ["IGNORED", "fingerprint", "learned_by"]

IGNORED = ("n_jobs", "verbose")  # parameters of generators on which no row depends


def fingerprint(thing, name: str = "object") -> str:
    """Return 32 hexadecimal digits that depend on what an object holds, and not on where it was made or loaded.

    Parameters
    ----------
    thing : object
        A fitted estimator, a table, a function, plain data: anything that pickle can take apart, and functions and
        lambdas, of which code, defaults and closed-over values count.
    name : str, default="object"
        What errors call it.

    Returns
    -------
    str
        The fingerprint.

    Raises
    ------
    TypeError
        The object holds something that cannot be taken apart, such as a lock or an open file.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.transfer import fingerprint
    >>> trees = [DecisionTreeClassifier(max_depth=d, random_state=0).fit([[0.0], [1.0]], [0, 1]) for d in (1, 1, 2)]
    >>> one, same, other = map(fingerprint, trees)
    >>> one == same, one == other
    (True, False)
    """
    try:
        return _Walk().digest(thing).hex()
    except RecursionError as error:
        raise TypeError(f"{name} is nested too deeply to be fingerprinted.") from error
    except Exception as error:
        raise TypeError(
            f"{name} needs a fingerprint, but a {type(thing).__name__} that cannot be taken apart has none: {error}. "
            "Pass an object that pickle can save."
        ) from error


def learned_by(generator) -> dict:
    """Return all that decides on the rows of a generator: its class, its parameters and what it has learned.

    Parameters
    ----------
    generator : generator or None
        A fitted generator.
    """
    if generator is None:
        return {}
    learned = {name: value for name, value in vars(generator).items() if name not in IGNORED}
    return {"class": type(generator), **learned}


class _Walk:
    """One walk over an object, which remembers what it has met."""

    def __init__(self):
        self._known: dict[int, bytes] = {}
        self._held: list = []  # objects made on the way stay alive, so that no other one gets their identity
        self._path: list[int] = []

    def digest(self, thing) -> bytes:
        """Return 16 bytes."""
        key = id(thing)
        if key in self._known:
            return self._known[key]
        if key in self._path:  # a circle: how far back it leads
            return _hash(b"circle", str(len(self._path) - self._path.index(key)).encode())
        self._path.append(key)
        try:
            found = _hash(*self._parts(thing))
        finally:
            self._path.pop()
        self._held.append(thing)
        self._known[key] = found
        return found

    def _parts(self, thing):
        kind = type(thing)
        yield f"{kind.__module__}.{kind.__qualname__}".encode()
        if thing is None or kind in (bool, int, float, complex, str):
            yield repr(thing).encode(errors="surrogatepass")
        elif kind in (bytes, bytearray):
            yield bytes(thing)
        elif isinstance(thing, np.ndarray) and kind in (np.ndarray, np.memmap):
            yield from self._array(thing)
        elif isinstance(thing, np.generic) and not isinstance(thing, np.object_):
            yield from self._array(np.asarray(thing))
        elif kind in (list, tuple):
            yield from map(self.digest, thing)
        elif kind in (set, frozenset):
            yield from sorted(map(self.digest, thing))
        elif kind in (dict, types.MappingProxyType):
            yield from self._items(thing)
        elif kind is types.FunctionType:
            yield from self._function(thing)
        elif kind is types.CodeType:
            yield from map(self.digest, (thing.co_code, thing.co_consts, thing.co_names, thing.co_varnames))
        elif kind is types.CellType:
            yield self.digest(thing.cell_contents)
        elif isinstance(thing, (type, types.BuiltinFunctionType, types.ModuleType)) or kind.__name__ == "ufunc":
            yield f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', thing.__name__)}".encode()
        elif kind is types.MethodType:
            yield from map(self.digest, (thing.__func__, thing.__self__))
        elif isinstance(thing, Schema):  # its frame of no rows only says which container it came in
            yield self.digest(thing.to_dict() if hasattr(thing, "columns_") else thing.kinds)
        elif hasattr(thing, "detach") and hasattr(thing, "cpu"):  # a torch tensor, whose pickle holds its storage
            yield self.digest(thing.detach().cpu().numpy())
        else:
            yield from self._taken_apart(thing)

    def _array(self, array: np.ndarray):
        yield repr((array.dtype.descr if array.dtype.names else array.dtype.str, array.shape)).encode()
        if array.dtype.names:
            for name in array.dtype.names:
                yield self.digest(np.ascontiguousarray(array[name]))
        elif array.dtype.hasobject:
            yield from map(self.digest, array.ravel().tolist())
        else:
            yield np.ascontiguousarray(array).view(np.uint8).data if array.size else b""

    def _items(self, mapping: Mapping):
        pairs = [(self.digest(key), self.digest(value)) for key, value in mapping.items()]
        for key, value in sorted(pairs):
            yield key
            yield value

    def _function(self, function):
        yield f"{function.__module__}.{function.__qualname__}".encode()
        yield self.digest(function.__code__)
        closed = tuple(cell.cell_contents for cell in function.__closure__ or ())
        yield from map(self.digest, (function.__defaults__, function.__kwdefaults__, closed))

    def _taken_apart(self, thing):
        taken = thing.__reduce_ex__(4)
        if isinstance(taken, str):  # the name of something global
            yield taken.encode()
            return
        made, arguments, state, items, pairs = (*taken, None, None, None)[:5]
        yield self.digest(made)
        yield self.digest(arguments)
        yield self.digest(state)
        yield self.digest(None if items is None else list(items))
        yield self.digest(None if pairs is None else dict(pairs))


def _hash(*parts) -> bytes:
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.digest()
