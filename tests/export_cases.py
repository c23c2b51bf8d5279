"""Students of all kinds of tables, for the tests of the exports: fitted once, on rows quickly made."""

from functools import cache

import numpy as np
import pandas as pd

from compress import StudentClassifier, StudentRegressor, TreeStudentClassifier, TreeStudentRegressor
from compress.students import PeriodicEncoding, PiecewiseLinearEncoding

N = 240
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(N, 4)) * [1, 5, 0.1, 30] + [0, 3, 0, -20]
HOLES = np.where(RNG.random((N, 4)) < 0.1, np.nan, NUMBERS)
INTEGERS = RNG.integers(0, 16, size=(N, 5))
SHOPS = RNG.choice(["Nord", "Süd", 'quo"te\\', "", "*/ end"], N)
BEYOND = np.vstack([HOLES, 9 * HOLES])  # many of them leave the range of the training rows
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(17, 90, N),
        "hours-per-week": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(40, 10, N)),
        "far away": 1e9 + RNG.normal(size=N),  # float32 would lose it
        "colour": RNG.choice(np.array(["red", "green", "blue", None], dtype=object), N),
        "shop": pd.Categorical(SHOPS),
        "town": [f"t{i}" for i in RNG.integers(0, 90, N)],  # an embedding
        "flag": RNG.random(N) < 0.4,
        "maybe": pd.array(RNG.choice(np.array([True, False, None], dtype=object), N), dtype="boolean"),
        "code": RNG.integers(-3, 4, N) * 10**12,
        "grade": RNG.choice([0.1, 0.25, np.nan, 7.0], N),
        "small": RNG.integers(0, 100, N).astype(np.int8),
        "int": pd.array(RNG.choice(np.array([1, 2, None], dtype=object), N), dtype="Int32"),
    }
)
TARGET = np.nan_to_num(NUMBERS[:, 0]) + (FRAME["colour"] == "red") + 0.02 * FRAME["age"].to_numpy()
CLASSES = np.digitize(TARGET, np.quantile(TARGET, [0.3, 0.6]))
KINDS = {"code": "nominal", "grade": "nominal"}
QUICK = {"max_epochs": 4, "random_state": 0}
CUTS = {"encoding": PiecewiseLinearEncoding()}
TREES = {"max_iter": 12, "min_samples_leaf": 5}
STRINGS = np.array(["a", "bc", "d"])

CASES = {
    "numbers": lambda: (StudentClassifier((8,), **QUICK), NUMBERS, CLASSES > 1),
    "float32": lambda: (StudentClassifier((8,), **QUICK), NUMBERS.astype(np.float32), CLASSES),
    "missing": lambda: (StudentClassifier((8,), **QUICK), HOLES, STRINGS[CLASSES]),
    "integers": lambda: (StudentClassifier((8, 6), **QUICK), INTEGERS, CLASSES),
    "declared": lambda: (StudentClassifier((8,), schema={1: "nominal", 3: "nominal"}, **QUICK), INTEGERS, CLASSES),
    "far": lambda: (StudentClassifier((8,), **QUICK), NUMBERS * 1e-3 + 1e6, CLASSES),
    "wild": lambda: (StudentClassifier((8,), **QUICK), NUMBERS * [1e-30, 1, 1e25, 1], CLASSES),
    "strings": lambda: (StudentClassifier((8,), **QUICK), np.column_stack([SHOPS, STRINGS[CLASSES]]), CLASSES),
    "objects": lambda: (
        StudentClassifier((8,), **QUICK),
        np.column_stack([SHOPS.astype(object), NUMBERS[:, :1].astype(object)]),
        CLASSES,
    ),
    "frame": lambda: (StudentClassifier((8,), schema=KINDS, **QUICK), FRAME, STRINGS[CLASSES]),
    "factored": lambda: (
        StudentClassifier((64,), schema=KINDS, embedding_size=2, bottleneck=3, **QUICK),
        FRAME,
        CLASSES > 1,
    ),
    "periodic": lambda: (
        StudentClassifier((8,), encoding=PeriodicEncoding(2), schema=KINDS, **QUICK),
        FRAME,
        STRINGS[CLASSES],
    ),
    "periodic, of numbers": lambda: (
        StudentRegressor((8, 6), encoding=PeriodicEncoding(3), **QUICK),
        HOLES,
        NUMBERS[:, 0],
    ),
    "periodic, far": lambda: (
        StudentClassifier((8,), encoding=PeriodicEncoding(1), bottleneck=4, **QUICK),
        NUMBERS * 1e-3 + 1e6,
        CLASSES > 1,
    ),
    "periodic, wild": lambda: (
        StudentClassifier((8,), encoding=PeriodicEncoding(2), **QUICK),
        NUMBERS * [1e-30, 1, 1e25, 1],
        CLASSES,
    ),
    "periodic, of nothing": lambda: (
        StudentClassifier((5,), encoding=PeriodicEncoding(2), **QUICK),
        FRAME[["colour", "shop"]],
        CLASSES,
    ),
    "cuts": lambda: (StudentClassifier((8,), schema=KINDS, **CUTS, **QUICK), FRAME, STRINGS[CLASSES]),
    "cuts, of numbers": lambda: (StudentRegressor((8, 6), **CUTS, **QUICK), HOLES, NUMBERS[:, 0]),
    "cuts, float32": lambda: (StudentClassifier((8,), **CUTS, **QUICK), NUMBERS.astype(np.float32), CLASSES > 1),
    "cuts, at quantiles": lambda: (
        StudentClassifier((8,), encoding=PiecewiseLinearEncoding(40, cuts="quantile"), **QUICK),
        INTEGERS,
        CLASSES,
    ),
    "cuts, factored": lambda: (
        StudentClassifier((64,), schema=KINDS, embedding_size=2, bottleneck=3, **CUTS, **QUICK),
        FRAME,
        CLASSES > 1,
    ),
    "cuts, of some columns": lambda: (
        StudentClassifier((8,), **CUTS, **QUICK),
        np.column_stack([HOLES, CLASSES > 0, np.ones(N)]),
        CLASSES,
    ),
    "cuts, far": lambda: (StudentClassifier((8,), **CUTS, **QUICK), NUMBERS * 1e-3 + 1e6, CLASSES > 1),
    "cuts, wild": lambda: (StudentClassifier((8,), **CUTS, **QUICK), NUMBERS * [1e-30, 1, 1e25, 1], CLASSES),
    "cuts, of heavy tails": lambda: (StudentClassifier((8,), **CUTS, **QUICK), np.exp(9 * NUMBERS[:, :2]), CLASSES),
    "cuts, of nothing": lambda: (StudentClassifier((5,), **CUTS, **QUICK), FRAME[["colour", "shop"]], CLASSES),
    "additive": lambda: (StudentClassifier((), schema=KINDS, **CUTS, **QUICK), FRAME, CLASSES > 1),
    "additive, classes": lambda: (StudentClassifier((), schema=KINDS, **CUTS, **QUICK), FRAME, STRINGS[CLASSES]),
    "additive, outputs": lambda: (StudentRegressor((), **CUTS, **QUICK), HOLES, 1e4 * NUMBERS[:, :2]),
    "additive, far values": lambda: (StudentRegressor((), **CUTS, **QUICK), FRAME[["age", "shop"]], 1e6 + TARGET),
    "linear": lambda: (StudentClassifier((), **QUICK), FRAME[["age", "colour"]], CLASSES > 1),
    "nominal": lambda: (StudentClassifier((5,), **QUICK), FRAME[["colour", "shop"]], CLASSES),
    "empty": lambda: (
        StudentClassifier((5,), **QUICK),
        pd.DataFrame({"void": np.full(N, None, dtype=object), "age": FRAME["age"]}),
        CLASSES,
    ),
    "regression": lambda: (StudentRegressor((8,), activation="gelu", **QUICK), FRAME[["age", "shop"]], TARGET),
    "outputs": lambda: (StudentRegressor((8,), activation="silu", **QUICK), NUMBERS, 1e4 * NUMBERS[:, :2]),
    "tanh": lambda: (StudentRegressor((8,), activation="tanh", **QUICK), HOLES, NUMBERS[:, 0]),
    "logistic": lambda: (StudentClassifier((8,), activation="logistic", **QUICK), HOLES, CLASSES * 1.0),
    "trees, numbers": lambda: (TreeStudentClassifier(8, **TREES), NUMBERS, CLASSES > 1),
    "trees, float32": lambda: (TreeStudentClassifier(40, **TREES), NUMBERS.astype(np.float32), CLASSES),
    "trees, missing": lambda: (TreeStudentClassifier(8, **TREES), HOLES, STRINGS[CLASSES]),
    "trees, integers": lambda: (TreeStudentClassifier(8, **TREES), INTEGERS, CLASSES),
    "trees, declared": lambda: (
        TreeStudentClassifier(8, schema={1: "nominal", 3: "nominal"}, **TREES),
        INTEGERS,
        CLASSES,
    ),
    "trees, far": lambda: (TreeStudentClassifier(8, **TREES), NUMBERS * 1e-3 + 1e6, CLASSES),
    "trees, wild": lambda: (TreeStudentClassifier(8, **TREES), NUMBERS * [1e-30, 1, 1e25, 1e200], CLASSES),
    "trees, strings": lambda: (
        TreeStudentClassifier(8, **TREES),
        np.column_stack([SHOPS, STRINGS[CLASSES]]),
        CLASSES > 0,
    ),
    "trees, objects": lambda: (
        TreeStudentClassifier(8, **TREES),
        np.column_stack([SHOPS.astype(object), NUMBERS[:, :1].astype(object)]),
        CLASSES,
    ),
    "trees, frame": lambda: (TreeStudentClassifier(8, schema=KINDS, **TREES), FRAME, STRINGS[CLASSES]),
    "trees, nominal": lambda: (TreeStudentClassifier(8, **TREES), FRAME[["colour", "shop", "town"]], CLASSES),
    "trees, empty": lambda: (
        TreeStudentClassifier(5, **TREES),
        pd.DataFrame({"void": np.full(N, None, dtype=object), "age": FRAME["age"]}),
        CLASSES,
    ),
    "trees, no split": lambda: (TreeStudentClassifier(5), FRAME[["shop", "age"]].head(9), CLASSES[:9]),
    "trees, of values": lambda: (TreeStudentRegressor(8, **TREES), FRAME[["age", "shop", "far away"]], TARGET),
    "trees, outputs": lambda: (TreeStudentRegressor(8, **TREES), HOLES, 1e4 * NUMBERS[:, :2] + 1e7),
}
# those of DataFrames, for which `strange` makes rows
STRANGE = ["frame", "factored", "nominal", "regression", "linear", "empty", "trees, frame", "trees, nominal"]
STRANGE += ["trees, empty", "trees, of values"]


@cache
def fitted(case):
    """(student, table, predictions, tolerance) of one of the cases."""
    student, table, y = CASES[case]()
    student.fit(table, y)
    return student, table, *expected(student, table)


ENCODED = ("cuts", "cuts, factored", "additive", "additive, classes")
STRANGE = ("frame", "factored", "nominal", "regression", "linear", "empty", "cuts", "cuts, factored", "additive")


def expected(student, table):
    """The student's predictions, of two dimensions, and how far others may be from them."""
    if hasattr(student, "classes_"):
        return student.predict_proba(table), 1e-5
    values = student.predict(table)
    return values.reshape(len(values), -1), 1e-5 * max(1.0, float(np.std(values)))


def unbounded(student):
    """A student as a file of an older version gives it, whose numbers have no bounds; the student is changed."""
    student.module_.inputs.hold(student.schema_, None)
    student._predictor = student.predictor(np.float64)
    return student


def strange(table):
    """Ten rows with missing values everywhere, numbers beyond the training range, and categories never seen."""
    rows = table.head(10).copy()
    for j, name in enumerate(rows.columns):
        dtype = str(rows[name].dtype)
        if dtype == "bool":
            continue
        numeric = dtype.lower().startswith(("int", "float"))
        rows[name] = rows[name].astype("float64" if numeric and dtype != "Int32" else object)
        if numeric and name not in KINDS:
            rows.iloc[(j + 7) % 10, j], rows.iloc[(j + 8) % 10, j] = 10**6, -(10**6)
        rows.iloc[j % 10, j] = rows.iloc[(j + 3) % 10, j] = None
        if name in ("colour", "shop", "town"):
            rows.iloc[(j + 5) % 10, j] = "never seen"
        if name in KINDS:
            rows.iloc[(j + 5) % 10, j] = 77
    return rows
