"""The recipe of `experiments.model_compression`: what `student="auto"` takes within some bytes, and its control."""

from __future__ import annotations

from compress import TransferSet
from compress.search import Budget, candidates_of, choose_student, try_candidates
from compress.students import described, family_of
from compress.teachers import teacher_outputs
from experiments._protocol import learned

__all__ = ["control_of", "recipe"]


def recipe(teacher, data: TransferSet, train, valid, config: dict, seed: int):
    """The best of all candidates within the bytes, and the best of the same that learned from the training rows alone.

    Both are chosen on the validation rows, after short lessons on some of the rows; the recipe then learns from all.

    Returns
    -------
    (dict, dict)
        The models by name, and what was chosen and tried.
    """
    budget, few = Budget(bytes=config["bytes"]), data.head(config["choice_rows"])
    candidates = candidates_of("auto", "classification", few, budget, random_state=seed)
    told = teacher_outputs(teacher, valid[0], "probabilities")
    options = {"teacher_val": told, "original": (*train, None), "share": config["share"], "verbose": 1}
    trials = try_candidates(candidates, few, *valid, **options)
    found = choose_student(trials, few, budget=budget)
    alone = control_of(trials, config["bytes"])
    model = learned(found.student, (data,) if found.taught else train, config["bytes"])
    chosen = {"model": found.chosen, "family": family_of(found.student), "taught": found.taught}
    control = {"model": described(alone.fitted), "family": family_of(alone.fitted)}
    return {"recipe": model, "S2_recipe": alone.fitted}, {"recipe": chosen, "S2_recipe": control, "tried": found.rows}


def control_of(trials: list, most_bytes: int):
    """The outcome of least validation error among those that were not taught."""
    outcomes = [trial.best(taught=False, most_bytes=most_bytes) for trial in trials]
    return min((outcome for outcome in outcomes if outcome is not None), key=lambda outcome: outcome.error)
