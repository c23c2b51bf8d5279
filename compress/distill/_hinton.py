"""Knowledge distillation: the student learns the teacher's distribution, softened by a temperature.

Notation of Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015: `z` student
logits, `v` teacher logits, `T` temperature, loss `(1 - a) H(y, softmax(z)) + a T**2 KL(softmax(v/T) || softmax(z/T))`
with `a` = `soft_weight`. The student is used at `T = 1`. The paper allows the training rows and other,
unlabelled ones as transfer set and reports no comparison of the two, so both are possible here.
"""

from __future__ import annotations

import math

from sklearn.utils._param_validation import StrOptions

from compress.distill._distiller import MOVED, BaseDistiller, ClassifierDistiller
from compress.distill._objectives import Distillation
from compress.distill._teachers import MEANS
from compress.schema import moved
from compress.training import Schedule, check_range

__all__ = ["DistilledClassifier"]


@moved(**MOVED)
class DistilledClassifier(ClassifierDistiller):
    """A small net that learns from a teacher's softened probabilities (Hinton et al., 2015).

    Parameters
    ----------
    teacher : torch module, classifier, or list of these
        The teacher. The logits of a torch module and of the nets of this library are their outputs; those of any other
        classifier are the log-probabilities. What is fitted is used as it is (`sklearn.frozen.FrozenEstimator` keeps it
        so through `clone`); the rest is fitted on the labelled rows. A list is an ensemble.
    student : StudentClassifier, NetClassifier, torch module or None, default=None
        The net and how it is trained; None takes `StudentClassifier()`.
    temperature : float or Schedule, default=4.0
        The positive number by which logits are divided. A `Schedule` anneals it; the factor `T(t)**2` keeps the weight
        of the soft term.
    soft_weight : float or Schedule in [0, 1], default=0.9
        The weight of the soft term; the hard labels have the rest. With 1.0 no labels are needed.
    soft_lambda : float or Schedule, optional
        The weight of the soft term in the other parametrisation, `hard + lambda * T**2 * soft`; then `soft_weight` is
        not used.
    ensemble : {"arithmetic", "geometric"}, default="arithmetic"
        The mean of the distributions of several teachers, taken at temperature 1.
    eps : float in (0, 1), default=1e-4
        The smallest probability of teachers without logits; smaller ones are replaced by it, since they come from
        counting votes.
    random_state : int, RandomState or None, default=None
        The source of the seeds of the teacher and the student that have no seed of their own.

    Attributes
    ----------
    student_ : StudentClassifier or NetClassifier
        The trained student, which can be saved and exported.
    teacher_ : fitted teacher or list of fitted teachers
        The teacher that the student learned from.
    classes_ : array of shape (n_classes,)
        The teacher's classes, of which `y` may not show all.
    history_ : list of dict
        One row per epoch of the training of the student, as in `StudentClassifier`.
    stopped_ : {"finished", "early_stopping", "diverged", "callback"}
        Why the training ended: all epochs were run, the validation rows showed no improvement, the loss was not finite,
        or a callback ended it.
    n_iter_, n_parameters_, n_features_in_ : int
        The number of epochs run, of parameters of the student, and of columns seen in `fit`.
    feature_names_in_ : array of str
        The names of the columns seen in `fit`; it exists only after a DataFrame whose column names are all strings.

    References
    ----------
    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from compress import StudentClassifier
    >>> from compress.distill import DistilledClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> teacher = RandomForestClassifier(50, random_state=0).fit(X[:400], y[:400])
    >>> student = StudentClassifier((32,), max_epochs=30, random_state=0)
    >>> small = DistilledClassifier(teacher, student)
    >>> small.fit(X[:400], y[:400], X_unlabeled=X[400:1000]).score(X[1000:], y[1000:]) > 0.85
    True
    """

    _parameter_constraints = {
        **BaseDistiller._parameter_constraints,
        "ensemble": [StrOptions(set(MEANS))],
    }

    def __init__(
        self,
        teacher,
        student=None,
        *,
        temperature=4.0,
        soft_weight=0.9,
        soft_lambda=None,
        ensemble="arithmetic",
        eps=1e-4,
        random_state=None,
    ):
        self.teacher = teacher
        self.student = student
        self.temperature = temperature
        self.soft_weight = soft_weight
        self.soft_lambda = soft_lambda
        self.ensemble = ensemble
        self.eps = eps
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, X_unlabeled=None, X_val=None, y_val=None):
        """Fit the teacher if necessary, label the transfer set once, and train the student.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns); or TransferSet
            The labelled rows, or a transfer set (for instance of MUNGE rows), whose targets are used without asking
            `teacher`.
        y : array of shape (n_rows,), optional
            The hard labels, which are needed unless the hard term has no weight and the teacher is fitted. With a
            transfer set they are the labels of its original rows.
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
        ValueError
            A parameter is out of its range, labels are not among the teacher's classes or are missing where the hard
            term has weight, or there are unlabelled rows with a pure hard loss.
        TypeError
            The teacher has no probabilities, or the student is of another kind.
        FloatingPointError
            The loss is not finite in the first epoch.
        """
        self._validate_params()
        check_mixture(self)
        if X_unlabeled is not None and self.soft_lambda is None and _always_zero(self.soft_weight):
            raise ValueError(
                "soft_weight=0 is a loss of hard labels only, which unlabelled rows have not: "
                "leave X_unlabeled out, or use soft_weight above 0."
            )
        return self._fit(X, y, sample_weight, X_unlabeled, X_val, y_val, mean=self.ensemble)

    @property
    def _needs_labels(self) -> bool:
        if self.soft_lambda is not None or callable(self.soft_weight):
            return True
        return self.soft_weight < 1

    def _objective(self, logits, weight, output_activation, on_the_fly):
        return Distillation(
            output_activation, logits.shape[1], self.temperature, self.soft_weight, self.soft_lambda, teacher=on_the_fly
        )


def check_mixture(distiller) -> None:
    """Refuse a temperature that is not positive and weights out of their range, schedules included."""
    check_range("temperature", distiller.temperature, 0.0, math.inf, "be positive", open_low=True)
    check_range("soft_weight", distiller.soft_weight, 0.0, 1.0, "lie in [0, 1]")
    if distiller.soft_lambda is not None:
        check_range("soft_lambda", distiller.soft_lambda, 0.0, math.inf, "be at least 0")


def _always_zero(weight) -> bool:
    return weight.bounds()[1] == 0 if isinstance(weight, Schedule) else not callable(weight) and weight == 0
