import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.values import pair_by_item, pair_by_time


def test_items_pair_in_any_order_and_leftovers_are_counted_on_both_sides():
    found = pair_by_item(["a", "b", "c"], [1.0, 2.0, 3.0], ["d", "c", "a"], [4.0, 3.1, 1.1])
    assert found.reference.tolist() == [0, 2]
    assert found.measured.tolist() == [2, 1]
    assert found.unpaired_reference.tolist() == [1]
    assert found.unpaired_measured.tolist() == [0]


def test_a_value_that_is_not_finite_is_unusable_and_pairs_with_nothing():
    found = pair_by_item(["a", "b"], [1.0, np.nan], ["a", "b"], [np.inf, 2.0])
    assert found.reference.tolist() == []
    assert (found.unusable_reference, found.unusable_measured) == (1, 1)
    assert found.unpaired_reference.tolist() == [0]
    assert found.unpaired_measured.tolist() == [1]


def test_an_item_that_stands_twice_is_refused():
    with pytest.raises(WrongUse, match="1 measured values of an item"):
        pair_by_item(["a"], [1.0], ["a", "a"], [1.0, 2.0])


def test_items_may_be_tuples_or_rows():
    rows = [("p", 0), ("p", 30)]
    assert pair_by_item(rows, [1.0, 2.0], rows[::-1], [2.1, 1.1]).measured.tolist() == [1, 0]
    table = np.array([[1, 0], [1, 30]])
    assert pair_by_item(table, [1.0, 2.0], table, [1.0, 2.0]).measured.tolist() == [0, 1]


def test_the_window_holds_its_edge_and_nothing_beyond():
    edge = pair_by_time(["p"], [0.0], [5.0], ["p"], [300.0], [5.1], window_s=300)
    beyond = pair_by_time(["p"], [0.0], [5.0], ["p"], [300.001], [5.1], window_s=300)
    assert (edge.reference.tolist(), beyond.reference.tolist()) == ([0], [])


def test_people_never_pair_with_each_other():
    found = pair_by_time(["p"], [0.0], [5.0], ["q"], [0.0], [5.1], window_s=60)
    assert found.reference.tolist() == []


def test_each_value_is_used_once_and_the_nearest_pair_is_made_first():
    # Both references want the reading at 100; the second is nearer, the first takes what is left.
    found = pair_by_time(
        ["p", "p"], [60.0, 95.0], [1.0, 2.0], ["p", "p"], [100.0, 20.0], [9.0, 8.0], window_s=60
    )
    assert list(zip(found.reference.tolist(), found.measured.tolist(), strict=True)) == [(0, 1), (1, 0)]


times = st.lists(st.integers(0, 500).map(float), max_size=12)


@settings(max_examples=40)
@given(times, times, st.integers(0, 100), st.randoms())
def test_pairs_are_within_the_window_used_once_and_do_not_depend_on_order(left, right, window, random):
    def pairs(right_times):
        found = pair_by_time(
            ["p"] * len(left),
            left,
            np.arange(len(left), dtype=float),
            ["p"] * len(right_times),
            right_times,
            np.ones(len(right_times)),
            window_s=window,
        )
        assert len(set(found.measured.tolist())) == len(found.measured)
        assert len(found.reference) + len(found.unpaired_reference) == len(left)
        return [
            (left[i], right_times[j])
            for i, j in zip(found.reference.tolist(), found.measured.tolist(), strict=True)
        ]

    one = pairs(right)
    assert all(abs(a - b) <= window for a, b in one)
    shuffled = list(right)
    random.shuffle(shuffled)
    assert sorted(pairs(shuffled)) == sorted(one)


def test_nothing_pairs_with_nothing():
    found = pair_by_time([], [], [], [], [], [], window_s=0)
    assert found.reference.tolist() == found.unpaired_measured.tolist() == []


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"reference_time_s": [np.nan]}, "not finite"),
        ({"reference_time_s": [1.0, 2.0]}, "2 times for 1 values"),
        ({"window_s": -1.0}, "window"),
        ({"reference": ["x"]}, "not one row of numbers"),
        ({"reference_item": ["p", "q"]}, "2 items for 1 reference values"),
    ],
)
def test_bad_input_is_refused(arguments, found):
    good = {
        "reference_item": ["p"],
        "reference_time_s": [0.0],
        "reference": [1.0],
        "measured_item": ["p"],
        "measured_time_s": [0.0],
        "measured": [1.0],
        "window_s": 60.0,
    }
    with pytest.raises(WrongUse, match=found):
        pair_by_time(**{**good, **arguments})
