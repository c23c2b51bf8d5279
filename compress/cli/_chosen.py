"""The student that `fit` makes: one that the arguments describe, or one that is chosen."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from compress.cli._options import UsageError, say
from compress.schema import take
from compress.search import Budget, candidates_of, choose_student, try_candidates
from compress.students import PeriodicEncoding, StudentClassifier, StudentRegressor, described, family_of
from compress.transfer import PartedTransferSet, TransferSet

__all__ = ["chosen_student", "shape_of", "taught_student"]

HELD_OUT = 0.1  # of the rows of `fit --taught`, for the choice
MOST_CHOICE_ROWS = 100_000
DEFAULT_UNITS = 256


def chosen_student(args, task: str):
    """Return a net that the arguments describe, or the name of the family to choose from."""
    described_net = args.hidden is not None or args.frequencies or args.epochs
    if not described_net:
        return args.student or "auto"
    if args.student not in (None, "net"):
        raise UsageError(
            f"--hidden, --frequencies and --epochs describe a net, but --student is {args.student}: leave one out."
        )
    kind = StudentClassifier if task == "classification" else StudentRegressor
    options = {"max_epochs": args.epochs} if args.epochs else {}
    encoding = PeriodicEncoding(args.frequencies) if args.frequencies else None
    hidden = [DEFAULT_UNITS] if args.hidden is None else args.hidden
    return kind(tuple(hidden), encoding=encoding, verbose=1, random_state=args.seed, **options)


def taught_student(args, task: str, data: TransferSet | PartedTransferSet):
    """Return a student fitted to a table or shards with a teacher's answers, which judge the choice, too."""
    student = chosen_student(args, task)
    if isinstance(student, str):
        whole = data
        if isinstance(data, PartedTransferSet):
            data = data.sample(round(MOST_CHOICE_ROWS / (1 - HELD_OUT)), random_state=args.seed)
        order = np.random.default_rng(args.seed).permutation(len(data))
        held, rest = np.split(order, [max(1, round(HELD_OUT * len(data)))])
        if not len(rest):
            raise ValueError(f"{args.table}: the choice of a student needs at least two rows, got {len(data)}.")
        trial = _rows(data, rest[:MOST_CHOICE_ROWS])
        budget = None if args.budget_bytes is None else Budget(bytes=args.budget_bytes)
        candidates = candidates_of(student, task, trial, budget, random_state=args.seed)
        trials = try_candidates(candidates, trial, take(data.X, held), data.targets[held], verbose=1)
        search = choose_student(trials, trial, budget=budget)
        say(f"candidates on held-out rows, judged by the teacher's answers:\n\n{search}")
        student, data = search.student, whole
    return clone(student).fit(data)


def _rows(data: TransferSet, rows) -> TransferSet:
    return TransferSet(take(data.X, rows), data.targets[rows], data.kind, data.classes, schema=data.schema)


def shape_of(student) -> dict:
    """Return what a student is, as entries of JSON."""
    facts = {"family": family_of(student), "model": described(student), "parameters": student.n_parameters_}
    if hasattr(student, "hidden_layer_sizes"):
        return {**facts, "hidden_layer_sizes": list(student.module_.body.hidden_layer_sizes)}
    return {**facts, "max_leaf_nodes": student.max_leaf_nodes, "n_iter": student.n_iter_}
