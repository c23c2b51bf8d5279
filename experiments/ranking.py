"""Ranking distillation on MovieLens-100K: can a fine ranker's order alone make a small recall model better?

Question: a matrix factorisation of 8 dimensions (22,682 parameters) learns which films a user likes: from labels alone,
or also from the teacher's scores (with-logits) or its order (without-logits: point-wise with `LossWeight = 1 + alpha /
position`, pair-wise, list-wise), or from the order without any label. Which of them helps, and how near does the
student come to the teacher's list?

Setup: liked films (rating 4 or 5); per user 70 % training, 10 % validation, 20 % test, at random or by time. The
teacher is EASE (1,682 x 1,682 weights). The student learns by BPR with Adam at 0.01, a cosine schedule and 20 epochs,
from lists of the teacher's top 20 unseen films and 50 drawn from all. EASE's ridge, the weight decay of the control and
the weight of each objective are chosen per seed on its validation rows, with models trained in half the epochs
(point-wise at alpha = 1, which serves all three). Then everything is trained on training and validation rows, and the
test rows are looked at once. recall@10 is hits over the hits possible, all users together; NDCG@10 is scikit-learn's;
overlap@20 is with the teacher's list. p is of paired t-tests over seeds, not corrected for the number of arms.

The paper: Tang and Wang report students level with a teacher of twice their size.

Cost: about 5 minutes for five seeds of one split on a core with other jobs beside.

References: Tang and Wang, Ranking Distillation, KDD 2018; Kang, Hwang, Kweon and Yu, DE-RRD, CIKM 2020 (list-wise).
"""

from __future__ import annotations

import time

import numpy as np

from compress.evaluation import latency
from compress.recommend import EASE, RankingDistiller, overlap_at_k, ranking_metrics, top_k
from compress.recommend._interactions import IdIndex, interaction_matrix
from data.movielens_splits import movielens_topn
from experiments._distillation import arm_table, draw_arms
from experiments._main import run
from experiments._runner import by_problem

SPLITS = {"movielens.random": "random", "movielens.chronological": "chronological"}
FULL = {
    "n_users": None,
    "epochs": 20,
    "tuning_epochs": 10,
    "k": 20,
    "size": 8,
    "n_sampled": 50,
    "ridges": [100.0, 200.0, 400.0],
}
QUICK = {"n_users": 80, "epochs": 2, "tuning_epochs": 1, "k": 10, "size": 8, "n_sampled": 20, "ridges": [50.0, 100.0]}
DECAYS = (0.0, 0.1)
WEIGHTS = {
    "list": (0.05, 0.3),
    "pair": (0.3, 1.0),
    "point": (0.2, 0.6),
    "tang_wang": (0.5, 2.0),
    "logits": (0.3, 1.0),
    "listnet": (0.3, 1.0),
}
ARMS = {
    "teacher": "teacher, EASE",
    "hard": "hard labels only",
    "logits": "with-logits, squared error",
    "listnet": "with-logits, ListNet",
    "point_0": "point-wise, alpha 0",
    "point_1": "point-wise, alpha 1",
    "point_5": "point-wise, alpha 5",
    "tang_wang": "Tang & Wang",
    "pair": "pair-wise",
    "list": "list-wise",
    "list_free": "list-wise, no labels",
}
PANELS = {"recall": "recall@10", "ndcg": "NDCG@10", "overlap": "overlap@20 with the teacher"}


class Split:
    """Training rows, the rows to judge on, and who has seen what."""

    def __init__(self, data, train, judged):
        self.data, self.train = data, train
        users, items = IdIndex(data.users, "user"), IdIndex(data.items, "item")
        self.user_ids = users.ids
        self.seen = interaction_matrix(train, users, items)
        self.relevant = interaction_matrix(judged, users, items)

    def metrics(self, model) -> dict[str, float]:
        """recall@10 and NDCG@10 of what was not seen in training."""
        return ranking_metrics(model.score_matrix(self.user_ids), self.relevant, k=10, seen=self.seen)

    def teacher(self, ridge: float) -> EASE:
        """EASE on the training rows."""
        return EASE(ridge).fit(self.train, users=self.data.users, items=self.data.items)

    def student(self, teacher, seed: int, config: dict, **settings) -> RankingDistiller:
        """A student on the training rows."""
        settings = {"embedding_size": config["size"], "k": config["k"], "n_sampled": config["n_sampled"], **settings}
        student = RankingDistiller(teacher, max_epochs=config["epochs"], random_state=seed, device="cpu", **settings)
        features = {}
        if student.student != "mf":
            features = {"user_features": self.data.user_features, "item_features": self.data.item_features}
            features["multi_valued"] = ("genres",)
        return student.fit(self.train, users=self.data.users, items=self.data.items, **features)


def choose(split: Split, seed: int, config: dict) -> dict:
    """Ridge, weight decay and the weight of each objective, by NDCG@10 on the validation rows, in half the epochs."""
    config = {**config, "epochs": config["tuning_epochs"]}
    tried = {"ridge": {r: split.metrics(split.teacher(r))["ndcg"] for r in config["ridges"]}}
    teacher = split.teacher(max(tried["ridge"], key=tried["ridge"].get))
    fit = {d: split.student(None, seed, config, objective=None, weight_decay=d) for d in DECAYS}
    tried["decay"] = {d: split.metrics(model)["ndcg"] for d, model in fit.items()}
    for objective, weights in WEIGHTS.items():
        fit = {w: split.student(teacher, seed, config, objective=objective, distill_weight=w) for w in weights}
        tried[objective] = {w: split.metrics(model)["ndcg"] for w, model in fit.items()}
    chosen = {name: max(scores, key=scores.get) for name, scores in tried.items()}
    return {"chosen": chosen, "valid_ndcg": tried}


def settings_of(arm: str, chosen: dict) -> dict:
    """What an arm changes in the student."""
    if arm == "hard":
        return {"objective": None, "weight_decay": chosen["decay"]}
    if arm == "list_free":
        return {"objective": "list", "hard_loss": None}
    objective, _, alpha = arm.partition("_") if arm.startswith("point") else (arm, "", "")
    changes = {"objective": objective, "distill_weight": chosen[objective]}
    return {**changes, "alpha": float(alpha)} if alpha else changes


def run_one(name: str, seed: int, config: dict) -> dict:
    """Choose on validation rows, train all arms again with them, judge on the test rows."""
    data = movielens_topn(seed, split=SPLITS[name], n_users=config["n_users"])
    found = choose(Split(data, data.train, data.valid), seed, config)
    chosen = found["chosen"]
    print(f"  chosen: {chosen}", flush=True)
    split = Split(data, np.concatenate([data.train, data.valid]), data.test)
    teacher = split.teacher(chosen["ridge"])
    everyone = split.user_ids
    best = top_k(teacher.score_matrix(everyone), 20, seen=split.seen)
    metrics = {"teacher": {**split.metrics(teacher), "overlap": 1.0}}
    for arm in ARMS:
        if arm == "teacher":
            continue
        started = time.perf_counter()
        student = split.student(teacher, seed, config, **settings_of(arm, chosen))
        seconds = time.perf_counter() - started
        own = top_k(student.score_matrix(everyone), 20, seen=split.seen)
        metrics[arm] = {**split.metrics(student), "overlap": overlap_at_k(best, own), "seconds": seconds}
        print(f"  {arm}: {', '.join(f'{k} {v:.3f}' for k, v in metrics[arm].items())}", flush=True)
    paces = {"teacher": latency(teacher.score_matrix, everyone), "student": latency(student.score_matrix, everyone)}
    return {
        "metrics": metrics,
        **found,
        "n_parameters": {"teacher": teacher.n_parameters_, "student": student.n_parameters_},
        "bytes": {"teacher": teacher.weights_.nbytes, "student": len(student.to_bytes())},
        "seconds_all_users": {side: pace.median for side, pace in paces.items()},
    }


def table(reports: list[dict]) -> str:
    """Markdown for all splits."""
    columns = {"ndcg": "NDCG@10", "recall": "recall@10", "overlap": "overlap@20 with the teacher", "seconds": "seconds"}
    text = ""
    for name in dict.fromkeys(r["problem"] for r in reports):
        group = [r for r in reports if r["problem"] == name]
        text += f"### {name}\n\n{len(group)} seeds.\n\n" + arm_table(group, ARMS, columns, base="hard", digits=4)
        text += "\nThe same by recall@10:\n\n" + arm_table(group, ARMS, {"recall": "recall@10"}, base="hard", digits=4)
        text += "\nAgainst point-wise with alpha 0, by NDCG@10:\n\n"
        few = {arm: label for arm, label in ARMS.items() if arm.startswith("point")}
        text += arm_table(group, few, {"ndcg": "NDCG@10"}, base="point_0", digits=4)
        sizes = {key: group[0]["results"][key] for key in ("n_parameters", "bytes")}
        pace = {
            side: np.median([r["results"]["seconds_all_users"][side] for r in group]) for side in ("teacher", "student")
        }
        text += f"\nTeacher and student: {sizes['n_parameters']['teacher']:,} and {sizes['n_parameters']['student']:,} "
        text += f"parameters, {sizes['bytes']['teacher']:,} and {sizes['bytes']['student']:,} bytes "
        text += (
            f"({sizes['bytes']['teacher'] / sizes['bytes']['student']:.0f} times); scoring all users with all films "
        )
        text += f"takes {1e3 * pace['teacher']:.1f} and {1e3 * pace['student']:.1f} ms.\n\n"
    return text


def main(argv=None) -> None:
    """Run the grid, then write table and plot from all reports in the folder."""
    without = {arm: label for arm, label in ARMS.items() if arm != "teacher"}
    run(
        argv,
        __doc__,
        run_one,
        name="ranking",
        problems=SPLITS,
        known=SPLITS,
        seeds=range(5),
        configs={"full": FULL, "quick": QUICK},
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [draw_arms(by_problem(reports), without, PANELS, out, base="hard")],
    )


if __name__ == "__main__":
    main()
