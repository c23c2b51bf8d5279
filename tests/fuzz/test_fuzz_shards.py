"""Transfer sets and checkpoints from strangers: only documented errors come out, and nothing wrong is read."""

import hashlib
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from fuzzing import fuzz, slow_fuzz, tried
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier
from test_fuzz_student_files import JSON, changed

from compress import StudentClassifier, TransferSet
from compress.generators import MarginalSampler
from compress.training import Checkpoint
from compress.transfer import fingerprint

pytest.importorskip("pyarrow")
DOCUMENTED = (FileNotFoundError, ValueError)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with a transfer set, its teacher, rows and generator, and a scratch copy."""
    folder = tmp_path_factory.mktemp("set")
    X = pd.DataFrame({"a": np.arange(60.0), "b": ["x", "y", "z"] * 20})
    y = np.where(X["a"] > 30, "u", "v")
    teacher = DecisionTreeClassifier(max_depth=2).fit(X[["a"]], y)
    wrapped = _OnNumbers(teacher)
    generator = MarginalSampler(random_state=0).fit(X)
    data = TransferSet.write(folder / "set", wrapped, X, generator=generator, n_rows=150, shard_rows=40)
    return folder, wrapped, X, generator, data.load()


class _OnNumbers:
    def __init__(self, model):
        self.model, self.classes_ = model, model.classes_

    def predict_proba(self, X):
        return self.model.predict_proba(X[["a"]])


def scratch(stored):
    folder = stored[0]
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    return shutil.copytree(folder / "set", folder / "scratch")


@fuzz
@given(st.data())
def test_changed_manifests(stored, data):
    folder = scratch(stored)
    plain = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(changed(data, plain)))
    with tried(*DOCUMENTED):
        found = TransferSet.open(folder)
        for index in range(min(len(found.sizes), 20)):
            found.part(index)


@fuzz
@given(st.one_of(st.binary(max_size=300), JSON.map(lambda value: json.dumps(value).encode())))
def test_anything_as_a_manifest(stored, content):
    folder = scratch(stored)
    (folder / "manifest.json").write_bytes(content)
    with tried(*DOCUMENTED):
        TransferSet.open(folder)


@fuzz
@given(st.data())
def test_damaged_shards_are_noticed_and_made_again(stored, data):
    """Damage of any kind is an error when the set is opened, and gone after the same call of `write`."""
    _, teacher, X, generator, whole = stored
    folder = scratch(stored)
    path = data.draw(st.sampled_from(sorted(folder.glob("shard*"))))
    content = path.read_bytes()
    how = data.draw(st.sampled_from(["cut", "flip", "longer", "other", "missing"]))
    if how == "cut":
        path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    elif how == "flip":
        at = data.draw(st.integers(0, len(content) - 1))
        path.write_bytes(content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :])
    elif how == "longer":
        path.write_bytes(content + data.draw(st.binary(min_size=1, max_size=50)))
    elif how == "other":
        other = data.draw(st.sampled_from(sorted(folder.glob("shard*"))))
        assume(other.read_bytes() != content)
        path.write_bytes(other.read_bytes())
    else:
        path.unlink()
    with tried():
        with pytest.raises(DOCUMENTED):
            TransferSet.open(folder)
        again = TransferSet.write(folder, teacher, X, generator=generator, n_rows=150, shard_rows=40).load()
        pd.testing.assert_frame_equal(again.X, whole.X)
        np.testing.assert_array_equal(again.targets, whole.targets)


@fuzz
@given(st.data())
def test_forged_shards_with_right_hashes(stored, data):
    """Who can write a manifest can write hashes: what a shard holds must fit all the same."""
    folder = scratch(stored)
    path = sorted(folder.glob("shard*"))[1]
    frame = pd.read_parquet(path)
    values = data.draw(st.lists(st.one_of(st.none(), st.floats(), st.text(max_size=5)), min_size=1, max_size=3))
    column = data.draw(st.integers(0, frame.shape[1] - 1))
    how = data.draw(st.sampled_from(["values", "drop", "rows", "garbage"]))
    if how == "values":
        frame.isetitem(column, pd.Series((values * len(frame))[: len(frame)], dtype=object))
    elif how == "drop":
        frame = frame.drop(columns=frame.columns[column])
    elif how == "rows":
        frame = frame.iloc[: data.draw(st.integers(0, len(frame) - 1))]
    sink = io.BytesIO()
    try:
        frame.to_parquet(sink, index=False)
    except Exception:  # a column of texts and numbers
        assume(False)
    content = sink.getvalue() if how != "garbage" else data.draw(st.binary(min_size=1, max_size=200))
    path.write_bytes(content)
    plain = json.loads((folder / "manifest.json").read_text())
    plain["shards"][1] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(plain))
    with tried(*DOCUMENTED):
        part = TransferSet.open(folder).part(1)
        assert np.isfinite(part.targets).all() and list(part.X) == ["a", "b"]


@slow_fuzz
@given(st.data())
def test_damaged_checkpoints(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    student = StudentClassifier((3,), max_epochs=2, batch_size=8, random_state=0)
    path = folder / "checkpoint"
    if not path.exists():
        student.fit(X, y, checkpoint=Checkpoint(path, minutes=0))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    (folder / "damaged").write_bytes(bytes(cut))
    with tried(*DOCUMENTED, FloatingPointError):
        student.fit(X, y, resume_from=folder / "damaged")


@fuzz
@given(JSON, JSON)
def test_fingerprints_tell_values_apart(first, second):
    with tried():
        same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
        assert fingerprint(first) == fingerprint(json.loads(json.dumps(first)))
        assert (fingerprint(first) == fingerprint(second)) == same
