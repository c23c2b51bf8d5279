"""Students under scikit-learn's contract: small multilayer perceptrons, and small ensembles of boosted trees.

They learn from hard labels (the control S2 of the 2006 paper), from soft labels, or from a
`TransferSet` (S1). Preprocessing is part of a student. A net has standardised continuous columns, one-hot or embedded
nominal ones, indicators of missing values; trees take numbers, categories and missing values as they are.

References
----------
Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.
"""

from compress.students._base import BaseStudent
from compress.students._classifier import StudentClassifier
from compress.students._encodings import PeriodicEncoding, PiecewiseLinearEncoding
from compress.students._family import FAMILIES, described, family_of
from compress.students._load import load_student, restored
from compress.students._net_classifier import NetClassifier
from compress.students._objectives import (
    LOGIT_CLIP,
    Logits,
    Objective,
    Probabilities,
    SoftTargets,
    Values,
    centred_logits,
)
from compress.students._regressor import StudentRegressor
from compress.students._together import fit_together, fits_at_once
from compress.students._tree_classifier import TreeStudentClassifier
from compress.students._tree_regressor import TreeStudentRegressor
from compress.students._tree_student import TreeStudent

__all__ = [
    "FAMILIES",
    "LOGIT_CLIP",
    "BaseStudent",
    "Logits",
    "NetClassifier",
    "Objective",
    "PeriodicEncoding",
    "PiecewiseLinearEncoding",
    "Probabilities",
    "SoftTargets",
    "StudentClassifier",
    "StudentRegressor",
    "TreeStudent",
    "TreeStudentClassifier",
    "TreeStudentRegressor",
    "Values",
    "centred_logits",
    "described",
    "family_of",
    "fit_together",
    "fits_at_once",
    "load_student",
    "restored",
]
