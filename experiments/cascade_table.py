"""The tables of the cascade, from its reports."""

from __future__ import annotations

import numpy as np

from experiments._cells import markdown_table
from experiments._distillation import arm_table, paired_cells
from experiments._runner import by_problem
from experiments.cascade_choices import WIDE

__all__ = ["ARMS", "PANELS", "table"]

ARMS = {
    "labels": "labels alone",
    "logits": "scores, squared error",
    "point": "point-wise",
    "point_alpha": "point-wise, weighted",
    "wide": f"point-wise, K {WIDE}",
    "wide_alpha": f"point-wise, K {WIDE}, weighted",
    "free": "point-wise, no labels",
    "free_alpha": "point-wise, no labels, weighted",
    "pair": "pair-wise",
    "list": "list-wise",
    "recall": "list-wise, recall only",
    "preranking": "list-wise, pre-ranking only",
    "ranker": "ranker over all films",
}
PANELS = {"ndcg": "NDCG@10", "to_recall": "to recall", "to_preranking": "to pre-ranking"}
STEPS = {
    "position weights": ("point_alpha", "point"),
    f"position weights, K {WIDE}": ("wide_alpha", "wide"),
    "position weights, no labels": ("free_alpha", "free"),
    "pairs, not points": ("pair", "point"),
    "a list, not points": ("list", "point"),
    "its order, not its scores": ("list", "logits"),
    "teaching pre-ranking too": ("list", "recall"),
    "teaching recall too": ("list", "preranking"),
}
STAGES = {"recall": "recall", "preranking": "pre-ranking"}


def table(reports: list[dict]) -> str:
    """Markdown for all splits."""
    columns = {"ndcg": "NDCG@10", "recall": "recall@10", **{k: v for k, v in PANELS.items() if k != "ndcg"}}
    text = ""
    for name, group in by_problem(reports).items():
        chosen = group[0]["config"]["chosen"][name]
        text += f"### {name}\n\n{len(group)} seeds; ridge of the ranker {chosen['ridge']:g}.\n\n"
        text += arm_table(group, ARMS, {**columns, "agreed": "agreed"}, base="labels", digits=3)
        text += "\nThe same by the share of the ranker's own top 10 that pre-ranking keeps, and by step:\n\n"
        text += arm_table(group, ARMS, {"to_preranking": "to pre-ranking"}, base="labels", digits=3)
        text += "\n" + _steps(group) + "\n" + _pointwise(chosen) + "\n" + _settings(chosen) + "\n" + _requests(group)
    return text


def _steps(group: list[dict]) -> str:
    """Pairs of arms that differ in one thing, by the final list and by what reaches the ranker."""
    rows = []
    for label, (arm, base) in STEPS.items():
        cells = [label, ARMS[base]]
        for metric in ("ndcg", "to_preranking"):
            cells += paired_cells(group, arm, base, metric)
        rows.append(cells)
    return markdown_table(["step", "from", "NDCG@10", "won", "p", "to pre-ranking", "won", "p"], rows, texts=2)


def _pointwise(chosen: dict) -> str:
    """NDCG@10 on validation rows for each K and alpha."""
    rows, alphas = [], None
    for stage, label in STAGES.items():
        for k, scores in chosen[stage]["tried"].items():
            alphas = list(scores)
            rows.append([label, k, *(f"{value:.4f}" for value in scores.values())])
    head = ["point-wise, validation rows", "K", *(f"alpha {float(alpha):g}" for alpha in alphas)]
    return markdown_table(head, rows)


def _settings(chosen: dict) -> str:
    """What was chosen on the validation rows."""
    rows = []
    for stage, label in STAGES.items():
        for arm, settings in chosen[stage].items():
            if arm == "tried":
                continue
            if arm == "labels":
                rows.append([label, ARMS[arm], f"decay {settings['weight_decay']:g}", "", "", ""])
                continue
            alpha = f"{settings['alpha']:g}" if "alpha" in settings else ""
            k = "" if arm == "logits" else str(settings["k"])
            rows.append([label, ARMS[arm], f"{settings['distill_weight']:g}", k, str(settings["n_sampled"]), alpha])
    return markdown_table(["stage", "chosen for", "weight", "K", "negatives", "alpha"], rows, texts=2)


def _requests(group: list[dict]) -> str:
    """Time and size of each stage for one request."""
    config, sizes = group[0]["config"], group[0]["results"]["n_parameters"]
    n_items = group[0]["results"]["n_items"]
    stages = {
        "recall": ("recall", n_items, config["recall"], "recall"),
        "preranking": ("pre-ranking", config["recall"], config["preranking"], "preranking"),
        "ranking": ("ranking", config["preranking"], 10, "ranker"),
        "ranker": (ARMS["ranker"], n_items, 10, "ranker"),
    }
    rows = []
    for stage, (label, of, kept, model) in stages.items():
        micros = 1e6 * np.median([r["results"]["seconds_per_request"][stage] for r in group])
        rows.append([label, f"{of:,}", str(kept), f"{sizes[model]:,}", f"{micros:.0f}"])
    return markdown_table(["stage, one request", "films", "keeps", "parameters", "us"], rows) + "\n"
