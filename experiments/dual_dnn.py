"""The dual DNN: does a student that shares embeddings with an interaction teacher learn more than alone?

Question: a perceptron over embeddings is trained in one stage beside a twin that also sees how fields meet (inner
products or bilinear products of all pairs). What do logit hints, hidden hints and the gradients of the shared
embeddings do for it, and what does it save to leave the teacher out when the model is used?

Setup: `synthetic` has planted factorization-machine interactions (6 fields of 40 categories; 60,000 training, 10,000
validation and 20,000 test rows; the best possible AUC is known), hidden layers 32-16, batches of 512, all 8 epochs.
`movielens` is rating >= 4 on MovieLens-100K with user and film features and genres as a bag, hidden layers 16-8,
batches of 1,024; of 5 epochs the one with the lowest log loss on validation rows. `flights` is whether a flight from
New York in 2013 arrives more than 15 minutes late, from day, weekday, hour, carrier, flight and tail number, origin
and destination (327,346 rows), hidden layers 32-16, batches of 1,024, the best of 3 epochs. Both are split 80 / 10 /
10 % at random, with the same test rows for all seeds; `flights.chronological` is cut by time, so that no day of the
test was there in training. Embeddings of 8, AdamW at 5e-3, a cosine schedule. The teacher's layer, the weights of the
hints and the weight decay of each control are chosen by the mean AUC on the validation rows of two other seeds
(`tuning.*.json`), with up to two further values where the best is the first or the last. A student beside a teacher has
the parameters of the student alone, so that the two cost the same when they serve. p is of paired t-tests over seeds,
not corrected for the number of arms. Starts (`experiments.dual_dnn_starts`): 20 teachers on a part of the rows; one has
collapsed if the standard deviation of its probabilities is below 0.01.

The paper: for their own data iQIYI report a third of the parameters, five times the speed, and quality near the
teacher's.

Cost: about 12 minutes per setting, its search included, on a core of its own.

Reference: the dual-DNN ranking model of iQIYI, InfoQ, February 2020.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import log_loss, roc_auc_score

from compress.distill import DualDNNClassifier
from compress.evaluation import latency
from compress.recommend import gauc
from data.flights import flights_late
from data.movielens_splits import movielens_clicks
from data.synthetic_ctr import make_ctr
from experiments._cells import markdown_table
from experiments._distillation import arm_table, best, climbed, draw_arms, paired_cells, remembered, tuned
from experiments._main import run
from experiments._protocol import spent
from experiments._runner import by_problem
from experiments._stored import RESULTS, summary

FULL = {
    "synthetic": [60_000, 10_000, 20_000],
    "movielens": None,
    "flights": None,
    "epochs": {"synthetic": 8, "movielens": 5, "flights": 3},
    "tuning_seeds": [1000, 1001],
    "timed": 10_000,
}
QUICK = {
    "synthetic": [4000, 1000, 1000],
    "movielens": 4000,
    "flights": 4000,
    "epochs": {"synthetic": 2, "movielens": 2, "flights": 2},
    "tuning_seeds": [1000],
    "timed": 1000,
}
SETTINGS = ("synthetic", "movielens", "flights", "flights.chronological")
GRID = {"interaction": ["fm", "bilinear"], "decay": [1e-4, 1e-1, 5e-1], "logit": [0.1, 1.0], "hidden": [0.3, 1.0]}
NETS = {
    "synthetic": {"hidden_layer_sizes": (32, 16), "batch_size": 512, "learning_rate": 5e-3},
    "movielens": {"hidden_layer_sizes": (16, 8), "batch_size": 1024, "learning_rate": 5e-3},
    "flights": {"hidden_layer_sizes": (32, 16), "batch_size": 1024, "learning_rate": 5e-3},
}
ARMS = {
    "student": "student alone",
    "teacher": "teacher alone",
    "logit": "dual, logit hint",
    "hidden": "dual, hidden hints",
    "both": "dual, logit and hidden hints",
    "no_hint": "dual, no hints",
    "open": "dual, logit hint, student trains embeddings",
    "open_no_hint": "dual, no hints, student trains embeddings",
}
PANELS = {"auc": "AUC of the served net", "log_loss": "log loss"}


def load(name: str, seed: int, config: dict) -> dict:
    """Training, validation and test rows, and the settings that fit them."""
    name, _, split = name.partition(".")
    if name == "synthetic":
        n = config["synthetic"]
        data = make_ctr(sum(n), strength=1.25, seed=seed)
        cut = np.cumsum(n)[:2]
        rows = np.split(np.arange(sum(n)), cut)
        parts = {part: (data.X.iloc[r], data.y[r]) for part, r in zip(("train", "valid", "test"), rows)}
        return {
            **parts,
            "settings": {**NETS[name], "max_epochs": config["epochs"][name], "schema": data.schema},
            "bayes_auc": data.bayes_auc,
        }
    problem = movielens_clicks if name == "movielens" else flights_late
    data = problem(seed, split=split or "random", n_rows=config[name])
    return {
        "train": (data.X_train, data.y_train),
        "valid": (data.X_valid, data.y_valid),
        "test": (data.X_test, data.y_test),
        "settings": {
            **NETS[name],
            "max_epochs": config["epochs"][name],
            "schema": data.schema,
            "multi_valued": data.multi_valued,
        },
    }


def fit(data: dict, seed: int, config: dict, **changes) -> DualDNNClassifier:
    """One arm; where data are real, the validation rows choose the epoch."""
    settings = {**data["settings"], **changes}
    dual = DualDNNClassifier(random_state=seed, device="cpu", **settings)
    held_out = {} if "bayes_auc" in data else dict(zip(("X_val", "y_val"), data["valid"]))
    return dual.fit(*data["train"], **held_out)


def auc(model, rows) -> float:
    """AUC on rows (X, y)."""
    return float(roc_auc_score(rows[1], model.predict_proba(rows[0])[:, 1]))


def search(name: str, config: dict, notes: Path) -> dict:
    """Weights of the hints and weight decay of each side with the best AUC on validation rows.

    What has been tried is kept at `notes` until the search has ended.
    """
    tables = {seed: load(name, seed, config) for seed in config["tuning_seeds"]}

    def of_seeds(**settings) -> float:
        return float(np.mean([auc(fit(data, s, config, **settings), data["valid"]) for s, data in tables.items()]))

    judge = remembered(notes, {**config, "grid": GRID}, of_seeds)

    tried = {
        f"{side}_decay": climbed(GRID["decay"], lambda d, side=side: judge(only=side, weight_decay=d))
        for side in ("student", "teacher")
    }
    teacher = {"weight_decay": best(tried["teacher_decay"])}  # the embeddings are the teacher's
    tried["interaction"] = {i: judge(only="teacher", interaction=i, **teacher) for i in GRID["interaction"]}
    teacher["interaction"] = best(tried["interaction"])
    tried["logit"] = climbed(GRID["logit"], lambda w: judge(logit_hint_weight=w, **teacher))
    hints = {**teacher, "logit_hint_weight": best(tried["logit"])}
    tried["hidden"] = climbed(GRID["hidden"], lambda w: judge(hidden_hint_weight=w, **hints))
    notes.unlink()
    return {"chosen": {label: best(scores) for label, scores in tried.items()}, "valid_auc": tried}


def arms(chosen: dict) -> dict[str, dict]:
    """What each arm changes."""
    teacher = {"weight_decay": chosen["teacher_decay"], "interaction": chosen["interaction"]}
    dual = {**teacher, "logit_hint_weight": chosen["logit"]}
    no_hint = {**dual, "logit_hint_weight": 0.0}
    return {
        "student": {"only": "student", "weight_decay": chosen["student_decay"]},
        "teacher": {**teacher, "only": "teacher"},
        "logit": dual,
        "hidden": {**no_hint, "hidden_hint_weight": chosen["hidden"]},
        "both": {**dual, "hidden_hint_weight": chosen["hidden"]},
        "no_hint": no_hint,
        "open": {**dual, "student_trains_embedding": True},
        "open_no_hint": {**no_hint, "student_trains_embedding": True},
    }


def run_one(name: str, seed: int, config: dict) -> dict:
    """Train every arm on the same rows, judge all on the test rows."""
    data = load(name, seed, config)
    X, y = data["test"]
    metrics, kept = {}, {}
    for arm, changes in arms(config["chosen"][name]).items():
        fitted, seconds = spent(partial(fit, data, seed, config, **changes))
        p = fitted.predict_proba(X)[:, 1]
        metrics[arm] = {"auc": float(roc_auc_score(y, p)), "log_loss": float(log_loss(y, p)), "seconds": seconds}
        if "user_id" in X.columns:
            metrics[arm]["gauc"] = gauc(y, p, X["user_id"])
        if hasattr(fitted, "teacher_") and hasattr(fitted, "student_"):
            metrics[arm]["teacher_auc"] = auc(fitted.teacher_, data["test"])
        if arm in ("student", "logit"):
            kept[arm] = fitted
        print(f"  {arm}: {', '.join(f'{k} {v:.4f}' for k, v in metrics[arm].items())}", flush=True)
    return {"metrics": metrics, "bayes_auc": data.get("bayes_auc"), **costs(kept, X, config["timed"])}


def costs(kept: dict, X, n_rows: int) -> dict:
    """Parameters with and without embeddings, bytes, and seconds for `n_rows` encoded rows.

    All nets are timed as torch modules, in turn; students that can be exported (without multi-valued columns) also
    as native code, by the compiled predictor.
    """
    encoded = kept["logit"].encoder_.encode(X).take(np.arange(n_rows) % len(X))
    rows = tuple(torch.from_numpy(block) for block in encoded.blocks)
    nets = {"alone": kept["student"].student_, "student": kept["logit"].student_, "teacher": kept["logit"].teacher_}
    result = {"n_parameters": {}, "n_without_embeddings": {}, "bytes": {}, "seconds_timed_rows": {}}
    for side, model in nets.items():
        module = model.module_
        result["n_parameters"][side] = model.n_parameters_
        result["n_without_embeddings"][side] = model.n_parameters_ - sum(p.numel() for p in module.fields.parameters())
        result["bytes"][side] = len(model.to_bytes())
        with torch.no_grad():
            pace = latency(lambda _, module=module: module(*rows), np.arange(n_rows), repeats=15, cpu=True)
        result["seconds_timed_rows"][side] = pace.median
    if not encoded.bags:
        result["seconds_compiled"] = {}
        for side, arm in (("alone", "student"), ("student", "logit")):
            native = kept[arm].to_student().predictor(compiled=True)
            table = kept[arm].encoder_.encode(X).take(np.arange(n_rows) % len(X)).table
            pace = latency(
                lambda _, native=native, table=table: native.from_encoded(*table),
                np.arange(n_rows),
                repeats=15,
                cpu=True,
            )
            result["seconds_compiled"][side] = pace.median
    return result


def table(reports: list[dict]) -> str:
    """Markdown for all settings."""
    text = ""
    for name in dict.fromkeys(r["problem"] for r in reports):
        group = [r for r in reports if r["problem"] == name]
        columns = {"auc": "AUC", "log_loss": "log loss", "gauc": "GAUC", "teacher_auc": "its teacher's AUC"}
        if name != "movielens":
            del columns["gauc"]
        text += f"### {name}\n\n{len(group)} seeds"
        if group[0]["results"]["bayes_auc"]:
            text += f"; best possible AUC {np.mean([r['results']['bayes_auc'] for r in group]):.3f}"
        text += f"; chosen on validation rows: {said(group[0]['config']['chosen'][name])}.\n\n"
        text += arm_table(group, ARMS, {**columns, "seconds": "CPU seconds"}, base="student", digits=4) + "\n"
        text += "\n" + what_helps(group) + served(group) + started(name)
    return text


def started(name: str) -> str:
    """How many teachers collapse, from `starts.json`."""
    if not (RESULTS / "dual_dnn" / "starts.json").is_file():
        return ""
    rows = [
        [f"teacher {sizes}", f"{found['collapsed']} of {found['of']}", f"{found['lowest_auc']:.4f}"]
        for sizes, found in summary("dual_dnn/starts")["starts"].get(name, {}).items()
    ]
    if not rows:
        return ""
    return markdown_table(["hidden layers", "collapsed", "lowest AUC, validation rows"], rows) + "\n"


def what_helps(group: list[dict]) -> str:
    """How much of the gain is of the shared embeddings, and how much each kind of hint adds."""
    steps = {
        "shared embeddings, no hints": ("no_hint", "student"),
        "logit hint beside them": ("logit", "no_hint"),
        "hidden hints beside them": ("hidden", "no_hint"),
        "both hints beside them": ("both", "no_hint"),
        "student's gradients into the embeddings": ("open", "logit"),
    }
    rows = [[label, ARMS[base], *paired_cells(group, arm, base, "auc")] for label, (arm, base) in steps.items()]
    return markdown_table(["what is added", "to", "AUC", "seeds won", "p"], rows, texts=2) + "\n"


def served(group: list[dict]) -> str:
    """What the nets cost when they serve."""
    cost, n = group[0]["results"], group[0]["config"]["timed"]

    def micros(key):
        return {s: 1e6 / n * np.median([r["results"][key][s] for r in group]) for s in cost[key]}

    pace, layer = micros("seconds_timed_rows"), group[0]["config"]["chosen"][group[0]["problem"]]["interaction"]
    native = micros("seconds_compiled") if "seconds_compiled" in cost else {}
    names = {"teacher": f"teacher ({layer})", "student": "student of the dual DNN", "alone": "student alone"}
    rows = [
        [
            label,
            f"{cost['n_parameters'][s]:,}",
            f"{cost['n_without_embeddings'][s]:,}",
            f"{pace[s]:.2f}",
            f"{pace['teacher'] / pace[s]:.1f}",
            f"{native[s]:.2f}" if s in native else "",
        ]
        for s, label in names.items()
    ]
    head = ["served net", "parameters", "without embeddings", "us a row", "times as fast", "us a row, compiled"]
    return markdown_table(head, rows) + "\n"


def said(chosen: dict) -> str:
    """What was chosen, in words."""
    return (
        f"weight decay {chosen['student_decay']:g} (student) and {chosen['teacher_decay']:g} (teacher), layer "
        f"{chosen['interaction']}, weights of the hints {chosen['logit']:g} (logit) and {chosen['hidden']:g} (hidden)"
    )


def chosen(name: str, config: dict, args) -> dict:
    """What the validation rows of the tuning seeds chose, kept beside the reports."""
    path = args.out / f"tuning.{name}.json"
    notes = args.out / f"trying.{name}.json"
    found = tuned(path, {**config, "grid": GRID}, lambda: search(name, config, notes))
    return {"chosen": {name: found}}


def main(argv=None) -> None:
    """Choose the weights on validation rows, run the grid, then write table and plot from all reports."""
    run(
        argv,
        __doc__,
        run_one,
        name="dual_dnn",
        problems=SETTINGS,
        known=SETTINGS,
        seeds=range(10),
        configs={"full": FULL, "quick": QUICK},
        choose=chosen,
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [draw_arms(by_problem(reports), ARMS, PANELS, out, base="student")],
    )


if __name__ == "__main__":
    main()
