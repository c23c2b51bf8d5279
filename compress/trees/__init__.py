"""Small tree ensembles as plain arrays: grown by scikit-learn, kept in a few bytes, evaluated by NumPy alone.

A tree asks *tests*: whether a number is at most a threshold, or whether a category is in a set; each test also says
where a missing value goes. Columns are numbered as in the two blocks of `compress.schema`, first the continuous ones.
"""

from compress.trees._bytes import MOST_LEAVES, ensemble_from_bytes, ensemble_to_bytes
from compress.trees._ensemble import Tests, TreeEnsemble
from compress.trees._evaluate import TreeEvaluator, single_precision, with_single_precision
from compress.trees._grow import Growth, grow

__all__ = [
    "MOST_LEAVES",
    "Growth",
    "Tests",
    "TreeEnsemble",
    "TreeEvaluator",
    "ensemble_from_bytes",
    "ensemble_to_bytes",
    "grow",
    "single_precision",
    "with_single_precision",
]
