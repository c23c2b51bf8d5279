"""The loop itself: epochs, early stopping, history, progress, and what to keep when it breaks off."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from compress.evaluation import Progress, duration, say
from compress.training._checkpoint import Checkpoint, Position, Saver, read_checkpoint
from compress.training._clock import Clock
from compress.training._environment import isolated_rng, resolve_device
from compress.training._epochs import steps_of
from compress.training._memory import enough_memory
from compress.training._parts import PartedRows
from compress.training._processes import n_rows_of, processes_of
from compress.training._resuming import facts_of, resumed, saving
from compress.training._schedules import learning_rate_factor
from compress.training._steps import Diverged, Task

__all__ = ["PATIENCE", "StopTraining", "TrainingResult", "train"]

PATIENCE = 10  # epochs without improvement, with early_stopping=True; as in scikit-learn's MLPClassifier

logger = logging.getLogger(__name__)


class StopTraining(Exception):
    """Raised by a callback to end a training after its epoch; the student keeps what it has learned.

    Examples
    --------
    >>> from compress import StudentRegressor
    >>> def enough(row):
    ...     if row["epoch"] == 2:
    ...         raise StopTraining
    >>> X = torch.linspace(0, 1, 64).reshape(-1, 1).numpy()
    >>> student = StudentRegressor((4,), max_epochs=50, callbacks=(enough,), random_state=0).fit(X, X[:, 0])
    >>> student.n_iter_, student.stopped_
    (3, 'callback')
    """


@dataclass
class TrainingResult:
    """What one call of `train` did.

    Attributes
    ----------
    history : list of dict
        One row per epoch: `epoch`, `loss` (mean over its batches), `learning_rate`, `seconds`, and `valid`
        where there is a validation function.
    best_epoch : int or None
        The epoch whose weights were kept because of their validation score.
    stopped : {"finished", "early_stopping", "diverged", "callback"}
        Why the training ended: all epochs were run, the validation rows showed no improvement, the loss was not finite,
        or a callback ended it.
    n_steps : int
        The number of steps done.
    n_replayed : int
        The number of steps that a GPU ran from its capture; 0 on a CPU.
    eager_because : str or None
        Why a GPU's steps were not captured.
    """

    history: list = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = "finished"
    n_steps: int = 0
    n_replayed: int = 0
    eager_because: str | None = None


def train(
    module: nn.Module,
    tensors: tuple[torch.Tensor, ...] | PartedRows,
    loss: Callable[[tuple[torch.Tensor, ...], Clock], torch.Tensor],
    *,
    max_epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: str = "cosine",
    optimizer: str = "adamw",
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    parameters: Iterable[nn.Parameter] | None = None,
    validate: Callable[[], float] | None = None,
    measure: Callable[[], dict] | None = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    seed: int = 0,
    device: torch.device | None = None,
    mixed_precision: bool = False,
    capture: bool = True,
    callbacks: Iterable[Callable[[dict], None]] = (),
    checkpoint: Checkpoint | None = None,
    resume_from=None,
    verbose: int = 0,
    description: str = "training",
) -> TrainingResult:
    """Minimise `loss` over the parameters of `module`, in place.

    Parameters
    ----------
    module : torch module, on `device`
        The net; it is trained in place and left in eval mode.
    tensors : tuple of tensors with the same number of rows, on the host or on `device`; or PartedRows
        The rows; a batch is the same rows of each. What is on the host moves to the GPU whole when it fits.
    loss : callable(batch, clock) -> scalar tensor
        What is minimised: a function of a batch, a tuple of tensors, and of the `Clock`.
    max_epochs, batch_size : int
        The largest number of passes over the rows, and the number of rows of a step.
    learning_rate : float
        The learning rate at the start; "cosine" and "linear" schedules bring it to 0, step by step.
    schedule : {"constant", "cosine", "linear"}, default="cosine"
        How the learning rate changes.
    optimizer : {"adamw", "sgd"}, default="adamw"
        The optimiser.
    weight_decay : float, default=0.0
        Decoupled weight decay; it acts on matrices only, not on biases and norms.
    momentum : float in [0, 1), default=0.9
        Nesterov's momentum of "sgd".
    parameters : iterable, optional
        The parameters that are trained; the rest of the module stays frozen. All of the module by default.
    validate : callable() -> float, optional
        It is called after each epoch in eval mode; the weights with the lowest value are kept.
    measure : callable() -> dict, optional
        It is called after each epoch in eval mode; its entries go into that epoch's row of the history.
    patience : int, optional
        The training stops after so many epochs without an improvement by more than `tolerance`.
    tolerance : float, default=0.0
        How much lower a validation score must be to count as an improvement.
    seed : int, default=0
        The seed of the order of the batches and of dropout.
    device : torch.device, optional
        The device of the training; that of the module by default.
    mixed_precision : bool, default=False
        Whether the loss is computed under bfloat16 autocast; on a GPU only.
    capture : bool, default=True
        Whether steps may be captured and replayed on a GPU. A loss is watched for what a replay would freeze: the
        clock, torch's, NumPy's and Python's shared random streams on the host, a wait for the device. Say False when
        it depends on anything else that changes on the host, such as a counter or a random stream of its own.
    callbacks : iterable of callable(row), default=()
        They are called after each epoch with its row of the history; one that raises `StopTraining` ends the training.
    checkpoint : Checkpoint, optional
        Where and how often to write what the training needs to go on; steps are not captured then.
    resume_from : path, optional
        A checkpoint of the same training, from which it goes on. Callbacks are not called again for its epochs.
    verbose : int, default=0
        1 shows a progress bar on a terminal, and elsewhere a line every half minute; 2 a line per epoch besides.
    description : str, default="training"
        What the progress bar and the errors call the training.

    Returns
    -------
    TrainingResult

    Raises
    ------
    FloatingPointError
        The loss was not finite before any epoch was complete. Later on, training stops with a
        `ConvergenceWarning` and keeps the weights of the last complete (or best) epoch.
    KeyboardInterrupt
        Ctrl-C leaves the loop. To end a training early and keep what was learned, let a callback raise
        `StopTraining`.
    FileNotFoundError, ValueError
        The checkpoint `resume_from` does not exist, or it belongs to another training.
    MemoryError
        The rows of a batch, or the table and the net, do not fit on the GPU; the message says what to lower.

    Examples
    --------
    >>> import torch
    >>> from compress.training import train
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> net = torch.nn.Linear(1, 1)
    >>> _ = torch.nn.init.zeros_(net.weight)
    >>> def loss(batch, clock):
    ...     return (net(batch[0]) - batch[1]).square().mean()
    ...
    >>> result = train(net, (x, 2 * x), loss, max_epochs=20, batch_size=16, learning_rate=0.1)
    >>> result.stopped, len(result.history), abs(net.weight.item() - 2) < 0.1
    ('finished', 20, True)
    """
    device = next(module.parameters()).device if device is None else resolve_device(device)
    parameters = [p for p in (module.parameters() if parameters is None else parameters) if p.requires_grad]
    processes = processes_of(device)
    processes.check(seed)
    n_rows = n_rows_of(tensors)
    steps_per_epoch = processes.n_steps(tensors, batch_size)
    total_steps = max_epochs * steps_per_epoch
    task = Task(
        loss=loss,
        parameters=parameters,
        decayed=[p for p in parameters if p.ndim > 1] if weight_decay else [],
        optimizer=optimizer,
        momentum=momentum,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        factor=learning_rate_factor(schedule),
        total_steps=total_steps,
        batch_size=batch_size,
        n_rows=n_rows,
        max_epochs=max_epochs,
        processes=processes,
        device=device,
        bfloat16=mixed_precision and device.type == "cuda",
    )
    facts = facts_of(task, tensors, seed, schedule, max_epochs) if checkpoint or resume_from else {}
    at, stored = Position(), {}
    if resume_from is not None:
        at, stored = read_checkpoint(resume_from, facts)
    saver = None if checkpoint is None or processes.rank else Saver(checkpoint, facts)
    result = TrainingResult(at.history, at.best_epoch)
    kept = None  # weights to fall back to: the best epoch's, or the last complete one's
    best, stale = at.best, at.stale
    steps = None
    shown = Progress(total_steps, description, "step", verbose, leave=verbose > 1)
    try:
        with isolated_rng(seed, device), shown, enough_memory(description, device, batch_size, n_rows):
            steps = steps_of(task, tensors, seed, capture and not (saver or stored))
            if stored:
                kept = resumed(module, steps, at, stored)
                shown.update(at.n_done)
            for epoch in range(at.epoch, max_epochs):
                started = time.perf_counter()
                module.train()
                more = {}
                if saver is not None:
                    now = Position(epoch, 0, 0.0, 0, best, stale, result.best_epoch, result.history)
                    more["after_step"] = saving(saver, module, steps, now, kept)
                if stored and epoch == at.epoch:
                    more["begun"] = at.batches, at.total
                row = {"epoch": epoch, "loss": steps.epoch(epoch, **more), "learning_rate": steps.learning_rate}
                if validate is not None:
                    module.eval()
                    with torch.no_grad():
                        row["valid"] = float(validate())
                if measure is not None:
                    module.eval()
                    row.update(measure())
                row["seconds"] = time.perf_counter() - started
                result.history.append(row)
                facts = {key: f"{row[key]:.4g}" for key in ("loss", "valid") if key in row}
                shown.update(steps_per_epoch, **facts)
                say(_told(description, row, facts, max_epochs), verbose, level=2)
                if validate is None:
                    kept = _weights(module)
                elif row["valid"] < best - tolerance or kept is None:
                    best, kept, stale, result.best_epoch = row["valid"], _weights(module), 0, epoch
                else:
                    stale += 1
                for callback in callbacks:
                    callback(row)
                if patience is not None and stale >= patience:
                    result.stopped = "early_stopping"
                    break
    except Diverged as diverged:
        if kept is None:
            raise FloatingPointError(
                f"{description}: the loss is not finite at step {diverged.step}, in the first epoch. "
                f"Use a smaller learning_rate (now {learning_rate:g}) or check the targets."
            ) from None
        result.stopped = "diverged"
        warnings.warn(
            f"{description}: the loss is not finite at step {diverged.step} (epoch {diverged.epoch}); "
            f"stopped, with the last good weights kept. Use a smaller learning_rate (now {learning_rate:g}).",
            ConvergenceWarning,
            stacklevel=3,
        )
    except StopTraining:
        result.stopped = "callback"
    finally:
        if steps is not None:
            result.n_steps = steps.n_done
            result.n_replayed = steps.n_replayed
            result.eager_because = steps.eager_because
            steps.close()
    if kept is not None and (validate is not None or result.stopped == "diverged"):
        module.load_state_dict(kept)
    module.eval()
    logger.debug("%s: %s after %d steps, %d replayed", description, result.stopped, result.n_steps, result.n_replayed)
    return result


def _told(description: str, row: dict, facts: dict, max_epochs: int) -> str:
    known = ", ".join(f"{name} {value}" for name, value in facts.items())
    return f"{description}: epoch {row['epoch'] + 1} of {max_epochs}, {known}, {duration(row['seconds'])}"


def _weights(module: nn.Module) -> dict:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
