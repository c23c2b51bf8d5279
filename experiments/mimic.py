"""Do deep nets need to be deep? Shallow mimics on MNIST digits, and gradient descent against its stochastic form

Questions:

1. With as many parameters, is a shallow net on labels worse than a deep one, and is a shallow net that regresses the
   deep one's logits as good as it?
2. Does a better teacher make a better mimic, and do unlabelled rows help it?
3. A note on the paper proposes that stochastic descent "easily goes astray" and that full-batch descent on the shallow
   net may show something. Does it close the gap that logits close?

Setup: 1,000 labelled, 8,000 unlabelled and 1,000 validation images from MNIST's training images per seed, and its
10,000 test images. The deep net is 784-128-128-128-10; the shallow one has a linear bottleneck of 64 units and as many
hidden units as `match_width` finds (1,128). Teachers are the deep net, a conv net (16 and 32 channels, dense layer of
64, jitter, dropout), and the mean logits of three of these. Only the conv net is regularised; all nets have 1,000
updates of AdamW. For the third question the shallow net learns 500 of the labelled rows, from labels or from the conv
net's logits, by SGD in batches of 32 or by full-batch descent (GD), from the same initial weights, with momentum 0.9
and a constant learning rate that the validation rows choose. SGD runs 10 epochs, which are 160 updates; GD runs 10
updates (equal epochs) and 160 (equal updates). `noise` is the mean of |g_B - g| / |g| over batches of 32. p is of
paired t-tests over seeds, not corrected for the number of comparisons.

The paper: on TIMIT the phone error is 23.1 % for shallow nets, 21.9 % for deep ones and 21.6 % for shallow mimics of an
ensemble with as many parameters. On CIFAR-10 mimics of an ensemble are better than mimics of one net (14.2 against
15.1 %).

Cost: about 18 minutes for five seeds on a core with other jobs beside.

Reference: Ba and Caruana, Do Deep Nets Really Need to be Deep?, NIPS 2014, arXiv:1312.6184.
"""

from __future__ import annotations

import math
import time
import warnings
from functools import partial

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from compress.distill import MimicClassifier, match_width
from compress.nets import MLP, ConvNet
from compress.students import NetClassifier
from compress.training import RandomShift
from experiments._digits import load_digits, run_seeds
from experiments._distillation import draw_arms
from experiments._main import run
from experiments.mimic_table import ARMS, markdown

ROWS = {"n_labelled": 1000, "n_unlabeled": 8000, "n_valid": 1000, "n_test": 10_000}
FULL = {
    "rows": ROWS,
    "teacher_epochs": 30,
    "updates": 1000,
    "deep": [128, 128, 128],
    "bottleneck": 64,
    "gd": {
        "rows": 500,
        "batch": 32,
        "epochs": 10,
        "labels": [0.01, 0.03, 0.1, 0.3],
        "logits": [0.001, 0.003, 0.01, 0.03],
    },
}
QUICK = {
    "rows": {"n_labelled": 200, "n_unlabeled": 400, "n_valid": 200, "n_test": 500},
    "teacher_epochs": 3,
    "updates": 60,
    "deep": [64, 64, 64],
    "bottleneck": 32,
    "gd": {"rows": 100, "batch": 20, "epochs": 3, "labels": [0.03, 0.1], "logits": [0.003, 0.01]},
}
BATCH = 64


def net(module, seed: int, epochs: int, **options) -> NetClassifier:
    """A net over plain pixels; `module` as in `NetClassifier`."""
    settings = {"learning_rate": 2e-3, "batch_size": BATCH, "predict_dtype": "float32", "device": "cpu", **options}
    return NetClassifier(module, max_epochs=epochs, random_state=seed, **settings)


def run_one(name: str, seed: int, config: dict) -> dict:
    """All arms of one seed, then the comparison of optimisers."""
    d = load_digits(seed, **config["rows"])
    conv = partial(ConvNet, channels=(16, 32), hidden_layer_sizes=(64,), dropout=0.4)
    convs = [
        net(conv, 100 * seed + i, config["teacher_epochs"], augment=RandomShift(2)).fit(d.X, d.y) for i in range(3)
    ]
    match = match_width(MLP(d.X.shape[1], config["deep"], 10), config["bottleneck"])
    shallow = partial(MLP, hidden_layer_sizes=(match.width,), bottleneck=config["bottleneck"])
    deep = partial(MLP, hidden_layer_sizes=tuple(config["deep"]))

    def epochs(n_rows: int) -> int:
        return max(round(config["updates"] / math.ceil(n_rows / BATCH)), 1)

    few, many = epochs(len(d.X)), epochs(len(d.X) + len(d.X_more))
    models = {
        "conv": convs[0],
        "deep": net(deep, seed, few).fit(d.X, d.y),
        "shallow": net(shallow, seed, few).fit(d.X, d.y),
    }

    def mimic(teacher, module=shallow, *, more=True, standardize=True):
        student = net(module, seed, many if more else few)
        return MimicClassifier(teacher, student, standardize=standardize).fit(
            d.X, X_unlabeled=d.X_more if more else None
        )

    models["mimic_deep_few"] = mimic(models["deep"], more=False)
    models["mimic_deep"] = mimic(models["deep"])
    models["mimic_conv_few"] = mimic(convs[0], more=False)
    models["mimic_conv"] = mimic(convs[0])
    models["mimic_ensemble"] = mimic(convs)
    models["deep_mimic"] = mimic(convs[0], deep)
    models["mimic_plain"] = mimic(convs[0], standardize=False)
    metrics = {}
    for arm, model in models.items():
        parts = {"accuracy": (d.X_test, d.y_test), "valid": (d.X_valid, d.y_valid)}
        metrics[arm] = {part: 100 * model.score(*rows) for part, rows in parts.items()}
        print(f"  {arm}: {metrics[arm]['accuracy']:.2f}", flush=True)
    together = sum(np.log(np.maximum(m.predict_proba(d.X_test), 1e-30)) for m in convs)  # mean logits, same argmax
    metrics["ensemble"] = {"accuracy": 100 * float(np.mean(together.argmax(axis=1) == d.y_test))}
    n_parameters = {arm: models[arm].n_parameters_ for arm in ("conv", "deep", "shallow")}
    return {
        "metrics": metrics,
        "n_parameters": n_parameters,
        "match": match._asdict(),
        "optimisers": optimisers(d, convs[0], shallow, seed, config["gd"]),
    }


def optimisers(d, teacher, shallow, seed: int, config: dict) -> dict:
    """{labels, logits} x {SGD, GD}: the learning rate of each cell by validation, then one look at the test rows."""
    X, y = d.X[: config["rows"]], d.y[: config["rows"]]
    torch.manual_seed(seed)
    start = shallow(n_inputs=X.shape[1], n_outputs=10)  # the same initial weights in every cell
    updates = config["epochs"] * math.ceil(len(X) / config["batch"])
    ways = {
        "sgd": {"batch_size": config["batch"], "epochs": config["epochs"], "gradient_noise": True},
        "gd_epochs": {"batch_size": len(X), "epochs": config["epochs"]},
        "gd_updates": {"batch_size": len(X), "epochs": updates},
    }
    cells = {}
    for target in ("labels", "logits"):
        for way, options in ways.items():
            tried = []
            for rate in config[target]:
                settings = {"optimizer": "sgd", "schedule": "constant", **options, "learning_rate": rate}
                student = net(start, seed, **settings)
                began = time.perf_counter()
                model = student if target == "labels" else MimicClassifier(teacher, student)
                tried.append((_fitted(model, X, y, d), rate, model, time.perf_counter() - began))
            valid, rate, model, seconds = max(tried, key=lambda one: one[0])
            cells[f"{target}.{way}"] = {
                "accuracy": 100 * model.score(d.X_test, d.y_test),
                "train": 100 * model.score(X, y),
                "loss": model.history_[-1]["loss"],
                "valid": valid,
                "learning_rate": rate,
                "seconds": seconds,
                "noise": float(np.mean([row.get("gradient_noise", 0.0) for row in model.history_])),
            }
            print(f"  {target}.{way}: {cells[f'{target}.{way}']['accuracy']:.2f} (rate {rate:g})", flush=True)
    return cells


def _fitted(model, X, y, d) -> float:
    """Validation accuracy in per cent; 0 where the learning rate is too large to finish."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(X, y)
        except FloatingPointError:
            return 0.0
    return 100 * model.score(d.X_valid, d.y_valid) if model.stopped_ == "finished" else 0.0


def main(argv=None) -> None:
    """Run the seeds, then write table and plot from all reports."""
    run(
        argv,
        __doc__,
        run_one,
        name="mimic",
        problems=["mnist"],
        known=["mnist"],
        seeds=range(5),
        configs={"full": FULL, "quick": QUICK},
        grid=run_seeds,
        one_torch_thread=True,
        table=markdown,
        files=lambda reports, out: [
            draw_arms({"mnist": reports}, ARMS, {"accuracy": "test accuracy, %"}, out, base="deep")
        ],
    )


if __name__ == "__main__":
    main()
