"""Average precision: published and hand-worked values, its definition, scikit-learn, laws, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.average_precision import (
    average_precision,
    average_precision_over_subjects,
    mean_over,
    recall,
)
from medassay.statistics.average_precision_check import by_definition, by_sklearn
from medassay.statistics.resampling import percentile_interval, resampling_weights

detection = st.tuples(st.integers(0, 6).map(lambda n: n / 6), st.booleans())
detections = st.lists(detection, max_size=12)
more = st.integers(0, 3)
LEVELS = {"coco_101": 101, "voc_11": 11, "all_point": None}


def split(rows):
    return [s for s, _ in rows], [c for _, c in rows]


def objects(rows, missed):
    return max(1, sum(c for _, c in rows) + missed)


@pytest.mark.parametrize("convention", LEVELS)
@pytest.mark.parametrize("ties", ["input_order", "together"])
@given(rows=detections, missed=more)
def test_its_definition_gives_the_same_figure(convention, ties, rows, missed):
    count = objects(rows, missed)
    ours = average_precision(*split(rows), count, convention=convention, ties=ties).value
    again = by_definition(*split(rows), count, levels=LEVELS[convention], together=ties == "together")
    assert ours == pytest.approx(again)


@given(rows=detections, missed=more)
def test_scikit_learn_gives_the_same_step_sum(rows, missed):
    count = objects(rows, missed)
    assert average_precision(*split(rows), count, convention="step").value == pytest.approx(
        by_sklearn(*split(rows), count)
    )


@given(rows=detections, missed=more, data=st.data())
def test_with_ties_together_the_order_of_detections_does_not_matter(rows, missed, data):
    shuffled = data.draw(st.permutations(rows))
    for convention in ("coco_101", "voc_11", "all_point", "step"):
        there, back = (
            average_precision(*split(r), objects(rows, missed), convention=convention, ties="together").value
            for r in (rows, shuffled)
        )
        assert there == pytest.approx(back)


@given(rows=detections, missed=more)
def test_bounds_hold_and_false_detections_above_all_others_never_help(rows, missed):
    count = objects(rows, missed)
    for convention in ("coco_101", "voc_11", "all_point", "step"):
        value = average_precision(*split(rows), count, convention=convention).value
        worse = average_precision(*split([(9.0, False), *rows]), count, convention=convention).value
        assert 0 <= worse <= value + 1e-12
        assert value <= 1 + 1e-12


@given(rows=detections, missed=more)
def test_false_detections_below_all_others_change_nothing(rows, missed):
    count = objects(rows, missed)
    for convention in ("coco_101", "all_point", "step"):
        value = average_precision(*split(rows), count, convention=convention).value
        padded = average_precision(*split([*rows, (-1.0, False)]), count, convention=convention).value
        assert padded == pytest.approx(value)


def test_conventions_differ_on_one_list_as_worked_by_hand():
    """Right, wrong, right of two objects: precision 1 up to recall 1/2, then 2/3."""
    scores, correct = [0.9, 0.8, 0.7], [True, False, True]
    worked = {
        "coco_101": (51 + 50 * 2 / 3) / 101,
        "voc_11": (6 + 5 * 2 / 3) / 11,
        "all_point": (1 + 2 / 3) / 2,
        "step": (1 + 2 / 3) / 2,
    }
    found = {c: average_precision(scores, correct, 2, convention=c).value for c in worked}
    assert found == pytest.approx(worked)
    # Wrong first: the step sum takes precision as it is, the envelope the best to come.
    scores, correct = [0.9, 0.8, 0.7], [False, True, True]
    assert average_precision(scores, correct, 2, convention="step").value == pytest.approx(
        (1 / 2 + 2 / 3) / 2
    )
    assert average_precision(scores, correct, 2, convention="all_point").value == pytest.approx(2 / 3)


def test_equal_scores_are_one_step_or_stand_as_given():
    scores = [0.5, 0.5]
    orders = [
        average_precision(scores, c, 1, ties="input_order").value for c in ([True, False], [False, True])
    ]
    assert orders == pytest.approx([1, 0.5])
    assert average_precision(scores, [True, False], 1, ties="together").value == pytest.approx(0.5)


def test_ignored_detections_are_neither_right_nor_wrong():
    plain = average_precision([0.8, 0.7], [True, False], 1)
    with_ignored = average_precision([0.9, 0.8, 0.7], [False, True, False], 1, ignored=[True, False, False])
    assert plain.value == with_ignored.value == 1


def test_a_class_that_the_test_set_lacks_is_said_and_left_out_of_the_mean():
    lacking = average_precision([0.9], [False], 0)
    assert (lacking.value, lacking.undefined) == (None, "no reference object")
    missed = average_precision([], [], 3)
    assert missed.value == 0
    mean = mean_over([lacking, missed, average_precision([0.9], [True], 1)])
    assert (mean.value, mean.n_events) == (0.5, 2)
    assert mean.undefined == "1 of 3 left out: no reference object"
    assert mean_over([lacking]).value is None
    assert mean_over([]).undefined == "no class"
    assert recall([True, False], 4).value == 0.25


@pytest.mark.parametrize("convention", ["coco_101", "all_point"])
def test_the_interval_is_that_of_subjects_drawn_and_scored_anew(convention):
    generator = np.random.default_rng(7)
    owner = np.sort(generator.integers(0, 15, 60))
    correct = generator.random(60) < 0.5
    scores = generator.random(60) + correct * 0.3
    references = np.bincount(owner, correct, 15).astype(int) + generator.integers(0, 2, 15)
    found = average_precision_over_subjects(
        scores, correct, owner, references, seed=2, replicates=200, convention=convention
    )
    figures = []
    for weights in resampling_weights(15, 200, 2):
        rows = np.concatenate([np.repeat(np.flatnonzero(owner == s), int(w)) for s, w in enumerate(weights)])
        count = int(weights @ references)
        figures.append(average_precision(scores[rows], correct[rows], count, convention=convention).value)
    assert found.value == average_precision(scores, correct, references.sum(), convention=convention).value
    assert (found.lower, found.upper) == pytest.approx(percentile_interval(np.array(figures), 0.95))


BAD = {
    "NaN score": ([np.nan], [True], 1),
    "infinite score": ([np.inf], [True], 1),
    "a flag short": ([0.5, 0.4], [True], 1),
    "an object found twice": ([0.5, 0.4], [True, True], 1),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_no_matching_gives_is_refused(fault):
    with pytest.raises(WrongUse):
        average_precision(*BAD[fault])
    scores, correct, references = BAD[fault]
    with pytest.raises(WrongUse):
        average_precision_over_subjects(scores, correct, [0] * len(scores), [references], seed=1)


def test_conventions_and_owners_that_do_not_exist_are_refused():
    with pytest.raises(WrongUse, match="convention"):
        average_precision([0.5], [True], 1, convention="coco")
    with pytest.raises(WrongUse, match="ties"):
        average_precision([0.5], [True], 1, ties="random")
    for owner in ([1], [-1], []):
        with pytest.raises(WrongUse, match="owners"):
            average_precision_over_subjects([0.5], [True], owner, [1], seed=1)
    with pytest.raises(WrongUse, match="2 correct detections of 1"):
        recall([True, True], 1)
