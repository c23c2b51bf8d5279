"""A cascade of recall, pre-ranking and ranking on MovieLens-100K: does the ranker's teaching align the early stages?

Question: recall picks 100 of 1,682 films, pre-ranking 20 of these, the ranker 10 of those. Whatever the early stages
leave out, the ranker cannot bring back. Suppose recall (a matrix factorisation) and pre-ranking (a light perceptron
over ids, user and film features) have learned from the ranker's order (list-wise) and not from labels alone. How much
more of what the ranker would have chosen from the whole catalogue reaches it, and does the final list get better?

Setup: the splits of `experiments.ranking`, training and validation rows for training, test rows looked at once. Nothing
is chosen here: EASE with ridge 200, list-wise weight 0.05 and 10 epochs are first guesses. Both early stages learn from
labels, or either one or both from the ranker. `to recall` is the share of the ranker's own top 10 that is among
recall's 100, `to pre-ranking` among pre-ranking's 20, and `final` among the cascade's 10. recall@10 and NDCG@10 are
those of the cascade's final list against the films liked in the test. p is of paired t-tests over seeds.

Cost: about 5 minutes for five seeds on a core with other jobs beside.
"""

from __future__ import annotations

import numpy as np

from compress.recommend import overlap_at_k, ranking_metrics, top_k
from data.movielens_splits import movielens_topn
from experiments._distillation import arm_table, draw_arms
from experiments._main import run
from experiments._runner import by_problem
from experiments.ranking import SPLITS, Split

FULL = {"n_users": None, "epochs": 10, "k": 20, "size": 8, "n_sampled": 50, "recall": 100, "preranking": 20}
QUICK = {"n_users": 80, "epochs": 2, "k": 10, "size": 8, "n_sampled": 20, "recall": 100, "preranking": 20}
TAUGHT = {"objective": "list", "distill_weight": 0.05}
ARMS = {
    "labels": "both from labels",
    "recall": "recall taught",
    "preranking": "pre-ranking taught",
    "both": "both taught",
    "ranker": "ranker over all films",
}
PANELS = {"to_recall": "to recall", "to_preranking": "to pre-ranking", "final": "final", "ndcg": "NDCG@10"}


def narrowed(scores: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """`scores` with everything but the kept columns of each row below all of these."""
    result = np.full_like(scores, scores.min() - 1.0)
    rows = np.arange(len(scores))[:, None]
    result[rows, kept] = scores[rows, kept]
    return result


def run_one(name: str, seed: int, config: dict) -> dict:
    """Train each stage both ways, run the four cascades, judge their lists on the test rows."""
    data = movielens_topn(seed, split=SPLITS[name], n_users=config["n_users"])
    split = Split(data, np.concatenate([data.train, data.valid]), data.test)
    ranker = split.teacher(200.0)
    scores = ranker.score_matrix(split.user_ids)
    own = top_k(scores, 10, seen=split.seen)
    stages = {}
    for stage, kind, rate in (("recall", "mf", 0.01), ("preranking", "mlp", 0.005)):
        for taught in (False, True):
            changes = TAUGHT if taught else {"objective": None}
            student = split.student(ranker, seed, config, student=kind, learning_rate=rate, **changes)
            stages[stage, taught] = student.score_matrix(split.user_ids)
            print(f"  {stage} {'taught' if taught else 'from labels'}: {split.metrics(student)}", flush=True)
    metrics = {}
    for arm in ARMS:
        if arm == "ranker":
            metrics[arm] = {"final": 1.0, **ranking_metrics(scores, split.relevant, k=10, seen=split.seen)}
            continue
        first = top_k(stages["recall", arm in ("recall", "both")], config["recall"], seen=split.seen)
        second = narrowed(stages["preranking", arm in ("preranking", "both")], first)
        second = top_k(second, config["preranking"], seen=split.seen)
        final = narrowed(scores, second)
        metrics[arm] = {
            "to_recall": overlap_at_k(own, first),
            "to_preranking": overlap_at_k(own, second),
            "final": overlap_at_k(own, top_k(final, 10, seen=split.seen)),
            **ranking_metrics(final, split.relevant, k=10, seen=split.seen),
        }
    return {"metrics": metrics}


def table(reports: list[dict]) -> str:
    """Markdown for all splits."""
    columns = {"final": "final", "to_recall": "to recall", "to_preranking": "to pre-ranking"}
    columns |= {"recall": "recall@10", "ndcg": "NDCG@10"}
    text = ""
    for name in dict.fromkeys(r["problem"] for r in reports):
        group = [r for r in reports if r["problem"] == name]
        text += f"### {name}\n\n{len(group)} seeds.\n\n" + arm_table(group, ARMS, columns, base="labels", digits=3)
        text += "\nThe same by NDCG@10:\n\n" + arm_table(group, ARMS, {"ndcg": "NDCG@10"}, base="labels", digits=4)
    return text


def main(argv=None) -> None:
    """Run the grid, then write table and plot from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="cascade",
        problems=["movielens.random"],
        known=SPLITS,
        seeds=range(5),
        configs={"full": FULL, "quick": QUICK},
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [draw_arms(by_problem(reports), ARMS, PANELS, out, base="labels")],
    )


if __name__ == "__main__":
    main()
