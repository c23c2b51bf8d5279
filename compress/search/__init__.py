"""Everything that is chosen on held-out rows: p and s, who labels, the student's family and shape."""

from compress.search._budget import BudgetSearch, check_budget, search_budget, shape_costs, validation_error
from compress.search._candidates import CHOICES, Candidate, candidates_of
from compress.search._choice import StudentSearch, choose_student
from compress.search._label_source import compare_sources
from compress.search._limits import SHAPES, Budget, within
from compress.search._munge import PAIRS, TRIAL_EPOCHS, MungeSearch, trial_errors, trial_student, tune_munge
from compress.search._trials import TRIAL_SHARE, Outcome, Trial, choice_passes, long_share, try_candidates

__all__ = [
    "CHOICES",
    "PAIRS",
    "TRIAL_EPOCHS",
    "TRIAL_SHARE",
    "SHAPES",
    "Budget",
    "BudgetSearch",
    "Candidate",
    "MungeSearch",
    "Outcome",
    "StudentSearch",
    "Trial",
    "candidates_of",
    "check_budget",
    "choice_passes",
    "choose_student",
    "compare_sources",
    "long_share",
    "search_budget",
    "shape_costs",
    "trial_errors",
    "trial_student",
    "try_candidates",
    "tune_munge",
    "validation_error",
    "within",
]
