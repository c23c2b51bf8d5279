"""What a net has not seen in training has no say: inputs that never varied get weights of 0.

The weights of such inputs are never trained, so at serving another value would let their random start speak. A column
that never varied contributes a constant, which goes into the bias; categories and missing values that never occurred
contribute nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

__all__ = ["Seen", "seen_in", "silence_body", "silence_fields", "silence_layers"]


class Seen(NamedTuple):
    """What the training rows of an input layer held.

    Parameters
    ----------
    constant : bool array of shape (d_c,)
        Whether the values of each continuous column never varied.
    some_missing, all_missing : bool arrays of shape (d_c,)
        Whether some and whether all values of each continuous column were missing.
    values : float64 array of shape (d_c,)
        The value of each constant column.
    codes : list of bool arrays of shape (n_categories + 1,)
        Which categories of each nominal column occurred; the last position is that of the missing value.
    """

    constant: np.ndarray
    some_missing: np.ndarray
    all_missing: np.ndarray
    values: np.ndarray
    codes: list


def seen_in(encoded, constant, values, n_categories, weight=None) -> Seen:
    """Return what an encoded table holds; rows of weight 0 do not count."""
    continuous, nominal = encoded.continuous, encoded.nominal
    if weight is not None and not np.all(weight):
        continuous, nominal = continuous[np.asarray(weight) > 0], nominal[np.asarray(weight) > 0]
    missing = [np.isnan(column) for column in continuous.T]  # one at a time: no table of masks
    codes = []
    for column, n in zip(nominal.T, n_categories):
        found = np.zeros(int(n) + 1, dtype=bool)
        found[column] = True  # code -1 is the last position
        codes.append(found)
    some, every = (np.array([reduce(gaps) for gaps in missing], dtype=bool) for reduce in (np.any, np.all))
    return Seen(np.asarray(constant, dtype=bool), some, every, np.asarray(values, dtype=np.float64), codes)


@torch.no_grad()
def silence_body(inputs, body, *, trained: bool) -> None:
    """Silence what an `MLP` behind a `TabularInput` has not seen.

    Parameters
    ----------
    inputs : TabularInput
        The input layer, with its attribute `seen`; without one nothing is done.
    body : MLP
        The net behind it.
    trained : bool
        False before the training, when constants other than 0 are left for the bias to learn.
    """
    if inputs.seen is None:
        return
    still, value = _still(inputs)
    if body.periodic is not None:
        angle = value[: len(body.periodic.weight), None] * body.periodic.weight.double().cpu()
        once = still[: len(body.periodic.weight), None].expand_as(angle).flatten()
        still = torch.cat([still, once, once])
        value = torch.cat([value, torch.sin(angle).flatten(), torch.cos(angle).flatten()])
    carrier = body.layers[0][0] if len(body.layers) else body.output
    if body.bottleneck is None:
        constant = _take_out(carrier, still, value, trained)
    else:
        constant = carrier.weight.double() @ _take_out(body.bottleneck, still, value, trained)
    carrier.bias += constant.to(carrier.bias.dtype)
    _silence_embeddings(inputs, trained)


@torch.no_grad()
def silence_layers(inputs, layers, *, trained: bool) -> None:
    """Silence what linear layers behind a `TabularInput` have not seen; see `silence_body`."""
    if inputs.seen is None:
        return
    still, value = _still(inputs)
    for layer in layers:
        layer.bias += _take_out(layer, still, value, trained).to(layer.bias.dtype)
    _silence_embeddings(inputs, trained)


@torch.no_grad()
def silence_fields(fields, seen: Seen, bags=()) -> None:
    """Silence what a `FieldEmbedding` has not seen, after its training.

    Parameters
    ----------
    fields : FieldEmbedding
        The layer.
    seen : Seen
        What the training rows held.
    bags : sequence of int arrays
        The codes of the multi-valued columns in the training rows.
    """
    still = torch.as_tensor(seen.constant | seen.all_missing)
    value = torch.as_tensor(seen.values) - fields.mean.cpu()
    value = torch.where(still & torch.isfinite(value), value / fields.scale.cpu(), 0.0).to(fields.shift)
    fields.shift += value[:, None] * fields.continuous
    fields.continuous[still.to(fields.continuous.device)] = 0
    for table, codes in zip(fields.nominal, seen.codes):
        _silence_table(table.weight, codes)
    for table, bag in zip(fields.multi, bags):
        found = np.zeros(table.num_embeddings, dtype=bool)
        found[np.unique(bag)] = True
        table.weight[torch.as_tensor(~found)] = 0


def _still(inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which columns of the dense matrix never varied, and their values."""
    seen = inputs.seen
    value = np.where(seen.constant, seen.values - inputs.mean.cpu().numpy(), 0.0) / inputs.scale.cpu().numpy()
    value[seen.all_missing] = 0.0
    # a missing value becomes 0: beside another constant the column varies
    still = seen.all_missing | (seen.constant & ~(seen.some_missing & (np.abs(value) > 1e-6)))
    flags = np.array(inputs.indicators, dtype=np.intp)
    stills = [still, (seen.all_missing | ~seen.some_missing)[flags]]
    values = [value, seen.all_missing[flags].astype(float)]
    for k, (codes, width) in enumerate(zip(seen.codes, inputs.widths)):
        if str(k) in inputs.embeddings:
            codes = np.ones(width + 1, dtype=bool)  # its vectors are silenced
        alone = codes.sum() == 1
        stills.append(~codes[:width] | alone)
        values.append(codes[:width].astype(float))
    if inputs.pieces is not None:  # both ends of a bin were seen, so that its share varied
        stills.append(np.zeros(inputs.pieces.n_added, dtype=bool))
        values.append(np.zeros(inputs.pieces.n_added))
    return torch.as_tensor(np.concatenate(stills)), torch.as_tensor(np.concatenate(values), dtype=torch.float64)


def _take_out(layer: nn.Linear, still, value, trained: bool) -> torch.Tensor:
    """Set the weights of inputs that never varied to 0, and return what they contributed."""
    if not trained:
        still = still & (value.abs() < 1e-6)
    still, value = still.to(layer.weight.device), value.to(layer.weight.device)
    constant = layer.weight[:, still].double() @ value[still]
    layer.weight[:, still] = 0
    return constant


def _silence_embeddings(inputs, trained: bool) -> None:
    for k, codes in enumerate(inputs.seen.codes):
        if str(k) in inputs.embeddings:
            weight = inputs.embeddings[str(k)].weight
            if trained:
                _silence_table(weight, codes)
            else:
                weight[torch.as_tensor(~codes)] = 0
    if trained:
        inputs.seen = None


def _silence_table(weight, codes) -> None:
    """Set vectors that were never looked up to 0, or to the only one that was."""
    weight[torch.as_tensor(~codes)] = weight[int(np.argmax(codes))].clone() if codes.sum() == 1 else 0.0
