"""The claims of RESULTS.md: who makes them, what they report, what the stored runs say, and whether that agrees.

A claim is a function that computes our figure from the stored runs and judges it; the decorator says the rest. The
claims themselves are in the files `_claims_*.py`, one for each family.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["HOLDS", "NO", "PARTLY", "Claim", "claims", "every", "most", "register"]

HOLDS, PARTLY, NO = "holds", "partly", "does not hold"


class Claim(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    says : str
        The claim, in a sentence.
    whose : str
        The paper or system that makes it; "ours" if we do.
    theirs : str
        The figure that is reported there, empty where there is none.
    page : str
        The folder of the experiment under `experiments/results/`.
    judge : callable
        Returns our figure and the verdict, from the stored runs.
    """

    says: str
    whose: str
    theirs: str
    page: str
    judge: Callable[[], tuple[str, str]]


def register(into: list[Claim], says: str, *, whose: str, page: str, theirs: str = "") -> Callable:
    """A decorator that adds a claim with its judge to a list."""

    def add(judge: Callable[[], tuple[str, str]]) -> Callable[[], tuple[str, str]]:
        into.append(Claim(says, whose, theirs, page, judge))
        return judge

    return add


def every(n: int, of: int) -> str:
    """The verdict on a claim that is about every case: `n` of them agree."""
    return HOLDS if n == of else NO


def most(n: int, of: int) -> str:
    """The verdict where cases may differ: it holds partly if at least half agree."""
    return HOLDS if n == of else PARTLY if 2 * n >= of else NO


def claims() -> dict[str, list[Claim]]:
    """All claims by family, in the order of the tables."""
    from experiments import _claims_compression, _claims_distillation, _claims_generators, _claims_students

    return {
        "Model compression": _claims_compression.CLAIMS,
        "Generated rows": _claims_generators.CLAIMS,
        "Better students": _claims_students.CLAIMS,
        "Distillation and ranking": _claims_distillation.CLAIMS,
    }
