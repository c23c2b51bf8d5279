"""Small fits of every estimator on a GPU and on the CPU: what `experiments.benchmarks.gpu` compares.

Each case makes a fitted estimator and its error on rows it has not seen: the share of wrong classes, the root mean
squared error over the targets' spread, or 1 - recall at 10 of a ranking.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from compress import StudentClassifier, StudentRegressor
from compress.distill import (
    DistilledClassifier,
    DualDNNClassifier,
    FitNetClassifier,
    MimicClassifier,
    MimicRegressor,
    RocketClassifier,
)
from compress.nets import ConvNet
from compress.recommend import EASE, RankingDistiller, ranking_metrics
from compress.students import NetClassifier, PeriodicEncoding, PiecewiseLinearEncoding
from compress.training import RandomShift, Schedule

__all__ = ["CASES", "N_TRAIN", "plain"]

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
    model = RankingDistiller(teacher, **options).fit(pairs[~held_out], **known)
    relevant, seen = np.zeros((2, 120, 60), dtype=bool)
    relevant[tuple(pairs[held_out].T)] = True
    seen[tuple(pairs[~held_out].T)] = True
    scores = model.score_matrix(known["users"])
    return model, 1 - ranking_metrics(scores, relevant, k=10, seen=seen)["recall"], scores


def forest(X, y, seed):
    return RandomForestClassifier(20, random_state=seed).fit(X, y)


def distiller(kind, net, seed, device, X, y, **options):
    teacher = forest(X, y, seed) if kind is not FitNetClassifier else student(seed, "cpu", hidden=(64, 32)).fit(X, y)
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
    add("StudentClassifier, bottleneck, periodic", partial(student, bottleneck=8, encoding=PeriodicEncoding(2)))
    add("StudentClassifier, cuts", partial(student, encoding=PiecewiseLinearEncoding()))
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
    add("FitNetClassifier, two stages", on(FitNetClassifier, deep, hint_epochs=5))
    add("FitNetClassifier, one stage", on(FitNetClassifier, deep, stages="single"))
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
