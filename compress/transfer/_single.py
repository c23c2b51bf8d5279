"""One teacher that labels every row: the plain counterpart of `CrossFit`."""

from __future__ import annotations

from compress.transfer._transfer_set import TransferSet

__all__ = ["SingleTeacher"]


class SingleTeacher:
    """A fitted teacher, asked for transfer sets in the same way as a `CrossFit`.

    Parameters
    ----------
    teacher : fitted estimator
        The one who answers for every row.
    """

    def __init__(self, teacher):
        self.teacher = teacher

    def transfer_set(self, X, *, random_state=None, **settings) -> TransferSet:
        """`TransferSet.from_teacher(teacher, X, **settings)`; `random_state` is there for `CrossFit` only."""
        return TransferSet.from_teacher(self.teacher, X, **settings)
