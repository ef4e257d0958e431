"""Counts of one case: additive statistics by hand, laws, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.counting import compare_counts, count_classes, differences

CLASSES = ["RBC", "WBC"]
pair = st.tuples(st.integers(0, 500), st.integers(0, 500)).map(list)


@given(reference=pair, prediction=pair)
def test_errors_turn_their_sign_with_the_sides_and_nothing_else(reference, prediction):
    there = compare_counts(reference, prediction, classes=CLASSES)
    back = compare_counts(prediction, reference, classes=CLASSES)
    for name in CLASSES:
        assert there[f"error[{name}]"] == -back[f"error[{name}]"]
        assert there[f"absolute_error[{name}]"] == abs(there[f"error[{name}]"])
        assert there[f"squared_error[{name}]"] == there[f"error[{name}]"] ** 2
        assert there[f"exact[{name}]"] == back[f"exact[{name}]"]
    assert there["all_exact"] == (reference == prediction)


@given(reference=pair)
def test_no_prediction_is_never_exact_and_never_free(reference):
    found = compare_counts(reference, None, classes=CLASSES)
    assert found["all_exact"] == 0
    for name, count in zip(CLASSES, reference, strict=True):
        assert found[f"exact[{name}]"] == 0
        assert found[f"absolute_error[{name}]"] == max(count, 1)


@given(labels=st.lists(st.sampled_from(CLASSES)), data=st.data())
def test_counts_do_not_depend_on_the_order_of_objects(labels, data):
    shuffled = data.draw(st.permutations(labels))
    counts = count_classes(labels, classes=CLASSES)
    assert counts.tolist() == count_classes(shuffled, classes=CLASSES).tolist()
    assert counts.sum() == len(labels)


def test_on_the_square_root_scale_poisson_counts_scatter_alike_at_every_mean():
    draw = np.random.default_rng(3)
    for mean in (5, 50, 5000):
        _, difference = differences(*draw.poisson(mean, (2, 20_000)), scale="square_root")
        assert difference.std() == pytest.approx(np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("fault", [[1], [1, -1], [1, 0.5], [1, np.nan], [1, np.inf]])
def test_what_is_no_count_is_refused(fault):
    with pytest.raises(WrongUse, match="whole number"):
        compare_counts(fault, [1, 1], classes=CLASSES)
    with pytest.raises(WrongUse, match="whole number"):
        compare_counts([1, 1], fault, classes=CLASSES)


def test_an_object_of_no_declared_class_is_refused_without_its_name():
    with pytest.raises(WrongUse, match="1 objects of no known class") as error:
        count_classes(["RBC", "Mr Wang"], classes=CLASSES)
    assert "Wang" not in str(error.value)
    with pytest.raises(WrongUse, match="named twice"):
        count_classes([], classes=["RBC", "RBC"])
