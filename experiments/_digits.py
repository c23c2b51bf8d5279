"""MNIST cut for the distillation experiments (few labels, many unlabelled images), and their seeds side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed

from data.load import load_mnist
from experiments._runner import run_grid

__all__ = ["Digits", "load_digits", "run_seeds"]


class Digits(NamedTuple):
    """Images as float32 rows in [0, 1]; `y_more` is for what needs to know which images to leave out."""

    X: np.ndarray
    y: np.ndarray
    X_more: np.ndarray
    y_more: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def load_digits(seed: int, *, n_labelled: int, n_unlabeled: int, n_valid: int, n_test: int) -> Digits:
    """Disjoint parts of MNIST's training images, drawn by `seed`, and the first of its test images."""
    X, y = load_mnist("mnist_train", scale=True)
    order = np.random.default_rng([seed, 2015]).permutation(len(X))
    parts = np.split(order[: n_labelled + n_unlabeled + n_valid], [n_labelled, n_labelled + n_unlabeled])
    X_test, y_test = load_mnist("mnist_test", scale=True)
    return Digits(*(array for rows in parts for array in (X[rows], y[rows])), X_test[:n_test], y_test[:n_test])


def run_seeds(args: argparse.Namespace, config: dict, run_one: Callable[[str, int, dict], dict]) -> None:
    """`run_grid` with the seeds side by side, one process and one torch thread each: these nets are small."""
    requests = [argparse.Namespace(**{**vars(args), "seeds": [seed]}) for seed in args.seeds]
    Parallel(n_jobs=args.n_jobs)(delayed(_one_seed)(request, config, run_one) for request in requests)


def _one_seed(args, config, run_one) -> None:
    torch.set_num_threads(1)
    run_grid(args, config, run_one)
