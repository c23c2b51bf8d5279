"""What training on a GPU reaches, and how soon: part of `experiments.benchmarks.gpu`."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from sklearn.ensemble import RandomForestRegressor

from compress import StudentRegressor
from compress.losses import squared_error
from compress.nets import MLP
from compress.training import (
    auto_batch_size,
    auto_learning_rate,
    matmul_precision,
    outputs_of,
    single_thread,
    train,
    train_together,
)
from experiments.benchmarks.gpu_speed import N_COLUMNS, N_HIDDEN, synchronise

__all__ = ["candidates_together", "labelling", "large_table", "precisions", "rules"]


# -------------------------------------------------------------------------------------------------- teachers
def forest_table(n_rows: int, n_test: int, seed: int = 0):
    """(X, y) to learn from and to judge by, float32: a forest's answers on normal columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4000 + n_rows + n_test, N_COLUMNS)).astype(np.float32)
    y = np.tanh(X[:4000] @ rng.normal(size=(N_COLUMNS, 4))).prod(axis=1) + X[:4000, 0]
    forest = RandomForestRegressor(50, n_jobs=-1, random_state=seed).fit(X[:4000], y)
    labels = forest.predict(X[4000:]).astype(np.float32)
    return (X[4000:-n_test], labels[:-n_test]), (X[-n_test:], labels[-n_test:])


class RandomFunction:
    """A fixed smooth function of 16 columns, which a student of 256 units can learn in part: labels for many rows."""

    def __init__(self, device: torch.device, seed: int = 0):
        generator = torch.Generator().manual_seed(seed)
        self.device = device
        self.first = (torch.randn(N_COLUMNS, 64, generator=generator) * 0.4).to(device)
        self.second = (torch.randn(64, 64, generator=generator) * 0.3).to(device)
        self.last = (torch.randn(64, 1, generator=generator) / 4).to(device)

    def table(self, n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of shape (n_rows, 16) and values of shape (n_rows,), float32, on the host."""
        generator = torch.Generator(self.device).manual_seed(seed)
        X, y = torch.empty(n_rows, N_COLUMNS), torch.empty(n_rows)
        for start in range(0, n_rows, 1 << 20):
            rows = slice(start, min(start + (1 << 20), n_rows))
            x = torch.randn(rows.stop - start, N_COLUMNS, generator=generator, device=self.device)
            X[rows] = x.cpu()
            y[rows] = (torch.tanh(torch.tanh(x @ self.first) @ self.second) @ self.last)[:, 0].cpu()
        return X.numpy(), y.numpy()


def error(model, X, y) -> float:
    """Mean squared error over the variance of the values."""
    return float(np.mean((model.predict(X) - y) ** 2) / np.var(y))


# ------------------------------------------------------------------------------------------------ equal loss
def fitted(data, test, device: str, *, epochs: int, seed: int, **options) -> dict:
    """One fit of a student: seconds of all of `fit`, of its epochs, error on rows it has not seen."""
    student = StudentRegressor((N_HIDDEN,), max_epochs=epochs, random_state=seed, device=device, **options)
    started = time.perf_counter()
    student.fit(*data)
    seconds = time.perf_counter() - started
    n_rows = len(data[0])
    batch_size = options.get("batch_size") or auto_batch_size(n_rows, torch.device(device), epochs)
    return {
        "device": device,
        "seed": seed,
        "n_rows": n_rows,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": options.get("learning_rate") or auto_learning_rate(3e-3, n_rows, batch_size),
        "seconds": seconds,
        "seconds_of_epochs": sum(row["seconds"] for row in student.history_),
        "error": error(student, *test),
    }


def rules(device: str, *, n_rows: int, epochs: int, seeds) -> dict:
    """The automatic batch and rate on the device against the CPU's rule there, and against the CPU itself."""
    data, test = forest_table(n_rows, 20_000)
    on_cpu = {"batch_size": 1024, "learning_rate": 3e-3}
    fitted(data, test, device, epochs=epochs, seed=0)  # what is loaded once per process
    found = {
        "device_rule": [fitted(data, test, device, epochs=epochs, seed=seed) for seed in seeds],
        "cpu_rule": [fitted(data, test, device, epochs=epochs, seed=seed, **on_cpu) for seed in seeds],
    }
    with single_thread():
        found["one_core"] = [fitted(data, test, "cpu", epochs=epochs, seed=seed) for seed in list(seeds)[:1]]
    means = {name: statistics.mean(row["error"] for row in rows) for name, rows in found.items()}
    found["error_over_cpu_rule"] = means["device_rule"] / means["cpu_rule"]
    found["error_over_one_core"] = means["device_rule"] / means["one_core"]
    return found


def large_table(device: str, *, n_rows: int, few_rows: int, epochs: int) -> dict:
    """From many labelled rows on the host to a student; and from few of the same function, as a comparison."""
    function = RandomFunction(torch.device(device))
    started = time.perf_counter()
    X, y = function.table(n_rows + 20_000, seed=1)
    made = time.perf_counter() - started
    test = X[-20_000:], y[-20_000:]
    few = fitted((X[:few_rows], y[:few_rows]), test, device, epochs=20, seed=0)
    many = fitted((X[:-20_000], y[:-20_000]), test, device, epochs=epochs, seed=0)
    return {"seconds_of_making": made, "few": few, "many": many}


# ------------------------------------------------------------------------------------------------ candidates
def on_device(data, device: torch.device):
    """Standardised values, and rows, as tensors on the device."""
    X, y = (torch.from_numpy(part).to(device) for part in data)
    return X, ((y - y.mean()) / y.std())[:, None]


def candidates_together(device: str, *, n: int, n_rows: int, epochs: int, batch_size: int = 2048) -> dict:
    """Candidates that differ in weights and learning rate, all at once and one after the other."""
    place = torch.device(device)
    data, test = forest_table(n_rows, 20_000)
    X, y = on_device(data, place)
    X_val, y_val = on_device(test, place)
    rates = np.geomspace(1e-3, 2e-2, n)
    options = {"max_epochs": epochs, "batch_size": batch_size, "seed": 0, "device": place}

    def nets():
        made = []
        for k in range(n):
            torch.manual_seed(k)
            made.append(MLP(N_COLUMNS, (N_HIDDEN,), 1).to(place))
        return made

    def loss(net, batch, clock):
        return squared_error(net(batch[0]), batch[1])

    def score(net):
        return squared_error(net(X_val), y_val)

    def together():
        return train_together(nets(), (X, y), loss, learning_rates=rates, weight_decays=1e-4, validate=score, **options)

    def alone():
        results = []
        for net, one in zip(nets(), rates):
            results.append(
                train(
                    net,
                    (X, y),
                    lambda batch, clock, net=net: loss(net, batch, clock),
                    learning_rate=one,
                    weight_decay=1e-4,
                    validate=lambda net=net: score(net),
                    **options,
                )
            )
        return results

    found = {"candidates": n, "n_rows": n_rows, "epochs": epochs, "batch_size": batch_size}
    for name, way in (("together", together), ("one_after_the_other", alone)):
        synchronise(place)
        started = time.perf_counter()
        results = way()
        synchronise(place)
        seconds = time.perf_counter() - started
        found[name] = {
            "seconds": seconds,
            "seconds_of_epochs": sum(
                row["seconds"] for result in (results[:1] if name == "together" else results) for row in result.history
            ),
            "rows_per_second": n * n_rows * epochs / seconds,
            "replayed": results[0].n_replayed,
            "eager_because": results[0].eager_because,
            "valid": [min(row["valid"] for row in result.history) for result in results],
        }
    pairs = zip(found["together"]["valid"], found["one_after_the_other"]["valid"])
    found["largest_relative_difference"] = max(abs(a / b - 1) for a, b in pairs)
    found["times_as_fast"] = found["one_after_the_other"]["seconds"] / found["together"]["seconds"]
    return found


# ------------------------------------------------------------------------------------------------- precision
def precisions(device: str, *, n_rows: int, epochs: int, shapes, batch_size: int = 4096) -> list[dict]:
    """float32, tf32 and bfloat16: seconds per epoch and error on rows not seen, of a small and of a large net."""
    place = torch.device(device)
    data, test = forest_table(n_rows, 20_000)
    X, y = on_device(data, place)
    X_val, y_val = on_device(test, place)
    found = []
    for hidden in shapes:
        for name, precision, mixed in (
            ("float32", "highest", False),
            ("tf32", "high", False),
            ("bfloat16", "highest", True),
        ):
            torch.manual_seed(0)
            net = MLP(N_COLUMNS, hidden, 1).to(place)
            with matmul_precision(precision):
                result = train(
                    net,
                    (X, y),
                    lambda batch, clock, net=net: squared_error(net(batch[0]), batch[1]),
                    max_epochs=epochs,
                    batch_size=batch_size,
                    learning_rate=3e-3,
                    weight_decay=1e-4,
                    device=place,
                    mixed_precision=mixed,
                )
            with torch.no_grad():  # in float32, as a student serves
                wrong = float((net(X_val) - y_val).square().mean())
            seconds = statistics.median(row["seconds"] for row in result.history[1:])
            found.append(
                {
                    "hidden_layer_sizes": list(hidden),
                    "precision": name,
                    "batch_size": batch_size,
                    "rows_per_second": n_rows / seconds,
                    "error": wrong,
                    "eager_because": result.eager_because,
                }
            )
    return found


# ------------------------------------------------------------------------------------------------- labelling
def labelling(device: str, *, n_rows: int) -> dict:
    """Rows per second that a torch net of three layers labels, from NumPy to NumPy; and of xgboost where it is."""
    rows = np.random.default_rng(0).normal(size=(n_rows, N_COLUMNS)).astype(np.float32)
    torch.manual_seed(0)
    net = MLP(N_COLUMNS, (512, 512, 512), 1)
    found = {"n_rows": n_rows}
    few = rows[: max(n_rows // 16, 1)]
    for name, where, block_rows, some in (
        ("device", device, 1 << 16, rows),
        ("device, 2048 rows at a time", device, 2048, few),
        ("cpu, all cores", "cpu", 2048, few),
    ):
        net.to(where)
        tensors = (torch.from_numpy(some),)
        outputs_of(net, tensors, block_rows=block_rows)
        started = time.perf_counter()
        outputs_of(net, tensors, block_rows=block_rows).numpy()
        found[name] = len(some) / (time.perf_counter() - started)
    found["xgboost"] = _xgboost(device, rows)
    return found


def _xgboost(device: str, rows: np.ndarray):
    try:
        from xgboost import XGBClassifier
    except ImportError:
        return "not installed"
    try:
        model = XGBClassifier(n_estimators=100, max_depth=6, device=device.split(":")[0]).fit(
            rows[:5000], rows[:5000, 0] > 0
        )
        model.predict_proba(rows[:5000])
        started = time.perf_counter()
        model.predict_proba(rows)
    except Exception as error:  # a build without CUDA: said, not raised
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return len(rows) / (time.perf_counter() - started)
