"""The budget search: the best within bytes and microseconds, the smallest within the tolerance."""

import itertools

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from compress import MUNGE, CompressedClassifier, CompressedRegressor, StudentClassifier, StudentRegressor, TransferSet
from compress.search import Budget, BudgetSearch, check_budget, search_budget, shape_costs
from compress.students import PiecewiseLinearEncoding

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)  # no linear model can tell
SHAPES = [(), (2,), (16,), (64,)]
NET = StudentClassifier((99,), max_epochs=25, batch_size=32, learning_rate=0.03, random_state=0)
DATA = TransferSet(X, np.eye(2, dtype=np.float32)[Y], "probabilities", np.arange(2))
COSTS = [
    {"hidden_layer_sizes": shape, "n_parameters": 1, "bytes": size, "us_per_row": us}
    for shape, size, us in zip(SHAPES, (100, 200, 300, 400), (0.1, 0.2, 0.5, 0.4))
]


def search(teacher_error=None, **limits):
    return search_budget(DATA, X, Y, student=NET, costs=COSTS, budget=Budget(**limits), teacher_error=teacher_error)


@pytest.fixture(scope="module")
def every():
    return search(bytes=1e9)


# ---------------------------------------------------------------- costs
def test_costs_are_those_of_the_trained_student():
    for row in shape_costs(NET, DATA, SHAPES):
        student = NET.__class__(row["hidden_layer_sizes"], max_epochs=1, batch_size=32, learning_rate=0.03).fit(DATA)
        assert row["n_parameters"] == student.n_parameters_
        assert abs(row["bytes"] - len(student.to_bytes())) < 16  # max_epochs has two digits here, one there
        assert row["us_per_row"] > 0


def test_costs_of_a_student_with_cuts_are_those_of_the_trained_one():
    net = clone(NET).set_params(encoding=PiecewiseLinearEncoding())
    for row in shape_costs(net, DATA, SHAPES[:2]):
        student = clone(net).set_params(hidden_layer_sizes=row["hidden_layer_sizes"]).fit(DATA)
        assert row["n_parameters"] == student.n_parameters_
        assert row["bytes"] == len(student.to_bytes())


def test_costs_come_in_order_of_size():
    sizes = [row["bytes"] for row in shape_costs(NET, DATA, SHAPES[::-1])]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    "budgets, expected",
    [
        ({"tolerance": 0.1}, [True] * 4),
        ({"bytes": 300}, [True, True, True, False]),
        ({"us_per_row": 0.45}, [True, True, False, True]),
        ({"bytes": 350, "us_per_row": 0.45}, [True, True, False, False]),
    ],
)
def test_budgets_by_hand(budgets, expected):
    assert check_budget(COSTS, Budget(**budgets)) == expected


def test_a_budget_nothing_can_meet_names_the_nearest():
    with pytest.raises(ValueError, match=r"no student meets Budget\(bytes=50\): the nearest has .*=\(\), 100 bytes"):
        check_budget(COSTS, Budget(bytes=50))
    # the linear net exceeds the budgets by 1.25, the next one by 2.5 times
    with pytest.raises(ValueError, match="bytes=80 and us_per_row=0.2"):
        check_budget(COSTS, Budget(bytes=80, us_per_row=0.2))


# ---------------------------------------------------------------- search
def test_without_tolerance_the_best_within_the_budget_is_taken():
    found = search(bytes=300)
    tried = {row["hidden_layer_sizes"]: row["error"] for row in found.rows}
    assert tried[(64,)] is None  # too large: never trained
    assert found.hidden_layer_sizes == min(SHAPES[:3], key=tried.get)
    assert found.hidden_layer_sizes == found.student.module_.body.hidden_layer_sizes
    assert found.met


def test_with_tolerance_the_smallest_that_is_good_enough_is_taken_and_the_search_ends(every):
    every = {row["hidden_layer_sizes"]: row["error"] for row in every.rows}
    assert every[(16,)] < every[(2,)] < every[()]  # the problem asks for hidden units
    found = search(tolerance=0.1, teacher_error=every[(16,)] / 1.05)
    assert found.hidden_layer_sizes == (16,)
    assert found.rows[3]["error"] is None
    assert found.largest_error == pytest.approx(1.1 * every[(16,)] / 1.05)


def test_a_tolerance_nothing_can_meet_keeps_the_nearest_and_says_so():
    with pytest.warns(UserWarning, match="no student is within tolerance=0.01.*the nearest.*would do"):
        found = search(tolerance=0.01, teacher_error=1e-3)
    assert not found.met
    best = min(found.rows, key=lambda row: row["error"])
    assert found.hidden_layer_sizes == best["hidden_layer_sizes"]


def test_the_frontier_holds_what_is_neither_larger_nor_worse_than_another(every):
    for row in every.rows:
        better = [r for r in every.rows if r["bytes"] < row["bytes"] and r["error"] <= row["error"]]
        assert row["frontier"] == (not better)


def test_tolerance_needs_the_teachers_error():
    with pytest.raises(ValueError, match="pass teacher_error"):
        search(tolerance=0.1)


def test_labels_of_the_plot_do_not_collide():
    rng = np.random.default_rng(0)
    shapes = [(2**i,) for i in range(2, 11)] + [(2**i, 2**j) for i in range(5, 9) for j in range(5, 9)]
    rows = [
        {"hidden_layer_sizes": shape, "bytes": 900 + sum(shape), "us_per_row": 0.1 + sum(shape) / 9000, "within": True}
        | {"error": 0.2 + 0.001 * rng.random(), "frontier": k < 5, "n_parameters": 1}
        for k, shape in enumerate(shapes)
    ]
    search = BudgetSearch((64, 64), True, rows, Budget(bytes=5000))
    figure = search.plot()
    figure.draw_without_rendering()
    for axis in figure.axes:
        labels = [text for text in axis.texts if text.get_text()]
        boxes = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
        assert "64 x 64" in [label.get_text() for label in labels] and len(labels) >= 5
        inside = axis.get_window_extent()
        assert all(inside.contains(*box.min) and inside.contains(*box.max) for box in boxes)


def test_table_text_and_plot(tmp_path):
    found = search(bytes=300, tolerance=10.0, teacher_error=0.3)
    assert list(found.to_frame()["hidden_layer_sizes"]) == SHAPES
    text = str(found)
    assert "none (linear)" in text
    assert "chosen" in text
    assert "over budget" in text
    assert "Teacher's error: 0.3000; tolerated: 3.3000" in text
    found.plot().savefig(tmp_path / "budget.png")


# ---------------------------------------------------------------- in a compressor
OPTIONS = {"size_multiplier": 3, "generator": MUNGE(p=0.2), "random_state": 0}


def test_the_compressors_student_keeps_to_the_budget_and_learns_from_all_rows():
    costs = shape_costs(NET, DATA, SHAPES)
    limit = costs[2]["bytes"] + 50
    model = CompressedClassifier(
        DecisionTreeClassifier(random_state=0),
        student=NET,
        budget=Budget(bytes=limit, shapes=SHAPES),
        keep_transfer_set=True,
        **OPTIONS,
    ).fit(X, Y)
    assert len(model.student_.to_bytes()) <= limit
    assert model.student_.hidden_layer_sizes == model.budget_.hidden_layer_sizes
    assert model.transfer_set_.n_original == 300  # after a search on 240 of them
    assert model.teacher_.tree_.n_node_samples[0] == 300


def test_own_validation_rows_save_the_second_training():
    model = CompressedClassifier(
        DecisionTreeClassifier(random_state=0),
        student=NET,
        budget=Budget(tolerance=5.0, shapes=SHAPES),
        keep_transfer_set=True,
        **OPTIONS,
    ).fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    assert model.student_ is model.budget_.student
    assert model.budget_.teacher_error > 0


def test_values_have_budgets_too():
    net = StudentRegressor((9,), max_epochs=10, batch_size=32)
    model = CompressedRegressor(
        LinearRegression().fit(X, X[:, 0]), student=net, budget=Budget(us_per_row=100), **OPTIONS
    )
    assert model.fit(X).budget_.met
    several = CompressedRegressor(LinearRegression(), student=net, budget=Budget(bytes=4000, shapes=SHAPES), **OPTIONS)
    assert len(several.fit(X, X[:, :2]).student_.to_bytes()) <= 4000


def test_a_budget_nothing_can_meet_ends_before_the_teacher_is_fitted():
    class Untouched(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match="the nearest has"):
        CompressedClassifier(Untouched(), student=NET, budget=Budget(bytes=10), **OPTIONS).fit(X, Y)


# ---------------------------------------------------------------- limits
@pytest.mark.parametrize(
    "limits, message",
    [
        ({}, "Budget must have a limit.*got none"),
        ({"shapes": [(8,)]}, "Budget must have a limit.*got none"),
        ({"bytes": 0}, "bytes must be a positive number or None, got 0"),
        ({"us_per_row": -1}, "us_per_row must be a positive number or None, got -1"),
        ({"tolerance": -0.1}, "tolerance must be a number of at least 0 or None, got -0.1"),
        ({"bytes": "20 kB"}, "bytes must be a positive number or None, got '20 kB'"),
        ({"bytes": 100, "shapes": []}, "shapes must hold at least one tuple"),
        ({"bytes": 100, "shapes": [(0,)]}, "shapes must hold at least one tuple of positive integers"),
    ],
)
def test_limits_without_effect_or_out_of_range_are_errors(limits, message):
    with pytest.raises(ValueError, match=message):
        Budget(**limits)


def test_validation_labels_are_checked_before_any_training():
    options = {"student": NET, "costs": COSTS, "budget": Budget(bytes=1e9)}
    for y, message in ((Y[:5], "as many rows"), (Y + 7, "y_val holds 7, which is none of the classes")):
        with pytest.raises(ValueError, match=message):
            search_budget(DATA, X, y, **options)
    values, quick = TransferSet(X, X[:, 0], "values"), StudentRegressor((4,), max_epochs=2, random_state=0)
    options = {"student": quick, "budget": Budget(bytes=1e9, shapes=[(2,), (4,)])}
    one, two = ([row["error"] for row in search_budget(values, X, y, **options).rows] for y in (X[:, 0], X[:, :1]))
    assert one == two
    with pytest.raises(ValueError, match="as many outputs as y, 1, got 3"):
        search_budget(values, X, X, **options)
