"""MUNGE with the parameters of the command line."""

from __future__ import annotations

from compress.generators import MUNGE

__all__ = ["munge_of"]


def munge_of(args, **settings) -> MUNGE:
    """Return MUNGE with the p and s that were given."""
    given = {name: value for name, value in (("p", args.p), ("s", args.s)) if value is not None}
    return MUNGE(**given, **settings)
