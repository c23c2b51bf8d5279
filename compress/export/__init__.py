"""Exports of a fitted student: a function without torch, compiled or not, ONNX, C, JavaScript, the bytes of its file.

Nothing here imports torch, scikit-learn or pandas, so that a program that only predicts starts at once.

A row is a dict by column name, as JSON gives it, or a list or tuple in the order of the columns. Its values mean:

- None and NaN are missing.
- A number, true or false is the number in a column of numbers, and the category that equals it in a nominal one.
- A text in a nominal column is the category of this very spelling; one that was not there in training is missing.
- A text in a column of numbers is the decimal number that it spells, such as "-1.5" or "2e3"; another text is an error.
- Infinite numbers, integers too large for a double, lists and objects are errors, and so is a lacking or an unknown
  column. The error names the column.
"""

from compress.export._c import to_c
from compress.export._check import Exported
from compress.export._compiled_predictor import CompiledPredictor, net_predictor, tree_predictor
from compress.export._description import Described, NetDescription, is_integer, sizes_of
from compress.export._feed import onnx_inputs
from compress.export._js import js_module, to_js
from compress.export._load import load_predictor, read_student
from compress.export._numpy import NumpyPredictor
from compress.export._onnx import to_onnx
from compress.export._parts import ColumnParts
from compress.export._predictor import FEW_ROWS, Predictor, all_finite
from compress.export._student_file import student_to_bytes
from compress.export._tree_description import TreeDescription
from compress.export._tree_predictor import TreePredictor

__all__ = [
    "FEW_ROWS",
    "ColumnParts",
    "CompiledPredictor",
    "Described",
    "Exported",
    "NetDescription",
    "NumpyPredictor",
    "Predictor",
    "TreeDescription",
    "TreePredictor",
    "all_finite",
    "is_integer",
    "js_module",
    "load_predictor",
    "net_predictor",
    "onnx_inputs",
    "read_student",
    "sizes_of",
    "student_to_bytes",
    "to_c",
    "to_js",
    "to_onnx",
    "tree_predictor",
]
