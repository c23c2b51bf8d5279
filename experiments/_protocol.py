"""The protocol of the reproduction: what is trained on what, and chosen on which rows.

T and the best single model are fitted on the training rows and selected on the validation rows; S2's
width, weight decay and epoch, MUNGE's p and s, are chosen on the validation rows. Functions here are
given training and validation rows only: none of them has an argument for test rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from itertools import product

from joblib import Parallel, delayed
from sklearn.base import clone
from tqdm.auto import tqdm

from compress import EnsembleTeacherClassifier, StudentClassifier
from compress.evaluation import rmse
from compress.search import Budget, within

__all__ = ["Stopwatch", "best_control", "fit_student", "fit_teacher", "learned", "spent"]


class Stopwatch:
    """Seconds by stage, printed as each ends."""

    def __init__(self, log=print):
        self.seconds, self.log = {}, log

    @contextmanager
    def stage(self, name: str, said: str):
        """Time what happens inside as stage `name`; `said` is what is printed before."""
        self.log(f"  {said} ...", flush=True)
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 2)
        self.log(f"    {self.seconds[name]:.1f} s", flush=True)


def spent(make: Callable) -> tuple[object, float]:
    """What `make` returns, and the seconds of a processor that it took in this process."""
    started = time.process_time()
    return make(), time.process_time() - started


def fit_teacher(X, y, X_val, y_val, *, library: str, seed: int, n_jobs: int) -> EnsembleTeacherClassifier:
    """T: an ensemble of forests and boosting, selected on the validation rows."""
    teacher = EnsembleTeacherClassifier(library=library, n_jobs=n_jobs, verbose=1, random_state=seed)
    return teacher.fit(X, y, X_val=X_val, y_val=y_val)


def fit_student(data, *, hidden: tuple, epochs: int, seed: int, verbose: int = 1, **options) -> StudentClassifier:
    """S1 and other nets on a transfer set, all epochs."""
    return StudentClassifier(hidden, max_epochs=epochs, verbose=verbose, random_state=seed, **options).fit(data)


def best_control(X, y, X_val, y_val, *, hidden, weight_decay, epochs: int, seed: int, n_jobs: int, options=({},)):
    """S2: the best net to be had from the labelled rows alone.

    All combinations of shape, weight decay and further options are trained; each keeps the epoch with the lowest
    cross-entropy on the validation rows, and the one with the lowest RMSE there is kept.

    Returns
    -------
    (StudentClassifier, list of dict)
        The net, and `hidden`, `weight_decay`, its option, `epoch`, `rmse` of every one tried.
    """
    grid = list(product(hidden, weight_decay, options))
    fits = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_control)(X, y, X_val, y_val, h, w, epochs, seed, further) for h, w, further in grid
    )
    nets = list(tqdm(fits, "S2", len(grid), unit="net", disable=None))
    tried = [
        {
            "hidden": h,
            "weight_decay": w,
            **further,
            "epoch": net.best_epoch_,
            "rmse": rmse(y_val, net.predict_proba(X_val)),
        }
        for (h, w, further), net in zip(grid, nets)
    ]
    best = min(range(len(nets)), key=lambda i: tried[i]["rmse"])
    return nets[best], tried


def _control(X, y, X_val, y_val, hidden, weight_decay, epochs, seed, options):
    net = StudentClassifier(hidden, weight_decay=weight_decay, max_epochs=epochs, random_state=seed, **options)
    return net.fit(X, y, X_val=X_val, y_val=y_val)


def learned(student, rows: tuple, most_bytes: int):
    """A chosen student after its last training; trees are cut to the bytes where they grew more.

    `rows` are the arguments of `fit`.
    """
    return within(clone(student).fit(*rows), Budget(bytes=most_bytes))
