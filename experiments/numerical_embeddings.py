"""Embeddings of the continuous columns: does a student gain from them at equal bytes?

Question: Gorishniy, Rubachev and Babenko feed each continuous column to the net as a vector: piecewise linear in bins
between the training rows' quantiles, or periodic (sine and cosine of learned frequencies). They report large gains over
the plain number. Does a small student gain when the wider input is paid for by fewer hidden units, so that the bytes
are equal?

Setup: an ensemble of forests and boosting teaches 25 times the 4,000 training rows (MUNGE, p=0.2, s=5), as soft targets
or values. Students have one hidden layer: 256 or 64 units for the plain net, and for the others as many as have no more
numbers in all, those of bins and frequencies included. All students of a run share rows, targets, seed and epochs.
Piecewise has 8 bins. Periodic has 4 frequencies, drawn at first with the standard deviation given, beside the plain
number. Errors are those on *validation* rows, since this decides on an option of the library; gaps to the plain net are
in percent of its RMSE.

Cost: about a minute and a half per run on one core.

Reference: Gorishniy, Rubachev and Babenko, On Embeddings for Numerical Features, NeurIPS 2022, arXiv:2203.05556.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from torch import nn

from compress import MUNGE, EnsembleTeacherClassifier, EnsembleTeacherRegressor, TransferSet
from compress.nets import MLP, Periodic, TabularInput
from compress.schema import Schema
from compress.search import validation_error
from compress.students import SoftTargets, Values
from compress.training import isolated_rng, single_thread, train
from data.load import load_problem
from experiments._main import run
from experiments._runner import spread

PROBLEMS = ("letter", "adult", "covtype7", "satellite", "magic", "casp")
WAYS = {
    "plain": {},
    "piecewise": {"bins": 8},
    "periodic, 0.05": {"n_frequencies": 4, "scale": 0.05},
    "periodic, 0.2": {"n_frequencies": 4, "scale": 0.2},
    "periodic, 0.5": {"n_frequencies": 4, "scale": 0.5},
}
FULL = {"rows": {"n_test": 1000}, "library": "small", "size_multiplier": 25, "hidden": [256, 64], "epochs": 40}
QUICK = {
    "rows": {"n_train": 200, "n_valid": 100, "n_test": 100},
    "library": "small",
    "size_multiplier": 3,
    "hidden": [16],
    "epochs": 3,
}


class Piecewise(nn.Module):
    """Each of the first columns as the filled shares of its bins, the outer ones open; the other columns follow."""

    def __init__(self, x: torch.Tensor, bins: int):
        super().__init__()
        quantiles = torch.linspace(0, 1, bins + 1)
        edges = [torch.unique(torch.quantile(column, quantiles)) for column in x.T]
        edges = [e if len(e) > 1 else torch.stack([e[0], e[0] + 1]) for e in edges]  # a constant column: one bin
        counts = torch.tensor([len(e) - 1 for e in edges])
        self.n_bins, self.n_columns = int(counts.sum()), len(edges)
        low, high, last = torch.zeros(self.n_bins), torch.ones(self.n_bins), counts.cumsum(0) - 1
        low[last - counts + 1], high[last] = -torch.inf, torch.inf
        buffers = {
            "column": torch.repeat_interleave(torch.arange(len(edges)), counts),
            "left": torch.cat([e[:-1] for e in edges]),
            "width": torch.cat([e.diff() for e in edges]),
            "low": low,
            "high": high,
        }
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, dense: torch.Tensor) -> torch.Tensor:
        """Matrix of shape (n_rows, n_inputs - n_columns + n_bins)."""
        shares = torch.clamp((dense[:, self.column] - self.left) / self.width, self.low, self.high)
        return torch.cat([shares, dense[:, self.n_columns :]], dim=1)


def run_one(name: str, seed: int, config: dict, n_jobs: int) -> dict:
    """Validation RMSE and width by way and size, on the same rows and targets."""
    problem = load_problem(name, seed, **config["rows"])
    X, X_val, regression = problem.X_train, problem.X_valid, problem.task == "regression"
    Teacher = EnsembleTeacherRegressor if regression else EnsembleTeacherClassifier
    teacher = Teacher(config["library"], n_jobs=n_jobs, random_state=seed)
    teacher.fit(X, problem.y_train, X_val=X_val, y_val=problem.y_valid)
    munge = MUNGE(0.2, 5.0, n_jobs=n_jobs, random_state=seed).fit(X)
    data = TransferSet.from_teacher(
        teacher, X, generator=munge, n_rows=config["size_multiplier"] * len(X), n_jobs=n_jobs
    )
    schema = Schema().fit(X)
    rows, valid = (schema.encode(table, unseen="missing") for table in (data.X, X_val))
    plain = TabularInput.from_encoded(rows, schema)
    rows, valid = (plain(*(torch.from_numpy(np.array(block)) for block in blocks)) for blocks in (rows, valid))
    targets = np.asarray(data.targets, dtype=np.float32).reshape(len(rows), -1)
    objective = (Values if regression else SoftTargets).for_targets(targets)
    classes = None if regression else teacher.classes_
    results = {}
    for hidden in config["hidden"]:
        numbers = hidden * (plain.n_outputs + 1 + objective.n_outputs)
        for way, options in WAYS.items():
            with isolated_rng(seed):
                net, width = small_net(rows, len(plain.mean), objective.n_outputs, numbers, options)
            learn(net, objective, rows, targets, config["epochs"], seed)
            error = validation_error(predictions(net, objective, valid), problem.y_valid, classes)
            results[f"{hidden}: {way}"] = {"rmse": error, "width": width}
            print(f"  {hidden:>4} {way:<16} {width:>4} units  {error:.4f}", flush=True)
    return results


def small_net(rows: torch.Tensor, n_continuous: int, n_outputs: int, numbers: int, options: dict):
    """(net, hidden units): one hidden layer that stores, with the embedding, no more than `numbers` and its biases."""

    def width(n_inputs: int, stored: int = 0) -> int:
        return max((numbers - stored) // (n_inputs + 1 + n_outputs), 1)

    n_inputs = rows.shape[1]
    if "bins" in options:
        embed = Piecewise(rows[:, :n_continuous], **options)
        n_inputs += embed.n_bins - n_continuous
        units = width(n_inputs, embed.n_bins + n_continuous)  # the edges
        return nn.Sequential(embed, MLP(n_inputs, (units,), n_outputs)), units
    periodic = Periodic(n_continuous, **options) if options else None
    units = width(n_inputs + periodic.n_added, periodic.weight.numel()) if options else width(n_inputs)
    return MLP(n_inputs, (units,), n_outputs, periodic=periodic), units


def learn(net: nn.Module, objective, rows: torch.Tensor, targets, epochs: int, seed: int) -> None:
    """Train with the defaults of the students."""

    def loss(batch, clock):
        return objective.loss(net(batch[0]), batch[1])

    options = {"batch_size": 1024, "learning_rate": 3e-3, "weight_decay": 1e-4, "seed": seed}
    with single_thread():
        train(net, (rows, torch.from_numpy(objective.training_targets(targets))), loss, max_epochs=epochs, **options)


def predictions(net: nn.Module, objective, rows: torch.Tensor) -> np.ndarray:
    """Probabilities of shape (n_rows, n_classes), or values of shape (n_rows,)."""
    with torch.no_grad():
        outputs = net(rows) * torch.from_numpy(objective.scale) + torch.from_numpy(objective.mean)
    if objective.output_activation == "identity":
        return outputs[:, 0].numpy()
    return torch.softmax(objective.logits(outputs), dim=1).numpy()


def markdown(records: list[dict]) -> str:
    """Per size and table: the plain net's RMSE, and the gap of each embedding to it in percent."""
    groups = defaultdict(list)
    for record in records:
        groups[record["problem"]].append(record["results"])
    hidden = dict.fromkeys(key.partition(": ")[0] for key in records[0]["results"])
    ways = list(WAYS)[1:]
    lines = [
        "| units of the plain net | table | seeds | RMSE, plain | " + " | ".join(f"{w}: %, units" for w in ways) + " |",
        "|--:|---|--:|--:|" + "--:|" * len(ways),
    ]
    for size in hidden:
        all_gaps = {way: [] for way in ways}
        for problem, group in groups.items():
            plain = np.array([results[f"{size}: plain"]["rmse"] for results in group])
            cells = []
            for way in ways:
                gaps = 100 * (np.array([results[f"{size}: {way}"]["rmse"] for results in group]) / plain - 1)
                all_gaps[way].append(gaps.mean())
                cells.append(f"{spread(gaps, 1, '+')}, {group[0][f'{size}: {way}']['width']}")
            lines.append(f"| {size} | {problem} | {len(group)} | {spread(plain, 4)} | " + " | ".join(cells) + " |")
        means = [f"{np.mean(all_gaps[way]):+.1f}" for way in ways]
        lines.append(f"| {size} | mean | | | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"


def main(argv=None) -> None:
    """Run the grid, then write the table from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="numerical_embeddings",
        problems=PROBLEMS,
        seeds=[0, 1, 2],
        configs={"full": FULL, "quick": QUICK},
        records=lambda reports, out: [{key: r[key] for key in ("problem", "seed", "results")} for r in reports],
        table=markdown,
    )


if __name__ == "__main__":
    main()
