"""One teacher that labels every row: the plain counterpart of `CrossFit`."""

from __future__ import annotations

from compress.transfer._transfer_set import TransferSet

__all__ = ["SingleTeacher"]


class SingleTeacher:
    """A fitted teacher that makes transfer sets with the same call as a `CrossFit`.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher, which labels every row.
    """

    def __init__(self, teacher):
        self.teacher = teacher

    def transfer_set(self, X, *, random_state=None, **settings) -> TransferSet:
        """Make a transfer set whose rows are all labelled by the teacher.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The original rows.
        random_state : object, optional
            It is not used; it is there for the same call as that of `CrossFit`.
        **settings
            Further parameters of `TransferSet.from_teacher`.

        Returns
        -------
        TransferSet
        """
        return TransferSet.from_teacher(self.teacher, X, **settings)
