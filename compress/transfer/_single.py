"""One teacher that labels every row: the plain counterpart of `CrossFit`."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from compress.generators import BaseGenerator
from compress.transfer._fingerprint import fingerprint, learned_by
from compress.transfer._transfer_set import TransferSet

__all__ = ["SingleTeacher"]


class SingleTeacher:
    """A fitted teacher that makes transfer sets with the same call as a `CrossFit`.

    Parameters
    ----------
    teacher : fitted estimator
        The teacher, which labels every row.
    directory : str, path or None, default=None
        A folder in which transfer sets are written to shards and read again, so that what was made and labelled before
        an interrupt stays. It is used where pyarrow is installed and the generator makes its rows in parts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.generators import MarginalSampler
    >>> from compress.transfer import SingleTeacher
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> source = SingleTeacher(DecisionTreeClassifier().fit(X, X[:, 0] > 0))
    >>> len(source.transfer_set(X, generator=MarginalSampler(random_state=0).fit(X), n_rows=150))
    150
    """

    def __init__(self, teacher, directory=None):
        self.teacher = teacher
        self.directory = directory

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
        generator = settings.get("generator")
        in_parts = generator is None or isinstance(generator, BaseGenerator)
        if self.directory is None or not in_parts or importlib.util.find_spec("pyarrow") is None:
            return TransferSet.from_teacher(self.teacher, X, **settings)
        decisive = {name: value for name, value in settings.items() if name not in ("n_jobs", "verbose", "generator")}
        name = fingerprint(
            (self.teacher, X, learned_by(generator), decisive), "the teacher of a compressor with cache="
        )
        started = perf_counter()
        stored = TransferSet.write(Path(self.directory) / f"rows-{name[:16]}", self.teacher, X, **settings)
        data = stored.load()
        return replace(data, seconds={"generate": 0.0, "label": perf_counter() - started})
