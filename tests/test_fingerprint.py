"""A fingerprint tells what an object holds, and not where it was made."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from compress import StudentClassifier
from compress.transfer import fingerprint

X = np.random.default_rng(0).normal(size=(200, 4))
Y = (X[:, 0] > 0).astype(int)
MODELS = [
    RandomForestClassifier(10, random_state=0),
    ExtraTreesRegressor(5, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)),
    StudentClassifier((4,), max_epochs=1, random_state=0),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_model_loaded_from_a_file_has_the_same_one(model):
    model.fit(X, Y)
    loaded = pickle.loads(pickle.dumps(model))
    again = pickle.loads(pickle.dumps(loaded))
    assert fingerprint(model) == fingerprint(loaded) == fingerprint(again)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_answering_does_not_change_it(model):
    model.fit(X, Y)
    before = fingerprint(model)
    model.predict(X)
    assert fingerprint(model) == before


def test_other_rows_and_seeds_give_others():
    found = {
        fingerprint(RandomForestClassifier(5, random_state=seed).fit(X[:n], Y[:n]))
        for seed in (0, 1)
        for n in (150, 200)
    }
    assert len(found) == 4


def test_arrays_count_by_value_dtype_and_shape():
    assert fingerprint(X[::2]) == fingerprint(X[::2].copy())
    assert len({fingerprint(a) for a in (X, X.T, X.ravel(), X.astype(np.float32), -X)}) == 5
    assert fingerprint(np.array(["a", None], dtype=object)) != fingerprint(np.array(["a", "b"], dtype=object))


def test_padding_between_fields_does_not_count():
    a, b = np.zeros(2, dtype=np.dtype("i1,f8", align=True)), np.zeros(2, dtype=np.dtype("i1,f8", align=True))
    b.view(np.uint8)[3] = 7
    assert a.tobytes() != b.tobytes() and fingerprint(a) == fingerprint(b)


def test_functions_count_by_code_defaults_and_closure():
    def adding(n):
        return lambda x: x + n

    assert fingerprint(adding(1)) == fingerprint(adding(1))
    assert fingerprint(adding(1)) != fingerprint(adding(2))
    assert fingerprint(lambda x: x + 1) != fingerprint(lambda x: x + 2)
    assert fingerprint(lambda x, n=1: x) != fingerprint(lambda x, n=2: x)


def test_the_order_of_sets_and_dicts_does_not_count():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({1, 2, 3}) == fingerprint({3, 2, 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_circles_end():
    a, b = [1], [1]
    a.append(a), b.append(b)
    assert fingerprint(a) == fingerprint(b) != fingerprint([1, [1]])


def test_frames_of_the_same_values_have_the_same_one():
    assert fingerprint(pd.DataFrame(X)) == fingerprint(pd.DataFrame(X.copy()))


def test_what_cannot_be_taken_apart_is_named():
    with open(os.devnull) as file, pytest.raises(TypeError, match="the teacher needs a fingerprint, but a list that"):
        fingerprint([file], "the teacher")
