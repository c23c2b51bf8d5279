"""The NumPy predictor computes what the torch module computes."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from compress import StudentClassifier, StudentRegressor
from compress.export import NumpyPredictor, all_finite
from compress.nets import ACTIVATIONS, MLP, Periodic, TableNet, TabularInput
from compress.schema import Schema

OUTPUTS = {"sigmoid": 1, "softmax": 3, "identity": 2}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 700  # more rows than one chunk of the predictor
    X = pd.DataFrame(
        {
            "a": 1e6 + rng.normal(size=n),
            "b": rng.normal(size=n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "town": [f"t{i}" for i in rng.integers(0, 30, n)],
        }
    )
    X.loc[::5, "b"] = np.nan
    X.loc[::9, "colour"] = None
    return X


def net(X, output_activation, **options):
    """An untrained net with uncommon statistics of batch norm and a unit of its own for the outputs."""
    torch.manual_seed(0)
    schema = Schema().fit(X)
    inputs = TabularInput.from_encoded(schema.encode(X), schema, max_one_hot=10, embedding_size=4)
    module = TableNet(
        inputs, MLP(inputs.n_outputs, (12, 7), OUTPUTS[output_activation], **options), OUTPUTS[output_activation]
    )
    module.output_scale.uniform_(0.5, 2)
    module.output_mean.uniform_(-1, 1)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.running_mean.uniform_(-1, 1)
            part.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(part.weight, 0.5, 2)
    return module.eval(), schema


def expected(module, schema, output_activation, X):
    continuous, nominal = schema.encode(X, unseen="missing")
    with torch.no_grad():
        z = module(torch.from_numpy(continuous), torch.from_numpy(nominal))
    if output_activation == "sigmoid":
        return torch.cat([1 - z.sigmoid(), z.sigmoid()], dim=1).numpy()
    return (z.softmax(dim=1) if output_activation == "softmax" else z).numpy()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(frame, activation):
    module, schema = net(frame, "softmax", activation=activation)
    predictor = NumpyPredictor(module, schema, "softmax")
    assert_allclose(predictor(frame), expected(module, schema, "softmax", frame), atol=2e-6)


@pytest.mark.parametrize("output_activation", OUTPUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_output_activation_in_both_precisions(frame, output_activation, dtype):
    module, schema = net(frame, output_activation)
    result = NumpyPredictor(module, schema, output_activation, dtype)(frame)
    assert result.dtype == dtype
    assert_allclose(result, expected(module, schema, output_activation, frame), atol=5e-6)


@pytest.mark.parametrize("options", [{"batch_norm": True}, {"bottleneck": 3}, {"batch_norm": True, "bottleneck": 3}])
def test_batch_norm_and_bottleneck_are_folded_in(frame, options):
    module, schema = net(frame, "identity", **options)
    assert_allclose(
        NumpyPredictor(module, schema, "identity")(frame), expected(module, schema, "identity", frame), atol=5e-6
    )


def test_waves_of_continuous_columns(frame):
    schema = Schema().fit(frame)
    module, schema = net(frame, "softmax", periodic=Periodic(len(schema.continuous_), 3))
    result = NumpyPredictor(module, schema, "softmax")(frame)
    assert_allclose(result, expected(module, schema, "softmax", frame), atol=5e-6)


def test_a_linear_model():
    X = np.random.default_rng(0).normal(size=(20, 3))
    student = StudentClassifier((), max_epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    assert_allclose(student.predictor()(X), student.predict_proba(X), atol=1e-6)


def test_missing_values_and_unseen_categories(frame):
    # also in columns that had none missing in training: the mean, and no category at all
    strange = frame.head(6).copy()
    strange.loc[0, "a"] = strange.loc[1, "b"] = np.nan
    strange.loc[2, "colour"], strange.loc[3, "town"] = "violet", "nowhere"
    strange.loc[4, "colour"], strange.loc[5, "town"] = None, None
    module, schema = net(frame, "softmax")
    result = NumpyPredictor(module, schema, "softmax")(strange)
    assert np.isfinite(result).all()
    assert_allclose(result, expected(module, schema, "softmax", strange), atol=2e-6)


def test_numeric_arrays_take_the_short_way_to_the_same_result():
    X = np.random.default_rng(0).normal(size=(50, 4))
    student = StudentClassifier((8,), max_epochs=2, random_state=0).fit(X, np.arange(50) % 3)
    predictor = student.predictor()
    assert predictor.quickly_encoded(X) is not None
    assert_allclose(predictor(X), student.predict_proba(X), atol=1e-6)
    assert_allclose(predictor(X.astype(np.float32)), predictor(X), atol=1e-5)


@pytest.mark.parametrize("n_rows", [1, 3, 64, 65])
def test_few_rows_are_encoded_as_many_are(frame, n_rows):
    X = frame.assign(flag=np.arange(len(frame)) % 2 == 0, kind=frame["colour"].astype("category"), count=1)
    module, schema = net(X, "softmax")
    predictor = NumpyPredictor(module, schema, "softmax", np.float64)
    rows = X.tail(n_rows)
    assert (predictor.quickly_encoded(rows) is None) == (n_rows > 64)
    expected = predictor.from_encoded(*schema.encode(rows))
    assert_allclose(predictor(rows), expected, rtol=1e-12)
    assert_allclose(predictor(rows.to_numpy(dtype=object)), expected, rtol=1e-12)


def test_what_the_quick_way_cannot_read_goes_to_the_schema(frame):
    module, schema = net(frame, "softmax")
    predictor = NumpyPredictor(module, schema, "softmax")
    rows = frame.head(2).assign(a=pd.array([pd.NA, 1.0], dtype="Float64"))
    assert predictor.quickly_encoded(rows) is None
    assert np.isfinite(predictor(rows)).all()
    with pytest.raises(ValueError, match="X must have the 4 columns"):
        predictor(frame.head(2).rename(columns={"a": "z"}))


def test_a_row_alone_gives_what_it_gives_among_others(frame):
    module, schema = net(frame, "softmax")
    predictor = NumpyPredictor(module, schema, "softmax", np.float64)
    assert_allclose(predictor(frame.iloc[[600]]), predictor(frame)[[600]], rtol=1e-12)


def test_the_input_is_not_changed(frame):
    module, schema = net(frame[["a", "b"]], "softmax")
    X = frame[["a", "b"]].to_numpy()
    before = X.copy()
    NumpyPredictor(module, schema, "softmax")(X)
    assert_array_equal(X, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [0.0, 20.0, 5e5, 1e9])
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("n_rows", [1, 700])
def test_numbers_wherever_their_mean_is(dtype, far, holes, n_rows):
    # the mean goes into the bias when it is near enough; a missing value takes the general way
    X = pd.DataFrame(far + np.random.default_rng(0).normal(size=(700, 3)), columns=list("abc"))
    module, schema = net(X, "softmax")
    predictor = NumpyPredictor(module, schema, "softmax", dtype)
    assert (predictor.first is not None) == (far <= (32 if dtype is np.float32 else 1e6))
    rows = X.tail(n_rows).copy()
    if holes:
        rows.iloc[-1, 1] = np.nan
    result = predictor(rows.to_numpy())
    assert result.shape == (n_rows, 3) and result.dtype == dtype
    assert_allclose(result, expected(module, schema, "softmax", rows), atol=5e-6)


@pytest.mark.parametrize("n_rows", [1, 2, 40])
def test_what_is_not_finite_is_found(n_rows):
    X = np.full((n_rows, 4), 1e30, dtype=np.float32)
    assert all_finite(X)
    for value in (np.nan, np.inf, -np.inf):
        X[-1, 2] = value
        assert not all_finite(X)
    X[-1, 1:3] = np.inf, -np.inf
    assert not all_finite(X)


def test_pickle_and_no_torch_inside(frame):
    module, schema = net(frame, "softmax")
    predictor = NumpyPredictor(module, schema, "softmax")
    stored = pickle.dumps(predictor)
    assert b"torch" not in stored
    assert_array_equal(pickle.loads(stored)(frame), predictor(frame))


# ------------------------------------------------------------------ shapes
def test_values_have_the_shape_of_predict():
    rng = np.random.default_rng(0)
    X, v = rng.normal(size=(700, 2)), rng.normal(size=700)
    for y in (v, v[:, None], np.column_stack([v, v])):
        student = StudentRegressor((4,), max_epochs=2, random_state=0).fit(X, y)
        for rows in (X[:1], X[:40], X):
            expected = student.predict(rows)
            for predictor in (student.predictor(), pickle.loads(pickle.dumps(student.predictor(np.float64)))):
                assert predictor(rows).shape == expected.shape
                assert_allclose(predictor(rows), expected, atol=1e-5)


@pytest.mark.parametrize("form", ["array", "frame", "mixed", "objects", "list", "polars"])
def test_no_rows_give_no_predictions(frame, form):
    y = np.arange(len(frame)) % 3
    table = {
        "frame": frame[["a", "b"]],
        "mixed": frame,
        "objects": frame.to_numpy(dtype=object),
    }.get(form, frame[["a", "b"]].to_numpy())
    rows = table[:0]
    if form == "list":
        rows = []
    if form == "polars":
        table = pytest.importorskip("polars").DataFrame({"a": table[:, 0], "town": frame["town"].tolist()})
        rows = table[:0]
    assert StudentClassifier((4,), max_epochs=1).fit(table, y).predictor()(rows).shape == (0, 3)
    assert StudentRegressor((4,), max_epochs=1).fit(table, y).predictor()(rows).shape == (0,)
    assert StudentClassifier((), max_epochs=1).fit(table, y > 0).predictor()(rows).shape == (0, 2)


def test_one_row_without_its_second_dimension_is_refused():
    X = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(ValueError, match="Expected 2D array"):
        StudentClassifier((4,), max_epochs=1).fit(X, X[:, 0] > 0).predictor()(X[0])
