"""The recipe: what else makes the student better, one change at a time, judged on validation rows

Question: which of the things that the literature and practice propose lower the error of a net of two layers, taught by
T on MUNGE's rows?

Setup: T and the transfer set are those of `experiments.model_compression`, with the p and s of its small trials; the
first 100,000 rows are used. The base has two layers of 128 units and learns for 20 epochs at a rate of 0.01 with a
weight decay of 1e-4. Its error is the mean over six nets that differ in their seed alone. One thing is changed at a
time:

- the labels of the original rows (true ones, the mean of the true ones and T's, T's out of fold), or the labels of all
  rows, by clones of T that have not seen the row that theirs was made from;
- the temperature of the soft targets; logits, or the squared error of probabilities, in place of the cross-entropy;
- learning rate, weight decay, three times the epochs, or the epoch that is best on the validation rows;
- a periodic embedding of the continuous columns (four frequencies); learned vectors in place of one-hot columns;
- five students whose mean teaches a sixth on the same rows;
- MUNGE with twice its p on nominal columns; RANDOM's rows in place of all or half of MUNGE's; true unlabelled rows in
  place of as many of MUNGE's, where a problem has some left over (COVTYPE 10,000, ADULT 18,842).

Numbers are gaps of the *validation* RMSE to the base in percent; below 0 is better. No test row is looked at, since
this decides what is recommended.

Cost: about seven minutes per run on one core where T and the transfer set lie in `out/material`, six more where they do
not.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import expit, logit
from scipy.stats import ttest_1samp

from compress import MUNGE, StudentClassifier, TransferSet
from compress.evaluation import rmse
from compress.generators import MarginalSampler
from compress.schema import stack_tables
from compress.students import LOGIT_CLIP, PeriodicEncoding
from data.load import load_problem, problem_names
from experiments import _material
from experiments._main import flat, run
from experiments._runner import by_problem, spread

FULL = {"material": _material.FULL, "rows": 100_000, "hidden": [128, 128], "epochs": 20, "students": 5}
QUICK = {"material": _material.QUICK, "rows": 2000, "hidden": [16, 16], "epochs": 5, "students": 2}
BASE = "base"


def run_one(name: str, seed: int, config: dict, n_jobs: int, folder: Path) -> dict:
    """Validation RMSE by change."""
    problem = load_problem(name, seed, **config["material"]["rows"])
    made = _material.material(problem, seed, config["material"], folder, n_jobs)
    data = made.data.head(config["rows"])
    valid = problem.X_valid, problem.y_valid
    errors = {}

    def student(data, random_state=seed, early=False, **options):
        net = StudentClassifier(
            config["hidden"],
            **{"max_epochs": config["epochs"], "learning_rate": 0.01, "random_state": random_state, **options},
        )
        return net.fit(data, **({"X_val": valid[0], "y_val": valid[1]} if early else {}))

    def judge(change, net, temperature=1.0):
        z = temperature * logit(net.predict_proba(valid[0])[:, 1].astype(np.float64))
        errors[change] = rmse(valid[1], np.stack([expit(-z), expit(z)], axis=1))
        print(f"  {change:<42} {errors[change]:.4f}", flush=True)

    # All gaps share the base's luck, so it is that of several nets, which differ in nothing but their seed.
    base = [student(data, seed + 1000 * i) for i in range(config["students"] + 1)]
    of_base = [rmse(valid[1], net.predict_proba(valid[0])) for net in base]
    errors[BASE] = float(np.mean(of_base))
    true = np.eye(2, dtype=np.float32)[problem.y_train]
    own = data.targets[: data.n_original]
    judge("original rows: true labels", student(with_original(data, true)))
    judge("original rows: mean of true labels and T's", student(with_original(data, (true + own) / 2)))
    judge("original rows: T out of fold", student(with_original(data, made.out_of_fold(problem, seed))))
    for temperature in (2.0, 4.0):
        judge(f"temperature {temperature:g}", student(softened(data, temperature)), temperature)
    judge("logits", student(data, objective="logits"))
    judge("probabilities, squared error", student(data, objective="probabilities"))
    for rate in (0.003, 0.03):
        judge(f"learning rate {rate:g}", student(data, learning_rate=rate))
    for decay in (0.0, 1e-2, 1e-1):
        judge(f"weight decay {decay:g}", student(data, weight_decay=decay))
    judge("best epoch on validation rows", student(data, early=True))
    judge("three times the epochs", student(data, max_epochs=3 * config["epochs"]))
    for scale in (0.05, 0.2):
        judge(f"four frequencies, scale {scale:g}", student(data, encoding=PeriodicEncoding(4, scale=scale)))
    said = np.mean([net.predict_proba(data.X) for net in base[1:]], axis=0, dtype=np.float32)
    judge("mean of five students taught again", student(replace(data, targets=said)))
    crossed = made.cross_fitted(problem, seed)
    munge = MUNGE(made.search.p, made.search.s, n_jobs=n_jobs)
    labelled = crossed.transfer_set(
        problem.X_train, generator=munge, n_rows=len(data), n_jobs=n_jobs, random_state=seed
    )
    judge("labels of clones that have not seen the row", student(labelled))
    if problem.nominal:
        judge("learned vectors of nominal columns", student(data, max_one_hot=1))
        judge("twice p on nominal columns", student(more_exchange(problem, made, config, seed, n_jobs)))
    random = made.labelled(problem, MarginalSampler(n_jobs=n_jobs, random_state=seed), config["rows"], n_jobs)
    judge("RANDOM's rows in place of MUNGE's", student(random))
    half = len(data) // 2
    judge("RANDOM's in place of half of MUNGE's", student(with_last(data, random.X[-half:], random.targets[-half:])))
    if len(problem.X_rest):
        rest = problem.X_rest.iloc[: len(data) - data.n_original]
        true = TransferSet.from_teacher(made.teacher, rest, n_jobs=n_jobs)
        judge("true rows among MUNGE's", student(with_last(data, true.X, true.targets)))
    return {"valid_rmse": errors, "base": of_base}


def with_original(data: TransferSet, targets: np.ndarray) -> TransferSet:
    """The transfer set with other targets of its original rows."""
    return replace(data, targets=np.concatenate([targets.astype(np.float32), data.targets[data.n_original :]]))


def softened(data: TransferSet, temperature: float) -> TransferSet:
    """The transfer set with T's logits divided by a temperature."""
    p = expit(logit(np.clip(data.targets[:, 1].astype(np.float64), LOGIT_CLIP, 1 - LOGIT_CLIP)) / temperature)
    return replace(data, targets=np.stack([1 - p, p], axis=1).astype(np.float32))


def more_exchange(problem, made, config: dict, seed: int, n_jobs: int) -> TransferSet:
    """As the base's transfer set, with twice MUNGE's p on the nominal columns."""
    columns = problem.X_train.columns
    p = {c: min(2 * made.search.p, 1.0) if c in problem.nominal else made.search.p for c in columns}
    munge = MUNGE(p, made.search.s, n_jobs=n_jobs, random_state=seed)
    return made.labelled(problem, munge, config["rows"], n_jobs)


def with_last(data: TransferSet, X, targets: np.ndarray) -> TransferSet:
    """The transfer set with other rows in place of as many of its last ones."""
    kept = data.head(len(data) - len(X))
    return replace(kept, X=stack_tables(kept.X, X), targets=np.concatenate([kept.targets, targets]))


def markdown(records: list[dict]) -> str:
    """Gap to the base in percent by change and problem, mean ± sd over seeds; the mean over problems; runs improved."""
    groups = by_problem(records)
    changes = list(dict.fromkeys(change for r in records for change in r["valid_rmse"] if change != BASE))
    base = " | ".join(spread([r["valid_rmse"][BASE] for r in group], 4) for group in groups.values())
    of_groups = [[100 * np.std(r["base"], ddof=1) / r["valid_rmse"][BASE] for r in group] for group in groups.values()]
    luck, of_all = [f"{np.mean(sds):.2f}" for sds in of_groups], np.concatenate(of_groups)
    lines = [
        f"| change | {' | '.join(groups)} | mean | better in | p |",
        "|---|" + "--:|" * (len(groups) + 3),
        f"| base: validation RMSE | {base} | | | |",
        f"| base: sd of nets of other seeds, % | {' | '.join(luck)} | {np.mean(of_all):.2f} | | |",
    ]
    for change in changes:
        gaps = {problem: gaps_of(group, change) for problem, group in groups.items()}
        there = [g for g in gaps.values() if len(g)]
        every = np.concatenate(there)
        level = ttest_1samp([g.mean() for g in there], 0).pvalue if len(there) > 2 else np.nan
        cells = [spread(g, 2, "+") if len(g) else "" for g in gaps.values()]
        lines.append(
            f"| {change} | {' | '.join(cells)} | {np.mean([g.mean() for g in there]):+.2f} "
            f"| {(every < 0).sum()} of {len(every)} | {'' if np.isnan(level) else f'{level:.3f}'} |"
        )
    return (
        "\n".join(lines) + "\n\np: t-test that the mean over problems is 0, not corrected for the number of changes.\n"
    )


def gaps_of(group: list[dict], change: str) -> np.ndarray:
    """Gaps to the base in percent, of the runs that have the change."""
    return np.array(
        [100 * (r["valid_rmse"][change] / r["valid_rmse"][BASE] - 1) for r in group if change in r["valid_rmse"]]
    )


def main(argv=None) -> None:
    """Run the grid, then write the table from all reports in the folder."""
    run(
        argv,
        __doc__,
        run_one,
        name="recipe",
        problems=_material.PROBLEMS,
        seeds=[0, 1, 2],
        known=problem_names("binary"),
        options=[_material.add_argument],
        configs={"full": FULL, "quick": QUICK},
        records=flat,
        table=markdown,
    )


if __name__ == "__main__":
    main()
