"""Several nets of one shape trained at once: candidates of a search, that one small net after the other leave idle.

Their weights stand in one matrix, a row per candidate. A step looks at one batch for all of them: `torch.func.vmap`
makes one batched product of theirs, and one optimiser moves the whole matrix, so that ten candidates take about as
many kernels as one. Adam's steps do not depend on the size of the gradients; so candidates with learning rates of
their own learn `weights / rate` at one common rate.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from compress.training._clock import Clock
from compress.training._environment import isolated_rng, resolve_device
from compress.training._epochs import steps_of
from compress.training._loop import TrainingResult
from compress.training._memory import enough_memory
from compress.training._schedules import learning_rate_factor
from compress.training._steps import Task

__all__ = ["train_together"]


def train_together(
    modules: Sequence[nn.Module],
    tensors: tuple[torch.Tensor, ...],
    loss: Callable[[nn.Module, tuple[torch.Tensor, ...], Clock], torch.Tensor],
    *,
    max_epochs: int,
    batch_size: int,
    learning_rates: float | Sequence[float],
    weight_decays: float | Sequence[float] = 0.0,
    schedule: str = "cosine",
    validate: Callable[[nn.Module], torch.Tensor] | None = None,
    own_rows: bool = False,
    seed: int = 0,
    device: torch.device | None = None,
    capture: bool = True,
    description: str = "candidates",
) -> list[TrainingResult]:
    """Train nets of one shape on the same batches with AdamW, in place, as `train` would train each by itself.

    Parameters
    ----------
    modules : sequence of torch modules, on `device`
        The same architecture, other weights. Nothing in them may change in a forward pass but by its inputs: batch
        norm, which keeps statistics, is refused.
    tensors : tuple of tensors with the same number of rows
        As in `train`; all candidates see the same batches, unless `own_rows` says otherwise.
    loss : callable(module, batch, clock) -> scalar tensor
        What one candidate minimises; called with a stand-in for all of them, under `torch.func.vmap`.
    max_epochs, batch_size : int
        As in `train`.
    learning_rates, weight_decays : float, or one per candidate
        They are as `learning_rate` (positive) and `weight_decay` (at least 0) of `train`.
    schedule
        As in `train`.
    validate : callable(module) -> scalar tensor, optional
        It is called after each epoch in eval mode, also under `vmap`: of each candidate the weights with its lowest
        value are kept. Without it, the last weights that are finite are.
    own_rows : bool, default=False
        Whether each candidate has rows of its own: tensors are of shape (n_rows, n_candidates, ...) then, and a batch
        is the same numbers of rows of each.
    seed, device, capture, description
        As in `train`.

    Returns
    -------
    list of TrainingResult
        One per candidate; `seconds` in the histories are those of all together. `stopped` is "finished" or "diverged".

    Raises
    ------
    ValueError
        No modules, different architectures, changing buffers, rates out of their range, own rows of another number
        of candidates.
    FloatingPointError
        No candidate's loss was finite in the first epoch.
    MemoryError
        As in `train`; the memory of a step grows with the number of candidates.

    Examples
    --------
    >>> import torch
    >>> from compress.training import train_together
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> nets = [torch.nn.Linear(1, 1) for _ in range(2)]
    >>> _ = torch.nn.init.zeros_(nets[0].weight)
    >>> def loss(net, batch, clock):
    ...     return (net(batch[0]) - batch[1]).square().mean()
    ...
    >>> results = train_together(nets, (x, 2 * x), loss, max_epochs=20, batch_size=16, learning_rates=[0.1, 0.01])
    >>> [result.stopped for result in results], abs(nets[0].weight.item() - 2) < 0.1
    (['finished', 'finished'], True)
    """
    stack = _Stack(modules, learning_rates, weight_decays, loss, own_rows)
    if own_rows and any(tensor.shape[1] != len(modules) for tensor in tensors):
        raise ValueError(
            f"tensors must be of shape (n_rows, n_candidates, ...) with own_rows=True, for {len(modules)} candidates, "
            f"got shapes {[tuple(tensor.shape) for tensor in tensors]}."
        )
    device = stack.weights.device if device is None else resolve_device(device)
    n_rows = len(tensors[0])
    task = Task(
        loss=stack.loss,
        parameters=[stack.weights],
        decayed=[],
        optimizer="adamw",
        momentum=0.0,
        learning_rate=stack.common_rate,
        weight_decay=0.0,
        factor=learning_rate_factor(schedule),
        total_steps=max_epochs * math.ceil(n_rows / batch_size),
        batch_size=batch_size,
        n_rows=n_rows,
        device=device,
        own_decay=stack.decay,
        weights_must_be_finite=False,  # one that diverges does not stop the others
    )
    results = [TrainingResult() for _ in modules]
    best = torch.full((len(modules),), math.inf, device=device, dtype=torch.float64)
    kept = stack.weights.detach().clone()
    steps = None
    try:
        with isolated_rng(seed, device), enough_memory(description, device, batch_size * len(modules), n_rows):
            steps = steps_of(task, tensors, seed, capture)
            for epoch in range(max_epochs):
                started = time.perf_counter()
                stack.start_epoch()
                steps.epoch(epoch)
                finite = stack.finite()
                scores = -torch.full_like(best, epoch) if validate is None else stack.scores(validate).double()
                better = finite & (scores < best)
                best = torch.where(better, scores, best)
                kept = torch.where(better[:, None], stack.weights.detach(), kept)
                # one wait for all that is looked at
                told = torch.stack([stack.totals / n_rows, scores, finite.double(), better.double()]).tolist()
                seconds = time.perf_counter() - started
                for k, (mean_loss, score, is_finite, is_better) in enumerate(zip(*told)):
                    if results[k].stopped == "diverged":
                        continue
                    if not is_finite:
                        results[k].stopped = "diverged"
                        continue
                    rate = steps.learning_rate / stack.common_rate * float(stack.rates[k])
                    row = {"epoch": epoch, "loss": mean_loss, "learning_rate": rate}
                    row |= {} if validate is None else {"valid": score}
                    results[k].history.append({**row, "seconds": seconds})
                    if is_better and validate is not None:
                        results[k].best_epoch = epoch
                if not any(result.history for result in results):
                    raise FloatingPointError(
                        f"{description}: no candidate's loss is finite in the first epoch. "
                        f"Use smaller learning_rates (now {learning_rates}) or check the targets."
                    )
    finally:
        if steps is not None:
            for result in results:
                result.n_steps, result.n_replayed = steps.n_done, steps.n_replayed
                result.eager_because = steps.eager_because
            steps.close()
    stack.unstack(kept, modules)
    return results


class _Stack:
    """The candidates' weights as one matrix, and one stand-in that computes with any row of it.

    Attributes
    ----------
    weights : Parameter of shape (n_candidates, n_parameters)
        Divided by `scales`.
    scales : tensor of shape (n_candidates,)
        The candidates' learning rates over `common_rate`, their largest.
    rates : float64 array of shape (n_candidates,)
    totals : float64 tensor of shape (n_candidates,)
        Sum over the epoch of the losses times rows.
    """

    def __init__(self, modules, learning_rates, weight_decays, loss, own_rows: bool):
        if not len(modules):
            raise ValueError("modules must hold at least one net, got none.")
        named = [dict(m.named_parameters()) for m in modules]
        shapes = [{name: tuple(p.shape) for name, p in one.items()} for one in named]
        if any(other != shapes[0] for other in shapes[1:]):
            raise ValueError(f"modules must have one architecture, got parameters of the shapes {shapes}.")
        for module in modules[0].modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
                raise ValueError("modules must not change in a forward pass, got one with batch norm. Use train.")
        rates = _per_candidate("learning_rates", learning_rates, len(modules))
        decays = _per_candidate("weight_decays", weight_decays, len(modules))
        if not (rates > 0).all() or not (decays >= 0).all():
            raise ValueError(
                "learning_rates must be positive and weight_decays at least 0, "
                f"got {learning_rates!r} and {weight_decays!r}."
            )
        flat = torch.stack([torch.cat([p.detach().flatten() for p in one.values()]) for one in named])
        device = flat.device
        self.rates, self.common_rate = rates, float(rates.max())
        self.scales = torch.as_tensor(rates / rates.max(), dtype=flat.dtype, device=device)
        self.weights = nn.Parameter(flat / self.scales[:, None])
        self.totals = torch.zeros(len(modules), dtype=torch.float64, device=device)
        self._names, self._shapes = list(shapes[0]), list(shapes[0].values())
        self._sizes = [math.prod(shape) for shape in self._shapes]
        matrices = torch.cat([torch.full((n,), float(len(s) > 1)) for n, s in zip(self._sizes, self._shapes)])
        # by how much of a step's common rate each number decays; what is no matrix does not
        shares = torch.as_tensor(decays, dtype=flat.dtype)[:, None] * matrices
        self._shares = shares.to(device) * self.scales[:, None] if decays.any() else None
        self._buffers = {
            name: torch.stack([dict(m.named_buffers())[name] for m in modules])
            for name, _ in modules[0].named_buffers()
        }
        self._stand_in = copy.deepcopy(modules[0]).requires_grad_(False)
        self._loss, self._own_rows = loss, own_rows

    def start_epoch(self) -> None:
        """Training mode, sums at 0."""
        self._stand_in.train()
        self.totals.zero_()

    def loss(self, batch, clock) -> torch.Tensor:
        """The sum of the candidates' losses; what is not finite counts 0, and concerns its own row only."""
        if self._own_rows:
            losses = self._each(lambda module, *own: self._loss(module, own, clock), *batch)
        else:
            losses = self._each(lambda module: self._loss(module, batch, clock))
        self.totals.add_(losses.detach(), alpha=len(batch[0]))
        return torch.where(losses.isfinite(), losses, 0.0).sum()

    def decay(self, rate) -> None:
        """Decoupled decay of the matrices for one step; `rate` is the common one."""
        if self._shares is not None:
            with torch.no_grad():
                self.weights.mul_(1 - self._shares * rate)

    def finite(self) -> torch.Tensor:
        """Whether loss and weights of each candidate are finite: bool of shape (n_candidates,)."""
        return self.totals.isfinite() & self.weights.detach().isfinite().all(dim=1)

    def scores(self, validate) -> torch.Tensor:
        """`validate` of each candidate, of shape (n_candidates,)."""
        self._stand_in.eval()
        with torch.no_grad():
            return self._each(validate)

    def unstack(self, weights: torch.Tensor, modules) -> None:
        """Write each row of `weights` back into its module, which is left in eval mode."""
        with torch.no_grad():
            for module, row in zip(modules, weights * self.scales[:, None]):
                parts = row.split(self._sizes)
                for parameter, part in zip(module.parameters(), parts):
                    parameter.copy_(part.view_as(parameter))
                module.eval()

    def _each(self, function, *batch) -> torch.Tensor:
        """`function` of each module, and of its own part of a batch of shape (n_rows, n_candidates, ...)."""

        def one(row, buffers, *own):
            parts = [part.view(shape) for part, shape in zip(row.split(self._sizes), self._shapes)]
            state = dict(zip(self._names, parts)) | buffers
            return _with_weights(self._stand_in, state, lambda module: function(module, *own))

        rows = self.weights * self.scales[:, None]
        dims = (0, 0, *(1 for _ in batch))
        return torch.func.vmap(one, in_dims=dims, randomness="different")(rows, self._buffers, *batch)


class _Called(nn.Module):
    """A function of a module as a module's forward pass, which is what `torch.func.functional_call` can call."""

    def __init__(self, module: nn.Module, function):
        super().__init__()
        self.module, self.function = module, function

    def forward(self):
        return self.function(self.module)


def _with_weights(module: nn.Module, state: dict, function):
    state = {f"module.{name}": value for name, value in state.items()}
    return torch.func.functional_call(_Called(module, function), state, ())


def _per_candidate(name: str, values, n: int) -> np.ndarray:
    values = np.atleast_1d(np.array(values, dtype=float))
    if values.shape not in ((1,), (n,)):
        raise ValueError(f"{name} must be one number or one per candidate ({n}), got {values.tolist()}.")
    return np.broadcast_to(values, (n,)).copy()
