"""Torch modules, and reading their weights out."""

from compress.nets._conv import ConvNet
from compress.nets._fields import INITIAL_SD, DualDNN, FieldEmbedding, StudentPath, TeacherPath
from compress.nets._input import TabularInput
from compress.nets._interactions import (
    INTERACTIONS,
    BilinearInteraction,
    CrossInteraction,
    FMInteraction,
    make_interaction,
)
from compress.nets._layer_sizes import layer_sizes
from compress.nets._mlp import ACTIVATIONS, MLP, Periodic, make_activation
from compress.nets._pieces import NARROWEST_BIN, PiecewiseLinear
from compress.nets._rocket import BlockBranch, Branch, bottom_branches, interval_branches, silence_branches
from compress.nets._seen import silence_body, silence_fields
from compress.nets._table_net import TableNet
from compress.nets._unfold import table_net_of_fields
from compress.nets._weights import activation_name, weights_to_bytes

__all__ = [
    "ACTIVATIONS",
    "INITIAL_SD",
    "INTERACTIONS",
    "MLP",
    "NARROWEST_BIN",
    "BilinearInteraction",
    "BlockBranch",
    "Branch",
    "ConvNet",
    "CrossInteraction",
    "DualDNN",
    "FMInteraction",
    "FieldEmbedding",
    "Periodic",
    "PiecewiseLinear",
    "StudentPath",
    "TableNet",
    "TabularInput",
    "TeacherPath",
    "activation_name",
    "bottom_branches",
    "interval_branches",
    "layer_sizes",
    "make_activation",
    "make_interaction",
    "silence_body",
    "silence_branches",
    "silence_fields",
    "table_net_of_fields",
    "weights_to_bytes",
]
