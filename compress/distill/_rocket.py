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
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from compress.distill._rocket_loss import HINT_SCHEDULES
from compress.distill._rocket_training import RocketTraining
from compress.losses import HINTS
from compress.nets import MLP, TableNet, layer_sizes
from compress.students import StudentClassifier

__all__ = ["RocketClassifier"]


class RocketClassifier(RocketTraining):
    r"""A light net trained beside a booster that shares its lower layers and lends it its logits.

    Parameters
    ----------
    shared_layer_sizes : sequence of int, default=(32,)
        Lower layers that both nets go through (`sharing="bottom"`). May be empty.
    light_layer_sizes : sequence of int, default=(16,)
        Hidden layers of the light net above them.
    booster_layer_sizes : sequence of int, default=(256, 256)
        Hidden layers of the booster above them.
    sharing : {"bottom", "interval"}, default="bottom"
        "interval": both are nets of residual blocks in groups of widths `group_sizes`; the light net's
        `light_blocks` per group are the first of the booster's `booster_blocks`. Batch norms and output
        layers are each net's own.
    group_sizes : sequence of int, default=(32, 32)
    light_blocks, booster_blocks : int, default=1 and 3
    hint : {"logits", "probabilities", "soft_targets"}, default="logits"
        Form of the third term; see `compress.losses.rocket_hint_loss`.
    hint_weight : float, default=0.01
        :math:`\lambda`; the paper's 0.03 with its convolutional nets.
    hint_schedule : {"constant", "rising", "falling"} or callable, default="constant"
        Factor on `hint_weight` over the training, linear from 0 to 1 or back; a callable is given the
        progress in [0, 1).
    hint_temperature : float, default=4.0
        For `hint="soft_targets"` and for the extra teacher.
    hint_eval_mode : bool, default=True
        Take the hint from the booster in eval mode (no dropout, running batch-norm statistics), at the
        price of a second pass through it.
    gradient_block : bool, default=True
        Whether the hint is kept away from the booster.
    share : bool, default=True
        Whether the lower layers are shared; False gives each net its own.
    joint : bool, default=True
        False: first the booster alone, then the light net, its lower layers starting as a copy of the
        booster's, with the hint from fixed logits.
    light_trains_shared : bool, default=True
        Whether the light net's losses reach the shared lower layers (`sharing="bottom"` only).
    teacher : None, "booster" or classifier with `predict_proba`, default=None
        Extra knowledge-distillation term from a teacher that is already trained: "booster" trains one
        of the booster's shape first (the paper's rocket+KD). A classifier that is not fitted is not accepted.
    teacher_weight : float, default=0.5
        Weight of the extra term, :math:`T^2 KL`.
    only : None, "light" or "booster", default=None
        Train one net alone: the controls of the paper's tables.
    batch_norm : bool, default=True
        In the booster (`sharing="interval"`: in both nets).
    dropout : float in [0, 1), default=0.0
        In the booster.
    standardize : bool, default=True
        Whether continuous columns are standardised; False for columns on one scale, such as pixels.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}, default="relu"
    max_epochs : int, default=25
    batch_size : int, default=64
    learning_rate : float, default=2e-3
    schedule : {"constant", "cosine", "linear"}, default="cosine"
    optimizer : {"adamw", "sgd"}, default="adamw"
    weight_decay : float, default=1e-3
    early_stopping : bool or "auto", default="auto"
        Keep the weights of the epoch that is best for the served net on validation rows. "auto": when
        `fit` is given `X_val`; True without it holds `validation_fraction` of the rows out.
    validation_fraction : float in (0, 1), default=0.1
    schema : None, mapping of column to kind, or Schema
    device : str, default="auto"
    verbose : int, default=0
    random_state : int, RandomState or None

    Attributes
    ----------
    light_, booster_ : SideClassifier
        Both predict; only the one trained is there with `only`. The light one serves `predict`.
    classes_ : array of shape (n_classes,)
    n_parameters_ : int
        Of the served net.
    history_ : list of dict
        One per epoch and stage.
    best_epoch_ : int or None
    stopped_ : {"finished", "early_stopping", "diverged", "interrupted"}
    n_features_in_ : int
    feature_names_in_ : array of str, for DataFrames

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
        **RocketTraining._parameter_constraints,
        "shared_layer_sizes": ["array-like"],
        "light_layer_sizes": ["array-like"],
        "booster_layer_sizes": ["array-like"],
        "sharing": [StrOptions({"bottom", "interval"})],
        "group_sizes": ["array-like"],
        "light_blocks": [Interval(Integral, 1, None, closed="left")],
        "booster_blocks": [Interval(Integral, 1, None, closed="left")],
        "hint": [StrOptions(set(HINTS))],
        "hint_weight": [Interval(Real, 0, None, closed="left")],
        "hint_schedule": [StrOptions(set(HINT_SCHEDULES)), callable],
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
        hint_schedule="constant",
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
        self.hint_schedule = hint_schedule
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
        """Forget the booster, which serving does not need; returns self."""
        check_is_fitted(self, "light_")
        self.__dict__.pop("booster_", None)
        return self

    def to_student(self) -> StudentClassifier:
        """The light net as a `StudentClassifier`, with its saving and exporting (`sharing="bottom"` only)."""
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
        student = StudentClassifier(sizes, activation=self.activation, schema=self.schema)
        student.module_ = TableNet(branch.inputs, body, n_outputs).eval()
        student.schema_, student.objective_, student.classes_ = self.encoder_.schema_, self.objective_, self.classes_
        for name in ("n_features_in_", "feature_names_in_", "history_", "best_epoch_", "stopped_"):
            if hasattr(self, name):
                setattr(student, name, getattr(self, name))
        student.n_iter_, student.n_parameters_ = len(self.history_), self.light_.n_parameters_
        student._predictor = student.predictor(np.float64)
        return student
