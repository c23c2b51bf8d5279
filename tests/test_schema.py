"""Schema: what goes in comes out again, and what cannot go in is refused with advice."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from compress.schema import Encoded, Schema, as_schema
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
