"""Rocket Launching over shared embeddings: late flights, a table of ids like the paper's advertisements

Question: light net and booster share nothing but the embeddings of eight ids, as in the paper's experiment on
click-through rates. Is the light net better for having been trained beside the booster, and do the gradient block, the
sharing, the joint training and the form of the hint matter here? On images most of them do not
([rocket](../rocket/README.md)).

Setup: is a flight from New York in 2013 more than 15 minutes late, from day, weekday, hour, carrier, flight and tail
number, origin and destination? 80 / 10 / 10 % of 327,346 rows at random, with the same test rows for all seeds.
Embeddings of 8 for each id; the light net has hidden layers 32-16, as the student of
[the dual DNN](../dual_dnn/README.md), the booster 128-64 with batch norm and dropout 0.2. AdamW at 5e-3, a cosine
schedule, batches of 1,024; of 3 epochs the one with the lowest log loss on validation rows. Weight decay (of the light
net alone, of the booster alone, and of both together) and the weight of each form of the hint are chosen by the mean
AUC on the validation rows of two other seeds, with further values where the best is the first or the last
(`tuning.flights.json`); the weight for logits also serves the ablations. p is of paired t-tests over seeds, not
corrected for the number of arms.

The paper: its table of advertisements is Alibaba's own; this is another one, and the nets are ours.

Cost: about 20 minutes, the search included, on a core with other jobs beside.

Reference: Zhou, Fan, Cui, Bian, Zhu and Gai, Rocket Launching, AAAI 2018, arXiv:1708.04106.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from compress.distill import RocketClassifier
from data.flights import flights_late
from experiments._cells import markdown_table
from experiments._distillation import arm_table, best, climbed, draw_arms, paired_cells, remembered, tuned
from experiments._main import run
from experiments._protocol import spent
from experiments._runner import by_problem
from experiments.rocket import PARTS, without_parts

FULL = {"n_rows": None, "epochs": 3, "tuning_seeds": [1000, 1001]}
QUICK = {"n_rows": 4000, "epochs": 2, "tuning_seeds": [1000]}
GRID = {"decay": [0.1, 0.3, 1.0], "logits": [0.01, 0.03, 0.1], "probabilities": [0.3, 1.0, 3.0]}
GRID["soft_targets"] = [0.1, 0.3, 1.0]
FORMS = ("logits", "probabilities", "soft_targets")
ARMS = {
    **PARTS,
    "no_hint": "no hint",
    "probabilities": "hint: probabilities",
    "soft_targets": "hint: soft targets",
    "shared_by_booster": "embeddings trained by the booster only",
    "teacher": "rocket + KD from a trained booster",
    "booster": "booster alone",
}
PANELS = {"auc": "AUC of the served net", "log_loss": "log loss"}
STEPS = {
    "gradient block": ("rocket", "no_block"),
    "sharing": ("rocket", "no_share"),
    "joint training": ("rocket", "no_joint"),
    "hint": ("rocket", "no_hint"),
    "light net's gradients into the embeddings": ("rocket", "shared_by_booster"),
    "logits, not probabilities": ("rocket", "probabilities"),
    "logits, not soft targets": ("rocket", "soft_targets"),
}


@cache
def load(seed: int, n_rows: int | None):
    """The rows of a seed."""
    return flights_late(seed, n_rows=n_rows)


def fit(seed: int, config: dict, **changes) -> RocketClassifier:
    """One arm; the validation rows choose the epoch."""
    data = load(seed, config["n_rows"])
    rocket = RocketClassifier(
        (),
        (32, 16),
        (128, 64),
        max_one_hot=0,
        dropout=0.2,
        batch_size=1024,
        learning_rate=5e-3,
        max_epochs=config["epochs"],
        schema=data.schema,
        random_state=seed,
        device="cpu",
        **changes,
    )
    return rocket.fit(data.X_train, data.y_train, X_val=data.X_valid, y_val=data.y_valid)


def search(config: dict, notes: Path) -> dict:
    """Weight decay of each net and of both, then the weight of each form of the hint, by AUC on validation rows.

    What has been tried is kept at `notes` until the search has ended.
    """

    def of_seeds(**changes) -> float:
        scores = []
        for seed in config["tuning_seeds"]:
            data = load(seed, config["n_rows"])
            p = fit(seed, config, **changes).predict_proba(data.X_valid)[:, 1]
            scores.append(roc_auc_score(data.y_valid, p))
        return float(np.mean(scores))

    judge, tried = remembered(notes, {**config, "grid": GRID}, of_seeds), {}
    for side in ("light", "booster"):
        tried[side] = climbed(GRID["decay"], lambda d, side=side: judge(only=side, weight_decay=d))
    tried["rocket"] = climbed(GRID["decay"], lambda d: judge(hint_weight=GRID["logits"][1], weight_decay=d))
    chosen = {side: best(scores) for side, scores in tried.items()}
    for form in FORMS:
        tried[form] = climbed(
            GRID[form], lambda w, form=form: judge(hint=form, hint_weight=w, weight_decay=chosen["rocket"])
        )
        chosen[form] = best(tried[form])
    notes.unlink()
    return {"chosen": chosen, "valid_auc": tried}


def arms(chosen: dict) -> dict[str, dict]:
    """What each arm changes."""
    rocket = {"hint_weight": chosen["logits"], "weight_decay": chosen["rocket"]}
    return {
        "base": {"only": "light", "weight_decay": chosen["light"]},
        "booster": {"only": "booster", "weight_decay": chosen["booster"]},
        **without_parts(rocket),
        "no_hint": {**rocket, "hint_weight": 0.0},
        **{form: {**rocket, "hint": form, "hint_weight": chosen[form]} for form in FORMS[1:]},
        "shared_by_booster": {**rocket, "light_trains_shared": False},
        "teacher": {**rocket, "teacher": "booster", "teacher_weight": chosen["soft_targets"]},
    }


def run_one(name: str, seed: int, config: dict) -> dict:
    """Train every arm on the same rows; look at the test rows once, at the end of each."""
    data = load(seed, config["n_rows"])
    metrics, sizes = {}, {}
    for arm, changes in arms(config["chosen"]).items():
        fitted, seconds = spent(partial(fit, seed, config, **changes))
        p = fitted.predict_proba(data.X_test)[:, 1]
        metrics[arm] = {"auc": float(roc_auc_score(data.y_test, p)), "log_loss": float(log_loss(data.y_test, p))}
        if hasattr(fitted, "light_") and hasattr(fitted, "booster_"):
            p = fitted.booster_.predict_proba(data.X_test)[:, 1]
            metrics[arm]["booster"] = float(roc_auc_score(data.y_test, p))
        metrics[arm]["seconds"] = seconds
        sizes[arm] = fitted.n_parameters_
        print(f"  {arm}: {', '.join(f'{k} {v:.4f}' for k, v in metrics[arm].items())}", flush=True)
    return {"metrics": metrics, "n_parameters": {"light": sizes["base"], "booster": sizes["booster"]}}


def table(reports: list[dict]) -> str:
    """Markdown."""
    columns = {"auc": "AUC", "log_loss": "log loss", "booster": "its booster's AUC", "seconds": "CPU seconds"}
    n, chosen = reports[0]["results"]["n_parameters"], reports[0]["config"]["chosen"]
    text = f"### flights\n\n{len(reports)} seeds; {n['light']:,} parameters (light), {n['booster']:,} (booster); "
    text += f"weight decay {chosen['light']:g} (light), {chosen['booster']:g} (booster), {chosen['rocket']:g} (both); "
    text += "hint weights "
    text += ", ".join(f"{chosen[form]:g} ({form.replace('_', ' ')})" for form in FORMS) + ".\n\n"
    text += arm_table(reports, ARMS, columns, base="base", digits=4) + "\nWhat each part adds to the rocket:\n\n"
    rows = [[label, *paired_cells(reports, arm, base, "auc")] for label, (arm, base) in STEPS.items()]
    return text + markdown_table(["part", "AUC", "seeds won", "p"], rows) + "\n"


def chosen(name: str, config: dict, args) -> dict:
    """What the validation rows of the tuning seeds chose, kept beside the reports."""
    path = args.out / f"tuning.{name}.json"
    return {"chosen": tuned(path, {**config, "grid": GRID}, lambda: search(config, args.out / f"trying.{name}.json"))}


def main(argv=None) -> None:
    """Choose the weights on validation rows, run the grid, then write table and plot from all reports."""
    run(
        argv,
        __doc__,
        run_one,
        name="rocket_flights",
        problems=["flights"],
        known=["flights"],
        seeds=range(10),
        configs={"full": FULL, "quick": QUICK},
        choose=chosen,
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [draw_arms(by_problem(reports), ARMS, PANELS, out, base="base")],
    )


if __name__ == "__main__":
    main()
