"""Generators of synthetic rows: fit a table, sample as many rows like it as you need."""

from compress.generators._base import BaseGenerator
from compress.generators._interpolation import Interpolation
from compress.generators._marginal import MarginalSampler
from compress.generators._munge import MUNGE, munge
from compress.generators._nbe import NaiveBayesEstimation
from compress.generators._slices import RowSlices

__all__ = ["BaseGenerator", "Interpolation", "MUNGE", "MarginalSampler", "NaiveBayesEstimation", "RowSlices", "munge"]
