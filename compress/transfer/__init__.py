"""The transfer set: rows and a teacher's targets for them, from which a student learns."""

from compress.transfer._answers import PREFIX, answers_frame, split_answers
from compress.transfer._cross_fit import CrossFit, check_can_refit
from compress.transfer._fingerprint import fingerprint
from compress.transfer._kinds import as_probabilities
from compress.transfer._labelling import label_rows
from compress.transfer._lock import FolderLocked
from compress.transfer._parted import PartedTransferSet
from compress.transfer._remembering import remembering
from compress.transfer._single import SingleTeacher
from compress.transfer._stored import StoredRows, StoredTransferSet
from compress.transfer._streamed import StreamedTransferSet
from compress.transfer._transfer_set import TransferSet
from compress.transfer._writing import write_rows

__all__ = [
    "PREFIX",
    "CrossFit",
    "FolderLocked",
    "PartedTransferSet",
    "SingleTeacher",
    "StoredRows",
    "StoredTransferSet",
    "StreamedTransferSet",
    "TransferSet",
    "answers_frame",
    "as_probabilities",
    "check_can_refit",
    "fingerprint",
    "label_rows",
    "remembering",
    "split_answers",
    "write_rows",
]
