"""Everything that is chosen on held-out rows: p and s, who labels, the student's shape."""

from compress.search._budget import BudgetSearch, check_budget, search_budget, shape_costs, validation_error
from compress.search._label_source import compare_sources
from compress.search._limits import SHAPES, Budget
from compress.search._munge import PAIRS, TRIAL_EPOCHS, MungeSearch, trial_errors, trial_student, tune_munge

__all__ = [
    "PAIRS",
    "TRIAL_EPOCHS",
    "SHAPES",
    "Budget",
    "BudgetSearch",
    "MungeSearch",
    "check_budget",
    "compare_sources",
    "search_budget",
    "shape_costs",
    "trial_errors",
    "trial_student",
    "tune_munge",
    "validation_error",
]
