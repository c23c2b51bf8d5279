"""The C form that Table 3 times gives the student's numbers, with numbers alone and with categories."""

import shutil

import pytest
from compiler import needs_compiler
from numpy.testing import assert_allclose

from compress import StudentClassifier
from data.load import load_problem
from experiments._student_in_c import c_function, student_in_c
from experiments.benchmarks import export, export_peak, serving


@needs_compiler
@pytest.mark.parametrize("name", ["letter.p2", "adult"])
def test_same_probabilities_as_the_student(name, tmp_path):
    problem = load_problem(name, 0, n_train=300, n_valid=50, n_test=200)
    student = StudentClassifier((8,), max_epochs=2, random_state=0).fit(problem.X_train, problem.y_train)
    predict = student_in_c(student, tmp_path)
    assert_allclose(predict(problem.X_test), student.predict_proba(problem.X_test), atol=1e-5)


def test_none_without_a_compiler(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert student_in_c(None, tmp_path) is None


@pytest.mark.parametrize("start", [export.main, export_peak.main, serving.main], ids=lambda start: start.__module__)
def test_a_benchmark_without_a_compiler_says_so_before_it_trains(start, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("sys.argv", ["benchmark"])
    with pytest.raises(FileNotFoundError, match="A C compiler is needed here.* is on the PATH. Install one"):
        start()


def test_a_c_function_without_a_compiler_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="none of cc is on the PATH. Install one"):
        c_function(None, tmp_path / "student.c", [])
