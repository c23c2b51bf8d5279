r"""The dual DNN for click-through rates: a student that shares its embeddings with a teacher beside it.

Both are perceptrons of the same hidden sizes over one set of embeddings; the teacher's also gets a layer of
feature interactions, which the student has to learn. They are trained in one stage with the loss

.. math:: L = H(y, \sigma(z_T)) + H(y, \sigma(z_S)) + \lambda_o \|z_S - sg(z_T)\|^2
    + \sum_k \frac{\lambda_k}{d_k} \|h_S^k - sg(h_T^k)\|^2

`sg` stops the gradient: hints train the student only. The published description gives no weights; the defaults
were chosen on validation rows, and `student_trains_embedding=False` made the method work.

References
----------
iQIYI, "Dual DNN ranking model: online knowledge distillation in recommendation", 2020 (a blog post; known here
through summaries).
"""

from __future__ import annotations

import copy
import math
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._random import draw_seed
from compress.distill._joint import JointClassifier
from compress.losses import hidden_hint_loss, soft_cross_entropy, squared_error
from compress.nets import (
    INTERACTIONS,
    DualDNN,
    FieldEmbedding,
    StudentPath,
    TabularInput,
    TeacherPath,
    layer_sizes,
    make_interaction,
    silence_fields,
    table_net_of_fields,
)
from compress.schema import LearningSet, moved
from compress.students import StudentClassifier, restored
from compress.training import Schedule, check_range, isolated_rng, value_at

__all__ = ["DualDNNClassifier"]


@moved(
    logit_hint_warmup="logit_hint_weight=Schedule(0.0, 1.0, until=...)",
    hidden_hint_warmup="hidden_hint_weight=Schedule(0.0, 1.0, until=...)",
)
class DualDNNClassifier(JointClassifier):
    r"""A small net for click-through rates taught, in one stage, by a twin with a feature-interaction layer.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 32)
        The units of the hidden layers of both perceptrons; they are equal, so that hidden layers can be compared unit
        by unit.
    embedding_size : int, default=8
        The length of the vector of every field.
    interaction : {"fm", "cross", "bilinear"} or callable, default="fm"
        The extra layer of the teacher: inner products of all pairs of fields, a cross network, bilinear products, or a
        callable(n_fields, embedding_size) that returns a torch module with `n_outputs`.
    multi_valued : sequence of str, default=()
        The columns of a DataFrame whose cells hold several values in one text, such as genres.
    separator : str, default=" "
        The text between the values of such a cell.
    logit_hint_weight : float or Schedule, default=1.0
        The weight :math:`\lambda_o`, at least 0. `Schedule(0.0, 1.0, until=0.2)` lets it rise over the first fifth of
        the training.
    hidden_hint_weight : float, Schedule, or sequence of one per hidden layer, default=0.0
        The weight :math:`\lambda_k`, at least 0, of hidden layers after their activation.
    student_trains_embedding : bool, default=False
        Whether the student's losses reach the shared embeddings. Where interactions matter they pull the embeddings
        away from what the teacher needs, and both nets are worse.
    only : None, "student" or "teacher", default=None
        The one net to train alone, as a control; None trains both.
    dropout : float in [0, 1), default=0.0
        The share of units that are dropped after each hidden layer of both perceptrons in training.
    max_epochs : int, default=8
        The number of passes over the rows.
    batch_size : int, default=256
        The number of rows per step.
    learning_rate : float, default=3e-3
        The learning rate at the start of the training.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        How the learning rate changes from step to step; "cosine" and "linear" end at 0.
    optimizer : {"adamw", "sgd"}, default="adamw"
        AdamW, or stochastic gradient descent with Nesterov momentum.
    weight_decay : float, default=1e-4
        Decoupled weight decay of weight matrices and embeddings.
    early_stopping : bool or "auto", default="auto"
        Whether validation rows decide: the weights of the epoch that is best on them for the net that predicts are
        kept. True also stops after 10 epochs without improvement, and holds out `validation_fraction` of the rows when
        `fit` gets no `X_val`. "auto" uses `X_val` when `fit` gets it, and runs all epochs.
    validation_fraction : float in (0, 1), default=0.1
        The share of the rows that is held out with `early_stopping=True` when `fit` gets no `X_val`.
    schema : None, mapping of column to kind, or Schema, default=None
        Which columns are nominal; integer ids must be declared nominal. See `compress.schema.Schema`.
    device : str, default="auto"
        The torch device of the training; "auto" takes a GPU when there is one. The fitted nets are on the CPU.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the initial weights, of the batches and of the rows held out; an int makes the result
        reproducible.

    Attributes
    ----------
    student_, teacher_ : SideClassifier
        The two nets, which both predict; with `only` there is only the one that was trained. `predict` uses the
        student.
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`.
    n_parameters_ : int
        The number of parameters of the net that predicts, embeddings included.
    history_ : list of dict
        One row per epoch and stage, with `stage`, `epoch`, `loss`, `learning_rate` and `seconds`, and with `valid` when
        there are validation rows.
    best_epoch_ : int or None
        The epoch, from 0, whose weights were kept; None without validation rows.
    stopped_ : {"finished", "early_stopping", "diverged", "callback"}
        Why the training ended: all epochs were run, the validation rows showed no improvement, the loss was not finite,
        or a callback ended it.
    n_features_in_ : int
        The number of columns seen in `fit`.
    feature_names_in_ : array of str
        The names of the columns seen in `fit`; it exists only after a DataFrame whose column names are all strings.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.distill import DualDNNClassifier
    >>> X = np.random.default_rng(0).integers(0, 5, size=(300, 3))
    >>> dual = DualDNNClassifier((8,), schema={0: "nominal", 1: "nominal", 2: "nominal"}, max_epochs=2, random_state=0)
    >>> dual.fit(X, X[:, 0] == X[:, 1]).predict_proba(X).shape
    (300, 2)
    """

    _parameter_constraints = {
        **JointClassifier._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "interaction": [StrOptions(set(INTERACTIONS)), callable],
        "multi_valued": ["array-like"],
        "separator": [str],
        "logit_hint_weight": [Interval(Real, 0, None, closed="left"), Schedule],
        "hidden_hint_weight": [Interval(Real, 0, None, closed="left"), Schedule, "array-like"],
        "student_trains_embedding": ["boolean"],
        "only": [StrOptions({"student", "teacher"}), None],
    }
    del _parameter_constraints["activation"]

    def __init__(
        self,
        hidden_layer_sizes=(64, 32),
        *,
        embedding_size=8,
        interaction="fm",
        multi_valued=(),
        separator=" ",
        logit_hint_weight=1.0,
        hidden_hint_weight=0.0,
        student_trains_embedding=False,
        only=None,
        dropout=0.0,
        max_epochs=8,
        batch_size=256,
        learning_rate=3e-3,
        schedule="cosine",
        optimizer="adamw",
        weight_decay=1e-4,
        early_stopping="auto",
        validation_fraction=0.1,
        schema=None,
        device="auto",
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.embedding_size = embedding_size
        self.interaction = interaction
        self.multi_valued = multi_valued
        self.separator = separator
        self.logit_hint_weight = logit_hint_weight
        self.hidden_hint_weight = hidden_hint_weight
        self.student_trains_embedding = student_trains_embedding
        self.only = only
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.schema = schema
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def drop_teacher(self):
        """Remove the teacher, which predictions do not need, and return self."""
        check_is_fitted(self, "student_")
        self.__dict__.pop("teacher_", None)
        return self

    def to_student(self) -> StudentClassifier:
        """Return the student as a `StudentClassifier`, which can be saved, exported and compiled.

        Returns
        -------
        StudentClassifier
            It predicts the same probabilities, up to rounding, without the teacher.

        Raises
        ------
        ValueError
            There are multi-valued columns, which no exported student has.
        """
        check_is_fitted(self, "classes_")
        if not hasattr(self, "student_"):
            raise ValueError(f"to_student needs a student, but with only={self.only!r} none was trained.")
        if self.encoder_.vocabularies_:
            raise ValueError(
                f"to_student needs columns of one value each, got multi_valued={tuple(self.multi_valued)}. Replace "
                "such columns by one column for each value before fit."
            )
        sizes, schema = layer_sizes(self), self.encoder_.schema_
        path = copy.deepcopy(self.student_.module_)
        missing = [True] * len(schema.n_categories_)  # each has a vector for it
        facts = ("n_features_in_", "feature_names_in_", "history_", "best_epoch_", "stopped_")
        return restored(
            StudentClassifier(sizes, schema=self.schema, max_one_hot=0, embedding_size=self.embedding_size),
            module=table_net_of_fields(path.fields, path.body, missing),
            schema=schema,
            objective=self.objective_,
            classes_=self.classes_,
            n_iter_=len(self.history_),
            **{name: getattr(self, name) for name in facts if hasattr(self, name)},
        )

    # ------------------------------------------------------------- training
    def _check_settings(self) -> None:
        sizes = layer_sizes(self)
        weights = self._hidden_weights()
        if len(weights) not in (1, len(sizes)):
            raise ValueError(
                f"hidden_hint_weight must be one weight, or one per hidden layer ({len(sizes)}), "
                f"got {self.hidden_hint_weight!r}."
            )
        for name, value in [
            ("logit_hint_weight", self.logit_hint_weight),
            *(("hidden_hint_weight", w) for w in weights),
        ]:
            check_range(name, value, 0.0, math.inf, "be at least 0")
        if not self.separator:
            raise ValueError("separator must be at least one character, got an empty text.")

    def _multi_valued(self) -> tuple:
        return tuple(self.multi_valued), self.separator

    def _hidden_weights(self) -> list:
        given = self.hidden_hint_weight
        return [given] if isinstance(given, Schedule) or np.ndim(given) == 0 else list(given)

    def _learn(self, data: LearningSet, held_out: LearningSet | None, rng, device) -> None:
        sizes, schema = layer_sizes(self), self.encoder_.schema_
        statistics = TabularInput.from_encoded(data.encoded.table, schema, data.weight)
        with isolated_rng(draw_seed(rng)):
            fields = FieldEmbedding(
                statistics.mean,
                statistics.scale,
                schema.n_categories_,
                [len(v) for v in self.encoder_.vocabularies_],
                size=self.embedding_size,
            )
            fields.hold_like(statistics)
            interaction = make_interaction(self.interaction, fields.n_fields, fields.size)
            net = DualDNN(
                fields, interaction, sizes, self.objective_.n_outputs, dropout=self.dropout, prior=self._prior(data)
            ).to(device)
        paths = {"student": StudentPath(net), "teacher": TeacherPath(net)}
        predicting = paths["teacher" if self.only == "teacher" else "student"]
        if self.only is None:
            loss, module = self._dual_loss(net), net
        else:
            loss, module = self._alone(predicting), predicting
        validate = None if held_out is None else (self._blocks(held_out), held_out)
        stage = self.only or "dual"
        self._run_stage(module, self._blocks(data), data, loss, rng, net=predicting, validate=validate, stage=stage)
        silence_fields(fields, statistics.seen, data.encoded.bags)
        self._keep_sides(paths)

    def _prior(self, data: LearningSet) -> np.ndarray:
        """Return the outputs that give each class its share of the rows, or that of half a row where it has none."""
        n_rows = len(data.targets) if data.weight is None else data.weight.sum()
        share = np.maximum(np.average(data.targets, axis=0, weights=data.weight), 0.5 / n_rows)
        logits = np.log(share)
        return logits[1:] - logits[:1] if self.objective_.n_outputs == 1 else logits - logits.mean()

    def _dual_loss(self, net: DualDNN):
        weights = self._hidden_weights()
        weights = weights * len(layer_sizes(self)) if len(weights) == 1 else weights
        as_logits = self.objective_.logits

        def loss(blocks, labels, weight, teacher, clock):
            fields = net.fields(*blocks)
            h_t, z_t = net.tapped_teacher(fields)
            h_s, z_s = net.tapped_student(fields if self.student_trains_embedding else fields.detach())
            total = soft_cross_entropy(as_logits(z_t), labels, sample_weight=weight)
            total = total + soft_cross_entropy(as_logits(z_s), labels, sample_weight=weight)
            strength = value_at(self.logit_hint_weight, clock.progress)
            if strength > 0:
                total = total + 2 * strength * squared_error(z_s, z_t.detach(), sample_weight=weight)
            for of_layer, ours, theirs in zip(weights, h_s, h_t):
                strength = float(value_at(of_layer, clock.progress))
                if strength > 0:
                    total = total + strength * hidden_hint_loss(ours, theirs.detach(), sample_weight=weight)
            return total

        return loss

    def _predicting(self):
        return self.teacher_ if self.only == "teacher" else self.student_
