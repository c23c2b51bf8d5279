"""The compressors: teacher, generator, labels and student in one `fit`."""

from compress.compressor._compressor import CompressedClassifier, CompressedRegressor

__all__ = [
    "CompressedClassifier",
    "CompressedRegressor",
]
