"""What distillers need of a teacher: logits, values and hidden layers, whatever kind of object the teacher is.

A teacher is a torch module (logits = its outputs), a student or `NetClassifier` of this library (its own logits), any
other classifier (logits = log-probabilities), or a list of these, combined by their mean.
"""

from __future__ import annotations

import contextlib

import numpy as np
import torch
from torch import nn

from compress.schema import checked_table, class_codes, pandas_of, same_classes
from compress.students import BaseStudent, NetClassifier
from compress.teachers import (
    answered_classes,
    check_teacher,
    fit_teacher,
    is_fitted,
    known_classes,
    teacher_outputs,
)
from compress.training import outputs_of

__all__ = [
    "MEANS",
    "Teachers",
    "as_they_were",
    "body_of",
    "check_layer",
    "fitted_teachers",
    "hidden_of",
    "row_net",
    "stopped_at",
]

MEANS = ("arithmetic", "geometric")
BLOCK_ROWS = 2048  # rows a net sees at a time: bounds the memory of its hidden layers


def fitted_teachers(teacher, X, y, sample_weight, task: str, rng) -> list:
    """Return the members of a teacher; fitted ones are used as they are, the others are cloned and fitted.

    Raises
    ------
    TypeError, ValueError
        No teacher is given, one is for another task, or one has to be fitted without labels.
    """
    members = list(teacher) if isinstance(teacher, list | tuple) else [teacher]
    if not members or any(member is None for member in members):
        raise ValueError("teacher must be an estimator, a torch module or a list of these, got none.")
    return [_fitted(member, X, y, sample_weight, task, rng) for member in members]


def _fitted(member, X, y, sample_weight, task, rng):
    if isinstance(member, nn.Module):
        return member
    check_teacher(member, task)
    if is_fitted(member, X):
        return member
    if y is None:
        raise ValueError(
            f"the teacher {type(member).__name__} is not fitted, so that fit requires y to be passed, "
            "but the target y is None. Pass y, or a fitted teacher."
        )
    fitted = fit_teacher(member, X, y, sample_weight, rng=rng)
    check_teacher(fitted, task)  # some methods appear in fit
    return fitted


class Teachers:
    """Fitted teachers whose outputs are combined.

    Parameters
    ----------
    members : list of fitted estimators and torch modules
        The teachers.
    mean : {"arithmetic", "geometric", "logits"}
        The mean of the members' probabilities, of their log-probabilities, or of their logits.
    eps : float in (0, 1)
        The smallest probability that the logarithm is taken of, for teachers that have only probabilities.
    """

    def __init__(self, members: list, mean: str, eps: float):
        self.members, self.mean, self.eps = members, mean, eps

    def classes(self, X):
        """Return the labels of the columns of `logits`, those of the first member that has some; None without them.

        It raises ValueError where members disagree.
        """
        known = [classes for classes in (_classes_of(member, X) for member in self.members) if classes is not None]
        for other in known[1:]:
            if not same_classes(known[0], other):
                raise ValueError(f"teachers must have the same classes, got {list(known[0])} and {list(other)}.")
        return known[0] if known else None

    def logits(self, X) -> np.ndarray:
        """Return logits of a DataFrame or array, float32 of shape (n_rows, n_classes), before softmax."""
        classes = self.classes(X)  # members that disagree raise an error before any work
        outputs = [torch.from_numpy(_member_logits(m, X, self.eps, classes)) for m in self.members]
        shapes = {tuple(z.shape) for z in outputs}
        if len(shapes) > 1:
            raise ValueError(f"teachers must have the same number of classes, got {[z.shape[1] for z in outputs]}.")
        return _combined(outputs, self.mean).numpy()

    def values(self, X) -> np.ndarray:
        """Return the mean of the regressors' predictions, float64 of shape (n_rows,) or (n_rows, n_outputs)."""
        outputs = [_member_values(m, X) for m in self.members]
        if len({v.shape for v in outputs}) > 1:
            raise ValueError(f"teachers must have the same outputs, got shapes {[v.shape for v in outputs]}.")
        return np.mean(outputs, axis=0)

    def batch_logits(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Return the logits of a batch that was augmented, on its device; the rows are `inputs[0]`."""
        x = inputs[0]
        nets = [row_net(member) for member in self.members]
        if all(net is not None for net in nets):
            classes = self.classes(None)
            with torch.no_grad():  # `as_they_were` puts device and mode back
                outputs = [_as_logits(m, net.to(x.device).eval()(x)) for m, net in zip(self.members, nets)]
                return _combined([_in_order(m, z, classes) for m, z in zip(self.members, outputs)], self.mean)
        return torch.from_numpy(self.logits(x.cpu().numpy())).to(x.device)


def body_of(member) -> nn.Module | None:
    """Return the net whose layers have names: a torch module itself, or the body of a student; else None."""
    if isinstance(member, nn.Module):
        return member
    return member.module_.body if isinstance(member, BaseStudent) else None


def row_net(member) -> nn.Module | None:
    """Return the net that takes plain rows, without an input layer of its own; None for other teachers."""
    return body_of(member) if isinstance(member, nn.Module | NetClassifier) else None


@contextlib.contextmanager
def as_they_were(members):
    """Set device and mode of the teachers' nets back after the block."""
    nets = [net for net in map(row_net, members) if net is not None]
    before = [(next((p.device for p in net.parameters()), None), net.training) for net in nets]
    try:
        yield
    finally:
        for net, (device, training) in zip(nets, before):
            if device is not None:
                net.to(device)
            net.train(training)


def hidden_of(member, layer: str, X) -> torch.Tensor:
    """Return the hidden layer `layer` of a net for a DataFrame or array, as a float32 tensor with rows first."""
    body = body_of(member)
    parts = []
    with _eval(body), torch.no_grad():
        for block, run in _blocks(member, X):
            parts.append(stopped_at(body, layer, run, *block).float().cpu())
    return torch.cat(parts)


def stopped_at(body: nn.Module, layer: str, run, *inputs) -> torch.Tensor:
    """Return the output of the submodule `layer` of `body` in `run(*inputs)`; what comes after it is not computed."""
    taken = []

    def take(module, inputs, output):
        taken.append(output)
        raise _Reached

    handle = body.get_submodule(layer).register_forward_hook(take)
    try:
        run(*inputs)
    except _Reached:
        return taken[0]
    finally:
        handle.remove()
    raise ValueError(f"the layer {layer!r} takes no part in the forward pass. Name one that does.")


class _Reached(Exception):
    """Ends a forward pass at the layer that is needed."""


def _classes_of(member, X):
    """Return the labels of the columns of a member; None where it does not say."""
    if isinstance(member, nn.Module):
        return None
    return known_classes(member) if X is None else answered_classes(member, X)


def _member_logits(member, X, eps: float, classes) -> np.ndarray:
    body = body_of(member)
    if body is None or not (isinstance(member, nn.Module) or hasattr(member, "classes_")):
        own = _classes_of(member, X)
        logits = teacher_outputs(member, X, "logits", eps=eps, classes=own)
        return logits if own is None else logits[:, class_codes(classes, own)]
    logits = _as_logits(member, _answers(member, X)).float()
    if logits.ndim != 2:
        raise ValueError(f"a torch teacher must return logits of shape (n_rows, n_classes), got {tuple(logits.shape)}.")
    if not logits.isfinite().all():
        raise ValueError("a torch teacher must return finite logits, but some are NaN or infinite. Check its weights.")
    return _in_order(member, logits, classes).numpy()


def _in_order(member, logits, classes):
    """Return the columns of a member in the order of the classes of all members."""
    own = _classes_of(member, None)
    if own is None or np.array_equal(own, classes):
        return logits
    return logits[:, class_codes(classes, own)]


def _member_values(member, X) -> np.ndarray:
    if not isinstance(member, nn.Module):
        return teacher_outputs(member, X, "values")
    values = _answers(member, X).double().numpy()
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _as_logits(member, outputs: torch.Tensor) -> torch.Tensor:
    return outputs if isinstance(member, nn.Module) else member.objective_.logits(outputs)


def _inputs(member, X):
    """Return the inputs of a net for all rows, on the CPU, the function that takes them, and its device."""
    if isinstance(member, nn.Module):
        inputs, run = (torch.from_numpy(_plain_rows(X)),), member
    else:
        table = checked_table(member, X, reset=False)
        inputs = tuple(torch.from_numpy(block) for block in member.schema_.encode(table, unseen="missing"))
        run = member.module_
    return inputs, run, next((p.device for p in run.parameters()), torch.device("cpu"))


def _answers(member, X) -> torch.Tensor:
    """Return the outputs of a net for all rows, computed where the net is; on a GPU in large blocks."""
    inputs, run, device = _inputs(member, X)
    return outputs_of(run, inputs, **({"block_rows": BLOCK_ROWS} if device.type == "cpu" else {}))


def _blocks(member, X):
    """Yield blocks of inputs of a net, and the function that takes them."""
    inputs, run, device = _inputs(member, X)
    for start in range(0, len(inputs[0]), BLOCK_ROWS):
        yield tuple(t[start : start + BLOCK_ROWS].to(device) for t in inputs), run


def _plain_rows(X) -> np.ndarray:
    try:
        return np.ascontiguousarray(np.asarray(pandas_of(X)), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"a torch teacher needs numbers only, but X has other values ({error}). Wrap it in a pipeline that encodes."
        ) from error


def _combined(outputs: list, mean: str) -> torch.Tensor:
    if len(outputs) == 1:
        return outputs[0]
    stacked = torch.stack(outputs)
    if mean == "logits":
        return stacked.mean(dim=0)
    stacked = stacked.log_softmax(dim=-1)
    if mean == "geometric":  # without its normalisation, which a softmax does anyway
        return stacked.mean(dim=0)
    return stacked.logsumexp(dim=0) - float(np.log(len(outputs)))


@contextlib.contextmanager
def _eval(module: nn.Module):
    """Switch dropout and batch statistics off inside the block, and set the mode back afterwards."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def check_layer(body: nn.Module, parameter: str, name: str) -> None:
    """Refuse a name that belongs to no layer, and a softmax; `parameter` is its name in the error."""
    names = [known for known, _ in body.named_modules() if known]
    if name not in names:
        raise ValueError(f"{parameter} must name a layer of the net, one of {', '.join(names)}; got {name!r}.")
    if isinstance(body.get_submodule(name), nn.Softmax | nn.LogSoftmax):
        raise ValueError(f"{parameter} must be a hidden layer, got {name!r}, a softmax. Name one before it.")
