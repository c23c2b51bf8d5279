"""FitNets on MNIST digits: do hints help a deep, thin student that plain training finds hard?

Question: a student of 12 convolutions with 6 channels, without normalisation or shortcuts (6,640 parameters), learns
from 2,000 labelled images. How does it fare with labels only, with soft targets (KD), with hints first and KD then
(FitNets, two stages), and with hint, labels and KD in one sum (what many libraries call FitNets), all with the same
number of epochs?

Setup: 2,000 training and 1,000 validation images from MNIST's training images per seed, jittered by up to 2 pixels at
each step (the teacher answers for the jittered image), and its 10,000 test images. The teacher has 2 convolutions (16,
32), a dense layer of 64, and dropout. The guided layer is the student's 8th, the hint layer the teacher's 2nd
convolution, the regressor 1 x 1. Temperature 3, 24 epochs, of which 8 with hints. The validation rows of another seed
choose the learning rate of labels only and of KD, and whether lambda decays from 4 to 1 with the factor T**2 or
without, as in the paper; both FitNets take over what KD chose. A seed has failed where the accuracy is below 50 %: such
a student has not begun to learn, which makes means and t-tests of its arm meaningless.

The paper: on MNIST with 60,000 labels the test error is 1.9 % with labels only, 0.65 % with KD, 0.51 % with hints.
Later benchmarks with normalised nets find the one-stage form no better than KD.

Cost: about 20 minutes for five seeds on a core with other jobs beside.

Reference: Romero, Ballas, Kahou, Chassang, Gatta and Bengio, FitNets: Hints for Thin Deep Nets, ICLR 2015,
arXiv:1412.6550.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import product

import numpy as np
import torch
from joblib import Parallel, delayed

from compress.distill import DistilledClassifier, FitNetClassifier
from compress.nets import ConvNet
from compress.students import NetClassifier
from compress.training import RandomShift, Schedule
from experiments._digits import Digits, load_digits, run_seeds
from experiments._distillation import arm_table, draw_arms, tuned, values
from experiments._main import run

ROWS = {"n_labelled": 2000, "n_unlabeled": 0, "n_valid": 1000, "n_test": 10_000}
FULL = {
    "rows": ROWS,
    "teacher_epochs": 20,
    "epochs": 24,
    "hint_epochs": 8,
    "tuning_seed": 1000,
    "learning_rates": [1e-3, 3e-3],
}
QUICK = {
    "rows": {"n_labelled": 300, "n_unlabeled": 0, "n_valid": 200, "n_test": 500},
    "teacher_epochs": 4,
    "epochs": 3,
    "hint_epochs": 1,
    "tuning_seed": 1000,
    "learning_rates": [3e-3],
}
TEMPERATURE = 3.0
LAMBDAS = {"with T**2": Schedule(4.0, 1.0), "without T**2": Schedule(4 / TEMPERATURE**2, 1 / TEMPERATURE**2)}
ARMS = {
    "labels": "student, labels only",
    "kd": "student, KD",
    "fitnet": "student, hints then KD (FitNets)",
    "single": "student, hint + KD in one stage",
    "teacher": "teacher",
}


def teacher_net(digits: Digits, seed: int, config: dict) -> NetClassifier:
    """The trained teacher."""
    make = partial(ConvNet, channels=(16, 32), hidden_layer_sizes=(64,), dropout=0.4)
    return NetClassifier(make, max_epochs=config["teacher_epochs"], learning_rate=2e-3, **common(seed)).fit(
        digits.X, digits.y
    )


def thin_net(seed: int, epochs: int, learning_rate: float) -> NetClassifier:
    """The student: 12 convolutions of 6 channels, 7 x 7 maps from the fourth on."""
    make = partial(ConvNet, channels=(6,) * 12, pool_after=(1, 3))
    return NetClassifier(make, max_epochs=epochs, learning_rate=learning_rate, **common(seed))


def common(seed: int) -> dict:
    """What all nets share."""
    return {"augment": RandomShift(2), "predict_dtype": "float32", "device": "cpu", "random_state": seed}


def student(arm: str, teacher: NetClassifier, seed: int, config: dict, chosen: dict):
    """The estimator of an arm; every one sees the rows `config["epochs"]` times."""
    epochs, hints = config["epochs"], config["hint_epochs"]
    if arm == "labels":
        return thin_net(seed, epochs, chosen["labels"]["learning_rate"])
    rate = chosen["kd"]["learning_rate"]
    settings = {"temperature": TEMPERATURE, "soft_lambda": LAMBDAS[chosen["kd"]["lambda"]], "random_state": seed}
    if arm == "kd":
        return DistilledClassifier(teacher, thin_net(seed, epochs, rate), **settings)
    settings |= {"hint_layer": "layers.1", "guided_layer": "layers.7"}
    if arm == "single":
        return FitNetClassifier(teacher, thin_net(seed, epochs, rate), stages="single", **settings)
    return FitNetClassifier(teacher, thin_net(seed, epochs - hints, rate), hint_epochs=hints, **settings)


def search(config: dict, n_jobs: int) -> dict:
    """Learning rates and lambda's unit by accuracy on the validation rows of a seed of its own."""
    seed = config["tuning_seed"]
    digits = load_digits(seed, **config["rows"])
    teacher = teacher_net(digits, seed, config)
    tried = [("labels", {"learning_rate": rate}) for rate in config["learning_rates"]]
    tried += [("kd", {"learning_rate": r, "lambda": name}) for r, name in product(config["learning_rates"], LAMBDAS)]

    def score(arm: str, setting: dict) -> dict:
        torch.set_num_threads(1)
        model = student(arm, teacher, seed, config, {arm: setting}).fit(digits.X, digits.y)
        found = {**setting, "valid": 100 * model.score(digits.X_valid, digits.y_valid)}
        print(f"  tuning {arm} {found}", flush=True)
        return found

    scored = Parallel(n_jobs=n_jobs)(delayed(score)(arm, setting) for arm, setting in tried)
    by_arm = {name: [row for (arm, _), row in zip(tried, scored) if arm == name] for name in ("labels", "kd")}
    return {"chosen": {arm: max(rows, key=lambda row: row["valid"]) for arm, rows in by_arm.items()}, "tried": by_arm}


def run_one(name: str, seed: int, config: dict) -> dict:
    """Teacher and all arms on the rows of one seed; each is tested once."""
    digits = load_digits(seed, **config["rows"])
    started = time.perf_counter()
    teacher = teacher_net(digits, seed, config)
    metrics = {"teacher": measured(teacher, digits, time.perf_counter() - started)}
    n_parameters = {"teacher": teacher.n_parameters_}
    for arm in ("labels", "kd", "fitnet", "single"):
        started = time.perf_counter()
        model = student(arm, teacher, seed, config, config["chosen"]).fit(digits.X, digits.y)
        metrics[arm] = measured(model, digits, time.perf_counter() - started)
        n_parameters["student"] = model.n_parameters_
        print(f"  {arm}: {metrics[arm]['accuracy']:.2f} ({metrics[arm]['seconds']:.0f} s)", flush=True)
        if arm == "fitnet":
            hints = [model.hint_history_[0]["loss"], model.hint_history_[-1]["loss"]]
    return {"metrics": metrics, "n_parameters": n_parameters, "hint_loss_first_and_last": hints}


def measured(model, digits: Digits, seconds: float) -> dict:
    """Accuracies in per cent."""
    test, valid = model.score(digits.X_test, digits.y_test), model.score(digits.X_valid, digits.y_valid)
    return {"accuracy": 100 * test, "valid": 100 * valid, "seconds": seconds}


def table(reports: list[dict]) -> str:
    """Markdown: the arms, each seed, and how often training failed."""
    n = reports[0]["results"]["n_parameters"]
    columns = {"accuracy": "test accuracy %", "seconds": "seconds"}
    text = f"{len(reports)} seeds; {n['teacher']:,} parameters (teacher), {n['student']:,} (student); chosen on "
    text += f"validation rows: {said(reports[0]['config']['chosen'])}.\n\n"
    text += arm_table(reports, ARMS, columns, base="kd") + "\nAgainst labels only:\n\n"
    text += arm_table(reports, ARMS, {"accuracy": columns["accuracy"]}, base="labels") + "\nEach seed:\n\n"
    text += f"| arm | {' | '.join(str(r['seed']) for r in reports)} | failed |\n|---|{'--:|' * (len(reports) + 1)}\n"
    for arm, label in ARMS.items():
        numbers = values(reports, arm, "accuracy")
        text += f"| {label} | {' | '.join(f'{v:.2f}' for v in numbers)} | {int(np.sum(numbers < 50))} |\n"
    return text


def said(chosen: dict) -> str:
    """What was chosen, in words."""
    rates = {arm: f"a learning rate of {found['learning_rate']:g}" for arm, found in chosen.items()}
    return f"{rates['labels']} for labels only; {rates['kd']} and a lambda {chosen['kd']['lambda']} for KD"


def chosen(name: str, config: dict, args) -> dict:
    """What the validation rows of the tuning seed chose, kept beside the reports."""
    return {"chosen": tuned(args.out / "tuning.json", config, lambda: search(config, args.n_jobs))}


def main(argv=None) -> None:
    """Choose on validation rows, run the seeds, then write table and plot from all reports."""
    run(
        argv,
        __doc__,
        run_one,
        name="fitnets",
        problems=["mnist"],
        known=["mnist"],
        seeds=range(5),
        configs={"full": FULL, "quick": QUICK},
        choose=chosen,
        grid=run_seeds,
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [
            draw_arms({"mnist": reports}, ARMS, {"accuracy": "test accuracy, %"}, out, base="kd")
        ],
    )


if __name__ == "__main__":
    main()
