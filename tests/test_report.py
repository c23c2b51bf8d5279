"""The report: numbers by hand, slices, latencies, text and figure."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from compress import StudentClassifier, StudentRegressor
from compress.evaluation import classification_metrics, fidelity
from compress.report import compare, one_thread

RNG = np.random.default_rng(0)
X = pd.DataFrame({"size": RNG.normal(size=400), "colour": RNG.choice(["red", "blue"], 400)})
X.loc[::8, "size"] = np.nan
Y = np.where((X["size"] > 0) ^ (X["colour"] == "red"), "yes", "no")


class Teacher:
    """Says what it is told to, row by row."""

    classes_ = np.array(["no", "yes"])

    def __init__(self, p):
        self.p = p

    def predict_proba(self, table):
        p = self.p[table.index.to_numpy() % len(self.p)]
        return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def student():
    return StudentClassifier((8,), max_epochs=3, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def teacher():
    return Teacher(np.where(Y == "yes", 0.8, 0.1))


@pytest.fixture(scope="module")
def report(teacher, student):
    return compare(student, teacher, X, Y, latency_rows=(1, 100))


def test_task_measures_and_fidelity_are_those_of_the_evaluation(report, teacher, student):
    p, q = teacher.predict_proba(X), student.predict_proba(X)
    assert report.value("rmse", "teacher") == pytest.approx(classification_metrics(Y, p, ["no", "yes"])["rmse"])
    assert report.value("log_loss") == pytest.approx(classification_metrics(Y, q, ["no", "yes"])["log_loss"])
    for measure, key in (("agreement", "agreement"), ("rmse_to_teacher", "rmse"), ("kl_to_teacher", "kl")):
        assert report.value(measure) == pytest.approx(fidelity(q, p)[key], rel=1e-5)


def test_costs_are_counted_and_quotients_taken(report, student):
    assert report.value("parameters") == student.n_parameters_
    assert report.value("bytes") == len(student.to_bytes())
    assert report.value("bytes", "quotient") == report.value("bytes", "teacher") / report.value("bytes")
    frame = report.to_frame()
    timed = frame[frame.index.str.startswith("us_per_row")]
    assert len(timed) == 4  # one row and a hundred, with checks and bare
    assert (timed["student_low"] <= timed["student"]).all()
    assert (timed["student"] <= timed["student_high"]).all()
    np.testing.assert_allclose(timed["quotient"], timed["teacher"] / timed["student"])


def test_classes_have_recall_and_agreement(report):
    by_class = {row["class"]: row for row in report.classes}
    assert set(by_class) == {"no", "yes"}
    assert by_class["yes"]["rows"] == (Y == "yes").sum()
    assert by_class["yes"]["teacher"] == 1.0  # it says .8 for each of them


def test_the_slice_where_the_student_strays_comes_first(student):
    p = student.predict_proba(X)[:, 1].copy()
    red = (X["colour"] == "red").to_numpy()
    p[red] = 1 - p[red]
    p = np.where(red, np.where(p > 0.5, 1.0, 0.0), p)
    worst = compare(student, Teacher(p), X, latency_rows=()).slices[0]
    assert worst["slice"] == "colour = red"
    assert worst["rows"] == red.sum()


def test_slices_are_categories_quarters_and_missing_values(report):
    names = {row["slice"] for row in report.slices}
    assert {"colour = red", "colour = blue", "size missing"} <= names
    assert sum(name.startswith("size from") for name in names) == 4
    assert sum(row["rows"] for row in report.slices if row["slice"].startswith("size")) == len(X)


def test_slices_of_few_rows_are_left_out(teacher, student):
    assert compare(student, teacher, X.head(40), latency_rows=()).slices == [] or all(
        row["rows"] >= 30 for row in compare(student, teacher, X.head(40), latency_rows=()).slices
    )


def test_without_labels_there_is_fidelity_only(teacher, student):
    report = compare(student, teacher, X, latency_rows=())
    assert set(report.to_frame()["group"]) == {"fidelity", "cost"}
    assert sum(row["rows"] for row in report.classes) == len(X)  # by the teacher's class
    report.plot()


def test_text_holds_the_numbers(report):
    text = str(report)
    assert text == report.to_markdown() == report._repr_markdown_()
    words = (
        "RMSE to teacher",
        "agreement",
        "calibration error",
        "parameters",
        "400 rows",
        "1 thread",
        "| yes |",
        "colour = ",
    )
    for word in words:
        assert word in text


def test_an_unknown_measure_is_answered_with_the_known_ones(report):
    with pytest.raises(KeyError, match="agreement"):
        report.value("charm")


def test_values_are_compared_too():
    T = X[["size"]].fillna(0.0)
    forest = RandomForestRegressor(10, random_state=0).fit(T, T["size"])
    student = StudentRegressor((8,), max_epochs=30, random_state=0).fit(T, T["size"])
    report = compare(student, forest, T, T["size"], latency_rows=(10,))
    assert report.value("r2_to_teacher") > 0.8
    assert report.value("rmse", "teacher") < 0.2
    assert report.classes == []
    report.plot()


def test_several_targets_are_compared_as_one():
    T = X[["size"]].fillna(0.0)
    Y2 = np.column_stack([T["size"], -T["size"]])
    student = StudentRegressor((8,), max_epochs=5, random_state=0).fit(T, Y2)
    report = compare(student, LinearRegression().fit(T, Y2), T, Y2, latency_rows=())
    assert np.isfinite(report.value("rmse_to_teacher"))
    report.plot()


def test_figure_has_three_panels(report, tmp_path):
    figure = report.plot()
    figure.savefig(tmp_path / "report.png")
    assert [axis.get_title() for axis in figure.axes] == [
        "predictions, row by row",
        "calibration",
        "slices of least fidelity",
    ]


def test_everything_is_timed_with_one_thread_and_put_back_afterwards():
    forest = RandomForestClassifier(3, n_jobs=2).fit(X[["size"]].fillna(0), Y)
    model = make_pipeline(StandardScaler(), forest)
    with one_thread(model):
        assert forest.n_jobs == 1
    assert forest.n_jobs == 2
    with one_thread(FrozenEstimator(forest)):
        assert forest.n_jobs == 1
    assert forest.n_jobs == 2


def test_labels_must_fit(teacher, student):
    with pytest.raises(ValueError, match="as many rows, got 400 and 3"):
        compare(student, teacher, X, Y[:3])
    with pytest.raises(ValueError, match="none of the classes"):
        compare(student, teacher, X, np.full(400, "maybe"))


def test_missing_matplotlib_is_named(report, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tabular-compress\[plot\]'"):
        report.plot()


def test_keys_are_for_code_and_labels_for_people(report):
    keys = [row["measure"] for row in report.measures]
    assert keys[:5] == ["rmse", "auc", "log_loss", "accuracy", "calibration_error"]
    assert keys[-4::2] == ["us_per_row_single", "us_per_row_100"]
    assert keys[-3::2] == ["us_per_row_single_predictor", "us_per_row_100_predictor"]
    assert "µs per row, 100 at a time, predictor()" in str(report)
    assert not any(f"| {key} |" in str(report) for key in keys if "_" in key)


def test_repr_fits_on_a_line(report):
    text = repr(report)
    assert text.startswith("Report(400 rows, rmse=") and "agreement=" in text
    assert len(text) < 100 and "\n" not in text


def test_labels_in_one_column_are_those_of_flat_ones(student, teacher):
    flat, column = (compare(student, teacher, X, y, latency_rows=()) for y in (Y, Y[:, None]))
    assert flat.measures == column.measures and flat.classes == column.classes
    T = X[["size"]].fillna(0.0)
    ours, forest = StudentRegressor((4,), max_epochs=2).fit(T, T["size"]), LinearRegression().fit(T, T["size"])
    flat, column = (compare(ours, forest, T, y, latency_rows=()) for y in (T["size"], T[["size"]]))
    assert flat.measures == column.measures


def test_what_is_no_student_is_refused(teacher):
    with pytest.raises(TypeError, match="student must be a fitted StudentClassifier or StudentRegressor"):
        compare(RandomForestClassifier(), teacher, X)


def test_a_teacher_that_cannot_be_pickled_has_no_bytes(student):
    class Local(Teacher):
        pass

    report = compare(student, Local(np.full(400, 0.5)), X, Y, latency_rows=())
    assert report.value("bytes", "teacher") is None and "bytes" in report.to_markdown()


# The verdict


def test_the_verdict_names_the_model_its_size_and_the_better_one(report):
    teacher, student = report.value("rmse", "teacher"), report.value("rmse")
    assert student > teacher + 0.1  # three passes do not suffice
    assert report.verdict.startswith("The student is a net with 8 hidden units of ")
    assert f"Its RMSE is {student:.4f}, the teacher's {teacher:.4f}: worse (difference +" in report.verdict
    assert "teaching" not in report.verdict
    assert str(report).startswith(report.verdict)


@pytest.fixture(scope="module")
def models():
    """Probabilities of yes for 2,000 rows by a good, an equal, and a bad model, and the labels."""
    rng = np.random.default_rng(1)
    p = rng.uniform(size=2000)
    return p, np.clip(p + rng.normal(scale=0.001, size=2000), 0, 1), rng.uniform(size=2000), rng.uniform(size=2000) < p


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (0, 2, "teaching paid (difference -"),
        (2, 0, "teaching did not pay: without it the model is better (difference +"),
        (0, 1, "whether teaching paid these rows cannot tell (difference "),
    ],
)
def test_the_verdict_says_whether_teaching_paid(student, models, ours, theirs, words):
    class Told(type(student)):
        def predict_proba(self, table):
            p = models[self.which][table.index.to_numpy()]
            return np.column_stack([1 - p, p])

    def told(which):
        model = Told()
        vars(model).update(vars(student), which=which)
        return model

    table = pd.DataFrame({"size": np.zeros(2000), "colour": "red"})
    labels = np.where(models[3], "yes", "no")
    found = compare(told(ours), Teacher(models[0]), table, labels, untaught=told(theirs), latency_rows=())
    assert words in found.verdict
    assert found.value("rmse", "untaught") == pytest.approx(np.sqrt(np.mean((models[theirs] - models[3]) ** 2)))
    assert "| untaught |" in str(found)


def test_without_labels_the_verdict_is_on_size_and_speed_only(student, teacher):
    found = compare(student, teacher, X, latency_rows=(10_000,))
    assert "smaller and" in found.verdict and "faster than its teacher." in found.verdict
    assert "RMSE" not in found.verdict
