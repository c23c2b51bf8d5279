"""The student of a dual DNN as the net of a table: vectors of continuous columns are folded into its first layer."""

from __future__ import annotations

import numpy as np
import torch

from compress.nets._fields import FieldEmbedding
from compress.nets._input import TabularInput
from compress.nets._mlp import MLP
from compress.nets._table_net import TableNet

__all__ = ["table_net_of_fields"]


@torch.no_grad()
def table_net_of_fields(fields: FieldEmbedding, body: MLP, nominal_missing) -> TableNet:
    """Return a net that computes the same from a table, up to rounding, and can be exported.

    A continuous column only scales its vector, so the first layer can take the number itself. Nominal columns keep
    their vectors.

    Parameters
    ----------
    fields : FieldEmbedding
        The layer of vectors; it must have no multi-valued column.
    body : MLP
        The net behind it.
    nominal_missing : sequence of d_n bool
        Whether each nominal column had missing values in training.

    Examples
    --------
    >>> from compress.nets import MLP, FieldEmbedding, table_net_of_fields
    >>> fields = FieldEmbedding([40.0], [10.0], n_categories=[5], size=4)
    >>> type(table_net_of_fields(fields, MLP(8, (6,), 1), nominal_missing=[True])).__name__
    'TableNet'
    """
    size, d_c = fields.size, len(fields.mean)
    inputs = TabularInput(
        fields.mean.cpu().numpy(),
        fields.scale.cpu().numpy(),
        np.zeros(d_c, dtype=bool),
        [table.num_embeddings - 1 for table in fields.nominal],
        nominal_missing,
        max_one_hot=0,
        embedding_size=size,
    )
    inputs.hold_like(fields)
    sizes, n_outputs = body.hidden_layer_sizes, body.output.out_features
    made = MLP(inputs.n_outputs, sizes, n_outputs)
    for layer, trained in zip(made.layers[1:], body.layers[1:]):
        layer[0].load_state_dict(trained[0].state_dict())
    if sizes:
        made.output.load_state_dict(body.output.state_dict())
    old, new = (net.layers[0][0] if sizes else net.output for net in (body, made))
    blocks = old.weight.double().reshape(len(old.weight), -1, size)
    bias = old.bias.double() + torch.einsum("ukd,kd->u", blocks[:, :d_c], fields.shift.double())
    columns = [torch.einsum("ukd,kd->uk", blocks[:, :d_c], fields.continuous.double())]
    for k, table in enumerate(fields.nominal):
        block = blocks[:, d_c + k]
        if table.num_embeddings > 1:
            inputs.embeddings[str(k)].load_state_dict(table.state_dict())
            columns.append(block)
        else:  # no category at all: always the vector of the missing value
            bias += block @ table.weight[0].double()
            columns.append(torch.zeros(len(block), inputs.widths[k], dtype=torch.float64))
    new.weight.copy_(torch.cat(columns, dim=1))
    new.bias.copy_(bias)
    return TableNet(inputs, made, n_outputs)
