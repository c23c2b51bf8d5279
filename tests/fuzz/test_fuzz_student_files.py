"""Students from strangers: only FileNotFoundError and ValueError come out of `load_student`, and what loads works."""

import json

import numpy as np
import pytest
import torch
from fuzz_students import as_bytes, files, parts, use
from fuzzing import fuzz, tried
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from compress.export._student_file import _digest

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, 1, -1, 2, 3, 2**31, 2**63 - 1, 2**63, 10**30, -(10**30), 0.0, -0.5, 1.5, 1e308, 1e-320, "", "a", "NA"]
        + ["softmax", "identity", "sigmoid", "float64", "<U500000000", "object", "category", "int64", "Values", "a\0b"]
        + [
            "nominal",
            "continuous",
            "StudentRegressor",
            "StudentClassifier",
            "TreeStudentClassifier",
            "\ud800",
            "M8[ns]",
            "i4,(9999,9999)f8",
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)
JSON = st.recursive(
    ODD, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3))
)


def nodes(value, path=()):
    """The paths to everything within a value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from nodes(inner, (*path, key))


def changed(data, described):
    """A description with some of its entries replaced, removed, doubled or swapped."""
    described = json.loads(json.dumps(described))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in nodes(described) if path]))
        holder = described
        for key in path[:-1]:
            holder = holder[key]
        how = data.draw(st.sampled_from(["replace", "replace", "replace", "remove", "double", "other"]))
        if how == "replace":
            holder[path[-1]] = data.draw(JSON)
        elif how == "remove":
            del holder[path[-1]]
        elif how == "double" and isinstance(holder, list):
            holder.append(holder[path[-1]])
        else:
            other = described
            for key in data.draw(st.sampled_from(list(nodes(described)))):
                other = other[key]
            holder[path[-1]] = json.loads(json.dumps(other))
    return described


def forged(described, weights) -> bytes:
    """A file with a right checksum."""
    described = {name: value for name, value in described.items() if name != "sha256"}
    try:
        digest = _digest(described, as_bytes(weights))
    except (TypeError, RuntimeError):  # tensors that NumPy does not know
        digest = ""
    weights = {name: tensor.contiguous() for name, tensor in weights.items()}
    return save(weights, metadata={"compress": json.dumps({"sha256": digest, **described})})


@fuzz
@given(st.data())
def test_bytes_that_are_changed(tmp_path_factory, data):
    content = bytearray(data.draw(st.sampled_from(files())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "zero", "double"]))
        if how == "flip":
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "cut":
            del content[at : at + data.draw(st.integers(1, 600))]
        elif how == "insert":
            content[at:at] = data.draw(st.binary(max_size=9))
        elif how == "zero":
            content[at : at + 8] = bytes(len(content[at : at + 8]))
        else:
            content += content[at : at + 500]
        content = content or bytearray(b"\0")
    path = tmp_path_factory.getbasetemp() / "student"
    path.write_bytes(content)
    with tried(ValueError):
        use(path)


@fuzz
@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)), st.booleans())
def test_bytes_of_any_kind(tmp_path_factory, content, framed):
    if framed:  # as a header of safetensors
        content = len(content).to_bytes(8, "little") + content
    path = tmp_path_factory.getbasetemp() / "student"
    path.write_bytes(content)
    with tried(ValueError):
        use(path)


@fuzz
@given(st.data())
def test_descriptions_that_are_forged(tmp_path_factory, data):
    described, weights = parts(data.draw(st.sampled_from(files())))
    path = tmp_path_factory.getbasetemp() / "student"
    path.write_bytes(forged(changed(data, described), weights))
    with tried(ValueError):
        use(path)


@fuzz
@given(st.one_of(st.text(max_size=60), JSON.map(lambda value: json.dumps(value))))
def test_descriptions_of_any_kind(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "student"
    text = text.encode(errors="replace").decode()
    path.write_bytes(save({"output_mean": torch.zeros(1)}, metadata={"compress": text}))
    with tried(ValueError):
        use(path)


DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.uint8]
NUMBERS = [0.0, -1.0, 1e-300, 1e300, float("nan"), float("inf"), 1e38]


@fuzz
@given(st.data())
def test_tensors_that_are_forged(tmp_path_factory, data):
    described, weights = parts(data.draw(st.sampled_from(files())))
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from(sorted(weights)))
        how = data.draw(st.sampled_from(["value", "shape", "dtype", "remove", "rename"]))
        if how == "value" and weights[name].numel():
            weights[name] = weights[name].clone()
            number = torch.tensor(data.draw(st.sampled_from(NUMBERS)), dtype=torch.float64)
            weights[name].view(-1)[data.draw(st.integers(0, weights[name].numel() - 1))] = number
        elif how == "shape":
            shape = data.draw(st.lists(st.integers(0, 4), max_size=3))
            weights[name] = torch.zeros(shape, dtype=weights[name].dtype)
        elif how == "dtype":
            weights[name] = weights[name].to(data.draw(st.sampled_from(DTYPES)))
        elif len(weights) > 1:
            taken = weights.pop(name)
            if how == "rename":
                weights[data.draw(st.text(max_size=9).filter(lambda text: text != "__metadata__"))] = taken
    path = tmp_path_factory.getbasetemp() / "student"
    path.write_bytes(forged(described, weights))
    with tried(ValueError):
        use(path)


@pytest.mark.parametrize("number", range(7))
def test_the_files_themselves_are_read(number, tmp_path):
    (tmp_path / "student").write_bytes(files()[number])
    use(tmp_path / "student")
    described, weights = parts(files()[number])
    (tmp_path / "student").write_bytes(forged(described, weights))
    use(tmp_path / "student")
    assert np.isfinite(described["format"])
