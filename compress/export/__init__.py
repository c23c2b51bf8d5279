"""Students where Python is not: ONNX models and C source, with the preprocessing inside."""

from compress.export._c import to_c
from compress.export._check import Exported
from compress.export._feed import onnx_inputs
from compress.export._onnx import to_onnx

__all__ = ["Exported", "onnx_inputs", "to_c", "to_onnx"]
