"""Exports of a fitted student: a NumPy callable, an ONNX model, C source, JavaScript, the bytes of its file."""

from compress.export._c import to_c
from compress.export._check import Exported
from compress.export._feed import onnx_inputs
from compress.export._js import js_module, to_js
from compress.export._numpy import FEW_ROWS, NumpyPredictor, all_finite
from compress.export._onnx import to_onnx
from compress.export._parts import ColumnParts
from compress.export._student_file import INPUT_DEFAULTS, read_student_file, student_to_bytes
from compress.export._tree_predictor import TreePredictor

__all__ = [
    "FEW_ROWS",
    "INPUT_DEFAULTS",
    "ColumnParts",
    "Exported",
    "NumpyPredictor",
    "TreePredictor",
    "all_finite",
    "js_module",
    "onnx_inputs",
    "read_student_file",
    "student_to_bytes",
    "to_c",
    "to_js",
    "to_onnx",
]
