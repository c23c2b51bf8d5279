"""The result of a comparison: numbers that can be printed, drawn, or turned into a DataFrame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from compress._files import write_atomically
from compress.report._costs import THREADS
from compress.report._figure import draw_report
from compress.report._html import page, summary
from compress.report._measures import label_of
from compress.report._numbers import number_text, short, times_text
from compress.report._verdict import verdict

__all__ = ["Report"]


@dataclass(frozen=True, repr=False)
class Report:
    """Result of `compare`.

    Attributes
    ----------
    measures : list of dict
        One row per measure: `group` ("task", "fidelity" or "cost"), `measure` (a key, such as "rmse", "rmse_to_teacher"
        or "us_per_row_batch"), `student`, `teacher`, `quotient` (the teacher's cost divided by the student's), and for
        latencies `student_low`, `student_high`, `teacher_low`, `teacher_high`. With a model that learned without a
        teacher the rows of group "task" have its number as `untaught`. A number that does not exist is None. Latencies
        are in microseconds per row.
    classes : list of dict
        One row per class: `class`, `rows`, `student` and `teacher` (recall), `agreement`, and `rmse` (between the
        probabilities of the class by student and teacher). Without labels the rows are those that the teacher assigns
        to the class. The list is empty for regression.
    slices : list of dict
        Parts of the table, those of least fidelity first: `slice`, `rows`, `rmse` to the teacher, and `agreement` for
        classifiers. The parts are taken from one column at a time: categories, quarters of the range, missing values.
    n_rows, threads : int
        The number of rows of the report, and the number of threads with which latencies were measured.
    student : str
        The student in words.
    taught : bool
        Whether it learned from a teacher; False when it was passed as `untaught`, too.
    differences : dict of str to Difference
        The RMSE of the student minus that of "teacher" and of "untaught", with 95 % intervals over paired rows; without
        labels it is empty.
    points : dict of arrays
        What `plot` draws.
    confusion : dict of str to list of lists of int
        For classifiers how many rows of each class (first index) "student" and "teacher" take for each class (second
        index), in the order of the classes; without labels that of the student, against the teacher's classes.
    samples : list of dict
        A few rows with the recorded answers of both models, for `to_html`.
    model : fitted student
        The student itself, for `to_html`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from compress import StudentRegressor
    >>> from compress.report import compare
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> student = StudentRegressor((4,), max_epochs=5, random_state=0).fit(X, X[:, 0])
    >>> report = compare(student, LinearRegression().fit(X, X[:, 0]), X, X[:, 0], latency_rows=())
    >>> report.value("rmse") > report.value("rmse", "teacher")
    True
    """

    measures: list
    classes: list
    slices: list
    n_rows: int
    threads: int = THREADS
    student: str = "a student"
    taught: bool = True
    differences: dict = field(default_factory=dict)
    points: dict = field(default_factory=dict, repr=False)
    confusion: dict = field(default_factory=dict)
    samples: list = field(default_factory=list)
    model: object = None

    def value(self, measure: str, model: str = "student"):
        """Return one number of the report.

        Parameters
        ----------
        measure : str
            The key of the measure, such as "rmse", "agreement", "rmse_to_teacher", "bytes" or "us_per_row_batch".
        model : {"student", "teacher", "untaught", "quotient"}, default="student"
            The model whose number is returned; "quotient" is the teacher's cost divided by the student's.

        Raises
        ------
        KeyError
            The report has no such measure; the message lists those that it has.
        """
        for row in self.measures:
            if row["measure"] == measure:
                return row.get(model)
        raise KeyError(f"measure must be one of {[row['measure'] for row in self.measures]}, got {measure!r}.")

    @property
    def verdict(self) -> str:
        """What the student is, how much smaller, faster, better or worse than its teacher, and whether teaching paid.

        Differences of the RMSE are stated with 95 % intervals; one that holds 0 may be chance.
        """
        return verdict(self)

    def to_frame(self):
        """Return the measures as a pandas DataFrame, indexed by measure."""
        import pandas as pd

        return pd.DataFrame(self.measures).set_index("measure")

    def to_markdown(self) -> str:
        """Return the verdict, and measures, classes and the worst slices as Markdown tables."""
        models = ["student", "teacher"] + ["untaught"] * any("untaught" in row for row in self.measures)
        rows = [
            [label_of(r["measure"]), *(number_text(r, model) for model in models), times_text(r["quotient"])]
            for r in self.measures
        ]
        text = f"{self.verdict}\n\n" + _table(["", *models, "teacher / student"], rows)
        text += f"\n{self.n_rows:,} rows. Latency: median (fastest-slowest), {self.threads} thread.\n"
        if self.classes:
            worst = sorted(self.classes, key=lambda r: r["agreement"])[:10]
            rows = [
                [r["class"], f"{r['rows']:,}", *(short(r[k]) for k in ("student", "teacher", "agreement", "rmse"))]
                for r in worst
            ]
            title = "Classes" if len(worst) == len(self.classes) else "The ten classes of least agreement"
            text += f"\n{title}:\n\n" + _table(
                ["class", "rows", "recall, student", "recall, teacher", "agreement", "RMSE to teacher"], rows
            )
        if self.slices:
            keys = [k for k in ("agreement", "rmse") if k in self.slices[0]]
            rows = [[r["slice"], f"{r['rows']:,}", *(short(r[k]) for k in keys)] for r in self.slices[:5]]
            text += "\nSlices of least fidelity:\n\n" + _table(
                ["slice", "rows", *("RMSE to teacher" if k == "rmse" else k for k in keys)], rows
            )
        return text

    def __repr__(self) -> str:
        kept = [row for row in self.measures if row["measure"] in ("rmse", "agreement", "r2_to_teacher", "bytes")]
        numbers = ", ".join(f"{row['measure']}={number_text(row, 'student')}" for row in kept)
        return f"Report({self.n_rows:,} rows{', ' if numbers else ''}{numbers})"

    def __str__(self) -> str:
        return self.to_markdown()

    _repr_markdown_ = to_markdown

    def to_html(self, path) -> Path:
        """Write the report as a page for a person: one file that needs nothing else, and no network.

        The page has the verdict, quality, calibration, confusion or residuals, slices and costs, and a form of the
        table's columns whose answer is computed in the page, by the student as JavaScript. It holds the sample rows
        (`samples`) as they are: make the report with `n_samples=0` where nobody may see rows of the table. What a table
        holds is shown as text, and cannot run.

        Parameters
        ----------
        path : str or path ending in ".html"
            The path of the file. An existing file is replaced when the new one is complete.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        ValueError
            `path` has another ending.
        ImportError
            jinja2 is not installed: `pip install 'tabular-compress[report]'`.
        """
        path = Path(path)
        if path.suffix not in (".html", ".htm"):
            raise ValueError(f"path must end in .html, got {str(path)!r}.")
        return write_atomically(path, page(self))

    def _repr_html_(self) -> str | None:
        """Return a short form for notebooks; None, which is Markdown then, without jinja2."""
        try:
            return summary(self)
        except ImportError:
            return None

    def plot(self):
        """Draw predictions of both, calibration (or differences) and the worst slices, and return the figure.

        Raises
        ------
        ImportError
            matplotlib is not installed: `pip install 'tabular-compress[plot]'`.
        """
        return draw_report(self)


def _table(head, rows) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"
