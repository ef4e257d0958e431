"""Boxes: overlap and COCO's matching by hand and by a second count, laws, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.boxes import COCO_AREAS, areas, centre_in_box, from_corners, iou, match_boxes
from medassay.tasks.detection import best_mark, one_to_one
from medassay.tasks.detection_check import recounted_boxes

box = st.tuples(*[st.integers(0, 6)] * 2, *[st.integers(0, 6)] * 2).map(list)
boxes = st.lists(box, max_size=5)
scored = st.lists(st.tuples(box, st.integers(0, 4).map(lambda n: n / 4)), max_size=8)


def split(rows):
    return [row for row, _ in rows], [score for _, score in rows]


@given(reference=boxes, rows=scored, threshold=st.sampled_from([0.25, 0.5, 0.75, 1.0]), data=st.data())
def test_a_walk_through_the_reference_boxes_gives_the_same_fates(reference, rows, threshold, data):
    crowd = data.draw(st.lists(st.booleans(), min_size=len(reference), max_size=len(reference)))
    predicted, scores = split(rows)
    found = match_boxes(reference, predicted, scores, thresholds=[threshold], crowd=crowd)
    again = recounted_boxes(reference, predicted, scores, threshold=threshold, crowd=crowd)
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    fates = [
        "ignored" if i else "correct" if c else "false"
        for c, i in zip(found.correct[0], found.ignored[0], strict=True)
    ]
    assert fates == [again[i] for i in order]
    assert found.references == len(reference) - sum(crowd)


@given(first=boxes, second=boxes)
def test_iou_is_symmetric_bounded_and_one_only_of_the_same_box(first, second):
    shares = iou(first, second)
    np.testing.assert_allclose(shares, iou(second, first).T)
    assert ((shares >= 0) & (shares <= 1)).all()
    for i, j in np.argwhere(shares == 1):
        assert first[i] == second[j]


@given(
    first=boxes.filter(bool),
    second=boxes.filter(bool),
    step=st.integers(-5, 5),
    factor=st.sampled_from([0.5, 2.0]),
)
def test_iou_depends_neither_on_the_place_nor_on_the_unit(first, second, step, factor):
    moved = [np.array(rows) + np.array([step, -step, 0, 0]) for rows in (first, second)]
    np.testing.assert_allclose(iou(*moved), iou(first, second))
    np.testing.assert_allclose(
        iou(*(np.array(rows) * factor for rows in (first, second))), iou(first, second)
    )


@given(reference=boxes, rows=scored)
def test_no_reference_box_is_taken_twice_and_no_box_is_both_right_and_ignored(reference, rows):
    predicted, scores = split(rows)
    found = match_boxes(reference, predicted, scores, thresholds=[0.25, 0.5, 0.75])
    right = found.correct.sum(axis=1)
    assert right.max(initial=0) <= len(reference)
    assert not (found.correct & found.ignored).any()


@given(reference=boxes, rows=scored)
def test_a_second_copy_of_a_box_is_never_right_where_the_first_took_the_only_object(reference, rows):
    predicted, scores = split(rows)
    once = match_boxes(reference, predicted, scores, thresholds=[0.6])
    twice = match_boxes(reference, predicted * 2, scores * 2, thresholds=[0.6])
    assert twice.correct.sum() <= len(reference)
    assert twice.correct.sum() >= once.correct.sum()


def test_overlap_at_exactly_the_threshold_is_a_hit():
    found = match_boxes([[0, 0, 10, 10]], [[0, 0, 10, 5]], [1.0], thresholds=[0.5, 0.5000001])
    assert found.correct.tolist() == [[True], [False]]
    assert match_boxes([[1, 1, 3, 3]], [[1, 1, 3, 3]], [1.0], thresholds=[1.0]).correct.all()


def test_a_crowd_absorbs_any_number_and_counts_no_object():
    found = match_boxes(
        [[0, 0, 100, 100], [0, 0, 10, 10]],
        [[0, 0, 10, 10], [1, 1, 9, 9], [50, 50, 8, 8], [200, 0, 9, 9]],
        [0.9, 0.8, 0.7, 0.6],
        thresholds=[0.5],
        crowd=[True, False],
    )
    assert found.references == 1
    assert found.correct.tolist() == [[True, False, False, False]]
    assert found.ignored.tolist() == [[False, True, True, False]]


def test_objects_outside_the_range_do_not_count_nor_do_boxes_there_that_find_nothing():
    reference, predicted = [[0, 0, 10, 10], [0, 0, 50, 50]], [[0, 0, 10, 10], [90, 90, 9, 9], [0, 0, 50, 50]]
    found = match_boxes(reference, predicted, [0.9, 0.8, 0.7], thresholds=[0.5], area=COCO_AREAS["medium"])
    assert found.references == 1
    assert found.correct.tolist() == [[False, False, True]]
    assert found.ignored.tolist() == [[True, True, False]]
    # An outline's area decides where it is given: the box of 2500 holds an object of 900.
    thin = match_boxes(
        reference,
        predicted,
        [0.9, 0.8, 0.7],
        thresholds=[0.5],
        area=COCO_AREAS["medium"],
        reference_area=[100, 900],
    )
    assert thin.references == 0


def test_most_marks_are_those_of_the_highest_scores():
    found = match_boxes([[0, 0, 5, 5]], [[9, 9, 1, 1], [0, 0, 5, 5]], [0.2, 0.8], most_marks=1)
    assert found.scores.tolist() == [0.8]


def test_centre_rule_and_either_matching_share_one_table_of_hits():
    hits = centre_in_box([[0, 0, 4, 4], [1, 1, 2, 2], [8, 8, 2, 2]], [[1, 1, 2, 2]])
    assert hits.tolist() == [[True], [True], [False]]
    first, second = (rule(hits, [0.9, 0.8, 0.7]) for rule in (best_mark, one_to_one))
    assert (first.false_scores.tolist(), first.surplus) == ([0.7], 1)
    assert (second.false_scores.tolist(), second.surplus) == ([0.8, 0.7], 0)


def test_boxes_in_three_dimensions_overlap_by_volume():
    assert iou([[0, 0, 0, 2, 2, 2]], [[1, 0, 0, 2, 2, 2]])[0, 0] == pytest.approx(4 / 12)
    assert areas([[0, 0, 0, 2, 3, 4]]).tolist() == [24]
    with pytest.raises(WrongUse, match="axes"):
        iou([[0, 0, 2, 2]], [[0, 0, 0, 2, 2, 2]])


def test_a_box_without_area_overlaps_nothing_and_is_missed_not_refused():
    found = match_boxes([[5, 5, 0, 0]], [[5, 5, 0, 0]], [0.9])
    assert (found.references, found.correct.any()) == (1, False)


def test_a_box_with_a_negative_size_or_a_number_that_is_none_is_refused():
    for fault in ([[0, 0, -1, 2]], [[0, 0, np.nan, 2]], [[0, 0, 2]], [0, 0, 2, 2]):
        with pytest.raises(WrongUse, match="sizes of 0 or more"):
            match_boxes(fault, [], [])
    with pytest.raises(WrongUse, match="sizes of 0 or more"):
        from_corners([[10, 10]], [[5, 20]])


def test_scores_that_do_not_rank_or_fit_are_refused():
    with pytest.raises(WrongUse, match="not finite"):
        match_boxes([], [[0, 0, 1, 1]], [np.nan])
    with pytest.raises(WrongUse, match="scores for"):
        match_boxes([], [[0, 0, 1, 1]], [])
    with pytest.raises(WrongUse, match="crowd flags"):
        match_boxes([[0, 0, 1, 1]], [], [], crowd=[])
