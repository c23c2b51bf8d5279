"""Building a ranking student from ids and side features."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from compress.nets import FieldEmbedding, TabularInput, layer_sizes
from compress.recommend._nets import MatrixFactorization, PreRanker, SideFields, TwoTower
from compress.schema import FieldEncoder, as_table, pandas_of

__all__ = ["build_student"]


def build_student(settings, users, items, multi_valued, schema) -> nn.Module:
    """Make the net that `settings` (a RankingDistiller with `users_` and `items_`) asks for.

    Parameters
    ----------
    users, items : (array or None, DataFrame or None)
        The ids as given to `fit`, and the features in the same order.
    """
    n_users, n_items, size = len(settings.users_), len(settings.items_), settings.embedding_size
    if settings.student == "mf":
        if users[1] is not None or items[1] is not None:
            raise ValueError("student='mf' has no place for features. Use student='two_tower', or leave them out.")
        return MatrixFactorization(n_users, n_items, size)
    hidden = layer_sizes(settings)
    sides = [
        _side(name, *given, known, size, multi_valued, schema)
        for name, given, known in (("user", users, settings.users_), ("item", items, settings.items_))
    ]
    net = TwoTower if settings.student == "two_tower" else PreRanker
    return net(*sides, n_items, size, hidden)


def _side(name, ids, features, known, size, multi_valued, schema) -> SideFields:
    if features is None:
        return SideFields(len(known), size)
    if ids is None:
        raise ValueError(f"{name}_features needs {name}s=..., the ids of its rows, in fit.")
    if len(features) != len(ids):
        raise ValueError(f"{name}_features must have one row per {name} ({len(ids)}), got {len(features)}.")
    features = pandas_of(as_table(features))
    # rows in the order of the sorted ids; of an id named twice, the first row
    features = features.iloc[np.unique(np.asarray(ids), return_index=True)[1]].reset_index(drop=True)
    here = [c for c in multi_valued if c in features.columns]
    kinds = None if schema is None else {c: kind for c, kind in schema.items() if c in features.columns}
    encoder = FieldEncoder(kinds, here).fit(features)
    encoded = encoder.encode(features)
    statistics = TabularInput.from_encoded(encoded.table, encoder.schema_)
    fields = FieldEmbedding(
        statistics.mean,
        statistics.scale,
        encoder.schema_.n_categories_,
        [len(v) for v in encoder.vocabularies_],
        size=size,
    )
    blocks = tuple(torch.from_numpy(np.ascontiguousarray(block)) for block in encoded.blocks)
    return SideFields(len(known), size, fields, blocks)
