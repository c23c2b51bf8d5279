"""The input layer of nets for tables: two encoded blocks in, one dense matrix out."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from compress.nets._held import HoldsNumbers
from compress.nets._pieces import PiecewiseLinear
from compress.nets._seen import seen_in
from compress.nets._size import check_size
from compress.schema import margin_of

__all__ = ["TabularInput"]


class TabularInput(HoldsNumbers):
    """Input layer that turns the two encoded blocks of a table into one dense float32 matrix.

    Continuous columns are standardised (missing becomes 0, the mean) and followed by an indicator for
    each column that had missing values in training. A nominal column is one-hot, or a learned
    embedding when it has more than `max_one_hot` categories. Code -1 (missing or unseen) has a
    position of its own if the column had missing values in training; otherwise it is all zeros.
    In an embedding it is the learned vector of the missing value. Last come the shares of a piecewise-linear encoding,
    in which a missing value is the mean, too. Numbers have the bounds that `hold` sets.

    Parameters
    ----------
    mean, scale : float64 arrays of shape (d_c,)
        The means and standard deviations of the training rows, missing values left out; the scale of a constant column
        is 1.
    continuous_missing : bool array of shape (d_c,)
        Whether each continuous column had missing values in training.
    n_categories : sequence of d_n integers, default=()
        The number of categories of each nominal column.
    nominal_missing : bool array of shape (d_n,)
        Whether each nominal column had missing values in training.
    max_one_hot : int, default=64
        The largest number of categories of a one-hot column; columns with more get an embedding.
    embedding_size : int, default=8
        The length of the embedding vectors.
    pieces : PiecewiseLinear, optional
        The piecewise-linear encoding of the continuous columns; None adds none.

    Attributes
    ----------
    n_outputs : int
        The number of columns of the dense matrix.
    seen : Seen or None
        What the training rows held, until the training is over; see `compress.nets.silence_body`.

    Examples
    --------
    >>> import torch
    >>> from compress.nets import MLP, TableNet, TabularInput
    >>> inputs = TabularInput([40.0], [10.0], [True], n_categories=[3], nominal_missing=[False])
    >>> net = TableNet(inputs, MLP(inputs.n_outputs, (8,), 1), 1)
    >>> age, job = torch.tensor([[50.0], [float("nan")]]), torch.tensor([[0], [2]], dtype=torch.int32)
    >>> inputs(age, job), tuple(net(age, job).shape)
    (tensor([[1., 0., 1., 0., 0.],
            [0., 1., 0., 0., 1.]]), (2, 1))
    """

    seen = None

    def __init__(
        self,
        mean,
        scale,
        continuous_missing,
        n_categories=(),
        nominal_missing=(),
        *,
        max_one_hot: int = 64,
        embedding_size: int = 8,
        pieces: PiecewiseLinear | None = None,
    ):
        super().__init__(len(mean))
        self.register_buffer("mean", torch.as_tensor(np.asarray(mean), dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(np.asarray(scale), dtype=torch.float64))
        self.n_categories = [int(n) for n in n_categories]
        self.nominal_missing = [bool(m) for m in nominal_missing]
        self.indicators = [k for k, missing in enumerate(continuous_missing) if missing]
        self.max_one_hot, self.embedding_size = max_one_hot, embedding_size
        n_vectors = sum(n + 1 for n in self.n_categories if n > max_one_hot)
        check_size(n_vectors * embedding_size, f"embedding_size={embedding_size}")
        self.embeddings = nn.ModuleDict(
            {str(k): nn.Embedding(n + 1, embedding_size) for k, n in enumerate(self.n_categories) if n > max_one_hot}
        )
        self.widths = [
            embedding_size if n > max_one_hot else n + missing
            for n, missing in zip(self.n_categories, self.nominal_missing)
        ]
        self.n_outputs = len(self.mean) + len(self.indicators) + sum(self.widths)
        self.pieces = pieces
        if pieces is not None:
            self.n_outputs += pieces.n_added

    def __setstate__(self, state):
        super().__setstate__({"pieces": None, **state} if "pieces" not in state["_modules"] else state)

    @classmethod
    def from_encoded(cls, encoded, schema, weight=None, **options) -> TabularInput:
        """Make the input layer with the statistics of an encoded table, and the bounds that its rows need.

        Parameters
        ----------
        encoded : Encoded
            The training rows.
        schema : Schema
            The fitted schema of the table.
        weight : array of shape (n_rows,), optional
            The weights of the rows in the statistics.
        **options
            The parameters `max_one_hot`, `embedding_size` and `pieces`.
        """
        weight = None if weight is None else np.asarray(weight, dtype=np.float64)
        columns = encoded.continuous.T  # one at a time: a whole table of float64 temporaries is slow and large
        found = [_moments(column.astype(np.float64), weight) for column in columns]
        mean, scale, missing = (np.array(values) for values in zip(*found)) if found else np.zeros((3, 0))
        # a constant column in float arithmetic is one whose spread is rounding error
        constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        made = cls(
            mean,
            np.where(constant, 1.0, scale),
            missing.astype(bool),
            schema.n_categories_,
            (encoded.nominal < 0).any(axis=0),
            **options,
        )
        made.hold(schema, margin_of(schema, encoded.continuous))
        made.seen = seen_in(encoded, constant, mean, schema.n_categories_, weight)
        return made

    @property
    def is_fixed(self) -> bool:
        """Whether nothing is learned here, so that the dense matrix can be computed once and kept."""
        return not len(self.embeddings)

    def forward(self, continuous: torch.Tensor, nominal: torch.Tensor) -> torch.Tensor:
        """Compute the dense matrix.

        Parameters
        ----------
        continuous : float tensor of shape (n_rows, d_c)
            The continuous columns, NaN where missing.
        nominal : int tensor of shape (n_rows, d_n)
            The codes of the nominal columns, -1 where missing.

        Returns
        -------
        float32 tensor of shape (n_rows, n_outputs)
            The dense matrix.
        """
        # the difference is taken in double: float32 loses a small spread around a large mean
        wide = self.held(continuous)
        x = ((wide - self.mean) / self.scale).float()
        parts = [torch.nan_to_num(x, nan=0.0)]
        if self.indicators:
            # not indexed by a list: a GPU would wait for it to be copied from the host, at each step
            parts.append(torch.isnan(torch.stack([x[:, k] for k in self.indicators], dim=1)).float())
        for k, (n, missing) in enumerate(zip(self.n_categories, self.nominal_missing)):
            codes = nominal[:, k].long()
            codes = torch.where(codes < 0, n, codes)  # the last position is that of the missing value
            if str(k) in self.embeddings:
                parts.append(self.embeddings[str(k)](codes))
            else:
                hot = torch.zeros(len(codes), n + 1, device=codes.device).scatter_(1, codes[:, None], 1.0)
                parts.append(hot if missing else hot[:, :n])
        if self.pieces is not None:
            parts.append(self.pieces(torch.where(torch.isnan(wide), self.mean, wide)))
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


def _moments(x: np.ndarray, weight: np.ndarray | None) -> tuple[float, float, bool]:
    """Return mean and standard deviation of the values that are not missing, and whether some are missing."""
    missing = np.isnan(x)
    some = bool(missing.any())
    if some:
        x = x[~missing]
        weight = None if weight is None else weight[~missing]
    total = len(x) if weight is None else weight.sum()
    if not total > 0:
        return 0.0, 0.0, some
    mean = x.mean() if weight is None else np.dot(weight, x) / total
    x = x - mean
    square = np.dot(x, x) if weight is None else np.dot(weight * x, x)
    return float(mean), float(np.sqrt(square / total)), some
