"""The small models that compete: about seven, of all families, in several sizes."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from sklearn.base import clone

from compress.search._limits import Budget
from compress.students import (
    FAMILIES,
    PiecewiseLinearEncoding,
    StudentClassifier,
    StudentRegressor,
    TreeStudentClassifier,
    TreeStudentRegressor,
    family_of,
)
from compress.transfer import TransferSet

__all__ = ["CHOICES", "Candidate", "candidates_of"]

CHOICES = ("auto", *FAMILIES)
# Without a budget: small and large ones of each family. Nets with cuts are small on purpose: on tables that want
# width a plain net is better.
SHAPES = {"additive": [()], "net-cuts": [(16,), (128,)], "net": [(256,), (256, 64)]}
# Within a budget in bytes: the largest of each row that fits.
LADDERS = {
    "additive": [[()]],
    "net-cuts": [[(4,), (8,), (16,), (32,), (64,), (128,), (256,)], [(16, 16), (32, 32), (64, 32), (128, 64)]],
    "net": [
        [(4,), (8,), (16,), (32,), (64,), (128,), (256,), (512,)],
        [(16, 16), (32, 32), (64, 32), (128, 64), (256, 64), (256, 256)],
    ],
}
# Leaves and learning rates of the trees up to a number of bytes; their number is chosen on the validation rows. Few
# trees need large steps, and only large trees fill a large budget.
TREES = {8_000: ((8, 0.4), (31, 0.2)), 100_000: ((8, 0.1), (31, 0.2)), inf: ((8, 0.1), (31, 0.2), (127, 0.2))}
USUAL_BYTES = 64_000  # of trees without a budget
TREE_L2 = 1.0  # a confident teacher's answers have next to no curvature, and leaves without it become too large
ROUNDS, FEWEST_ROUNDS = 300, 30  # with more than two classes a round grows a tree for each
ADDITIVE_LEARNING_RATE = 0.03  # without hidden layers: at that of deeper nets it would need ten times the passes
BYTES_PER_EDGE = 8
BYTES_OF_DESCRIPTION = 256  # of an encoding, in the file of a student


@dataclass(frozen=True)
class Candidate:
    """A small model that competes.

    Parameters
    ----------
    student : StudentClassifier, TreeStudentClassifier, or their regressors
        The model, not fitted.
    bytes : int or None
        The size of its file, at most; None for trees, whose rounds are cut to the budget.

    Examples
    --------
    >>> from compress import TreeStudentClassifier
    >>> from compress.search import Candidate
    >>> Candidate(TreeStudentClassifier(8)).family
    'trees'
    """

    student: object
    bytes: int | None = None

    @property
    def family(self) -> str:
        """The family of the model, one of `compress.students.FAMILIES`."""
        return family_of(self.student)


def candidates_of(choice: str, task: str, data: TransferSet, budget: Budget | None = None, **settings) -> list:
    """Return the candidates for a table.

    Parameters
    ----------
    choice : {"auto", "net", "net-cuts", "additive", "trees"}
        The family to choose from; "auto" takes all of them.
    task : {"classification", "regression"}
        Whether the models classify or predict values.
    data : TransferSet
        Rows of the table, which decide on the sizes; the targets may be anything of the right shape.
    budget : Budget, optional
        The limits in bytes; candidates above it are left out, and each family comes as large as it allows.
    **settings
        Parameters of all students that have them, such as `schema`.

    Returns
    -------
    list of Candidate
        The candidates, in the order of the families.

    Raises
    ------
    ValueError
        The choice is unknown, or no candidate is within the budget; the message names the smallest one.

    Examples
    --------
    >>> import numpy as np
    >>> from compress import Budget, TransferSet
    >>> from compress.search import candidates_of
    >>> data = TransferSet(np.eye(4), np.eye(2)[[0, 0, 1, 1]], "probabilities", classes=np.array([0, 1]))
    >>> [c.student.hidden_layer_sizes for c in candidates_of("net", "classification", data, Budget(bytes=3000))]
    [(64,), (16, 16)]
    """
    if choice not in CHOICES:
        raise ValueError(f"student must be an estimator or one of {CHOICES}, got {choice!r}.")
    families = FAMILIES if choice == "auto" else (choice,)
    limit = None if budget is None else budget.bytes
    found, smallest = [], []
    for family in families:
        if family == "trees":
            n_classes = 2 if data.classes is None else len(data.classes)
            n_bytes = USUAL_BYTES if limit is None else limit
            grown = next(ways for most, ways in TREES.items() if n_bytes <= most)
            found += [Candidate(tree_student(task, *ways, n_classes=n_classes, **settings)) for ways in grown]
            continue
        rungs = [[shape] for shape in SHAPES[family]] if limit is None else LADDERS[family]
        for ladder in rungs:
            priced = [_priced(net_student(task, family, shape, **settings), data) for shape in ladder]
            smallest.append(min(priced, key=lambda candidate: candidate.bytes))
            fitting = [candidate for candidate in priced if limit is None or candidate.bytes <= limit]
            found += fitting[-1:]
    if limit is not None and "trees" in families:
        stump = tree_student(task, 2, 0.1, **settings)
        stump.set_params(max_iter=1).fit(data)
        smallest.append(Candidate(stump, len(stump.to_bytes())))
        if smallest[-1].bytes > limit:
            found = [candidate for candidate in found if candidate.family != "trees"]
    if not found:
        nearest = min(smallest, key=lambda candidate: candidate.bytes)
        raise ValueError(
            f"no student meets Budget(bytes={limit:g}): the smallest, of the family {nearest.family!r}, has "
            f"{nearest.bytes:,} bytes. Allow that much, or give it fewer columns and categories."
        )
    return found


def net_student(task: str, family: str, shape: tuple, **settings):
    """Return a net that is not fitted."""
    kind = StudentClassifier if task == "classification" else StudentRegressor
    encoding = None if family == "net" else PiecewiseLinearEncoding()
    options = {} if shape else {"learning_rate": ADDITIVE_LEARNING_RATE}
    return _with(kind(shape, encoding=encoding, **options), settings)


def tree_student(task: str, max_leaf_nodes: int, learning_rate: float, *, n_classes: int = 2, **settings):
    """Return trees that are not fitted; how many are kept is chosen afterwards."""
    kind = TreeStudentClassifier if task == "classification" else TreeStudentRegressor
    rounds = max(ROUNDS // (n_classes - 1), FEWEST_ROUNDS)
    shape = {"max_leaf_nodes": max_leaf_nodes, "learning_rate": learning_rate, "max_iter": rounds}
    return _with(kind(**shape, l2_regularization=TREE_L2, early_stopping=False), settings)


def _with(student, settings: dict):
    known = student.get_params(deep=False)
    return student.set_params(**{name: value for name, value in settings.items() if name in known})


def _priced(student, data: TransferSet) -> Candidate:
    """Return a net with the bytes of its file, which are known before it is trained: at most, with cuts."""
    encoding = getattr(student, "encoding", None)
    plain = clone(student).set_params(encoding=None).untrained(data)
    size = len(plain.to_bytes())
    if isinstance(encoding, PiecewiseLinearEncoding):  # as many bins as there may be, with their edges
        sizes = plain.module_.body.hidden_layer_sizes
        width = sizes[0] if sizes else len(plain.module_.output_mean)
        per_column = encoding.n_bins * 4 * width + (encoding.n_bins + 1) * BYTES_PER_EDGE + 4
        size += len(plain.schema_.continuous_) * per_column + BYTES_OF_DESCRIPTION
    return Candidate(student, size)
