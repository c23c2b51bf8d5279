"""The compressors: teacher, generator, labels and student in one `fit`.

    (X, y) -> teacher -> generated rows, labelled by the teacher -> student

All choices (p and s of MUNGE, who labels, the shape of the student) are made on validation rows: those passed to
`fit`, or rows that are held out.

References
----------
Bucila, Caruana and Niculescu-Mizil, "Model Compression", KDD 2006.
"""

from compress.compressor._classifier import CompressedClassifier
from compress.compressor._regressor import CompressedRegressor

__all__ = ["CompressedClassifier", "CompressedRegressor"]
