"""The student for tables: its parameters, its net, and the files and functions it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._files import write_atomically
from compress.export import Predictor, net_predictor, student_to_bytes, to_c, to_js, to_onnx
from compress.nets import ACTIVATIONS, MLP, TabularInput, activation_name, silence_body
from compress.schema import Schema
from compress.students._base import BaseStudent
from compress.students._contributions import column_parts, contributions, draw_contributions
from compress.students._encodings import PeriodicEncoding, PiecewiseLinearEncoding
from compress.training import resolve_device

__all__ = ["MOVED", "TableStudent"]

MOVED = {
    "n_frequencies": "encoding=PeriodicEncoding(n_frequencies)",
    "frequency_scale": "encoding=PeriodicEncoding(n_frequencies, scale=...)",
}


class TableStudent(BaseStudent):
    """Base of `StudentClassifier` and `StudentRegressor`, whose docstrings explain the parameters."""

    _parameter_constraints = {
        **BaseStudent._parameter_constraints,
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "bottleneck": [Interval(Integral, 1, None, closed="left"), None],
        "encoding": [PeriodicEncoding, PiecewiseLinearEncoding, None],
        "max_one_hot": [Interval(Integral, 0, None, closed="left")],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "schema": [Mapping, Schema, None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(256,),
        *,
        activation="relu",
        max_epochs="auto",
        batch_size="auto",
        learning_rate=3e-3,
        schedule="cosine",
        weight_decay=1e-4,
        dropout=0.0,
        bottleneck=None,
        encoding=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
        max_one_hot=64,
        embedding_size=8,
        warm_start=False,
        schema=None,
        device="auto",
        mixed_precision=False,
        callbacks=(),
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.bottleneck = bottleneck
        self.encoding = encoding
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.warm_start = warm_start
        self.schema = schema
        self.device = device
        self.mixed_precision = mixed_precision
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    # -------------------------------------------------------------- what it becomes
    def predictor(self, dtype=np.float32, *, compiled: bool = False, n_threads: int = 1) -> Predictor:
        """Return a picklable function that makes the same predictions without torch.

        It takes tables, lists of rows and single rows, such as a dict that came as JSON: `predictor({"age": 33, ...})`.
        The door of `compress.export` says what the values of a row mean. Arrays and DataFrames are hardly checked.

        Parameters
        ----------
        dtype : numpy dtype, default=numpy.float32
            The dtype of the arithmetic; see `compress.export.NumpyPredictor`.
        compiled : bool, default=False
            Whether the function is native code (numba), which is several times faster for single rows. The code is
            compiled once on a machine, for some seconds, and kept on disk where it can be. NumPy predicts where numba
            cannot be imported.
        n_threads : int, default=1
            The number of threads in which compiled code predicts many rows.
        """
        check_is_fitted(self, "module_")
        flat, classes = not getattr(self, "outputs_2d_", True), getattr(self, "classes_", None)
        activation = self.objective_.output_activation
        return net_predictor(
            self.module_, self.schema_, activation, dtype, compiled, n_threads, flat=flat, classes=classes
        )

    def to_bytes(self) -> bytes:
        """Return what `save` writes to its file: safetensors weights, and the rest as JSON in their metadata."""
        check_is_fitted(self, "module_")
        return student_to_bytes(self)

    def save(self, path) -> None:
        """Write the student to one file, which `compress.load_student` reads without unpickling.

        Parameters
        ----------
        path : str or path
            The path of the file. An existing file is replaced when the new one is complete.
        """
        write_atomically(path, self.to_bytes())

    def to_onnx(self, path, *, precision="float32", X=None, check=True):
        """Write an ONNX model with the preprocessing inside; see `compress.export.to_onnx` for the parameters."""
        check_is_fitted(self, "module_")
        return to_onnx(self, path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write a C file and its header, free of dependencies; see `compress.export.to_c` for the parameters."""
        check_is_fitted(self, "module_")
        return to_c(self, path, name=name)

    def to_js(self, path):
        """Write an ES module for browsers and Node, free of dependencies; see `compress.export.to_js`."""
        check_is_fitted(self, "module_")
        return to_js(self, path)

    # ------------------------------------------------- what its columns contribute, without hidden layers
    @property
    def intercept_(self) -> np.ndarray:
        """The outputs before the output activation when no column contributes; see `contributions`.

        A float64 array of shape (n_outputs,), which a student with hidden layers does not have.
        """
        check_is_fitted(self, "module_")
        try:
            return column_parts(self).intercept
        except ValueError as error:
            raise AttributeError(f"intercept_: {error}") from None

    def contributions(self, X) -> np.ndarray:
        """Return what each column contributes to the outputs of a student with `hidden_layer_sizes=()`.

        The contributions of a row and `intercept_` add up to its outputs before the output activation: the log odds of
        the second of two classes, the logits of more classes, or values. A number at the mean of its column
        contributes 0, and so does a missing one if none was missing in training; categories contribute their
        difference from the mean of the column's categories.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            The rows.

        Returns
        -------
        float64 array of shape (n_rows, n_columns), or (n_rows, n_columns, n_outputs) for several outputs
            The contributions, with the columns in the order of the table.

        Raises
        ------
        ValueError
            The student has hidden layers, which mix the columns; or `X` does not have the columns of `fit`.
        """
        check_is_fitted(self, "module_")
        return contributions(self, X)

    def plot_contributions(self, X=None, *, output: int = 0, n_columns: int = 12):
        """Draw what each column contributes over its range or its categories, and return the figure.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns), optional
            Rows that decide which columns come first: those whose contributions have the largest standard deviation
            there. Without them it is the range of the contributions, which rare values may stretch.
        output : int, default=0
            The position of the output that is drawn.
        n_columns : int, default=12
            The largest number of columns that are drawn.

        Returns
        -------
        matplotlib.figure.Figure
            One panel for each column. A number is a curve, categories are bars; a missing value, where some were
            missing in training, has a colour of its own.

        Raises
        ------
        ValueError
            The student has hidden layers, or `output` is out of range.
        ImportError
            matplotlib is not installed: `pip install 'tabular-compress[plot]'`.
        """
        check_is_fitted(self, "module_")
        return draw_contributions(self, X, output=output, n_columns=n_columns)

    # -------------------------------------------------------------- what it learns with
    def _check_parameters(self) -> None:
        self._validate_params()
        resolve_device(self.device)
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object))
        if sizes.ndim > 1 or not all(
            isinstance(size, Integral) and not isinstance(size, bool) and size >= 1 for size in sizes
        ):
            raise ValueError(
                f"hidden_layer_sizes must be positive integers, one per hidden layer, got {self.hidden_layer_sizes!r}."
            )
        if self.bottleneck is not None and not sizes.size:
            raise ValueError(f"bottleneck={self.bottleneck} needs a hidden layer, but hidden_layer_sizes is empty.")

    def _sizes(self) -> tuple[int, ...]:
        return tuple(int(size) for size in np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)))

    def _resumes(self) -> bool:
        """Whether `warm_start` is set and the parameters still describe the net and the unit of its outputs."""
        if not self.warm_start or not hasattr(self, "module_"):
            return False
        body = self.module_.body
        there = (
            body.hidden_layer_sizes,
            activation_name(body) if body.hidden_layer_sizes else self.activation,
            None if body.bottleneck is None else body.bottleneck.out_features,
            0 if body.periodic is None else body.periodic.weight.shape[1],
            getattr(self, "_cut_by", None),
        )
        periodic, cut_by = self._encodings()
        n_frequencies = 0 if periodic is None else periodic.n_frequencies
        asked = (self._sizes(), self.activation, self.bottleneck, n_frequencies, cut_by)
        return there == asked and type(self.objective_) is self._objective_class

    def _encodings(self) -> tuple[PeriodicEncoding | None, PiecewiseLinearEncoding | None]:
        """Return the encoding in front of the body or that of the input layer; the other one is None."""
        periodic = isinstance(self.encoding, PeriodicEncoding)
        return (self.encoding, None) if periodic else (None, self.encoding)

    def _new_net(self, data, n_outputs: int):
        periodic, self._cut_by = self._encodings()
        pieces = None
        if self._cut_by is not None:
            targets = self.objective_.cut_targets(data.targets)
            pieces = self._cut_by.pieces(data.encoded.continuous, targets, data.weight)
        inputs = TabularInput.from_encoded(
            data.encoded,
            self.schema_,
            data.weight,
            max_one_hot=self.max_one_hot,
            embedding_size=self.embedding_size,
            pieces=pieces,
        )
        body = MLP(
            inputs.n_outputs,
            self._sizes(),
            n_outputs,
            activation=self.activation,
            dropout=self.dropout,
            bottleneck=self.bottleneck,
            periodic=None if periodic is None else periodic.layer(len(self.schema_.continuous_)),
        )
        return inputs, body

    def _silence(self, *, trained: bool) -> None:
        silence_body(self.module_.inputs, self.module_.body, trained=trained)

    def _new_objective(self, targets, weight):
        return self._objective_class.for_targets(targets, weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
