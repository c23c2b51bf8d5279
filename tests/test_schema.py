"""Schema: what goes in comes out again, and what cannot go in is refused with advice."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from compress.schema import (
    Encoded,
    Schema,
    as_labels,
    as_schema,
    class_codes,
    classification_targets,
    compared_values,
    with_known_categories,
)
from tests.tables import mixed_table


def round_trip(X, kinds=None):
    schema = Schema(kinds).fit(X)
    return schema, schema.decode(*schema.encode(X))


def test_frames_come_back_as_they_were():
    X = mixed_table()
    _, back = round_trip(X)
    pd.testing.assert_frame_equal(back, X)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u8", "?", "U3", "O"])
def test_arrays_come_back_as_they_were(dtype):
    X = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    _, back = round_trip(X)
    np.testing.assert_array_equal(back, X)
    assert back.dtype == X.dtype


def test_missing_values_come_back():
    X = np.array([[1.0, np.nan], [np.nan, 2.0]])
    schema, back = round_trip(X)
    np.testing.assert_array_equal(back, X)
    assert [c.missing for c in schema.columns_] == [True, True]
    schema, back = round_trip(X, {0: "nominal"})
    np.testing.assert_array_equal(back, X)
    assert schema.encode(X).nominal.ravel().tolist() == [0, -1]


def test_kinds():
    schema = Schema().fit(mixed_table())
    kinds = {c.name: c.kind for c in schema.columns_}
    assert [name for name, kind in kinds.items() if kind == "nominal"] == [
        "bool", "boolean", "string", "object", "category", "codes",
    ]  # fmt: skip
    assert Schema({"int64": "nominal"}).fit(mixed_table()).columns_[3].kind == "nominal"


def test_block_is_float32_only_if_that_loses_nothing():
    assert Schema().fit(np.array([[1.0], [2.0**24]])).dtype_ == np.float32
    assert Schema().fit(np.array([[1.0], [2.0**24 + 1]])).dtype_ == np.float64
    assert Schema().fit(np.array([[0.1]])).dtype_ == np.float64
    assert Schema().fit(np.array([[0.1]], dtype=np.float32)).dtype_ == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_whole_numbers_saturate(dtype):
    """Generated values may lie outside; 257 must not become 1."""
    info = np.iinfo(dtype)
    outside = np.array([[-1e30], [1e30]])
    none = np.empty((2, 0), dtype=np.int32)
    array = Schema().fit(np.array([[1], [2]], dtype=dtype)).decode(outside, none)
    frame = Schema().fit(pd.DataFrame({"a": np.array([1, 2], dtype=dtype)})).decode(outside, none)
    for low, high in (array.ravel(), frame["a"]):
        assert low == info.min
        assert info.max - 2048 <= int(high) <= info.max


def test_nullable_whole_numbers_saturate_and_stay_missing():
    X = pd.DataFrame({"a": pd.array([1, None], dtype="Int8")})
    back = Schema().fit(X).decode(np.array([[300.0], [np.nan]]), np.empty((2, 0), dtype=np.int32))
    assert back["a"].tolist() == [127, pd.NA]


def test_whole_numbers_are_rounded_or_left():
    schema = Schema().fit(np.array([[1], [2]]))
    block = np.array([[1.4], [1.6]]), np.empty((2, 0), dtype=np.int32)
    assert schema.decode(*block).ravel().tolist() == [1, 2]
    assert schema.decode(*block, round_integers=False).ravel().tolist() == [1.4, 1.6]


def test_plain_data_and_back():
    schema = Schema().fit(mixed_table())
    again = Schema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert again == schema
    X = mixed_table(seed=1)
    for a, b in zip(again.encode(X, unseen="missing"), schema.encode(X, unseen="missing")):
        np.testing.assert_array_equal(a, b)


def test_as_schema():
    X = np.eye(2)
    fitted = Schema().fit(X)
    assert as_schema(fitted, X) is fitted
    unfitted = Schema({0: "nominal"})
    assert as_schema(unfitted, X).columns_[0].kind == "nominal"
    assert not hasattr(unfitted, "columns_")


def test_take():
    encoded = Encoded(np.eye(3), np.zeros((3, 1), dtype=np.int32))
    assert encoded.take(slice(1, 3)).n_rows == 2


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (sparse.eye(3, format="csr"), TypeError, "sparse matrix. Use X.toarray"),
        (np.array([[1.0, np.inf]]), ValueError, "column 1 must be finite or NaN"),
        (pd.DataFrame({"a": [np.inf, 1.0]}), ValueError, "column 'a' must be finite or NaN"),
        (pd.DataFrame({"t": pd.to_datetime(["2006-08-20"])}), TypeError, "column 't' has dtype datetime"),
        (pd.DataFrame({"a": [2**60 + 1]}), ValueError, r"beyond 2\*\*53.*'nominal'"),
        (pd.DataFrame({"a": [[1], [2]]}), TypeError, "column 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "unique column names"),
        (pd.DataFrame({"a": []}), ValueError, "at least one row"),
    ],
)
def test_what_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        Schema().fit(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a\0b": [1.0]}),
        pd.DataFrame({"c": ["a", "a\0b"]}),
        pd.DataFrame({"c": pd.Categorical(["a"], ["a", "a\0b"])}),
        np.array([["a"], ["a\0b"]]),
        np.array([["a"], ["a\0b"]], dtype=object),
    ],
)
def test_a_nul_in_names_and_categories_is_refused_where_they_are_learned(X):
    with pytest.raises(ValueError, match=r"must have no NUL character.* 'a.*x00b' for 'a': replace it before fit"):
        Schema().fit(X)


def test_wrong_kinds():
    with pytest.raises(ValueError, match="kind of column 0 must be one of"):
        Schema({0: "ordinal"}).fit(np.eye(2))
    with pytest.raises(ValueError, match="there is no column 'z' in X"):
        Schema({"z": "nominal"}).fit(np.eye(2))
    with pytest.raises(ValueError, match="column 'a' must hold numbers, since it is continuous"):
        Schema({"a": "continuous"}).fit(pd.DataFrame({"a": ["x", "y"]}))


def test_unseen_categories():
    schema = Schema().fit(pd.DataFrame({"a": ["x", "y"]}))
    strange = pd.DataFrame({"a": ["z", "x"]})
    with pytest.raises(ValueError, match="column 'a' holds the category 'z'"):
        schema.encode(strange)
    assert schema.encode(strange, unseen="missing").nominal.ravel().tolist() == [-1, 0]


def test_other_columns():
    schema = Schema().fit(np.eye(3))
    with pytest.raises(ValueError, match="must have the 3 columns seen in fit"):
        schema.encode(np.eye(2))


# ------------------------------------------------------------------ labels
LETTERS = ["b", "a", "b", "c"]


@pytest.mark.parametrize(
    "y, expected",
    [
        (LETTERS, LETTERS),
        (pd.Series(LETTERS), LETTERS),
        (pd.Series(LETTERS, dtype="category"), LETTERS),
        (pd.Series(LETTERS, dtype="string"), LETTERS),
        (pd.Series(LETTERS, dtype="string[pyarrow]"), LETTERS),
        (pd.DataFrame({"y": LETTERS}), LETTERS),
        (pa.chunked_array([LETTERS[:1], LETTERS[1:]]), LETTERS),
        (pa.chunked_array([pa.array(LETTERS).dictionary_encode()]), LETTERS),
        (pd.array([2, 0, 1], dtype="Int64"), [2, 0, 1]),
        (pd.Series([2, 0, 1], dtype="int64[pyarrow]"), [2, 0, 1]),
        (pd.array([True, False], dtype="boolean"), [True, False]),
        (np.array([2, 0, 1], dtype=object), [2, 0, 1]),
        (np.array([Decimal("0.5"), Decimal(2)]), [0.5, 2.0]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels_of_any_container_become_an_array_of_their_type(y, expected):
    found = as_labels(y)
    assert found.tolist() == expected
    assert found.dtype.kind in ("OU" if expected == LETTERS else np.array(expected).dtype.kind)


@pytest.mark.parametrize(
    "y, error, message",
    [
        (["a", None, "b"], ValueError, "Input y contains NaN: a label is missing in 1 of 3 rows .first: row 1."),
        (np.array(["a", np.nan], dtype=object), ValueError, "Input y contains NaN"),
        (pd.Series(["a", None], dtype="string"), ValueError, "Input y contains NaN"),
        (np.array(["a", 1], dtype=object), TypeError, "texts only or numbers only, got both: 'int', 'str'"),
        ([["a"], ["b", "c"]], ValueError, "one label for each row, got rows of different lengths"),
        (sparse.csr_matrix(np.eye(3)), TypeError, "Sparse y is not supported"),
    ],
)
def test_labels_that_are_none_are_refused_in_words(y, error, message):
    with pytest.raises(error, match=message):
        as_labels(y)


@pytest.mark.parametrize(
    "classes",
    [["c", "a", "b"], np.array(["b", "c", "a"], dtype=object), [3, 1, 2], [True, False], [0.5, -1.0], [-1, 2.5, 10]],
    ids=str,
)
def test_labels_are_found_among_classes_in_any_order(classes):
    labels = np.random.default_rng(0).choice(np.asarray(classes), 50)
    codes = class_codes(labels, classes)
    assert np.asarray(classes)[codes].tolist() == labels.tolist()


@pytest.mark.parametrize("label", ["1", 3, None, np.nan, "a"])
def test_an_unknown_label_is_named_with_the_classes(label):
    with pytest.raises(ValueError, match=r"y_val holds .*, which is none of the classes \[2, 1\]"):
        class_codes(np.array([1, label], dtype=object), [2, 1], "y_val")
    assert class_codes(np.array([1, label], dtype=object), [2, 1], None).tolist() == [1, -1]


def test_several_targets_are_told_from_soft_labels():
    several = np.array([[1, 1, 0], [0, 1, 0]])
    for y in (several, several.astype(bool), several.astype(float), several * 7):
        with pytest.raises(ValueError, match="several targets do .multilabel, multioutput.. Fit one model for each"):
            classification_targets(y, 2, "Student")
    with pytest.raises(ValueError, match="Divide each row by its sum"):
        classification_targets(several * 0.7, 2, "Student")


def test_values_to_compare_with_are_flat_and_whole():
    values = np.array([1e9 + 0.25, 2.0])
    assert compared_values(values[:, None], 2).tolist() == compared_values(values, 2, n_outputs=1).tolist()
    assert compared_values(values[:, None], 2).dtype == np.float64
    for y, message in ((values[:1], "as many rows"), (np.eye(2), "as many outputs as y, 1"), ([1, np.nan], "NaN")):
        with pytest.raises(ValueError, match=message):
            compared_values(y, 2, "y_val", 1)


def test_further_rows_keep_the_categories_of_the_table():
    X = pd.DataFrame({"text": ["a", "b"], "kind": pd.Categorical(["p", "q"]), "n": [1.0, 2.0]})
    for dtype in ("object", "string", "str"):
        table = X.astype({"text": dtype})
        more = table.assign(text=pd.Series(["b", "new"], dtype=dtype), kind=["new", "p"])
        known = with_known_categories(more, table)
        assert known["text"].isna().tolist() == [False, True] and known["kind"].isna().tolist() == [True, False]
        assert known.dtypes.equals(table.dtypes) and known["n"].tolist() == [1, 2]
    array = np.array([["a", 1.0], ["b", 2.0]], dtype=object)
    assert with_known_categories(np.array([["new", 3.0]], dtype=object), array).tolist() == [[None, 3.0]]
    codes = np.array([[1, 5], [2, 5]])
    assert np.isnan(with_known_categories(np.array([[3, 5]]), codes, {0: "nominal"}).astype(float)).tolist() == [
        [True, False]
    ]
