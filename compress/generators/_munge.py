"""MUNGE: more rows like those of a table, by exchanging attributes of nearest neighbours.

Algorithm 1 of Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006. In its notation:
`T` the training rows, `k` the size multiplier (passes over T), `p` the probability that an attribute
is exchanged, `s` the local variance parameter: the noise of an exchanged continuous attribute has
sd = |e_a - e'_a| / s, hence a larger s gives *less* noise.

    repeat k times:  T' <- T
        for each row e of T', in order:  e' <- the row of T' nearest to e
            for each attribute a, with probability p:
                continuous: e_a <- norm(e'_a, sd) and e'_a <- norm(e_a, sd), from their old values
                nominal:    e_a and e'_a are swapped
        add T' to the result

What the paper leaves open is decided in `MUNGE`'s notes. The loops are in `_munge_kernels.py` and
`_current.py`, the index of nearest neighbours in `_neighbors.py`.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping

import numpy as np

from compress.generators._base import BaseGenerator, _check_count
from compress.generators._current import Search
from compress.generators._neighbors import nearest_neighbors
from compress.schema import Encoded, Schema

__all__ = ["MUNGE", "munge"]

# "auto" searches the current set up to this many (row, row, attribute) triples a pass: 100 passes
# over 8,000 x 16 take some seconds then.
LARGEST_CURRENT = 1_000_000_000
DEFAULTS = {"p": 0.1, "s": 1.0}  # see the notes of MUNGE


def munge(X, k, p=DEFAULTS["p"], s=DEFAULTS["s"], **options):
    """Make `k` passes of MUNGE over a table: Algorithm 1 of the paper in one call.

    Parameters
    ----------
    X : DataFrame or array of shape (n_rows, n_columns)
        The training rows, without the label.
    k : int
        The size multiplier, which is the number of passes; at least 1.
    p : float in [0, 1], sequence or mapping, default=0.1
        The probability that an attribute is exchanged; see `MUNGE`.
    s : float > 0, sequence or mapping, default=1.0
        The local variance parameter, where a larger value means less noise; see `MUNGE`.
    **options
        Further parameters of `MUNGE`: `neighbors`, `index`, `clip`, `round_integers`, `schema`,
        `n_jobs`, `random_state`.

    Returns
    -------
    DataFrame or ndarray of shape (k * n_rows, n_columns)
        The generated rows. Row c * n_rows + i comes from row i of `X` in pass c.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.generators import munge
    >>> X = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0]])
    >>> munge(X, 2, p=0.5, s=1.0, random_state=0).shape
    (6, 2)
    """
    k = _check_count("k", k, "it is the number of passes over X")
    generator = MUNGE(p, s, **options).fit(X)
    return generator.sample(k * generator.n_rows_)


class MUNGE(BaseGenerator):
    """Synthetic rows by exchanging attributes of nearest neighbours, with noise (MUNGE).

    Each pass starts from the training rows, visits them in order, finds each one's nearest
    neighbour, and exchanges every attribute of the two with probability `p`: nominal attributes are
    swapped; continuous ones are swapped with Gaussian noise of standard deviation
    `|e_a - e'_a| / s`. So the rows stay near the training data where that is dense, and never leave
    the categories that are there.

    Parameters
    ----------
    p : float in [0, 1], sequence or mapping, default=0.1
        The probability that an attribute of a pair is exchanged. It is one number, one number per column in the order
        of the table, or a mapping of column to number (other columns: 0.1).
    s : float > 0, sequence or mapping, default=1.0
        The local variance parameter of the continuous attributes; a larger value gives *less* noise, `inf` gives none.
        It takes the same forms as `p`, with 1.0 for the columns that a mapping leaves out.
    neighbors : {"auto", "current", "original"}, default="auto"
        Where the neighbour of a row is searched. "current" searches among the rows as they are at that moment, as
        Algorithm 1 is printed; a pass takes at most O(n_rows**2 * n_columns). "original" searches among the training
        rows, once; a pass then takes O(n_rows * n_columns). "auto" takes "current" while `n_rows**2 * n_columns <= 1e9`
        (8,000 rows of 16 columns: seconds for 100 passes), and "original" beyond that or with an approximate index.
    index : {"exact", "approximate"}, default="exact"
        How "original" searches. The exact index is near-linear in `n_rows` when the rows fill a space of few
        dimensions, and up to quadratic when they do not. The approximate index works for millions of rows of any kind
        and needs the package `faiss-cpu`.
    clip : bool, default=False
        Whether exchanged values are kept within the training range of their column.
    round_integers : bool, default=True
        Whether columns that held only whole numbers are rounded at the end of each pass. With False, columns of integer
        dtype come back as float64.
    schema : None, mapping or Schema, default=None
        The kinds of the columns. None takes numbers as continuous, and booleans, strings and categoricals as nominal;
        `{"zip": "nominal"}` (or `{3: "nominal"}` for an array) overrides that.
    n_jobs : int, default=None
        The number of parallel joblib workers that make the passes; they are threads unless `joblib.parallel_config`
        says otherwise. The rows do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        The source of all random draws; an int gives the same rows each time.

    Attributes
    ----------
    neighbors_ : {"current", "original"}
        Where neighbours were searched.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    neighbor_indices_ : int array of shape (n_rows,)
        The nearest neighbour of each training row; it exists only with `neighbors_ == "original"`.
    neighbor_recall_ : float in [0, 1]
        The share of (at most 1,000 sampled) rows for which the approximate index found a nearest row; it exists only
        with `index="approximate"`.
    n_rows_ : int
        The number of rows seen in `fit`.
    n_features_in_, feature_names_in_ : int, array of str
        The number of columns seen in `fit`, and their names if all of them are strings.

    Raises
    ------
    ValueError
        In `fit`, when a parameter is out of its range, there are fewer than 2 rows, a value is infinite, or a column
        spans more than a float can hold.
    TypeError
        In `fit`, when the input is sparse or holds dates, or when `p` or `s` is not made of numbers.
    ImportError
        In `fit`, when `index="approximate"` and faiss is not installed.

    See Also
    --------
    munge : Does the same in one function call.
    MarginalSampler : Draws each column on its own; it is the baseline RANDOM of the paper.

    Notes
    -----
    What the paper leaves open is decided as follows.

    - Distance: squared Euclidean over the continuous attributes, scaled to [0, 1] on the training
      range, plus the number of nominal attributes that differ. A value missing on one side counts 1,
      on both sides 0. Of equally near rows the first is taken.
    - Both rows of a pair change, from their old values; each visit of a row draws one coin per
      attribute. An attribute missing in one of the two is swapped like a nominal one.
    - The paper gives no p and s. The defaults are the pair of a grid of thirty that is best on average on the
      validation rows of five problems and three seeds: RMSE 1.4 % above each run's own best pair, and flat around
      it (p = 0.2, s = 2: 1.5 %; p = 0.2, s = 5: 1.7 %), where p = 0.5 with s = 1 gives 7.5 %
      (`experiments.munge_parameters`). Problems differ: `compress.search.tune_munge` chooses for one.
    - Nothing is clipped by default; whole numbers are rounded at the end of a pass, and integer
      dtypes saturate.
    - In the rare case that noise leaves the range of floats (`s` far below 1) it is dropped.

    Pass c draws from child c of the seed. So the rows are the same whatever `n_jobs`, the joblib
    backend or the batch size, and row `c * n_rows_ + i` always comes from training row i.

    The first call compiles for some seconds; numba keeps the result on disk.

    References
    ----------
    C. Bucila, R. Caruana, A. Niculescu-Mizil (2006). Model Compression. KDD, section 2.3 and
    Algorithm 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from compress.generators import MUNGE
    >>> X = pd.DataFrame({"age": [25, 31, 47, 52], "job": pd.Categorical(["a", "a", "b", "b"])})
    >>> generator = MUNGE(p=0.5, s=2.0, random_state=0).fit(X)
    >>> D = generator.sample(400)
    >>> D.dtypes.equals(X.dtypes), len(D)
    (True, 400)
    >>> sum(len(batch) for batch in generator.iter_batches(100_000, 4096))
    100000
    """

    def __init__(
        self,
        p=DEFAULTS["p"],
        s=DEFAULTS["s"],
        *,
        neighbors="auto",
        index="exact",
        clip=False,
        round_integers=True,
        schema=None,
        n_jobs=None,
        random_state=None,
    ):
        self.p = p
        self.s = s
        self.neighbors = neighbors
        self.index = index
        self.clip = clip
        self.round_integers = round_integers
        self.schema = schema
        self.n_jobs = n_jobs
        self.random_state = random_state

    _min_rows = 2

    @property
    def _round_integers(self):
        return self.round_integers

    # ------------------------------------------------------------------ fit
    def _fit_encoded(self, encoded: Encoded, rng: np.random.Generator) -> None:
        schema = self.schema_
        _check_choice("neighbors", self.neighbors, ("auto", "current", "original"))
        _check_choice("index", self.index, ("exact", "approximate"))
        p = per_column("p", self.p, schema)
        s = per_column("s", self.s, schema)
        n, d = encoded.n_rows, schema.n_columns
        mode = self.neighbors
        if mode == "auto":
            mode = "current" if n * n * d <= LARGEST_CURRENT else "original"
        if self.index == "approximate" and self.neighbors == "current":
            raise ValueError(
                "index='approximate' is an index of the rows as they were, got it with neighbors='current', "
                "which searches the rows as they are. Use neighbors='original'."
            )
        if self.index == "approximate":
            mode = "original"
        self.neighbors_ = mode
        with np.errstate(over="ignore"):
            wide = ~np.isfinite(schema.high_ - schema.low_)
        if wide.any():
            column = schema.names[schema.continuous_[np.argmax(wide)]]
            raise ValueError(f"column {column!r} spans more than a float can hold: rescale it.")
        dtype = schema.dtype_
        self._table = encoded
        self._p_c = p[schema.continuous_].astype(np.float32)
        self._p_n = p[schema.nominal_].astype(np.float32)
        self._s = s[schema.continuous_].astype(dtype)
        self._low, self._high = schema.low_.astype(dtype), schema.high_.astype(dtype)
        self._rounded = schema.integer_ & bool(self.round_integers)
        for name in ("neighbor_indices_", "neighbor_recall_"):
            if hasattr(self, name):
                delattr(self, name)
        if mode == "original":
            found = nearest_neighbors(encoded, schema, index=self.index, n_jobs=self.n_jobs, rng=rng)
            self.neighbor_indices_ = found.indices
            if found.recall is not None:
                self.neighbor_recall_ = found.recall

    # --------------------------------------------------------------- passes
    def _prepare(self, n_blocks: int):
        if self.neighbors_ == "original":
            return None
        return Search(self._table, self.schema_, n_passes=n_blocks, n_jobs=self.n_jobs)

    def _block(self, index: int, rng: np.random.Generator, shared) -> Encoded:
        """Make one pass: lines 3-13 of Algorithm 1."""
        from compress.generators import _munge_kernels as kernels

        continuous, nominal = self._table.continuous.copy(), self._table.nominal.copy()
        coins_c = rng.random(continuous.shape, dtype=np.float32)
        coins_n = rng.random(nominal.shape, dtype=np.float32)
        hits = kernels.count_hits(coins_c, self._p_c)
        normals = rng.standard_normal(2 * hits, dtype=continuous.dtype)
        draws = (coins_c, coins_n, normals, self._p_c, self._p_n, self._s, self._low, self._high, bool(self.clip))
        if self.neighbors_ == "original":
            kernels.munge_original(continuous, nominal, self.neighbor_indices_, *draws)
        else:
            shared.munge(continuous, nominal, *draws)
        if self._rounded.any():
            kernels.round_columns(continuous, self._rounded)
        return Encoded(continuous, nominal)


def per_column(name: str, value, schema: Schema) -> np.ndarray:
    """Return `p` or `s` as one checked float64 per column of the table."""
    columns = schema.names
    if isinstance(value, Mapping):
        for column in value:
            if column not in columns:
                raise ValueError(
                    f"{name} names the column {column!r}, but the columns of X are {columns[:8]}, "
                    f"{len(columns):,} in all."
                )
        values = [value.get(column, DEFAULTS[name]) for column in columns]
    elif isinstance(value, numbers.Real) and not isinstance(value, bool):
        values = [value] * len(columns)
    elif isinstance(value, str) or not hasattr(value, "__len__"):
        raise TypeError(
            f"{name} must be a number, a sequence of one number per column, or a mapping of column to "
            f"number, got {value!r}."
        )
    else:
        values = list(value)
        if len(values) != len(columns):
            raise ValueError(f"{name} must have one number per column of X, that is {len(columns)}, got {len(values)}.")
    checked = np.empty(len(columns))
    for k, (column, v) in enumerate(zip(columns, values)):
        if not isinstance(v, numbers.Real) or isinstance(v, bool):
            raise TypeError(f"{name} must be a number for each column, got {v!r} for column {column!r}.")
        if name == "p" and not 0 <= v <= 1:
            raise ValueError(f"p must lie in [0, 1], got {v!r} for column {column!r}: it is a probability.")
        if name == "s" and not v > 0:
            raise ValueError(
                f"s must be above 0, got {v!r} for column {column!r}: the noise has standard deviation gap / s. "
                "For exchanges without noise use float('inf')."
            )
        checked[k] = v
    return checked


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}.")
