"""The tree student: its parameters, how it learns, and the files and functions it becomes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import torch
from joblib import effective_n_jobs
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from compress._files import write_atomically
from compress._random import draw_seed
from compress.export import Predictor, student_to_bytes, to_c, to_js, to_onnx, tree_predictor
from compress.schema import LearningSet, Schema, check_validation_pair, checked_table
from compress.students._learning import held_out_rows, learning_set
from compress.students._objectives import SoftTargets
from compress.students._parted import in_memory
from compress.students._predicting import PredictingStudent
from compress.training import single_thread
from compress.transfer import PartedTransferSet
from compress.trees import MOST_LEAVES, Growth, TreeEnsemble, TreeEvaluator, grow, single_precision

__all__ = ["TreeStudent"]

logger = logging.getLogger(__name__)

PATIENCE = 10  # iterations
MOST_BYTES = 2**30  # of a transfer set in parts, which is in memory for trees


class TreeStudent(PredictingStudent):
    """Base of the tree students; the parameters are those of `TreeStudentRegressor`.

    A subclass has `_target` (what `y` means) and `_objective_class` (what the sums of the trees mean).
    """

    _fitted = "trees_"
    _parameter_constraints = {
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_leaf_nodes": [Interval(Integral, 2, MOST_LEAVES, closed="both")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "l2_regularization": [Interval(Real, 0, None, closed="left")],
        "max_bins": [Interval(Integral, 2, 255, closed="both")],
        "monotonic_cst": ["array-like", Mapping, None],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "n_jobs": [Integral, None],
        "schema": [Mapping, Schema, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        max_leaf_nodes=31,
        *,
        max_iter=100,
        learning_rate=0.2,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_bins=255,
        monotonic_cst=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
        n_jobs=None,
        schema=None,
        verbose=0,
        random_state=None,
    ):
        self.max_leaf_nodes = max_leaf_nodes
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_bins = max_bins
        self.monotonic_cst = monotonic_cst
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_jobs = n_jobs
        self.schema = schema
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, X_val=None, y_val=None):
        """Learn from labelled rows or from a transfer set; see `compress.students.BaseStudent.fit`.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns); or TransferSet, StoredTransferSet or StreamedTransferSet
            The rows to learn from, or a transfer set with its targets. Of one in parts a sample is drawn that takes
            1 GiB, and its size is logged, if it is larger.
        y : array, optional
            A classifier takes labels of shape (n_rows,), or soft labels of shape (n_rows, n_classes) whose rows sum to
            1. A regressor takes values of shape (n_rows,) or (n_rows, n_outputs). It is None with a transfer set.
        sample_weight : array of shape (n_rows,), optional
            Non-negative weights of the rows in the loss; by default those of the transfer set.
        X_val, y_val : table and array, optional
            Validation rows and their labels, hard or soft, which decide how many iterations are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter is out of its range, the labels do not fit, or soft labels do not sum to 1.
        """
        self._validate_params()
        check_validation_pair(X_val, y_val)
        rng = check_random_state(self.random_state)
        if isinstance(X, PartedTransferSet):
            X = in_memory(X, sample_weight, MOST_BYTES, draw_seed(rng))
        data = learning_set(self, X, y, sample_weight)
        monotonic = self._monotonic(data.targets.shape[1])
        data, held_out = held_out_rows(self, data, X_val, y_val, rng)
        self.objective_ = self._objective_class.for_targets(data.targets, data.weight)
        activation = self.objective_.output_activation
        probabilities = self._objective_class is SoftTargets
        targets = self.objective_.training_targets(data.targets)
        patience = self._patience()
        trees, errors = grow(
            data.encoded,
            self.schema_.n_categories_,
            targets[:, 1:] if probabilities and activation == "sigmoid" else targets,
            data.weight,
            Growth(
                self.max_iter,
                self.max_leaf_nodes,
                self.learning_rate,
                self.min_samples_leaf,
                self.l2_regularization,
                self.max_bins,
                monotonic,
            ),
            single=single_precision(data.encoded.continuous),
            probabilities=probabilities,
            seed=draw_seed(rng),
            score=None if held_out is None else self._score(held_out),
            patience=patience,
            n_threads=effective_n_jobs(self.n_jobs),
        )
        grown = trees.n_iter
        self.history_ = [{"iteration": i, "valid": float(e)} for i, e in enumerate([] if errors is None else errors)]
        self.best_iteration_ = None if errors is None else int(np.argmin(errors))
        self.stopped_ = "early_stopping" if grown < self.max_iter else "finished"
        self._take(trees if errors is None else trees.truncated(self.best_iteration_ + 1))
        said = f"trees: {self.n_iter_} of {grown} iterations kept, {self.n_parameters_:,} splits and leaves"
        logger.info(said)
        if self.verbose:
            print(said, file=sys.stderr)
        return self

    # -------------------------------------------------------------- what it becomes
    def truncated(self, n_iter: int):
        """Return a fitted student of the first iterations, which is smaller; this one stays as it is.

        Parameters
        ----------
        n_iter : int
            The number of iterations, from 1 to `n_iter_`.

        Returns
        -------
        TreeStudentClassifier or TreeStudentRegressor
            The smaller student, with the parameters and the history of this one.

        Raises
        ------
        ValueError
            There are not so many iterations.
        """
        check_is_fitted(self, self._fitted)
        if not isinstance(n_iter, Integral) or not 1 <= n_iter <= self.n_iter_:
            raise ValueError(f"n_iter must be an integer from 1 to n_iter_={self.n_iter_}, got {n_iter!r}.")
        smaller = type(self)(**self.get_params(deep=False))
        vars(smaller).update(vars(self))
        smaller._take(self.trees_.truncated(int(n_iter)))
        return smaller

    def staged_bytes(self) -> np.ndarray:
        """Return the bytes of the files of `truncated(1)`, `truncated(2)`, ...; int array of shape (n_iter,)."""
        check_is_fitted(self, self._fitted)
        return np.array([len(self.truncated(i + 1).to_bytes()) for i in range(self.n_iter_)])

    def predictor(self, dtype=np.float32, *, compiled: bool = False, n_threads: int = 1) -> Predictor:
        """Return a picklable function that makes the same predictions without torch.

        It takes tables, lists of rows and single rows, such as a dict that came as JSON: `predictor({"age": 33, ...})`.
        The door of `compress.export` says what the values of a row mean. Arrays and DataFrames are hardly checked.

        Parameters
        ----------
        dtype : numpy dtype, default=numpy.float32
            The dtype of the predictions; see `compress.export.TreePredictor`.
        compiled : bool, default=False
            Whether the function is native code (numba), which is several times faster for single rows. The code is
            compiled once on a machine, for some seconds, and kept on disk where it can be. NumPy predicts where numba
            cannot be imported.
        n_threads : int, default=1
            The number of threads in which compiled code predicts many rows.
        """
        check_is_fitted(self, self._fitted)
        flat, classes, objective = (
            not getattr(self, "outputs_2d_", True),
            getattr(self, "classes_", None),
            self.objective_,
        )
        unit, activation = (objective.mean, objective.scale), objective.output_activation
        return tree_predictor(
            self.trees_, self.schema_, activation, unit, dtype, compiled, n_threads, flat=flat, classes=classes
        )

    def to_bytes(self) -> bytes:
        """Return what `save` writes to its file: the trees as one tensor of safetensors, the rest as JSON."""
        check_is_fitted(self, self._fitted)
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
        check_is_fitted(self, self._fitted)
        return to_onnx(self, path, precision=precision, X=X, check=check)

    def to_c(self, path, *, name=None):
        """Write a C file and its header, free of dependencies; see `compress.export.to_c` for the parameters."""
        check_is_fitted(self, self._fitted)
        return to_c(self, path, name=name)

    def to_js(self, path):
        """Write an ES module for browsers and Node, free of dependencies; see `compress.export.to_js`."""
        check_is_fitted(self, self._fitted)
        return to_js(self, path)

    # -------------------------------------------------------------- the steps of fit
    def _take(self, trees: TreeEnsemble) -> None:
        """Make an ensemble that of the student."""
        self.trees_ = trees
        self.n_iter_ = trees.n_iter
        self.n_parameters_ = len(trees.test) + len(trees.leaf)
        self._predictor = self.predictor(np.float64)

    def _patience(self) -> int | None:
        if self.n_iter_no_change == "auto":
            return PATIENCE if self.early_stopping is True else None
        return self.n_iter_no_change

    def _score(self, held_out: LearningSet):
        """Return the function from an ensemble to its errors on the held-out rows, as net students count them."""
        objective = self.objective_
        values = objective.output_activation == "identity"
        target = objective.training_targets(held_out.targets) if values else held_out.targets
        target = torch.from_numpy(np.ascontiguousarray(target, dtype=np.float32))
        weight = () if held_out.weight is None else (torch.from_numpy(held_out.weight),)
        scale, mean = (1.0, 0.0) if values else (objective.scale, objective.mean)

        def score(trees: TreeEnsemble) -> np.ndarray:
            stages = TreeEvaluator(trees).staged_sums(*held_out.encoded)
            outputs = (torch.from_numpy((sums * scale + mean).astype(np.float32)) for sums in stages)
            with single_thread(True):  # of torch, for many small tensors
                return np.array([float(objective.score(z, target, *weight)) for z in outputs])

        return score

    def _monotonic(self, n_columns: int) -> np.ndarray | None:
        """Return the constraints of the continuous columns, which are given by name or by position."""
        given, schema = self.monotonic_cst, self.schema_
        if given is None:
            return None
        if isinstance(given, Mapping):
            strange = [name for name in given if name not in schema.names]
            if strange:
                raise ValueError(f"monotonic_cst names the column {strange[0]!r}, which X does not have.")
            given = [given.get(name, 0) for name in schema.names]
        given = np.asarray(given)
        if given.shape != (schema.n_columns,) or not np.isin(given, (-1, 0, 1)).all():
            raise ValueError(
                f"monotonic_cst must have -1, 0 or 1 for each of the {schema.n_columns} columns, or be a mapping of "
                f"columns to such numbers, got {self.monotonic_cst!r}."
            )
        for j in schema.nominal_:
            if given[j]:
                raise ValueError(
                    f"monotonic_cst must be 0 for nominal columns, got {given[j]} for {schema.names[j]!r}: categories "
                    "have no order. Declare the column continuous, or leave it out."
                )
        if given.any() and hasattr(self, "classes_") and n_columns > 2:
            raise ValueError(
                f"monotonic_cst needs two classes, got {n_columns}: which one rises is open with more. Use None."
            )
        return given[schema.continuous_].astype(int)

    def _staged(self, X):
        """Yield the predictions after each iteration."""
        check_is_fitted(self, self._fitted)
        encoded = self.schema_.encode(checked_table(self, X, reset=False), unseen="missing")
        objective, predictor = self.objective_, self._predictor
        for sums in predictor.evaluator.staged_sums(*encoded):
            yield predictor.activated(sums * objective.scale + objective.mean)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
