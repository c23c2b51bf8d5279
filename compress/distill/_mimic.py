"""Mimic learning: a shallow net regresses the logits of a deep one, by least squares and without labels.

Notation of Ba and Caruana, "Do Deep Nets Really Need to be Deep?", NIPS 2014: loss
`1/(2n) sum_t || g(x_t; W, beta) - v_t ||**2` (their equation 2), `g = beta f(W x)`, and `W = U V` where a
linear bottleneck of `k` units makes a wide hidden layer cheap (`StudentClassifier(bottleneck=k)`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from torch import nn

from compress.distill._distiller import MOVED, BaseDistiller, ClassifierDistiller
from compress.distill._objectives import LogitMatching
from compress.distill._teachers import Teachers, fitted_teachers
from compress.schema import checked_table, moved, regression_targets
from compress.students import StudentRegressor
from compress.transfer import TransferSet

__all__ = ["MimicClassifier", "MimicRegressor", "WidthMatch", "match_width"]


@moved(**MOVED)
class MimicClassifier(ClassifierDistiller):
    """A net that regresses a teacher's logits (Ba & Caruana, 2014).

    Labels are used only to fit a teacher that is not fitted.

    Parameters
    ----------
    teacher : torch module, classifier, or list of these
        The teacher, as in `DistilledClassifier`; with several ones the mean of the logits is regressed.
    student : StudentClassifier, NetClassifier, torch module or None, default=None
        The net and how it is trained; None takes `StudentClassifier()`. The student of the paper is wide and shallow
        and has a linear bottleneck: `StudentClassifier((width,), bottleneck=64)` with `width` of `match_width`.
    standardize : bool, default=True
        Whether each logit is regressed in the unit in which it has mean 0 and spread 1 over the transfer set;
        predictions are in the old unit. The paper finds that it helps slightly.
    eps : float in (0, 1), default=1e-4
        The smallest probability of teachers without logits; smaller ones are replaced by it, since they come from
        counting votes.
    random_state : int, RandomState or None, default=None
        The source of the seeds of the teacher and the student that have no seed of their own.

    Attributes
    ----------
    student_, teacher_, classes_, history_, stopped_, n_iter_, n_parameters_, n_features_in_, feature_names_in_
        As in `DistilledClassifier`.

    Notes
    -----
    Logits are centred per row first: their common constant is arbitrary, and no prediction depends on it.

    References
    ----------
    Ba and Caruana, "Do Deep Nets Really Need to be Deep?", NIPS 2014, arXiv:1312.6184.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from compress import StudentClassifier
    >>> from compress.distill import MimicClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> deep = StudentClassifier((64, 64, 64), max_epochs=30, random_state=0).fit(X[:1000], y[:1000])
    >>> shallow = StudentClassifier((256,), bottleneck=16, max_epochs=30, random_state=0)
    >>> MimicClassifier(deep, shallow).fit(X[:1000]).score(X[1000:], y[1000:]) > 0.85
    True
    """

    _parameter_constraints = {**BaseDistiller._parameter_constraints, "standardize": ["boolean"]}
    _needs_labels = False

    def __init__(self, teacher, student=None, *, standardize=True, eps=1e-4, random_state=None):
        self.teacher = teacher
        self.student = student
        self.standardize = standardize
        self.eps = eps
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, X_unlabeled=None, X_val=None, y_val=None):
        """Record the teacher's logits on the transfer set, and train the student on them.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns); or TransferSet
            The rows to learn from, or a transfer set, whose targets are used without asking `teacher`.
        y : array of shape (n_rows,), optional
            The labels for a teacher that is not fitted; the student does not learn from them.
        sample_weight : array of shape (n_rows,), optional
            The weights of the rows, in the loss and for a teacher that is fitted.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further rows that the student learns from, on which only the targets of the teacher act.
        X_val, y_val : table and array, optional
            Validation rows and labels; the weights of the epoch that is best on them are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError, FloatingPointError
            As in `DistilledClassifier.fit`.
        """
        self._validate_params()
        return self._fit(X, y, sample_weight, X_unlabeled, X_val, y_val, mean="logits")

    def _objective(self, logits, weight, output_activation, on_the_fly):
        return LogitMatching.for_logits(
            logits, weight, output_activation, standardize=self.standardize, teacher=on_the_fly
        )


@moved(**MOVED)
class MimicRegressor(RegressorMixin, MultiOutputMixin, BaseDistiller):
    """A net that regresses a regressor's predictions, with or without further unlabelled rows.

    Parameters
    ----------
    teacher : torch module, regressor, or list of these
        The teacher; with several ones the mean of their predictions is regressed. What is fitted is used as it is; the
        rest is fitted on `X`, `y`.
    student : StudentRegressor or None, default=None
        The net and how it is trained; None takes `StudentRegressor()`.
    random_state : int, RandomState or None, default=None
        The source of the seeds of the teacher and the student that have no seed of their own.

    Attributes
    ----------
    student_ : StudentRegressor
        The trained student, which can be saved and exported.
    teacher_, history_, stopped_, n_iter_, n_parameters_, n_features_in_, feature_names_in_
        As in `DistilledClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from compress import StudentRegressor
    >>> from compress.distill import MimicRegressor
    >>> X = np.random.default_rng(0).uniform(size=(300, 2))
    >>> forest = RandomForestRegressor(20, random_state=0).fit(X[:200], X[:200, 0])
    >>> student = StudentRegressor((16,), max_epochs=30, random_state=0)
    >>> MimicRegressor(forest, student).fit(X[:200]).score(X[200:], X[200:, 0]) > 0.9
    True
    """

    _students = (StudentRegressor,)

    def __init__(self, teacher, student=None, *, random_state=None):
        self.teacher = teacher
        self.student = student
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, X_unlabeled=None, X_val=None, y_val=None):
        """Record the teacher's predictions on the transfer set, and train the student on them.

        The parameters are as in `MimicClassifier.fit`, with `y` of shape (n_rows,) or (n_rows, n_outputs).
        """
        self._validate_params()
        rng = check_random_state(self.random_state)
        if isinstance(X, TransferSet):
            checked_table(self, X.X, reset=True)
            student = self._new_student(rng).fit(X, sample_weight=sample_weight, X_val=X_val, y_val=y_val)
            return self._keep([self.teacher], student)
        table = checked_table(self, X, reset=True)
        if y is not None:
            y, flat = regression_targets(y, len(table), type(self).__name__)
            y = y[:, 0] if flat else y
        members = fitted_teachers(self.teacher, table, y, sample_weight, "regression", rng)
        rows, n_unlabeled = self._with_unlabeled(table, X_unlabeled)
        values = Teachers(members, "arithmetic", 0.5).values(rows)
        weight = self._transfer_weight(sample_weight, table, n_unlabeled)
        student = self._new_student(rng)
        return self._keep(members, student.fit(rows, values, weight, X_val=X_val, y_val=y_val))

    def predict(self, X) -> np.ndarray:
        """Predict values with the student.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to predict.

        Returns
        -------
        float64 array of shape (n_rows,) or (n_rows, n_outputs)
            The values.
        """
        X = self._student_input(X)
        return self.student_.predict(X)


class WidthMatch(NamedTuple):
    """The units of a shallow net, its parameters, and their relative distance from those of the deep net."""

    width: int
    n_parameters: int
    residual: float


def match_width(
    deep,
    bottleneck: int | None = None,
    *,
    n_inputs: int | None = None,
    n_outputs: int | None = None,
    tolerance: float = 0.015,
) -> WidthMatch:
    """Return the number of hidden units with which a shallow net has as many parameters as a deep one.

    A shallow net with `d` inputs, `k` linear units, `H` hidden units and `c` outputs has
    `d k + k H + H + H c + c` parameters (without bottleneck `d H + H + H c + c`); this is solved for `H`.

    Parameters
    ----------
    deep : torch module, fitted student, or int
        The deep net, or its number of parameters.
    bottleneck : int, optional
        The number `k` of linear units of the shallow net; None for a net without bottleneck.
    n_inputs, n_outputs : int, optional
        The number of inputs and outputs of the shallow net; by default those of the first and last linear layer of
        `deep`. They are needed for a convolutional net and for a number.
    tolerance : float, default=0.015
        The largest absolute `residual` that is accepted.

    Returns
    -------
    WidthMatch

    Raises
    ------
    ValueError
        The number of inputs or outputs is unknown, no width is near enough, or the bottleneck alone has too many
        parameters.

    Examples
    --------
    >>> from compress.nets import MLP
    >>> match_width(MLP(784, (128, 128, 128), 10), bottleneck=64)
    WidthMatch(width=1128, n_parameters=134786, residual=-5.9...e-05)
    """
    module = deep if isinstance(deep, nn.Module) else getattr(getattr(deep, "module_", None), "body", None)
    if module is not None:
        wanted = sum(p.numel() for p in module.parameters())
        layers = [m for m in module.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        if layers and all(isinstance(m, nn.Linear) for m in layers):
            n_inputs = layers[0].in_features if n_inputs is None else n_inputs
        if layers and isinstance(layers[-1], nn.Linear):
            n_outputs = layers[-1].out_features if n_outputs is None else n_outputs
    else:
        wanted = int(deep)
    if n_inputs is None or n_outputs is None:
        raise ValueError(
            f"n_inputs and n_outputs must be given for {type(deep).__name__}, got {n_inputs} and {n_outputs}."
        )
    k = n_inputs if bottleneck is None else bottleneck
    fixed = n_outputs + (0 if bottleneck is None else n_inputs * bottleneck)
    width = max(round((wanted - fixed) / (k + 1 + n_outputs)), 1)
    n_parameters = fixed + width * (k + 1 + n_outputs)
    residual = (n_parameters - wanted) / wanted
    if abs(residual) > tolerance:
        raise ValueError(
            f"bottleneck={bottleneck} leaves no width within {tolerance:.1%} of {wanted} parameters: the nearest is "
            f"{width} units with {n_parameters} ({residual:+.1%}). Use a smaller bottleneck or a larger deep net."
        )
    return WidthMatch(width, n_parameters, residual)
