"""The transfer set: rows and a teacher's targets for them, what a student learns from."""

from compress.transfer._cross_fit import CrossFit, check_can_refit
from compress.transfer._transfer_set import TransferSet, label_rows

__all__ = [
    "CrossFit",
    "TransferSet",
    "check_can_refit",
    "label_rows",
]
