"""Do teachers of the dual DNN collapse from some starts? 20 seeds on a part of each table of `experiments.dual_dnn`.

A net has collapsed if its probabilities on the validation rows have a standard deviation below 0.01: they are the same
for each row. The hidden layers are the default ones. Weight decay and layer are those that were chosen for the teacher.
The counts go to `experiments/results/dual_dnn/starts.json`, and from there into the table. About a minute on a core.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from experiments._runner import machine, versions, write_json
from experiments._stored import RESULTS, summary
from experiments.dual_dnn import FULL, SETTINGS, fit, load

SEEDS = 20
SIZES = ((64, 32),)
DATA_SEED = 1000  # none of the table's
ROWS = {"synthetic": [16_000, 2000, 2000], "movielens": 20_000, "flights": 20_000}


def starts(name: str) -> dict:
    """Collapsed nets and the lowest AUC on validation rows, by hidden layers."""
    config, chosen = {**FULL, **ROWS}, summary(f"dual_dnn/tuning.{name}")["chosen"]
    data, result = load(name, DATA_SEED, config), {}
    X, y = data["valid"]
    teacher = {"only": "teacher", "weight_decay": chosen["teacher_decay"], "interaction": chosen["interaction"]}
    for sizes in SIZES:
        found = [
            fit(data, seed, config, **teacher, hidden_layer_sizes=sizes).predict_proba(X)[:, 1] for seed in range(SEEDS)
        ]
        result["-".join(map(str, sizes))] = {
            "collapsed": sum(bool(p.std() < 0.01) for p in found),
            "of": SEEDS,
            "lowest_auc": min(float(roc_auc_score(y, p)) for p in found),
            "mean_auc": float(np.mean([roc_auc_score(y, p) for p in found])),
        }
        print(name, sizes, result, flush=True)
    return result


def main() -> None:
    """Count, and store."""
    torch.set_num_threads(1)
    found = {"starts": {name: starts(name) for name in SETTINGS}, "rows": ROWS}
    write_json(RESULTS / "dual_dnn" / "starts.json", {**found, "versions": versions(), "machine": machine()})


if __name__ == "__main__":
    main()
