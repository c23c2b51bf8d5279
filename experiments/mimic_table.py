"""Tables of `experiments.mimic`, from its reports alone."""

from __future__ import annotations

import numpy as np
from scipy import stats

from experiments._distillation import arm_table
from experiments._runner import spread

__all__ = ["ARMS", "markdown"]

ARMS = {
    "deep": "deep net, labels",
    "shallow": "shallow net, labels",
    "mimic_deep_few": "shallow mimic of the deep net, labelled rows",
    "mimic_deep": "shallow mimic of the deep net, all rows",
    "mimic_conv_few": "shallow mimic of the conv net, labelled rows",
    "mimic_conv": "shallow mimic of the conv net, all rows",
    "mimic_ensemble": "shallow mimic of three conv nets, all rows",
    "mimic_plain": "as mimic of the conv net, logits not standardised",
    "deep_mimic": "deep mimic of the conv net, all rows",
    "conv": "teacher: conv net",
    "ensemble": "teacher: three conv nets",
}
WAYS = {"sgd": "SGD", "gd_epochs": "GD, equal epochs", "gd_updates": "GD, equal updates"}


def markdown(reports: list[dict]) -> str:
    """Markdown: the arms, then the comparison of optimisers and its two gaps."""
    first = reports[0]["results"]
    n, match = first["n_parameters"], first["match"]
    text = f"{len(reports)} seeds; parameters: deep {n['deep']:,}, shallow {n['shallow']:,} ({match['width']} units, "
    text += f"{100 * match['residual']:+.2f} %), conv net {n['conv']:,}\n\n"
    column = {"accuracy": "test accuracy %"}
    text += arm_table(reports, ARMS, column, base="deep") + "\nAgainst the mimic of the conv net on all rows:\n\n"
    return text + arm_table(reports, ARMS, column, base="mimic_conv") + "\n" + _optimisers(reports)


def _optimisers(reports) -> str:
    gd = reports[0]["config"]["gd"]
    text = f"### GD against SGD, the shallow net on {gd['rows']} rows\n\n"
    text += (
        "| target | optimiser | test accuracy % | train accuracy % | last loss | noise | learning rates | seconds |\n"
    )
    text += "|---|---|--:|--:|--:|--:|---|--:|\n"
    for target in ("labels", "logits"):
        for way, label in WAYS.items():
            rows = [report["results"]["optimisers"][f"{target}.{way}"] for report in reports]
            rates = ", ".join(f"{row['learning_rate']:g}" for row in rows)
            cells = [spread([row[key] for row in rows], digits) for key, digits in COLUMNS]
            text += f"| {target} | {label} | {' | '.join(cells)} | {rates} | "
            text += f"{np.mean([row['seconds'] for row in rows]):.1f} |\n"
    text += (
        "\nPaired differences over seeds, test accuracy, points:\n\n| difference | mean ± sd | seeds above 0 | p |\n"
    )
    text += "|---|--:|--:|--:|\n"
    gaps = {
        "logits - labels, both SGD": ("logits.sgd", "labels.sgd"),
        "logits - labels, both GD with equal updates": ("logits.gd_updates", "labels.gd_updates"),
        "GD with equal updates - SGD, labels": ("labels.gd_updates", "labels.sgd"),
        "GD with equal epochs - SGD, labels": ("labels.gd_epochs", "labels.sgd"),
        "GD with equal updates - SGD, logits": ("logits.gd_updates", "logits.sgd"),
        "GD with equal epochs - SGD, logits": ("logits.gd_epochs", "logits.sgd"),
    }
    for label, (a, b) in gaps.items():
        cells = [report["results"]["optimisers"] for report in reports]
        difference = np.array([c[a]["accuracy"] - c[b]["accuracy"] for c in cells])
        p = stats.ttest_1samp(difference, 0.0).pvalue if len(difference) > 1 and np.ptp(difference) > 0 else np.nan
        text += f"| {label} | {spread(difference)} | {int((difference > 0).sum())} of {len(difference)} | {p:.2g} |\n"
    return text


COLUMNS = (("accuracy", 2), ("train", 1), ("loss", 3), ("noise", 2))
