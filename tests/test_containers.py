"""The front door for tables: whatever container they come in, names are kept and the container comes back."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from compress import (
    MUNGE,
    CompressedClassifier,
    EnsembleTeacherClassifier,
    StudentClassifier,
    TransferSet,
    load_student,
)
from compress.distill import DistilledClassifier, DualDNNClassifier, RocketClassifier
from compress.export import onnx_inputs
from compress.generators import Interpolation, MarginalSampler, NaiveBayesEstimation
from compress.report import compare
from compress.schema import Schema, as_table, pandas_of, stack_tables, take
from compress.students import NetClassifier

pl = pytest.importorskip("polars")
N = 200
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(N, 3))
TEXT = np.where(NUMBERS[:, 1] > 0, "up", "down")
Y = np.where(NUMBERS[:, 0] > 0, "yes", "no")
QUICK = {"max_epochs": 20, "random_state": 0}


def plain():
    return pd.DataFrame(NUMBERS, columns=["a", "b", "c"])


def mixed():
    """A polars table with a column of each dtype, missing values where they can be."""

    def holes(values, every):
        return [None if i % every == 0 else v for i, v in enumerate(values)]

    return pl.DataFrame(
        {
            "float": NUMBERS[:, 0],
            "float32": pl.Series(holes(NUMBERS[:, 1].tolist(), 7), dtype=pl.Float32),
            "int": range(N),
            "uint8": pl.Series(holes(range(N), 9), dtype=pl.UInt8),
            "text": holes(TEXT.tolist(), 11),
            "category": pl.Series(TEXT.tolist()).cast(pl.Categorical),
            "enum": pl.Series(TEXT.tolist()).cast(pl.Enum(["up", "down", "level"])),
            "bool": NUMBERS[:, 2] > 0,
            "maybe": holes((NUMBERS[:, 2] > 0).tolist(), 5),
            "decimal": pl.Series(range(N)).cast(pl.Decimal(10, 2)),
        }
    )


CONTAINERS = {
    "polars": mixed,
    "arrow": lambda: mixed().drop("enum").to_arrow(),
    "pandas of Arrow": lambda: mixed().drop("enum").to_arrow().to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, nullable": lambda: mixed().drop("enum").to_pandas().convert_dtypes(),
}
SAME = {
    "polars": lambda: pl.DataFrame({name: plain()[name].to_numpy() for name in plain()}),
    "arrow": lambda: pa.Table.from_pandas(plain(), preserve_index=False),
    "pandas": plain,
    "records": lambda: plain().to_dict("records"),
    "structured array": lambda: plain().to_records(index=False),
}


def dtypes(table):
    return list(table.schema.items()) if hasattr(table, "clear") else getattr(table, "schema", None) or table.dtypes


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_dtype_comes_back_in_its_container(container):
    X = CONTAINERS[container]()
    schema = Schema().fit(X)
    back = schema.decode(*schema.encode(X))
    assert type(back) is type(X)
    assert back.equals(X)


@pytest.mark.parametrize("generator", [MUNGE, MarginalSampler, NaiveBayesEstimation, Interpolation])
@pytest.mark.parametrize("container", CONTAINERS)
def test_generated_rows_have_the_container_and_the_dtypes_of_the_table(generator, container):
    X = CONTAINERS[container]()
    made = generator(random_state=0).fit(X)
    rows = made.sample(300)
    assert type(rows) is type(X) and len(rows) == 300
    same = dtypes(rows) == dtypes(X)
    assert same if isinstance(same, bool) else same.all()
    assert type(next(made.iter_batches(50, 20))) is type(X)


def test_whole_numbers_that_are_not_rounded_come_back_as_fractions():
    X = pl.DataFrame({"a": range(20), "b": range(20)})
    rows = MUNGE(p=0.5, round_integers=False, random_state=0).fit(X).sample(40)
    assert rows.dtypes == [pl.Float64, pl.Float64]


@pytest.mark.parametrize("container", SAME)
def test_names_are_kept_and_the_same_rows_give_the_same_student(container):
    expected = StudentClassifier((8,), **QUICK).fit(plain(), Y).predict_proba(plain())
    X = SAME[container]()
    student = StudentClassifier((8,), **QUICK).fit(X, Y)
    assert student.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(student.predict_proba(X), expected)
    for other in SAME.values():
        np.testing.assert_array_equal(student.predict_proba(other()), expected)
    np.testing.assert_allclose(student.predictor()(X), expected, atol=1e-6)


@pytest.mark.parametrize("container", ["polars", "arrow", "pandas"])
def test_columns_in_another_order_are_refused_everywhere(container):
    X, names = SAME[container](), ["c", "b", "a"]
    turned = X[names] if container == "pandas" else X.select(names)
    student = StudentClassifier((4,), max_epochs=1).fit(X, Y)
    model = CompressedClassifier(
        RandomForestClassifier(3), generator=MUNGE(), student=StudentClassifier((4,), max_epochs=1), size_multiplier=2
    ).fit(X, Y)
    nets = NetClassifier(lambda n_inputs, n_outputs: __import__("torch").nn.Linear(n_inputs, n_outputs), max_epochs=1)
    teacher = EnsembleTeacherClassifier([RandomForestClassifier(3)]).fit(X, Y)
    for predict in (student.predict_proba, model.predict, nets.fit(X, Y).predict, teacher.predict):
        with pytest.raises(ValueError, match="same order"):
            predict(turned)
    for predict in (student.predictor(), model.predictor(), nets.predictor()):
        with pytest.raises(ValueError, match="seen in fit"):
            predict(turned)
    with pytest.raises(ValueError, match="same order"):
        StudentClassifier((4,), max_epochs=1).fit(X, Y, X_val=turned, y_val=Y)


def test_rows_as_dicts_are_read_by_their_keys_in_any_order():
    rows = plain().to_dict("records")
    student = StudentClassifier((8,), **QUICK).fit(rows, Y)
    turned = [dict(reversed(row.items())) for row in rows[:5]]
    np.testing.assert_array_equal(student.predict_proba(turned), student.predict_proba(rows[:5]))
    with pytest.raises(ValueError, match="missing"):
        student.predict([{"a": 1.0, "b": 2.0}])


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_student_of_any_container_predicts_the_same_after_loading(container, tmp_path):
    X = CONTAINERS[container]()
    student = StudentClassifier((8,), **QUICK).fit(X, Y)
    student.save(tmp_path / "student")
    loaded = load_student(tmp_path / "student")
    np.testing.assert_array_equal(loaded.predict_proba(X), student.predict_proba(X))
    np.testing.assert_allclose(student.predict_proba(take(X, slice(0, 3))), student.predict_proba(X)[:3], atol=1e-12)
    assert len(onnx_inputs(student, X)) == pandas_of(X).shape[1]


class ByName(RandomForestClassifier):
    """A forest that remembers what it was asked with."""

    def fit(self, X, y, sample_weight=None):
        self.containers_ = [type(X)]
        return super().fit(np.asarray(X[["a", "b"]]), y)

    def predict_proba(self, X):
        self.containers_.append(type(X))
        return super().predict_proba(np.asarray(X[["a", "b"]]))


@pytest.mark.parametrize("container", ["polars", "pandas"])
def test_a_teacher_gets_the_container_it_was_fitted_on_and_the_transfer_set_keeps_it(container):
    X = SAME[container]()
    model = CompressedClassifier(
        ByName(10, random_state=0),
        generator=MUNGE(p=0.2),
        student=StudentClassifier((16,), **QUICK),
        size_multiplier=5,
        keep_transfer_set=True,
        random_state=0,
    ).fit(X, Y, X_unlabeled=SAME["arrow"]())
    assert set(model.teacher_.containers_) == {type(X)}
    assert type(model.transfer_set_.X) is type(X) and len(model.transfer_set_) == 5 * N
    assert model.score(X, Y) > 0.9


def test_a_teacher_that_does_not_take_the_container_gets_pandas():
    class PandasOnly:
        def __init__(self, forest):
            self.forest, self.classes_ = forest, forest.classes_

        def predict_proba(self, X):
            return self.forest.predict_proba(X.loc[:, ["a", "b", "c"]])

    teacher = PandasOnly(RandomForestClassifier(5, random_state=0).fit(plain(), Y))
    found = TransferSet.from_teacher(teacher, SAME["polars"]()).targets
    np.testing.assert_array_equal(found, TransferSet.from_teacher(teacher, plain()).targets)


def test_a_pipeline_finds_its_columns_in_polars_and_arrow():
    pipeline = make_pipeline(
        ColumnTransformer([("text", OrdinalEncoder(), ["category"]), ("number", "passthrough", ["float", "int"])]),
        RandomForestClassifier(10, random_state=0),
    )
    student = StudentClassifier((16,), **QUICK)
    for X in (mixed(), mixed().drop("enum").to_arrow()):
        model = CompressedClassifier(pipeline, generator=MUNGE(p=0.2), student=student, size_multiplier=5)
        assert model.fit(X, Y).score(X, Y) > 0.9


@pytest.mark.parametrize("container", ["polars", "arrow", "records"])
def test_distillers_take_any_container(container):
    X = SAME[container]()
    distilled = DistilledClassifier(RandomForestClassifier(10, random_state=0), StudentClassifier((8,), **QUICK))
    assert distilled.fit(X, Y, X_unlabeled=plain()).score(X, Y) > 0.8
    for net in (
        RocketClassifier((8,), (4,), (8,), batch_size=20, learning_rate=0.02, random_state=0),
        DualDNNClassifier((8,), batch_size=20, learning_rate=0.02, max_epochs=30, random_state=0),
    ):
        assert net.fit(X, Y).score(plain(), Y) > 0.8


def test_a_report_takes_any_container():
    forest = RandomForestClassifier(5, random_state=0).fit(plain(), Y)
    student = StudentClassifier((8,), **QUICK).fit(plain(), Y)
    expected = compare(student, forest, plain(), Y, latency_rows=()).value("agreement")
    for X in (SAME["polars"](), SAME["records"]()):
        assert compare(student, forest, X, Y, latency_rows=(2,)).value("agreement") == expected


def test_tables_of_several_containers_are_stacked_in_the_first_one():
    first, second = SAME["polars"](), plain()
    assert stack_tables(first, second).equals(pl.concat([first, first]))
    assert stack_tables(SAME["arrow"](), first).num_rows == 2 * N
    assert len(stack_tables(second, SAME["arrow"]())) == 2 * N
    with pytest.raises(ValueError, match="must have the columns of X"):
        stack_tables(first, second[["b", "a", "c"]])
    whole, fractions = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [0.5]})
    assert stack_tables(whole, fractions)["a"].to_list() == [1, 2, 0.5]


def test_rows_are_taken_from_any_container():
    expected = plain().iloc[[1, 5]].to_numpy()
    for rows in ([1, 5], np.arange(N) % N == 1, slice(1, 6, 4)):
        for container in ("polars", "arrow"):
            taken = pandas_of(take(SAME[container](), rows)).to_numpy()
            np.testing.assert_array_equal(taken, expected[: len(taken)])


# ------------------------------------------------------------------ what is refused
def everything(X):
    """The doors of the library, each with X."""
    student = StudentClassifier((4,), max_epochs=1).fit(NUMBERS, Y)
    forest = RandomForestClassifier(3).fit(NUMBERS, Y)
    return {
        "student": lambda: StudentClassifier((4,)).fit(X, Y),
        "validation": lambda: StudentClassifier((4,)).fit(NUMBERS, Y, X_val=X, y_val=Y),
        "predict": lambda: student.predict(X),
        "predictor": lambda: student.predictor()(X),
        "generator": lambda: MUNGE().fit(X),
        "schema": lambda: Schema().fit(X),
        "compressor": lambda: CompressedClassifier(RandomForestClassifier()).fit(X, Y),
        "unlabelled": lambda: CompressedClassifier(RandomForestClassifier()).fit(NUMBERS, Y, X_unlabeled=X),
        "teacher": lambda: EnsembleTeacherClassifier("small").fit(X, Y),
        "transfer set": lambda: TransferSet.from_teacher(forest, X),
        "distiller": lambda: DistilledClassifier(forest).fit(X, Y),
        "rocket": lambda: RocketClassifier().fit(X, Y),
        "report": lambda: compare(student, forest, X),
    }


DOORS = list(everything(NUMBERS))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array"])
def test_sparse_tables_are_refused_at_every_door(door, kind):
    with pytest.raises(TypeError, match=r"sparse (matrix|array). Use X.toarray\(\)"):
        everything(getattr(sparse, kind)(NUMBERS))[door]()


@pytest.mark.parametrize("door", ["student", "generator", "compressor", "teacher", "transfer set", "distiller"])
def test_tables_that_are_not_in_memory_are_refused(door):
    with pytest.raises(TypeError, match="collect"):
        everything(SAME["polars"]().lazy())[door]()


@pytest.mark.parametrize("door", ["student", "generator", "compressor", "teacher", "distiller", "rocket", "schema"])
@pytest.mark.parametrize(
    "columns, message",
    [
        (pd.MultiIndex.from_product([["x"], ["p", "q", "r"]]), "MultiIndex of 2 levels. Join the levels"),
        (pd.date_range("2020-01-01", periods=3), r"got Timestamp\(.*X.columns.map\(str\)"),
        (pd.Index(["a", "b", None]), "strings or numbers, got"),
        (pd.Index([("a", 1), ("a", 2), "b"], tupleize_cols=False), "strings or numbers, got"),
    ],
)
def test_names_that_no_file_can_hold_are_refused_before_any_work(door, columns, message):
    with pytest.raises(TypeError, match=message):
        everything(plain().set_axis(columns, axis=1))[door]()


@pytest.mark.parametrize(
    "X, error, message",
    [
        (plain()["a"], ValueError, "Expected 2D array.*a Series"),
        (SAME["polars"]()["a"], ValueError, "Expected 2D array.*a Series"),
        (pa.table([[1, 2], [3, 4]], names=["a", "a"]), ValueError, "unique column names, got 'a'"),
        (pl.DataFrame({"when": [1, 2, 3]}).cast(pl.Date), TypeError, "column 'when' has dtype Date: dates"),
        (pl.DataFrame({"list": [[1], [2]]}), TypeError, "column 'list'"),
        (pl.DataFrame({"id": [2**60, 1]}), ValueError, "integers beyond 2"),
        (pd.DataFrame({"when": pd.Series([pd.Timestamp(0)], dtype=object)}), TypeError, "'when' holds dates"),
    ],
)
def test_what_is_no_table_of_numbers_and_categories_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        Schema().fit(X)


# ------------------------------------------------------------------ values
def test_decimals_and_fractions_are_numbers():
    X = pd.DataFrame({"price": [Decimal("1.25"), Decimal("2.5"), None] * 20, "n": range(60)})
    schema = Schema().fit(X)
    assert schema.columns_[0].kind == "continuous" and schema.columns_[0].missing
    np.testing.assert_array_equal(schema.encode(X).continuous[:3, 0], [1.25, 2.5, np.nan])
    labels = np.arange(60) % 2
    assert len(StudentClassifier((4,), max_epochs=1).fit(X, labels).predict(X[:1])) == 1
    assert len(MUNGE(random_state=0).fit(X).sample(7)) == 7


def test_masked_values_of_an_array_are_missing():
    X = np.ma.MaskedArray(NUMBERS, mask=NUMBERS > 1)
    np.testing.assert_array_equal(as_table(X), np.where(NUMBERS > 1, np.nan, NUMBERS))


def test_numbers_stay_numbers_in_lists_that_hold_texts_too():
    rows = [[text, number] for text, number in zip(TEXT.tolist(), NUMBERS[:, 0].tolist())]
    student = StudentClassifier((8,), **QUICK).fit(rows, Y)
    assert [column.kind for column in student.schema_.columns_] == ["nominal", "continuous"]
    assert student.predictor()(rows[:2]).shape == (2, 2)


def test_missing_among_objects_is_seen_whatever_stands_for_it():
    for gap in (None, np.nan, pd.NA, Decimal("nan")):
        schema = Schema().fit(pd.DataFrame({"a": pd.Series([1, gap, 2.5], dtype=object)}))
        assert schema.columns_[0].kind == "continuous" and schema.columns_[0].missing
