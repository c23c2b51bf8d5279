"""FitNets: a thin deep student first learns a hidden layer of its teacher and is then distilled.

Notation of Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015. Stage 1 trains the student up
to its guided layer `v_g`, with a regressor `r` onto the teacher's hint layer `u_h`:
`1/2 || u_h(x) - r(v_g(x)) ||**2`. Stage 2 trains the whole student with
`H(y, P_S) + lambda H(P_T^tau, P_S^tau)`, lambda decaying; the regressor is not used any more. Many later
libraries call "FitNets" the sum of hint and label loss in one stage, which is `stages="single"` here.
"""

from __future__ import annotations

import copy
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from compress._random import draw_seed
from compress.distill._distiller import MOVED, BaseDistiller, ClassifierDistiller
from compress.distill._hinton import check_mixture
from compress.distill._objectives import Distillation, HintedDistillation
from compress.distill._regressors import make_regressor
from compress.distill._teachers import body_of, check_layer, hidden_of, row_net, stopped_at
from compress.losses import hint_loss
from compress.schema import moved
from compress.training import Schedule, captured, isolated_rng, resolve_device, single_thread, train

__all__ = ["FitNetClassifier"]

PAPER_LAMBDA = Schedule(4.0, 1.0)


@moved(**MOVED)
class FitNetClassifier(ClassifierDistiller):
    """A thin deep net that learns a hidden layer of its teacher and is then distilled (Romero et al., 2015).

    Parameters
    ----------
    teacher : torch module, StudentClassifier or NetClassifier
        One net, whose hidden layer is the hint. It is used as it is when it is fitted, else it is fitted on the
        labelled rows.
    student : StudentClassifier, NetClassifier, torch module or None, default=None
        The net and how it is trained; `max_epochs` and the other settings are those of stage 2. None takes
        `StudentClassifier()`.
    hint_layer, guided_layer : str, default="layers.0"
        The names of submodules of the teacher and of the student, as in `named_modules()`; the paper takes middle
        layers. Nets of this library call their layers `"layers.k"`.
    regressor : "auto", None or torch module, default="auto"
        The module from the shape of the guided layer to that of the hint layer. "auto" is a linear layer, or for
        feature maps a convolution of kernel `s_student - s_teacher + 1`, with the hint layer's nonlinearity. With None
        the shapes must be the same.
    stages : {"two", "single"}, default="two"
        Whether there are the two stages of the paper, or one with hint, labels and soft targets in one sum.
    hint_epochs : int, default=20
        The number of epochs of stage 1.
    hint_learning_rate : float, optional
        The learning rate at the start of stage 1; by default that of the student.
    hint_weight : float, default=1.0
        The weight of the hint in the single sum.
    temperature : float or Schedule, default=3.0
        The positive number by which logits are divided, as in `DistilledClassifier`.
    soft_lambda : float or Schedule, default=Schedule(4.0, 1.0)
        The weight lambda in the loss of stage 2, `hard + lambda * T**2 * soft`. The paper has no `T**2`: its lambda is
        ours times `T**2`.
    random_state : int, RandomState or None, default=None
        The source of the regressor, and of the seeds of the teacher and the student that have no seed of their own.

    Attributes
    ----------
    student_, teacher_, classes_, history_, stopped_, n_iter_, n_parameters_, n_features_in_, feature_names_in_
        As in `DistilledClassifier`.
    hint_history_ : list of dict
        One row per epoch of stage 1; empty with a single stage.

    References
    ----------
    Romero, Ballas, Kahou, Chassang, Gatta and Bengio, "FitNets: Hints for Thin Deep Nets", ICLR 2015,
    arXiv:1412.6550.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from compress import StudentClassifier
    >>> from compress.distill import FitNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> teacher = StudentClassifier((128, 64), max_epochs=30, random_state=0).fit(X[:1000], y[:1000])
    >>> thin = StudentClassifier((16,) * 4, max_epochs=30, random_state=0)
    >>> net = FitNetClassifier(teacher, thin, hint_layer="layers.0", guided_layer="layers.1", random_state=0)
    >>> net.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.8
    True
    """

    _parameter_constraints = {
        **BaseDistiller._parameter_constraints,
        "hint_layer": [str],
        "guided_layer": [str],
        "regressor": [StrOptions({"auto"}), nn.Module, None],
        "stages": [StrOptions({"two", "single"})],
        "hint_epochs": [Interval(Integral, 1, None, closed="left")],
        "hint_learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "hint_weight": [Interval(Real, 0, None, closed="left")],
    }
    soft_weight = 1.0  # not used: `soft_lambda` sets the mixture
    eps = 1e-4

    def __init__(
        self,
        teacher,
        student=None,
        *,
        hint_layer="layers.0",
        guided_layer="layers.0",
        regressor="auto",
        stages="two",
        hint_epochs=20,
        hint_learning_rate=None,
        hint_weight=1.0,
        temperature=3.0,
        soft_lambda=PAPER_LAMBDA,
        random_state=None,
    ):
        self.teacher = teacher
        self.student = student
        self.hint_layer = hint_layer
        self.guided_layer = guided_layer
        self.regressor = regressor
        self.stages = stages
        self.hint_epochs = hint_epochs
        self.hint_learning_rate = hint_learning_rate
        self.hint_weight = hint_weight
        self.temperature = temperature
        self.soft_lambda = soft_lambda
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, X_unlabeled=None, X_val=None, y_val=None):
        """Fit the teacher if necessary, train the student on hints, and distil it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The labelled rows.
        y : array of shape (n_rows,)
            The hard labels.
        sample_weight : array of shape (n_rows,), optional
            The weights of the rows, in the loss and for a teacher that is fitted.
        X_unlabeled : DataFrame or array of shape (n_unlabeled, n_columns), optional
            Further rows that the student learns from; hints and soft targets act on them.
        X_val, y_val : table and array, optional
            Validation rows and labels; the weights of the epoch of the last stage that is best on them are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A layer does not exist (the message lists those that do), the shapes of the layers differ without a
            regressor that brings them together, or the case is one of `DistilledClassifier.fit`.
        TypeError
            The teacher has no layers.
        FloatingPointError
            The loss is not finite in the first epoch of a stage.
        """
        self._validate_params()
        check_mixture(self)
        if isinstance(self.teacher, list | tuple):
            raise TypeError(
                "teacher must be one net, whose layer is the hint, got a list. Distil ensembles by DistilledClassifier."
            )
        if hasattr(X, "targets"):
            raise TypeError("X must be rows, got a TransferSet, which has no hints. Use DistilledClassifier for it.")
        self.hint_history_ = []
        before = self._stage_one if self.stages == "two" else self._single_stage
        return self._fit(X, y, sample_weight, X_unlabeled, X_val, y_val, mean="arithmetic", before=before)

    def _objective(self, logits, weight, output_activation, on_the_fly):
        n_classes = logits.shape[1]
        if self.stages == "two":
            return Distillation(output_activation, n_classes, self.temperature, 1.0, self.soft_lambda, on_the_fly)
        return HintedDistillation(output_activation, n_classes, self.temperature, 1.0, self.soft_lambda, on_the_fly)

    def _further_targets(self, members, rows, augmented):
        body = body_of(members[0])
        if body is None:
            raise TypeError(
                f"teacher must be a net whose layers can be named (torch module, StudentClassifier, NetClassifier), "
                f"got {type(members[0]).__name__}. Use DistilledClassifier for it."
            )
        check_layer(body, "hint_layer", self.hint_layer)
        if augmented:
            if row_net(members[0]) is None:
                raise TypeError(
                    "a student with augment needs a teacher that sees the same plain rows (a torch module or a "
                    f"NetClassifier), got {type(members[0]).__name__}."
                )
            hint = hidden_of(members[0], self.hint_layer, rows[:2])
            self._hint_shape, self._hint_net = tuple(hint.shape[1:]), row_net(members[0])
            self._hint_body = body
            return ()
        hint = hidden_of(members[0], self.hint_layer, rows)
        self._hint_shape, self._hint_net, self._hint_body = tuple(hint.shape[1:]), None, body
        return (hint.flatten(1).numpy(),)

    # ------------------------------------------------------------------ stages
    def _stage_one(self, student, data, rng) -> None:
        module, inputs, regressor, guided_parameters = self._start(student, data, rng)
        k = len(inputs)
        hints = () if self._hint_net is not None else (torch.from_numpy(self._hints(data.targets)),)
        weights = () if data.weight is None else (torch.from_numpy(data.weight),)

        def loss(batch, clock):
            seen = student.augmented(batch[:k])
            hint = self._live_hint(seen) if self._hint_net is not None else batch[k].unflatten(1, self._hint_shape)
            guided = stopped_at(module.body, self.guided_layer, lambda: module.learned_outputs(seen))
            return hint_loss(regressor(guided), hint, sample_weight=batch[-1] if weights else None)

        steps = student.steps_for(data.n_rows)
        with single_thread(module.output_mean.device.type == "cpu"):
            result = train(
                nn.ModuleList([module, regressor]),
                (*inputs, *hints, *weights),
                loss,
                max_epochs=self.hint_epochs,
                batch_size=steps.batch_size,
                learning_rate=self.hint_learning_rate or steps.learning_rate,
                schedule=student.schedule,
                optimizer=getattr(student, "optimizer", "adamw"),
                momentum=getattr(student, "momentum", 0.9),
                weight_decay=student.weight_decay,
                parameters=[*guided_parameters, *regressor.parameters()],
                seed=draw_seed(rng),
                mixed_precision=student.mixed_precision,
                capture=captured(getattr(student, "augment", None)),
                verbose=student.verbose,
                description="hints",
            )
        self.hint_history_ = result.history

    def _single_stage(self, student, data, rng) -> None:
        module, _, regressor, _ = self._start(student, data, rng)
        module.regressor = regressor  # learned and restored with the rest, until `_release`
        objective = student.objective_
        objective.hint_weight, objective.regressor = self.hint_weight, regressor
        objective.hint_shape = self._hint_shape
        objective.live_hint = self._live_hint if self._hint_net is not None else None
        guided = module.body.get_submodule(self.guided_layer)
        self._tap = guided.register_forward_hook(lambda m, i, output: setattr(objective, "guided", output))

    def _start(self, student, data, rng):
        """Return the student on its device, its inputs, a regressor, and the parameters up to the guided layer."""
        device = resolve_device(student.device)
        module = student.module_.to(device)
        check_layer(module.body, "guided_layer", self.guided_layer)
        inputs = student.net_inputs(data)
        few = tuple(t[:2].to(device) for t in inputs)
        module.eval()
        guided = stopped_at(module.body, self.guided_layer, lambda: module.learned_outputs(few))
        parameters = [p for p in module.parameters() if p.requires_grad]
        used = torch.autograd.grad(guided.float().sum(), parameters, allow_unused=True)
        if isinstance(self.regressor, nn.Module):
            regressor = copy.deepcopy(self.regressor)
        else:
            with isolated_rng(draw_seed(rng)):
                layer = self._hint_body.get_submodule(self.hint_layer)
                regressor = make_regressor(tuple(guided.shape[1:]), self._hint_shape, layer, self.regressor)
        regressor = regressor.to(device)
        self._check_regressed(regressor, guided.detach())
        if self._hint_net is not None:
            self._hint_net.to(device).eval()
        return module, inputs, regressor, [p for p, g in zip(parameters, used) if g is not None]

    def _check_regressed(self, regressor, guided) -> None:
        with torch.no_grad():
            shape = tuple(regressor(guided).shape[1:])
        if shape != self._hint_shape:
            raise ValueError(
                f"regressor must bring the guided layer, {tuple(guided.shape[1:])}, to the shape of the hint layer, "
                f"{self._hint_shape}, but gives {shape}. Use regressor='auto'."
            )

    def _hints(self, targets: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(targets[:, -int(np.prod(self._hint_shape)) :])

    def _live_hint(self, inputs) -> torch.Tensor:
        with torch.no_grad():
            return stopped_at(self._hint_body, self.hint_layer, self._hint_net, inputs[0])

    def _release(self, student) -> None:
        if self.stages == "single":
            self._tap.remove()
            del student.module_.regressor, self._tap
        del self._hint_net, self._hint_body
