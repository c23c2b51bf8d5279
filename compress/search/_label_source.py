"""Choosing who labels: the teacher, or clones of it that have not seen the row, on validation rows."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from compress._random import seed_unset
from compress.schema import as_table
from compress.search._munge import judged_by, trial_errors, trial_student
from compress.students import fit_together

__all__ = ["compare_sources"]


def compare_sources(
    sources: dict, X, X_val, y_val, *, generator, n_rows: int, labels: str = "soft", n_jobs=None, random_state: int
) -> dict:
    """Return the RMSE on the validation rows of a small student taught by each source.

    Parameters
    ----------
    sources : dict of str to SingleTeacher or CrossFit
        The sources of labels by their names.
    X : DataFrame or array of shape (n_rows, n_columns)
        The training rows, on which the sources were fitted.
    X_val, y_val : table and array
        The validation rows and their labels.
    generator : generator
        The generator of further rows; it is cloned and fitted.
    n_rows : int
        The size of each transfer set.
    labels, n_jobs
        As in `TransferSet.from_teacher`.
    random_state : int
        The seed of every source, so that they differ in the labels only.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from compress.generators import MarginalSampler
    >>> from compress.search import compare_sources
    >>> from compress.transfer import SingleTeacher
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> y = X[:, 0] > 0
    >>> sources = {"teacher": SingleTeacher(DecisionTreeClassifier().fit(X[:60], y[:60]))}
    >>> generator = MarginalSampler()
    >>> list(compare_sources(sources, X[:60], X[60:], y[60:], generator=generator, n_rows=120, random_state=0))
    ['teacher']
    """
    X_val, students, sets = as_table(X_val), [], []
    for source in sources.values():
        y_val = judged_by(source.teacher, X_val, y_val)
    for source in sources.values():
        own = clone(generator)
        seed_unset(own, check_random_state(random_state))
        sets.append(
            source.transfer_set(
                X,
                generator=own.fit(X) if n_rows > len(X) else None,
                n_rows=n_rows,
                labels=labels,
                n_jobs=n_jobs,
                random_state=random_state,
            )
        )
        students.append(trial_student(source.teacher).set_params(random_state=random_state))
    learned = fit_together(students, sets, n_jobs=n_jobs)
    errors = [trial_errors(student, data, X_val, y_val) for student, data in zip(learned, sets)]
    return {name: float(np.sqrt(own.mean())) for name, own in zip(sources, errors)}
