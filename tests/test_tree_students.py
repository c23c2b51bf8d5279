"""Tree students: the contract of students, taught by boosted trees."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import safe_open
from safetensors.torch import save
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from tables import as_bytes, mixed_table

from compress import TransferSet, TreeStudentClassifier, TreeStudentRegressor, load_student
from compress.cli import main
from compress.export._student_file import _digest
from compress.report import compare

QUICK = {"max_iter": 20, "min_samples_leaf": 5, "random_state": 0}


def expected_failures(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": "min_samples_leaf counts rows: a row of weight 2 is one row"
    }


@parametrize_with_checks(
    [TreeStudentClassifier(8, **QUICK), TreeStudentRegressor(8, **QUICK)], expected_failed_checks=expected_failures
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


RNG = np.random.default_rng(0)
N = 400
X = RNG.normal(size=(N, 3))
P = 1 / (1 + np.exp(-2 * X[:, 0] + X[:, 1]))
SOFT = np.column_stack([1 - P, P])
LABELS = np.where(RNG.random(N) < P, "yes", "no")
FRAME = pd.DataFrame(
    {
        "size": np.where(np.arange(N) % 7, X[:, 0], np.nan),
        "colour": pd.Categorical(np.array(["red", "green", "blue", None], dtype=object)[np.arange(N) % 4]),
        "town": [f"t{i}" for i in RNG.integers(0, 300, N)],
        "flag": X[:, 1] > 0,
    }
)


def outputs(student, table):
    return student.predict_proba(table) if hasattr(student, "classes_") else student.predict(table)


# ------------------------------------------------------------------------------------- what it learns from
@pytest.mark.parametrize("objective", ["soft_targets", "logits"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_each_objective_brings_the_student_to_the_soft_labels(objective, n_classes):
    logits = 2 * np.column_stack([X[:, 0], X[:, 1], X[:, 2], -X[:, 0]])[:, :n_classes]
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    student = TreeStudentClassifier(16, objective=objective, **{**QUICK, "max_iter": 100}).fit(X, soft)
    assert np.abs(student.predict_proba(X) - soft).mean() < 0.04
    assert_array_equal(student.classes_, np.arange(n_classes))


def test_a_transfer_set_brings_its_schema_classes_and_weights():
    teacher = LogisticRegression().fit(X, LABELS)
    data = TransferSet.from_teacher(teacher, X)
    student = TreeStudentClassifier(8, **QUICK).fit(data)
    assert_array_equal(student.classes_, ["no", "yes"])
    direct = TreeStudentClassifier(8, **QUICK).fit(X, data.probabilities())
    assert_array_equal(student.predict_proba(X), direct.predict_proba(X))


def test_a_transfer_set_of_logits_equals_its_probabilities():
    logits = np.log(SOFT)
    from_logits = TransferSet(X, logits.astype(np.float32), "logits", np.array([0, 1]))
    from_soft = TransferSet(X, from_logits.probabilities(), "probabilities", np.array([0, 1]))
    students = [TreeStudentClassifier(8, **QUICK).fit(data) for data in (from_logits, from_soft)]
    assert_array_equal(students[0].predict_proba(X), students[1].predict_proba(X))


def test_values_of_a_transfer_set():
    y = np.column_stack([X[:, 0], 1e6 + X[:, 1]])
    data = TransferSet.from_teacher(LinearRegression().fit(X, y), X)
    student = TreeStudentRegressor(16, **{**QUICK, "max_iter": 100}).fit(data)
    assert student.predict(X).shape == (N, 2)
    assert np.abs(student.predict(X) - y).mean() < 0.05
    assert TreeStudentRegressor(8, **QUICK).fit(X, y[:, 0]).predict(X).shape == (N,)


def test_task_of_transfer_set_and_student_must_agree():
    values = TransferSet(X, X[:, 0], "values")
    classes = TransferSet(X, SOFT.astype(np.float32), "probabilities", np.array([0, 1]))
    with pytest.raises(ValueError, match="use TreeStudentRegressor"):
        TreeStudentClassifier().fit(values)
    with pytest.raises(ValueError, match="use TreeStudentClassifier"):
        TreeStudentRegressor().fit(classes)


def test_heavier_rows_count_more():
    weight = np.where(LABELS == "yes", 10.0, 1.0)
    plain, heavy = (TreeStudentClassifier(8, **QUICK).fit(X, LABELS, sample_weight=w) for w in (None, weight))
    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.1
    by_class = TreeStudentClassifier(8, class_weight={"yes": 10, "no": 1}, **QUICK).fit(X, LABELS)
    assert_allclose(by_class.predict_proba(X), heavy.predict_proba(X), atol=1e-6)


def test_direct_students_are_as_good_as_the_librarys_own_boosting():
    theirs = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, learning_rate=0.2, early_stopping=False)
    ours = cross_val_score(TreeStudentClassifier(8, max_iter=20), X, LABELS, scoring="neg_log_loss").mean()
    assert ours > cross_val_score(theirs, X, LABELS, scoring="neg_log_loss").mean() - 0.02


def test_the_same_fit_on_any_number_of_threads():
    first = TreeStudentClassifier(8, **QUICK).fit(FRAME, np.arange(N) % 3)
    again = TreeStudentClassifier(8, n_jobs=2, **QUICK).fit(FRAME, np.arange(N) % 3)
    assert_array_equal(first.predict_proba(FRAME), again.predict_proba(FRAME))


# ------------------------------------------------------------------------------------------------- tables
def test_a_column_of_each_dtype():
    table = mixed_table(200)
    y = np.arange(200) % 3
    student = TreeStudentClassifier(8, schema={"codes": "nominal"}, **QUICK).fit(table, y)
    assert np.isfinite(student.predict_proba(table)).all()


@pytest.mark.parametrize(
    "table",
    [
        X[:, :1],
        FRAME[["town"]],
        FRAME[["colour", "flag"]],
        pd.DataFrame({"void": np.full(N, np.nan), "none": np.full(N, None, dtype=object), "size": X[:, 0]}),
        np.full((N, 2), 3.0),
        np.full((N, 1), np.nan),
        X * 1e300,
        X * 1e-300,
        X[:4],
    ],
    ids=["one column", "many categories", "nominal", "empty columns", "constant", "void", "huge", "tiny", "four rows"],
)
def test_tables_at_the_edge(table):
    y = LABELS[: len(table)].copy()
    y[:2] = "yes", "no"
    for student, target in (
        (TreeStudentClassifier(8, **QUICK), y),
        (TreeStudentRegressor(8, **QUICK), X[: len(table), 0]),
    ):
        student.fit(table, target)
        assert np.isfinite(outputs(student, table)).all()
        assert_array_equal(outputs(pickle.loads(pickle.dumps(student)), table), outputs(student, table))


@pytest.mark.parametrize("y", [np.full(N, 7.5), np.full(N, 1e300), X[:, 0] * 1e200, X[:, 0] * 1e-200])
def test_values_of_any_size(y):
    student = TreeStudentRegressor(8, **QUICK).fit(X, y)
    assert_allclose(student.predict(X), y, atol=2 * np.abs(y - y.mean() if np.ptp(y) else y * 1e-6).max())


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="TreeStudentClassifier needs at least 2 classes"):
        TreeStudentClassifier().fit(X, np.zeros(N))


def test_unseen_categories_count_as_missing():
    student = TreeStudentClassifier(8, **QUICK).fit(FRAME, LABELS)
    strange = FRAME.head(4).astype({"colour": object, "town": object})
    strange["colour"], strange["town"] = "violet", "nowhere"
    missing = strange.assign(colour=None, town=None)
    assert_array_equal(student.predict_proba(strange), student.predict_proba(missing))


def test_rows_in_every_container_get_the_same_predictions():
    polars = pytest.importorskip("polars")
    student = TreeStudentClassifier(8, **QUICK).fit(FRAME, LABELS)
    expected = student.predict_proba(FRAME)
    predictor = student.predictor(np.float64)
    same = polars.from_pandas(FRAME.astype({"colour": object}))
    for table in (FRAME, same, FRAME.to_numpy(dtype=object)):
        assert_allclose(predictor(table), expected, atol=1e-12)
    assert_allclose(predictor(FRAME.head(1)), expected[:1], atol=1e-12)
    assert student.predictor()(FRAME).dtype == np.float32
    assert predictor(FRAME.head(0)).shape == (0, 2)


@pytest.mark.parametrize("given", [{"size": 1}, [1, 0, 0, 0]])
def test_predictions_rise_with_a_monotone_column(given):
    student = TreeStudentClassifier(31, monotonic_cst=given, **QUICK).fit(FRAME, LABELS)
    grid = FRAME.iloc[[1] * 100].assign(size=np.linspace(-3, 3, 100))
    p = student.predict_proba(grid)[:, 1]
    assert (np.diff(p) >= 0).all() and p[-1] > p[0] + 0.3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"length": 1}, "names the column 'length'"),
        ({"colour": 1}, "must be 0 for nominal columns"),
        ([1, 0], "for each of the 4 columns"),
        ([2, 0, 0, 0], "-1, 0 or 1"),
    ],
)
def test_monotone_constraints_that_make_no_sense_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TreeStudentClassifier(monotonic_cst=given).fit(FRAME, LABELS)
    with pytest.raises(ValueError, match="needs two classes, got 3"):
        TreeStudentClassifier(monotonic_cst=[1, 0, 0]).fit(X, np.arange(N) % 3)


@pytest.mark.parametrize(
    "parameters", [{"max_leaf_nodes": 1}, {"max_iter": 0}, {"learning_rate": 0}, {"max_bins": 256}, {"objective": "x"}]
)
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        TreeStudentClassifier(**parameters).fit(X, LABELS)


# ------------------------------------------------------------------------------------------- validation rows
def test_validation_rows_choose_the_number_of_iterations():
    student = TreeStudentClassifier(31, max_iter=60, min_samples_leaf=2)
    student.fit(X[:200], LABELS[:200], X_val=X[200:], y_val=LABELS[200:])
    valid = [row["valid"] for row in student.history_]
    assert len(valid) == 60 and student.n_iter_ == int(np.argmin(valid)) + 1 == student.best_iteration_ + 1 < 60
    truth = (LABELS[200:] == "yes").astype(float)
    p = student.predict_proba(X[200:])[:, 1]
    assert_allclose(min(valid), -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p)), rtol=1e-5)


def test_growing_stops_early_when_it_is_asked_for():
    options = {"max_iter": 500, "min_samples_leaf": 2, "random_state": 0}
    student = TreeStudentRegressor(31, early_stopping=True, **options).fit(X, P + RNG.normal(size=N))
    assert student.stopped_ == "early_stopping" and len(student.history_) < 500
    assert student.n_iter_ <= len(student.history_) - 10
    everything = TreeStudentRegressor(31, **options).fit(X, P)
    assert everything.n_iter_ == 500 and everything.history_ == [] and everything.best_iteration_ is None


# ------------------------------------------------------------------------------------------------- size
@pytest.mark.parametrize("kind", ["two classes", "three classes", "values"])
def test_fewer_iterations_of_one_fit_are_smaller_students(kind):
    y = {"two classes": LABELS, "three classes": np.arange(N) % 3, "values": X[:, 0]}[kind]
    student = (TreeStudentRegressor if kind == "values" else TreeStudentClassifier)(8, **QUICK).fit(FRAME, y)
    sizes = student.staged_bytes()
    assert len(sizes) == student.n_iter_ == 20 and sizes[-1] == len(student.to_bytes())
    assert (np.diff(sizes) > 0).all()
    stages = student.staged_predict(FRAME) if kind == "values" else student.staged_predict_proba(FRAME)
    before = student.to_bytes()
    for n_iter, stage in enumerate(stages, start=1):
        if n_iter in (1, 7, 20):
            smaller = student.truncated(n_iter)
            assert smaller.n_iter_ == n_iter and len(smaller.to_bytes()) == sizes[n_iter - 1]
            assert_allclose(outputs(smaller, FRAME), stage, atol=1e-12)
    assert student.to_bytes() == before


@pytest.mark.parametrize("n_iter", [0, 21, 1.5])
def test_a_number_of_iterations_that_is_not_there_is_refused(n_iter):
    student = TreeStudentClassifier(8, **QUICK).fit(X, LABELS)
    with pytest.raises(ValueError, match="n_iter must be an integer from 1 to n_iter_=20"):
        student.truncated(n_iter)


def test_25_trees_of_8_leaves_take_less_than_2000_bytes_without_the_columns():
    student = TreeStudentClassifier(8, max_iter=25).fit(X, SOFT)
    with_one = student.truncated(1)
    assert len(student.to_bytes()) - len(with_one.to_bytes()) < 2000
    assert student.n_parameters_ == 25 * 15


# ------------------------------------------------------------------------------------------------- files
CASES = {
    "frame": (TreeStudentClassifier(8, schema={"flag": "nominal"}, **QUICK), FRAME, LABELS),
    "classes": (TreeStudentClassifier(8, objective="logits", **QUICK), X, np.column_stack([SOFT / 2, SOFT / 2])),
    "booleans": (TreeStudentClassifier(8, **QUICK), X, P > 0.5),
    "values": (TreeStudentRegressor(8, monotonic_cst=[1, 0, 0], **QUICK), X, X[:, 0]),
    "outputs": (TreeStudentRegressor(70, **QUICK), X * 1e-3 + 1e6, X[:, :2] + 1e9),
}


@pytest.mark.parametrize("case", CASES)
def test_round_trip_gives_identical_predictions(case, tmp_path):
    student, table, y = CASES[case]
    student.fit(table, y).save(tmp_path / "student")
    loaded = load_student(tmp_path / "student")
    assert_array_equal(outputs(loaded, table), outputs(student, table))
    assert loaded.predict(table).dtype == student.predict(table).dtype
    assert loaded.to_bytes() == student.to_bytes() == (tmp_path / "student").read_bytes()
    assert loaded.n_iter_ == student.n_iter_ and loaded.n_parameters_ == student.n_parameters_
    assert_array_equal(outputs(loaded.truncated(3), table), outputs(student.truncated(3), table))


def learned(**entries):
    return lambda d, w: d["learned"].update(entries)


def of_trees(**entries):
    return lambda d, w: d["learned"]["trees"].update(entries)


FORGERIES = {
    "net": lambda d, w: d.update({"class": "StudentClassifier"}),
    "regressor": lambda d, w: d.update({"class": "TreeStudentRegressor"}),
    "no trees": lambda d, w: d["learned"].pop("trees"),
    "no unit": learned(unit=None),
    "unit of another length": learned(unit={"mean": [0.0, 0.0], "scale": [1.0, 1.0]}),
    "unit of no size": learned(unit={"mean": [0.0], "scale": [0.0]}),
    "unit out of range": learned(unit={"mean": [0.0], "scale": [10**400]}),
    "infinite base": of_trees(base=[1e308]),
    "more outputs": of_trees(base=[0.0, 0.0]),
    "objective": learned(objective="Values"),
    "activation": learned(output_activation="softmax"),
    "more leaves": lambda d, w: d["learned"]["trees"].update(n_leaves=d["learned"]["trees"]["n_leaves"] + 8),
    "huge": of_trees(n_leaves=2**39, n_splits=2**38),
    "columns": of_trees(n_tests=[0]),
    "parameters": lambda d, w: d["parameters"].update(max_iter=-1),
    "another tensor": lambda d, w: w.update(more=w["trees"].clone()),
    "no tensor": lambda d, w: w.pop("trees"),
    "matrix": lambda d, w: w.update(trees=w["trees"].reshape(1, -1)),
    "floats": lambda d, w: w.update(trees=w["trees"].float()),
    "all splits": lambda d, w: w["trees"][:40].fill_(255),
    "all leaves": lambda d, w: w["trees"][:40].fill_(0),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_files_that_are_forged_are_refused(forgery, tmp_path):
    student, table, y = CASES["frame"]
    student.fit(table, y).save(tmp_path / "student")
    with safe_open(tmp_path / "student", framework="pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (not a dict)
        described = json.loads(file.metadata()["compress"])
    FORGERIES[forgery](described, tensors)
    described.pop("sha256")
    text = json.dumps({"sha256": _digest(described, as_bytes(tensors)), **described})
    (tmp_path / "student").write_bytes(save(tensors, metadata={"compress": text}))
    with pytest.raises(ValueError, match="damaged student file"):
        load_student(tmp_path / "student")


def test_predicting_needs_no_grower(tmp_path):
    student = TreeStudentRegressor(8, **QUICK).fit(X, X[:, 0])
    (tmp_path / "p").write_bytes(pickle.dumps(student.predictor()))
    code = (
        "import pickle, sys, numpy as np\n"
        f"predict = pickle.load(open({str(tmp_path / 'p')!r}, 'rb'))\n"
        "assert predict(np.zeros((2, 3))).shape == (2,)\n"
        "assert not {'lightgbm', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_trees_have_one_precision(tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match="precision must be 'float32' for a tree student, got 'int8'"):
        TreeStudentClassifier(8, **QUICK).fit(X, LABELS).to_onnx(tmp_path / "m.onnx", precision="int8")


# ---------------------------------------------------------------------------------------------- other rooms
def test_the_command_line_takes_a_tree_student(tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    student = TreeStudentClassifier(8, **QUICK).fit(FRAME, LABELS)
    student.save(tmp_path / "s")
    FRAME.assign(answer=LABELS).to_csv(tmp_path / "rows.csv", index=False)
    assert main(["inspect", str(tmp_path / "s")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["class"] == "TreeStudentClassifier" and facts["trees"] == 20 and facts["leaves"] == 160
    out = tmp_path / "out.csv"
    assert (
        main(["predict", str(tmp_path / "s"), str(tmp_path / "rows.csv"), "--drop", "answer", "--out", str(out)]) == 0
    )
    found = pd.read_csv(out)
    assert_array_equal(found["prediction"], student.predict(FRAME))
    assert main(["export", str(tmp_path / "s"), "--c", str(tmp_path / "m.c"), "--onnx", str(tmp_path / "m.onnx")]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "s"), str(tmp_path / "rows.csv"), "--target", "answer"]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_a_report_compares_a_tree_student_with_its_teacher():
    teacher = LogisticRegression().fit(X, LABELS)
    student = TreeStudentClassifier(8, **QUICK).fit(TransferSet.from_teacher(teacher, X))
    report = compare(student, teacher, X, LABELS, latency_rows=())
    values = {row["measure"]: row["student"] for row in report.measures}
    assert values["parameters"] == student.n_parameters_


def test_parameters_are_searched():
    search = GridSearchCV(TreeStudentClassifier(**QUICK), {"max_leaf_nodes": [2, 8]}, cv=2).fit(FRAME, LABELS)
    assert search.best_params_["max_leaf_nodes"] in (2, 8)
