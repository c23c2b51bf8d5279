"""Students: small multilayer perceptrons under scikit-learn's contract.

They learn from hard labels (the control S2 of the 2006 paper), from soft labels, or from a
`TransferSet` (S1). Preprocessing is part of a student: standardised continuous columns, one-hot or embedded
nominal ones, indicators of missing values.

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
    "Values",
    "centred_logits",
    "described",
    "family_of",
    "load_student",
    "restored",
]
