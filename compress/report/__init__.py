"""Teacher against student: tables, slices and figures."""

from compress.report._figure import STUDENT, TEACHER, new_figure
from compress.report._report import Report, compare

__all__ = ["STUDENT", "TEACHER", "Report", "compare", "new_figure"]
