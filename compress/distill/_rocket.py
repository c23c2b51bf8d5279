r"""Rocket Launching: a light net and its booster trained together over shared lower layers.

.. math:: L = H(y, p) + H(y, q) + \lambda \|l - z\|^2, \quad p = softmax(l),\ q = softmax(z)

with `l` the light net's logits and `z` the booster's. The gradient block keeps the hint, the third
term, away from the booster: `z` is detached, so that the hint moves the light net and, through `l`, the
shared layers. After training the booster can be dropped.

References
----------
Zhou et al., "Rocket Launching: A Universal and Efficient Framework for Training Well-performing
Light Net", AAAI 2018, arXiv:1708.04106.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from compress._random import draw_seed
from compress.distill._joint import JointClassifier
from compress.distill._rocket_loss import all_logits, rocket_loss, unshare
from compress.losses import HINTS
from compress.nets import MLP, TableNet, TabularInput, bottom_branches, interval_branches, layer_sizes, silence_branches
from compress.schema import LearningSet, class_codes, moved, same_classes
from compress.students import LOGIT_CLIP, StudentClassifier, restored
from compress.teachers import answered_classes, is_fitted, teacher_outputs
from compress.training import Schedule, check_range, isolated_rng

__all__ = ["RocketClassifier"]


@moved(hint_schedule="hint_weight=Schedule(0.0, 0.01) for a rising weight, Schedule(0.01, 0.0) for a falling one")
class RocketClassifier(JointClassifier):
    r"""A light net trained together with a booster, which shares its lower layers and gives it its logits as hints.

    Parameters
    ----------
    shared_layer_sizes : sequence of int, default=(32,)
        The units of the lower layers, which both nets share (`sharing="bottom"`); it may be empty.
    light_layer_sizes : sequence of int, default=(16,)
        The units of the hidden layers of the light net above them.
    booster_layer_sizes : sequence of int, default=(256, 256)
        The units of the hidden layers of the booster above them.
    sharing : {"bottom", "interval"}, default="bottom"
        What the nets share. With "interval" both are nets of residual blocks in groups of widths `group_sizes`; the
        light net's `light_blocks` per group are the first of the booster's `booster_blocks`. Batch norms and output
        layers are not shared.
    group_sizes : sequence of int, default=(32, 32)
        The widths of the groups of residual blocks (`sharing="interval"`).
    light_blocks, booster_blocks : int, default=1 and 3
        The number of residual blocks per group in each net (`sharing="interval"`).
    hint : {"logits", "probabilities", "soft_targets"}, default="logits"
        The form of the third term; see `compress.losses.rocket_hint_loss`.
    hint_weight : float or Schedule, default=0.01
        The weight :math:`\lambda`; the paper has 0.03 with its convolutional nets. A `compress.training.Schedule` lets
        it rise or fall over the training.
    hint_temperature : float, default=4.0
        The temperature of `hint="soft_targets"` and of the extra teacher.
    hint_eval_mode : bool, default=True
        Whether the hint is taken from the booster in eval mode (no dropout, running batch-norm statistics), which costs
        a second pass through it.
    gradient_block : bool, default=True
        Whether the gradient of the hint is kept away from the booster.
    share : bool, default=True
        Whether the lower layers are shared; False gives each net its own.
    joint : bool, default=True
        Whether both nets are trained together. False trains the booster first, then the light net, whose lower layers
        start as a copy of the booster's, with the hint from fixed logits.
    light_trains_shared : bool, default=True
        Whether the light net's losses reach the shared lower layers (`sharing="bottom"` only).
    teacher : None, "booster" or classifier with `predict_proba`, default=None
        A trained teacher for an extra term of knowledge distillation; "booster" trains one of the booster's shape first
        (the paper's rocket+KD). A classifier that is not fitted is not accepted.
    teacher_weight : float, default=0.5
        The weight of the extra term, :math:`T^2 KL`.
    only : None, "light" or "booster", default=None
        The one net to train alone, as in the controls of the paper's tables; None trains both.
    batch_norm : bool, default=True
        Whether the booster has batch normalisation (`sharing="interval"`: both nets).
    dropout : float in [0, 1), default=0.0
        The share of units of the booster that are dropped in training.
    standardize : bool, default=True
        Whether continuous columns are standardised; False is for columns on one scale, such as pixels.
    max_one_hot : int, default=64
        The largest number of categories of a one-hot column; nominal columns with more get a learned embedding, which
        is the lowest of the shared layers. With `shared_layer_sizes=()` it is the only one, as in the paper's
        experiment on click-through rates.
    embedding_size : int, default=8
        The length of the vectors of the learned embeddings.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}, default="relu"
        The nonlinearity of the hidden layers.
    max_epochs : int, default=25
        The number of passes over the rows.
    batch_size : int, default=64
        The number of rows per step.
    learning_rate : float, default=2e-3
        The learning rate at the start of the training.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        How the learning rate changes from step to step; "cosine" and "linear" end at 0.
    optimizer : {"adamw", "sgd"}, default="adamw"
        AdamW, or stochastic gradient descent with Nesterov momentum.
    weight_decay : float, default=1e-3
        Decoupled weight decay; it acts on weight matrices only.
    early_stopping : bool or "auto", default="auto"
        Whether validation rows decide: the weights of the epoch that is best on them for the net that predicts are
        kept. True also stops after 10 epochs without improvement, and holds out `validation_fraction` of the rows when
        `fit` gets no `X_val`. "auto" uses `X_val` when `fit` gets it, and runs all epochs.
    validation_fraction : float in (0, 1), default=0.1
        The share of the rows that is held out with `early_stopping=True` when `fit` gets no `X_val`.
    schema : None, mapping of column to kind, or Schema, default=None
        Which columns are nominal; None infers it from the dtypes. See `compress.schema.Schema`.
    device : str, default="auto"
        The torch device of the training; "auto" takes a GPU when there is one. The fitted nets are on the CPU.
    verbose : int, default=0
        1 shows a progress bar on a terminal; 0 shows nothing.
    random_state : int, RandomState or None, default=None
        The source of the initial weights, of the batches and of the rows held out; an int makes the result
        reproducible.

    Attributes
    ----------
    light_, booster_ : SideClassifier
        The two nets, which both predict; with `only` there is only the one that was trained. `predict` uses the light
        one.
    classes_ : array of shape (n_classes,)
        The label of each column of `predict_proba`.
    n_parameters_ : int
        The number of parameters of the net that predicts.
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

    References
    ----------
    Zhou et al., "Rocket Launching", AAAI 2018, arXiv:1708.04106.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.distill import RocketClassifier
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> rocket = RocketClassifier((8,), (4,), (16,), max_epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    >>> rocket.drop_booster().predict_proba(X).shape
    (200, 2)
    """

    _parameter_constraints = {
        **JointClassifier._parameter_constraints,
        "shared_layer_sizes": ["array-like"],
        "light_layer_sizes": ["array-like"],
        "booster_layer_sizes": ["array-like"],
        "sharing": [StrOptions({"bottom", "interval"})],
        "group_sizes": ["array-like"],
        "light_blocks": [Interval(Integral, 1, None, closed="left")],
        "booster_blocks": [Interval(Integral, 1, None, closed="left")],
        "hint": [StrOptions(set(HINTS))],
        "hint_weight": [Interval(Real, 0, None, closed="left"), Schedule, callable],
        "hint_temperature": [Interval(Real, 0, None, closed="neither")],
        "hint_eval_mode": ["boolean"],
        "gradient_block": ["boolean"],
        "share": ["boolean"],
        "joint": ["boolean"],
        "light_trains_shared": ["boolean"],
        "teacher": [None, StrOptions({"booster"}), HasMethods(["predict_proba"])],
        "teacher_weight": [Interval(Real, 0, None, closed="left")],
        "only": [StrOptions({"light", "booster"}), None],
        "batch_norm": ["boolean"],
        "standardize": ["boolean"],
        "max_one_hot": [Interval(Integral, 0, None, closed="left")],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        shared_layer_sizes=(32,),
        light_layer_sizes=(16,),
        booster_layer_sizes=(256, 256),
        *,
        sharing="bottom",
        group_sizes=(32, 32),
        light_blocks=1,
        booster_blocks=3,
        hint="logits",
        hint_weight=0.01,
        hint_temperature=4.0,
        hint_eval_mode=True,
        gradient_block=True,
        share=True,
        joint=True,
        light_trains_shared=True,
        teacher=None,
        teacher_weight=0.5,
        only=None,
        batch_norm=True,
        dropout=0.0,
        standardize=True,
        max_one_hot=64,
        embedding_size=8,
        activation="relu",
        max_epochs=25,
        batch_size=64,
        learning_rate=2e-3,
        schedule="cosine",
        optimizer="adamw",
        weight_decay=1e-3,
        early_stopping="auto",
        validation_fraction=0.1,
        schema=None,
        device="auto",
        verbose=0,
        random_state=None,
    ):
        self.shared_layer_sizes = shared_layer_sizes
        self.light_layer_sizes = light_layer_sizes
        self.booster_layer_sizes = booster_layer_sizes
        self.sharing = sharing
        self.group_sizes = group_sizes
        self.light_blocks = light_blocks
        self.booster_blocks = booster_blocks
        self.hint = hint
        self.hint_weight = hint_weight
        self.hint_temperature = hint_temperature
        self.hint_eval_mode = hint_eval_mode
        self.gradient_block = gradient_block
        self.share = share
        self.joint = joint
        self.light_trains_shared = light_trains_shared
        self.teacher = teacher
        self.teacher_weight = teacher_weight
        self.only = only
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.standardize = standardize
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.activation = activation
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

    def drop_booster(self):
        """Remove the booster, which predictions do not need, and return self."""
        check_is_fitted(self, "light_")
        self.__dict__.pop("booster_", None)
        return self

    def to_student(self) -> StudentClassifier:
        """Return the light net as a `StudentClassifier`, which can be saved and exported (`sharing="bottom"` only)."""
        check_is_fitted(self, "light_")
        if self.sharing != "bottom":
            raise ValueError(f"to_student needs sharing='bottom', a plain perceptron; got sharing={self.sharing!r}.")
        branch = copy.deepcopy(self.light_.module_)
        sizes = (*layer_sizes(self, "shared_layer_sizes"), *layer_sizes(self, "light_layer_sizes"))
        n_outputs = self.objective_.n_outputs
        body = MLP(branch.inputs.n_outputs, sizes, n_outputs, activation=self.activation)
        lower = [m for m in branch.lower if isinstance(m, nn.Linear)]
        for layer, trained in zip(body.layers, [*lower, *(layer[0] for layer in branch.head.layers)]):
            layer[0].load_state_dict(trained.state_dict())
        body.output.load_state_dict(branch.head.output.state_dict())
        student = StudentClassifier(
            sizes,
            activation=self.activation,
            max_one_hot=self.max_one_hot,
            embedding_size=self.embedding_size,
            schema=self.schema,
        )
        facts = ("n_features_in_", "feature_names_in_", "history_", "best_epoch_", "stopped_")
        return restored(
            student,
            module=TableNet(branch.inputs, body, n_outputs),
            schema=self.encoder_.schema_,
            objective=self.objective_,
            classes_=self.classes_,
            n_iter_=len(self.history_),
            **{name: getattr(self, name) for name in facts if hasattr(self, name)},
        )

    # ------------------------------------------------------------ training
    def _check_settings(self) -> None:
        check_range("hint_weight", self.hint_weight, 0.0, math.inf, "be at least 0")
        if self.light_blocks > self.booster_blocks:
            raise ValueError(
                f"light_blocks must be at most booster_blocks, got {self.light_blocks} and {self.booster_blocks}."
            )
        if self.batch_norm and self.batch_size == 1:
            raise ValueError("batch_size must be at least 2 with batch_norm=True, got 1. Use batch_norm=False.")
        if not self.light_trains_shared and self.sharing == "interval":
            raise ValueError(
                "light_trains_shared=False needs sharing='bottom', where there is a shared representation; "
                "got sharing='interval'."
            )
        if self.sharing == "interval" and not len(layer_sizes(self, "group_sizes")):
            raise ValueError("group_sizes must name at least one width when sharing='interval', got none.")

    def _teacher_logits(self, table) -> np.ndarray | None:
        if self.teacher is None or isinstance(self.teacher, str) or self.only is not None:
            return None
        if not is_fitted(self.teacher, table):
            raise NotFittedError("teacher must be fitted: the nets learn from its answers. Call its fit first.")
        known = answered_classes(self.teacher, table, self.classes_)
        if not same_classes(known, self.classes_):
            raise ValueError(f"teacher must know the classes of y, {list(self.classes_)}, got {list(known)}.")
        logits = teacher_outputs(self.teacher, table, "logits", eps=LOGIT_CLIP, classes=known)
        return logits[:, class_codes(self.classes_, known)]

    def _learn(self, data: LearningSet, held_out: LearningSet | None, rng, device) -> None:
        with isolated_rng(draw_seed(rng)):
            light, booster = self._branches(data)
            other = self._branches(data)[1] if self.teacher == "booster" else None
        net = nn.ModuleDict({"light": light, "booster": booster}).to(device)
        blocks = self._dense_blocks(light.inputs, data, device)
        validate = None if held_out is None else (self._dense_blocks(light.inputs, held_out, device), held_out)
        run = partial(self._run_stage, rng=rng, validate=validate)
        if other is not None and self.only is None:
            other = other.to(device)
            run(other, blocks, data, self._alone(other), net=other, stage="teacher")
            logits = all_logits(other, blocks, self.objective_, device)
            data = replace(data, targets=np.hstack([data.targets, logits]))
        if self.only is not None:
            one = net[self.only]
            run(one, blocks, data, self._alone(one), net=one, stage=self.only)
        elif self.joint:
            run(net, blocks, data, rocket_loss(self, net, self.objective_), net=light, stage="rocket")
        else:
            run(booster, blocks, data, self._alone(booster), net=booster, stage="booster")
            if self.share:
                unshare(light)
            loss = rocket_loss(self, net, self.objective_, booster_learns=False)
            run(net, blocks, data, loss, net=light, stage="light", parameters=list(light.parameters()))
        silence_branches(list(net.values()))
        self._keep_sides(net)

    def _dense_blocks(self, inputs, data: LearningSet, device):
        """Return the two blocks of the rows; where nothing in the input layer is learned, the dense matrix."""
        blocks = self._blocks(data)
        return (inputs.to(device)(*(b.to(device) for b in blocks)).cpu(),) if inputs.is_fixed else blocks

    def _branches(self, data: LearningSet):
        def make_inputs():
            inputs = TabularInput.from_encoded(
                data.encoded.table,
                self.encoder_.schema_,
                data.weight,
                max_one_hot=self.max_one_hot,
                embedding_size=self.embedding_size,
            )
            if not self.standardize:
                inputs.mean.zero_(), inputs.scale.fill_(1.0)
            return inputs

        options = {"batch_norm": self.batch_norm, "dropout": self.dropout}
        common = {"share": self.share, "activation": self.activation, "booster_options": options}
        n_outputs = self.objective_.n_outputs
        if self.sharing == "interval":
            sizes = layer_sizes(self, "group_sizes")
            return interval_branches(make_inputs, sizes, self.light_blocks, self.booster_blocks, n_outputs, **common)
        sizes = [layer_sizes(self, f"{name}_layer_sizes") for name in ("shared", "light", "booster")]
        return bottom_branches(make_inputs, *sizes, n_outputs, **common)

    def _rows_per_batch(self, n_rows: int) -> int:
        # batch norm has no statistics of one row: no epoch may end in a batch of one
        size = self.batch_size
        while self.batch_norm and size < n_rows and n_rows % size == 1:
            size += 1
        return size

    def _predicting(self):
        return self.booster_ if self.only == "booster" else self.light_
