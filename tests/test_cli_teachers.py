"""Teachers from files: their columns by name, wherever they keep them, and the answers that `label` writes."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from compress import load_student
from compress.cli import main
from compress.teachers import column_categories, column_names
from compress.transfer import answers_frame, split_answers

N = 200
RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"mean radius": RNG.normal(size=N), "b": RNG.normal(size=N), "c": RNG.normal(size=N)})
LABELS = (NUMBERS["mean radius"] > 0).to_numpy()
MIXED = NUMBERS.assign(
    town=pd.Categorical(RNG.choice(["a", "NA", "007"], N)),
    code=pd.Categorical(RNG.integers(3, 7, N)),
)
MIXED_LABELS = (MIXED["town"] == "NA").to_numpy() ^ (MIXED["code"] == 5).to_numpy()


class Catboostlike(ClassifierMixin, BaseEstimator):
    """Keeps names where CatBoost does, and looks at the columns by position."""

    def fit(self, X, y):
        self.feature_names_ = (
            list(map(str, X.columns)) if hasattr(X, "columns") else [str(j) for j in range(X.shape[1])]
        )
        self.classes_ = np.array(["lo", "hi"])
        return self

    def predict_proba(self, X):
        p = (np.asarray(X)[:, 0] > 0) * 1.0
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class CatboostlikeRegressor(RegressorMixin, BaseEstimator):
    """Has `classes_`, which are none, as CatBoost's regressors."""

    classes_ = []

    def fit(self, X, y):
        self.feature_names_ = list(X.columns)
        return self

    def predict(self, X):
        return np.asarray(X)[:, 0]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command in a fresh folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(line):
        code = main(line.split())
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def answers_of(run, teacher, table, ending="csv", options=""):
    """What `label` writes for a teacher and a table, and stderr."""
    joblib.dump(teacher, "t.joblib")
    getattr(table, {"csv": "to_csv", "parquet": "to_parquet"}[ending])(f"t.{ending}", index=False)
    code, out, err = run(f"label t.{ending} --teacher t.joblib --trust-pickle --out l.parquet --overwrite {options}")
    assert code == 0, err
    return pd.read_parquet("l.parquet").filter(like="teacher::").to_numpy(), err


# --------------------------------------------------------------- by name
def test_columns_in_another_order_reach_a_teacher_that_keeps_names_as_catboost_does(run):
    teacher = Catboostlike().fit(NUMBERS, LABELS)
    found, _ = answers_of(run, teacher, NUMBERS[["c", "mean radius", "b"]])
    np.testing.assert_array_equal(found, teacher.predict_proba(NUMBERS))
    found, _ = answers_of(run, make_pipeline(teacher), NUMBERS[["c", "mean radius", "b"]])
    np.testing.assert_array_equal(found, teacher.predict_proba(NUMBERS))
    joblib.dump(teacher, "t.joblib")
    code, _, err = run("label t.csv --drop b --teacher t.joblib --trust-pickle")
    assert code == 1 and "has no column 'b', which the model needs" in err


def test_a_catboost_teacher_gets_its_columns_by_name(run):
    catboost = pytest.importorskip("catboost")
    options = {"iterations": 5, "verbose": 0, "allow_writing_files": False}
    teacher = catboost.CatBoostClassifier(**options).fit(NUMBERS, LABELS)
    found, _ = answers_of(run, teacher, NUMBERS[["c", "mean radius", "b"]])
    np.testing.assert_allclose(found, teacher.predict_proba(NUMBERS), atol=1e-6)
    regressor = catboost.CatBoostRegressor(**options).fit(NUMBERS, NUMBERS["b"])
    found, _ = answers_of(run, regressor, NUMBERS[["c", "mean radius", "b"]])
    np.testing.assert_allclose(found[:, 0], regressor.predict(NUMBERS), atol=1e-5)


def test_a_regressor_with_classes_that_are_none_is_a_regressor(run):
    teacher = CatboostlikeRegressor().fit(NUMBERS, None)
    found, _ = answers_of(run, teacher, NUMBERS[["c", "mean radius", "b"]])
    np.testing.assert_allclose(found[:, 0], NUMBERS["mean radius"], rtol=1e-6)


def test_names_with_spaces_are_found_where_lightgbm_has_underscores(run):
    lightgbm = pytest.importorskip("lightgbm")
    teacher = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1).fit(NUMBERS, LABELS)
    found, _ = answers_of(run, teacher, NUMBERS[["c", "mean radius", "b"]])
    np.testing.assert_allclose(found, teacher.predict_proba(NUMBERS), atol=1e-6)
    NUMBERS.assign(y=LABELS)[["y", "c", "mean radius", "b"]].to_csv("train.csv", index=False)
    line = "fit train.csv --target y --teacher t.joblib --trust-pickle --p 0.2 --size-multiplier 2 --epochs 1 --out s"
    assert run(f"{line} --test train.csv")[0] == 0
    assert load_student("s").feature_names_in_.tolist() == list(NUMBERS)
    result = json.loads(run("evaluate s train.csv --target y --teacher t.joblib --trust-pickle")[1])
    assert result["accuracy"]["teacher"] > 0.9
    code, _, err = run("label t.csv --drop c --teacher t.joblib --trust-pickle")
    assert code == 1 and "has no column 'c'" in err and "np.str_" not in err


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
def test_a_teacher_of_categoricals_answers_csv_as_it_answers_parquet(kind, run):
    library = pytest.importorskip(kind)
    pytest.importorskip("pyarrow")
    if kind == "lightgbm":
        teacher = library.LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1)
    else:
        teacher = library.XGBClassifier(n_estimators=20, enable_categorical=True)
    teacher.fit(MIXED, MIXED_LABELS)
    expected = teacher.predict_proba(MIXED)
    assert ((expected[:, 1] > 0.5) == MIXED_LABELS).mean() > 0.7
    shuffled = MIXED[["code", "c", "town", "mean radius", "b"]]
    for ending in ("csv", "parquet"):
        found, err = answers_of(run, teacher, shuffled, ending)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert "count as missing" not in err
    new = shuffled.assign(town=["Oslo"] + ["a"] * (N - 1))
    assert "'town' holds 1 values that the teacher does not know ('Oslo')" in answers_of(run, teacher, new)[1]


def test_a_teacher_that_cannot_read_the_table_says_so_before_any_work(run):
    class Picky(Catboostlike):
        def predict_proba(self, X):
            raise TypeError("only categoricals, please")

    globals()["Picky"] = Picky  # for pickle
    Picky.__qualname__ = "Picky"
    joblib.dump(Picky().fit(MIXED, LABELS), "t.joblib")
    MIXED.to_csv("t.csv", index=False)
    code, _, err = run("label t.csv --teacher t.joblib --trust-pickle")
    assert code == 1 and "cannot answer the rows of t.csv: only categoricals, please" in err
    assert "CSV does not keep them: write the table as Parquet." in err


def test_the_numbered_columns_of_an_array_are_found_in_any_order(run):
    array = NUMBERS.to_numpy()
    teacher = RandomForestRegressor(5, random_state=0).fit(array, array[:, 0])
    found, _ = answers_of(run, teacher, pd.DataFrame(array)[[2, 0, 1]])
    np.testing.assert_allclose(found[:, 0], teacher.predict(array), rtol=1e-6)


def test_names_are_read_from_what_each_library_has():
    forest = RandomForestClassifier(2)
    assert column_names(forest.fit(NUMBERS, LABELS)) == list(NUMBERS)
    assert column_names(forest.fit(NUMBERS.to_numpy(), LABELS)) is None
    assert column_names(Catboostlike().fit(NUMBERS, LABELS)) == list(NUMBERS)
    assert column_names(Catboostlike().fit(NUMBERS.to_numpy(), LABELS)) is None  # CatBoost calls them 0, 1, 2
    assert column_names(make_pipeline(StandardScaler(), forest).fit(NUMBERS, LABELS)) == list(NUMBERS)
    assert column_names(object()) is None and column_categories(forest) == {}
    assert all(type(name) is str for name in column_names(forest.fit(NUMBERS, LABELS)))


# --------------------------------------------------------------- answers
CLASSES = {
    "text like numbers": np.array(["007", "010", "1_000"]),
    "numbers": np.array([7, 10, 1000]),
    "floats": np.array([1.0, 2.0, 40.0]),
    "booleans": np.array([False, True]),
    "odd text": np.array(["a::b", "", "x,\n\"y'"]),
    "words for missing": np.array(["NA", "None", "nan"]),
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("case", CLASSES)
def test_classes_keep_their_spelling_from_label_to_fit(case, ending, run):
    pytest.importorskip("pyarrow")
    classes = CLASSES[case]
    y = classes[np.arange(N) % len(classes)]
    teacher = RandomForestClassifier(2, random_state=0).fit(NUMBERS, y)
    joblib.dump(teacher, "t.joblib")
    NUMBERS.to_csv("t.csv", index=False)
    assert run(f"label t.csv --teacher t.joblib --trust-pickle --out l.{ending}")[0] == 0
    code, _, err = run(f"fit l.{ending} --taught --epochs 1 --hidden 4 --out s")
    assert code == 0, err
    student = load_student("s")
    assert student.classes_.tolist() == teacher.classes_.tolist()
    assert student.classes_.dtype.kind == teacher.classes_.dtype.kind
    assert student.feature_names_in_.tolist() == list(NUMBERS)


def test_features_called_like_answers_stay_features(run):
    X = NUMBERS.rename(columns={"b": "probability_of_rain", "c": "prediction"})
    teacher = RandomForestClassifier(2, random_state=0).fit(X, np.where(LABELS, "wet", "dry"))
    joblib.dump(teacher, "t.joblib")
    X.to_csv("t.csv", index=False)
    assert run("label t.csv --teacher t.joblib --trust-pickle --out l.csv")[0] == 0
    assert run("fit l.csv --taught --epochs 1 --hidden 4 --out s")[0] == 0
    assert load_student("s").classes_.tolist() == ["dry", "wet"]
    assert load_student("s").feature_names_in_.tolist() == list(X)


def test_a_feature_may_not_be_called_as_an_answer(run):
    pd.DataFrame({"a": np.arange(9.0), "teacher::value": 1.0, "y": 1.0}).to_csv("t.csv", index=False)
    for command in ("generate t.csv --rows 3", "fit t.csv --target y --out s"):
        code, _, err = run(command)
        assert code == 1 and "has the column 'teacher::value', as `label` calls a teacher's answers" in err
    assert run("generate t.csv --drop teacher::value --rows 3")[0] == 0


TEXT = "teacher::probability::text::"
BAD_ANSWERS = {
    "above 1": ({f"{TEXT}a": [3.0, 0.5], f"{TEXT}b": [4.0, 0.5]}, "row 1 has [3.0, 4.0], of sum 7"),
    "below 0": ({f"{TEXT}a": [0.5, -0.5], f"{TEXT}b": [0.5, 1.5]}, "row 2 has [-0.5, 1.5]"),
    "missing": ({f"{TEXT}a": [0.5, None], f"{TEXT}b": [0.5, 0.5]}, "missing or infinite in 1 rows, the first of them"),
    "text": ({f"{TEXT}a": ["x", "0.5"], f"{TEXT}b": [0.5, 0.5]}, "a teacher's answers must be numbers"),
    "one class": ({f"{TEXT}a": [1.0, 1.0]}, "at least 2 different classes"),
    "two kinds": ({f"{TEXT}a": [1.0, 1.0], "teacher::value": [1.0, 2.0]}, "no answer of `label` is called"),
    "no type": ({"teacher::probability::a": [1.0, 1.0]}, "no answer of `label` is called"),
    "no number": ({"teacher::probability::int::1_0": [1.0, 1.0]}, "no answer of `label` is called"),
    "typing error": ({"teacher::probabilities": [1.0, 1.0]}, "no answer of `label` is called"),
    "nothing": ({"b": [1.0, 1.0]}, "it is not a table with a teacher's answers"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_answers_that_are_none_are_refused(case, run):
    columns, message = BAD_ANSWERS[case]
    pd.DataFrame({"x": [1.0, 2.0], **columns}).to_csv("t.csv", index=False)
    code, out, err = run("fit t.csv --taught --epochs 1 --out s")
    assert (code, out) == (1, "") and message in err


def test_answers_of_several_outputs_come_back():
    targets = np.arange(6.0).reshape(3, 2)
    columns, found, classes = split_answers(answers_frame(targets, None), "t")
    assert columns == ["teacher::value::0", "teacher::value::1"] and classes is None
    np.testing.assert_array_equal(found, targets)
