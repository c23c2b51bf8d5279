"""The transfer set: rows and a teacher's targets for them, from which a student learns."""

from compress.transfer._cross_fit import CrossFit, check_can_refit
from compress.transfer._labelling import label_rows
from compress.transfer._remembering import remembering
from compress.transfer._single import SingleTeacher
from compress.transfer._transfer_set import TransferSet

__all__ = [
    "CrossFit",
    "SingleTeacher",
    "TransferSet",
    "check_can_refit",
    "label_rows",
    "remembering",
]
