r"""The dual DNN for click-through rates: a student that shares its embeddings with a teacher beside it.

Both are perceptrons of the same hidden sizes over one set of embeddings; the teacher's also sees a layer of
feature interactions, so it knows what the student has to find out. Trained in one stage with

.. math:: L = H(y, \sigma(z_T)) + H(y, \sigma(z_S)) + \lambda_o \|z_S - sg(z_T)\|^2
    + \sum_k \frac{\lambda_k}{d_k} \|h_S^k - sg(h_T^k)\|^2

`sg` stops the gradient: hints train the student. The published description gives no weights; those here
were chosen on validation rows, and `student_trains_embedding=False` is what made the method work.

References
----------
iQIYI, "Dual DNN ranking model: online knowledge distillation in recommendation", 2020 (a blog post; known here
through summaries).
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._random import draw_seed
from compress.distill._joint import JointClassifier
from compress.losses import distribution_loss, hidden_hint_loss
from compress.nets import (
    INTERACTIONS,
    DualDNN,
    FieldEmbedding,
    StudentPath,
    TabularInput,
    TeacherPath,
    layer_sizes,
    make_interaction,
)
from compress.schema import Encoded
from compress.training import isolated_rng

__all__ = ["DualDNNClassifier"]


class DualDNNClassifier(JointClassifier):
    r"""A small net for click-through rates taught, in one stage, by a twin with a feature-interaction layer.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Of both perceptrons; equal, so that hidden layers can be compared unit by unit.
    embedding_size : int, default=8
        Length of every field's vector.
    interaction : {"fm", "cross", "bilinear"} or callable, default="fm"
        The teacher's extra layer: inner products of all pairs of fields, a cross network, bilinear
        products; or a callable(n_fields, embedding_size) giving a torch module with `n_outputs`.
    multi_valued : sequence of str, default=()
        Columns of a DataFrame whose cells hold several values in one text, such as genres.
    separator : str, default=" "
        Between the values of such a cell.
    logit_hint_weight : float, default=1.0
        :math:`\lambda_o`.
    hidden_hint_weight : float or sequence of one per hidden layer, default=0.0
        :math:`\lambda_k`, layers after their activation.
    logit_hint_warmup, hidden_hint_warmup : float in [0, 1], default=0.0
        Share of the training over which the weight rises linearly from 0.
    student_trains_embedding : bool, default=False
        Whether the student's losses reach the shared embeddings. Where interactions matter they pull the
        embeddings away from what the teacher needs, and both end up worse.
    only : None, "student" or "teacher", default=None
        Train one net alone: the controls.
    dropout : float in [0, 1), default=0.0
        In both perceptrons.
    max_epochs : int, default=8
    batch_size : int, default=256
    learning_rate : float, default=3e-3
    schedule : {"constant", "cosine", "linear"}, default="cosine"
    optimizer : {"adamw", "sgd"}, default="adamw"
    weight_decay : float, default=1e-4
        Of weight matrices and embeddings.
    early_stopping : bool or "auto", default="auto"
        Keep the epoch that is best for the served net on validation rows. "auto": when `fit` is given
        `X_val`; True without it holds `validation_fraction` of the rows out.
    validation_fraction : float in (0, 1), default=0.1
    schema : None, mapping of column to kind, or Schema
        Integer ids must be declared nominal.
    device : str, default="auto"
    verbose : int, default=0
    random_state : int, RandomState or None

    Attributes
    ----------
    student_, teacher_ : SideClassifier
        Both predict; only the one trained is there with `only`. The student serves `predict`.
    classes_ : array of shape (n_classes,)
    n_parameters_ : int
        Of the served net, embeddings included.
    history_ : list of dict
    best_epoch_ : int or None
    stopped_ : {"finished", "early_stopping", "diverged", "interrupted"}
    n_features_in_ : int
    feature_names_in_ : array of str, for DataFrames

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
        "logit_hint_weight": [Interval(Real, 0, None, closed="left")],
        "hidden_hint_weight": [Interval(Real, 0, None, closed="left"), "array-like"],
        "logit_hint_warmup": [Interval(Real, 0, 1, closed="both")],
        "hidden_hint_warmup": [Interval(Real, 0, 1, closed="both")],
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
        logit_hint_warmup=0.0,
        hidden_hint_warmup=0.0,
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
        self.logit_hint_warmup = logit_hint_warmup
        self.hidden_hint_warmup = hidden_hint_warmup
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
        """Forget the teacher, which serving does not need; returns self."""
        check_is_fitted(self, "student_")
        self.__dict__.pop("teacher_", None)
        return self

    # ------------------------------------------------------------- training
    def _check_settings(self) -> None:
        sizes = layer_sizes(self)
        weights = np.atleast_1d(np.asarray(self.hidden_hint_weight, dtype=float))
        if weights.ndim != 1 or len(weights) not in (1, len(sizes)) or (weights < 0).any():
            raise ValueError(
                f"hidden_hint_weight must be one non-negative number, or one per hidden layer ({len(sizes)}), "
                f"got {self.hidden_hint_weight!r}."
            )
        if not self.separator:
            raise ValueError("separator must be at least one character, got an empty text.")

    def _multi_valued(self) -> tuple:
        return tuple(self.multi_valued), self.separator

    def _learn(self, data, held_out, rng, device) -> None:
        sizes, schema = layer_sizes(self), self.encoder_.schema_
        encoded = Encoded(*(block.numpy() for block in data.blocks[:2]))
        weight = None if data.weight is None else data.weight.numpy()
        statistics = TabularInput.from_encoded(encoded, schema, weight)
        with isolated_rng(draw_seed(rng)):
            fields = FieldEmbedding(
                statistics.mean,
                statistics.scale,
                schema.n_categories_,
                [len(v) for v in self.encoder_.vocabularies_],
                size=self.embedding_size,
            )
            interaction = make_interaction(self.interaction, fields.n_fields, fields.size)
            net = DualDNN(fields, interaction, sizes, self.objective_.n_outputs, dropout=self.dropout).to(device)
        paths = {"student": StudentPath(net), "teacher": TeacherPath(net)}
        served = paths["teacher" if self.only == "teacher" else "student"]
        if self.only is None:
            loss, module = self._dual_loss(net), net
        else:
            loss, module = self._alone(served), served
        self._run_stage(module, data, loss, rng, served=served, held_out=held_out, stage=self.only or "dual")
        self._keep_sides(paths)

    def _dual_loss(self, net: DualDNN):
        hidden_weights = np.broadcast_to(np.asarray(self.hidden_hint_weight, dtype=float), len(layer_sizes(self)))
        as_logits = self.objective_.logits

        def loss(blocks, targets, weight, teacher, clock):
            fields = net.fields(*blocks)
            h_t, z_t = net.tapped_teacher(fields)
            h_s, z_s = net.tapped_student(fields if self.student_trains_embedding else fields.detach())
            total = distribution_loss(as_logits(z_t), targets, sample_weight=weight)
            total = total + distribution_loss(as_logits(z_s), targets, sample_weight=weight)
            strength = self.logit_hint_weight * _warm(self.logit_hint_warmup, clock.progress)
            if strength > 0:
                rows = (z_s - z_t.detach()).square().sum(dim=1)
                total = total + strength * (rows.mean() if weight is None else (rows * weight).mean())
            warm = _warm(self.hidden_hint_warmup, clock.progress)
            for layer_weight, ours, theirs in zip(hidden_weights, h_s, h_t):
                if layer_weight * warm > 0:
                    hint = hidden_hint_loss(ours, theirs.detach(), sample_weight=weight)
                    total = total + float(layer_weight * warm) * hint
            return total

        return loss

    def _served(self):
        return self.teacher_ if self.only == "teacher" else self.student_


def _warm(warmup: float, progress: float) -> float:
    return 1.0 if warmup <= 0 else min(1.0, progress / warmup)
