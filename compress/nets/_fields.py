"""Nets for click-through rates: fields as embeddings, and the dual DNN.

A row is a set of fields, each of which becomes one vector of length `d`: a nominal column's code looks
its vector up, a continuous column scales its vector, a multi-valued column (the genres of a film)
averages the vectors of its values. `d_n`, `d_c`, `d_m` are their numbers, `F` their sum.
"""

from __future__ import annotations

import torch
from torch import nn

from compress.nets._held import HoldsNumbers
from compress.nets._mlp import MLP
from compress.nets._size import check_size

__all__ = ["DualDNN", "FieldEmbedding", "StudentPath", "TeacherPath"]

PROBES = 256  # rows of random vectors that show the spread of an interaction
INITIAL_SD = 0.1  # of embeddings; with 1, torch's default, the noise hides the labels in the first epochs


class FieldEmbedding(HoldsNumbers):
    """Shared representation layer: one vector for each field.

    Parameters
    ----------
    mean, scale : float arrays of shape (d_c,)
        The means and standard deviations of the training rows, by which continuous columns are standardised; missing
        values become 0, the mean.
    n_categories : sequence of d_n int
        The number of categories of each nominal column. Code -1 (missing or unseen) has a vector of its own.
    n_values : sequence of d_m int, default=()
        The size of the vocabulary of each multi-valued column; an empty list of values gives the zero vector.
    size : int, default=8
        The length `d` of the vectors.

    Attributes
    ----------
    n_fields, n_outputs : int
        The number of fields `F`, and the number `F * d` of all their values.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import FieldEmbedding
    >>> fields = FieldEmbedding([0.0], [1.0], n_categories=[5], size=4)
    >>> tuple(fields(torch.zeros(3, 1), torch.zeros(3, 1, dtype=torch.int32)).shape)
    (3, 2, 4)
    """

    def __init__(self, mean, scale, n_categories, n_values=(), *, size: int = 8):
        super().__init__(len(mean))
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float64))
        self.size = size
        check_size((2 * len(self.mean) + sum(map(int, [*n_categories, *n_values]))) * size, f"embedding_size={size}")
        self.nominal = nn.ModuleList(nn.Embedding(int(n) + 1, size) for n in n_categories)
        # padding to equal lengths points to the last row, which stays 0 and is left out of the mean
        self.multi = nn.ModuleList(nn.EmbeddingBag(int(n) + 1, size, mode="mean", padding_idx=int(n)) for n in n_values)
        self.continuous = nn.Parameter(torch.randn(len(self.mean), size) * INITIAL_SD)
        self.shift = nn.Parameter(torch.zeros(len(self.mean), size))
        for table in [*self.nominal, *self.multi]:
            nn.init.normal_(table.weight, std=INITIAL_SD)
        with torch.no_grad():
            for table in self.multi:
                table.weight[-1] = 0
        self.n_fields = len(self.mean) + len(self.nominal) + len(self.multi)
        self.n_outputs = self.n_fields * size

    def forward(self, continuous, nominal, *bags) -> torch.Tensor:
        """Compute the vectors of the fields, of shape (n_rows, F, d).

        Parameters
        ----------
        continuous : float tensor of shape (n_rows, d_c)
            The continuous columns, NaN where missing.
        nominal : int tensor of shape (n_rows, d_n)
            The codes of the nominal columns, -1 where missing.
        *bags : int tensors of shape (n_rows, longest)
            The codes of the d_m multi-valued columns, padded with the size of the vocabulary.
        """
        dtype = self.continuous.dtype
        x = torch.nan_to_num((self.held(continuous) - self.mean) / self.scale, nan=0.0).to(dtype)
        fields = [x[:, :, None] * self.continuous + self.shift]
        for k, table in enumerate(self.nominal):
            codes = nominal[:, k].long()
            fields.append(table(torch.where(codes < 0, table.num_embeddings - 1, codes))[:, None])
        fields += [table(bag.long())[:, None] for table, bag in zip(self.multi, bags)]
        return torch.cat(fields, dim=1)


class DualDNN(nn.Module):
    """Two MLPs of the same hidden sizes over shared fields; the teacher's also sees the interactions of the fields.

    Parameters
    ----------
    fields : FieldEmbedding
        The layer whose vectors both nets get.
    interaction : torch module
        The extra layer of the teacher, from (n_rows, F, d) to (n_rows, n_outputs); see `make_interaction`.
    hidden_layer_sizes, n_outputs, dropout
        The settings of both MLPs; see `compress.nets.MLP`.
    prior : sequence of n_outputs floats, optional
        The outputs for a row of which nothing is known, with which both MLPs start; by default 0.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import DualDNN, FieldEmbedding, StudentPath, TeacherPath, make_interaction
    >>> fields = FieldEmbedding([], [], n_categories=[5, 3], size=4)
    >>> net = DualDNN(fields, make_interaction("fm", n_fields=2, size=4), (8,), 1)
    >>> codes = torch.zeros(6, 2, dtype=torch.int32)
    >>> [tuple(path(net)(torch.zeros(6, 0), codes).shape) for path in (StudentPath, TeacherPath)]
    [(6, 1), (6, 1)]
    """

    def __init__(
        self, fields: FieldEmbedding, interaction: nn.Module, hidden_layer_sizes, n_outputs, *, dropout=0.0, prior=None
    ):
        super().__init__()
        self.fields, self.interaction = fields, interaction
        width = fields.n_outputs
        self.student = MLP(width, hidden_layer_sizes, n_outputs, dropout=dropout)
        self.teacher = MLP(width + interaction.n_outputs, hidden_layer_sizes, n_outputs, dropout=dropout)
        drawn = torch.randn(PROBES, fields.n_fields, fields.size) * INITIAL_SD
        products = _outputs_of(interaction, drawn)
        spread = torch.full((width,), INITIAL_SD)
        prior = torch.zeros(n_outputs) if prior is None else torch.as_tensor(prior, dtype=torch.float32)
        _start(self.student, drawn.flatten(1), spread, prior)
        spread = torch.cat([spread, torch.full((products.shape[1],), _spread(products))])
        _start(self.teacher, torch.cat([drawn.flatten(1), products], dim=1), spread, prior)

    def tapped_student(self, fields: torch.Tensor):
        """Compute the hidden layers and the outputs of the student.

        Parameters
        ----------
        fields : float tensor of shape (n_rows, F, d)
            The vectors of the fields.

        Returns
        -------
        list of tensors, tensor of shape (n_rows, n_outputs)
            The hidden layers after their activation, first to last, and the outputs before softmax.
        """
        return self.student.tapped(fields.flatten(1))

    def tapped_teacher(self, fields: torch.Tensor):
        """Compute the hidden layers and the outputs of the teacher.

        Parameters
        ----------
        fields : float tensor of shape (n_rows, F, d)
            The vectors of the fields.

        Returns
        -------
        list of tensors, tensor of shape (n_rows, n_outputs)
            The hidden layers after their activation, first to last, and the outputs before softmax.
        """
        return self.teacher.tapped(torch.cat([fields.flatten(1), self.interaction(fields)], dim=1))


@torch.no_grad()
def _start(body: MLP, drawn: torch.Tensor, spread: torch.Tensor, prior: torch.Tensor) -> None:
    """Make a net start with units that work for half of the rows each, and with outputs that fit the labels on average.

    A unit that works for no row learns nothing, and nets of few units were left with none: they predicted the same for
    each row. Torch draws the weights of the first layer for inputs of spread 1: behind vectors of spread 0.1, and
    products of spread 0.03, the biases would decide alone for which rows a unit works. Where the labels are unequal and
    the outputs start at 0, the first steps move all outputs in one direction, and with them whole units out of work.

    Parameters
    ----------
    body : MLP
        The net behind the vectors; it is changed in place.
    drawn : tensor of shape (n_rows, n_inputs)
        Inputs as they are before training.
    spread : tensor of shape (n_inputs,)
        The standard deviation of each input before training.
    prior : tensor of shape (n_outputs,)
        What the outputs should be on average.
    """
    first = body.layers[0][0] if len(body.layers) else body.output
    first.weight /= spread
    for linear, activation, *_ in body.layers:
        linear.bias -= linear(drawn).median(dim=0).values
        drawn = activation(linear(drawn))
    body.output.bias += prior - body.output(drawn).mean(dim=0)


@torch.no_grad()
def _outputs_of(interaction: nn.Module, drawn: torch.Tensor) -> torch.Tensor:
    """Return the outputs of an interaction for vectors of fields as they are before training; 0 where not finite."""
    training = interaction.training
    outputs = interaction.eval()(drawn)
    interaction.train(training)
    return torch.nan_to_num(outputs, nan=0.0, posinf=0.0, neginf=0.0)


def _spread(outputs: torch.Tensor) -> float:
    """Return the standard deviation of all outputs of an interaction, or 1 where they do not vary."""
    spread = float(outputs.std(correction=0)) if outputs.numel() else 0.0
    return spread if spread > 0 else 1.0


class StudentPath(nn.Module):
    """The student of a `DualDNN` with the embeddings: the part that predicts alone.

    Parameters
    ----------
    net : DualDNN
        The net whose modules it uses.
    """

    def __init__(self, net: DualDNN):
        super().__init__()
        self.fields, self.body = net.fields, net.student

    def forward(self, *blocks) -> torch.Tensor:
        """Compute the outputs, of shape (n_rows, n_outputs), before softmax.

        Parameters
        ----------
        *blocks : tensors
            The blocks of the table, as in `FieldEmbedding.forward`.
        """
        return self.body(self.fields(*blocks).flatten(1))


class TeacherPath(nn.Module):
    """The teacher of a `DualDNN` with the embeddings and the interactions.

    Parameters
    ----------
    net : DualDNN
        The net whose modules it uses.
    """

    def __init__(self, net: DualDNN):
        super().__init__()
        self.fields, self.interaction, self.body = net.fields, net.interaction, net.teacher

    def forward(self, *blocks) -> torch.Tensor:
        """Compute the outputs, of shape (n_rows, n_outputs), before softmax.

        Parameters
        ----------
        *blocks : tensors
            The blocks of the table, as in `FieldEmbedding.forward`.
        """
        fields = self.fields(*blocks)
        return self.body(torch.cat([fields.flatten(1), self.interaction(fields)], dim=1))
