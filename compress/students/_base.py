"""How students learn: from a table to targets, a net, and a run of the training loop."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from compress._random import draw_seed
from compress.nets import TableNet
from compress.schema import (
    LearningSet,
    as_labels,
    as_schema,
    check_validation_pair,
    checked_table,
    margin_of,
    same_classes,
)
from compress.students._learning import held_out_rows, learning_set
from compress.students._objectives import Objective
from compress.students._parted import PartsToLearn
from compress.students._predicting import PredictingStudent
from compress.students._targets import output_activation
from compress.students._teach import Steps, teach
from compress.training import (
    LEARNING_RATE_SCHEDULES,
    PATIENCE,
    auto_batch_size,
    auto_learning_rate,
    checked_saving,
    fits_on,
    isolated_rng,
    resolve_device,
)
from compress.transfer import PartedTransferSet, TransferSet

__all__ = ["BaseStudent"]

ENCODE_ROWS = 65_536  # rows that are made dense at a time
LARGEST_ENCODED = 2**30  # bytes of a dense matrix with bins that is kept: beyond, steps make their own, a little slower
STEPS = 16_000  # number of steps that max_epochs="auto" aims at


class BaseStudent(PredictingStudent):
    """Base of the estimators that train one net on a table.

    A subclass has `_check_parameters`, `_new_net`, `_new_objective`, `_target` (what `y` means, see
    `compress.students._targets`) and `predictor`, and may have `_resumes` and `_training_options`. Other rooms
    use five methods besides scikit-learn's: `learn`, `untrained`, `net_inputs`, `augmented` and `steps_for`.
    """

    _parameter_constraints = {
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions(set(LEARNING_RATE_SCHEDULES))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "device": [str, torch.device],
        "mixed_precision": ["boolean"],
        "callbacks": ["array-like"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def fit(
        self, X, y=None, sample_weight=None, *, X_val=None, y_val=None, checkpoint=None, resume_from=None
    ) -> BaseStudent:
        """Learn from labelled rows or from a transfer set.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns); or TransferSet, StoredTransferSet or StreamedTransferSet
            The rows to learn from, or a transfer set with its targets. One in parts is never in memory as a whole: a
            sample of 100,000 rows decides how columns are standardised, and with `early_stopping=True` whole parts
            are held out.
        y : array, optional
            A classifier takes labels of shape (n_rows,), or soft labels of shape (n_rows, n_classes) whose rows sum to
            1. A regressor takes values of shape (n_rows,) or (n_rows, n_outputs). It is None with a transfer set.
        sample_weight : array of shape (n_rows,), optional
            Non-negative weights of the rows in the loss; by default those of the transfer set.
        X_val, y_val : table and array, optional
            Validation rows and their labels, hard or soft, for early stopping.
        checkpoint : path or compress.training.Checkpoint, optional
            The file to which the training writes, every five minutes or as often as a `Checkpoint` says, all that it
            needs to go on.
        resume_from : path, optional
            A checkpoint of a fit with the same rows, parameters and `random_state`, which this one goes on with: its
            weights are those of a fit that was never interrupted, on one thread to the last bit.

        Returns
        -------
        self

        Raises
        ------
        FileNotFoundError
            The checkpoint `resume_from` does not exist.
        ValueError
            A parameter is out of its range, the labels do not fit, soft labels do not sum to 1, or the checkpoint
            belongs to another training.
        FloatingPointError
            The loss is not finite in the first epoch.
        """
        self._check_parameters()
        check_validation_pair(X_val, y_val)
        saving = checked_saving(checkpoint, resume_from)
        resume = self._resumes()
        rng = check_random_state(self.random_state)
        parts = None
        if isinstance(X, PartedTransferSet):
            parts = PartsToLearn(X, self, sample_weight, X_val is not None, rng)
            X = parts.sample
        data = self._learning_set(X, y, sample_weight, resume=resume)
        if parts is None or X_val is not None:
            data, held_out = held_out_rows(self, data, X_val, y_val, rng)
        else:
            held_out = parts.held_out(self)
        if not resume:
            self._make_net(data, self._new_objective(data.targets, data.weight), rng)
        steps = self.steps_for(data.n_rows if parts is None else parts.n_rows)
        return self._train(data if parts is None else parts, held_out, rng, steps, self.schedule, **saving)

    def learn(
        self, X, targets, weight, make_objective, *, classes=None, X_val=None, y_val=None, before=None
    ) -> BaseStudent:
        """Learn given targets under an objective of the caller; `compress.distill` uses it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows to learn from.
        targets : float array of shape (n_rows, n_columns)
            The targets; the objective decides what the columns mean.
        weight : float32 array of shape (n_rows,) or None
            The weights of the rows, of mean 1.
        make_objective : callable(targets, weight, output_activation) -> Objective
            A function that is called once; `output_activation` is the one that belongs to `classes`.
        classes : array of shape (n_classes,), optional
            The label of each output; None in regression.
        X_val, y_val : table and array, optional
            Validation rows and their labels, as in `fit`.
        before : callable(student, data, rng), optional
            A function that trains a stage of its own after the net is made and before it is trained; `data` is a
            `LearningSet`.

        Returns
        -------
        self
        """
        self._check_parameters()
        table = checked_table(self, X, reset=True)
        if classes is not None:
            self.classes_ = classes
        self.schema_ = as_schema(getattr(self, "schema", None), table)
        data = LearningSet(self.schema_.encode(table, unseen="missing"), targets, weight)
        objective = make_objective(targets, weight, self._output_activation(classes))
        rng = check_random_state(self.random_state)
        data, held_out = held_out_rows(self, data, X_val, y_val, rng)
        self._make_net(data, objective, rng)
        if before is not None:
            before(self, data, rng)
        return self._train(data, held_out, rng, self.steps_for(data.n_rows), self.schedule)

    def _partial_fit(self, X, y, sample_weight, classes=None):
        """Train one more epoch at the initial learning rate."""
        self._check_parameters()
        first = not hasattr(self, "module_")
        known = None if classes is None else np.unique(as_labels(classes, "classes"))
        if not first and known is not None and not same_classes(known, self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_.tolist()}, got {known.tolist()}. "
                "Leave classes out after the first call."
            )
        rng = check_random_state(self.random_state)
        parts = PartsToLearn(X, self, sample_weight, True, rng) if isinstance(X, PartedTransferSet) else None
        X = X if parts is None else parts.sample
        data = self._learning_set(X, y, sample_weight, resume=not first, classes=known)
        if first:
            self._make_net(data, self._new_objective(data.targets, data.weight), rng)
        steps = self.steps_for(data.n_rows if parts is None else parts.n_rows)._replace(max_epochs=1)
        return self._train(data if parts is None else parts, None, rng, steps, "constant")

    def untrained(self, data: TransferSet) -> BaseStudent:
        """Make the student before its first step; its bytes and its latency are those of the trained one.

        Parameters
        ----------
        data : TransferSet
            The rows and targets that decide on the inputs and outputs of the net.

        Returns
        -------
        self
        """
        self._begun(data, check_random_state(self.random_state))
        self.module_.eval()
        return self

    def steps_for(self, n_rows: int) -> Steps:
        """Return epochs, batch size and learning rate of a training, with the "auto" rules applied.

        The rules depend on the device: a GPU has larger batches and as many passes as a CPU, and the learning rate
        follows an automatic batch size.

        Parameters
        ----------
        n_rows : int
            The number of training rows.

        Returns
        -------
        Steps
            The number of epochs, the batch size and the learning rate at the start.
        """
        given, automatic = self.learning_rate, self.batch_size == "auto"
        on_cpu = auto_batch_size(n_rows, torch.device("cpu")) if automatic else self.batch_size
        max_epochs = self.max_epochs
        if max_epochs == "auto":
            max_epochs = int(np.clip(STEPS * on_cpu / n_rows, 10, 200))
        if not automatic:
            return Steps(max_epochs, on_cpu, given)
        batch_size = auto_batch_size(n_rows, resolve_device(self.device), max_epochs)
        return Steps(max_epochs, batch_size, auto_learning_rate(given, n_rows, batch_size))

    def net_inputs(self, data: LearningSet) -> tuple[torch.Tensor, ...]:
        """Return what the net is trained on for some rows.

        Parameters
        ----------
        data : LearningSet
            The rows.

        Returns
        -------
        tuple of tensors
            The dense matrix, made once, where nothing in the input layer is learned, on the device of the net if it
            fits there; else, or where bins would make it larger than 1 GiB, the two blocks, on the CPU.
        """
        # the schema may pass on the caller's own array, and torch needs a writable one
        blocks = [torch.from_numpy(np.require(block, requirements="W")) for block in data.encoded]
        if not self.module_.inputs.is_fixed:
            return tuple(blocks)
        device = self.module_.output_mean.device
        shape = (data.n_rows, self.module_.inputs.n_outputs)
        if getattr(self.module_.inputs, "pieces", None) is not None and 4 * shape[0] * shape[1] > LARGEST_ENCODED:
            return tuple(blocks)
        # on the device, where training needs it, if it fits
        dense = torch.empty(shape, device=device if fits_on(device, 4 * shape[0] * shape[1]) else "cpu")
        with torch.no_grad():
            for start in range(0, len(dense), ENCODE_ROWS):
                rows = slice(start, start + ENCODE_ROWS)
                dense[rows] = self.module_.inputs(*(block[rows].to(device) for block in blocks))
        return (dense,)

    def augmented(self, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Return the inputs of a training batch as the net gets them: unchanged, unless a subclass changes them.

        Parameters
        ----------
        inputs : tuple of tensors
            The inputs, as `net_inputs` returns them.
        """
        return inputs

    # -------------------------------------------------------------- the steps of fit
    def _begun(self, data: TransferSet, rng) -> LearningSet:
        """Make a new net for a transfer set, and return what it is to learn."""
        self._check_parameters()
        data = self._learning_set(data, None, None)
        self._make_net(data, self._new_objective(data.targets, data.weight), rng)
        return data

    def _resumes(self) -> bool:
        """Whether `fit` continues from the weights that are there."""
        return False

    def _output_activation(self, classes) -> str:
        return output_activation(None if classes is None else len(classes))

    def _patience(self) -> int | None:
        """Return the number of epochs without improvement after which training stops; None runs all epochs."""
        if self.n_iter_no_change == "auto":
            return PATIENCE if self.early_stopping is True else None
        return self.n_iter_no_change

    def _silence(self, *, trained: bool) -> None:
        """Give inputs that never vary in the training rows no say; see `compress.nets.silence_body`."""

    def _training_options(self, tensors, loss, batch_size: int) -> dict:
        """Return further arguments of `compress.training.train`."""
        return {}

    def _learning_set(self, X, y, sample_weight, *, resume: bool = False, classes=None) -> LearningSet:
        """Return checked and encoded rows and targets; a resumed fit has the columns and classes of the last one."""
        outputs = self.objective_.n_outputs if resume else None
        data = learning_set(self, X, y, sample_weight, resumed_outputs=outputs, classes=classes)
        margin = getattr(self.module_.inputs, "margin", None) if resume else None
        if margin is not None:  # further rows may leave the range of the first ones
            more = margin_of(self.schema_, data.encoded.continuous)
            self.module_.inputs.hold(self.schema_, None if more is None else max(margin, more))
        return data

    def _make_net(self, data: LearningSet, objective: Objective, rng) -> None:
        """Set `objective_` and a new `module_` with weights drawn from one seed of `rng`."""
        self.objective_ = objective
        with isolated_rng(draw_seed(rng)):
            inputs, body = self._new_net(data, objective.n_outputs)
            self.module_ = TableNet(inputs, body, objective.n_outputs)
        self.module_.output_mean, self.module_.output_scale = map(torch.tensor, (objective.mean, objective.scale))
        self._silence(trained=False)
        self.n_parameters_ = sum(p.numel() for p in self.module_.parameters())

    def _train(self, data, held_out, rng, steps: Steps, schedule: str, **saving):
        """Run the training loop; when it fails the student is not fitted."""
        try:
            result = teach(self, data, held_out, rng, steps, schedule, **saving)
        except BaseException:
            del self.module_
            raise
        return self._trained(result)

    def _trained(self, result) -> BaseStudent:
        """Take over what a training came to."""
        self._silence(trained=True)
        self.history_, self.best_epoch_, self.stopped_ = result.history, result.best_epoch, result.stopped
        self.n_iter_ = len(result.history)
        self.objective_ = self.objective_.plain()
        self._predictor = self.predictor(np.float64)
        return self
