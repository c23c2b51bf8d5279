"""Predictors as native code inside the process: numba's, one compiled function for all nets and one for all trees.

The code is compiled when the first predictor of a machine is used, which takes some seconds, and then kept on disk. It
releases the interpreter lock, so that threads of a server predict side by side.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral

import numpy as np

from compress.export._net import Net, net_of
from compress.export._numpy import NumpyPredictor
from compress.export._packed import aligned, packed
from compress.export._packed_trees import packed_trees
from compress.export._plan import plan_of_net
from compress.export._predictor import Predictor, no_finite_prediction
from compress.export._tree_predictor import TreePredictor

__all__ = ["CompiledNet", "CompiledPredictor", "CompiledTrees", "net_predictor", "tree_predictor"]

logger = logging.getLogger(__name__)

ROWS_OF_A_THREAD = 1024  # at least: fewer take less time than a thread to start


def net_predictor(module, schema, output_activation: str, dtype, compiled: bool, n_threads: int, **options):
    """Return the predictor of a net.

    Parameters
    ----------
    module : TableNet or Net
        The net, in eval mode.
    schema : Schema
        The fitted schema of the table.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions; see `NumpyPredictor`.
    dtype : numpy dtype
        The dtype of the arithmetic.
    compiled : bool
        Whether it is compiled. Where numba cannot be imported, a note says so, and NumPy predicts.
    n_threads : int
        The number of threads in which compiled code predicts many rows.
    **options
        The parameters `flat` and `classes` of `NumpyPredictor`.
    """
    if not _compiles(compiled, n_threads, dtype, np.float32):
        return NumpyPredictor(module, schema, output_activation, dtype, **options)
    return CompiledNet(net_of(module), schema, output_activation, n_threads, **options)


def tree_predictor(trees, schema, output_activation: str, unit, dtype, compiled: bool, n_threads: int, **options):
    """Return the predictor of trees; the parameters are those of `net_predictor`, and `unit` is (mean, scale)."""
    plain = TreePredictor(trees, schema, output_activation, *unit, dtype, **options)
    return CompiledTrees(plain, n_threads) if _compiles(compiled, n_threads, dtype, dtype) else plain


def _compiles(compiled: bool, n_threads: int, dtype, wanted) -> bool:
    """Check the parameters, and return whether code is compiled."""
    if not isinstance(n_threads, Integral) or isinstance(n_threads, bool) or n_threads < 1:
        raise ValueError(f"n_threads must be a positive integer, got {n_threads!r}.")
    if not compiled and n_threads > 1:
        raise ValueError(f"n_threads={n_threads} needs compiled=True: NumPy's threads are set by threadpoolctl.")
    if not compiled:
        return False
    if np.dtype(dtype) != np.dtype(wanted):
        raise ValueError(f"dtype must be float32 for a compiled net, got {np.dtype(dtype)}. Leave compiled out.")
    try:
        import numba  # noqa: F401
    except ImportError as error:
        logger.warning("predictor(compiled=True) needs numba, which cannot be imported (%s): NumPy predicts.", error)
        return False
    return True


class CompiledPredictor(Predictor):
    """Base of the compiled predictors; they take and give what `Predictor` does.

    A subclass has `_functions`, which imports and returns the compiled functions of a row and of rows, and `_arrays`,
    their further arguments.

    Parameters
    ----------
    schema, output_activation, dtype, flat, classes
        The parameters of `Predictor`.
    n_threads : int
        The number of threads that predict many rows.
    n_predictions : int
        The number of predictions of a row.
    """

    def __init__(self, schema, output_activation: str, dtype, flat: bool, classes, n_threads: int, n_predictions: int):
        super().__init__(schema, output_activation, dtype, flat, classes)
        self.n_threads, self.n_predictions = n_threads, n_predictions
        self._row = self._rows = None

    def __getstate__(self):
        return {**vars(self), "_row": None, "_rows": None}  # imported again when it is used

    def __setstate__(self, state):
        vars(self).update(state)
        self._arrays = tuple(map(aligned, self._arrays))

    def _ready(self) -> None:
        if self._row is None:
            self._row, self._rows = self._functions()

    def from_row(self, numbers, codes: list) -> np.ndarray:
        """Predict one row; see `Predictor.from_row` for the parameters."""
        if self._row is None:
            self._ready()
        out = np.empty(self.n_predictions, dtype=self.dtype)
        if not self._row(np.array((*numbers, *codes), dtype=np.float64), *self._room(), out):
            raise no_finite_prediction()
        return out[0] if self.flat else out

    def from_encoded(self, continuous: np.ndarray, nominal: np.ndarray | None) -> np.ndarray:
        """Predict from the two blocks of `Schema.encode`; see `Predictor.from_encoded` for the parameters."""
        if self._rows is None:
            self._ready()
        n = len(continuous)
        if n == 1:
            row = continuous[0] if nominal is None else np.concatenate([continuous[0], nominal[0]])
            if row.dtype.char != "d" or not row.flags.c_contiguous:
                row = row.astype(np.float64)
            out = np.empty(self.n_predictions, dtype=self.dtype)
            self._row(row, *self._room(), out)
            return out if self.flat else out[None]
        if continuous.dtype.char != "d" or not continuous.flags.c_contiguous:
            continuous = np.ascontiguousarray(continuous, dtype=np.float64)
        if nominal is None:
            nominal = np.zeros((n, 0), dtype=np.int32)
        elif nominal.dtype.char != "i" or not nominal.flags.c_contiguous:
            nominal = np.ascontiguousarray(nominal, dtype=np.int32)
        out = np.empty((n, self.n_predictions))
        n_parts = min(self.n_threads, n // ROWS_OF_A_THREAD)

        def predict(first: int, last: int) -> None:
            parts = (block[first:last].reshape(-1) for block in (continuous, nominal))
            self._rows(*parts, last - first, *self._room(), out[first:last].reshape(-1))

        if n_parts > 1:
            bounds = np.linspace(0, n, n_parts + 1).astype(int).tolist()
            with ThreadPoolExecutor(n_parts) as pool:
                list(pool.map(predict, bounds, bounds[1:]))
        elif n:
            predict(0, n)
        with np.errstate(over="ignore"):
            out = out.astype(self.dtype, copy=False)
        return out[:, 0] if self.flat else out


class CompiledNet(CompiledPredictor):
    """The forward pass of a net in single precision; values whose mean is far from 0 for their spread are float64.

    Parameters
    ----------
    net : Net
        The net.
    schema : Schema
        The fitted schema of the table.
    output_activation : {"sigmoid", "softmax", "identity"}
        How outputs become predictions; see `NumpyPredictor`.
    n_threads : int
        The number of threads that predict many rows.
    flat : bool, default=False
        Whether the one value of each row is returned in an array of shape (n_rows,).
    classes : array of shape (n_classes,), optional
        The class of each probability.
    """

    def __init__(self, net: Net, schema, output_activation: str, n_threads: int, *, flat: bool = False, classes=None):
        plan = plan_of_net(net, schema, output_activation, classes=classes, flat=flat)
        n = plan.n_outputs if classes is None else len(classes)
        dtype = np.float32 if plan.shift is None else np.float64
        super().__init__(schema, output_activation, dtype, flat, classes, n_threads, n)
        self._arrays = tuple(map(aligned, packed(plan)))

    def _room(self) -> tuple:
        return self._arrays

    def _functions(self) -> tuple:
        from compress.export._block_kernels import predict_rows
        from compress.export._net_kernels import predict_row

        return predict_row, predict_rows


class CompiledTrees(CompiledPredictor):
    """The evaluation of trees, whose sums are float64.

    Parameters
    ----------
    plain : TreePredictor
        The NumPy predictor of the same student.
    n_threads : int
        The number of threads that predict many rows.
    """

    def __init__(self, plain: TreePredictor, n_threads: int):
        trees = plain.evaluator.ensemble
        dtype = plain.out_dtype if plain.output_activation == "identity" else plain.dtype
        n = trees.n_outputs if plain.classes is None else len(plain.classes)
        super().__init__(plain.schema, plain.output_activation, dtype, plain.flat, plain.classes, n_threads, n)
        arrays = packed_trees(plain.evaluator, plain.output_activation, plain.scale, plain.shift)
        self._arrays = tuple(map(aligned, arrays))
        self._n_trees = trees.n_trees

    def _room(self) -> tuple:
        wide = self._arrays[2].dtype.itemsize > 4
        numbers = np.empty(self._n_trees, dtype=np.float64 if wide else np.float32)
        return *self._arrays, numbers, numbers.view(np.int64 if wide else np.int32)

    def _functions(self) -> tuple:
        from compress.export._tree_kernels import predict_row, predict_rows

        return predict_row, predict_rows
