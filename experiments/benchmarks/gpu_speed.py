"""How fast a student's training runs, and what the card could do: part of `experiments.benchmarks.gpu`.

Rates are those of whole epochs of `compress.training.train` (shuffle, steps, the look at the losses), the median of
several after the first, which captures. The ceilings are measured in the same run: a copy within the device, counting
bytes read and written, and a product of large random matrices.
"""

from __future__ import annotations

import os
import statistics
import time
from functools import partial

import torch

from compress.losses import soft_cross_entropy, squared_error
from compress.nets import MLP
from compress.training import matmul_precision, train

__all__ = ["N_COLUMNS", "N_HIDDEN", "ceilings", "counted", "launches", "rate", "synchronise", "table"]

N_COLUMNS, N_HIDDEN = 16, 256


def synchronise(device: torch.device) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def table(n_rows: int, n_outputs: int, device: torch.device, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rows and targets on a device: standardised values, or with several outputs probabilities."""
    generator = torch.Generator(device).manual_seed(seed)
    X = torch.randn(n_rows, N_COLUMNS, generator=generator, device=device)
    targets = torch.randn(n_rows, n_outputs, generator=generator, device=device)
    return X, targets if n_outputs == 1 else targets.softmax(dim=1)


def learner(n_outputs: int, device: torch.device, hidden=(N_HIDDEN,)):
    """A net and its loss, as the students have them."""
    torch.manual_seed(0)
    net = MLP(N_COLUMNS, hidden, n_outputs).to(device)
    compared = squared_error if n_outputs == 1 else soft_cross_entropy
    return net, lambda batch, clock: compared(net(batch[0]), batch[1])


def rate(device, batch_size: int, n_outputs: int, *, capture: bool, steps: int, epochs: int, most_rows: int) -> dict:
    """Rows per second and seconds per step of training.

    Parameters
    ----------
    device : torch.device
    batch_size, n_outputs : int
    capture : bool
        Whether steps are replayed from a graph.
    steps, epochs : int
        Per epoch; epochs that are timed, after two that are not.
    most_rows : int
        Of the table, which then has fewer steps.
    """
    n_rows = max(min(batch_size * steps, most_rows) // batch_size, 1) * batch_size
    X, targets = table(n_rows, n_outputs, device)
    net, loss = learner(n_outputs, device)
    result = train(
        net,
        (X, targets),
        loss,
        max_epochs=epochs + 2,
        batch_size=batch_size,
        learning_rate=1e-3,
        weight_decay=1e-4,
        device=device,
        capture=capture,
    )
    seconds = statistics.median(row["seconds"] for row in result.history[2:])
    row = {"device": str(device), "batch_size": batch_size, "n_outputs": n_outputs, "n_rows": n_rows}
    row |= {"replayed": result.n_replayed > 0, "threads": torch.get_num_threads()}
    row |= {"rows_per_second": n_rows / seconds, "microseconds_per_step": 1e6 * seconds * batch_size / n_rows}
    return row | {"eager_because": result.eager_because}


def counted(n_outputs: int) -> dict:
    """Floating-point operations and bytes of one row in one step, counted by hand.

    Operations: two per weight forward, two for the weight's gradient, two for the hidden units' gradient (the output
    layer alone has one to hand on). Bytes, each kernel reading its inputs from memory and writing its outputs there:
    the row is read and written by the gather and read by two products; of the hidden units there are ten passes
    (product, rectifier in place, product; their gradient written, the rectifier's three, read by weight and bias, and
    the units once more for the output's weight); of the outputs about twelve. `floor_bytes` reads each row once.
    """
    first, second = N_COLUMNS * N_HIDDEN, N_HIDDEN * n_outputs
    row = 4 * (N_COLUMNS + n_outputs)
    return {
        "operations": 4 * first + 6 * second,
        "bytes": 2 * row + 2 * 4 * N_COLUMNS + 4 * (10 * N_HIDDEN + 12 * n_outputs),
        "floor_bytes": row,
    }


def ceilings(device: torch.device, *, side: int, copied: int) -> dict:
    """Bytes per second of a large copy within the device, operations per second of products of `side`**3."""
    source = torch.randn(copied // 4, device=device)
    target = torch.empty_like(source)
    found = {"bytes_per_second": 2 * 4 * len(source) / _median_seconds(partial(target.copy_, source), device)}
    del source, target
    for name, dtype, precision in (
        ("float32", torch.float32, "highest"),
        ("tf32", torch.float32, "high"),
        ("bfloat16", torch.bfloat16, "highest"),
    ):
        a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        with matmul_precision(precision):
            found[name] = 2 * side**3 / _median_seconds(partial(torch.matmul, a, b), device)
    return found


def _median_seconds(function, device: torch.device, repeats: int = 10) -> float:
    for _ in range(3):
        function()
    found = []
    for _ in range(repeats):
        synchronise(device)
        if device.type == "cuda":
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            function()
            end.record()
            end.synchronize()
            found.append(start.elapsed_time(end) / 1e3)
        else:
            started = time.perf_counter()
            function()
            found.append(time.perf_counter() - started)
    return statistics.median(found)


def launches(device: torch.device, n_outputs: int, *, capture: bool, batch_size: int = 4096, steps: int = 50) -> dict:
    """Kernels and launches from the host per step, counted by torch's profiler over one epoch."""
    from torch.profiler import ProfilerActivity, profile

    X, targets = table(batch_size * steps, n_outputs, device)
    net, loss = learner(n_outputs, device)
    watched = {}

    def at_epoch(row):
        # the epoch before has captured; only the next one is looked at
        if row["epoch"] == 0:
            synchronise(device)
            watched["profile"] = profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
            watched["profile"].__enter__()
        elif row["epoch"] == 1:
            synchronise(device)
            watched["profile"].__exit__(None, None, None)

    options = {"max_epochs": 2, "batch_size": batch_size, "learning_rate": 1e-3, "weight_decay": 1e-4}
    train(net, (X, targets), loss, device=device, capture=capture, callbacks=[at_epoch], **options)
    events = watched["profile"].events()
    on_device = [e for e in events if e.device_type == torch.autograd.DeviceType.CUDA]
    host = [e.name for e in events if e.name.startswith(("cudaLaunch", "cuLaunch", "cudaGraphLaunch", "cudaMemcpy"))]
    slowest = {}
    for event in on_device:
        entry = slowest.setdefault(event.name[:80], [0, 0.0])
        entry[0] += 1
        entry[1] += event.time_range.elapsed_us()
    top = sorted(slowest.items(), key=lambda item: -item[1][1])[:25]
    return {
        "n_outputs": n_outputs,
        "captured": capture,
        "kernels_per_step": len(on_device) / steps,
        "launches_per_step": len(host) / steps,
        "device_microseconds_per_step": sum(e.time_range.elapsed_us() for e in on_device) / steps,
        "kernels": {name: {"per_step": n / steps, "microseconds_per_step": us / steps} for name, (n, us) in top},
    }


def all_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
