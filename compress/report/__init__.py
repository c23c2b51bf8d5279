"""Student against teacher: quality, fidelity, size, speed, and where they differ; tables and figures."""

from compress.report._compare import compare
from compress.report._costs import one_thread
from compress.report._figure import STUDENT, TEACHER, new_figure
from compress.report._measures import quality_and_fidelity
from compress.report._report import Report

__all__ = ["STUDENT", "TEACHER", "Report", "compare", "new_figure", "one_thread", "quality_and_fidelity"]
