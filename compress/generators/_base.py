"""The contract of every generator: `fit` a table, `sample` more rows like it.

A generator makes its rows in *blocks* of as many rows as it was fitted on. Block c is a function of
the fitted generator and of c alone, because it draws from its own child of the seed. So the rows do
not depend on how many workers make them, on which backend, in which order, or in batches of what
size, and any block can be made alone (streaming, resuming).

A new generator defines two methods: `_fit_encoded`, which learns from the encoded table, and
`_block`, which makes the encoded rows of one block; see `_marginal.py`. It joins the contract tests by one line in
`tests/test_generators.py`.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from compress.schema import Encoded, Schema, as_schema, as_table, check_fits

__all__ = ["BaseGenerator"]

TASK_BYTES = 4 * 2**20  # encoded rows made by one parallel task: enough to hide its dispatch
WAVE_BYTES = 64 * 2**20  # encoded rows made ahead of a consumer: more keeps the workers busy, up to 8 tasks each
# first word of the spawn key: what the random numbers are for
FOR_FIT, FOR_BLOCK, FOR_SUBSET = 0, 1, 2


class BaseGenerator(BaseEstimator):
    """Base class of generators of synthetic rows.

    Subclasses take at least `schema`, `n_jobs` and `random_state` in `__init__` and define
    `_fit_encoded(encoded, rng)` and `_block(index, rng, shared)`. If they need several rows, they say so
    in the class attribute `_min_rows`.

    Attributes
    ----------
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    n_rows_ : int
        The number of rows seen in `fit`, which is also the number of rows of one block.
    n_features_in_ : int
        The number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        The names of the columns seen in `fit`; it exists only after a DataFrame whose column names are all strings.
    entropy_ : tuple of int
        The source of all random numbers; it is drawn once in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.generators import BaseGenerator
    >>> from compress.schema import Encoded
    >>> class Bootstrap(BaseGenerator):
    ...     def __init__(self, *, schema=None, n_jobs=None, random_state=None):
    ...         self.schema, self.n_jobs, self.random_state = schema, n_jobs, random_state
    ...     def _fit_encoded(self, encoded, rng):
    ...         self._table = encoded
    ...     def _block(self, index, rng, shared):
    ...         rows = rng.integers(self.n_rows_, size=self.n_rows_)
    ...         return Encoded(*(block[rows] for block in self._table))
    ...
    >>> Bootstrap(random_state=0).fit(np.eye(3)).sample(5).shape
    (5, 3)
    """

    _min_rows = 1
    _round_integers = True  # whether `decode` gives integer columns back as integers

    # ------------------------------------------------------------------ fit
    def fit(self, X, y=None):
        """Learn from a table.

        Parameters
        ----------
        X : DataFrame, Arrow table, or array of shape (n_rows, n_columns)
            The table to learn from, of pandas, polars, Arrow or NumPy. Its values are numbers, booleans, strings or
            categoricals; missing values are allowed, infinite values are not.
        y : ignored
            It is not used; it is there for scikit-learn's pipelines.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            The input is sparse, or a column holds dates or arbitrary objects.
        ValueError
            A value is infinite, there are too few rows, or a parameter is out of its range.
        """
        X = as_table(X)
        schema = as_schema(self.schema, X)
        encoded = Encoded(*(block.copy() for block in schema.encode(X)))  # X may be changed later
        if encoded.n_rows < self._min_rows:
            raise ValueError(
                f"{type(self).__name__} needs at least {self._min_rows} rows, "
                f"got X with n_samples = {encoded.n_rows} (1 sample)."
            )
        self.schema_ = schema
        self.n_rows_ = encoded.n_rows
        self.n_features_in_ = schema.n_columns
        if schema.is_frame_ and all(isinstance(name, str) for name in schema.names):
            self.feature_names_in_ = np.asarray(schema.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.entropy_ = _entropy(self.random_state)
        self._fit_encoded(encoded, self._rng(FOR_FIT))
        return self

    def _fit_encoded(self, encoded: Encoded, rng: np.random.Generator) -> None:
        """Learn from the encoded table, which must not be changed."""
        raise NotImplementedError

    def _prepare(self, n_blocks: int):
        """Return any object that `n_blocks` blocks share and that is too large to be kept, pickled or copied."""
        return None

    def _block(self, index: int, rng: np.random.Generator, shared) -> Encoded:
        """Return the `n_rows_` encoded rows of block `index` in a new Encoded.

        They are a function of the fitted generator, `index` and `rng` only. `shared`, which `_prepare` returned, may
        make the work faster but must not change the result. The method is called from several threads at a time.
        """
        raise NotImplementedError

    # --------------------------------------------------------------- sample
    def sample(self, n: int):
        """Make `n` rows.

        The same call gives the same rows. Rows come in blocks of `n_rows_`; when `n` is not a
        multiple of it, the last block gives a random choice of its rows, so that the rows of a
        sorted table are all represented.

        Parameters
        ----------
        n : int
            The number of rows, at least 1.

        Returns
        -------
        DataFrame, Arrow table or ndarray of shape (n, n_columns)
            The rows, in the container and with the columns, dtypes and categories of the table given to `fit`.

        Raises
        ------
        ValueError
            `n` is below 1.
        MemoryError
            The rows do not fit into memory; the message says how many bytes they need.
        """
        check_is_fitted(self)
        n = _check_count("n", n, f"ask for at least one row, for instance 10 * {self.n_rows_}")
        check_fits(
            self._bytes(n),
            f"sample({n})",
            "Ask for fewer rows, or take them in pieces: iter_batches(n, batch_size).",
        )
        sink = _Sink(self.schema_, n, self._round_integers)
        for block in self._blocks(n):
            sink.put(block)
        return sink.table()

    def iter_batches(self, n: int, batch_size: int, *, first_batch: int = 0) -> Iterator:
        """Make the rows of `sample(n)` batch by batch, in bounded memory.

        Parameters
        ----------
        n : int
            The number of rows of all batches together.
        batch_size : int
            The number of rows of each batch; the last one may be shorter.
        first_batch : int, default=0
            The number of the first batch, for resuming; the blocks before it are not made.

        Yields
        ------
        DataFrame, Arrow table or ndarray of shape (batch_size, n_columns)
            The batches; concatenated (and with `first_batch=0`) they are exactly `sample(n)`.

        Raises
        ------
        ValueError
            A number is out of its range.
        MemoryError
            A batch does not fit into memory.
        """
        check_is_fitted(self)
        n = _check_count("n", n, f"ask for at least one row, for instance 10 * {self.n_rows_}")
        batch_size = _check_count("batch_size", batch_size, "a few thousand rows is a good size")
        encoded = sum(_row_bytes_encoded(self.schema_))  # a batch is joined from blocks, and then decoded
        check_fits(
            min(n, batch_size) * (2 * encoded + _row_bytes_decoded(self.schema_)),
            f"iter_batches({n}, {batch_size})",
            "Ask for smaller batches: a few thousand rows is a good size.",
        )
        if not isinstance(first_batch, numbers.Integral) or not 0 <= first_batch * batch_size <= n:
            raise ValueError(
                f"first_batch must be an integer from 0 to n // batch_size = {n // batch_size}, got {first_batch!r}."
            )
        return self._batches(n, batch_size, int(first_batch) * batch_size)

    def _batches(self, n, batch_size, first_row):
        skip = first_row % self.n_rows_
        pieces, held = [], 0
        for block in self._blocks(n, first_row // self.n_rows_):
            if skip:
                block, skip = block.take(slice(skip, None)), 0
            pieces.append(block)
            held += block.n_rows
            if held < batch_size:
                continue
            rows = _join(pieces)
            cut = held - held % batch_size
            for start in range(0, cut, batch_size):
                yield self._decode(rows.take(slice(start, start + batch_size)))
            pieces, held = [rows.take(slice(cut, None))], held - cut
        if held:
            yield self._decode(_join(pieces))

    def _decode(self, encoded: Encoded):
        return self.schema_.decode(*encoded, round_integers=self._round_integers)

    # --------------------------------------------------------------- blocks
    def _blocks(self, n: int, first: int = 0) -> Iterator[Encoded]:
        """Yield the blocks of the first `n` rows in order, from block `first` on; the last one is cut."""
        n_blocks = -(-n // self.n_rows_)
        for index, block in enumerate(self._whole_blocks(first, n_blocks), start=first):
            wanted = n - index * self.n_rows_
            if wanted < self.n_rows_:
                # the first rows would do for rows that are alike, but tables are often sorted
                rows = self._rng(FOR_SUBSET, index).permutation(self.n_rows_)[:wanted]
                block = block.take(np.sort(rows))
            yield block

    def _whole_blocks(self, first: int, stop: int) -> Iterator[Encoded]:
        shared = self._prepare(stop - first)
        workers = min(joblib.effective_n_jobs(self.n_jobs), stop - first)
        if workers <= 1:
            for index in range(first, stop):
                yield self._seeded_block(index, shared)
            return
        block_bytes = self.n_rows_ * sum(_row_bytes_encoded(self.schema_))
        per_task = max(1, min((stop - first) // (16 * workers), TASK_BYTES // max(block_bytes, 1)))
        ahead = WAVE_BYTES // max(workers * per_task * block_bytes, 1)
        per_group = workers * per_task * min(max(ahead, 2), 8)
        # Threads by default, since the work is done without the interpreter lock; the caller's
        # joblib.parallel_config(backend=...) takes precedence. Results are taken as they come, so that the
        # consumer works at the same time as the workers. Tasks are dispatched in groups, because joblib continues
        # when nobody takes the results, and a slow consumer would fill the memory.
        with joblib.Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator") as parallel:
            for group in range(first, stop, per_group):
                end = min(group + per_group, stop)
                starts = range(group, end, per_task)
                tasks = (joblib.delayed(_make_blocks)(self, shared, a, min(a + per_task, end)) for a in starts)
                for blocks in parallel(tasks):
                    yield from blocks

    def _seeded_block(self, index: int, shared) -> Encoded:
        return self._block(index, self._rng(FOR_BLOCK, index), shared)

    def _rng(self, *key: int) -> np.random.Generator:
        """Return a generator of its own for each key; child c of the seed is the key (c,)."""
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.entropy_, spawn_key=key)))

    def _bytes(self, n: int) -> int:
        """Return the bytes that `sample(n)` holds at its peak: the encoded rows and the table made of them."""
        encoded = 0 if _is_direct(self.schema_) else sum(_row_bytes_encoded(self.schema_))
        return n * (encoded + _row_bytes_decoded(self.schema_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.non_deterministic = False
        return tags


class _Sink:
    """Collects blocks in order and makes one table of them, with as few copies as possible."""

    def __init__(self, schema: Schema, n: int, round_integers: bool):
        self.schema, self.round_integers, self.filled = schema, round_integers, 0
        self.direct = _is_direct(schema)
        continuous_dtype = schema.array_dtype_ if self.direct else schema.dtype_
        self.rows = Encoded(
            np.empty((n, len(schema.continuous_)), dtype=continuous_dtype),
            np.empty((n, len(schema.nominal_)), dtype=np.int32),
        )

    def put(self, block: Encoded) -> None:
        here = slice(self.filled, self.filled + block.n_rows)
        self.rows.continuous[here] = block.continuous  # casts when direct, while it is in the cache
        self.rows.nominal[here] = block.nominal
        self.filled = here.stop

    def table(self):
        if self.direct:
            return self.rows.continuous
        return self.schema.decode(*self.rows, round_integers=self.round_integers)


def _is_direct(schema: Schema) -> bool:
    """Whether the table equals its continuous block except for the dtype."""
    return (
        not schema.is_frame_
        and len(schema.nominal_) == 0
        and schema.array_dtype_ in (np.dtype(np.float32), np.dtype(np.float64))
    )


def _make_blocks(generator: BaseGenerator, shared, start: int, stop: int) -> list[Encoded]:
    return [generator._seeded_block(index, shared) for index in range(start, stop)]


def _join(pieces: list[Encoded]) -> Encoded:
    if len(pieces) == 1:
        return pieces[0]
    return Encoded(*(np.concatenate(blocks) for blocks in zip(*pieces)))


def _row_bytes_encoded(schema: Schema) -> tuple[int, int]:
    return schema.dtype_.itemsize * len(schema.continuous_), 4 * len(schema.nominal_)


def _row_bytes_decoded(schema: Schema) -> int:
    if not schema.is_frame_:
        return schema.array_dtype_.itemsize * schema.n_columns
    total = 0
    for column in schema.columns_:
        try:
            total += np.dtype(column.dtype.lower()).itemsize
        except (TypeError, ValueError):  # categoricals take the size of their codes; strings at least a pointer
            total += 4 if column.dtype == "category" else 8
    return total


def _entropy(random_state) -> tuple[int, ...]:
    """Return 128 bits for a SeedSequence: an int always gives the same ones, a generator its next ones."""
    if isinstance(random_state, np.random.Generator):
        words = random_state.integers(0, 2**32, size=4, dtype=np.uint64)
    else:
        words = check_random_state(random_state).randint(0, 2**32, size=4, dtype=np.uint64)
    return tuple(int(word) for word in words)


def _check_count(name: str, value, advice: str) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}: {advice}.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}: {advice}.")
    return int(value)
