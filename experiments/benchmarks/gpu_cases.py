"""Small fits of every estimator on a GPU and on the CPU: what `experiments.benchmarks.gpu` compares.

Each case makes a fitted estimator and its error on rows it has not seen: the share of wrong classes, the root mean
squared error over the targets' spread, or 1 - recall at 10 of a ranking.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from functools import partial
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from compress import StudentClassifier, StudentRegressor, load_student
from compress.distill import (
    DistilledClassifier,
    DualDNNClassifier,
    FitNet,
    MimicClassifier,
    MimicRegressor,
    RocketClassifier,
)
from compress.nets import ConvNet
from compress.recommend import EASE, RankingDistiller, ranking_metrics
from compress.students import NetClassifier
from compress.training import RandomShift, Schedule, resolve_device, train

__all__ = ["CASES", "compare", "messages", "read_back"]

# of the mean error over the seeds, GPU against CPU: where all draws are the same, fits differ by rounding alone
TOLERANCE = 0.03
# dropout, shifts and negatives are drawn from the device's own stream: other draws, as of another seed
LOOSE_TOLERANCE = 0.08
LOOSE = ("dropout", "augmented", "RankingDistiller")
N_TRAIN = 1000


# ------------------------------------------------------------------------------------------------ tables
def plain(seed: int):
    """16 numbers, two classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2 * N_TRAIN, 16)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * rng.normal(size=len(X)) > 0).astype(int)


def mixed(seed: int):
    """Numbers, some missing, a nominal column that is one-hot and one that needs an embedding; three classes."""
    rng = np.random.default_rng(seed)
    n = 2 * N_TRAIN
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n) * 100 + 1000,
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "place": pd.Categorical(rng.integers(0, 20, n).astype(str)),
        }
    )
    shift = np.where(frame["colour"] == "red", 1.0, 0.0) + (frame["place"].astype(int) % 3 - 1)
    y = np.digitize(frame["a"] + shift + 0.2 * rng.normal(size=n), [-0.7, 0.7])
    frame.loc[::9, "b"] = np.nan
    frame.loc[3::11, "colour"] = np.nan
    return frame, y


def digits():
    """Images of 8 x 8, ten classes."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def split(X, y):
    """(X, y) to learn from and (X, y) to judge by."""
    take = (lambda a, s: a.iloc[s]) if hasattr(X, "iloc") else (lambda a, s: a[s])
    return take(X, slice(N_TRAIN)), y[:N_TRAIN], take(X, slice(N_TRAIN, None)), y[N_TRAIN:]


# ------------------------------------------------------------------------------------------------- cases
def classified(make, table, seed, device, **fitted):
    """A classifier fitted on a table, its share of wrong classes, and its probabilities."""
    X, y, X_test, y_test = split(*table)
    model = make(seed, device, X, y).fit(X, y, **fitted)
    return model, float(np.mean(model.predict(X_test) != y_test)), model.predict_proba(X_test)


def student(seed, device, *_, hidden=(32,), **options):
    options = {"max_epochs": 10, "batch_size": 64, "learning_rate": 1e-2} | options
    return StudentClassifier(hidden, random_state=seed, device=device, **options)


def regressed(seed, device):
    X, y = plain(seed)
    Y = np.column_stack([X[:, 0] ** 2 + X[:, 1], np.sin(X[:, 2])])
    weight = np.where(X[:, 3] > 0, 1.0, 0.5)
    model = StudentRegressor((32,), max_epochs=10, batch_size=64, learning_rate=1e-2, random_state=seed, device=device)
    model.fit(X[:N_TRAIN], Y[:N_TRAIN], sample_weight=weight[:N_TRAIN])
    predicted = model.predict(X[N_TRAIN:])
    return model, float(np.sqrt(np.mean((predicted - Y[N_TRAIN:]) ** 2)) / Y.std()), predicted


def mimicked(seed, device):
    X, _ = plain(seed)
    y = X[:, 0] * X[:, 1]
    teacher = RandomForestRegressor(20, random_state=seed).fit(X[:N_TRAIN], y[:N_TRAIN])
    net = StudentRegressor((32,), max_epochs=10, batch_size=64, learning_rate=1e-2, random_state=seed, device=device)
    model = MimicRegressor(teacher, net, random_state=seed).fit(X[:N_TRAIN])
    predicted = model.predict(X[N_TRAIN:])
    return model, float(np.sqrt(np.mean((predicted - y[N_TRAIN:]) ** 2)) / y.std()), predicted


def ranked(objective, net, seed, device):
    rng = np.random.default_rng(seed)
    liked = rng.normal(size=(120, 4)) @ rng.normal(size=(4, 60)) + 0.5 * rng.normal(size=(120, 60))
    users, items = np.nonzero(liked > 1.5)
    held_out = rng.random(len(users)) < 0.3
    pairs = np.column_stack([users, items])
    known = {"users": np.arange(120), "items": np.arange(60)}
    teacher = EASE().fit(pairs[~held_out], **known)
    options = {"objective": objective, "k": 10, "n_sampled": 20, "max_epochs": 15, "batch_size": 256}
    options |= {"student": net, "random_state": seed, "device": device}
    if "teacher" in signature(RankingDistiller).parameters:  # both shapes, until the rewrite is merged
        model = RankingDistiller(teacher, **options).fit(pairs[~held_out], **known)
    else:
        model = RankingDistiller(**options).fit(pairs[~held_out], teacher, **known)
    relevant, seen = np.zeros((2, 120, 60), dtype=bool)
    relevant[tuple(pairs[held_out].T)] = True
    seen[tuple(pairs[~held_out].T)] = True
    scores = model.score_matrix(known["users"])
    return model, 1 - ranking_metrics(scores, relevant, k=10, seen=seen)["recall"], scores


def periodic() -> dict:
    """Sines and cosines of the columns, at two frequencies each."""
    if "n_frequencies" in signature(StudentClassifier).parameters:  # both shapes, until the rewrite is merged
        return {"n_frequencies": 2}
    from compress.students import PeriodicEncoding

    return {"encoding": PeriodicEncoding(2)}


def forest(X, y, seed):
    return RandomForestClassifier(20, random_state=seed).fit(X, y)


def distiller(kind, net, seed, device, X, y, **options):
    teacher = forest(X, y, seed) if kind is not FitNet else student(seed, "cpu", hidden=(64, 32)).fit(X, y)
    return kind(teacher, net(seed, device), random_state=seed, **options)


def conv(seed, device, *_, **options):
    net = partial(ConvNet, channels=(8, 8), pool_after=(1,))
    options = {"max_epochs": 8, "batch_size": 64, "learning_rate": 3e-3} | options
    return NetClassifier(net, random_state=seed, device=device, **options)


def _cases() -> dict:
    """name -> callable(seed, device) -> (model, error, predictions)."""
    cases = {}

    def add(name, make, table=plain, **fitted):
        cases[name] = lambda seed, device: classified(
            make, table(seed) if table is not digits else digits(), seed, device, **fitted
        )

    def on(kind, net=student, **options):
        return lambda seed, device, X, y: distiller(kind, net, seed, device, X, y, **options)

    add("StudentClassifier", student)
    add("StudentClassifier, mixed table, one-hot", student, mixed)
    add("StudentClassifier, mixed table, embedding", partial(student, max_one_hot=5), mixed)
    add("StudentClassifier, dropout, early stopping", partial(student, dropout=0.1, early_stopping=True))
    add("StudentClassifier, bottleneck, periodic", partial(student, bottleneck=8, **periodic()))
    add("StudentClassifier, probabilities", partial(student, objective="probabilities"))
    add("StudentClassifier, bfloat16", partial(student, mixed_precision=True))
    cases["StudentRegressor, two outputs, weights"] = regressed
    add("NetClassifier, convolutions, sgd", partial(conv, optimizer="sgd", learning_rate=3e-2), digits)
    add("NetClassifier, augmented", partial(conv, augment=RandomShift(1)), digits)
    add("DistilledClassifier", on(DistilledClassifier))
    add("DistilledClassifier, annealed", on(DistilledClassifier, temperature=Schedule(8.0, 1.0)))
    add("MimicClassifier", on(MimicClassifier))
    cases["MimicRegressor"] = mimicked
    deep = partial(student, hidden=(32, 32))
    add("FitNet, two stages", on(FitNet, deep, hint_epochs=5))
    add("FitNet, one stage", on(FitNet, deep, stages="single"))
    joint = {"max_epochs": 8, "batch_size": 64, "learning_rate": 1e-2}

    def rocket(seed, device, *_, **options):
        return RocketClassifier((16,), (8,), (32,), random_state=seed, device=device, **joint, **options)

    add("RocketClassifier", rocket)
    add("RocketClassifier, interval", partial(rocket, sharing="interval", group_sizes=(16,), booster_blocks=2), mixed)

    def dual(seed, device, *_, **options):
        return DualDNNClassifier((16,), random_state=seed, device=device, **joint, **options)

    add("DualDNNClassifier", partial(dual, hidden_hint_weight=0.1), mixed)
    for objective, net in (("list", "mf"), ("tang_wang", "mf"), ("pair", "two_tower"), ("logits", "mlp")):
        cases[f"RankingDistiller, {objective}, {net}"] = partial(ranked, objective, net)
    return cases


CASES = _cases()


# ------------------------------------------------------------------------------------------- comparison
class _Heard(logging.Handler):
    """What the training loop says about its steps."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.reasons, self.n_replayed = [], 0

    def emit(self, record):
        text = record.getMessage()
        if "not captured" in text:
            self.reasons.append(text.split(": ", 1)[1])
        elif "replayed" in record.msg:
            self.n_replayed += record.args[-1]


def _listened(function, *args):
    """The result of a fit, the seconds it took, and what was heard meanwhile."""
    logger, heard = logging.getLogger("compress.training"), _Heard()
    level, _ = logger.level, logger.addHandler(heard)
    logger.setLevel(logging.DEBUG)
    started = time.perf_counter()
    try:
        result = function(*args)
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
    return result, time.perf_counter() - started, heard


def compare(name: str, seeds, device: str) -> dict:
    """One case on `device` and on the CPU: errors, their agreement, seconds, whether steps were replayed."""
    row = {"case": name, "error_cpu": [], "error_device": [], "largest_difference": [], "seconds": []}
    reasons, n_replayed = [], 0
    for seed in seeds:
        (_, on_device, found), seconds, heard = _listened(CASES[name], seed, device)
        # without a GPU there is nothing to compare: the fit is tried, that is all
        _, on_cpu, expected = CASES[name](seed, "cpu") if device != "cpu" else (None, on_device, found)
        reasons += heard.reasons
        n_replayed += heard.n_replayed
        row["error_cpu"].append(on_cpu)
        row["error_device"].append(on_device)
        row["largest_difference"].append(float(np.abs(np.asarray(found) - np.asarray(expected)).max()))
        row["seconds"].append(seconds)
    row["difference"] = float(np.mean(row["error_device"]) - np.mean(row["error_cpu"]))
    row["tolerance"] = LOOSE_TOLERANCE if any(word in name for word in LOOSE) else TOLERANCE
    row["agrees"] = bool(abs(row["difference"]) <= row["tolerance"])
    row["replayed"] = n_replayed
    row["eager_because"] = reasons[0] if reasons else None
    return row


READ_BACK = """
import pickle, sys
import numpy as np, torch
from compress import load_student
assert not torch.cuda.is_available()
rows = np.load(sys.argv[1] + "/rows.npy")
with open(sys.argv[1] + "/models.pickle", "rb") as file:
    models = pickle.load(file)
for name, (model, expected) in models.items():
    found = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    print(name, float(np.abs(found - expected).max()), sep="\\t")
found = load_student(sys.argv[1] + "/student.safetensors").predict_proba(rows)
print("load_student", float(np.abs(found - models["StudentClassifier"][1]).max()), sep="\\t")
"""
PICKLED = (
    "StudentClassifier",
    "StudentClassifier, bottleneck, periodic",
    "StudentRegressor, two outputs, weights",
    "DistilledClassifier",
    "MimicRegressor",
    "FitNet, two stages",
    "RocketClassifier",
)


def read_back(device: str) -> dict:
    """Fit on `device`, pickle and save, load in a process that sees no GPU; largest difference of the predictions."""
    rows = plain(0)[0][N_TRAIN:]
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for name in PICKLED:
            model, _, expected = CASES[name](0, device)
            models[name] = (model, expected)
        models["StudentClassifier"][0].save(Path(folder) / "student.safetensors")
        with open(Path(folder) / "models.pickle", "wb") as file:
            pickle.dump(models, file)
        np.save(Path(folder) / "rows.npy", rows)
        blind = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-c", READ_BACK, folder]
        done = subprocess.run(command, env=blind, capture_output=True, text=True, timeout=120)
        if done.returncode:
            return {"failed": done.stderr[-2000:]}
        read = load_student(Path(folder) / "student.safetensors")
        assert next(read.module_.parameters()).device.type == "cpu"
    return {name: float(value) for name, value in (line.split("\t") for line in done.stdout.splitlines())}


def messages(device: str) -> dict:
    """What is said about devices that are not there, and about too little memory."""
    said = {"auto": str(resolve_device("auto"))}
    for name in ("cuda", "cuda:99", "mps", "meta", "abacus"):
        try:
            said[name] = f"accepted: {resolve_device(name)}"
        except ValueError as error:
            said[name] = str(error)
    if device != "cpu":
        net = torch.nn.Linear(1, 1 << 16).to(device)
        rows = torch.zeros(1 << 21, 1)
        try:
            train(
                net,
                (rows,),
                lambda batch, clock: net(batch[0]).square().mean(),
                max_epochs=1,
                batch_size=1 << 21,
                learning_rate=1e-3,
            )
            said["too little memory"] = "it was enough"
        except MemoryError as error:
            said["too little memory"] = str(error)
        del net
        torch.cuda.empty_cache()
    return said
