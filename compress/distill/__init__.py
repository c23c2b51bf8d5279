"""Distillation methods as estimators: each a small class over nets, losses and the one training loop."""

from compress.distill._dual_dnn import DualDNNClassifier
from compress.distill._fitnet import FitNetClassifier
from compress.distill._hinton import DistilledClassifier
from compress.distill._mimic import MimicClassifier, MimicRegressor, match_width
from compress.distill._rocket import RocketClassifier

__all__ = [
    "DistilledClassifier",
    "DualDNNClassifier",
    "FitNetClassifier",
    "MimicClassifier",
    "MimicRegressor",
    "RocketClassifier",
    "match_width",
]
