"""Students on disk: the same predictions after a round trip, and no harm from any file."""

import json
import os
import pickle
import sys
import tracemalloc
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import safe_open
from safetensors.torch import save_file

from compress import StudentClassifier, StudentRegressor, load_student
from compress.schema import expanded
from compress.students import PeriodicEncoding, PiecewiseLinearEncoding
from data.load import load_problem

QUICK = {"max_epochs": 3, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
FRAME = pd.DataFrame(
    {
        "size": np.where(np.arange(60) % 5, X[:, 0], np.nan),
        "colour": pd.Categorical(np.array(["red", "green", None], dtype=object)[np.arange(60) % 3]),
        "town": [f"t{i % 12}" for i in range(60)],
        "flag": np.arange(60) % 2 == 0,
        "count": np.arange(60),
    }
)
CASES = {
    "binary": (StudentClassifier((4,), **QUICK), X, np.arange(60) % 2),
    "boolean": (StudentClassifier((4,), **QUICK), X, np.arange(60) % 2 == 1),
    "strings": (StudentClassifier((4, 3), **QUICK), X, np.array(["a", "bc", "d"])[np.arange(60) % 3]),
    "objects": (StudentClassifier((4,), **QUICK), X, np.array(["a", "bc"], dtype=object)[np.arange(60) % 2]),
    "regression": (StudentRegressor((4,), activation="gelu", **QUICK), X, X[:, 0]),
    "outputs": (StudentRegressor((), **QUICK), X, X[:, :2]),
    "frame": (StudentClassifier((4,), max_one_hot=5, **QUICK), FRAME, np.arange(60) % 2),
    "periodic": (StudentClassifier((4,), encoding=PeriodicEncoding(2), **QUICK), FRAME, np.arange(60) % 2),
    "cuts": (StudentClassifier((4,), encoding=PiecewiseLinearEncoding(4), **QUICK), FRAME, np.arange(60) % 2),
    "cuts of quantiles": (
        StudentRegressor((4,), encoding=PiecewiseLinearEncoding(cuts="quantile"), **QUICK),
        X,
        X[:, 0],
    ),
    "additive": (StudentRegressor((), encoding=PiecewiseLinearEncoding(4), **QUICK), FRAME, X[:, :2]),
    "cuts of nothing": (
        StudentClassifier((4,), encoding=PiecewiseLinearEncoding(4), **QUICK),
        FRAME[["colour", "flag"]],
        np.arange(60) % 2,
    ),
    "no numbers": (StudentClassifier((4,), **QUICK), FRAME[["colour", "flag"]], np.arange(60) % 2),
    "fractions": (
        StudentClassifier((4,), **QUICK),
        pd.DataFrame({"grade": pd.Categorical([1.5, 2.5, None] * 20)}),
        np.arange(60) % 2,
    ),
    "numpy sizes": (StudentRegressor((np.int64(4),), dropout=np.float32(0.1), **QUICK), X, X[:, 0]),
}


def save_case(case, folder):
    path = folder / "student.safetensors"
    CASES[case][0].fit(*CASES[case][1:]).save(path)
    return path


@pytest.fixture
def saved(tmp_path):
    return save_case("frame", tmp_path)


@pytest.fixture
def saved_cuts(tmp_path):
    return save_case("cuts", tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_round_trip_gives_identical_predictions(case, tmp_path):
    student, table, y = CASES[case]
    student.fit(table, y).save(tmp_path / "student")
    loaded = load_student(tmp_path / "student")
    method = "predict_proba" if hasattr(student, "classes_") else "predict"
    assert_array_equal(getattr(loaded, method)(table), getattr(student, method)(table))
    predictions = loaded.predict(table)
    assert_array_equal(predictions, student.predict(table))
    assert predictions.dtype == student.predict(table).dtype
    assert loaded.n_features_in_ == student.n_features_in_
    assert len(student.to_bytes()) == (tmp_path / "student").stat().st_size


def test_a_loaded_student_can_be_saved_pickled_and_taught_further(saved):
    _, table, y = CASES["frame"]
    loaded = load_student(saved)
    assert loaded.to_bytes() == saved.read_bytes()
    assert_array_equal(pickle.loads(pickle.dumps(loaded)).predict_proba(table), loaded.predict_proba(table))
    before = loaded.predict_proba(table)
    loaded.partial_fit(table, y)
    assert not np.array_equal(loaded.predict_proba(table), before)
    assert_array_equal(load_student(saved).predict_proba(table), before)  # the file is not the weights' memory


def test_joblib_keeps_a_student_too(tmp_path):
    student = StudentClassifier((4,), **QUICK).fit(X, np.arange(60) % 2)
    joblib.dump(student, tmp_path / "student.joblib", compress=3)
    assert_array_equal(joblib.load(tmp_path / "student.joblib").predict_proba(X), student.predict_proba(X))


def test_columns_are_checked_after_loading_too(saved):
    with pytest.raises(ValueError, match="feature names"):
        load_student(saved).predict(FRAME.rename(columns={"size": "length"}))


def test_loading_draws_no_random_numbers(saved):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    load_student(saved)
    assert torch.equal(torch.rand(1), expected)


# ---------------------------------------------------------------- bad files
def parts(path):
    with safe_open(path, framework="pt") as file:
        return {k: file.get_tensor(k).clone() for k in file.keys()}, file.metadata()  # noqa: SIM118 (not a dict)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_student(tmp_path / "nothing")


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="not a saved student"):
        load_student(saved)


def test_one_flipped_bit_anywhere_is_noticed(saved):
    content = saved.read_bytes()
    for position in range(0, len(content), max(len(content) // 60, 1)):
        damaged = bytearray(content)
        damaged[position] ^= 4
        saved.write_bytes(damaged)
        with pytest.raises(ValueError, match="student"):
            load_student(saved)


def test_foreign_safetensors_are_refused(saved):
    save_file({"weight": torch.zeros(2)}, saved)
    with pytest.raises(ValueError, match="no student of this library wrote it"):
        load_student(saved)


@pytest.mark.parametrize("text", ["[]", "7", "{}", '{"format": "1"}', "{broken"])
def test_metadata_of_another_form_are_refused(saved, text):
    save_file(parts(saved)[0], saved, metadata={"compress": text})
    with pytest.raises(ValueError, match="student"):
        load_student(saved)


def test_a_newer_format_asks_for_an_upgrade(saved):
    weights, metadata = parts(saved)
    described = {**json.loads(metadata["compress"]), "format": 99, "compress": "42.0"}
    save_file(weights, saved, metadata={"compress": json.dumps(described)})
    with pytest.raises(ValueError, match="upgrade compress to 42.0"):
        load_student(saved)


def forged(path, change):
    """A file whose checksum is right and whose content is not."""
    from tables import as_bytes

    from compress.export._student_file import _digest

    weights, metadata = parts(path)
    described = json.loads(metadata["compress"])
    change(described, weights)
    described.pop("sha256")
    text = json.dumps({**described, "sha256": _digest(described, as_bytes(weights))})
    save_file({name: value.contiguous() for name, value in weights.items()}, path, metadata={"compress": text})


def deep(d, w):
    for _ in range(50):
        d["learned"] = {"inner": d["learned"]}


def column(j, **entries):
    """A change of a column in the form of an object for each column, which older files have."""

    def change(d, w):
        columns = expanded(d["schema"]["columns"])
        columns[j].update(entries)
        d["schema"]["columns"] = columns

    return change


def columns(**entries):
    """A change of the arrays of attributes."""
    return lambda d, w: d["schema"]["columns"].update(entries)


def learned(**entries):
    return lambda d, w: d["learned"].update(entries)


def parameters(**entries):
    return lambda d, w: d["parameters"].update(entries)


def classes(values, dtype):
    return learned(classes={"dtype": dtype, "values": values})


def tensor(name, value):
    return lambda d, w: w[name].view(-1)[:1].fill_(value)


FORGERIES = {
    "class": lambda d, w: d.update({"class": "os.system"}),
    "class of another type": lambda d, w: d.update({"class": ["StudentClassifier"]}),
    "nothing": lambda d, w: [d.pop(name) for name in ("class", "parameters", "schema", "learned")],
    "deep": deep,
    "parameter": parameters(strange=1),
    "parameter out of its range": parameters(dropout=2.0),
    "parameter of another type": parameters(learning_rate=[1, 2]),
    "parameter that cannot be written": parameters(callbacks=[]),
    "huge parameter": parameters(max_epochs=10**30),
    "encoding": parameters(encoding={"PeriodicEncoding": {"n_frequencies": 1, "code": "x"}}),
    "encoding of a strange kind": parameters(encoding={"os.system": {"n_frequencies": 1}}),
    "encoding of two kinds": parameters(encoding={"PeriodicEncoding": {}, "PiecewiseLinearEncoding": {}}),
    "encoding out of its range": parameters(encoding={"PiecewiseLinearEncoding": {"n_bins": 1}}),
    "encoding of another type": parameters(encoding={"PiecewiseLinearEncoding": {"cuts": ["teacher"]}}),
    "size": learned(hidden_layer_sizes=[10**9]),  # would be 60 GB if it were made
    "huge size": learned(hidden_layer_sizes=[10**30]),
    "negative size": learned(hidden_layer_sizes=[-4]),
    "fraction": learned(hidden_layer_sizes=[4.0]),
    "no layers": learned(hidden_layer_sizes=[]),
    "bottleneck": learned(bottleneck=10**12),
    "frequencies": learned(n_frequencies=10**12),
    "objective": learned(objective="centred_logits"),
    "objective of regression": learned(objective="Values"),
    "output activation": lambda d, w: d["learned"].pop("output_activation"),
    "unknown output activation": learned(output_activation="cube"),
    "other output activation": learned(output_activation="softmax"),
    "outputs": learned(outputs_2d=True),
    "names": learned(feature_names=["a", "b", "c", "d", "e"]),
    "huge class": classes([0, 10**30], "int64"),
    "infinite class": classes([0.0, float("inf")], "float64"),
    "classes of large texts": classes(["a", "b"], "<U500000000"),  # 4 GB
    "classes that are cut": classes(["abc", "abd"], "<U2"),
    "one class": classes([0], "int64"),
    "three classes for one output": classes([0, 1, 2], "int64"),
    "equal classes": classes([1, 1], "int64"),
    "classes of another type": classes(["a", "b"], "int64"),
    "dates as classes": classes([0, 1], "datetime64[s]"),
    "classes of no dtype": classes([0, 1], "strange"),
    "no classes": lambda d, w: d["learned"].pop("classes"),
    "inputs": lambda d, w: d["learned"]["inputs"].update(indicators=[7]),
    "further input": lambda d, w: d["learned"]["inputs"].update(n_categories=[10**12] * 3),
    "bins without edges": lambda d, w: d["learned"]["inputs"].update(n_bins=[10**12, 0]),
    "no bins": lambda d, w: d["learned"]["inputs"].update(n_bins=[0, 0]),
    "embedding": lambda d, w: d["learned"]["inputs"].update(embedding_size=10**12),
    "missing flags": lambda d, w: d["learned"]["inputs"].update(nominal_missing=[True]),
    "columns": lambda d, w: d["schema"]["columns"]["name"].pop(),
    "no columns": lambda d, w: d["schema"].update(columns=[]),
    "no arrays of columns": lambda d, w: d["schema"].update(columns={}),
    "columns of a number": lambda d, w: d["schema"].update(columns=7),
    "further array of columns": columns(code=["x"]),
    "dtypes of other columns": columns(dtype=["int64"]),
    "more ranges than columns": columns(low=[0.0] * 9, high=[1.0] * 9),
    "ranges of one end": columns(high=[1.0]),
    "categories of no column": columns(categories=[["a"]] * 9),
    "position beyond the columns": columns(missing=[10**9]),
    "positions out of order": columns(missing=[1, 0]),
    "positions that are true or false": columns(nominal=[False, True, True, True, False]),
    "nominal without categories": columns(nominal=True),
    "names that are no list": columns(name="abcde"),
    "column of another kind": column(0, kind="nominal"),
    "column of no kind": column(0, kind="strange"),
    "column of no dtype": column(0, dtype="strange"),
    "column of large texts": column(2, dtype="<U500000000"),
    "column of columns": column(0, dtype="f8,(1000000,1000000)f8"),
    "nested name": column(0, name=["size"]),
    "equal names": column(0, name="town"),
    "endless range": column(0, high=float("inf")),
    "huge range": column(0, high=10**400),
    "range from above": column(0, low=3.0, high=2.0),
    "equal categories of arrays": columns(categories=[["red", "red"], ["a"], [False, True]]),
    "equal categories": column(2, categories=["t1"] * 12),
    "nested categories": column(2, categories=[["t1"]] * 12),
    "array of large texts": lambda d, w: d["schema"].update(is_frame=False, array_dtype="<U500000000"),
    "missing tensor": lambda d, w: w.pop("body.output.bias"),
    "further tensor": lambda d, w: w.update({"more": torch.zeros(1)}),
    "shape": lambda d, w: w.update({"body.output.bias": torch.zeros(7)}),
    "NaN weight": tensor("body.output.weight", float("nan")),
    "infinite weight": tensor("body.layers.0.0.weight", float("inf")),
    "zero scale": tensor("inputs.scale", 0.0),
    "negative scale": tensor("output_scale", -1.0),
    "half precision": lambda d, w: w.update({"body.output.bias": w["body.output.bias"].to(torch.bfloat16)}),
    "double precision": lambda d, w: w.update({"body.output.bias": w["body.output.bias"].double()}),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forged_file_is_refused_before_anything_is_made_of_it(case, saved, monkeypatch):
    if case == "half precision":
        monkeypatch.setattr("compress.export._student_file._digest", lambda described, weights: "")
    forged(saved, FORGERIES[case])
    tracemalloc.start()
    with pytest.raises(ValueError, match="student") as caught:
        load_student(saved)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24 and len(str(caught.value)) < 600


def n_bins(values):
    return lambda d, w: d["learned"]["inputs"].update(n_bins=values)


FORGED_CUTS = {
    "other bins": n_bins([3, 5]),
    "one bin": n_bins([1, 7]),
    "negative bins": n_bins([-4, 12]),
    "bins of other columns": n_bins([4, 4, 0]),
    "fraction of a bin": n_bins([4.0, 4.0]),
    "huge bins": n_bins([10**30, 4]),
    "bins of nothing": lambda d, w: d["learned"]["inputs"].pop("n_bins"),
    "no edges": lambda d, w: w.pop("inputs.pieces.edges"),
    "fewer edges": lambda d, w: w.update({"inputs.pieces.edges": w["inputs.pieces.edges"][:-1]}),
    "edges of two dimensions": lambda d, w: w.update({"inputs.pieces.edges": w["inputs.pieces.edges"][None]}),
    "edges in single precision": lambda d, w: w.update({"inputs.pieces.edges": w["inputs.pieces.edges"].float()}),
    "edges out of order": tensor("inputs.pieces.edges", 1e6),
    "infinite edge": tensor("inputs.pieces.edges", -float("inf")),
    "edge that is NaN": tensor("inputs.pieces.edges", float("nan")),
    "equal edges": lambda d, w: w["inputs.pieces.edges"][1:2].copy_(w["inputs.pieces.edges"][:1]),
    "endless bin": lambda d, w: w["inputs.pieces.edges"][:5].copy_(torch.tensor([-1.7e308, 1.7e308, 0, 0, 0])),
}


@pytest.mark.parametrize("case", FORGED_CUTS)
def test_forged_cuts_are_refused_before_anything_is_made_of_them(case, saved_cuts):
    forged(saved_cuts, FORGED_CUTS[case])
    tracemalloc.start()
    with pytest.raises(ValueError, match="damaged student file") as caught:
        load_student(saved_cuts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24 and len(str(caught.value)) < 600


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"format": 1' + "0" * 5000 + "}", '{"format": NaN}'])
def test_metadata_that_are_deep_or_no_numbers_are_refused(saved, text):
    save_file(parts(saved)[0], saved, metadata={"compress": text})
    with pytest.raises(ValueError, match="damaged student file"):
        load_student(saved)


def test_a_forged_file_of_the_first_format_is_refused(saved):
    for change in (lambda d, w: d.update(format=1), lambda d, w: d.update(format=1, learned=[])):
        forged(saved, change)
        with pytest.raises(ValueError, match="damaged student file"):
            load_student(saved)


def test_a_pickle_is_refused_and_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (sys.exit, ("executed",))

    path = tmp_path / "student"
    for content in (pickle.dumps(Bomb()), (8).to_bytes(8, "little") + pickle.dumps(Bomb())):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a saved student"):
            load_student(path)


def test_loading_never_unpickles(saved, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    load_student(saved)


# ---------------------------------------------------------------- writing
def test_an_old_file_stays_whole_when_writing_fails(saved, monkeypatch):
    before = saved.read_bytes()
    student = load_student(saved)
    write = os.write

    def fail(descriptor, content):
        write(descriptor, content[:50])
        raise OSError("disk full")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        student.save(saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]  # and no half file is left


def test_an_unfitted_student_cannot_be_saved(tmp_path):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        StudentClassifier().save(tmp_path / "student")


@pytest.mark.parametrize("values", [pd.cut(X[:, 0], 3), pd.Categorical([pd.Timestamp("2006-08-20")] * 60), [b"x"] * 60])
def test_categories_that_a_file_cannot_hold_are_named_when_it_is_saved(values, tmp_path):
    student = StudentClassifier((4,), **QUICK).fit(pd.DataFrame({"a": values}), np.arange(60) % 2)
    with pytest.raises(TypeError, match=r"of type \w+\. Turn such categories, classes and names into text before fit"):
        student.save(tmp_path / "student")
    assert not list(tmp_path.iterdir())


def test_a_file_of_the_first_format_is_still_read():
    # written by the version before; it said link, flat, n_frequencies and frequency_scale
    student = load_student(Path(__file__).parent / "files" / "student_of_format_1.safetensors")
    few = pd.DataFrame(
        {
            "size": [np.nan, -0.132, 0.64, 0.105],
            "colour": pd.Categorical(["blue", "blue", "red", "red"], categories=["blue", "red"]),
        }
    )
    assert_allclose(student.predict_proba(few)[:, 1], [0.2555299, 0.1976626, 0.6679072, 0.9102172], atol=1e-6)
    assert student.encoding == PeriodicEncoding(1, scale=0.5)


def test_a_file_of_the_second_format_is_still_read():
    # written by the version before; each column was an object, and every default was written
    student = load_student(Path(__file__).parent / "files" / "student_of_format_2.safetensors")
    few = pd.DataFrame(
        {
            "size": [np.nan, -0.132, 0.64, 0.105],
            "colour": pd.Categorical(["blue", None, "red", "red"], categories=["blue", "red"]),
            "town": ["t1", "t2", "t3", "nowhere"],
            "count": [1, 20, 300, 44],
        }
    )
    assert_allclose(student.predict_proba(few)[:, 1], [0.2867241, 0.0323258, 0.6297389, 0.5647716], atol=1e-6)
    assert student.encoding == PeriodicEncoding(1, scale=0.5)
    assert student.max_one_hot == 5 and student.get_params()["learning_rate"] == 0.05
    assert list(student.feature_names_in_) == list(few)


# ---------------------------------------------------------------- how large files are
def test_a_column_of_numbers_takes_few_bytes_of_a_file():
    rng = np.random.default_rng(0)
    small, large = (
        StudentRegressor((), max_epochs=1).fit(rng.integers(0, 2000, (50, d)), rng.normal(size=50)) for d in (100, 1100)
    )
    # mean, scale and weight are 20 bytes, the range about 15
    assert len(large.to_bytes()) - len(small.to_bytes()) < 1000 * 40


def test_an_additive_student_of_adult_takes_at_most_6_kilobytes(tmp_path):
    problem = load_problem("adult", n_train=4000)
    student = StudentClassifier((), encoding=PiecewiseLinearEncoding(), max_epochs=1, random_state=0)
    student.fit(problem.X_train, problem.y_train).save(tmp_path / "student")
    assert 150 < student.n_parameters_ <= 300
    assert (tmp_path / "student").stat().st_size <= 6000
    assert_array_equal(
        load_student(tmp_path / "student").predict_proba(problem.X_test.head(500)),
        student.predict_proba(problem.X_test.head(500)),
    )


def test_parameters_that_are_the_defaults_are_not_written_and_come_back():
    student = StudentClassifier(max_epochs=1, learning_rate=0.01, random_state=0).fit(X, np.arange(60) % 2)
    content = student.to_bytes()
    assert b"learning_rate" in content and b"weight_decay" not in content and b"early_stopping" not in content
    assert b"activation" in content  # which the net depends on


def test_a_loaded_student_learns_on_with_its_cuts(saved_cuts):
    _, table, y = CASES["cuts"]
    loaded = load_student(saved_cuts).set_params(warm_start=True)
    edges = loaded.module_.inputs.pieces.edges.clone()
    assert loaded._resumes()
    loaded.fit(table, 1 - y)
    assert torch.equal(loaded.module_.inputs.pieces.edges, edges)
