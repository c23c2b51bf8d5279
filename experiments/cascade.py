"""A cascade of recall, pre-ranking and ranking on MovieLens-100K: does the ranker's teaching align the early stages?

Question: recall picks 100 of 1,682 films, pre-ranking 20 of these, the ranker 10 of those. Whatever the early stages
leave out, the ranker cannot bring back. Suppose recall (a matrix factorisation) and pre-ranking (a light perceptron
over ids, user and film features) have learned from the ranker too, by its scores or by its order alone: point-, pair-
or list-wise. How much more of what the ranker would have chosen from the whole catalogue reaches it, and does the final
list get better? Are weights of `1 + alpha / position` for the first of a list of length K of use, and when?

Setup: liked films (rating 4 or 5); the test rows, 20 % per user, are the same for all seeds; a seed divides the rest
into training and validation rows (7 to 1). The ranker is EASE. Everything is trained on the training rows, in five
epochs. K, alpha, the weight of the teaching, the number of films drawn as negatives and the control's weight decay are
chosen by NDCG@10 of the final list on the validation rows of another seed, for one stage after the other
(`tuning.*.json`); where the best weight is the first or the last that was tried, a further one is tried. The
test rows are looked at once. `to recall` is the share of the ranker's own top 10 that is
among recall's 100, and `to pre-ranking` among pre-ranking's 20, which is the share of the final list too; `agreed` is
the share of pre-ranking's own top 20 of all films that is among recall's 100. p is of paired t-tests over seeds, not
corrected for the number of arms. The position weights are divided by their mean, so that alpha does not change the
balance of positives and negatives.

Cost: about 5 minutes of one core for the search and five seeds, many times that with other jobs beside.

References: Tang and Wang, Ranking Distillation, KDD 2018; Kang, Hwang, Kweon and Yu, DE-RRD, CIKM 2020 (list-wise).
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np
import torch

from compress.evaluation import latency
from compress.recommend import overlap_at_k, ranking_metrics, top_k
from data.movielens_splits import movielens_topn
from experiments._distillation import draw_arms, tuned
from experiments._main import run
from experiments._runner import by_problem
from experiments.cascade_choices import GRID, START, search
from experiments.cascade_table import ARMS, PANELS, table
from experiments.ranking import SPLITS, Split

FULL = {
    "n_users": None,
    "epochs": 5,
    "size": 8,
    "recall": 100,
    "preranking": 20,
    "tuning_seeds": [1000],
    "timed": 300,
}
QUICK = {**FULL, "n_users": 60, "epochs": 1, "timed": 10}
STAGES = {
    "recall": {"student": "mf", "learning_rate": 0.01},
    "preranking": {"student": "mlp", "learning_rate": 0.005},
}


class Cascade:
    """The rows of one seed, the ranker on them, and lists through the stages."""

    def __init__(self, name: str, seed: int, config: dict, *, ridge: float, judged: str):
        data = movielens_topn(seed, split=SPLITS[name], n_users=config["n_users"], test_seed=0)
        self.split = Split(data, data.train, getattr(data, judged))
        self.seed, self.config = seed, config
        self.ranker = self.split.teacher(ridge)
        self.scores = self.ranker.score_matrix(self.split.user_ids)

    @cached_property
    def own(self) -> np.ndarray:
        """The ranker's top 10 of all films."""
        return top_k(self.scores, 10, seen=self.split.seen)

    def student(self, stage: str, settings: dict):
        """A student for a stage, trained."""
        return self.split.student(self.ranker, self.seed, {**self.config, **START}, **STAGES[stage], **settings)

    def scores_of(self, stage: str, settings: dict) -> np.ndarray:
        """The scores of a trained student for all films."""
        return self.student(stage, settings).score_matrix(self.split.user_ids)

    def first(self, recall: np.ndarray) -> np.ndarray:
        """What recall keeps, by its scores."""
        return top_k(recall, self.config["recall"], seen=self.split.seen)

    def second(self, preranking: np.ndarray, first: np.ndarray) -> np.ndarray:
        """What pre-ranking keeps of that."""
        return top_k(narrowed(preranking, first), self.config["preranking"], seen=self.split.seen)

    def quality(self, kept: np.ndarray) -> dict[str, float]:
        """recall@10 and NDCG@10 of the ranker's top 10 of what is kept."""
        return ranking_metrics(narrowed(self.scores, kept), self.split.relevant, k=10, seen=self.split.seen)

    def metrics(self, recall: np.ndarray, preranking: np.ndarray) -> dict[str, float]:
        """The whole cascade: the quality of its list, and what is kept at each stage."""
        first = self.first(recall)
        second = self.second(preranking, first)
        favourites = top_k(preranking, self.config["preranking"], seen=self.split.seen)
        return {
            **self.quality(second),
            "to_recall": overlap_at_k(self.own, first),
            "to_preranking": overlap_at_k(self.own, second),
            "agreed": overlap_at_k(favourites, first),
        }


def narrowed(scores: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """`scores` with everything but the kept columns of each row below all of these."""
    result = np.full_like(scores, scores.min() - 1.0)
    rows, columns = np.nonzero(kept >= 0)
    result[rows, kept[rows, columns]] = scores[rows, kept[rows, columns]]
    return result


def requests(cascade: Cascade, recall, preranking) -> dict[str, float]:
    """Median seconds that each stage takes for one user, with the choice of its best; all on one thread."""
    seen, n_first, n_second = cascade.split.seen, cascade.config["recall"], cascade.config["preranking"]
    everything = np.arange(cascade.scores.shape[1])
    kept = cascade.first(cascade.scores)
    users = itertools.cycle(range(len(cascade.scores)))

    def best(scores, k):
        return np.argpartition(scores, -k)[-k:]

    def recalled(user):
        scores = recall.module_.score_all(torch.tensor([user])).numpy()[0]
        scores[seen[user].indices] = -np.inf
        return best(scores, n_first)

    def preranked(user):
        items = torch.from_numpy(kept[user])
        return best(preranking.module_.score(torch.tensor([user]), items[None]).numpy()[0], n_second)

    def ranked(user, items):
        return best(cascade.ranker.weights_[np.ix_(seen[user].indices, items)].sum(axis=0), 10)

    calls = {
        "recall": recalled,
        "preranking": preranked,
        "ranking": lambda user: ranked(user, kept[user, :n_second]),
        "ranker": lambda user: ranked(user, everything),
    }
    with torch.no_grad():
        repeats = cascade.config["timed"]
        return {
            stage: latency(lambda _, call=call: call(next(users)), everything[:1], repeats=repeats).median
            for stage, call in calls.items()
        }


def learned_from(arm: str) -> dict[str, str]:
    """What each stage of an arm learns from; there are two arms in which only one stage is taught."""
    if arm in STAGES:
        return {stage: "list" if stage == arm else "labels" for stage in STAGES}
    return dict.fromkeys(STAGES, arm)


def run_one(name: str, seed: int, config: dict) -> dict:
    """Train both stages in all ways, run the cascades, judge their lists on the test rows."""
    chosen = config["chosen"][name]
    cascade = Cascade(name, seed, config, ridge=chosen["ridge"], judged="test")
    students, scores, metrics = {}, {}, {}
    for arm in ARMS:
        if arm == "ranker":
            metrics[arm] = {**cascade.quality(cascade.own), "to_recall": 1.0, "to_preranking": 1.0}
            continue
        teaching = learned_from(arm)
        for stage, of in teaching.items():
            if (stage, of) not in scores:
                students[stage] = cascade.student(stage, chosen[stage][of])
                scores[stage, of] = students[stage].score_matrix(cascade.split.user_ids)
        metrics[arm] = cascade.metrics(*(scores[stage, of] for stage, of in teaching.items()))
        print(f"  {arm}: {', '.join(f'{k} {v:.3f}' for k, v in metrics[arm].items())}", flush=True)
    return {
        "metrics": metrics,
        "seconds_per_request": requests(cascade, students["recall"], students["preranking"]),
        "n_items": cascade.scores.shape[1],
        "n_parameters": {
            **{stage: student.n_parameters_ for stage, student in students.items()},
            "ranker": cascade.ranker.n_parameters_,
        },
    }


def chosen(name: str, config: dict, args) -> dict:
    """What the validation rows of the tuning seeds chose, kept beside the reports."""

    def of_tuning_seeds(ridge: float) -> list[Cascade]:
        return [Cascade(name, seed, config, ridge=ridge, judged="valid") for seed in config["tuning_seeds"]]

    path, known = args.out / f"tuning.{name}.json", {**config, "grid": GRID}
    notes = args.out / f"trying.{name}"
    return {"chosen": {name: tuned(path, known, lambda: search(of_tuning_seeds, known, notes))}}


def main(argv=None) -> None:
    """Choose on validation rows, run the grid, then write table and plot from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="cascade",
        problems=["movielens.random"],
        known=SPLITS,
        seeds=range(5),
        configs={"full": FULL, "quick": QUICK},
        choose=chosen,
        one_torch_thread=True,
        table=table,
        files=lambda reports, out: [draw_arms(by_problem(reports), ARMS, PANELS, out, base="labels")],
    )


if __name__ == "__main__":
    main()
