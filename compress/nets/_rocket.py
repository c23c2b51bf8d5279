"""Nets of Rocket Launching: a light and a booster net over shared lower layers.

There are two ways of sharing, as in the paper. *Bottom*: the lowest layers are shared, and each net has its own above.
*Interval*: both are nets of residual blocks in groups, and the light net's blocks are the first ones of
each of the booster's groups. Weights are shared; batch norms and output layers are each net's own,
as in the authors' code.

References
----------
Zhou et al., "Rocket Launching", AAAI 2018, arXiv:1708.04106, figure 3.
"""

from __future__ import annotations

import torch
from torch import nn

from compress.nets._fields import INITIAL_SD
from compress.nets._mlp import ACTIVATIONS, MLP
from compress.nets._seen import silence_layers
from compress.nets._size import check_layers

__all__ = ["BlockBranch", "Branch", "bottom_branches", "interval_branches", "silence_branches"]


class Branch(nn.Module):
    """Input layer, lower layers and head of one net; two branches may have the same lower layers.

    Parameters
    ----------
    inputs : torch module
        The input layer, from the two blocks of a table to a dense matrix.
    lower : torch module
        The lower layers, from the dense matrix to the shared representation.
    head : torch module
        The upper layers, from the shared representation to the outputs before softmax.
    """

    def __init__(self, inputs: nn.Module, lower: nn.Module, head: nn.Module):
        super().__init__()
        self.inputs, self.lower, self.head = inputs, lower, head

    @property
    def first_layers(self) -> list[nn.Linear]:
        """The linear layers that take the dense matrix."""
        lower = [layer for layer in self.lower if isinstance(layer, nn.Linear)]
        return lower[:1] or [self.head.layers[0][0] if len(self.head.layers) else self.head.output]

    def forward(self, *blocks) -> torch.Tensor:
        """Compute the outputs, of shape (n_rows, n_outputs), before softmax.

        Parameters
        ----------
        *blocks : tensors
            The two blocks of a table, or its dense matrix.
        """
        return self.from_lower(self.shared(*blocks))

    def shared(self, *blocks) -> torch.Tensor:
        """Compute the representation that the lower layers give, of shape (n_rows, n_shared).

        Parameters
        ----------
        *blocks : tensors
            The two blocks of a table, or its dense matrix.
        """
        return self.lower(self.dense(*blocks))

    def dense(self, *blocks) -> torch.Tensor:
        """Compute the dense matrix, of shape (n_rows, n_inputs), in the dtype of the weights.

        Parameters
        ----------
        *blocks : tensors
            The two blocks of a table, or its dense matrix.
        """
        x = blocks[0] if len(blocks) == 1 else self.inputs(*blocks)
        return x.to(next(self.head.parameters()).dtype)

    def from_lower(self, representation: torch.Tensor) -> torch.Tensor:
        """Compute the outputs from the representation.

        Parameters
        ----------
        representation : float tensor of shape (n_rows, n_shared)
            The result of `shared`.
        """
        return self.head(representation)


def bottom_branches(
    make_inputs, lower_sizes, light_sizes, booster_sizes, n_outputs, *, share, activation, booster_options
) -> tuple[Branch, Branch]:
    """Make a light net and a booster that have their lowest layers in common.

    Parameters
    ----------
    make_inputs : callable() -> torch module
        A function that makes an input layer with `n_outputs`.
    lower_sizes : list of int
        The units of the lowest layers.
    light_sizes, booster_sizes : list of int
        The units of the hidden layers of each net above them.
    n_outputs : int
        The number of outputs of both nets.
    share : bool
        Whether the lowest layers are shared; with False each net has its own.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}
        The nonlinearity of both nets.
    booster_options : dict
        Further parameters of the `MLP` of the booster, such as `dropout` and `batch_norm`.

    Returns
    -------
    light : Branch
        The light net.
    booster : Branch
        The booster.
    """

    def lower(width):
        check_layers(width, lower_sizes, 0)
        layers = []
        for n_in, n_out in zip([width, *lower_sizes[:-1]], lower_sizes):
            layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
        return nn.Sequential(*layers)

    inputs = make_inputs()
    below = lower(inputs.n_outputs)
    width = lower_sizes[-1] if lower_sizes else inputs.n_outputs
    light = Branch(inputs, below, MLP(width, light_sizes, n_outputs, activation=activation))
    if not share:
        inputs = make_inputs()
        below = lower(inputs.n_outputs)
    head = MLP(width, booster_sizes, n_outputs, activation=activation, **booster_options)
    return _started(light, Branch(inputs, below, head))


class _Residual(nn.Module):
    """The weights of one residual block, without its batch norm."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)


class Trunk(nn.Module):
    """The weights that interval sharing shares: a layer into each group, and the residual blocks of the group."""

    def __init__(self, n_inputs: int, group_sizes, n_blocks: int):
        super().__init__()
        widths = [n_inputs, *group_sizes]
        check_layers(n_inputs, [width for size in group_sizes for width in [size] * (1 + 2 * n_blocks)], 0)
        self.into = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:]))
        self.blocks = nn.ModuleList(nn.ModuleList(_Residual(w) for _ in range(n_blocks)) for w in group_sizes)


class BlockBranch(nn.Module):
    """Net of residual blocks: the first blocks of each group of a trunk, with norms and an output layer of its own.

    Parameters
    ----------
    inputs : torch module
        The input layer, from the two blocks of a table to a dense matrix.
    trunk : Trunk
        The weights, which other nets may share.
    n_blocks : int
        The number of blocks per group, at most that of the trunk.
    n_outputs : int
        The number of outputs.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}
        The nonlinearity of the blocks.
    dropout : float, default=0.0
        The share of units that are dropped between the two layers of each block in training.
    batch_norm : bool, default=True
        Whether there is batch normalisation before each activation.
    """

    def __init__(
        self, inputs, trunk: Trunk, n_blocks: int, n_outputs: int, *, activation, dropout=0.0, batch_norm=True
    ):
        super().__init__()
        self.inputs, self.n_blocks = inputs, n_blocks
        # only what this net uses: the light net must not hold the booster's weights
        self.into = trunk.into
        self.blocks = nn.ModuleList(nn.ModuleList(list(group)[:n_blocks]) for group in trunk.blocks)
        widths = [layer.out_features for layer in trunk.into]

        def norm(width):
            return nn.BatchNorm1d(width) if batch_norm else nn.Identity()

        self.into_norms = nn.ModuleList(norm(w) for w in widths)
        self.norms = nn.ModuleList(nn.ModuleList(norm(w) for _ in range(n_blocks)) for w in widths)
        self.activation, self.dropout = ACTIVATIONS[activation](), nn.Dropout(dropout)
        self.output = nn.Linear(widths[-1], n_outputs)

    @property
    def first_layers(self) -> list[nn.Linear]:
        """The linear layers that take the dense matrix."""
        return [self.into[0]]

    def forward(self, *blocks) -> torch.Tensor:
        """Compute the outputs, of shape (n_rows, n_outputs), before softmax.

        Parameters
        ----------
        *blocks : tensors
            The two blocks of a table, or its dense matrix.
        """
        x = blocks[0] if len(blocks) == 1 else self.inputs(*blocks)
        x = x.to(self.output.weight.dtype)
        for into, into_norm, group, norms in zip(self.into, self.into_norms, self.blocks, self.norms):
            x = self.activation(into_norm(into(x)))
            for block, norm in zip(group, norms):
                x = x + block.second(self.dropout(self.activation(norm(block.first(x)))))
        return self.output(x)


def interval_branches(
    make_inputs, group_sizes, light_blocks, booster_blocks, n_outputs, *, share, activation, booster_options
) -> tuple[BlockBranch, BlockBranch]:
    """Make a light net and a booster of residual blocks that share the first blocks of each group.

    Parameters
    ----------
    make_inputs : callable() -> torch module
        A function that makes an input layer with `n_outputs`.
    group_sizes : list of int
        The width of each group.
    light_blocks, booster_blocks : int
        The blocks per group of each net.
    n_outputs : int
        The number of outputs of both nets.
    share : bool
        Whether the light net's blocks are the booster's first ones; with False each net has its own.
    activation : {"relu", "tanh", "logistic", "silu", "gelu"}
        The nonlinearity of both nets.
    booster_options : dict
        Further parameters of the booster, such as `dropout` and `batch_norm`; the light net takes `batch_norm` from it.

    Returns
    -------
    light : BlockBranch
        The light net.
    booster : BlockBranch
        The booster.
    """
    batch_norm = booster_options.get("batch_norm", True)
    inputs = make_inputs()
    trunk = Trunk(inputs.n_outputs, group_sizes, booster_blocks if share else light_blocks)
    light = BlockBranch(inputs, trunk, light_blocks, n_outputs, activation=activation, batch_norm=batch_norm)
    if not share:
        inputs = make_inputs()
        trunk = Trunk(inputs.n_outputs, group_sizes, booster_blocks)
    booster = BlockBranch(inputs, trunk, booster_blocks, n_outputs, activation=activation, **booster_options)
    return _started(light, booster)


@torch.no_grad()
def _started(light, booster) -> tuple:
    """Return two branches whose embeddings start near 0, before first layers whose weights are as much larger.

    The nets compute the same at first, but steps of the optimiser are large beside such vectors. Vectors of spread 1,
    torch's default, are noise that the few rows of a rare category cannot train away.
    """
    for inputs, layers in _first_layers([light, booster]):
        start = len(inputs.mean) + len(inputs.indicators)
        for k, width in enumerate(inputs.widths):
            if str(k) in inputs.embeddings:
                inputs.embeddings[str(k)].weight *= INITIAL_SD
                for layer in layers:
                    layer.weight[:, start : start + width] /= INITIAL_SD
            start += width
    return light, booster


def _first_layers(branches: list) -> list[tuple]:
    """Return each input layer of some branches, once, with all linear layers that take its dense matrix."""
    found = []
    for inputs in {id(branch.inputs): branch.inputs for branch in branches}.values():
        layers = {id(layer): layer for b in branches if b.inputs is inputs for layer in b.first_layers}
        found.append((inputs, list(layers.values())))
    return found


def silence_branches(branches: list) -> None:
    """Silence what trained nets have not seen, whether they share an input layer or not; see `silence_layers`.

    Parameters
    ----------
    branches : list of Branch or BlockBranch
        The trained nets.
    """
    for inputs, layers in _first_layers(branches):
        silence_layers(inputs, layers, trained=True)
