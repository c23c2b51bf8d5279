"""Additive students: contributions of the columns, what is left, and the picture."""

import sys

import numpy as np
import pandas as pd
import pytest
from export_cases import FRAME, HOLES, NUMBERS, expected, fitted, strange
from numpy.testing import assert_allclose

from compress import StudentClassifier, StudentRegressor
from compress.students import PeriodicEncoding, PiecewiseLinearEncoding

QUICK = {"max_epochs": 4, "random_state": 0}
ADDITIVE = ("additive", "additive, classes", "additive, outputs", "additive, far values", "linear")


def outputs(student, table):
    """What contributions add up to, from the predictions."""
    predictions = expected(student, table)[0]
    if not hasattr(student, "classes_"):
        return predictions
    logits = np.log(predictions)
    return logits[:, 1:] - logits[:, :1] if len(student.classes_) == 2 else logits


@pytest.mark.parametrize("case", ADDITIVE)
@pytest.mark.parametrize("rows", ["seen", "strange"])
def test_contributions_and_the_intercept_add_up_to_the_output(case, rows):
    student, table, *_ = fitted(case)
    if rows == "strange":
        table = strange(table) if hasattr(table, "head") else np.full((2, table.shape[1]), np.nan)
    made = student.contributions(table)
    assert made.dtype == np.float64 and made.shape[:2] == table.shape
    wanted, total = outputs(student, table), made.reshape(*table.shape, -1).sum(axis=1) + student.intercept_
    if case == "additive, classes":  # logits are known up to a constant of each row
        total = total - np.log(np.exp(total).sum(axis=1, keepdims=True))
    assert_allclose(total, wanted, atol=1e-8, rtol=1e-9)


def test_periodic_columns_are_additive_too():
    student = StudentRegressor((), encoding=PeriodicEncoding(3), **QUICK).fit(HOLES, NUMBERS[:, 0])
    assert_allclose(student.contributions(HOLES).sum(axis=1) + student.intercept_, student.predict(HOLES), atol=1e-9)


def test_one_column_alone_decides_on_its_contribution():
    student, table, *_ = fitted("additive")
    before, after = student.contributions(table.head(5)), student.contributions(table.head(5).assign(age=30))
    changed = (before != after).any(axis=0)
    assert changed.tolist() == [name == "age" for name in table]


def test_a_step_that_is_learned_is_the_contribution_of_its_column():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=900), "kind": rng.choice(["a", "b", "c"], 900)})
    y = 3.0 * (X["x"] > 0.5) + X["kind"].map({"a": -1.0, "b": 0.0, "c": 1.0})
    student = StudentRegressor(
        (), encoding=PiecewiseLinearEncoding(), max_epochs=200, learning_rate=0.05, random_state=0
    )
    student.fit(X, y)
    few = pd.DataFrame({"x": [-1.0, 0.0, 1.0, 2.0, 0.0], "kind": ["a", "b", "c", "a", "c"]})
    made = student.contributions(few)
    assert_allclose(made[:, 1], [-1, 0, 1, -1, 1], atol=0.1)
    assert_allclose(made[:, 0] - made[0, 0], [0, 0, 3, 3, 0], atol=0.2)


def test_the_mean_of_a_number_contributes_nothing_and_categories_are_compared_with_their_mean():
    student, table, *_ = fitted("additive")
    rows = table.head(4).assign(age=table["age"].mean(), colour=pd.array(["red", "green", "blue", "red"]))
    made = pd.DataFrame(student.contributions(rows), columns=table.columns)
    assert_allclose(made["age"], 0, atol=1e-12)
    assert_allclose(made["colour"][:3].sum(), 0, atol=1e-12)


def test_a_loaded_student_has_the_same_contributions(tmp_path):
    from compress import load_student

    student, table, *_ = fitted("additive, classes")
    student.save(tmp_path / "student")
    assert_allclose(load_student(tmp_path / "student").contributions(table), student.contributions(table), atol=1e-12)


def test_a_student_with_hidden_layers_has_none_and_says_so():
    student = fitted("cuts")[0]
    for call in (lambda: student.contributions(FRAME), student.plot_contributions):
        with pytest.raises(
            ValueError, match=r"without hidden layers, but it has hidden_layer_sizes=\(8,\).*Fit Student"
        ):
            call()
    assert not hasattr(student, "intercept_")


def test_an_unfitted_student_has_none():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        StudentClassifier(()).contributions(FRAME)


# ------------------------------------------------------------------ the figure
def panels(figure):
    return {axis.get_title().split("  ")[0]: axis for axis in figure.axes if axis.get_visible()}


def test_a_number_is_drawn_as_the_curve_of_its_contributions():
    pytest.importorskip("matplotlib")
    student, table, *_ = fitted("additive")
    curve = panels(student.plot_contributions())["age"].lines[1]
    places, drawn = curve.get_xdata(), curve.get_ydata()
    rows = pd.concat([table.head(1)] * len(places)).assign(age=places)
    assert_allclose(drawn, student.contributions(rows)[:, list(table).index("age")], atol=1e-9)
    assert places[0] == table["age"].min() and places[-1] == table["age"].max()


def test_categories_are_drawn_as_bars_and_missing_ones_have_a_bar_of_their_own():
    pytest.importorskip("matplotlib")
    student, table, *_ = fitted("additive")
    axis = panels(student.plot_contributions())["colour"]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert set(names) == {"missing", "red", "green", "blue"}
    rows = pd.concat([table.head(1)] * 4).assign(colour=[None if name == "missing" else name for name in names])
    wanted = student.contributions(rows)[:, list(table).index("colour")]
    assert_allclose([bar.get_width() for bar in axis.patches], wanted, atol=1e-9)


def test_columns_that_move_the_output_most_come_first():
    pytest.importorskip("matplotlib")
    student, table, *_ = fitted("additive")
    spread = student.contributions(table).std(axis=0)
    wanted = [name for _, name in sorted(zip(-spread, table))][:3]
    assert list(panels(student.plot_contributions(table, n_columns=3))) == wanted


def test_an_output_that_does_not_exist_is_refused():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="output must be the position of one of the 3 outputs, got 3"):
        fitted("additive, classes")[0].plot_contributions(output=3)
    assert len(panels(fitted("additive, classes")[0].plot_contributions(output=2))) == 12


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tabular-compress\[plot\]'"):
        fitted("additive")[0].plot_contributions()
