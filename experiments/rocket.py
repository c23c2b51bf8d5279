"""Rocket Launching on MNIST digits: is a light net better for having been trained beside a booster?

Question: with 4,000 labelled images, does the light net (784-32-16-10) trained jointly with a booster
(784-32-128-128-10, batch norm, dropout 0.2) that shares its first layer beat the same net trained alone? Which of the
paper's ablations hold: gradient block, sharing, joint training, the three forms of the hint?

Setup: 4,000 training and 2,000 validation images drawn from MNIST's training images per seed, and its 10,000 test
images. Every arm has AdamW at 6e-3, weight decay 1e-3, a cosine schedule, batches of 128 and 12 epochs, and keeps the
last epoch. The hint's weight is chosen for each of its forms on the validation rows of two other seeds (`tuning.json`);
the weight for logits also serves the ablations. `mnist.interval` is the same with nets of residual blocks (2 groups of
32 units; light 1 block each, booster 4) under interval sharing. p is of paired t-tests over seeds, not corrected for
the number of arms. Epochs, sizes and learning rate were sought with seeds 0 to 9, which are not in the table.

The paper: WRN-16-1 beside WRN-40-1 on CIFAR-10 has a test error of 8.77 % alone, 7.87 % as rocket, 8.50 % without
gradient block, 8.06 % without sharing, 8.04 % without joint training; hints by soft targets 7.98 %, by probabilities
8.32 %.

Cost: about 5 minutes for `mnist`, 12 for `mnist.interval`, ten seeds, on a core with other jobs beside.

Reference: Zhou, Fan, Cui, Bian, Zhu and Gai, Rocket Launching, AAAI 2018, arXiv:1708.04106.
"""

from __future__ import annotations

import time

import numpy as np

from compress.distill import RocketClassifier
from data.load import load_mnist
from experiments._distillation import arm_table, draw_arms, tuned
from experiments._main import run
from experiments._runner import by_problem

FULL = {"n_train": 4000, "n_valid": 2000, "n_test": 10_000, "epochs": 12, "tuning_seeds": [1000, 1001]}
QUICK = {"n_train": 500, "n_valid": 300, "n_test": 500, "epochs": 6, "tuning_seeds": [1000]}
GRID = {"logits": [0.003, 0.01, 0.03], "probabilities": [0.3, 1.0], "soft_targets": [0.3, 1.0]}
NETS = {
    "mnist": {"shared_layer_sizes": (32,), "light_layer_sizes": (16,), "booster_layer_sizes": (128, 128)},
    "mnist.interval": {"sharing": "interval", "group_sizes": (32, 32), "light_blocks": 1, "booster_blocks": 4},
}
PARTS = {
    "base": "light net alone",
    "rocket": "rocket",
    "no_block": "no gradient block",
    "no_share": "no sharing",
    "no_joint": "no joint training",
}
ARMS = {
    **PARTS,
    "probabilities": "hint: probabilities",
    "soft_targets": "hint: soft targets",
    "train_mode": "hint in train mode",
    "shared_by_booster": "shared layer trained by the booster only",
    "teacher": "rocket + KD from a trained booster",
    "booster": "booster alone",
}


def load(seed: int, config: dict):
    """(training, validation, test) images and labels; the first two from the training images only."""
    X, y = load_mnist("mnist_train", scale=True)
    order = np.random.default_rng(seed).permutation(len(X))
    train, valid = order[: config["n_train"]], order[-config["n_valid"] :]
    X_test, y_test = load_mnist("mnist_test", scale=True)
    n = config["n_test"]
    return (X[train], y[train]), (X[valid], y[valid]), (X_test[:n], y_test[:n])


def estimator(name: str, seed: int, config: dict, **changes) -> RocketClassifier:
    """The rocket of this experiment, with the changes of an arm."""
    settings = {
        **NETS[name],
        "dropout": 0.2,
        "standardize": False,
        "batch_size": 128,
        "learning_rate": 6e-3,
        "max_epochs": config["epochs"],
        **changes,
    }
    return RocketClassifier(**settings, random_state=seed, device="cpu")


def search(name: str, config: dict) -> dict:
    """The weight of each form of the hint with the best mean accuracy on validation rows."""
    tried = {form: {} for form in GRID}
    for form, weights in GRID.items():
        for weight in weights:
            scores = []
            for seed in config["tuning_seeds"]:
                train, valid, _ = load(seed, config)
                rocket = estimator(name, seed, config, hint=form, hint_weight=weight).fit(*train)
                scores.append(rocket.score(*valid))
            tried[form][weight] = float(np.mean(scores))
            print(f"  tuning {name}: {form} {weight:g}: {100 * tried[form][weight]:.2f}", flush=True)
    return {"chosen": {form: max(scores, key=scores.get) for form, scores in tried.items()}, "valid_accuracy": tried}


def without_parts(rocket: dict) -> dict[str, dict]:
    """The rocket, and what it is without each of the paper's parts."""
    parts = {"no_block": "gradient_block", "no_share": "share", "no_joint": "joint"}
    return {"rocket": rocket, **{arm: {**rocket, part: False} for arm, part in parts.items()}}


def arms(name: str, weights: dict) -> dict[str, dict]:
    """What each arm changes."""
    rocket = {"hint_weight": weights["logits"]}
    result = {
        "base": {"only": "light"},
        "booster": {"only": "booster"},
        **without_parts(rocket),
        **{form: {"hint": form, "hint_weight": weights[form]} for form in ("probabilities", "soft_targets")},
        "train_mode": {**rocket, "hint_eval_mode": False},
        "teacher": {**rocket, "teacher": "booster", "teacher_weight": weights["soft_targets"]},
    }
    if name == "mnist":
        result["shared_by_booster"] = {**rocket, "light_trains_shared": False}
    return result


def run_one(name: str, seed: int, config: dict) -> dict:
    """Train every arm on the same rows; look at the test rows once, at the end of each."""
    train, valid, test = load(seed, config)
    metrics, sizes = {}, {}
    for arm, changes in arms(name, config["hint_weights"][name]).items():
        started = time.perf_counter()
        fitted = estimator(name, seed, config, **changes).fit(*train)
        seconds = time.perf_counter() - started
        metrics[arm] = {"accuracy": 100 * fitted.score(*test), "valid": 100 * fitted.score(*valid), "seconds": seconds}
        if hasattr(fitted, "light_") and hasattr(fitted, "booster_"):
            metrics[arm]["booster"] = 100 * float(np.mean(fitted.booster_.predict(test[0]) == test[1]))
        sizes[arm] = fitted.n_parameters_
        print(f"  {arm}: {metrics[arm]['accuracy']:.2f} ({seconds:.1f} s)", flush=True)
    return {"metrics": metrics, "n_parameters": {"light": sizes["base"], "booster": sizes["booster"]}}


def table(reports: list[dict]) -> str:
    """Markdown for all settings."""
    columns = {"accuracy": "light net, test accuracy %", "booster": "its booster", "seconds": "seconds"}
    text = ""
    for name in dict.fromkeys(r["problem"] for r in reports):
        group = [r for r in reports if r["problem"] == name]
        n = group[0]["results"]["n_parameters"]
        text += f"### {name}\n\n{len(group)} seeds; {n['light']:,} parameters (light), {n['booster']:,} (booster); "
        weights = group[0]["config"]["hint_weights"][name]
        said = ", ".join(f"{weight:g} ({form.replace('_', ' ')})" for form, weight in weights.items())
        text += f"hint weights {said}.\n\n"
        text += arm_table(group, ARMS, columns, base="base") + "\nAgainst rocket:\n\n"
        text += arm_table(group, ARMS, {"accuracy": columns["accuracy"]}, base="rocket") + "\n"
    return text


def chosen(name: str, config: dict, args) -> dict:
    """The weights that the validation rows of the tuning seeds chose, kept beside the reports."""
    path = args.out / f"tuning.{name}.json"
    return {"hint_weights": {name: tuned(path, {**config, "grid": GRID}, lambda: search(name, config))}}


def main(argv=None) -> None:
    """Choose the weights on validation rows, run the grid, then write table and plot from all reports."""
    run(
        argv,
        __doc__,
        run_one,
        name="rocket",
        problems=NETS,
        known=NETS,
        seeds=range(10, 20),
        configs={"full": FULL, "quick": QUICK},
        choose=chosen,
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [
            draw_arms(by_problem(reports), ARMS, {"accuracy": "test accuracy, %"}, out, base="base")
        ],
    )


if __name__ == "__main__":
    main()
